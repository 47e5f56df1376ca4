"""The KFP component: a project and a model in, a project of what the model finds out."""

from kfp import dsl

from components.base_images import GPU_IMAGE


@dsl.component(base_image=GPU_IMAGE, install_kfp_package=False)
def infer_windows(
    project: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    predictions: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    data_root: str = "",
    config: dict = {},
    image_tags: list = ["test"],
    shard: str = "1/1",
    project_name: str = "inf_INRIA_test_part",
    max_bad: int = 0,
    gpus: int = 0,
) -> None:
    """Find the model's classes in whole images, window by window."""
    options = dict(locals())
    from components.infer_windows.step import run

    run(**options)
