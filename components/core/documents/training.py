"""The training config: the tutorial's keys with their defaults, and a few of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from components.core.class_titles import NEUTRAL_CLASS
from components.core.documents.named import BASE, TRAINING_CONFIGS, over_base
from components.core.errors import ConfigError
from components.core.faults import Faults
from components.core.geometry import Size
from components.core.imagery.bands import COLOURS, is_rgb, why_no_bands
from components.core.network.architectures import (
    DEFAULT_ARCHITECTURE,
    architecture_spec,
    check_available,
    check_encoder,
    size_multiple,
)
from components.core.network.encoders import DEFAULT_ENCODER, IMAGENET, check_size
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
    """Size that images are brought to, in pixels; multiples of 16, and of 32 where `architecture` is one of `smp.*`."""

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
    """Weights in the two-class loss."""

    bce: float = Field(1.0, ge=0)
    dice: float = Field(1.0, ge=0)

    boundary: float = Field(0.0, ge=0)
    """What pixels at most `boundary_px` from where the class changes weigh more than others in the cross-entropy: at 3
    they weigh four times as much, at 0 the same."""

    boundary_px: int = Field(2, ge=1)
    """Pixels of the network's input, along rows and columns."""

    @model_validator(mode="after")
    def _not_both_zero(self) -> LossWeights:
        if self.bce + self.dice == 0:
            raise ValueError("bce and dice are both 0, which leaves no loss; set one above 0")
        return self


