"""The KFP component: folders of imagery and masks in, a project out."""

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def import_images(
    data_root: str,
    project: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    images_uri: str = "",
    plan: dsl.Input[dsl.Dataset] = None,
    shard: str = "1/1",
    masks_uri: str = "",
    project_name: str = "INRIA",
    dataset: str = "ds",
    class_title: str = "untitled",
    scaling: str = "percentile",
    max_bad: int = 0,
    workers: int = 0,
) -> None:
    """Import images and their binary masks as a project that refers to them.

    Args:
        data_root: Folder or URI prefix for rasters that must be rewritten for windowed reading.
        images_uri: Folder or URI prefix of images, or of folders `images`/`img` and `ann`/`gt`/`masks`.
        plan: What plan_imagery wrote, instead of images_uri; images that cannot be read are left out.
        shard: Which part of the plan.
        masks_uri: Folder or URI prefix of masks; empty where images_uri holds them too, or for none.
        project_name: Name of the project, which queries use.
        dataset: Name of its one dataset.
        class_title: Class of the objects; every mask value above 0 is one object.
        scaling: How more than 8 bits become 8: percentile, full, or LOW,HIGH.
        max_bad: How many scenes may be left out because their files are broken; no matter with a plan.
        workers: Processes; 0 for one a core.

    Returns:
        project: The project manifest.
        metrics: Counts of scenes and rasters; megabytes read and written.
    """
    from components.core.storage import counted
    from components.import_images.stage import import_either

    with counted() as moved:
        report = import_either(
            project.path,
            images_uri=images_uri,
            plan=None if plan is None else plan.path,
            shard=shard,
            masks_uri=masks_uri,
            data_root=data_root,
            project_name=project_name,
            dataset=dataset,
            class_title=class_title,
            scaling=scaling,
            max_bad=max_bad,
            workers=workers,
        )
    for name, value in report.counts().items():
        metrics.log_metric(name, value)
        project.metadata[name] = value
    for name, value in moved.megabytes().items():
        metrics.log_metric(name, value)
