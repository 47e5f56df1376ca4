"""The ground that was really looked at: images, less what holds no data or was not to be inferred.

A scene's folder has its own, written when the scene is finished. The collection's `coverage.parquet` has those of the
scenes that the layer shows, so that "no building" and "not looked" can be told apart. One of which nothing was looked
at has no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely
from affine import Affine
from shapely.geometry.base import BaseGeometry

from components.core import storage
from components.core.collection.layer.tables import (
    COVERAGE,
    COVERAGE_FILE,
    CRS84,
    MODEL_CHARACTERS,
    read_columns,
)
from components.core.collection.ledger import Collection, Mark, SceneRecord
from components.core.errors import DataError
from components.core.footprints.geography import FULL_TURN, WGS84, Geometries, PixelGrid, areas_m2, reprojected
from components.core.footprints.geoparquet import geoparquet_bytes, in_hilbert_order
from components.core.footprints.hilbert import WORLD
from components.core.footprints.polygonize import outline
from components.core.footprints.vector_files import geometries_of
from components.core.geometry import Size, Window
from components.core.imagery import describe, read_band
from components.core.project.probabilities import UNKNOWN

SCHEMA = pa.schema(
    [
        ("scene", pa.string()),
        ("mark", pa.string()),
        ("source", pa.string()),
        ("captured", pa.string()),
        ("model", pa.string()),
        ("pixels", pa.int64()),
        ("area_m2", pa.float64()),
        ("geometry", pa.binary()),
    ]
)

THREADS = 16


@dataclass(frozen=True, slots=True)
class _KnownPixels:
    """The pixels of a scene that have a class; read by window, from masks of its rows from the top down."""

    masks: tuple[tuple[str, Window], ...]
    size: Size

    def read(self, window: Window) -> npt.NDArray[np.bool_]:
        parts = ((mask, rows, rows.intersection(window)) for mask, rows in self.masks)
        read = [read_band(mask, part.shift(-rows.top, 0)) for mask, rows, part in parts if part is not None]
        return np.concatenate(read) != UNKNOWN


def seen_pixels(masks: Sequence[str]) -> BaseGeometry:
    """What of a scene has a class.

    Args:
        masks: Rasters of classes, of the scene's rows from the top down.

    Returns:
        Polygons in (column, row) of the scene, pixel edges at whole numbers, whose area is the number of pixels; an
        empty one where no pixel has a class.

    Raises:
        DataError: If a raster cannot be read.
        StorageError: If it cannot be reached.
    """
    placed, top, has_unknown = [], 0, False
    for mask in masks:
        info = describe(mask)
        placed.append((mask, Window(top, 0, info.size.height, info.size.width)))
        top, has_unknown = top + info.size.height, has_unknown or info.nodata is not None
    size = Size(top, placed[0][1].width)
    if not has_unknown:
        return shapely.box(0, 0, size.width, size.height)
    try:
        return outline(_KnownPixels(tuple(placed), size))
    except ValueError:
        return shapely.Polygon()  # not a pixel is known


def coverage_bytes(mark: Mark, record: SceneRecord, seen: BaseGeometry, grid: PixelGrid) -> bytes:
    """A scene's file.

    Args:
        mark: Of the scene.
        record: What its marker says.
        seen: As `seen_pixels` gives it.
        grid: Of the scene.

    Raises:
        DataError: If its place on Earth is not defined.
    """
    return _file([] if seen.is_empty else [_row_of_pixels(mark, record, seen, grid)])


def _row_of_pixels(mark: Mark, record: SceneRecord, seen: BaseGeometry, grid: PixelGrid) -> dict[str, object]:
    return _row(mark, record, round(seen.area), grid.to_map(np.array([seen], dtype=object)), grid.crs)


def _row(mark: Mark, record: SceneRecord, pixels: int, ground: Geometries, crs: str) -> dict[str, object]:
    """A row; `ground` is one polygon."""
    return {
        "scene": mark.scene,
        "mark": mark.stem,
        "source": record.key,
        "captured": record.captured or None,
        "model": record.model[:MODEL_CHARACTERS],
        "pixels": pixels,
        "area_m2": round(float(areas_m2(ground, crs)[0]), 3),
        "geometry": shapely.to_wkb(reprojected(ground, crs, WGS84)[0]),
    }


def _file(rows: Iterable[dict[str, object]]) -> bytes:
    table = in_hilbert_order(pa.Table.from_pylist(list(rows), SCHEMA), WORLD)
    return geoparquet_bytes(table, CRS84, pa.float32(), {})


def update_coverage(collection: Collection, marks: Iterable[Mark]) -> str:
    """Have `coverage.parquet` show the scenes of the layer; only what is new is read.

    Args:
        collection: It.
        marks: Of the layer's scenes.

    Returns:
        URI of the file; it is written where that changes it.

    Raises:
        DataError: If a scene's own file is broken.
        StorageError: If a place cannot be read or written.
    """
    place, wanted = collection.place(COVERAGE_FILE), sorted(marks)
    known = {str(row["mark"]): row for row in _rows_or_none(place)}

    def look(mark: Mark) -> dict[str, object] | None:
        return known.get(mark.stem) or _of_scene(collection, mark)

    with ThreadPoolExecutor(THREADS, "coverage") as pool:
        rows = [row for row in pool.map(look, wanted) if row is not None]
    if {row["mark"] for row in rows} != set(known) or not storage.exists(place):
        storage.write_bytes(place, _file(rows))
    return place


def _rows_or_none(place: str) -> Iterator[dict[str, object]]:
    """The rows of a file; none where it is missing or broken, as all of it can be made again."""
    if not storage.exists(place):
        return
    try:
        yield from read_columns(place, SCHEMA.names).to_pylist()
    except (pa.ArrowException, ValueError):
        return


def _of_scene(collection: Collection, mark: Mark) -> dict[str, object] | None:
    """What a finished scene says, None for nothing; of one that an earlier release finished, all of its image."""
    record = collection.read(mark)
    file = record.files.get(COVERAGE)
    if file is not None:
        place = storage.join_uri(collection.scene_folder(mark), file)
        try:
            rows = read_columns(place, SCHEMA.names).to_pylist()
        except (pa.ArrowException, ValueError) as error:
            raise DataError(
                f"{place}: is not the coverage of a scene ({error}); delete the scene's marker in the ledger to detect "
                "it again"
            ) from error
        return dict(rows[0]) if rows else None
    if record.transform is None:
        west, south, east, north = record.bounds
        whole = shapely.box(west, south, east + (FULL_TURN if east < west else 0), north)
        return _row(mark, record, record.height * record.width, np.array([whole], dtype=object), WGS84)
    grid = PixelGrid(record.crs, Affine(*record.transform))
    return _row_of_pixels(mark, record, shapely.box(0, 0, record.width, record.height), grid)


def scene_ground(collection: Collection, mark: Mark) -> BaseGeometry | None:
    """What of a finished scene was looked at, in WGS 84; None for nothing.

    Raises:
        DataError: If what it says is broken.
        StorageError: If it cannot be read.
    """
    row = _of_scene(collection, mark)
    return None if row is None else shapely.from_wkb(row["geometry"])


class CoveredGround:
    """The ground that the layer's scenes show, to be asked often."""

    def __init__(self, coverage: str) -> None:
        """Read it.

        Args:
            coverage: URI of the collection's file.

        Raises:
            DataError: If the file is broken.
            StorageError: If it cannot be read.
        """
        try:
            self._ground = geometries_of(read_columns(coverage, ["geometry"]))
        except (pa.ArrowException, ValueError) as error:
            raise DataError(
                f"{coverage}: is no coverage ({error}); delete it, and the next run makes it again"
            ) from error
        self._tree = shapely.STRtree(self._ground)

    def shares(self, shapes: Geometries) -> npt.NDArray[np.float64]:
        """How much of each of (N,) polygons in WGS 84 lies on that ground: (N,) from 0 to 1."""
        result = np.zeros(len(shapes))
        shape, scene = self._tree.query(shapes)
        for index in np.unique(shape).tolist():
            near = shapely.union_all(self._ground[scene[shape == index]])
            result[index] = shapely.area(shapely.intersection(shapes[index], near)) / shapely.area(shapes[index])
        return result
