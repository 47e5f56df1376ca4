"""The outlines of masks along their pixels' edges, as valid polygons with holes.

Masks are traced many at a time, side by side on a sheet. Each 4-connected part of a mask is one shell with its holes;
rings are simple and touch at most at corners: valid in the sense of OGC Simple Features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from components.core.figures import Bitmap
from components.core.figures.mask import BoolPixels
from components.core.footprints.geography import Geometries
from components.core.footprints.rings import Rings, rings_of, shells_of
from components.core.footprints.shapes import multipolygons
from components.core.geometry import Size, Window, row_bands

BAND_ROWS = 1024

SHEET_PIXELS = 1 << 20
"""Of masks that are traced together; a larger one is traced alone, by row band."""


class PixelSet(Protocol):
    """What is traced: set pixels in a box, read by window."""

    @property
    def size(self) -> Size:
        """Of the box."""

    def read(self, window: Window) -> BoolPixels:
        """(H, W) bool of one window of the box."""
        ...


def outline(mask: PixelSet) -> BaseGeometry:
    """The polygon of one mask; see `outlines`."""
    return outlines([mask])[0]


def outlines(masks: Sequence[PixelSet]) -> Geometries:
    """The polygons of masks.

    Args:
        masks: In any order; large ones are read by row band.

    Returns:
        (N,) of valid polygons and multipolygons in (column, row) of each mask's box, pixel edges at whole numbers;
        a polygon's area is the number of set pixels.

    Raises:
        ValueError: If no pixel of a mask is set.
    """
    shapes = np.empty(len(masks), dtype=object)
    for members in _sheets([mask.size for mask in masks]):
        sheet = _Sheet([masks[index] for index in members])
        shapes[members] = sheet.polygons(rings_of(sheet.bands()))
    return shapes


def placed_outlines(bitmaps: Sequence[Bitmap]) -> Geometries:
    """The polygons of bitmaps; see `outlines`.

    Returns:
        (N,) in (column, row) of the image that the bitmaps are of.
    """
    shapes = outlines([bitmap.mask for bitmap in bitmaps])
    corners = np.array([(bitmap.left, bitmap.top) for bitmap in bitmaps], np.float64).reshape(-1, 2)
    counts = shapely.get_num_coordinates(shapes)
    moved: Geometries = shapely.set_coordinates(shapes, shapely.get_coordinates(shapes) + np.repeat(corners, counts, 0))
    return moved


def _sheets(sizes: Sequence[Size]) -> Iterator[list[int]]:
    """Indices of the masks of each sheet: of nearly one height, so that little of it is empty."""
    members: list[int] = []
    width = 0
    for index in sorted(range(len(sizes)), key=lambda index: sizes[index].height):
        width += sizes[index].width + 1
        if members and width * sizes[index].height > SHEET_PIXELS:
            yield members
            members, width = [], sizes[index].width + 1
        members.append(index)
    if members:
        yield members


class _Sheet:
    """Masks side by side, an unset column between any two."""

    def __init__(self, masks: Sequence[PixelSet]) -> None:
        self._masks = masks
        self._sizes = [mask.size for mask in masks]
        widths = np.array([size.width + 1 for size in self._sizes], np.int64)
        self._lefts = np.cumsum(widths) - widths
        self._size = Size(max(size.height for size in self._sizes), int(widths.sum()) - 1)

    def bands(self) -> Iterator[BoolPixels]:
        """The sheet's pixels from the top down."""
        if len(self._masks) == 1:
            yield from (self._masks[0].read(band) for band in row_bands(self._size, BAND_ROWS))
            return
        pixels = np.zeros((self._size.height, self._size.width), np.bool_)
        for mask, size, left in zip(self._masks, self._sizes, self._lefts.tolist(), strict=True):
            pixels[: size.height, left : left + size.width] = mask.read(Window.of_size(size))
        yield pixels

    def polygons(self, rings: Rings) -> Geometries:
        """One geometry a mask, each in its own coordinates."""
        owners = np.searchsorted(self._lefts, rings.corners[rings.starts, 0], "right") - 1
        corners = rings.corners.astype(np.float64)
        corners[:, 0] -= np.repeat(self._lefts[owners], rings.counts)
        shapes = shapely.linearrings(corners, indices=np.repeat(np.arange(len(owners)), rings.counts))
        is_shell = rings.areas > 0
        shells = np.flatnonzero(is_shell)[np.argsort(owners[is_shell], kind="stable")]
        holes = np.flatnonzero(~is_shell)
        if not np.bincount(owners[shells], minlength=len(self._masks)).all():
            raise ValueError("a mask without pixels has no outline")
        place = np.empty(len(owners), np.int64)
        place[shells] = np.arange(len(shells))
        numbers = np.concatenate([place[shells], place[shells_of(rings, holes)]])
        order = np.argsort(numbers, kind="stable")  # a shell before its holes
        members = np.concatenate([shells, holes])[order]
        return multipolygons(shapely.polygons(shapes[members], indices=numbers[order]), owners[shells])
