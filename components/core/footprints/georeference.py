"""Whether a scene lies where its georeference says: somewhere on the Earth, at a size that imagery has."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from affine import Affine
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import ProjError

from components.core.errors import DataError
from components.core.footprints.geography import PixelGrid, crs_of
from components.core.geometry import Size
from components.core.project import Item

SMALLEST_PIXEL_M = 1e-4
LARGEST_PIXEL_M = 2e5
"""A pixel's sides on the ground: from a drone's at arm's length to a weather satellite's, and well beyond."""

LARGEST_LONGITUDE = 540.0
"""Rasters across the 180th meridian count on beyond it, from either side."""

ROUNDING_DEGREES = 1e-9
"""How far beyond a pole a point may lie, beside the pixel by which grids of pixel centres do."""

FAR_DEGREES = 20.0
"""So far outside the area that a projection is made for, coordinates are another projection's, or swapped."""

SHEAR = 1e-6
"""Least sine of the angle between rows and columns; below it they are one line."""

LINE_POINTS = 5
"""Of each side and of the middle row and column, their ends included."""

_MIDDLE = 4 * LINE_POINTS + LINE_POINTS // 2

SHOWN_CHARACTERS = 80

_ELLIPSOID = Geod(ellps="WGS84")

_FIX = "georeference it again, or remove its CRS and transform where a place does not matter"

Points = npt.NDArray[np.float64]


def placed(item: Item, name: str, size: Size | None = None) -> PixelGrid | None:
    """The grid of an item, if it lies on the Earth as a whole.

    Args:
        item: It.
        name: What messages call its image.
        size: Of the item's pixels, where that is not the item's own.

    Returns:
        The grid; None where the image has no CRS or no transform.

    Raises:
        DataError: If its CRS cannot be used, its transform is not finite or degenerate, a point of its border lies
            nowhere on Earth, or its pixels have a size that no imagery has.
    """
    if item.image is None or item.image.crs is None or item.image.item_transform is None:
        return None
    _check_transform(item.image.item_transform, name)
    grid = PixelGrid.of_item(item)
    if grid is not None:
        _check_place(grid, size or item.size, name)
    return grid


def _check_transform(transform: Affine, name: str) -> None:
    a, b, c, d, e, f = tuple(transform)[:6]
    if not all(map(math.isfinite, (a, b, c, d, e, f))):
        raise DataError(f"{name}: its transform {(a, b, c, d, e, f)} has entries that are not numbers; {_FIX}")
    columns, rows = math.hypot(a, d), math.hypot(b, e)
    if not columns or not rows or abs(a * e - b * d) < SHEAR * columns * rows:
        raise DataError(f"{name}: its transform {(a, b, c, d, e, f)} has pixels without area; {_FIX}")


def _check_place(grid: PixelGrid, size: Size, name: str) -> None:
    known = crs_of(grid.crs)
    x, y = _lines(grid, size)
    longitudes, latitudes = _on_earth(grid.crs, x, y)
    if not (np.isfinite(longitudes).all() and np.isfinite(latitudes).all()):
        raise DataError(
            f"{name}: is nowhere on Earth: {x[0]:.10g}, {y[0]:.10g}, its upper left corner, or another point of its "
            f"border is outside the range of {known.name}; {_FIX}"
        )
    farthest_north = float(latitudes[np.abs(latitudes).argmax()])
    if abs(farthest_north) > 90 + (_largest_side(grid) if known.is_geographic else 0) + ROUNDING_DEGREES:
        raise DataError(
            f"{name}: is nowhere on Earth: its latitudes reach {farthest_north:.6g}°; are latitude and longitude "
            f"swapped? {_FIX}"
        )
    farthest_east = float(longitudes[np.abs(longitudes).argmax()])
    if abs(farthest_east) > LARGEST_LONGITUDE:
        raise DataError(f"{name}: is nowhere on Earth: its longitudes reach {farthest_east:.6g}°; {_FIX}")
    _check_near(known, longitudes, latitudes, name)
    _check_pixels(longitudes, latitudes, size, name)


def _lines(grid: PixelGrid, size: Size) -> tuple[Points, Points]:
    """Points of six lines in map coordinates: upper, lower, left and right border, middle row, middle column."""
    along = np.linspace(0, 1, LINE_POINTS)
    start, middle, end = np.zeros(LINE_POINTS), np.full(LINE_POINTS, 0.5), np.ones(LINE_POINTS)
    columns = np.concatenate([along, along, start, end, along, middle]) * size.width
    rows = np.concatenate([start, end, along, along, middle, along]) * size.height
    a, b, c, d, e, f = tuple(grid.transform)[:6]
    with np.errstate(over="ignore", invalid="ignore"):  # what is not a number then is refused
        return a * columns + b * rows + c, d * columns + e * rows + f


@lru_cache
def _to_degrees(crs: str) -> Transformer | float:
    """What gives longitudes and latitudes: a factor for a geographic CRS, so that none is folded back."""
    known = crs_of(crs)
    if known.is_geographic:
        return math.degrees(known.axis_info[0].unit_conversion_factor) if known.axis_info else 1.0
    return Transformer.from_crs(known, known.geodetic_crs, always_xy=True)


def _on_earth(crs: str, x: Points, y: Points) -> tuple[Points, Points]:
    """Longitudes and latitudes in degrees; not finite where the projection knows no such point."""
    way = _to_degrees(crs)
    if isinstance(way, float):
        return x * way, y * way
    try:
        longitudes, latitudes = way.transform(x, y)
    except ProjError:
        return np.full_like(x, np.nan), y
    return np.asarray(longitudes), np.asarray(latitudes)


def _largest_side(grid: PixelGrid) -> float:
    a, b, _, d, e, _ = tuple(grid.transform)[:6]
    return max(math.hypot(a, d), math.hypot(b, e))


def _check_near(known: CRS, longitudes: Points, latitudes: Points, name: str) -> None:
    """See that a scene is not far from where its projection is made for."""
    area = known.area_of_use
    if known.is_geographic or area is None:
        return
    longitude, latitude = float(longitudes[_MIDDLE]), float(latitudes[_MIDDLE])
    width = (area.east - area.west) % 360 or 360
    east = (longitude - area.west) % 360
    beside = 0.0 if east <= width else min(east - width, 360 - east)
    above = max(area.south - latitude, latitude - area.north, 0.0)
    if max(beside * math.cos(math.radians(latitude)), above) > FAR_DEGREES:
        raise DataError(
            f"{name}: lies at longitude {longitude:.4f}°, latitude {latitude:.4f}°, far from the area of use of "
            f"{known.name} ({area.name[:SHOWN_CHARACTERS]}); is that its CRS, or are its coordinates swapped? {_FIX}"
        )


def _check_pixels(longitudes: Points, latitudes: Points, size: Size, name: str) -> None:
    """See that a pixel is neither a grain nor a country."""
    for first, count, side in ((4 * LINE_POINTS, size.width, "wide"), (5 * LINE_POINTS, size.height, "high")):
        line = slice(first, first + LINE_POINTS)
        metres = _ELLIPSOID.line_length(longitudes[line], np.clip(latitudes[line], -90, 90)) / count
        if not SMALLEST_PIXEL_M <= metres <= LARGEST_PIXEL_M:
            raise DataError(
                f"{name}: its pixels are {metres:.3g} m {side} on the ground, outside the range of imagery "
                f"({SMALLEST_PIXEL_M:g} to {LARGEST_PIXEL_M:g} m); is its transform in the units of its CRS? {_FIX}"
            )
