"""Buildings whose true outlines are known, as pixels show them, for benchmarks: many of them stand wall to wall."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import pyogrio
import rasterio
import shapely
from rasterio.features import rasterize
from shapely import affinity

from components.core.figures import Bitmap
from components.core.footprints.geography import Geometries, PixelGrid
from components.core.footprints.polygonize import outlines
from components.core.geometry import Size

CELL_PX = 200
BLUR_PX = 2.0
NOISE_PX = 3.0
NOISE = 0.12
LEAST_AREA_PX = 30


@dataclass(frozen=True)
class Shown:
    """Buildings as pixels.

    Attributes:
        truth: (N,) of polygons in pixels.
        bitmaps: (N,) pixels of each, none in two.
        exact: (N,) outlines of these.
    """

    truth: Geometries
    bitmaps: list[Bitmap]
    exact: Geometries


def town(size: Size, seed: int) -> Geometries:
    """Polygons in pixels: terraces, angled and T-shaped houses, courts, bays at 45° and tanks, turned at random."""
    random = np.random.default_rng(seed)
    found: list[shapely.Geometry] = []
    for row in range(size.height // CELL_PX):
        for column in range(size.width // CELL_PX):
            middle = CELL_PX * (column + 0.5), CELL_PX * (row + 0.5)
            turn = float(random.uniform(0, 90))
            for shape in _block(random):
                turned = affinity.rotate(shape, turn, origin=(0, 0))
                found.append(affinity.translate(turned, *middle))
    return np.array(found, dtype=object)


def _block(random: np.random.Generator) -> list[shapely.Geometry]:
    """Buildings about the origin that touch, or one."""
    kind = int(random.integers(0, 6))
    depth, width = (float(side) for side in random.uniform(20, 45, 2))
    if kind <= 1:  # a terrace whose houses stand back by turns
        fronts = random.uniform(-6, 6, 5)
        return [shapely.box(width * 0.6 * (k - 2.5), fronts[k], width * 0.6 * (k - 1.5), depth) for k in range(5)]
    angled = shapely.box(-width, -depth, width, 0) | shapely.box(-width, 0, -width / 3, depth)
    if kind == 2:
        return [angled]
    if kind == 3:  # a house that fills another's angle
        return [angled, shapely.box(-width / 3, 0, width / 2, depth / 2)]
    if kind == 4:  # a court, and a bay
        court = shapely.box(-width, -depth, width, depth) - shapely.box(-width / 2, -depth / 2, width / 2, depth / 2)
        far = depth + width / 2
        bay = shapely.Polygon([(-width, depth), (width, depth), (width / 2, far), (-width / 2, far)])
        return [court | bay]
    return [shapely.Point(0, 0).buffer(width, quad_segs=32)]


def labelled(raster: str, labels: str) -> tuple[Geometries, Size]:
    """Polygons of a vector file in pixels of a raster, those that lie within it."""
    with rasterio.open(raster) as opened:
        grid, size = PixelGrid(opened.crs.to_wkt(), opened.transform), Size(opened.height, opened.width)
    frame = pyogrio.read_dataframe(labels)
    shapes = shapely.get_parts(frame.geometry.to_numpy())
    placed = grid.to_pixels(shapes[shapely.is_valid(shapes)], frame.crs.to_wkt(), size)
    within = shapely.covers(shapely.box(1, 1, size.width - 1, size.height - 1), placed)
    return placed[within & (shapely.area(placed) >= LEAST_AREA_PX)], size


def shown(truth: Geometries, size: Size, is_rough: bool, seed: int = 0) -> Shown:
    """What pixels show of buildings, an outline each: exactly, or rounded and uneven, as a network shows them."""
    order = np.argsort(-shapely.area(truth), kind="stable")  # what lies in another is shown
    pairs = [(truth[index], place + 1) for place, index in enumerate(order.tolist())]
    labels = np.asarray(rasterize(pairs, (size.height, size.width), dtype=np.int32))
    if is_rough:
        labels = _as_seen(labels, seed)
    kept, bitmaps = [], []
    for place, index in enumerate(order.tolist()):
        bitmap = _largest(labels, place + 1, truth[index], size)
        if bitmap is not None:
            kept.append(index)
            bitmaps.append(bitmap)
    shapes = outlines([bitmap.mask for bitmap in bitmaps])
    moved = [affinity.translate(shape, one.left, one.top) for shape, one in zip(shapes, bitmaps, strict=True)]
    return Shown(truth[kept], bitmaps, np.array(moved, dtype=object))


def _as_seen(labels: npt.NDArray[np.int32], seed: int) -> npt.NDArray[np.int32]:
    """Each pixel's nearest building, where enough of buildings is near, more or less by chance."""
    noise = np.random.default_rng(seed).normal(size=labels.shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), NOISE_PX)
    near = cv2.GaussianBlur((labels > 0).astype(np.float32), (0, 0), BLUR_PX) + NOISE * noise / noise.std()
    seen = labels.copy()
    for _ in range(4):
        grown = cv2.dilate(seen.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int32)
        seen = np.where(seen > 0, seen, grown)
    return np.where(near > 0.5, seen, 0)


def _largest(labels: npt.NDArray[np.int32], label: int, shape: shapely.Geometry, size: Size) -> Bitmap | None:
    left, top, right, bottom = (int(side) for side in shape.bounds)
    top, left = max(0, top - 8), max(0, left - 8)
    part = labels[top : min(size.height, bottom + 9), left : min(size.width, right + 9)] == label
    count, parts, figures, _ = cv2.connectedComponentsWithStats(part.astype(np.uint8), connectivity=4)
    if count == 1:
        return None
    number = 1 + int(np.argmax(figures[1:, cv2.CC_STAT_AREA]))
    if figures[number, cv2.CC_STAT_AREA] < LEAST_AREA_PX:
        return None
    return Bitmap.of_pixels(parts == number, top, left)
