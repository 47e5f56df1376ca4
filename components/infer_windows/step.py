"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import Any

from components.core.documents.tutorial import INFERENCE_CONFIG
from components.core.network.gpus import check_gpus
from components.core.step import Artifact, Metrics, document_text, log_metrics, step
from components.core.storage.mounted import data_root_or_default
from components.infer_windows.infer_windows import infer_windows


def run(
    project: Artifact,
    model: Artifact,
    predictions: Artifact,
    metrics: Metrics,
    data_root: str,
    config: dict[str, Any],
    gpus: int,
    require_gpus: bool,
    **options: Any,
) -> None:
    """Run the stage; see `infer_windows`.

    Args:
        project: The project whose images are looked at.
        model: What train_unet wrote.
        predictions: Gets the project of what was found.
        metrics: Get counts of scenes, megapixels (per second, and without data), windows skipped; megabytes moved.
        data_root: Folder or URI prefix for masks and confidences; empty for the cluster's own.
        config: The inference config; empty for the tutorial's.
        gpus: How many GPUs the step was placed on.
        require_gpus: Whether fewer than that are an error; else the step goes on with what there is.
        options: Of the stage.
    """
    check_gpus(gpus, require_gpus)
    with step() as moved:
        report = infer_windows(
            project.path,
            model.path,
            predictions.path,
            data_root=data_root_or_default(data_root),
            config=document_text(config) or INFERENCE_CONFIG,
            **options,
        )
    log_metrics(metrics, report.counts(), moved, predictions)
