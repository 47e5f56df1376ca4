"""The stage as a step of a pipeline."""

from __future__ import annotations

import json
from typing import Any

from components.core import storage
from components.core.step import Artifact, Document, Echo, Metrics, document_text, no_echo, step
from components.core.storage.mounted import data_root_or_default
from components.promote.promote import promote
from components.promote.scoring import Scoring


def run(
    model: Artifact,
    evaluation: Artifact,
    project: Artifact,
    decision: Artifact,
    metrics: Metrics,
    report: Artifact | None,
    config: Document,
    data_root: str,
    inference_config: Document,
    split_masks_query: Document,
    training_run: str,
    *,
    echo: Echo = no_echo,
    **options: Any,
) -> None:
    """Run the stage; see `Scoring`.

    Args:
        model: The new model, as train_unet wrote it.
        evaluation: What evaluate wrote of it.
        project: The project with the held-out images and their truth.
        decision: JSON file to write: whether the pointer was moved, why, and both models' scores.
        metrics: Whether it was moved, what the new model gains, and how certain that is; megabytes moved.
        report: Page of the comparison by town.
        config: The promotion config: the pointer, and when it is moved.
        data_root: Folder or URI prefix for inference's rasters of the model in use; empty for the cluster's own
            (FOOTPRINTS_DATA_ROOT).
        inference_config: The inference config by which the new model was tested; empty for the tutorial's.
        split_masks_query: DTL query that splits masks into objects, the same; empty for the tutorial's.
        training_run: Names the run that trained the model, for the pointer.
        echo: Hears what was decided.
        options: Of the stage.
    """
    with step(metrics) as numbers:
        scoring = Scoring(
            project=project.path,
            data_root=data_root_or_default(data_root),
            inference_config=document_text(inference_config),
            split_masks_query=document_text(split_masks_query),
            **options,
        )
        result = promote(model.path, evaluation.path, document_text(config) or "{}", scoring, training_run=training_run)
        numbers.update(result.scalars())
        text = json.dumps(result.as_json(), indent=1, ensure_ascii=False)
        storage.write_bytes(decision.path, f"{text}\n".encode())
        if report is not None:
            from components.promote.report import write_report  # jinja2, once the work is done

            write_report(result, report.path)
    for line in result.sentences():
        echo(line)
