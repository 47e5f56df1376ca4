"""Which classes a mask holds, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.core.figures import tight_window
from components.core.geometry import Window
from components.infer_windows.arrays import UInt8


@dataclass(frozen=True, slots=True)
class ClassExtent:
    """Where a class is in a mask.

    Attributes:
        value: Index of the class, which is its value in the mask.
        box: The smallest window that holds all its pixels.
        area: Number of its pixels.
    """

    value: int
    box: Window
    area: int


class Extents:
    """Boxes and areas of the classes, gathered block by block."""

    def __init__(self, classes: int) -> None:
        """Begin without any pixel.

        Args:
            classes: How many classes there are; greater values are none.
        """
        self._classes = classes
        self._extents: dict[int, ClassExtent] = {}

    def add(self, top: int, left: int, values: UInt8) -> None:
        """Take in a (H, W) block of class indices whose first pixel lies at (top, left)."""
        for value in range(self._classes):
            pixels = values == value
            area = int(np.count_nonzero(pixels))
            box = tight_window(pixels) if area else None
            if box is not None:
                old = self._extents.get(value)
                new = ClassExtent(value, box.shift(top, left), area)
                self._extents[value] = new if old is None else _joined(old, new)

    def found(self) -> tuple[ClassExtent, ...]:
        """The classes that occur, by value."""
        return tuple(self._extents[value] for value in sorted(self._extents))


def _joined(old: ClassExtent, new: ClassExtent) -> ClassExtent:
    box = Window.of_bounds(
        min(old.box.top, new.box.top),
        min(old.box.left, new.box.left),
        max(old.box.bottom, new.box.bottom),
        max(old.box.right, new.box.right),
    )
    return ClassExtent(old.value, box, old.area + new.area)
