"""The images that a plan gives to one shard become a project; what cannot be read is skipped and named."""

from __future__ import annotations

from pathlib import Path

from components.core import storage
from components.core.collection.plan import Plan, shard_number
from components.core.errors import ConfigError, DataError
from components.core.geometry import Size
from components.core.imagery.bands import bands_of_text
from components.core.imagery.pairs import ImagePair
from components.core.imagery.scaling import Scaling
from components.core.project.parts import Rows
from components.core.scene_errors import scene_errors
from components.core.skip_budget import SkipBudget, Skipped
from components.import_images.import_images import ImportResult, run_tasks, write_imported
from components.import_images.scene import import_scene
from components.import_images.task import OutsideScene, ReadyScene, SceneTask


def import_planned(
    plan: Plan,
    shard: str,
    project_dir: Path | str,
    *,
    data_root: str,
    project_name: str = "INRIA",
    dataset: str = "ds",
    class_title: str = "untitled",
    workers: int = 0,
) -> ImportResult:
    """Import what a plan gives to a shard: images without masks, or rows of large ones.

    Items are named by the scenes' ids. Images of 8 bits stay where they are, tiled or not, for each of them is read
    once. An image that was replaced or deleted after the plan was made is skipped, as is a broken one; the project
    may be empty.

    Args:
        plan: Which scenes, and how they are read.
        shard: Name of the shard, such as "2/5".
        project_dir: The project's directory; it appears when it is whole.
        data_root: A folder or URI prefix for images that must be rewritten.
        project_name: Name of the project, which queries use.
        dataset: Name of its one dataset.
        class_title: Its one class.
        workers: Worker processes (0 = one per core).

    Returns:
        What was done.

    Raises:
        ConfigError: If a parameter breaks its rule.
        StorageError: If the imagery cannot be reached.
    """
    if not data_root:
        raise ConfigError("data_root: is empty; give a folder or URI prefix for rewritten rasters")
    asked = Scaling.parse(plan.scaling)
    root = storage.absolute_uri(data_root)
    tasks = [
        SceneTask(
            ImagePair(scene.id, scene.image, None),
            root,
            asked,
            dataset,
            class_title,
            keep_untiled=True,
            bands=bands_of_text(plan.settings.bands),
            rows=_wanted(Rows(part.top, part.bottom), scene.size),
            wanted_area=scene.area,
            stack=scene.bands,
        )
        for scene, part in plan.of_shard(shard_number(shard, plan.shards))
    ]
    imported = run_tasks(_import_as_planned, tasks, workers, SkipBudget(None))
    write_imported(project_dir, project_name, class_title, imported)
    return imported.report()


def _wanted(rows: Rows, size: Size) -> Rows | None:
    return None if rows == Rows(0, size.height) else rows


def _import_as_planned(task: SceneTask) -> ReadyScene | OutsideScene | Skipped:
    try:
        with scene_errors(task.pair.image.uri):
            changed = _changed(task)
    except DataError as error:
        changed = str(error)
    return import_scene(task) if changed is None else Skipped(task.pair.name, changed)


def _changed(task: SceneTask) -> str | None:
    """What became of an image and the files beside it since the plan was made; None where all is as it was."""
    image = task.pair.image
    for planned in (image, *image.sides, *task.stack[1:]):
        found = storage.stat(planned.uri)
        if found is None:
            then = "the next run retires it" if planned is image else "the next run imports the image without it"
            return f"{planned.uri}: was deleted after planning; {then}"
        if (found.etag, found.size_bytes) != (planned.etag, planned.size_bytes):
            return f"{planned.uri}: was replaced after planning; the next run imports the image"
    return None
