"""The KFP component: a project and a model in, a project of what the model finds out."""

from typing import List

from kfp import dsl

from components.base_images import GPU_IMAGE


@dsl.component(base_image=GPU_IMAGE, install_kfp_package=False)
def infer_windows(
    project: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    data_root: str,
    predictions: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    config: str = "",
    image_tags: List[str] = ["test"],
    shard: str = "1/1",
    project_name: str = "inf_INRIA_test_part",
    max_bad: int = 0,
    gpus: int = 0,
    require_gpus: bool = False,
) -> None:
    """Find the model's classes in whole images, window by window.

    Args:
        project: The project whose images are looked at.
        model: What train_unet wrote.
        data_root: Folder or URI prefix for masks and confidences, which the predictions refer to.
        config: The inference config as JSON; empty for the tutorial's.
        image_tags: Images that carry one of these tags are taken; all images where the list is empty.
        shard: Which part of those images, as plan_shards gives it; 2/5 is the second of five.
        project_name: Name of the predictions, which queries use.
        max_bad: How many images may be left out because they are broken or smaller than the window.
        gpus: How many GPUs the step was placed on.
        require_gpus: Whether fewer than that are an error; else the step goes on with what there is.

    Returns:
        predictions: The project of what was found.
        metrics: Counts of scenes, megapixels and megapixels per second; megabytes read and written.
    """
    from components.core.network.gpus import check_gpus
    from components.core.storage import counted
    from components.infer_windows.config import DEFAULT_FILE
    from components.infer_windows.infer_windows import infer_windows as run

    check_gpus(gpus, require_gpus)
    with counted() as moved:
        report = run(
            project.path,
            model.path,
            predictions.path,
            data_root=data_root,
            config=config or DEFAULT_FILE,
            image_tags=image_tags,
            shard=shard,
            project_name=project_name,
            max_bad=max_bad,
        )
    for name, value in report.counts().items():
        metrics.log_metric(name, value)
        predictions.metadata[name] = value
    for name, value in moved.megabytes().items():
        metrics.log_metric(name, value)
