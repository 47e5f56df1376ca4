"""What windows contribute to one strip of columns, those that reach into it from the left included.

Where a window reaches over its strip's right border, what it says of the next strip waits in a temporary file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import BinaryIO, Self, cast

import numpy as np

from components.core.errors import StorageError
from components.core.geometry import Window
from components.infer_windows.arrays import Float32
from components.infer_windows.batches import WindowBatch
from components.infer_windows.blending import Contribution
from components.infer_windows.reader import Validity
from components.infer_windows.scene_plan import ScenePlan
from components.infer_windows.windows import Placed, Strip


class TemporaryArrays:
    """A temporary file of float32 arrays; it is gone when it is closed, or when the process ends."""

    def __init__(self) -> None:
        self._file: BinaryIO | None = None

    def close(self) -> None:
        """Remove it."""
        if self._file is not None:
            self._file.close()

    def put(self, values: Float32) -> None:
        """Append an array.

        Raises:
            StorageError: If the disk has no room for it.
        """
        try:
            if self._file is None:
                self._file = cast(BinaryIO, tempfile.TemporaryFile(prefix="windows-"))  # noqa: SIM115 - see close
            self._file.write(np.ascontiguousarray(values).data)
        except OSError as error:
            raise _no_room(error) from error

    def rewind(self) -> None:
        """Go back to the first array, to take them up.

        Raises:
            StorageError: If the disk has no room for what was put there last.
        """
        if self._file is None:
            return
        try:
            self._file.seek(0)
        except OSError as error:
            raise _no_room(error) from error

    def take(self, shape: tuple[int, ...]) -> Float32:
        """The next array.

        Args:
            shape: As it was put there.

        Raises:
            ValueError: If there is none.
        """
        values = np.empty(shape, np.float32)
        read = 0 if self._file is None else self._file.readinto(values.data.cast("B"))  # type: ignore[attr-defined]
        if read != values.nbytes:
            raise ValueError(f"{read} of {values.nbytes} bytes were written before")
        return values


def _no_room(error: OSError) -> StorageError:
    return StorageError(
        f"{tempfile.gettempdir()}: cannot buffer the overlaps of windows ({error.strerror}); "
        "free some space there, or set TMPDIR to a folder on a larger disk"
    )


class StripOverlap:
    """What the windows of one strip say of the columns to its right, in row-major order."""

    def __init__(self) -> None:
        self._arrays = TemporaryArrays()
        self._run: set[tuple[int, int]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove it from the disk."""
        self._arrays.close()

    def put(self, row: int, column: int, values: Float32 | None) -> None:
        """Keep what one window says; None where it was not run.

        Raises:
            StorageError: If the disk has no room for it.
        """
        if values is not None:
            self._run.add((row, column))
            self._arrays.put(values)

    def rewind(self) -> None:
        """Begin to take up what was put here."""
        self._arrays.rewind()

    def take(self, row: int, column: int, shape: tuple[int, ...]) -> Float32 | None:
        """What a window says, in the order in which it was put here."""
        return self._arrays.take(shape) if (row, column) in self._run else None


class StripContributions:
    """Takes the windows of a strip from the network, and those that reach into it from the left from an overlap.

    Attributes:
        plan: Of the scene.
        strip: Which strip.
        validity: Which of its pixels hold data, as far as windows were taken.
    """

    def __init__(self, plan: ScenePlan, strip: Strip, earlier: StripOverlap, later: StripOverlap) -> None:
        self.plan = plan
        self.strip = strip
        self.validity = Validity(strip.width)
        self._earlier = earlier
        self._later = later

    def of(self, batches: Iterable[WindowBatch]) -> Iterator[Contribution]:
        """All contributions to the strip, in the order of their windows.

        Args:
            batches: Those of the strip, after the network.
        """
        own = self._windows(batches)
        if not self.strip.own:
            self._take_validity(own)
        self._earlier.rewind()
        for placed in self.plan.placed(self.strip):
            if placed.is_new:
                found = next(own)
                values = None if found is None else found[(slice(None), *placed.inside.slices)]
            else:
                shape = (self.plan.planes, placed.window.height, placed.window.width)
                values = self._earlier.take(placed.row, placed.column, shape)
            yield self._contribution(placed, values)
        self._take_validity(own)

    def _windows(self, batches: Iterable[WindowBatch]) -> Iterator[Float32 | None]:
        """(planes, h, w) float32 of each window of the strip's own; None where it was not run."""
        for batch in batches:
            self._note_validity(batch)
            results = iter(() if batch.probabilities is None else batch.probabilities)
            for run in batch.run:
                yield self._planes(batch, next(results)) if run else None

    def _note_validity(self, batch: WindowBatch) -> None:
        self.validity.add(batch.valid)

    def _planes(self, batch: WindowBatch, probabilities: Float32) -> Float32:
        """What a window contributes to all of its pixels."""
        return probabilities

    @staticmethod
    def _take_validity(windows: Iterator[Float32 | None]) -> None:
        """Take the batches to their end, in which there is no window any more."""
        for window in windows:
            raise ValueError(f"a window too many: {window}")

    def _contribution(self, placed: Placed, values: Float32 | None) -> Contribution:
        """Hand on what lies to the right of the strip, and give what lies in it."""
        window = placed.window
        width = min(window.right, self.strip.right) - window.left
        if window.right > self.strip.right:
            self._later.put(placed.row, placed.column, None if values is None else values[..., width:])
        inside = Window(window.top, window.left, window.height, width)
        top, left = placed.start
        return Contribution(
            placed.row,
            inside,
            None if values is None else values[..., :width],
            self.plan.weights(inside.shift(-top, -left)),
        )