class Augmentation(_TrainSettings):
    """What is done to training windows, in each epoch anew; drawn by `seed`, so the same in every run of one seed.

    A query that mirrors crops makes items of them, so that a pass over the items takes longer; this does not.
    """

    mirror: bool = False
    """Mirrors every other window left to right."""

    turn: bool = False
    """Turns windows by quarters; with `mirror` that makes all eight ways to see a square."""

    color: float = Field(0.0, ge=0, le=1)
    """Most that brightness and contrast change, each drawn between 1 less and 1 more of this, and half as much that
    each band does by itself."""

    scale: float = Field(0.0, ge=0, le=1)
    """Most that windows are enlarged or made smaller: 0.1 draws between 1/1.1 and 1.1. What a smaller one leaves free
    is its mirror image."""


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
    """Learning rate at the start, after the warm-up."""

    lr_decreasing: LrDecreasing = LrDecreasing()
    loss_weights: LossWeights = LossWeights()

    weights_init_type: Literal["transfer_learning", "continue_training"] = "transfer_learning"
    """transfer_learning starts from encoder weights, or from an initial model without its last layer;
    continue_training from an initial model of the same classes."""

    validate_with_model_eval: bool = True
    """Whether validation uses the running statistics of batch normalisation, as inference does."""

    gpu_devices: list[int] = [0]
    """GPUs by index on a machine of your own; several train together, and with none the CPU trains. A step on a cluster
    trains on all GPUs that `node_pools.yaml` places it on, and a process of torchrun on that of its number, whatever
    stands here."""

    architecture: str = DEFAULT_ARCHITECTURE
    """Name of a network architecture that this release knows, or of one of segmentation_models_pytorch, `smp.Unet`."""

    bands: list[str] = Field(list(COLOURS), exclude_if=is_rgb)
    """Names of what the network sees: red, green and blue, and further bands after them, such as "nir" or "height"."""

    encoder: str = DEFAULT_ENCODER
    """Name of an encoder that the architecture has."""

    encoder_weights: str = IMAGENET
    """Start of the encoder: "imagenet" (or another name that segmentation_models_pytorch has), "none", or the path or
    URI of a weights file."""

    lr_schedule: Literal["plateau", "cosine"] = "plateau"
    """How the learning rate falls: plateau by `lr_decreasing`; cosine instead smoothly to zero at the last step,
    which gets more out of a short training."""

    warmup: float = Field(0.0, ge=0, lt=1)
    """Share of the training's steps over which the learning rate rises evenly from nearly 0 to `lr`."""

    optimizer: Literal["adam", "adamw"] = "adam"
    """What learns: Adam, or AdamW, which knows `weight_decay`."""

    weight_decay: float = Field(0.0, ge=0)
    """Of AdamW: what weights shrink by in a step, times the learning rate."""

    gradient_clip: float = Field(0.0, ge=0)
    """Largest norm of a step's gradients, to which larger ones are scaled down; 0 for no limit."""

    ema_decay: float = Field(0.0, ge=0, lt=1)
    """Above 0, what is validated and saved is a moving average of the weights, of which a step keeps this share; 0.99
    averages over some 100 steps."""

    recompute_statistics: int = Field(0, ge=0)
    """Training windows over which the statistics of batch normalisation are computed anew, for the weights as they
    are, before each validation; 0 uses the running ones of the training."""

    head_scale: float = Field(1.0, gt=0, le=1)
    """What the first weights of the last layer are multiplied by; with small ones a training starts from probabilities
    near one half."""

    calibrate: bool = False
    """Whether the model divides its logits by the number that makes its probabilities fit the validation windows best,
    so that 0.8 is right in four of five pixels there. The class of a pixel stays what it is."""

    augmentation: Augmentation = Augmentation()

    negatives: float = Field(0.0, ge=0, lt=1)
    """Share of the windows of an epoch that are bare ground: windows without objects, as large as the items, from
    anywhere in the images that training items are cut from. The masks must cover these images."""

    early_stopping: int = Field(0, ge=0)
    """Validations without a lower loss after which the training ends; 0 for never."""

    seed: int = Field(0, ge=0)
    """Decides all that is random: initial weights, the order of items, bare ground and augmentation."""

    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format inside the network; auto is bfloat16 where the processor computes in it (a GPU, or a CPU with
    AVX512-BF16 or AMX), else float16 on a GPU and float32 on a CPU."""

    @field_validator("bands")
    @classmethod
    def _named(cls, bands: list[str]) -> list[str]:
        wrong = why_no_bands(bands)
        if wrong:
            raise ValueError(wrong)
        return bands

    onnx: bool = True
    """Whether the model folder gets `model.onnx` beside the weights, for onnxruntime and for QGIS with Deepness."""

    @field_validator("gpu_devices")
    @classmethod
    def _distinct(cls, devices: list[int]) -> list[int]:
        if any(device < 0 for device in devices) or len(set(devices)) < len(devices):
            raise ValueError("device indices must be 0 or more and differ; an empty list trains on the CPU")
        return devices


def load_config(source: str | Path | dict[str, Any]) -> TrainConfig:
    """Merge a user's training config over the defaults and check it.

    Args:
        source: JSON text, the path of a JSON file, the name of a config of `TRAINING_CONFIGS`, or the parsed document,
            whose key `base` may name one of these, too.

    Returns:
        The whole config.

    Raises:
        ConfigError: If it cannot be read, a key is unknown or a value breaks its rule; with the path to the place.
    """
    with naming_file(source):
        if str(source) in TRAINING_CONFIGS:
            source = {BASE: str(source)}
        document = source if isinstance(source, dict) else read_document(source, WHERE)
        config = check_document(TrainConfig, over_base(document, WHERE), WHERE)
        faults = Faults()
        with faults.caught():
            check_size(config.input_size.size, f"{WHERE}: input_size", size_multiple(config.architecture))
        with faults.caught(f"{WHERE}: "):
            architecture_spec(config.architecture)
            check_available(config.architecture)
        with faults.caught(f"{WHERE}: "):
            check_encoder(config.architecture, config.encoder)
        for check in (_check_decay, _check_turn):
            with faults.caught():
                check(config)
        faults.raise_any()
        return config


def _check_decay(config: TrainConfig) -> None:
    if config.weight_decay and config.optimizer != "adamw":
        raise ConfigError(
            f"{WHERE}: weight_decay: {config.weight_decay:g} is for AdamW, and optimizer is {config.optimizer!r}; use "
            "'adamw', or a weight_decay of 0"
        )


def _check_turn(config: TrainConfig) -> None:
    size = config.input_size
    if config.augmentation.turn and size.height != size.width:
        raise ConfigError(
            f"{WHERE}: augmentation.turn: a window of {size.height}×{size.width} px does not fit itself when it is "
            "turned; use an input_size of one height and width, or no turn"
        )
