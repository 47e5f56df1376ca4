"""The KFP component: a project and a model in, a project of what the model finds out."""

from typing import List

from kfp import dsl

from components.base_images import GPU_IMAGE


@dsl.component(base_image=GPU_IMAGE, install_kfp_package=False)
def infer_windows(
    project: dsl.Input[dsl.Dataset],
    data_root: str,
    predictions: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    model: dsl.Input[dsl.Model] = None,
    model_uri: str = "",
    config: str = "",
    image_tags: List[str] = ["test"],
    shard: str = "1/1",
    project_name: str = "inf_INRIA_test_part",
    max_bad: int = 0,
    allow_empty: bool = False,
    max_item_pixels: int = 0,
    gpus: int = 0,
    require_gpus: bool = False,
) -> None:
    """Find the model's classes in whole images, window by window.

    Args:
        project: The project whose images are looked at.
        data_root: Folder or URI prefix for masks and confidences, which the predictions refer to.
        model: What train_unet wrote; none where model_uri says where a model is.
        model_uri: Folder of a model, perhaps in object storage; empty where there is a model artifact.
        config: The inference config as JSON; empty for the tutorial's.
        image_tags: Images that carry one of these tags are taken; all images where the list is empty.
        shard: Which part of those images, as plan_shards gives it; 2/5 is the second of five.
        project_name: Name of the predictions, which queries use.
        max_bad: How many images may be left out because they are broken or smaller than the window.
        allow_empty: Whether the predictions may hold nothing, because the project does or all images are left out.
        max_item_pixels: An image of more pixels becomes several items, each some of its rows; 0 for never.
        gpus: How many GPUs the step was placed on.
        require_gpus: Whether fewer than that are an error; else the step goes on with what there is.

    Returns:
        predictions: The project of what was found.
        metrics: Counts of scenes, megapixels (per second, and without data), windows skipped; megabytes moved.
    """
    from components.core.network.gpus import check_gpus
    from components.core.storage import counted
    from components.infer_windows.config import DEFAULT_FILE
    from components.infer_windows.infer_windows import infer_windows as run

    check_gpus(gpus, require_gpus)
    with counted() as moved:
        report = run(
            project.path,
            model.path if model else None,
            predictions.path,
            data_root=data_root,
            model_uri=model_uri,
            config=config or DEFAULT_FILE,
            image_tags=image_tags,
            shard=shard,
            project_name=project_name,
            max_bad=max_bad,
            allow_empty=allow_empty,
            max_item_pixels=max_item_pixels,
        )
    for name, value in report.counts().items():
        metrics.log_metric(name, value)
        predictions.metadata[name] = value
    for name, value in moved.megabytes().items():
        metrics.log_metric(name, value)
