"""What a training run is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingInputs:
    """A training run's parameters; queries and configs as JSON text or files.

    Attributes:
        images_uri: Folder or URI prefix of images; empty where the run makes its own.
        masks_uri: Folder or URI prefix of masks; empty where images_uri holds them.
        bands: Numbers of the red, green and blue band, such as 3,2,1, and of further ones to keep; empty to go by the
            images.
        data_root: Folder or URI prefix for rasters; empty for the cluster's own.
        output_uri: Folder or URI prefix that gets a copy of the footprints; empty for none.
        split_tagging_query: DTL query that tags images; empty for the tutorial's.
        train_share: Above 0, a share of the images is tagged for training instead.
        crop_augment_query: DTL query that cuts training crops; empty for the tutorial's.
        train_config: Training config; empty for the tutorial's.
        encoder_weights: Instead of the config's: imagenet, none, or a path or URI of a file.
        initial_model_uri: Folder or URI prefix of a trained model to start from, or a pointer to it; empty for none.
        inference_config: Inference config; empty for the tutorial's.
        image_tags: Tags of the test images; none for all images.
        max_shards: How many steps inference is spread over at most.
        split_masks_query: DTL query that splits predicted masks; empty for the tutorial's.
        promote_config: Promotion config; empty for no promotion.
        mask_value: Values of masks that are building, as import_images takes them; empty for all above 0.
        labels: The labels config, of vector labels in the place of masks; empty for none.
        images_options: How the imagery is read, beside where it lies; empty for the defaults.
        max_bad: How many images may be skipped.
        makes_scenes: The run makes its own images.
    """

    images_uri: str = ""
    masks_uri: str = ""
    bands: str = ""
    data_root: str = ""
    output_uri: str = ""
    split_tagging_query: str = ""
    train_share: float = 0.0
    crop_augment_query: str = ""
    train_config: str = ""
    encoder_weights: str = ""
    initial_model_uri: str = ""
    inference_config: str = ""
    image_tags: Sequence[str] = ("test",)
    max_shards: int = 1
    split_masks_query: str = ""
    promote_config: str = ""
    mask_value: str = ""
    labels: str = ""
    images_options: str = ""
    max_bad: int = 0
    makes_scenes: bool = False
