"""What windows contribute to one strip of columns, in row-major order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from components.core.geometry import Window
from components.infer_windows.arrays import Float32
from components.infer_windows.batches import Batch, WindowPlan
from components.infer_windows.blending import Piece
from components.infer_windows.spill import Spill
from components.infer_windows.strips import Strip
from components.infer_windows.validity import Validity


class Handover:
    """What the windows of one strip say of the columns to its right, in row-major order."""

    def __init__(self) -> None:
        self._spill = Spill()
        self._run: set[tuple[int, int]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove it from the disk."""
        self._spill.close()

    def put(self, row: int, column: int, values: Float32 | None) -> None:
        """Put aside what one window says; None where it was not run.

        Raises:
            StorageError: If the disk has no room for it.
        """
        if values is not None:
            self._run.add((row, column))
            self._spill.put(values)

    def rewind(self) -> None:
        """Begin to take up what was put here."""
        self._spill.rewind()

    def take(self, row: int, column: int, shape: tuple[int, ...]) -> Float32 | None:
        """What a window says, in the order in which it was put here."""
        return self._spill.take(shape) if (row, column) in self._run else None


class StripPieces:
    """Takes the windows of a strip from the network, and those that reach into it from the left from a handover.

    Attributes:
        plan: Of the scene.
        strip: Which strip.
        validity: Which of its pixels hold data, as far as windows were taken.
    """

    def __init__(self, plan: WindowPlan, strip: Strip, earlier: Handover, later: Handover) -> None:
        self.plan = plan
        self.strip = strip
        self.validity = Validity(strip.width)
        self._earlier = earlier
        self._later = later

    def of(self, batches: Iterable[Batch]) -> Iterator[Piece]:
        """All contributions to the strip, in row-major order of their windows.

        Args:
            batches: Those of the strip, after the network.
        """
        own = self._windows(batches)
        if not self.strip.own:
            self._take_validity(own)
        self._earlier.rewind()
        for row in self.plan.rows:
            for column in self.strip.earlier:
                window = self._window(row, column)
                values = self._earlier.take(row, column, (self.plan.classes, window.height, window.width))
                yield self._piece(row, column, window, values)
            for column in self.strip.own:
                window = self._window(row, column)
                yield self._piece(row, column, window, self._inside(row, column, window, next(own)))
        self._take_validity(own)

    def _windows(self, batches: Iterable[Batch]) -> Iterator[Float32 | None]:
        """(C, h, w) float32 of each window of the strip's own; None where it was not run."""
        for batch in batches:
            self.validity.add(batch.valid)
            results = iter(() if batch.probabilities is None else batch.probabilities)
            for run in batch.run:
                yield next(results) if run else None

    @staticmethod
    def _take_validity(windows: Iterator[Float32 | None]) -> None:
        """Take the batches to their end, in which there is no window any more."""
        for window in windows:
            raise ValueError(f"a window too many: {window}")

    def _window(self, row: int, column: int) -> Window:
        """The wanted pixels to which a window contributes, from this strip's left border on."""
        rows, columns = self.plan.grid.rows.spans[row], self.plan.grid.columns.spans[column]
        return Window.of_bounds(
            max(rows.low, self.plan.top),
            max(columns.low, self.strip.left),
            min(rows.high, self.plan.bottom),
            columns.high,
        )

    def _inside(self, row: int, column: int, window: Window, probabilities: Float32 | None) -> Float32 | None:
        if probabilities is None:
            return None
        return probabilities[(slice(None), *self._within(row, column, window).slices)]

    def _within(self, row: int, column: int, window: Window) -> Window:
        """The same pixels in the coordinates of the window of the grid."""
        grid = self.plan.grid
        return window.shift(-grid.rows.spans[row].start, -grid.columns.spans[column].start)

    def _piece(self, row: int, column: int, window: Window, values: Float32 | None) -> Piece:
        """Hand on what lies to the right of the strip, and give what lies in it."""
        width = min(window.right, self.strip.right) - window.left
        if window.right > self.strip.right:
            self._later.put(row, column, None if values is None else values[..., width:])
        inside = Window(window.top, window.left, window.height, width)
        weights = self.plan.grid.weights
        return Piece(
            row,
            inside,
            None if values is None else values[..., :width],
            None if weights is None else weights[self._within(row, column, inside).slices],
        )
