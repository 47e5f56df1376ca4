"""The KFP component: folders of imagery and masks in, a project out."""

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def import_images(
    images_uri: str,
    project: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    masks_uri: str = "",
    data_root: str = "",
    project_name: str = "INRIA",
    dataset: str = "ds",
    class_title: str = "untitled",
    scaling: str = "percentile",
    bands: str = "",
    mask_value: str = "",
    labels: dict = {},
    images_options: dict = {},
    max_bad: int = 0,
    workers: int = 0,
) -> None:
    """Import images and their binary masks, or vector labels, as a project that refers to them."""
    options = dict(locals())
    from components.import_images.step import run

    run(**options)
