"""All that the first step of a detection does: it checks, plans, and ends a run that has nothing to detect."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from components.core.collection.plan import Plan
from components.core.documents.imagery import DetectionImages, load_options
from components.plan_imagery.plan_imagery import counts, plan_imagery
from components.plan_imagery.preflight import DetectionInputs, check_inputs


def check_and_plan(
    inputs: DetectionInputs, plan_dir: Path | str, summary: Path | str, report: Path | str, names: Mapping[str, str]
) -> tuple[Plan, dict[str, float]]:
    """Check all that a run is given, its later steps included, and plan; see `check_inputs` and `plan_imagery`.

    Where there is nothing to do, publish at once: no other step runs then.

    Args:
        inputs: What the run is given.
        plan_dir: The plan's directory; it appears when it is whole.
        summary: JSON file for the plan, or for the whole run where there is nothing to detect.
        report: HTML file, likewise.
        names: What the user calls the inputs, where that is something else.

    Returns:
        The plan; and counts, for metrics.

    Raises:
        InputsError: If anything is wrong with the inputs; it lists all faults.
        DataError: If the model is none, or a marker is broken.
        TooManySkippedError: If nothing is to be detected and more images are skipped than `max_bad`.
        StorageError: If a place cannot be reached or written.
    """
    check_inputs(inputs, names)
    plan = plan_imagery(
        inputs.images_uri,
        inputs.output_uri,
        inputs.model_uri,
        plan_dir,
        settings=inputs.settings,
        redo=inputs.redo,
        shard_megapixels=inputs.shard_megapixels,
        max_shards=inputs.max_shards,
        options=load_options(DetectionImages, inputs.images_options),
    )
    if plan.scenes:
        from components.plan_imagery.report import write_plan_report

        write_plan_report(plan, report, summary)
        return plan, counts(plan)
    from components.publish_collection.publish_collection import publish_collection  # as a step of its own otherwise

    published = publish_collection(
        plan_dir,
        [],
        summary,
        report=report,
        formats=inputs.formats,
        join_tiles=inputs.join_tiles,
        confirm=inputs.confirm,
        max_bad=inputs.max_bad,
    )
    return plan, counts(plan) | published
