"""The KFP component: a plan in, and what its shards left; the layer brought up to date, and a report."""

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def publish_collection(
    plan: dsl.Input[dsl.Dataset],
    summary: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    formats: str = "",
    join_tiles: bool = True,
    confirm: str = "",
    max_bad: int = 0,
    workers: int = 0,
) -> None:
    """Publish detected scenes, and bring the footprint layer of their collection up to date."""
    options = dict(locals())
    from components.publish_collection.step import run

    run(**options)
