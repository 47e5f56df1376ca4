"""The features of a layer that touch a scene, in the scene's pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio
import pyproj
import shapely
from pyproj.exceptions import ProjError

from components.core.errors import DataError
from components.core.figures import Polygon, Vertices, vertices
from components.core.footprints.geography import FULL_TURN, PixelGrid, crs_of, polygons_of
from components.core.geometry import Size, Window
from components.core.vectors.layer import GEOMETRY, ORDER, VectorLayer

PIXEL_PARTS = 1 << 22
"""Vertices lie at whole numbers of parts of a pixel, so that crops and mirror images move them exactly, and what
reprojection leaves of whole pixels is whole again."""

POLYGON = 3
"""shapely's number of polygons."""

LEAST_OF_RING = 3
"""Vertices."""

DENSIFIED = 21
"""Points of each side of a scene that say where it lies in another CRS."""

LONGEST_TEXT = 200
"""Of an attribute that is kept."""

MARGIN = 1e-3
"""By what share of its sides a scene's extent is widened to look for features: sides bend in another CRS."""

Attributes = dict[str, str | int | float | bool]

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Feature:
    """What of one feature lies in a scene.

    Attributes:
        number: Which feature of the file it is.
        polygons: Its parts in the scene, in pixels; a pixel belongs to the part that holds its centre.
        attributes: Its attributes that hold something; long text is left out.
    """

    number: int
    polygons: tuple[Polygon, ...]
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Features:
    """What of a layer lies in a scene.

    Attributes:
        found: In the order of the file.
        made_valid: Numbers of features whose rings cross themselves or each other, which were made valid.
        unreadable: How many were no polygons, or none that could be read.
    """

    found: tuple[Feature, ...]
    made_valid: tuple[int, ...] = ()
    unreadable: int = 0

    @property
    def polygons(self) -> list[Polygon]:
        """Of all features."""
        return [polygon for feature in self.found for polygon in feature.polygons]


def features_on(layer: VectorLayer, grid: PixelGrid, size: Size, with_attributes: bool = True) -> Features:
    """Read the features that touch a scene.

    Vertices are brought to the scene's CRS, edges stay straight between them. A feature that reaches far beyond the
    scene is cut first, in the layer's CRS, by an extent three times the scene's.

    Args:
        layer: The layer.
        grid: Of the scene's pixels.
        size: Of the scene, in pixels.
        with_attributes: Whether attributes are wanted.

    Raises:
        DataError: If the scene or a feature cannot be brought to the other's CRS, or the layer cannot be read.
    """
    if not layer.features:
        return Features(())
    box = _extent(layer, grid, size)
    rows = _rows(layer, box, layer.attributes if with_attributes else ())
    shapes = shapely.force_2d(shapely.from_wkb(rows.geometries, on_invalid="ignore"))
    kinds = shapely.get_type_id(shapes)
    usable = np.isin(kinds, (3, 6, 7)) & ~shapely.is_empty(shapes)
    finite = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    broken = usable & finite & ~shapely.is_valid(shapes)
    for index in np.flatnonzero(broken).tolist():
        shapes[index] = shapely.make_valid(shapes[index])
    shapes[usable] = [polygons_of(shape) for shape in shapes[usable]]
    usable &= finite & ~shapely.is_empty(shapes) & np.isin(shapely.get_type_id(shapes), (3, 6))
    unreadable = int(np.count_nonzero(~usable))
    kept = np.flatnonzero(usable)
    if not len(kept):
        return Features((), (), unreadable)
    placed = shapely.transform(grid.to_pixels(_near(shapes[kept], box), layer.crs, size), _on_parts)
    found, made_valid = [], []
    for place, polygons in _polygons(placed, size).items():
        index = int(kept[place])
        number = int(rows.numbers[index])
        found.append(Feature(number, tuple(polygons), rows.attributes(index)))
        if broken[index]:
            made_valid.append(number)
    return Features(tuple(found), tuple(made_valid), unreadable)


def _on_parts(points: Vertices) -> Vertices:
    moved: Vertices = np.rint(points * PIXEL_PARTS) / PIXEL_PARTS
    return moved


def _polygons(shapes: npt.NDArray[np.object_], size: Size) -> dict[int, list[Polygon]]:
    """What of each shape lies in a scene, by its place; of shapes outside nothing."""
    whole = Window.of_size(size)
    found: dict[int, list[Polygon]] = {}
    parts, owners = shapely.get_parts(shapes, return_index=True)
    areal = (shapely.get_type_id(parts) == POLYGON) & (shapely.area(parts) > 0)
    for part, owner in zip(parts[areal], owners[areal].tolist(), strict=True):
        exterior, *holes = (_ring(ring) for ring in (part.exterior, *part.interiors))
        polygon = Polygon(exterior, tuple(hole for hole in holes if len(hole) >= LEAST_OF_RING), by_centres=True)
        pieces = [piece for piece in polygon.crop(whole) if isinstance(piece, Polygon)]
        if pieces:
            found.setdefault(owner, []).extend(pieces)
    return found


