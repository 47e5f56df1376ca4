"""The modes of inference: what of an image goes through the network at once.

`sliding_window` covers all of an image with windows of one size; the other three infer regions, each as one input.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from components.core.dtl.actions.crop import SidesSettings
from components.core.geometry import Size
from components.core.network.encoders import MOST_SIDE_PX

WHERE = "inference.config"

ALL_CLASSES: Literal["__all__"] = "__all__"
"""Instead of a list of classes: every class there is."""


class InferenceSettings(BaseModel):
    """Settings of an inference: unknown keys are refused, numbers are not guessed from text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class WindowSize(InferenceSettings):
    """Size of the sliding window, in pixels of the image."""

    height: int = Field(default=512, ge=1, le=MOST_SIDE_PX)
    width: int = Field(default=512, ge=1, le=MOST_SIDE_PX)

    @property
    def size(self) -> Size:
        """The same, as core's value."""
        return Size(self.height, self.width)


class MinOverlap(InferenceSettings):
    """Least overlap of neighbouring windows, in pixels; the last ones of a row or column may overlap more."""

    x: int = Field(default=128, ge=0)
    y: int = Field(default=128, ge=0)

    @property
    def size(self) -> Size:
        """The same, as core's value."""
        return Size(self.y, self.x)


class Blend(InferenceSettings):
    """How overlapping windows become one; `components.infer_windows.weights` has the formulas."""

    method: Literal["mean", "hann", "gaussian"] = "mean"
    """What a pixel's place in its window counts: always the same, or more towards the middle."""

    discard_border: int = Field(default=0, ge=0)
    """Pixels along a window's edges that do not count inside the scene; at most half the overlap of windows."""


Flips = Literal["none", "left_right", "up_down", "both", "eight"]

Scales = Annotated[list[Annotated[float, Field(ge=0.25, le=4)]], Field(min_length=1, max_length=8)]


class SlidingWindowMode(InferenceSettings):
    """Overlapping windows over the whole image, whose probabilities are averaged."""

    source: Literal["sliding_window"] = "sliding_window"
    """Names the mode."""

    window: WindowSize = WindowSize()
    min_overlap: MinOverlap = MinOverlap()

    save: bool = False
    """Whether to add a rectangle for each window to the annotation."""

    class_name: str = Field(default="sliding_window_bbox", min_length=1)
    """Class of those rectangles."""

    blend: Blend = Blend()

    flips: Flips = "none"
    """Which mirror images of a window the network sees beside it; the mean counts. Both takes four times as long; eight
    turns the window and each of them by a quarter, too, and takes eight times as long."""

    scales: Scales = [1.0]
    """At which sizes the network sees a window, as multiples of the size that it was trained with; the mean counts.
    Sides are rounded to multiples of 32 px. [0.75, 1.0, 1.5] takes about four times as long."""

    pad: Literal["none", "reflect"] = "none"
    """Whether windows reach over the scene's border, by half of min_overlap, onto the scene's mirror image; scenes
    smaller than the window can be done then."""

    @property
    def reach(self) -> Size | None:
        """How far windows reach over the scene's border, in pixels; None for not at all."""
        return Size(self.min_overlap.y // 2, self.min_overlap.x // 2) if self.pad == "reflect" else None

    def why_not(self, size: Size) -> str | None:
        """Why an image of a size cannot be done; None where it can."""
        window = self.window
        for side, length, limit in (("height", window.height, size.height), ("width", window.width, size.width)):
            if length > limit and self.pad == "none":
                return (
                    f"{WHERE}: mode.window.{side}: {length} exceeds the {side} {limit} of the image; use at most "
                    f'{limit}, or "pad": "reflect" under "mode", which lets windows reach over the image\'s border'
                )
        return None


class RegionMode(InferenceSettings):
    """A mode that infers regions of the image, each as one input."""

    source: str
    """Names the mode."""

    flips: Flips = "none"
    """Which mirror images of a region the network sees beside it; the mean counts. Both takes four times as long; eight
    turns the region and each of them by a quarter, too, and takes eight times as long."""

    scales: Scales = [1.0]
    """At which sizes the network sees a region, as multiples of the size that it was trained with; the mean counts.
    Sides are rounded to multiples of 32 px."""


class FullImageMode(RegionMode):
    """The whole image as one input."""

    source: Literal["full_image"]


class RoiMode(RegionMode):
    """One part of the image as one input."""

    source: Literal["roi"]

    bounds: SidesSettings = SidesSettings()
    """How far the part begins inside each side of the image, as "20px" or "10%" of its height or width, rounded
    down."""

    save: bool = False
    """Whether to add a rectangle of the part to the annotation."""

    class_name: str = Field(default="inference_roi", min_length=1)
    """Class of that rectangle."""


class BboxesMode(RegionMode):
    """The boxes of the image's objects, each as one input; where they overlap, their probabilities are averaged."""

    source: Literal["bboxes"]

    from_classes: Literal["__all__"] | Annotated[list[str], Field(min_length=1)] = ALL_CLASSES
    """Classes of the objects."""

    padding: SidesSettings = SidesSettings()
    """What is added to a box outward, as far as the image goes: "20px", or "10%" of the box's height or width, rounded
    down."""

    save: bool = False
    """Whether to add a rectangle of each padded box to the annotation."""

    add_suffix: str = "_input_bbox"
    """What is appended to the title of an object's class for that of its rectangle."""


Mode = SlidingWindowMode | FullImageMode | RoiMode | BboxesMode

MODES: dict[str, type[Mode]] = {
    "sliding_window": SlidingWindowMode,
    "full_image": FullImageMode,
    "roi": RoiMode,
    "bboxes": BboxesMode,
}
"""By `source`; the first one where a config does not name it."""
