"""The stage as a step of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.core import storage
from components.core.collection.plan import shard_names
from components.core.documents.imagery import with_flags
from components.core.step import Artifact, Document, Metrics, document_text, step
from components.plan_imagery.names import PARAMETERS
from components.plan_imagery.preflight import DetectionInputs
from components.plan_imagery.run import check_and_plan


def run(
    plan: Artifact,
    summary: Artifact,
    metrics: Metrics,
    report: Artifact,
    unfinished: str,
    inference_config: Document,
    split_masks_query: Document,
    images_options: Document,
    *,
    captured_pattern: str = "",
    scaling: str = "",
    names: Mapping[str, str] = PARAMETERS,
    **options: Any,
) -> list[str]:
    """Run the stage; see `DetectionInputs` and `components.core.collection.plan.DetectionSettings`.

    Args:
        plan: Output directory of the plan: the scenes to detect, by shard, and those to retire.
        summary: JSON summary of the plan, or of the whole run where there is nothing to do.
        metrics: Counts of images, megapixels and shards; megabytes read and written.
        report: HTML page of the plan, or of the whole run where there is nothing to do.
        unfinished: File for whether anything is left to publication, scenes to detect or to make again: true or false.
        inference_config: The inference config; empty for the tutorial's.
        split_masks_query: DTL query; empty for the tutorial's.
        images_options: How the imagery is read, beside where it lies; empty for the defaults.
        captured_pattern: Regular expression that finds the day of capture in keys, with the named groups year, month
            and day, and wins over metadata; empty for the usual forms, none for none.
        scaling: How more than 8 bits become 8, percentile, full, or LOW,HIGH; empty for percentile.
        names: What the user calls the inputs, where that is something else.
        options: All other inputs of the run, those of later steps included.

    Returns:
        Names of the shards, 1/n to n/n; none where there is nothing to detect.
    """
    documents = {
        "inference_config": document_text(inference_config),
        "split_masks_query": document_text(split_masks_query),
    }
    with step(metrics, plan) as numbers:
        text = document_text(images_options)
        documents["images_options"] = with_flags(text, captured_pattern=captured_pattern, scaling=scaling)
        inputs = DetectionInputs.of({**options, **documents})
        done, counted = check_and_plan(inputs, plan.path, summary.path, report.path, names)
        numbers.update(counted)
        if unfinished:
            storage.write_bytes(unfinished, b"true" if done.scenes else b"false")
    return shard_names(done.shards)
