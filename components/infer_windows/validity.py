"""Which pixels hold data: told by whoever reads rows, asked by whoever writes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.infer_windows.arrays import Bool


@dataclass(frozen=True, slots=True)
class ValidRows:
    """Rows of a strip, some pixels of which hold no data.

    Attributes:
        top: The first row in the scene.
        bits: (n, ⌈W / 8⌉) uint8: eight pixels a byte, set where a pixel holds data.
    """

    top: int
    bits: npt.NDArray[np.uint8]

    @classmethod
    def packed(cls, top: int, valid: Bool) -> ValidRows:
        """From (n, W) bool."""
        return cls(top, np.packbits(valid, axis=1))

    @property
    def bottom(self) -> int:
        """The row after the last."""
        return self.top + len(self.bits)


class Validity:
    """Which pixels of a strip hold data, for rows asked for from the top down."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._waiting: deque[ValidRows] = deque()

    def add(self, rows: Iterable[ValidRows]) -> None:
        """Take in rows, which come from the top down; those of which none come hold data in all pixels."""
        self._waiting.extend(rows)

    def invalid(self, top: int, height: int) -> Bool | None:
        """(height, W) bool, set where a pixel holds no data; None where all hold some. Rows above are forgotten."""
        while self._waiting and self._waiting[0].bottom <= top:
            self._waiting.popleft()
        result: Bool | None = None
        for rows in self._waiting:
            low, high = max(rows.top, top), min(rows.bottom, top + height)
            if low >= high:
                break
            if result is None:
                result = np.zeros((height, self._width), np.bool_)
            bits = rows.bits[low - rows.top : high - rows.top]
            result[low - top : high - top] = np.unpackbits(bits, axis=1, count=self._width) == 0
        return result
