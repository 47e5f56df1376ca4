"""What values a mask holds, how often, and how they lie: all that its meaning is decided by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.figures import tight_window
from components.core.geometry import Window
from components.import_images.mask_codes import GREY, Codes, MaskForm

MOST_VALUES = 4096
"""Most values that are distinguished; a mask of more holds no classes."""

DARK, BRIGHT = 16, 240
"""Values of 8 bits below and from which compression or resampling has left 0 and 255 what they were."""


@dataclass(frozen=True, slots=True)
class MaskScan:
    """Some pixels of a mask: the box around them, and their number."""

    box: Window | None
    area: int


class Scanner:
    """Finds box and number of the set pixels of rows, top to bottom."""

    def __init__(self) -> None:
        self._top = self._left = -1
        self._bottom = self._right = -1
        self._area = 0

    def add(self, rows: Window, pixels: npt.NDArray[np.bool_]) -> None:
        """Take the pixels of some rows."""
        box = tight_window(pixels)
        if box is None:
            return
        box = box.shift(rows.top, rows.left)
        self._left = box.left if self._top < 0 else min(self._left, box.left)
        self._top = box.top if self._top < 0 else self._top
        self._bottom, self._right = box.bottom, max(self._right, box.right)
        self._area += int(np.count_nonzero(pixels))

    def result(self) -> MaskScan:
        """Box and number in all rows so far."""
        if self._top < 0:
            return MaskScan(None, 0)
        return MaskScan(Window.of_bounds(self._top, self._left, self._bottom, self._right), self._area)


class MaskSurvey:
    """Counts a mask's values from its rows, top to bottom.

    Attributes:
        counts: Pixels of each value, transparent and unlabelled ones left out, as long as there are not too many.
        has_many: Whether there are more values than are distinguished.
        is_grey: Whether all are greys, where they are colours.
        lowest: The lowest value.
        highest: The highest value.
        nonzero: Pixels of another value than 0.
        clear: Those of them that are nearly 0 or nearly 255, in each channel.
        runs: How many stretches of equal nonzero pixels the rows hold.
        opaque: Pixels that are drawn.
        transparent: Pixels that are not.
        unlabelled: Pixels that are declared to hold no value.
    """

    def __init__(self, form: MaskForm) -> None:
        self.counts: dict[float, int] = {}
        self.has_many = False
        self.is_grey = True
        self.lowest, self.highest = np.inf, -np.inf
        self.nonzero = self.clear = self.runs = 0
        self.opaque = self.transparent = self.unlabelled = 0
        self._form = form
        self._above = Scanner()

    def add(self, rows: Window, codes: Codes) -> None:
        """Take some rows."""
        excluded = np.zeros(codes.values.shape, np.bool_)
        if codes.opaque is not None:
            drawn = int(np.count_nonzero(codes.opaque))
            self.opaque += drawn
            self.transparent += codes.opaque.size - drawn
            excluded |= ~codes.opaque
        if codes.unlabelled is not None:
            self.unlabelled += int(np.count_nonzero(codes.unlabelled))
            excluded |= codes.unlabelled
        self._above.add(rows, codes.values > 0)
        self._count(codes.values, excluded)

    def above_zero(self) -> MaskScan:
        """Box and number of the pixels above 0."""
        return self._above.result()

    @property
    def clear_share(self) -> float:
        """Of the nonzero pixels, how many are nearly 0 or 255; 1 where there are none."""
        return self.clear / self.nonzero if self.nonzero else 1.0

    @property
    def flatness(self) -> float:
        """How likely a nonzero pixel has its left neighbour's value: near 1 in masks, small in pictures."""
        return 1 - self.runs / self.nonzero if self.nonzero else 1.0

    def _count(self, values: npt.NDArray[Any], excluded: npt.NDArray[np.bool_]) -> None:
        flat = values.ravel()
        starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
        lengths = np.diff(np.append(starts, flat.size))
        if excluded.any():
            lengths = np.add.reduceat(~excluded.ravel(), starts, dtype=np.int64)
        distinct, place = np.unique(flat[starts], return_inverse=True)
        pixels = np.bincount(place, lengths, len(distinct)).astype(np.int64)
        runs = np.bincount(place, lengths > 0, len(distinct)).astype(np.int64)
        held = pixels > 0
        self._note(distinct[held], pixels[held], runs[held])

    def _note(self, distinct: npt.NDArray[Any], pixels: npt.NDArray[np.int64], runs: npt.NDArray[np.int64]) -> None:
        if not len(distinct):
            return
        self.lowest = min(self.lowest, float(distinct[0]))
        self.highest = max(self.highest, float(distinct[-1]))
        nonzero = distinct != 0
        self.nonzero += int(pixels[nonzero].sum())
        self.runs += int(runs[nonzero].sum())
        self.clear += int(pixels[nonzero & self._is_clear(distinct)].sum())
        if self._form.is_colour:
            self.is_grey &= bool((distinct % GREY == 0).all())
        if not self.has_many:
            for value, count in zip(distinct.tolist(), pixels.tolist(), strict=True):
                self.counts[value] = self.counts.get(value, 0) + count
            self.has_many = len(self.counts) > MOST_VALUES

    def _is_clear(self, distinct: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        if not self._form.is_colour:
            return np.asarray((distinct < DARK) | (distinct >= BRIGHT))
        channels = np.stack([distinct >> 16, distinct >> 8 & 255, distinct & 255])
        return np.asarray(((channels < DARK) | (channels >= BRIGHT)).all(axis=0))
