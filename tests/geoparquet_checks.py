"""Checks that a file is GeoParquet 1.1 as its specification has it, with a covering, and in Hilbert order.

Source: https://geoparquet.org/releases/v1.1.0, "GeoParquet Specification".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import pytest
import shapely

from components.core.footprints.hilbert import hilbert_places, middles

SIDES = ["xmin", "ymin", "xmax", "ymax"]

FEW_GROUPS = 16


def check_geoparquet(file: Path | str, ground: Sequence[float] | None = None, rest: int = 0) -> None:
    """Refuse what is not so.

    Args:
        file: On local disk.
        ground: What the curve fills; None for the bounds of the file's rows.
        rest: Rows at the end that are in an order of their own.
    """
    table = pq.read_table(file)
    geo = json.loads(table.schema.metadata[b"geo"])
    assert (geo["version"], geo["primary_column"], list(geo["columns"])) == ("1.1.0", "geometry", ["geometry"])
    column = geo["columns"]["geometry"]
    assert (column["encoding"], column["edges"], column["orientation"]) == ("WKB", "planar", "counterclockwise")
    assert column["crs"] is None or pyproj.CRS.from_json_dict(column["crs"])
    assert table.schema.field("geometry").type == pa.binary()
    shapes = shapely.from_wkb(table["geometry"].to_numpy())
    assert {shape.geom_type for shape in shapes} <= set(column["geometry_types"])
    assert column.get("bbox") == (shapely.total_bounds(shapes).tolist() if len(shapes) else None)
    assert all(shapely.is_ccw(shapely.get_exterior_ring(part)) for part in shapely.get_parts(shapes))
    assert column["covering"] == {"bbox": {side: ["bbox", side] for side in SIDES}}
    _check_boxes(Path(file), table, shapely.bounds(shapes).reshape(-1, 4))
    _check_order(shapely.bounds(shapes).reshape(-1, 4)[: len(shapes) - rest], ground)
    _check_reading(file, shapes)
    _check_by_others(str(file))


def _check_by_others(file: str) -> None:
    """What a checker finds that knows nothing of this project; how few groups of rows are laid out it cannot judge."""
    validator = pytest.importorskip("geoparquet_validator")
    groups = pq.ParquetFile(file).metadata.num_row_groups
    outcomes = {entry["id"]: entry for entry in validator.check(file)["outcomes"]}
    if groups < FEW_GROUPS:
        del outcomes["/conf/distribution/spatial-order"]
    assert [entry for entry in outcomes.values() if entry["status"] == "fail"] == []
    assert outcomes["/conf/covering/bbox-paths"]["status"] == "pass"
    assert groups == 0 or outcomes["/conf/distribution/geospatial-statistics"]["status"] == "pass"


def _check_boxes(file: Path, table: pa.Table, exact: np.ndarray) -> None:
    kind = table.schema.field("bbox").type
    assert [field.name for field in kind] == SIDES
    (number,) = {field.type for field in kind}
    assert number in (pa.float32(), pa.float64())
    boxes = np.array([list(box.values()) for box in table["bbox"].to_pylist()], np.float64).reshape(-1, 4)
    assert (boxes[:, :2] <= exact[:, :2]).all() and (boxes[:, 2:] >= exact[:, 2:]).all()
    assert np.allclose(boxes, exact, rtol=2e-7, atol=0)
    about = pq.ParquetFile(file).metadata
    names = [about.schema.column(place).path for place in range(about.num_columns)]
    for group in range(about.num_row_groups):
        if about.row_group(group).num_rows:
            columns = [about.row_group(group).column(names.index(f"bbox.{side}")) for side in SIDES]
            assert all(column.statistics.has_min_max for column in columns)


def _check_order(boxes: np.ndarray, ground: Sequence[float] | None) -> None:
    if len(boxes):
        around = [*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)] if ground is None else ground
        places = hilbert_places(middles(boxes), around)
        assert (places[1:] >= places[:-1]).all()


def _check_reading(file: Path | str, shapes: np.ndarray) -> None:
    """Readers take rows by a box."""
    if not len(shapes):
        assert len(geopandas.read_parquet(file, bbox=(0, 0, 1, 1))) == 0
        return
    bounds = shapes[0].bounds
    found = geopandas.read_parquet(file, bbox=bounds)
    assert shapely.to_wkb(shapes[0]) in set(shapely.to_wkb(found.geometry.values))
    assert len(found) >= int(shapely.intersects(shapes, shapely.box(*bounds)).sum())
