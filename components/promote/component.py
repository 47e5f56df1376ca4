"""The KFP component: a new model and its evaluation in, a pointer moved or not, and why."""

from kfp import dsl

from components.base_images import GPU_IMAGE


@dsl.component(base_image=GPU_IMAGE, install_kfp_package=False)
def promote(
    model: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    project: dsl.Input[dsl.Dataset],
    decision: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    config: dict = {},
    data_root: str = "",
    inference_config: dict = {},
    split_masks_query: list = [],
    image_tags: list = ["test"],
    seed: int = 0,
    max_bad: int = 0,
    training_run: str = "",
    workers: int = 0,
    gpus: int = 0,
) -> None:
    """Compare a new model with the one in use on the same held-out images, and put it in its place if it is better."""
    options = dict(locals())
    from components.promote.step import run

    run(**options)
