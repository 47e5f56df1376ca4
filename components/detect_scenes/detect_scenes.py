"""One shard of a detection: images imported, inferred, split into buildings, and published as scenes.

The first three are steps of their own where a model is trained. Here all are one, for every step of a Kubeflow run
takes a pod more that drives it, some 20 seconds, and a share of the mebibyte that Argo has for a run: with three steps
a shard a run could not have thirty of them. Import reads headers, and splitting takes a few hundredths of the network's
time. Finishing scenes takes more, and the GPU waits for it; but all shards do it at once, on the cores that they have,
and the one step that follows them would do it alone.
"""

from __future__ import annotations

from pathlib import Path

from components.core import storage
from components.core.collection.parts import put_part
from components.core.collection.plan import ITEM_PIXELS, Plan, read_plan
from components.core.collection.shard_results import finish_shard
from components.core.documents.tutorial import INFERENCE_CONFIG
from components.core.errors import DataError
from components.core.models import local_model, network_digest
from components.import_images.planned import import_planned
from components.infer_windows.infer_windows import infer_windows
from components.split_masks.split_masks import split_masks


def detect_scenes(
    plan_dir: Path | str,
    shard: str,
    *,
    data_root: str,
    max_item_pixels: int = ITEM_PIXELS,
    workers: int = 0,
    gpus: int = 0,
) -> dict[str, float]:
    """Detect what a plan gives to a shard, and finish every scene that is wholly its own.

    What is left, scenes that are cut over several shards or could not be finished, goes to publish_collection beside
    the collection, with what that tells of the others. Scenes that were inferred or finished before, by
    this step or an earlier try of it, are not again. Any number of scenes may be skipped: publish_collection compares
    with the plan, and `max_bad` counts there.

    Args:
        plan_dir: What plan_imagery wrote; it says with which model and settings.
        shard: Name of the shard, such as "2/5".
        data_root: Folder or URI prefix for inference's rasters.
        max_item_pixels: An image of more pixels becomes several items, each some of its rows; 0 for never.
        workers: Worker processes for import, splitting and finishing (0 = one per core).
        gpus: As infer_windows takes it.

    Returns:
        Counts, for metrics.

    Raises:
        ConfigError: If a parameter breaks its rule, the config or query does not fit the model, or the query gives no
            objects of the plan's class.
        DataError: If there is no plan, or the model is another than when it was made, before or after detecting.
        StorageError: If a place cannot be reached or written.
    """
    plan = read_plan(plan_dir)
    storage.check_writable(data_root)
    storage.check_writable(plan.output_uri, removes=True)
    settings = plan.settings
    with storage.scratch_folder("detect") as folder, local_model(plan.model_uri, settings.runtime) as model:
        _check_model(plan, model)
        project, predictions, split, part = (folder / name for name in ("project", "predictions", "split", "part"))
        imported = import_planned(plan, shard, project, data_root=data_root, workers=workers)
        inferred = infer_windows(
            project,
            model,
            predictions,
            data_root=data_root,
            config=settings.inference_config or INFERENCE_CONFIG,
            image_tags=(),
            max_bad=None,
            allow_empty=True,
            max_item_pixels=max_item_pixels,
            gpus=gpus,
        )
        objects = split_masks(
            predictions,
            split,
            query=settings.split_masks_query,
            max_bad=None,
            allow_empty=True,
            workers=workers,
        )
        _check_model(plan, model)
        finished = finish_shard(plan, split, model, part, workers=workers)
        put_part(plan, shard, part)
    skipped = len(imported.skipped) + len(inferred.skipped) + len(objects.result.skipped)
    return {**inferred.scalars(), "finished": finished, "skipped": skipped}


def _check_model(plan: Plan, folder: Path) -> None:
    if network_digest(folder, plan.settings.runtime) != plan.runs:
        raise DataError(
            f"model_uri: {plan.model_uri} holds another model than at planning; start a new run, and give "
            "each model a folder of its own"
        )
