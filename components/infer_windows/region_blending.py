"""Regions blended into finished rows: the plain mean of their probabilities where they overlap, and its argmax.

With p_1, p_2, … the probabilities of the n regions that hold pixel x, from the top down and from left to right,

    P(x) = (((p_a(x) + p_b(x)) + p_c(x)) + …) / n,

in float32. A pixel that lies in no region, or holds no data, has no class. As with windows, the order of the sum does
not depend on bands, strips or shards, so that the result is the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from components.core.geometry import Window
from components.infer_windows.arrays import Bool, Float32
from components.infer_windows.batches import WindowBatch
from components.infer_windows.blending import Band, Contribution
from components.infer_windows.strip_overlaps import StripContributions
from components.infer_windows.windows import BAND_ROWS


class RegionContributions(StripContributions):
    """Takes the regions of a strip from the network, and those that reach into it from the left from an overlap."""

    def _note_validity(self, batch: WindowBatch) -> None:
        """It goes with what the region contributes."""

    def _planes(self, batch: WindowBatch, probabilities: Float32) -> Float32:
        return _with_validity(batch, probabilities)


def blend_regions(
    contributions: Iterable[Contribution], area: Window, sums: Float32, band_rows: int = BAND_ROWS
) -> Iterator[Band]:
    """Average overlapping regions, and give rows as soon as no region can change them any more.

    Args:
        contributions: From the top down, each inside the area; their last plane is how much they count.
        area: The part of the scene that is wanted.
        sums: (C + 1, h, w) float32 of any content, where the sums are kept: as high as the regions and as a band, and
            as wide as the area at least, whatever the height of the area.
        band_rows: The most rows in a band.

    Returns:
        The bands from the top down; together they are the area.

    Raises:
        ValueError: If contributions come in another order or lie outside the area.
    """
    rows = _OpenRows(area, sums)
    for contribution in contributions:
        window = contribution.window
        if window.top < rows.top or not area.contains(window):
            raise ValueError(f"the region of {window} does not lie below row {rows.top - 1} in {area}")
        yield from rows.finish(window.top, band_rows)
        rows.add(contribution)
    yield from rows.finish(area.bottom, band_rows)


class _OpenRows:
    """Sums of the rows `top`..`end - 1`, which regions may still change, in a ring: row r lies at r modulo its height.

    Attributes:
        top: The first row that is not finished.
    """

    def __init__(self, area: Window, sums: Float32) -> None:
        self.top = self._end = area.top
        self._left = area.left
        self._sums = sums[..., : area.width]

    def add(self, contribution: Contribution) -> None:
        """Add what one region says."""
        window, values = contribution.window, contribution.probabilities
        if values is None:
            return
        self._open(window.bottom)
        left = window.left - self._left
        for row, place in self._places(window.top, window.bottom):
            rows = slice(row - window.top, row - window.top + place.stop - place.start)
            self._sums[:, place, left : left + window.width] += values[:, rows]

    def finish(self, bottom: int, band_rows: int) -> Iterator[Band]:
        """Average the rows above `bottom`; those that no region reached are 0."""
        while self.top < bottom:
            end = min(self.top + band_rows, bottom)
            self._open(end)
            for row, place in self._places(self.top, end):
                sums = self._sums[:, place]
                counts = sums[-1]
                sums[:-1] /= np.maximum(counts, 1)
                yield Band(row, sums[:-1], unseen=counts == 0)
            self.top = end

    def _open(self, bottom: int) -> None:
        for _, place in self._places(self._end, bottom):
            self._sums[:, place] = 0
        self._end = max(self._end, bottom)

    def _places(self, top: int, bottom: int) -> Iterator[tuple[int, slice]]:
        """Rows of the scene as slices of the ring, each with its first row."""
        height = self._sums.shape[1]
        while top < bottom:
            place = top % height
            rows = min(bottom - top, height - place)
            yield top, slice(place, place + rows)
            top += rows


def _with_validity(batch: WindowBatch, probabilities: Float32) -> Float32:
    """What a region contributes to its pixels: nothing where they hold no data.

    Args:
        batch: The region's own.
        probabilities: (C, h, w) float32 that the network gives.

    Returns:
        (C + 1, h, w) float32: these, and how much they count.
    """
    planes = np.ones((len(probabilities) + 1, *probabilities.shape[1:]), np.float32)
    planes[:-1] = probabilities
    for rows in batch.valid:
        valid: Bool = np.unpackbits(rows.bits, axis=1, count=probabilities.shape[2]).view(np.bool_)
        np.copyto(planes, np.float32(0), where=~valid)
    return planes
