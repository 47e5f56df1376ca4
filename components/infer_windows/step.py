"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import Any

from components.core.documents.tutorial import INFERENCE_CONFIG
from components.core.step import Artifact, Document, Metrics, document_text, path_of, step
from components.core.storage.mounted import data_root_or_default
from components.infer_windows.infer_windows import infer_windows


def run(
    project: Artifact,
    model: Artifact | None,
    predictions: Artifact,
    metrics: Metrics,
    data_root: str,
    config: Document,
    gpus: int,
    *,
    model_uri: str = "",
    **options: Any,
) -> None:
    """Run the stage; see `infer_windows`.

    Args:
        project: The project whose images to infer.
        model: The folder that train_unet wrote.
        predictions: The output project, with the predicted masks.
        metrics: Counts of scenes, megapixels (per second, and without data or not inferred), windows skipped;
            megabytes moved.
        data_root: Folder or URI prefix for inference's rasters; empty for the cluster's own
            (FOOTPRINTS_DATA_ROOT).
        config: The inference config; empty for the tutorial's.
        gpus: How many GPUs the step was placed on: it uses the first, and stops where it sees fewer; 0 for none, or to
            go by the config's `gpu_devices`.
        model_uri: Instead of the model: where such a folder is, perhaps in object storage, or a pointer to it.
        options: Of the stage.
    """
    with step(metrics, predictions) as numbers:
        report = infer_windows(
            project.path,
            path_of(model),
            predictions.path,
            data_root=data_root_or_default(data_root),
            model_uri=model_uri,
            config=document_text(config) or INFERENCE_CONFIG,
            gpus=gpus,
            **options,
        )
        numbers.update(report.scalars())
