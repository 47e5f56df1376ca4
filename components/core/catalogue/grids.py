"""Grids of rasters: what an item says of one, and whether several are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from affine import Affine
from pyproj.exceptions import CRSError

from components.core.footprints.geography import crs_of
from components.core.geometry import Size

NEAR = 1e-6
"""Of a pixel: transforms that differ by less are the same, as they were written with few digits."""


class Grid(NamedTuple):
    """Of a raster: its URI, size in pixels, CRS and transform."""

    uri: str
    size: Size
    crs: str | None
    transform: Affine | None


def contradictions(said: Iterable[tuple[str, Any]], grid: Grid) -> list[str]:
    """Which fields of the projection extension a raster contradicts; it counts, and not they.

    Args:
        said: The fields, by name.
        grid: Of the raster.
    """
    agrees: dict[str, Callable[[Any], bool]] = {
        "proj:shape": lambda value: list(map(int, value)) == [grid.size.height, grid.size.width],
        "proj:code": lambda value: _same_crs(str(value), grid.crs),
        "proj:epsg": lambda value: _same_crs(f"EPSG:{value}", grid.crs),
        "proj:transform": lambda value: _same_transform(Affine(*map(float, value[:6])), grid.transform),
    }
    return [name for name, value in said if name in agrees and not _holds(agrees[name], value)]


def _holds(agrees: Callable[[Any], bool], value: Any) -> bool:
    try:
        return agrees(value)
    except (TypeError, ValueError, LookupError):
        return False


def _same_crs(said: str, crs: str | None) -> bool:
    try:
        return crs is not None and crs_of(said) == crs_of(crs)
    except CRSError:
        return False


def _same_transform(one: Affine | None, other: Affine | None) -> bool:
    """Whether two transforms lay a pixel at the same place, up to rounding."""
    if one is None or other is None:
        return one is other
    side = max(abs(value) for value in (one.a, one.b, one.d, one.e))
    return all(abs(first - second) <= NEAR * side for first, second in zip(one, other, strict=True))


def why_not_stacked(grids: Sequence[Grid]) -> str:
    """Why rasters cannot be bands of one image; empty where they can."""
    first = grids[0]
    for other in grids[1:]:
        if (other.size, other.crs) == (first.size, first.crs) and _same_transform(first.transform, other.transform):
            continue
        return (
            f"{other.uri}: is {other.size} px, and {first.uri}, another band of the image, {first.size} px, or it lies "
            "elsewhere; bands that are assets of their own need one grid: resample them to it, as gdalwarp does, or "
            "name other assets"
        )
    return ""
