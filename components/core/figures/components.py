"""Splitting a mask into its connected components, by row band.

Memory is a band and the components' own boxes; the result does not depend on the band height.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from components.core.figures.bitmap import Bitmap
from components.core.figures.mask import InlineMask, Mask
from components.core.geometry import Window, row_bands

BAND_ROWS = 1024


@dataclass(frozen=True, slots=True)
class _Piece:
    """The part of a component that one band holds."""

    window: Window
    pixels: npt.NDArray[np.bool_]


def connected_components(mask: Mask, band_rows: int = BAND_ROWS) -> list[Bitmap]:
    """Split a mask into its 8-connected components; holes stay holes.

    Args:
        mask: The mask; read band by band.
        band_rows: Rows a band; changes the memory used, never the result.

    Returns:
        One tight bitmap a component, in the mask's coordinates, ordered by first row, then by the first
        column of that row.
    """
    bands = row_bands(mask.size, band_rows)
    return components_of_bands((band.top, mask.read(band)) for band in bands)


def components_of_bands(bands: Iterable[tuple[int, npt.NDArray[np.bool_]]]) -> list[Bitmap]:
    """The components of consecutive row bands of one width.

    Args:
        bands: (first row, (H, W) bool) from the top down, without gaps.

    Returns:
        As `connected_components`.
    """
    tracker = _Tracker()
    found = [bitmap for top, pixels in bands for bitmap in tracker.add(top, pixels)]
    found += tracker.close()
    return sorted(found, key=_first_pixel)


def _first_pixel(bitmap: Bitmap) -> tuple[int, int]:
    return bitmap.top, bitmap.left + int(np.argmax(bitmap.mask.pixels()[0]))


class _Tracker:
    """Follows components across the seams between bands."""

    def __init__(self) -> None:
        self._open: list[list[_Piece]] = []
        self._seam = np.zeros(0, np.int32)  # last row of the band above: 0, or 1 + index into `_open`

    def add(self, top: int, pixels: npt.NDArray[np.bool_]) -> Iterator[Bitmap]:
        """Take the next band and give the components that end in it."""
        count, labels, stats = _label(pixels)
        groups = _Groups(len(self._open), count)
        if self._open:
            groups.join_seam(self._seam, labels[0])
        pieces = _pieces(labels, stats, top)
        members: dict[int, list[_Piece]] = {}
        for index, parts in enumerate(self._open):
            members.setdefault(groups.root_of_open(index), []).extend(parts)
        for label, piece in enumerate(pieces, start=1):
            members.setdefault(groups.root_of_label(label), []).append(piece)
        going_on = {groups.root_of_label(int(label)) for label in np.unique(labels[-1]) if label}
        yield from (_merged(parts) for root, parts in members.items() if root not in going_on)
        self._keep(members, going_on, labels[-1], groups)

    def _keep(
        self,
        members: dict[int, list[_Piece]],
        going_on: set[int],
        last_row: npt.NDArray[np.int32],
        groups: _Groups,
    ) -> None:
        number = {root: index + 1 for index, root in enumerate(sorted(going_on))}
        self._open = [members[root] for root in number]
        table = np.zeros(groups.labels, np.int32)
        for label in np.unique(last_row):
            if label:
                table[label] = number[groups.root_of_label(int(label))]
        self._seam = table[last_row]

    def close(self) -> list[Bitmap]:
        """The components that reach the last row."""
        return [_merged(parts) for parts in self._open]


class _Groups:
    """Union-find over the open components above a seam and the labels below it."""

    def __init__(self, open_count: int, labels: int) -> None:
        self.labels = labels
        self._open_count = open_count
        self._parent = list(range(open_count + labels))

    def root_of_open(self, index: int) -> int:
        return self._root(index)

    def root_of_label(self, label: int) -> int:
        return self._root(self._open_count + label)

    def _root(self, node: int) -> int:
        while self._parent[node] != node:
            self._parent[node] = self._parent[self._parent[node]]
            node = self._parent[node]
        return node

    def join_seam(self, above: npt.NDArray[np.int32], below: npt.NDArray[np.int32]) -> None:
        """Join what touches across the seam, corners included."""
        width = len(above)
        for shift in (-1, 0, 1):
            upper = above[max(shift, 0) : width + min(shift, 0)]
            lower = below[max(-shift, 0) : width + min(-shift, 0)]
            touching = (upper > 0) & (lower > 0)
            pairs = np.unique(np.stack([upper[touching], lower[touching]]), axis=1)
            for up, low in pairs.T.tolist():
                self._parent[self._root(up - 1)] = self._root(self._open_count + low)


def _label(pixels: npt.NDArray[np.bool_]) -> tuple[int, npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Number of labels (0 included), (H, W) int32 labels, and (N, 5) left, top, width, height, area of each."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(pixels).view(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    return count, np.asarray(labels, np.int32), np.asarray(stats, np.int32)


def _pieces(labels: npt.NDArray[np.int32], stats: npt.NDArray[np.int32], top: int) -> list[_Piece]:
    pieces = []
    for label, (left, row, width, height, _) in enumerate(stats[1:].tolist(), start=1):
        box = labels[row : row + height, left : left + width]
        pieces.append(_Piece(Window(top + row, left, height, width), box == label))
    return pieces


def _merged(pieces: list[_Piece]) -> Bitmap:
    if len(pieces) == 1:
        only = pieces[0]
        return Bitmap(only.window.top, only.window.left, InlineMask(only.pixels))
    top = min(piece.window.top for piece in pieces)
    left = min(piece.window.left for piece in pieces)
    bottom = max(piece.window.bottom for piece in pieces)
    right = max(piece.window.right for piece in pieces)
    pixels = np.zeros((bottom - top, right - left), np.bool_)
    for piece in pieces:
        pixels[piece.window.shift(-top, -left).slices] |= piece.pixels
    return Bitmap(top, left, InlineMask(pixels))
