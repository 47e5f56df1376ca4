"""The KFP component: a project in, a project tagged for training and testing out."""

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def split_tagging(
    project: dsl.Input[dsl.Dataset],
    tagged: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    query: list = [],
    train_share: float = 0.0,
    project_name: str = "INRIA",
    seed: int = 0,
    max_bad: int = 0,
    workers: int = 0,
) -> None:
    """Tag every image for training or testing with a DTL query."""
    from components.split_tagging.step import run

    run(
        project,
        tagged,
        metrics,
        report,
        query,
        train_share=train_share,
        project_name=project_name,
        seed=seed,
        max_bad=max_bad,
        workers=workers,
    )
