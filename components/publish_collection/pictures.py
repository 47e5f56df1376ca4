"""Scenes with the outlines of their footprints, drawn from what was published."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import shapely
from affine import Affine

from components.core.errors import FootprintsError
from components.core.footprints.geography import WGS84, Geometries, PixelGrid
from components.core.footprints.records import GEOMETRY
from components.core.geometry import Size, Window
from components.core.project import ImageRef
from components.core.reporting import palette
from components.core.reporting.detail import DETAIL_PX, Panel, busiest_window
from components.core.reporting.encode import Pixels
from components.core.reporting.palette import rgb
from components.core.reporting.text import thousands
from components.core.reporting.view import View, framed, image_pixels
from components.core.reporting.webmap.pictures import is_cheap

PANEL_PX = 640

BATCH_ROWS = 50_000

GROUND = "#eef1f4"

Pens = tuple[tuple[tuple[int, int, int], int], ...]
"""Colours and widths in pixels, drawn one over the other."""

_OUTLINE = astuple(rgb(palette.PREDICTION))
THIN: Pens = ((_OUTLINE, 1),)
THICK: Pens = (((255, 255, 255), 4), (_OUTLINE, 2))
"""The light border sets an outline off from red roofs."""

_BITS = 4
_STEPS = 1 << _BITS
"""OpenCV draws at whole steps of a sixteenth of a pixel."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScenePicture:
    """Pictures of one scene.

    Attributes:
        key: Of the image.
        note: Its caption.
        panels: One, or two of a large scene.
    """

    key: str
    note: str
    panels: tuple[Panel, ...]


class _Canvas:
    """A picture that outlines are drawn on; what they cover is kept beside it.

    Attributes:
        view: What it shows.
        pixels: (h, w, 3) uint8 RGB.
        covered: (h, w) uint8, 1 within a footprint.
    """

    def __init__(self, view: View, pixels: Pixels, pens: Pens) -> None:
        self.view = view
        self.pixels = pixels
        self.covered = np.zeros(pixels.shape[:2], np.uint8)
        self._pens = pens

    def draw(self, shapes: Geometries) -> None:
        """Draw polygons of (column, row) of the scene."""
        window = self.view.window
        seen = shapely.intersects(shapes, shapely.box(window.left, window.top, window.right, window.bottom))
        for polygon in shapely.get_parts(shapes[seen]):
            rings = [self._placed(shapely.get_coordinates(ring)) for ring in shapely.get_rings(polygon)]
            cv2.fillPoly(self.covered, rings, 1, shift=_BITS)
            for color, thickness_px in self._pens:
                cv2.polylines(self.pixels, rings, True, color, thickness_px, cv2.LINE_AA, _BITS)

    def _placed(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        """Pixel edges lie at whole numbers in polygons, and pixel centres in OpenCV."""
        window, size = self.view.window, self.view.size
        scale = np.array((size.width / window.width, size.height / window.height))
        placed = (points - (window.left, window.top)) * scale - 0.5
        result: npt.NDArray[np.int32] = np.round(placed * _STEPS).astype(np.int32)
        return result


def scene_picture(
    key: str, image_uri: str, size: Size, crs: str, transform: Affine, footprints: Path | str
) -> ScenePicture:
    """Draw a scene with its footprints: all of it, and of a large one the part with the most footprints.

    Imagery is read thinned out or by window, footprints batch by batch. Where the imagery cannot be shown, because
    it is broken, has not 8 bits, or is large without overviews, the footprints are drawn on plain ground.

    Args:
        key: Of the image, for its title.
        image_uri: The raster that the network saw, which has 8 bits whatever the image has; empty where
            it is not known.
        size: Of the raster, in pixels.
        crs: Of the raster.
        transform: From (column, row) of the raster to map coordinates.
        footprints: GeoParquet in WGS 84, on local disk.
    """
    whole = Window.of_size(size)
    is_small = max(size.height, size.width) <= DETAIL_PX
    pens = THICK if is_small else THIN
    is_shown = image_uri != "" and (is_small or _is_cheap(image_uri, size))
    canvas = _canvas(image_uri, size, View.fitting(whole, PANEL_PX), pens, is_shown)
    count = 0
    for shapes in _shapes(footprints, PixelGrid(crs, transform), size):
        count += len(shapes)
        canvas.draw(shapes)
    noun = "footprint" if count == 1 else "footprints"
    note = f"{size} px · {thousands(count)} {noun}"
    if is_small:
        return ScenePicture(key, note, (Panel("whole scene", canvas.pixels),))
    window = busiest_window(canvas.covered > 0, canvas.view)
    part = _canvas(image_uri, size, View.fitting(window, PANEL_PX), THICK, image_uri != "")
    for shapes in _shapes(footprints, PixelGrid(crs, transform), size):
        part.draw(shapes)
    overview = Panel("whole scene, with the part shown", framed(canvas.pixels, canvas.view, window))
    return ScenePicture(key, note, (overview, Panel(f"part with the most outlines: {window}", part.pixels)))


def _canvas(image_uri: str, size: Size, view: View, pens: Pens, has_imagery: bool) -> _Canvas:
    if has_imagery:
        try:
            return _Canvas(view, image_pixels(ImageRef.whole(image_uri, size), view), pens)
        except FootprintsError as error:
            log.warning("report: %s", error)
    ground = np.full((view.size.height, view.size.width, 3), rgb(GROUND).as_array(), np.uint8)
    return _Canvas(view, ground, pens)


def _is_cheap(image_uri: str, size: Size) -> bool:
    """Whether imagery is shown of a whole scene; one that is large without overviews, or broken, is drawn as a plan."""
    try:
        return is_cheap(ImageRef.whole(image_uri, size))
    except FootprintsError:
        return False


def _shapes(footprints: Path | str, grid: PixelGrid, size: Size) -> Iterator[Geometries]:
    """Polygons of a layer in (column, row) of the scene, batch by batch."""
    with pq.ParquetFile(footprints) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=[GEOMETRY]):
            shapes: Geometries = shapely.from_wkb(batch[GEOMETRY].to_numpy(zero_copy_only=False))
            yield grid.to_pixels(shapes, WGS84, size)
