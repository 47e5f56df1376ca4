"""The KFP component: a plan and what its shards found in; scenes, ledger and layer brought up to date."""

from typing import List

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def publish_collection(
    plan: dsl.Input[dsl.Dataset],
    summary: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    parts: dsl.Input[List[dsl.Dataset]] = None,
    formats: str = "",
    max_bad: int = 0,
    workers: int = 0,
) -> None:
    """Publish detected scenes, and bring the footprint layer of their collection up to date.

    Args:
        plan: What plan_imagery wrote; it says where the collection lies.
        parts: Split projects of all shards; none where nothing was to be done.
        formats: Further files of the whole layer beside GeoParquet, separated by commas: gpkg, geojsonl.
        max_bad: How many images may be left out; with more, the run fails when all others are published.
        workers: Processes; 0 for one a core.

    Returns:
        summary: JSON file of what was done and where it lies.
        metrics: Counts of scenes and buildings; megabytes read and written.
        report: What was new, done, passed over and left out, with pictures.
    """
    from components.core.storage import counted
    from components.publish_collection.publish_collection import publish_collection as run

    def tell(scalars: dict[str, float]) -> None:
        for name, value in scalars.items():
            metrics.log_metric(name, value)
            summary.metadata[name] = value

    with counted() as moved:
        done = run(
            plan.path,
            [part.path for part in parts or []],
            summary.path,
            report=report.path,
            formats=formats,
            max_bad=max_bad,
            workers=workers,
        )
    tell(done)
    for name, value in moved.megabytes().items():
        metrics.log_metric(name, value)
