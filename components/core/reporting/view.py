"""A part of an item at display size; scenes are read downsampled, never whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from components.core.figures import Bitmap, Figure, Line, Point, Polygon, RasterMask, Rectangle, Vertices
from components.core.geometry import Size, Window
from components.core.imagery import Crop
from components.core.project import ImageRef
from components.core.reporting.encode import Pixels
from components.core.reporting.palette import FRAME, FRAME_CASING, rgb

POINT_RADIUS_PX = 3
FILL = 0.32
OUTLINE = 0.95


@dataclass(frozen=True, slots=True)
class View:
    """A window of an item, shown in a picture of `size` pixels."""

    window: Window
    size: Size

    @classmethod
    def fitting(cls, window: Window, side_px: int) -> View:
        """The window in its own proportions, its longer side at most `side_px`; never enlarged."""
        scale = min(1.0, side_px / max(window.height, window.width))
        return cls(window, Size(max(1, round(window.height * scale)), max(1, round(window.width * scale))))

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """(h,) the row of the item that each row of the picture shows."""
        return self.window.top + _samples(self.window.height, self.size.height)

    @property
    def columns(self) -> npt.NDArray[np.int64]:
        """(w,) the column of the item that each column of the picture shows."""
        return self.window.left + _samples(self.window.width, self.size.width)


@dataclass(frozen=True, slots=True)
class _Patch:
    """Set pixels of a picture."""

    place: tuple[slice, slice]
    pixels: npt.NDArray[np.bool_]


def _samples(length: int, count: int) -> npt.NDArray[np.int64]:
    return ((np.arange(count) + 0.5) * length / count).astype(np.int64)


def image_pixels(image: ImageRef, view: View) -> Pixels:
    """The imagery of a view.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        DataError: If the raster cannot be read.
    """
    part = image.then(Crop(view.window))
    return np.ascontiguousarray(np.moveaxis(part.pixels(view.size), 0, 2))


def label_figures(figures: Iterable[Figure], view: View) -> npt.NDArray[np.int32]:
    """Which figure each pixel of a view shows; later figures lie over earlier ones.

    Returns:
        (h, w) int32: 0 for none, else the figure's place in `figures`, from 1.
    """
    labels = np.zeros((view.size.height, view.size.width), np.int32)
    for label, figure in enumerate(figures, start=1):
        for patch in _patches(figure, view):
            labels[patch.place][patch.pixels] = label
    return labels


def _patches(figure: Figure, view: View) -> Iterator[_Patch]:
    if isinstance(figure, Bitmap):
        yield from _bitmap_patches(figure, view)
        return
    canvas = np.zeros((view.size.height, view.size.width), np.uint8)
    for part in figure.crop(view.window):
        _draw_scaled(part, view, canvas)
    if canvas.any():
        yield _Patch((slice(None), slice(None)), canvas > 0)


def _bitmap_patches(figure: Bitmap, view: View) -> Iterator[_Patch]:
    seen = figure.window.intersection(view.window)
    if seen is None:
        return
    place = (_range(view.rows, seen.top, seen.bottom), _range(view.columns, seen.left, seen.right))
    rows, columns = view.rows[place[0]], view.columns[place[1]]
    if not (len(rows) and len(columns)):
        return
    if isinstance(figure.mask, RasterMask):
        cut = figure.mask.recipe.then(Crop(seen.shift(-figure.top, -figure.left)))
        read = figure.mask.raster.read(cut.window, Size(len(rows), len(columns)))
        yield _Patch(place, cut.apply(read))
    else:
        yield _Patch(place, figure.mask.pixels()[np.ix_(rows - figure.top, columns - figure.left)])


def _range(positions: npt.NDArray[np.int64], first: int, end: int) -> slice:
    return slice(int(np.searchsorted(positions, first)), int(np.searchsorted(positions, end)))


def _draw_scaled(figure: Figure, view: View, canvas: npt.NDArray[np.uint8]) -> None:
    """Draw a figure of the window's coordinates; points and lines stay visible at any scale."""
    scale = np.array((view.size.height / view.window.height, view.size.width / view.window.width))
    if isinstance(figure, Polygon):
        replace(
            figure,
            exterior=figure.exterior * scale,
            interiors=tuple(hole * scale for hole in figure.interiors),
        ).draw(canvas, 1)
    elif isinstance(figure, Rectangle):
        corners: Vertices = np.array(((figure.top, figure.left), (figure.bottom, figure.right))) * scale
        Rectangle.of_corners(corners).draw(canvas, 1)
    elif isinstance(figure, Line):
        Line(figure.points * scale).draw(canvas, 1)
    elif isinstance(figure, Point):
        row, column = np.array((figure.row, figure.column)) * scale
        cv2.circle(canvas, (round(float(column)), round(float(row))), POINT_RADIUS_PX, 1, -1)


def tinted(pixels: Pixels, mask: npt.NDArray[np.bool_], color: str, fill: float = FILL) -> Pixels:
    """Imagery with a mask laid over it in one colour: a light fill and a firm outline.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        mask: (h, w) bool.
        color: "#rrggbb".
        fill: Share of the colour inside, 0–1.

    Returns:
        (h, w, 3) uint8 RGB, new.
    """
    edge = mask & (cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) == 0)
    share = np.where(edge, OUTLINE, np.where(mask, fill, 0.0)).astype(np.float32)[:, :, None]
    return (pixels * (1 - share) + rgb(color).as_array() * share + 0.5).astype(np.uint8)


def framed(pixels: Pixels, view: View, window: Window) -> Pixels:
    """A picture with the frame of a window of the item drawn on it, seen on light and dark ground.

    Args:
        pixels: (h, w, 3) uint8 RGB of `view`.
        view: What the picture shows.
        window: Of the item.

    Returns:
        (h, w, 3) uint8 RGB, new.
    """
    down, right = view.size.height / view.window.height, view.size.width / view.window.width
    first = (round((window.left - view.window.left) * right), round((window.top - view.window.top) * down))
    last = (round((window.right - view.window.left) * right) - 1, round((window.bottom - view.window.top) * down) - 1)
    drawn = pixels.copy()
    for color, width in ((FRAME_CASING, 9), (FRAME, 5)):
        channels = rgb(color)
        cv2.rectangle(drawn, first, last, (channels.red, channels.green, channels.blue), width)
    return drawn
