"""Splitting a mask into its connected components, by row band.

Memory is a band and the components' own boxes; the result does not depend on the band height.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from components.core.figures.bitmap import Bitmap
from components.core.figures.mask import InlineMask, Mask
from components.core.figures.run_lengths import drawn_components, labelled_runs
from components.core.figures.seams import SeamRow, Seams
from components.core.geometry import row_bands

BAND_PIXELS = 1 << 21
"""Of a band, as fits a processor's cache."""

BAND_ROWS = 256
"""Of a band at least: the lower it is, the more components are cut and joined again."""


def connected_components(mask: Mask, band_rows: int | None = None) -> list[Bitmap]:
    """Split a mask into its 8-connected components; holes stay holes.

    Args:
        mask: The mask; read band by band.
        band_rows: Rows a band; changes the memory used, never the result. None for what is fastest.

    Returns:
        One tight bitmap a component, in the mask's coordinates, ordered by first row, then by the first
        column of that row.
    """
    bands = row_bands(mask.size, band_rows or max(BAND_ROWS, BAND_PIXELS // mask.size.width))
    return components_of_bands((band.top, mask.read(band)) for band in bands)


def components_of_bands(bands: Iterable[tuple[int, npt.NDArray[np.bool_]]]) -> list[Bitmap]:
    """The components of consecutive row bands of one width.

    Args:
        bands: (first row, (H, W) bool) from the top down, without gaps.

    Returns:
        As `connected_components`.
    """
    seams: Seams[Bitmap] = Seams()
    found: list[Bitmap] = []
    for top, pixels in bands:
        runs = labelled_runs(pixels)
        pieces = [Bitmap(top + part.top, part.left, InlineMask(part.pixels)) for part in drawn_components(runs)]
        first, last = (SeamRow(*runs.of_row(row)) for row in (0, len(pixels) - 1))
        found += map(merged, seams.add(pieces, first, last))
    found += map(merged, seams.going_on)
    return sorted(found, key=_first_pixel)


def _first_pixel(bitmap: Bitmap) -> tuple[int, int]:
    return bitmap.top, bitmap.left + int(bitmap.mask.pixels()[0].argmax())


def merged(bitmaps: Sequence[Bitmap]) -> Bitmap:
    """The tight bitmap of all pixels of some; the only one as it is."""
    if len(bitmaps) == 1:
        return bitmaps[0]
    boxes = [bitmap.window for bitmap in bitmaps]
    top, left = min(box.top for box in boxes), min(box.left for box in boxes)
    bottom, right = max(box.bottom for box in boxes), max(box.right for box in boxes)
    pixels = np.zeros((bottom - top, right - left), np.bool_)
    for box, bitmap in zip(boxes, bitmaps, strict=True):
        pixels[box.shift(-top, -left).slices] |= bitmap.mask.pixels()
    return Bitmap(top, left, InlineMask(pixels))
