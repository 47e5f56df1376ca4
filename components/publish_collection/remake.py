"""Footprints made again from what the network said before, without it and without the imagery.

Scenes are done in batches, so that the disk holds the rasters of one batch at a time, whatever the collection's size.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from affine import Affine

from components.core import storage
from components.core.collection.collect_parts import SceneFailure, collect_parts
from components.core.collection.describe import check_unchanged
from components.core.collection.finish_scene import FinishedScene
from components.core.collection.finish_scenes import finish_scenes, finishing_run, scene_finisher
from components.core.collection.ledger import Collection
from components.core.collection.plan import ITEM_PIXELS, Plan, PlannedScene
from components.core.collection.shard_results import FINISHING
from components.core.documents.inference import load_config
from components.core.documents.predicted import ClassPlan, plan_classes
from components.core.documents.predicted_items import predicted_items
from components.core.documents.thresholds import thresholds_of
from components.core.documents.tutorial import INFERENCE_CONFIG
from components.core.errors import DataError, StorageError
from components.core.footprints.records import check_class
from components.core.models import local_model, network_digest
from components.core.network.description import read_config
from components.core.parallel import LOST, parallel_map, worker_count
from components.core.preflight.classes import PREDICTIONS_PROJECT
from components.core.preflight.queries import DATASET, imported
from components.core.progress import progress
from components.core.project import ImageRef, Item, manifest_writer, open_project
from components.core.project.class_rasters import PartFiles, classify_again, rows_profile
from components.core.project.history import StageRun, read_history
from components.core.project.parts import Rows, row_parts
from components.core.project.predictions import PROBABILITY_ROLE
from components.core.scene_errors import scene_errors
from components.core.skip_budget import Skipped
from components.split_masks.split_masks import split_masks

STAGE = "remake_scenes"
"""What this part of publication is called in its history."""

BATCH_PIXELS = 4_000_000_000

RASTER_KINDS = ("mask", "confidence", "probability")
"""As `PartFiles` has them."""


class RemadeScenes(NamedTuple):
    """What became of the scenes that need no network.

    Attributes:
        finished: Those that are done.
        failures: Those that are not.
        history: What was done, and why scenes were skipped.
    """

    finished: tuple[FinishedScene, ...]
    failures: tuple[SceneFailure, ...]
    history: tuple[StageRun, ...]


def remake_scenes(
    plan: Plan, workers: int = 0, batch_pixels: int = BATCH_PIXELS, item_pixels: int = ITEM_PIXELS
) -> RemadeScenes:
    """Make the footprints of a plan's scenes again from what the network said of them.

    Scenes that have their marker, of a try of this step that was killed, are left as they are: the ledger knows them.

    Args:
        plan: Of the run; there is such a scene.
        workers: Worker processes (0 = one per core).
        batch_pixels: How many pixels the scenes of a batch have together at most, unless one has more.
        item_pixels: Scenes of more pixels are cut into rows, as a shard cuts them.

    Returns:
        What became of them.

    Raises:
        ConfigError: If the model is not the plan's any more, the documents do not fit it, or no object is of the plan's
            class.
        DataError: If the model cannot be read.
        StorageError: If the collection cannot be read, or there is no room on the disk.
    """
    marks = set(Collection(plan.output_uri).marks())
    scenes = [scene for scene in plan.remade if plan.mark(scene) not in marks]
    if not scenes:
        return RemadeScenes((), (), ())
    classify = _classifier(plan, item_pixels)
    results = [_batch(plan, classify, batch, workers) for batch in _batches(scenes, batch_pixels)]
    return RemadeScenes(
        tuple(scene for result in results for scene in result.finished),
        tuple(failure for result in results for failure in result.failures),
        tuple(run for result in results for run in result.history),
    )


def _batches(scenes: Sequence[PlannedScene], pixels: int) -> Iterator[list[PlannedScene]]:
    batch: list[PlannedScene] = []
    taken = 0
    for scene in scenes:
        if batch and taken + scene.size.area > pixels:
            yield batch
            batch, taken = [], 0
        batch.append(scene)
        taken += scene.size.area
    yield batch


@dataclass(frozen=True)
class _Classifier:
    """Gives scenes their masks; picklable, for processes.

    Attributes:
        plan: Says which earlier detection each scene is made of.
        classes: Which are kept, and how they are called.
        thresholds: For each class but the background; none for the most probable one.
        item_pixels: The most pixels of an item.
        folder: Where rasters go, once a batch begins.
    """

    plan: Plan
    classes: ClassPlan
    thresholds: tuple[float, ...]
    item_pixels: int
    folder: Path = Path()

    def __call__(self, scene: PlannedScene) -> list[Item] | Skipped:
        """The items of a scene; or why there is none."""
        try:
            with scene_errors(scene.key):
                return list(self._items(scene))
        except (DataError, StorageError) as error:
            return Skipped(scene.id, str(error))

    def _items(self, scene: PlannedScene) -> Iterator[Item]:
        collection = Collection(self.plan.output_uri)
        mark = replace(self.plan.mark(scene), detector=scene.remade_from)
        record = collection.read(mark)
        if record.transform is None:
            raise DataError(f"{mark.stem}: its marker has no transform; delete the marker to detect the scene again")
        probability = self.folder / f"{scene.id}.tif"
        storage.get_file(storage.join_uri(collection.scene_folder(mark), record.files[PROBABILITY_ROLE]), probability)
        image = ImageRef.whole(scene.uri, scene.size, record.crs, Affine(*record.transform))
        parts = [
            PartFiles(rows, *(str(self.folder / f"{scene.id}-{rows.top}-{kind}.tif") for kind in RASTER_KINDS))
            for rows in row_parts(scene.size, Rows(0, scene.size.height), self.item_pixels)
        ]
        if len(parts) == 1:
            parts = [replace(parts[0], probability=str(probability))]
        extents = [
            classify_again(str(probability), part, rows_profile(image, part.rows), self.thresholds) for part in parts
        ]
        return predicted_items(Item(DATASET, scene.id, scene.size, image), self.classes, parts, extents, (), {})


def _classifier(plan: Plan, item_pixels: int) -> _Classifier:
    config = load_config(plan.settings.inference_config or INFERENCE_CONFIG)
    with local_model(plan.model_uri, plan.settings.runtime) as folder:
        check_unchanged(plan, network_digest(folder, plan.settings.runtime))
        described = read_config(folder)
    classes = plan_classes(imported().meta, described.class_infos, config, PREDICTIONS_PROJECT)
    return _Classifier(plan, classes, thresholds_of(config, described), item_pixels)


def _batch(plan: Plan, classify: _Classifier, scenes: Sequence[PlannedScene], workers: int) -> RemadeScenes:
    begun = time.perf_counter()
    with storage.scratch_folder("remake") as folder:
        classify = replace(classify, folder=folder)
        found = parallel_map(classify, scenes, worker_count(workers, len(scenes)), _lost)
        skipped = []
        predictions, split = folder / "predictions", folder / "split"
        with manifest_writer(predictions, classify.classes.meta) as writer:
            for result in progress(found, len(scenes), "scenes classified again"):
                if isinstance(result, Skipped):
                    skipped.append(result)
                    continue
                for item in result:
                    writer.add(item)
            seconds = round(time.perf_counter() - begun, 3)
            writer.history = (StageRun(STAGE, len(scenes) - len(skipped), 0.0, seconds, tuple(skipped)),)
        query = plan.settings.split_masks_query
        split_masks(predictions, split, query=query, max_bad=None, allow_empty=True, workers=workers)
        project, history = open_project(split), read_history(split)
        check_class(project, plan.settings.class_title)
        part = replace(plan, scenes=tuple(scenes), skipped=())
        collected = collect_parts(part, [project], history)
        finished, failures = finish_scenes(scene_finisher(plan, [project]), collected.scenes, workers)
        done = finishing_run(FINISHING, finished, time.perf_counter() - begun - seconds)
        return RemadeScenes(finished, (*collected.failures, *failures), (*history, done))


def _lost(scene: PlannedScene) -> Skipped:
    return Skipped(scene.id, LOST)
