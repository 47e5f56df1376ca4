"""The objects of one scene as rows of a footprint layer, in batches: memory is a part and a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import shapely
from affine import Affine

from components.core.figures import Bitmap
from components.core.figures.row_bands import as_bitmap
from components.core.figures.watershed import HeightMap, Heights, parted
from components.core.footprints.generalize import DrawnWalls, Generalization, to_map
from components.core.footprints.geography import Geometries, PixelGrid, areas_m2
from components.core.footprints.outline_column import outline_bytes
from components.core.footprints.polygonize import placed_outlines
from components.core.footprints.records import (
    GEOMETRY,
    OUTLINE,
    PIXEL_COORDINATES,
    TOUCHES_EDGE,
    FootprintRules,
    footprint_id,
    scene_schema,
)
from components.core.footprints.status import Status
from components.core.footprints.stitching import Ended, FirstPixel, ObjectRows, SceneObject, stitched
from components.core.footprints.touching import Group, Grouped, grouped
from components.core.geometry import Size, Window
from components.core.project import Item
from components.core.project.confidence import confidence_pixels, confidence_sums
from components.core.project.parts import ScenePart, meets_seam, part_of
from components.core.project.splitting import split_rule

BATCH_OBJECTS = 1024


class _Sketch(NamedTuple):
    """An object's exact outline, and how it is drawn."""

    exact: shapely.Geometry
    shape: shapely.Geometry
    status: Status | None
    walls: DrawnWalls


def scene_footprints(
    items: Iterable[Item], source: str, rules: FootprintRules, crs: str, batch_objects: int = BATCH_OBJECTS
) -> SceneFootprints:
    """Make the rows of one scene.

    Args:
        items: The scene as one item, or its part items from the top down; taken one by one, as they are needed.
        source: What the image is called, unique among the scenes.
        rules: What is published.
        crs: Of the rows, "EPSG:…" or WKT; a scene without a CRS or transform gets pixel coordinates instead.
        batch_objects: Rows a table at most; never changes the rows.

    Returns:
        The tables, made while they are iterated over (once).

    Raises:
        DataError: If a CRS or a transform cannot be used; while iterating also if the parts do not make up a scene or
            a raster cannot be read.
        ValueError: If there is no item.
    """
    remaining = iter(items)
    first = next(remaining, None)
    if first is None:
        raise ValueError(f"{source}: a scene has at least one item")
    return SceneFootprints(chain([first], remaining), first, source, rules, crs, batch_objects)


