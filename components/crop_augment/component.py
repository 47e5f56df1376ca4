"""The KFP component: a tagged project in, training crops out."""

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def crop_augment(
    project: dsl.Input[dsl.Dataset],
    crops: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    query: list = [],
    seed: int = 0,
    max_bad: int = 0,
    workers: int = 0,
) -> None:
    """Cut training crops out of tagged images with a DTL query."""
    from components.crop_augment.step import run

    run(project, crops, metrics, report, query, seed=seed, max_bad=max_bad, workers=workers)
