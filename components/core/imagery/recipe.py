"""Which pixels an item shows: what is done to a raster, in order, when it is read.

A recipe is data: it goes into the manifest, and pixels are touched only when somebody looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from components.core.geometry import FlipAxis, Size, Window

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


Step = Crop | Flip


@dataclass(frozen=True, slots=True)
class Recipe:
    """A window of a raster, then mirrored; any chain of crops and flips comes down to this form.

    Attributes:
        window: What is read from the raster.
        left_right: Whether it is then mirrored left to right.
        up_down: Whether it is then mirrored upside down.
    """

    window: Window
    left_right: bool = False
    up_down: bool = False

    @classmethod
    def whole(cls, size: Size) -> Recipe:
        """The raster as it is."""
        return cls(Window.of_size(size))

    @property
    def size(self) -> Size:
        """Size of the result."""
        return self.window.size

    @property
    def is_mirrored(self) -> bool:
        """Whether any flip remains."""
        return self.left_right or self.up_down

    def then(self, step: Step) -> Recipe:
        """This recipe with one more step, back in its simplest form."""
        if isinstance(step, Flip):
            if step.axis is FlipAxis.LEFT_RIGHT:
                return Recipe(self.window, not self.left_right, self.up_down)
            return Recipe(self.window, self.left_right, not self.up_down)
        part = self._before_flips(step.window)
        return Recipe(part.shift(self.window.top, self.window.left), self.left_right, self.up_down)

    def _before_flips(self, window: Window) -> Window:
        top = self.size.height - window.bottom if self.up_down else window.top
        left = self.size.width - window.right if self.left_right else window.left
        return Window(top, left, window.height, window.width)

    def apply(self, pixels: npt.NDArray[Pixel]) -> npt.NDArray[Pixel]:
        """Mirror what was read.

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
            matrix = matrix @ Affine.translation(self.size.width, 0) @ Affine.scale(-1, 1)
        if self.up_down:
            matrix = matrix @ Affine.translation(0, self.size.height) @ Affine.scale(1, -1)
        return matrix

    def as_row(self) -> dict[str, Any]:
        """The manifest's form."""
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
        """From the manifest's form."""
        window = Window(row["top"], row["left"], row["height"], row["width"])
        return cls(window, row["left_right"], row["up_down"])
