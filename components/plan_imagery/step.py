"""The stage as a step of a pipeline, which also ends a run that has nothing to detect."""

from __future__ import annotations

from typing import Any

from components.core.collection.plan import Settings, shard_names
from components.core.step import Artifact, Metrics, document_text, log_metrics, step
from components.plan_imagery.plan_imagery import counts, plan_imagery
from components.plan_imagery.report import write_plan_report
from components.publish_collection.publish_collection import publish_collection


def run(
    plan: Artifact,
    summary: Artifact,
    metrics: Metrics,
    report: Artifact,
    images_uri: str,
    output_uri: str,
    model_uri: str,
    inference_config: dict[str, Any],
    split_masks_query: list[Any],
    class_title: str,
    tolerance_px: float,
    tolerance_m: float,
    min_area_m2: float,
    regularise: bool,
    confidence: bool,
    scaling: str,
    data_root: str,
    formats: str,
    max_bad: int,
    **options: Any,
) -> list[str]:
    """Run the stage; see `plan_imagery`. Where there is nothing to detect, publish at once: no other step runs then.

    Args:
        plan: Gets what is to be done, by which shard, and what is to be retired.
        summary: Gets a JSON file of what is to be done, or was done where there was nothing to detect.
        metrics: Get counts of images, megapixels and shards; megabytes read and written.
        report: Gets a page of what is to be done, or was done where there was nothing to detect.
        images_uri: Folder or URI prefix; images at any depth below it are scenes.
        output_uri: Folder or URI prefix of the collection, whose ledger says what is done.
        model_uri: Folder or URI prefix of the model, as train_unet wrote it.
        inference_config: Empty for the tutorial's.
        split_masks_query: DTL query; empty for the tutorial's.
        class_title: Class of the objects that become footprints.
        tolerance_px: Tolerance of simplification in pixels; 0 keeps the pixels' edges.
        tolerance_m: The same in metres; 0 to use `tolerance_px`.
        min_area_m2: Smaller objects are left out.
        regularise: Whether polygons get right angles.
        confidence: Whether confidence rasters are published.
        scaling: As of detect_scenes.
        data_root: As of detect_scenes.
        formats: As of publish_collection.
        max_bad: As of publish_collection.
        options: Of the stage.

    Returns:
        Names of the shards, 1/n to n/n; none where there is nothing to detect.
    """
    settings = Settings(
        inference_config=document_text(inference_config),
        split_masks_query=document_text(split_masks_query),
        class_title=class_title,
        tolerance_px=tolerance_px,
        tolerance_m=tolerance_m,
        min_area_m2=min_area_m2,
        regularise=regularise,
        confidence=confidence,
    )
    with step() as moved:
        done = plan_imagery(images_uri, output_uri, model_uri, plan.path, settings=settings, **options)
        published: dict[str, float] = {}
        if done.shards:
            write_plan_report(done, report.path, summary.path)
        else:
            published = publish_collection(
                plan.path, [], summary.path, report=report.path, formats=formats, max_bad=max_bad
            )
    log_metrics(metrics, counts(done) | published, moved, plan)
    return shard_names(done.shards)
