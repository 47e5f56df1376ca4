"""Large arrays that are used again."""

from __future__ import annotations

from queue import Empty, SimpleQueue

import numpy as np

from components.infer_windows.arrays import UInt8


class Buffers:
    """Arrays for pixels, handed from thread to thread: to touch fresh memory takes longer than to fill it."""

    def __init__(self) -> None:
        self._free: SimpleQueue[UInt8] = SimpleQueue()

    def take(self, shape: tuple[int, ...]) -> UInt8:
        """An array of any content."""
        try:
            array = self._free.get_nowait()
        except Empty:
            return np.empty(shape, np.uint8)
        return array if array.shape == shape else np.empty(shape, np.uint8)

    def give_back(self, pixels: UInt8) -> None:
        """Take an array, or a part of it, that nobody uses any more."""
        self._free.put(pixels if pixels.base is None else pixels.base)
