"""The KFP component: a project in, a trained model out."""

from kfp import dsl

from components.base_images import GPU_IMAGE


@dsl.component(base_image=GPU_IMAGE, install_kfp_package=False)
def train_unet(
    project: dsl.Input[dsl.Dataset],
    config: str,
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    encoder_weights: str = "",
    initial_model_uri: str = "",
    work_dir: str = "",
    gpus: int = 0,
    require_gpus: bool = False,
) -> None:
    """Train UNetV2 on the items of a project.

    Args:
        project: The project; the config's image tags choose its items.
        config: Training config as JSON text, merged over the defaults.
        encoder_weights: Instead of the config's; imagenet, none, or a path or URI of a weights file.
        initial_model_uri: Folder or URI of a trained model to start from; empty for none.
        work_dir: Folder for checkpoints that outlives the step, such as a mounted volume, so that a killed training
            goes on; empty for none.
        gpus: How many GPUs the step was placed on.
        require_gpus: Whether fewer than that are an error; else the step goes on with what there is.

    Returns:
        model: Folder with weights, description, metrics and history.
        metrics: Measures of the best validation; megabytes read and written.
        report: Training curves.
    """
    from components.core.network.gpus import check_gpus
    from components.core.storage import counted
    from components.train_unet.report import write_report
    from components.train_unet.train_unet import train

    check_gpus(gpus, require_gpus)
    with counted() as moved:
        result = train(
            project.path,
            model.path,
            config=config,
            encoder_weights=encoder_weights,
            initial_model=initial_model_uri,
            work_dir=work_dir or None,
        )
        write_report(result, report.path)
    for name, value in result.scalars().items():
        metrics.log_metric(name, value)
        model.metadata[name] = value
    for name, value in moved.megabytes().items():
        metrics.log_metric(name, value)
