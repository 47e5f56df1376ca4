"""`sliding_window`: cuts an image into overlapping windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.errors import DataError
from components.core.geometry import Size, Window, sliding_windows
from components.core.imagery import Crop
from components.core.project import Item


class WindowSettings(ActionSettings):
    """Size of the window, in pixels."""

    width: int = Field(ge=1)
    height: int = Field(ge=1)


class OverlapSettings(ActionSettings):
    """Least overlap of neighbouring windows, in pixels."""

    x: int = Field(ge=0)
    y: int = Field(ge=0)


class SlidingWindowSettings(ActionSettings):
    """Settings of `sliding_window`."""

    window: WindowSettings
    min_overlap: OverlapSettings

    small_images: Literal["refuse", "whole"] = "refuse"
    """What becomes of images smaller than the window: whole lets them through, as windows as small as they are."""

    @model_validator(mode="after")
    def _leaves_a_stride(self) -> SlidingWindowSettings:
        for overlap, window, names in (
            (self.min_overlap.x, self.window.width, "min_overlap.x of {} leaves no stride in width {}"),
            (self.min_overlap.y, self.window.height, "min_overlap.y of {} leaves no stride in height {}"),
        ):
            if overlap >= window:
                raise ValueError(names.format(overlap, window) + f"; use at most {window - 1}")
        return self

    @property
    def size(self) -> Size:
        """Of the window."""
        return Size(self.window.height, self.window.width)

    @property
    def overlap(self) -> Size:
        """Least overlap, along rows and columns."""
        return Size(self.min_overlap.y, self.min_overlap.x)


class SlidingWindow(Action):
    """Cuts the image into windows, row by row; they cover every pixel, the last of a row or column shifted inward.

    Neighbours start a window less its overlap apart, and those without objects come out, too. Figures are cut, tags
    and descriptions kept: a bitmap keeps its pixels in the window and stays one object; a polygon or line may fall
    apart into several; of a rectangle its part stays. A point or line on the border that two windows share is in both;
    a rectangle or polygon that only touches a window is not in it.
    """

    name: ClassVar[str] = "sliding_window"
    settings_model: ClassVar[type[ActionSettings]] = SlidingWindowSettings

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """One element a window, those without objects included."""
        if self.settings.small_images == "refuse":
            self._check_fits(element)
        for window in self._windows(element.item.size):
            trail = f"_r{window.top:04d}_c{window.left:04d}"
            if context.dry:
                yield Emission(element.without_objects(window.size, trail))
            else:
                yield Emission(element.with_item(crop_item(element.item, window), trail))

    def _windows(self, image: Size) -> Iterator[Window]:
        size, overlap = self.settings.size, self.settings.overlap
        size = Size(min(size.height, image.height), min(size.width, image.width))
        overlap = Size(min(overlap.height, size.height - 1), min(overlap.width, size.width - 1))
        yield from sliding_windows(image, size, overlap)

    def _check_fits(self, element: Element) -> None:
        image, window = element.item.size, self.settings.size
        for key, side, limit in (("width", window.width, image.width), ("height", window.height, image.height)):
            if side > limit:
                raise DataError(
                    f"{self.place}.settings.window.{key}: {side} exceeds the {key} {limit} of image "
                    f"{element.source.name!r}; use at most {limit}, keep small images out with an `if` layer, or let "
                    'them through with "small_images": "whole", which a training pads where its config says '
                    '"pad": "reflect"'
                )

    def summary(self) -> str:
        """Window and overlap."""
        window, overlap = self.settings.window, self.settings.min_overlap
        text = f"{window.width}×{window.height} px"
        return f"{text}, overlap {overlap.x}×{overlap.y}" if overlap.x or overlap.y else text


def crop_item(item: Item, window: Window) -> Item:
    """The part of an item inside a window; figures are cut, and what is left of none is dropped."""
    return replace(
        item,
        size=window.size,
        image=None if item.image is None else item.image.then(Crop(window)),
        rasters={},
        objects=tuple(entry.with_figure(part) for entry in item.objects for part in entry.figure.crop(window)),
    )
