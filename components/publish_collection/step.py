"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import Any

from components.core.collection.parts import fetched_parts, remove_parts
from components.core.collection.plan import read_plan
from components.core.step import Artifact, Metrics, path_of, step
from components.publish_collection.publish_collection import publish_collection


def run(plan: Artifact, summary: Artifact, metrics: Metrics, report: Artifact | None, **options: Any) -> None:
    """Run the stage; see `publish_collection`.

    Args:
        plan: What plan_imagery wrote; it says where the collection lies, and with it what the shards left.
        summary: JSON summary of the run, with the paths of its results.
        metrics: Counts of scenes and buildings; megabytes read and written.
        report: Page of what was new, done, ignored and skipped, with pictures.
        options: Of the stage.
    """
    with step(metrics, summary) as numbers:
        opened = read_plan(plan.path)
        with fetched_parts(opened) as parts:
            counts = publish_collection(plan.path, parts, summary.path, report=path_of(report), **options)
        remove_parts(opened)
        numbers.update(counts)
