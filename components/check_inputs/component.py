"""The KFP component: all inputs of a training run in, every fault of them out."""

from kfp import dsl

from components.base_images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def check_inputs(
    images_uri: str = "",
    masks_uri: str = "",
    bands: str = "",
    data_root: str = "",
    output_uri: str = "",
    split_tagging_query: list = [],
    train_share: float = 0.0,
    crop_augment_query: list = [],
    train_config: dict = {},
    encoder_weights: str = "",
    initial_model_uri: str = "",
    inference_config: dict = {},
    image_tags: list = ["test"],
    max_shards: int = 1,
    split_masks_query: list = [],
    promote_config: dict = {},
    mask_value: str = "",
    labels: dict = {},
    images_options: dict = {},
    max_bad: int = 0,
    makes_scenes: bool = False,
) -> None:
    """Check documents, places and settings together, and name all faults at once."""
    options = dict(locals())
    from components.check_inputs.step import run

    run(**options)
