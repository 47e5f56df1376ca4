"""`rotate`: turns an image by a random angle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.pixel_action import with_operation
from components.core.errors import DataError
from components.core.figures import Rectangle
from components.core.figures.transforms import rotated
from components.core.geometry import Size, Window
from components.core.imagery.operations import Frame, Rotate
from components.core.project import Item


class AnglesSettings(ActionSettings):
    """Counter-clockwise: drawn from `min_degrees` to `max_degrees`, for each item."""

    min_degrees: float = Field(ge=-360, le=360)
    max_degrees: float = Field(ge=-360, le=360)

    @model_validator(mode="after")
    def _is_in_order(self) -> AnglesSettings:
        if self.min_degrees > self.max_degrees:
            raise ValueError(f"min_degrees {self.min_degrees:g} is above max_degrees {self.max_degrees:g}")
        return self


class BlackRegionsSettings(ActionSettings):
    """What becomes of the black corners."""

    mode: Literal["keep", "crop", "preserve_size"]
    """keep: the canvas holds all of the image; crop: no black corner is left; preserve_size: as large as before."""


class RotateSettings(ActionSettings):
    """Settings of `rotate`."""

    rotate_angles: AnglesSettings
    black_regions: BlackRegionsSettings


class RotateImage(Action):
    """Turns the image counter-clockwise about its middle; what it does not cover is black.

    The image is resampled by Lanczos over 8×8 pixels, bitmaps by the nearest pixel; vectors turn about
    (width / 2, height / 2). The canvas is rounded up to whole pixels. `crop` cuts W · sin · cos / (sin + cos) px off
    the exact canvas on each side, W the longer side of the image; `preserve_size` cuts about the middle. Figures are
    cut with the image. Whole quarter turns move pixels as they are. An image with a rectangle fails: turned, it is
    none; make it a polygon first. A georeference turns with the image.
    """

    name: ClassVar[str] = "rotate"
    settings_model: ClassVar[type[ActionSettings]] = RotateSettings
    may_draw: ClassVar[bool] = True

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element, turned; of its pixels, large masks alone are read."""
        angles, size = self.settings.rotate_angles, element.item.size
        degrees = context.drawn(layer, element, "degrees", angles.min_degrees, angles.max_degrees)
        rotate = self._checked(Rotate(degrees), size, element.source.name)
        window = self._window(rotate, size, element.source.name)
        trail = f"_rot{degrees:.6g}"
        if context.dry:
            yield Emission(element.without_objects(window.size, trail))
            return
        self._check_rectangles(element)
        item = rotate_item(element.item, rotate)
        yield Emission(
            element.with_item(item if window == Window.of_size(item.size) else frame_item(item, window), trail)
        )

    def _checked(self, rotate: Rotate, size: Size, name: str) -> Rotate:
        try:
            rotate.result_size(size)
        except ValueError as error:
            raise DataError(f"{self.place}: image {name!r} of {size} px is too large to be rotated: {error}") from error
        return rotate

    def _window(self, rotate: Rotate, size: Size, name: str) -> Window:
        """What is kept of the canvas; may reach over its borders."""
        canvas, mode = rotate.result_size(size), self.settings.black_regions.mode
        if mode == "keep" or (mode == "crop" and rotate.quarter_turns is not None):
            return Window.of_size(canvas)
        if mode == "preserve_size":
            top, left = -((size.height - canvas.height) // 2), -((size.width - canvas.width) // 2)
            return Window(top, left, size.height, size.width)
        margin, (height, width) = rotate.margin(size), rotate.exact_canvas(size)
        rows, columns = (
            (int((whole - side) / 2 + margin), int((whole + side) / 2 - margin))
            for whole, side in ((canvas.height, height), (canvas.width, width))
        )
        if rows[1] - rows[0] < 1 or columns[1] - columns[0] < 1:
            raise DataError(
                f"{self.place}.settings.black_regions.mode: crop leaves nothing of image {name!r} of {size} px, turned "
                f"by {rotate.degrees:.6g}°: it is too narrow; use keep or preserve_size, or smaller angles"
            )
        return Window.of_bounds(rows[0], columns[0], rows[1], columns[1])

    def _check_rectangles(self, element: Element) -> None:
        for entry in element.item.objects:
            if isinstance(entry.figure, Rectangle):
                raise DataError(
                    f"{self.place}: an object of {entry.class_title!r} in image {element.source.name!r} is a "
                    "rectangle, which cannot be rotated; make it a polygon first (bbox2poly), or drop its class"
                )

    def summary(self) -> str:
        """Angles and what becomes of black corners."""
        angles = self.settings.rotate_angles
        least, most = angles.min_degrees, angles.max_degrees
        degrees = f"{least:g}°" if least == most else f"{least:g}° to {most:g}°"
        return f"{degrees}, {self.settings.black_regions.mode}"


def rotate_item(item: Item, rotate: Rotate) -> Item:
    """An item and its figures, turned, on a canvas that holds all of it."""
    return with_operation(
        item, rotate, rotate.result_size(item.size), lambda figure: rotated(figure, rotate, item.size)
    )


def frame_item(item: Item, window: Window) -> Item:
    """What a window shows of an item, black where it reaches over its borders; figures are cut."""
    return with_operation(item, Frame.of_window(window), window.size, lambda figure: figure.crop(window))
