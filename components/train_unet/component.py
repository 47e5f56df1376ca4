"""The KFP component: a project in, a trained model out."""

from kfp import dsl

from components.base_images import GPU_IMAGE


@dsl.component(base_image=GPU_IMAGE, install_kfp_package=False)
def train_unet(
    project: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    config: dict = {},
    encoder_weights: str = "",
    initial_model_uri: str = "",
    data_root: str = "",
    work_dir: str = "",
    max_bad: int = 0,
    gpus: int = 0,
) -> None:
    """Train UNetV2 on the items of a project."""
    options = dict(locals())
    from components.train_unet.step import run

    run(**options)
