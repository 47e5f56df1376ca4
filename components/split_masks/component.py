"""The KFP component: predictions in, one object a building out."""

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def split_masks(
    project: dsl.Input[dsl.Dataset],
    split: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    query: list = [],
    seed: int = 0,
    max_bad: int = 0,
    workers: int = 0,
) -> None:
    """Split predicted masks into separate buildings with a DTL query."""
    from components.split_masks.step import run

    run(project, split, metrics, report, query, seed=seed, max_bad=max_bad, workers=workers)
