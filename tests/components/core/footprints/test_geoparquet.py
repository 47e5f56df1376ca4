from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.core.footprints import geoparquet
from components.core.footprints.geoparquet import (
    SortedGeoParquet,
    geo_metadata,
    geoparquet_bytes,
    in_hilbert_order,
    with_bbox,
)
from tests.geoparquet_checks import check_geoparquet

SCHEMA = pa.schema([("id", pa.string()), ("geometry", pa.binary())])
CRS = "EPSG:32633"


def _houses(count: int, seed: int = 0) -> pa.Table:
    corners = 5e5 + np.random.default_rng(seed).integers(0, 4 * max(count, 1), (count, 2)) / 3
    shapes = shapely.box(*corners.T, *(corners + 7).T)
    return pa.table({"id": [str(n) for n in range(count)], "geometry": shapely.to_wkb(shapes).tolist()}, SCHEMA)


def test_metadata_say_what_is_known() -> None:
    known = geo_metadata("OGC:CRS84", (1, 2, 3, 4))["columns"]["geometry"]
    assert known["crs"]["id"]["code"] == "CRS84"
    assert known["bbox"] == [1, 2, 3, 4]
    assert known["covering"]["bbox"]["ymax"] == ["bbox", "ymax"]

    unknown = geo_metadata(None, None)["columns"]["geometry"]
    assert unknown["crs"] is None
    assert "bbox" not in unknown


@given(st.lists(st.tuples(*[st.floats(-180, 180)] * 4), max_size=5))
def test_bounds_in_single_precision_are_rounded_outwards(boxes: list[tuple[float, ...]]) -> None:
    exact = np.array(boxes).reshape(-1, 4)

    table = with_bbox(_houses(len(boxes)), exact, pa.float32())

    found = np.array([list(box.values()) for box in table["bbox"].to_pylist()], np.float64).reshape(-1, 4)
    assert (found[:, :2] <= exact[:, :2]).all() and (found[:, 2:] >= exact[:, 2:]).all()
    assert np.allclose(found, exact, rtol=2e-7, atol=1e-44)


@pytest.mark.parametrize("crs", [None, "EPSG:4326", CRS])
@pytest.mark.parametrize("count", [0, 1, 50])
def test_bytes_are_a_file_of_the_format(tmp_path: Path, crs: str | None, count: int) -> None:
    rows = _houses(count)
    if crs == "EPSG:4326":
        shapes = shapely.transform(shapely.from_wkb(rows["geometry"].to_numpy()), lambda points: points / 1e4 - 20)
        rows = rows.set_column(1, SCHEMA.field(1), pa.array(shapely.to_wkb(shapes).tolist(), pa.binary()))
    made = geoparquet_bytes(in_hilbert_order(rows), crs, pa.float64(), {"about": "houses"})

    (tmp_path / "a.parquet").write_bytes(made)

    check_geoparquet(tmp_path / "a.parquet")
    assert pq.read_schema(tmp_path / "a.parquet").metadata[b"about"] == b"houses"
    assert made == geoparquet_bytes(in_hilbert_order(rows), crs, pa.float64(), {"about": "houses"})


def _written(folder: Path, rows: pa.Table, cuts: list[int], share_rows: int) -> bytes:
    out = SortedGeoParquet(folder / "a.parquet", SCHEMA, CRS, share_rows)
    ends = [0, *sorted(cuts), rows.num_rows]
    for start, end in pairwise(ends):
        out.add(rows.slice(start, end - start))
    assert out.count == rows.num_rows
    out.close({"about": "houses"})
    assert [file.name for file in folder.iterdir()] == ["a.parquet"]
    return (folder / "a.parquet").read_bytes()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 90), st.lists(st.integers(0, 90), max_size=4), st.sampled_from((1, 7, 100)), st.data())
def test_a_file_that_is_written_by_shares_is_in_order(
    tmp_path: Path, count: int, cuts: list[int], share_rows: int, data: st.DataObject
) -> None:
    rows = _houses(count, data.draw(st.integers(0, 3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geoparquet, "GROUP_ROWS", 1)
        patch.setattr(geoparquet, "MOST_SHARES", 20)

        _written(tmp_path, rows, [min(cut, count) for cut in cuts], share_rows)

    check_geoparquet(tmp_path / "a.parquet")
    wanted = in_hilbert_order(rows)
    assert pq.read_table(tmp_path / "a.parquet").drop_columns(["bbox"]).equals(wanted)


def test_groups_of_rows_lie_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geoparquet, "GROUP_ROWS", 16)

    _written(tmp_path, _houses(2000), [100, 1500], 160)

    assert pq.ParquetFile(tmp_path / "a.parquet").metadata.num_row_groups == 125
    check_geoparquet(tmp_path / "a.parquet")


def test_a_file_does_not_depend_on_how_rows_come(tmp_path: Path) -> None:
    rows = _houses(40)

    assert _written(tmp_path, rows, [], 100) == _written(tmp_path, rows, [3, 3, 21], 100)


def test_the_bounds_are_those_of_all_rows(tmp_path: Path) -> None:
    rows = _houses(9)
    out = SortedGeoParquet(tmp_path / "a.parquet", SCHEMA, CRS)
    assert out.bounds is None

    out.add(rows.slice(0, 4))
    out.add(rows.slice(4))
    out.close({})

    shapes = shapely.from_wkb(rows["geometry"].to_numpy())
    assert out.bounds == shapely.total_bounds(shapes).tolist()
    geo = json.loads(pq.read_schema(tmp_path / "a.parquet").metadata[b"geo"])
    assert geo["columns"]["geometry"]["bbox"] == out.bounds
