"""The training config: the tutorial's keys with their defaults, and a few of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from components.core.class_titles import NEUTRAL_CLASS
from components.core.faults import Faults
from components.core.geometry import Size
from components.core.network.architectures import DEFAULT_ARCHITECTURE, architecture_spec
from components.core.network.encoders import DEFAULT_ENCODER, IMAGENET, check_size, encoder_spec
from components.core.settings import check_document, naming_file, read_document

WHERE = "train.config"

ALL_ITEMS = "__all__"
"""Instead of an image tag: every item of the project."""


class _TrainSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DatasetTags(_TrainSettings):
    """Image tags that choose the items; `__all__` takes every item."""

    train: str = "train"
    val: str = "val"


class BatchSize(_TrainSettings):
    """Items in a batch on each device."""

    train: int = Field(1, ge=1)
    val: int = Field(1, ge=1)


class DataWorkers(_TrainSettings):
    """Loader processes beside each training process."""

    train: int = Field(0, ge=0)
    val: int = Field(0, ge=0)


class AllowCorruptedSamples(_TrainSettings):
    """How many items of each dataset may fail to be read in the whole training, however often it goes on.

    Processes that train together add up what failed at each validation; between two, each counts for itself.
    """

    train: int = Field(0, ge=0)
    val: int = Field(0, ge=0)


class SpecialClasses(_TrainSettings):
    """Titles with a meaning of their own."""

    background: str = "bg"
    """Pixels that no object covers."""

    neutral: str = NEUTRAL_CLASS
    """Pixels that are ignored in training and evaluation."""

    @model_validator(mode="after")
    def _differ(self) -> SpecialClasses:
        if self.background == self.neutral:
            raise ValueError("background and neutral must differ; give each a title of its own")
        return self


class InputSize(_TrainSettings):
    """Size that images are brought to, in pixels; multiples of 16."""

    height: int = 128
    width: int = 128

    @property
    def size(self) -> Size:
        """The same, as core's value."""
        return Size(self.height, self.width)


class LrDecreasing(_TrainSettings):
    """When and how the learning rate falls."""

    patience: int = Field(1000, ge=0)
    """Validations without a lower loss that are waited for."""

    lr_divisor: float = Field(5.0, gt=1)
    """What the learning rate is then divided by."""


class LossWeights(_TrainSettings):
    """Weights of the two parts of the two-class loss."""

    bce: float = Field(1.0, ge=0)
    dice: float = Field(1.0, ge=0)

    @model_validator(mode="after")
    def _not_both_zero(self) -> LossWeights:
        if self.bce + self.dice == 0:
            raise ValueError("bce and dice are both 0, which leaves no loss; set one above 0")
        return self


class TrainConfig(_TrainSettings):
    """How a network is trained; every key has a default."""

    dataset_tags: DatasetTags = DatasetTags()
    batch_size: BatchSize = BatchSize()
    data_workers: DataWorkers = DataWorkers()
    allow_corrupted_samples: AllowCorruptedSamples = AllowCorruptedSamples()
    special_classes: SpecialClasses = SpecialClasses()
    input_size: InputSize = InputSize()

    pad: Literal["none", "reflect"] = "none"
    """What brings smaller images to `input_size`: none stretches them, as larger ones; reflect keeps their scale and
    puts their mirror image around them, which is ignored in training and evaluation."""

    epochs: int = Field(2, ge=1)
    """Passes over the training items."""

    val_every: float = Field(0.5, gt=0)
    """Epochs between validations; 0.5 validates twice an epoch."""

    lr: float = Field(0.1, gt=0)
    """Learning rate of Adam at the start."""

    lr_decreasing: LrDecreasing = LrDecreasing()
    loss_weights: LossWeights = LossWeights()

    weights_init_type: Literal["transfer_learning", "continue_training"] = "transfer_learning"
    """transfer_learning starts from encoder weights, or from an initial model without its last layer;
    continue_training from an initial model of the same classes."""

    validate_with_model_eval: bool = True
    """Whether validation uses the running statistics of batch normalisation, as inference does."""

    gpu_devices: list[int] = [0]
    """GPUs by index on a machine of your own; several train together, and with none the CPU trains. A step on a cluster
    trains on all GPUs that `node_pools.yaml` places it on, whatever stands here."""

    architecture: str = DEFAULT_ARCHITECTURE
    """Name of a network architecture that this release knows."""

    encoder: str = DEFAULT_ENCODER
    """Name of an encoder that this release knows."""

    encoder_weights: str = IMAGENET
    """Start of the encoder: "imagenet", "none", or the path or URI of a weights file."""

    lr_schedule: Literal["plateau", "cosine"] = "plateau"
    """How the learning rate falls: plateau by `lr_decreasing`; cosine instead smoothly to zero at the last step,
    which gets more out of a short training."""

    seed: int = Field(0, ge=0)
    """Decides initial weights and the order of items."""

    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format inside the network; auto is bfloat16 or else float16 on a GPU, float32 on a CPU."""

    @field_validator("gpu_devices")
    @classmethod
    def _distinct(cls, devices: list[int]) -> list[int]:
        if any(device < 0 for device in devices) or len(set(devices)) < len(devices):
            raise ValueError("device indices must be 0 or more and differ; an empty list trains on the CPU")
        return devices


def load_config(source: str | Path | dict[str, Any]) -> TrainConfig:
    """Merge a user's training config over the defaults and check it.

    Args:
        source: JSON text, the path of a JSON file, or the parsed document.

    Returns:
        The whole config.

    Raises:
        ConfigError: If it cannot be read, a key is unknown or a value breaks its rule; with the path to the place.
    """
    with naming_file(source):
        document = source if isinstance(source, dict) else read_document(source, WHERE)
        config = check_document(TrainConfig, document, WHERE)
        faults = Faults()
        with faults.caught():
            check_size(config.input_size.size, f"{WHERE}: input_size")
        with faults.caught(f"{WHERE}: "):
            architecture_spec(config.architecture)
        with faults.caught(f"{WHERE}: "):
            encoder_spec(config.encoder)
        faults.raise_any()
        return config
