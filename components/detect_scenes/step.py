"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import Any

from components.core.collection.plan import ITEM_PIXELS
from components.core.step import Artifact, Metrics, step
from components.core.storage.mounted import data_root_or_default
from components.detect_scenes.detect_scenes import detect_scenes


def run(
    plan: Artifact,
    metrics: Metrics,
    shard: str,
    data_root: str,
    gpus: int,
    *,
    max_item_pixels: int = ITEM_PIXELS,
    **options: Any,
) -> None:
    """Run the stage; see `detect_scenes`.

    Args:
        plan: What plan_imagery wrote.
        metrics: Counts of scenes, objects and megapixels; megabytes read and written.
        shard: Name of the shard, as plan_imagery gives it: 2/5 is the second of five.
        data_root: Folder or URI prefix for inference's rasters; empty for the cluster's own
            (FOOTPRINTS_DATA_ROOT).
        gpus: How many GPUs the step was placed on: it uses the first, and stops where it sees fewer; 0 for none, or to
            go by the config's `gpu_devices`.
        max_item_pixels: An image of more pixels becomes several items, each some of its rows; 0 for never.
        options: Of the stage.
    """
    with step(metrics) as numbers:
        counts = detect_scenes(
            plan.path,
            shard,
            data_root=data_root_or_default(data_root),
            max_item_pixels=max_item_pixels,
            gpus=gpus,
            **options,
        )
        numbers.update(counts)
