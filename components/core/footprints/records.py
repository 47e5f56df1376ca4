"""The objects of one scene as rows of a footprint layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from components.core.figures import Bitmap
from components.core.figures.bands import as_bitmap
from components.core.footprints.confidence import mean_confidence
from components.core.footprints.geography import Geometries, Grid, areas_m2, reprojected
from components.core.footprints.outlines import outline
from components.core.footprints.simplifying import simplified
from components.core.geometry import Window
from components.core.keyed import digest
from components.core.project import Item, Project

GEOMETRY = "geometry"

MAP_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("class", pa.string()),
        ("area_m2", pa.float64()),
        ("area_px", pa.int64()),
        ("confidence", pa.float64()),
        ("source", pa.string()),
        (GEOMETRY, pa.binary()),
    ]
)
"""Columns of a layer in map coordinates; the geometry is WKB."""

PIXEL_COORDINATES = "pixels of the source image: x to the right, y down from its upper left corner"

PIXEL_SCHEMA = MAP_SCHEMA.insert(len(MAP_SCHEMA) - 1, pa.field("coordinates", pa.string()))
"""Columns of a layer in pixel coordinates, which says so in every row."""

ID_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Rules:
    """Which objects are published, and how.

    Attributes:
        class_title: Their class.
        tolerance_px: Tolerance of simplification in pixels; 0 keeps the pixels' edges.
        tolerance_m: The same in metres, for scenes with a CRS; 0 to use `tolerance_px` there too.
        min_area_m2: Smaller objects are left out, in scenes with a CRS.
    """

    class_title: str = "untitled_dl"
    tolerance_px: float = 1.0
    tolerance_m: float = 0.0
    min_area_m2: float = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One item to be published.

    Attributes:
        index: Of the item in the project.
        source: The image's name, unique among the scenes.
    """

    index: int
    source: str


@dataclass(frozen=True)
class SceneFootprints:
    """What became of one scene.

    Attributes:
        source: The image's name.
        on_map: Whether the rows are in map coordinates, else in pixels.
        rows: Of `MAP_SCHEMA` or `PIXEL_SCHEMA`.
        left_out: Objects below the least area.
        tolerance_px: Tolerance that was used, in this scene's pixels.
    """

    source: str
    on_map: bool
    rows: pa.Table
    left_out: int
    tolerance_px: float


@dataclass(frozen=True)
class FootprintMaker:
    """Makes the rows of scenes; picklable, so that processes share the project by reference.

    Attributes:
        project: The project.
        rules: What is published.
        crs: Of the layer in map coordinates.
    """

    project: Project
    rules: Rules
    crs: str

    def __call__(self, scene: Scene) -> SceneFootprints:
        """The rows of one scene."""
        item = self.project.item(scene.index)
        bitmaps = _bitmaps(item, self.rules.class_title)
        grid = Grid.of_item(item)
        outlines = _outlines(bitmaps)
        tolerance = self._tolerance_px(item, grid)
        if grid is None:
            shapes: Geometries = shapely.orient_polygons(simplified(outlines, tolerance))
            areas = np.full(len(bitmaps), np.nan)
        else:
            shapes, areas = _on_map(outlines, tolerance, grid, self.crs)
        kept = ~(areas < self.rules.min_area_m2)  # unknown areas are kept
        columns = {
            "id": _ids(scene.source, bitmaps),
            "class": [self.rules.class_title] * len(bitmaps),
            "area_m2": np.round(areas, 3),
            "area_px": np.array([bitmap.mask.area for bitmap in bitmaps], np.int64),
            "confidence": np.round(mean_confidence(item, bitmaps), 4),
            "source": [scene.source] * len(bitmaps),
            "coordinates": [PIXEL_COORDINATES] * len(bitmaps),
            GEOMETRY: shapely.to_wkb(shapes).tolist(),
        }
        schema = PIXEL_SCHEMA if grid is None else MAP_SCHEMA
        arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
        rows = pa.table(arrays, schema=schema).filter(pa.array(kept))
        return SceneFootprints(scene.source, grid is not None, rows, int(np.count_nonzero(~kept)), tolerance)

    def _tolerance_px(self, item: Item, grid: Grid | None) -> float:
        if grid is None or self.rules.tolerance_m == 0:
            return self.rules.tolerance_px
        return self.rules.tolerance_m / grid.pixel_m(item.size)


def _bitmaps(item: Item, class_title: str) -> list[Bitmap]:
    found = (as_bitmap(entry.figure, item.size) for entry in item.objects if entry.class_title == class_title)
    return [bitmap for bitmap in found if bitmap is not None]


def _outlines(bitmaps: Sequence[Bitmap]) -> Geometries:
    """Exact outlines in (column, row) of the item."""
    shapes = np.empty(len(bitmaps), dtype=object)
    shapes[:] = [outline(bitmap.mask) for bitmap in bitmaps]
    corners = np.array([(bitmap.left, bitmap.top) for bitmap in bitmaps], np.float64).reshape(-1, 2)
    counts = shapely.get_num_coordinates(shapes)
    moved: Geometries = shapely.set_coordinates(shapes, shapely.get_coordinates(shapes) + np.repeat(corners, counts, 0))
    return moved


def _on_map(
    outlines: Geometries, tolerance_px: float, grid: Grid, crs: str
) -> tuple[Geometries, npt.NDArray[np.float64]]:
    """Published shapes in `crs`, and the true areas of the exact outlines."""
    exact = grid.to_map(outlines)
    shapes = grid.to_map(simplified(outlines, tolerance_px))
    broken = ~shapely.is_valid(shapes)  # rings that touch may cross by a rounding error
    shapes[broken] = exact[broken]
    return reprojected(shapes, grid.crs, crs), areas_m2(exact, grid.crs)


def _ids(source: str, bitmaps: Sequence[Bitmap]) -> list[str]:
    """A stable name for each object: a digest of its image and its first pixel.

    The same image split again gives the same names, in whatever order. Objects of one image have different first
    pixels unless they overlap; then a running number tells them apart.
    """
    seen: Counter[tuple[int, int]] = Counter()
    names = []
    for bitmap in bitmaps:
        first_row = bitmap.mask.read(Window(0, 0, 1, bitmap.mask.size.width))[0]
        place = bitmap.top, bitmap.left + int(np.argmax(first_row))
        parts = [str(place[0]), str(place[1])] + ([str(seen[place])] if seen[place] else [])
        seen[place] += 1
        names.append(digest(source, *parts)[:ID_CHARACTERS])
    return names