class SceneFootprints:
    """The rows of one scene; made by `scene_footprints`.

    Objects come by last row, then by the first column of that row, however the scene is cut into parts.

    Attributes:
        source: The image's name.
        size: Of the scene, in pixels.
        on_map: Whether the rows are in map coordinates, else in pixels.
        drawing: How outlines are drawn, in this scene's pixels.
        left_out: Objects below the least area, among those so far.
        fragments: Rows of those of them that the scene's border cuts: with what lies beyond they may be large enough.
    """

    def __init__(
        self, items: Iterator[Item], first: Item, source: str, rules: FootprintRules, crs: str, batch_objects: int
    ) -> None:
        part = _part(first)
        self._items = items
        self._rules = rules
        self._crs = crs
        self._batch_objects = batch_objects
        self._grid = _scene_grid(first, part)
        self._ground = np.eye(2) if self._grid is None else self._grid.ground(part.size)
        self._split_rule = split_rule(first, rules.class_title)
        self.source = source
        self.size = part.size
        self.on_map = self._grid is not None
        self.drawing = Generalization(self._tolerance_px(), rules.regularise)
        self._sketches: dict[int, _Sketch] = {}
        self.left_out = 0
        self.fragments = scene_schema(self.on_map).empty_table()

    def __iter__(self) -> Iterator[pa.Table]:
        """Tables of `scene_schema(on_map)`; none is empty."""
        part_up = None if self._split_rule.seed_height is None else self._parted
        ended = stitched(map(self._taken_apart, self._items), self.size, self.source, part_up)
        objects = grouped(map(self._believed, ended))
        while batch := list(islice(objects, self._batch_objects)):
            rows = self._rows(batch)
            if rows.num_rows:
                yield rows

    def _believed(self, ended: Ended) -> Ended:
        return ended._replace(objects=list(filter(self._is_believed, ended.objects)))

    def _is_believed(self, entry: SceneObject) -> bool:
        """Whether a whole object's confidence suffices; splitting could not tell of what met a seam."""
        mean = entry.mean_confidence
        return mean is None or mean >= self._split_rule.min_confidence

    def _parted(self, entry: SceneObject) -> list[SceneObject]:
        """What a whole object that met a seam is by the rule; splitting could not know all of it."""
        seed = self._split_rule.seed_height
        if entry.heights is None or seed is None:
            return [entry]
        whole = HeightMap(entry.bitmap.mask.pixels(), entry.heights)
        ((_, parts),) = parted([(0, whole)], seed, self._split_rule.min_seed_area)
        if len(parts) == 1:
            return [entry]
        return [_part_of_object(entry, entry.heights, part) for part in parts]

    def _tolerance_px(self) -> float:
        return self._rules.tolerance.pixels(None if self._grid is None else self._grid.pixel_m(self.size))

    def _taken_apart(self, item: Item) -> ObjectRows:
        """The pieces of one item, in the scene's pixels."""
        bitmaps = _bitmaps(item, self._rules.class_title)
        sums = confidence_sums(item, bitmaps)
        known = [None] * len(bitmaps) if sums is None else sums.tolist()
        heights = self._seam_heights(item, bitmaps)
        top = _part(item).top
        seen: Counter[tuple[int, int]] = Counter()
        pieces = []
        for index, (bitmap, confidence) in enumerate(zip(bitmaps, known, strict=True)):
            row, column = top + bitmap.top, _first_column(bitmap)
            place = FirstPixel(row, column, seen[row, column])
            pieces.append(SceneObject(bitmap.moved(top, 0), place, confidence, heights.get(index)))
            seen[row, column] += 1
        return ObjectRows(Window(top, 0, item.size.height, item.size.width), pieces)

    def _seam_heights(self, item: Item, bitmaps: Sequence[Bitmap]) -> dict[int, Heights]:
        """Confidence in the boxes of those bitmaps that are to be parted once they are whole, by index."""
        if self._split_rule.seed_height is None:
            return {}
        at_seams = [index for index, bitmap in enumerate(bitmaps) if meets_seam(item, bitmap.window)]
        found = confidence_pixels(item, [bitmaps[index] for index in at_seams])
        return {at_seams[place]: np.where(bitmaps[at_seams[place]].mask.pixels(), values, 0) for place, values in found}

    def _drawn(self, batch: Sequence[Grouped]) -> list[_Sketch]:
        """What is drawn of each object: with its group, of which the first to come has all drawn."""
        new = [group for group in {id(group): group for _, group in batch}.values() if not self._is_drawn(group)]
        objects = [entry for group in new for entry in group.members]
        ends = np.cumsum([len(group.members) for group in new]).tolist()
        groups = [range(end - len(group.members), end) for end, group in zip(ends, new, strict=True)]
        exact = placed_outlines([entry.bitmap for entry in objects])
        shapes, status, walls = self.drawing.drawn(exact, self._ground, groups, border=self.size)
        for entry, *found in zip(objects, exact, shapes, status, walls, strict=True):
            self._sketches[id(entry)] = _Sketch(*found)
        return [self._sketches.pop(id(entry)) for entry, _ in batch]

    def _is_drawn(self, group: Group) -> bool:
        return any(id(entry) in self._sketches for entry in group.members)

    def _rows(self, batch: Sequence[Grouped]) -> pa.Table:
        objects = [entry for entry, _ in batch]
        sketches = self._drawn(batch)
        exact = _array([sketch.exact for sketch in sketches])
        drawn = _array([sketch.shape for sketch in sketches])
        if self._grid is None:
            shapes: Geometries = shapely.orient_polygons(drawn)
            areas = np.full(len(objects), np.nan)
        else:
            shapes = to_map(exact, drawn, self._grid, self._crs)
            areas = areas_m2(self._grid.to_map(exact), self._grid.crs)
        kept = ~(areas < self._rules.min_area_m2)  # unknown areas are kept
        self.left_out += int(np.count_nonzero(~kept))
        touches_edge = [_touches_edge(entry.bitmap.window, self.size) for entry in objects]
        area_px = np.array([entry.bitmap.mask.area for entry in objects], np.int64)
        columns = {
            "id": [footprint_id(self.source, entry.place) for entry in objects],
            "class": [self._rules.class_title] * len(objects),
            "area_m2": np.round(areas, 3),
            "area_px": area_px,
            "confidence": np.round(np.array([entry.mean_confidence for entry in objects], np.float64), 4),
            "status": [sketch.status for sketch in sketches],
            "source": [self.source] * len(objects),
            "coordinates": [PIXEL_COORDINATES] * len(objects),
            TOUCHES_EDGE: touches_edge,
            OUTLINE: [
                outline_bytes(sketch.exact, sketch.walls) if cut else None
                for sketch, cut in zip(sketches, touches_edge, strict=True)
            ],
            GEOMETRY: shapely.to_wkb(shapes).tolist(),
        }
        schema = scene_schema(self.on_map)
        arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
        rows = pa.table(arrays, schema=schema)
        self.fragments = pa.concat_tables([self.fragments, rows.filter(pa.array(~kept & np.array(touches_edge)))])
        return rows.filter(pa.array(kept))


def _part_of_object(whole: SceneObject, heights: Heights, part: Bitmap) -> SceneObject:
    """One of the objects that a whole one is parted into; `part` is in the whole one's coordinates."""
    pixels = part.mask.pixels()
    bitmap = part.moved(whole.bitmap.top, whole.bitmap.left)
    total = int(heights[part.window.slices][pixels].sum(dtype=np.int64))
    return SceneObject(bitmap, FirstPixel(bitmap.top, _first_column(bitmap), whole.place.copy), total)


def _part(item: Item) -> ScenePart:
    """Which rows an item shows; all of itself where it is a whole scene."""
    return part_of(item) or ScenePart(item.name, 0, item.size)


def _scene_grid(item: Item, part: ScenePart) -> PixelGrid | None:
    """The grid of the scene of which an item is a part."""
    grid = PixelGrid.of_item(item)
    return None if grid is None else PixelGrid(grid.crs, grid.transform @ Affine.translation(0, -part.top))


def _bitmaps(item: Item, class_title: str) -> list[Bitmap]:
    found = (as_bitmap(entry.figure, item.size) for entry in item.objects if entry.class_title == class_title)
    return [bitmap for bitmap in found if bitmap is not None]


def _first_column(bitmap: Bitmap) -> int:
    return bitmap.left + int(bitmap.mask.read(Window(0, 0, 1, bitmap.mask.size.width))[0].argmax())


def _array(shapes: Sequence[shapely.Geometry]) -> Geometries:
    result = np.empty(len(shapes), dtype=object)
    result[:] = shapes
    return result


def _touches_edge(box: Window, size: Size) -> bool:
    return box.top == 0 or box.left == 0 or box.bottom == size.height or box.right == size.width
