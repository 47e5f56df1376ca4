"""Which pixels an item shows: what is done to a raster, in order, when it is read.

A recipe is data: it goes into the manifest, and pixels are touched only when somebody looks. Crops and flips of a
raster come down to one window, mirrored or not; what else is done follows as a list of operations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery.operations import Frame, Mirror, Operation
from components.core.imagery.operations_text import MOST_OPERATIONS

if TYPE_CHECKING:
    from affine import Affine

Pixel = TypeVar("Pixel", bound=np.generic)


def _left_right(pixels: npt.NDArray[Pixel]) -> npt.NDArray[Pixel]:
    """Rows from right to left; bytes by OpenCV, which takes a tenth of the time of a copy of numpy's view."""
    if pixels.dtype.itemsize != 1 or not pixels.flags.c_contiguous or not pixels.size:
        return pixels[..., ::-1]
    import cv2  # not for those who read no pixel

    rows = pixels.view(np.uint8).reshape(-1, pixels.shape[-1])
    return cv2.flip(rows, 1).view(pixels.dtype).reshape(pixels.shape)


@dataclass(frozen=True, slots=True)
class Crop:
    """Keep one window."""

    window: Window


@dataclass(frozen=True, slots=True)
class Flip:
    """Mirror."""

    axis: FlipAxis


Step = Crop | Flip | Operation


@dataclass(frozen=True, slots=True)
class Recipe:
    """A window of a raster, then mirrored, then what else is done to it.

    Any chain of crops and flips comes down to the first two.

    Attributes:
        window: What is read from the raster.
        left_right: Whether it is then mirrored left to right.
        up_down: Whether it is then mirrored upside down.
        operations: What is then done to it, in order.
    """

    window: Window
    left_right: bool = False
    up_down: bool = False
    operations: tuple[Operation, ...] = ()

    @classmethod
    def whole(cls, size: Size) -> Recipe:
        """The raster as it is."""
        return cls(Window.of_size(size))

    @property
    def size(self) -> Size:
        """Size of the result.

        Raises:
            ValueError: If an operation does not fit what comes before it.
        """
        return self.sizes()[-1] if self.operations else self.window.size

    def sizes(self) -> list[Size]:
        """Size before each operation, and of the result.

        Raises:
            ValueError: If an operation does not fit what comes before it.
        """
        found = [self.window.size]
        for operation in self.operations:
            found.append(operation.result_size(found[-1]))
        return found

    @property
    def plain(self) -> Recipe:
        """What is done before the operations."""
        return Recipe(self.window, self.left_right, self.up_down) if self.operations else self

    @property
    def is_plain(self) -> bool:
        """Whether the window is shown as it is."""
        return not (self.left_right or self.up_down or self.operations)

    def then(self, step: Step) -> Recipe:
        """This recipe with one more step, back in its simplest form.

        Raises:
            DataError: If there are too many operations.
            ValueError: If the step does not fit the result.
        """
        if self.operations or isinstance(step, Operation):
            return self._then_operation(step)
        if isinstance(step, Flip):
            if step.axis is FlipAxis.LEFT_RIGHT:
                return Recipe(self.window, not self.left_right, self.up_down)
            return Recipe(self.window, self.left_right, not self.up_down)
        part = self._before_flips(step.window)
        return Recipe(part.shift(self.window.top, self.window.left), self.left_right, self.up_down)

    def _then_operation(self, step: Step) -> Recipe:
        before, last = self.operations, self.operations[-1] if self.operations else None
        match step, last:
            case Crop(window), Frame():
                before, step = before[:-1], Frame.of_window(window.shift(last.top, last.left))
            case Crop(window), _:
                step = Frame.of_window(window)
            case Flip(axis), Mirror() if last.axis is axis:
                return replace(self, operations=before[:-1])
            case Flip(axis), _:
                step = Mirror(axis)
        if not isinstance(step, Operation):
            raise TypeError(f"{step!r} is not a step")
        if len(before) >= MOST_OPERATIONS:
            raise DataError(
                f"more than {MOST_OPERATIONS} pixel operations would apply to one image; use fewer layers, or "
                "write the project as files in between (--materialize)"
            )
        result = replace(self, operations=(*before, step))
        step.result_size(self.size)
        return result

    def _before_flips(self, window: Window) -> Window:
        top = self.size.height - window.bottom if self.up_down else window.top
        left = self.size.width - window.right if self.left_right else window.left
        return Window(top, left, window.height, window.width)

    def apply(self, pixels: npt.NDArray[Pixel]) -> npt.NDArray[Pixel]:
        """Mirror what was read; operations are for `rendering`.

        Args:
            pixels: (H, W) or (C, H, W), the content of `window`.

        Returns:
            The same shape; perhaps a view.
        """
        if self.left_right:
            pixels = _left_right(pixels)
        if self.up_down:
            pixels = pixels[..., ::-1, :]
        return pixels

    def affine(self) -> Affine:
        """From (column, row) of the result to (column, row) of the raster."""
        from affine import Affine  # not for those who ask for no place on the map

        matrix = Affine.translation(self.window.left, self.window.top)
        if self.left_right:
            matrix = matrix @ Affine.translation(self.window.width, 0) @ Affine.scale(-1, 1)
        if self.up_down:
            matrix = matrix @ Affine.translation(0, self.window.height) @ Affine.scale(1, -1)
        for operation, size in zip(self.operations, self.sizes() if self.operations else (), strict=False):
            matrix = matrix @ operation.affine(size)
        return matrix

    def seen(self) -> Window:
        """The pixels of the raster that show in the result, but for those that only filters look at.

        The box of the result's corners, and the window itself where nothing is done to it.
        """
        if not self.operations:
            return self.window
        size, matrix = self.size, self.affine()
        corners = [matrix @ (column, row) for column in (0, size.width) for row in (0, size.height)]
        columns, rows = zip(*corners, strict=True)
        box = Window.of_bounds(
            math.floor(min(rows)), math.floor(min(columns)), math.ceil(max(rows)), math.ceil(max(columns))
        )
        return box.intersection(self.window) or Window(self.window.top, self.window.left, 0, 0)

    def as_row(self) -> dict[str, Any]:
        """The manifest's form of window and flips; operations have a column of their own."""
        return {
            "top": self.window.top,
            "left": self.window.left,
            "height": self.window.height,
            "width": self.window.width,
            "left_right": self.left_right,
            "up_down": self.up_down,
        }

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> Recipe:
        """From the manifest's form of window and flips."""
        window = Window(row["top"], row["left"], row["height"], row["width"])
        return cls(window, row["left_right"], row["up_down"])
