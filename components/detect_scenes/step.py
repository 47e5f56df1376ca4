"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import Any

from components.core.network.gpus import check_gpus
from components.core.step import Artifact, Metrics, log_metrics, step
from components.core.storage.mounted import data_root_or_default
from components.detect_scenes.detect_scenes import detect_scenes


def run(
    plan: Artifact, metrics: Metrics, shard: str, data_root: str, gpus: int, require_gpus: bool, **options: Any
) -> None:
    """Run the stage; see `detect_scenes`.

    Args:
        plan: What plan_imagery wrote.
        metrics: Get counts of scenes, objects and megapixels; megabytes read and written.
        shard: Name of the shard, such as "2/5".
        data_root: Folder or URI prefix for masks and confidences; empty for the cluster's own.
        gpus: How many GPUs the step was placed on.
        require_gpus: Whether fewer than that are an error; else the step goes on with what there is.
        options: Of the stage.
    """
    check_gpus(gpus, require_gpus)
    with step() as moved:
        counts = detect_scenes(plan.path, shard, data_root=data_root_or_default(data_root), **options)
    log_metrics(metrics, counts, moved)