def _ring(ring: shapely.LinearRing) -> Vertices:
    closed = shapely.get_coordinates(ring)[:, ::-1]
    return vertices(closed[:-1][(closed[1:] != closed[:-1]).any(axis=1)])


@lru_cache
def _to_layer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(crs_of(source), crs_of(target), always_xy=True)


def _extent(layer: VectorLayer, grid: PixelGrid, size: Size) -> Box:
    """Where a scene lies in the layer's CRS; across the 180th meridian, east goes on beyond it."""
    corners = [grid.transform @ corner for corner in _corners(size)]
    xs, ys = zip(*corners, strict=True)
    try:
        west, south, east, north = _to_layer(grid.crs, layer.crs).transform_bounds(
            min(xs), min(ys), max(xs), max(ys), densify_pts=DENSIFIED, errcheck=True
        )
    except ProjError as error:
        raise DataError(
            f"the scene cannot be brought to the CRS of {layer.uri} ({error}); give the file in the CRS of its ground"
        ) from error
    if crs_of(layer.crs).is_geographic and east < west:
        east += FULL_TURN
    wider, higher = MARGIN * (east - west), MARGIN * (north - south)
    return west - wider, south - higher, east + wider, north + higher


def _corners(size: Size) -> list[tuple[int, int]]:
    return [(0, 0), (size.width, 0), (0, size.height), (size.width, size.height)]


@dataclass(frozen=True, slots=True)
class _Rows:
    """What was read: geometries as WKB, numbers and attributes, in the order of the file."""

    geometries: npt.NDArray[np.object_]
    numbers: npt.NDArray[np.int64]
    columns: dict[str, list[Any]]

    def attributes(self, index: int) -> Attributes:
        values = {name: column[index] for name, column in self.columns.items()}
        return {name: value for name, value in values.items() if _says_something(value)}


def _says_something(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= LONGEST_TEXT
    return isinstance(value, int) or (isinstance(value, float) and bool(np.isfinite(value)))


def _rows(layer: VectorLayer, box: Box, attributes: tuple[str, ...]) -> _Rows:
    boxes = [box]
    if crs_of(layer.crs).is_geographic:  # longitudes of either may count on from another turn
        west, _, east, _ = layer.bounds
        turned = [(box[0] + turn, box[1], box[2] + turn, box[3]) for turn in (-FULL_TURN, 0.0, FULL_TURN)]
        boxes = [part for part in turned if part[0] <= east and part[2] >= west] or boxes
    tables = [_table(layer, part, attributes) for part in boxes]
    table = pa.concat_tables(tables)
    numbers, first = np.unique(table[ORDER].to_numpy(), return_index=True)
    ordered = table.take(first)
    columns = {name: ordered[name].to_pylist() for name in attributes}
    return _Rows(ordered[GEOMETRY].to_numpy(zero_copy_only=False), numbers, columns)


def _table(layer: VectorLayer, box: Box, attributes: tuple[str, ...]) -> pa.Table:
    wanted = [*attributes, *((ORDER,) if layer.has_order else ())]
    try:
        meta, table = pyogrio.read_arrow(
            layer.path, layer=layer.name, bbox=box, columns=wanted, return_fids=not layer.has_order
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pa.ArrowException, RuntimeError) as error:
        raise DataError(f"{layer.uri}: cannot be read ({error}); is it whole? Export it again") from error
    names = table.schema.names
    number = names.index(ORDER) if layer.has_order else 0
    geometry = len(names) - 1 - names[::-1].index(meta["geometry_name"] or "wkb_geometry")
    places = [names.index(name, 0 if layer.has_order else 1) for name in attributes]
    columns = [table.column(number).cast(pa.int64()), table.column(geometry).cast(pa.binary())]
    found = pa.table([*columns, *map(table.column, places)], names=[ORDER, GEOMETRY, *attributes])
    # of a FlatGeobuf without a hit GDAL 3.12 gives a batch of rows that are none, with geometries of no bytes
    return found.filter(pc.greater(pc.binary_length(found[GEOMETRY]), 0))


def _near(shapes: npt.NDArray[np.object_], box: Box) -> npt.NDArray[np.object_]:
    """Shapes cut at an extent three times a scene's, where they reach beyond it."""
    west, south, east, north = box
    wide, high = east - west, north - south
    area = (west - wide, south - high, east + wide, north + high)
    low, high_corner = np.split(shapely.bounds(shapes), 2, axis=1)
    far = (low < area[:2]).any(axis=1) | (high_corner > area[2:]).any(axis=1)
    if not far.any():
        return shapes
    result = shapes.copy()
    result[far] = [polygons_of(shape) for shape in shapely.intersection(shapes[far], shapely.box(*area))]
    return result
