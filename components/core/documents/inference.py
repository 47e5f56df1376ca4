"""The inference config: the tutorial's keys with their defaults, and a few of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from components.core.errors import ConfigError
from components.core.faults import Faults
from components.core.geometry import Size
from components.core.network.encoders import MOST_SIDE_PX
from components.core.settings import check_document, naming_file, read_document

WHERE = "inference.config"

ALL_CLASSES: Literal["__all__"] = "__all__"
"""Instead of a list of classes: every class there is."""

OTHER_MODES = ("full_image", "roi", "bboxes")
"""Modes of the tutorial's system that this release does not offer."""


class _InferenceSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class WindowSize(_InferenceSettings):
    """Size of the sliding window, in pixels of the image."""

    height: int = Field(default=512, ge=1, le=MOST_SIDE_PX)
    width: int = Field(default=512, ge=1, le=MOST_SIDE_PX)

    @property
    def size(self) -> Size:
        """The same, as core's value."""
        return Size(self.height, self.width)


class MinOverlap(_InferenceSettings):
    """Least overlap of neighbouring windows, in pixels; the last ones of a row or column may overlap more."""

    x: int = Field(default=128, ge=0)
    y: int = Field(default=128, ge=0)

    @property
    def size(self) -> Size:
        """The same, as core's value."""
        return Size(self.y, self.x)


class Blend(_InferenceSettings):
    """How overlapping windows become one; `components.infer_windows.weights` has the formulas."""

    method: Literal["mean", "hann", "gaussian"] = "mean"
    """What a pixel's place in its window counts: always the same, or more towards the middle."""

    discard_border: int = Field(default=0, ge=0)
    """Pixels along a window's edges that do not count inside the scene; at most half the overlap of windows."""


class SlidingWindowMode(_InferenceSettings):
    """Overlapping windows over the whole image, whose probabilities are averaged."""

    source: Literal["sliding_window"] = "sliding_window"
    window: WindowSize = WindowSize()
    min_overlap: MinOverlap = MinOverlap()

    save: bool = False
    """Whether to add a rectangle for each window to the annotation."""

    class_name: str = Field(default="sliding_window_bbox", min_length=1)
    """Class of those rectangles."""

    blend: Blend = Blend()

    flips: Literal["none", "left_right", "up_down", "both"] = "none"
    """Which mirror images of a window the network sees beside it; the mean counts. Both takes four times as long."""

    pad: Literal["none", "reflect"] = "none"
    """Whether windows reach over the scene's border, by half of min_overlap, onto the scene's mirror image; scenes
    smaller than the window can be done then."""

    @property
    def reach(self) -> Size | None:
        """How far windows reach over the scene's border, in pixels; None for not at all."""
        return Size(self.min_overlap.y // 2, self.min_overlap.x // 2) if self.pad == "reflect" else None


class ModelClasses(_InferenceSettings):
    """Which of the model's classes to keep, and what is appended to their titles."""

    save_classes: Literal["__all__"] | list[str] = ALL_CLASSES
    add_suffix: str = "_dl"


class ExistingObjects(_InferenceSettings):
    """Which objects of the input to keep, by class, and what is appended to the titles."""

    save_classes: Literal["__all__"] | list[str] = []
    add_suffix: str = ""


class InferenceConfig(_InferenceSettings):
    """How a network is applied; every key has a default."""

    mode: SlidingWindowMode = SlidingWindowMode()

    gpu_devices: list[int] = [0]
    """GPUs by index on a machine of your own; the first that exists computes, and the CPU where none does. A step on a
    cluster uses the GPU that `node_pools.yaml` places it on, whatever stands here."""

    model_classes: ModelClasses = ModelClasses()
    existing_objects: ExistingObjects = ExistingObjects()

    batch_size: int | None = Field(default=None, ge=1)
    """Windows that go through the network at once; null is 16 on a GPU and 1 on a CPU."""

    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format inside the network; auto is bfloat16 where the processor computes in it (a GPU, or a CPU with
    AVX512-BF16 or AMX), else float16 on a GPU and float32 on a CPU."""

    @field_validator("gpu_devices")
    @classmethod
    def _indices(cls, devices: list[int]) -> list[int]:
        if any(device < 0 for device in devices):
            raise ValueError("device indices must be 0 or more; an empty list infers on the CPU")
        return devices


def load_config(source: str | Path | dict[str, Any] | InferenceConfig) -> InferenceConfig:
    """Merge a user's inference config over the defaults and check it.

    Args:
        source: JSON text, the path of a JSON file, the parsed document, or a config, which is passed through.

    Returns:
        The whole config.

    Raises:
        ConfigError: If it cannot be read, a key is unknown or a value breaks its rule; with the path to the place.
    """
    if isinstance(source, InferenceConfig):
        return source
    with naming_file(source):
        document = source if isinstance(source, dict) else read_document(source, WHERE)
        _refuse_other_modes(document)
        config = check_document(InferenceConfig, document, WHERE)
        faults = Faults()
        for check in (_check_stride, _check_border):
            with faults.caught():
                check(config.mode)
        faults.raise_any()
        return config


def _refuse_other_modes(document: Any) -> None:
    """Say what is not offered before its keys are called unknown."""
    mode = document.get("mode") if isinstance(document, dict) else None
    source = mode.get("source") if isinstance(mode, dict) else None
    if source in OTHER_MODES:
        raise ConfigError(f"{WHERE}: mode.source: {source!r} is not offered in this release; use 'sliding_window'")


def _check_stride(mode: SlidingWindowMode) -> None:
    window, overlap, faults = mode.window, mode.min_overlap, Faults()
    for axis, lap, side, length in (("x", overlap.x, "width", window.width), ("y", overlap.y, "height", window.height)):
        if lap >= length:
            faults.add(
                f"{WHERE}: mode.min_overlap.{axis}: {lap} leaves no stride for a window {side} of {length}; "
                f"use at most {length - 1}"
            )
    faults.raise_any()


def _check_border(mode: SlidingWindowMode) -> None:
    border, most = mode.blend.discard_border, min(mode.min_overlap.x, mode.min_overlap.y) // 2
    if border > most:
        raise ConfigError(
            f"{WHERE}: mode.blend.discard_border: {border} leaves gaps between windows that overlap by "
            f"{2 * most} px; use at most {most}, or a larger min_overlap"
        )
