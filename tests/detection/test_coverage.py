"""The ground that was looked at: its area is that of the pixels that have a class."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely

from components.core.collection.coverage import CoveredGround, seen_pixels, update_coverage
from components.core.collection.layer.tables import COVERAGE_FILE
from components.core.collection.ledger import Collection
from components.core.errors import DataError
from tests.builders import write_tiled
from tests.detection.detecting import CONFIG, CRS, GSD_M, HOUSE, PLACE, SIZE, Detection, town, write_three


def coverage(detection: Detection) -> geopandas.GeoDataFrame:
    return geopandas.read_parquet(Path(detection.output) / COVERAGE_FILE).set_index("source")


def write_holey(file: Path) -> None:
    """A town whose corner and one pixel hold no data."""
    pixels = town(SIZE, HOUSE)
    pixels[:, 250:, 200:] = 0
    pixels[:, 10, 200] = 0
    write_tiled(file, pixels, crs=CRS, transform=PLACE, nodata=0)


def test_its_area_is_that_of_the_pixels_that_have_a_class(detection: Detection) -> None:
    write_three(Path(detection.images))
    write_holey(Path(detection.images) / "holey.tif")
    write_tiled(Path(detection.images) / "none.tif", np.zeros((3, 100, 100), np.uint8), crs=CRS, nodata=0)
    detection.run()

    found = coverage(detection)
    whole = SIZE.area
    missing = 50 * 60 + 1
    assert found.pixels.to_dict() == {
        "west.tif": whole,
        "east/east_2026-11-20.tif": whole,
        "south.tif": whole,
        "holey.tif": whole - missing,
    }
    assert found.area_m2.to_numpy() == pytest.approx(found.pixels.to_numpy() * GSD_M**2, rel=2e-3)
    assert found.captured["east/east_2026-11-20.tif"] == "2026-11-20"
    assert found.crs == "OGC:CRS84" and found.geometry.is_valid.all()
    assert found.geometry["holey.tif"].interiors, "the single pixel is a hole"
    for mask in (Path(detection.output) / "scenes").rglob("mask.tif"):
        with rasterio.open(mask) as raster:
            known = int((raster.read(1) != 255).sum())
        item = json.loads(mask.with_name("item.json").read_text())
        assert item["assets"]["coverage"]["href"] == f"./{COVERAGE_FILE}"
        assert found.pixels.get(item["properties"]["title"], 0) == known


def test_a_region_that_was_not_inferred_was_not_looked_at(detection: Detection) -> None:
    write_three(Path(detection.images))
    config = json.loads(CONFIG) | {"mode": {"source": "roi", "bounds": {"left": "100px", "top": "20px"}}}
    partly = replace(detection, settings=replace(detection.settings, inference_config=json.dumps(config)))
    partly.run()
    assert set(coverage(partly).pixels) == {(SIZE.width - 100) * (SIZE.height - 20)}


def test_it_is_the_same_however_a_scene_is_cut(detection: Detection, tmp_path: Path) -> None:
    write_holey(Path(detection.images) / "holey.tif")
    detection.run()
    apart = replace(detection, output=str(tmp_path / "apart"), data_root=str(tmp_path / "other"))
    apart = apart.with_options(shard_megapixels=0.03, max_shards=2)
    apart.run(item_pixels=100)
    one, other = coverage(detection), coverage(apart)
    assert one.geometry.iloc[0].equals(other.geometry.iloc[0])
    assert one.pixels.tolist() == other.pixels.tolist() and one.area_m2.tolist() == other.area_m2.tolist()


def test_only_what_is_new_is_read_and_what_is_gone_leaves(detection: Detection) -> None:
    write_three(Path(detection.images))
    detection.run()
    before = (Path(detection.output) / COVERAGE_FILE).read_bytes()
    collection = Collection(detection.output)
    for file in (Path(detection.output) / "scenes").rglob(COVERAGE_FILE):
        file.write_bytes(b"not read again")
    update_coverage(collection, collection.marks())
    assert (Path(detection.output) / COVERAGE_FILE).read_bytes() == before

    (Path(detection.images) / "west.tif").unlink()
    detection.run()
    assert sorted(coverage(detection).index) == ["east/east_2026-11-20.tif", "south.tif"]

    (Path(detection.output) / COVERAGE_FILE).write_bytes(b"broken")
    with pytest.raises(DataError, match="is not the coverage of a scene"):
        update_coverage(collection, collection.marks())


def test_scenes_of_earlier_releases_count_as_a_whole(detection: Detection) -> None:
    write_three(Path(detection.images))
    detection.run()
    before = coverage(detection)
    (Path(detection.output) / COVERAGE_FILE).unlink()
    for marker in (Path(detection.output) / "ledger").glob("*.json"):
        record = json.loads(marker.read_text())
        del record["files"]["coverage"]
        if "west" in record["key"]:
            record["transform"] = None
        marker.write_text(json.dumps(record))
    update_coverage(Collection(detection.output), Collection(detection.output).marks())
    after = coverage(detection)
    assert after.pixels.to_dict() == before.pixels.to_dict()
    assert after.geometry["south.tif"].equals(before.geometry["south.tif"])
    assert after.area_m2["west.tif"] == pytest.approx(before.area_m2["west.tif"], rel=0.05)


def test_how_much_of_a_shape_was_looked_at(detection: Detection) -> None:
    write_three(Path(detection.images))
    detection.run()
    west, south, east, north = coverage(detection).geometry["west.tif"].bounds
    width = east - west
    middle = (south + north) / 2
    shapes = np.array(
        [
            shapely.box(west + width / 4, middle, west + width / 3, middle + width / 20),
            shapely.box(west - width, middle, west - width / 2, middle + width / 20),
            shapely.box(west - width / 4, middle, west + width / 4, middle + width / 20),
        ],
        dtype=object,
    )
    shares = CoveredGround(str(Path(detection.output) / COVERAGE_FILE)).shares(shapes)
    assert shares == pytest.approx([1, 0, 0.5], abs=0.02)


def test_masks_without_nodata_are_not_read(tmp_path: Path) -> None:
    mask = write_tiled(tmp_path / "mask.tif", np.zeros((1, 30, 40), np.uint8))
    assert seen_pixels([mask, mask]).equals(shapely.box(0, 0, 40, 60))
