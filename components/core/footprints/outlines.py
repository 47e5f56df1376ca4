"""The outline of a mask along its pixels' edges, as a valid polygon with holes.

Corners are the pixel corners around which the number of set pixels is odd; where two set pixels meet only
diagonally, the pixel corner is a corner of both. In a row the corners pair up to horizontal edges, in a column to
vertical ones, and following them in turn closes the rings. At a diagonal each ring turns round its own pixel and a
ring that comes back to a pixel corner is cut in two there, so that every ring is simple, rings touch at most at
corners, and each 4-connected part is one shell with its holes: valid in the sense of OGC Simple Features.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from components.core.figures.mask import BoolPixels, Mask
from components.core.geometry import row_bands

BAND_ROWS = 1024

Path = list[tuple[int, int]]
"""Pixel corners (column, row) in order; the first is not repeated."""

Ring = npt.NDArray[np.int64]
"""(N, 2) of a path, as an array."""


class _Corners(NamedTuple):
    """Corners of a mask in row-major order; where two of them share a place, both are listed.

    Attributes:
        row: Of the pixel corner.
        column: Of the pixel corner.
        below_right: Whether the pixel below and right of it is set.
        below_left: Whether the pixel below and left of it is set.
        flips: 1 for the first and -1 for the second of two that share a place and of which the first has the edge
            down, else 0.
    """

    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    below_right: npt.NDArray[np.bool_]
    below_left: npt.NDArray[np.bool_]
    flips: npt.NDArray[np.int64]


def outline(mask: Mask) -> BaseGeometry:
    """The polygon of a mask.

    Args:
        mask: Read by row band.

    Returns:
        A valid Polygon or MultiPolygon in (column, row) of the mask's box, pixel edges at whole numbers; its area is
        the number of set pixels.

    Raises:
        ValueError: If no pixel is set.
    """
    shells: list[Ring] = []
    holes: list[Ring] = []
    for path in _rings(_corners(mask.read(band) for band in row_bands(mask.size, BAND_ROWS))):
        ring = np.array(path)
        (shells if _signed_area(ring) > 0 else holes).append(ring)
    if not shells:
        raise ValueError("a mask without pixels has no outline")
    inside = _holes_by_shell(shells, holes)
    parts = [shapely.Polygon(shell, own) for shell, own in zip(shells, inside, strict=True)]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _corners(bands: Iterable[BoolPixels]) -> _Corners:
    found = list(_corners_by_band(bands))
    return _Corners(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _corners_by_band(bands: Iterable[BoolPixels]) -> Iterator[_Corners]:
    above = np.zeros(0, np.bool_)
    top = 0
    for pixels in bands:
        height, width = pixels.shape
        framed = np.zeros((height + 1, width + 2), np.bool_)
        framed[0, 1 : len(above) + 1] = above
        framed[1:, 1:-1] = pixels
        yield _corners_of_rows(framed, top)
        above = pixels[-1]
        top += height
    framed = np.zeros((2, len(above) + 2), np.bool_)
    framed[0, 1:-1] = above
    yield _corners_of_rows(framed, top)


def _corners_of_rows(pixels: BoolPixels, top: int) -> _Corners:
    """Corners between consecutive rows of (R + 1, W + 2) bool; the first pair of rows meets at row `top`."""
    up_left, up_right, down_left, down_right = pixels[:-1, :-1], pixels[:-1, 1:], pixels[1:, :-1], pixels[1:, 1:]
    single = up_left ^ up_right ^ down_left ^ down_right
    diagonal = (up_left == down_right) & (up_right == down_left) & (up_left != up_right)
    rows, columns = np.nonzero(single | diagonal)
    twice = diagonal[rows, columns].astype(np.int64) + 1
    rows, columns = np.repeat(rows, twice), np.repeat(columns, twice)
    # Of two corners at one place the first has the edge to the left. With the pixels up-right and down-left it also
    # has the edge down, while the columns' pairs meet the edge up first.
    flipped = diagonal[rows, columns] & up_right[rows, columns]
    second = np.zeros(len(rows), np.bool_)
    second[1:] = (rows[1:] == rows[:-1]) & (columns[1:] == columns[:-1])
    return _Corners(
        rows + top,
        columns,
        down_right[rows, columns],
        down_left[rows, columns],
        np.where(flipped, np.where(second, -1, 1), 0),
    )


def _rings(corners: _Corners) -> Iterator[Path]:
    """Closed paths with set pixels on their right hand, none through a place twice."""
    following = _following(corners).tolist()
    places = list(zip(corners.column.tolist(), corners.row.tolist(), strict=True))
    done = bytearray(len(following))
    for start in range(len(following)):
        if done[start]:
            continue
        ring = []
        corner = start
        while not done[corner]:
            done[corner] = 1
            ring.append(places[corner])
            corner = following[corner]
        yield from _simple(ring)


def _following(corners: _Corners) -> npt.NDArray[np.int64]:
    """The corner that comes after each."""
    count = len(corners.row)
    following = np.empty(count, np.int64)
    left, right = np.arange(0, count, 2), np.arange(1, count, 2)
    _link(following, left, right, corners.below_right[left])
    by_column = np.lexsort((np.arange(count) + 2 * corners.flips, corners.row, corners.column))
    upper, lower = by_column[0::2], by_column[1::2]
    _link(following, upper, lower, corners.below_left[upper])
    return following


def _link(
    following: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    second: npt.NDArray[np.int64],
    forwards: npt.NDArray[np.bool_],
) -> None:
    following[first[forwards]] = second[forwards]
    following[second[~forwards]] = first[~forwards]


def _simple(ring: Path) -> Iterator[Path]:
    """Cut a ring wherever it comes back to a place."""
    if len(set(ring)) == len(ring):
        yield ring
        return
    path: Path = []
    position: dict[tuple[int, int], int] = {}
    for place in ring:
        if place in position:
            start = position[place]
            loop = path[start:]
            for passed in loop:
                del position[passed]
            del path[start:]
            yield loop
        position[place] = len(path)
        path.append(place)
    yield path


def _signed_area(ring: Ring) -> int:
    """Twice the area; positive for a shell, negative for a hole."""
    x, y = ring.T
    return int(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]) + x[-1] * y[0] - x[0] * y[-1])


def _holes_by_shell(shells: list[Ring], holes: list[Ring]) -> list[list[Ring]]:
    """The holes of each shell: a hole lies in the smallest shell that holds the set pixel above its first corner."""
    result: list[list[Ring]] = [[] for _ in shells]
    if len(shells) == 1 or not holes:
        result[0] = holes
        return result
    areas = [_signed_area(shell) for shell in shells]
    corners = np.array([hole[np.lexsort((hole[:, 0], hole[:, 1]))[0]] for hole in holes])
    points = shapely.points(corners[:, 0] + 0.5, corners[:, 1] - 0.5)
    tree = shapely.STRtree([shapely.Polygon(shell) for shell in shells])
    best: dict[int, int] = {}
    for hole, shell in tree.query(points, predicate="within").T.tolist():
        if hole not in best or areas[shell] < areas[best[hole]]:
            best[hole] = shell
    for hole, shell in sorted(best.items()):
        result[shell].append(holes[hole])
    return result
