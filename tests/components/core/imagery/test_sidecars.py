"""Files beside rasters: which belong to which, and that they say the same on disk and in object storage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from components.core import storage
from components.core.geometry import Size
from components.core.imagery.files import is_raster
from components.core.imagery.reading import info_of
from components.core.imagery.sidecar_metadata import is_read_otherwise, open_with_sides, with_crs_beside
from components.core.imagery.sidecars import names_of_sides, with_side_files
from components.core.storage import StoredObject
from tests.builders import noise, write_raster
from tests.s3_server import S3Server

SIZE = Size(60, 90)
WORLD = "0.5\n0\n0\n-0.5\n500000.25\n5299999.75\n"
PLACE = Affine(0.5, 0, 500_000, 0, -0.5, 5_300_000)


def listed(*keys: str) -> Iterator[StoredObject]:
    for key in sorted(keys):
        yield StoredObject(f"s3://bucket/{key}", 1, key, None)


def sides_by_raster(*keys: str) -> dict[str, list[str]]:
    found = with_side_files(listed(*keys))
    return {entry.uri.removeprefix("s3://bucket/"): [side.etag for side in entry.sides] for entry in found}


@pytest.mark.parametrize(
    ("name", "sides"),
    [
        ("a.tif", {"a.tfw", "a.tifw", "a.wld", "a.prj", "a.tif.aux.xml", "a.tif.msk"}),
        ("A.TIFF", {"a.tfw", "a.tiffw", "a.wld", "a.prj", "a.tiff.aux.xml", "a.tiff.msk"}),
        ("a.b.jpg", {"a.b.jgw", "a.b.jpgw", "a.b.wld", "a.b.prj", "a.b.jpg.aux.xml", "a.b.jpg.msk"}),
        ("a.png", {"a.pgw", "a.pngw", "a.wld", "a.prj", "a.png.aux.xml", "a.png.msk"}),
    ],
)
def test_names(name: str, sides: set[str]) -> None:
    assert names_of_sides(name) == sides


def test_each_raster_has_its_own() -> None:
    assert sides_by_raster(
        "a.TFW", "a.prj", "a.tif", "a.tif.aux.xml", "a.tif.ovr", "a.txt", "a.b.tif", "a.b.tfw", "aa.tfw", "b/a.tfw"
    ) == {"a.tif": ["a.TFW", "a.prj", "a.tif.aux.xml"], "a.b.tif": ["a.b.tfw"]}
    assert sides_by_raster("t.jpg", "t.tif", "t.wld", "t.jpg.msk", "t/t.prj") == {
        "t.jpg": ["t.jpg.msk", "t.wld"],
        "t.tif": ["t.wld"],
    }


PARTS = st.lists(st.sampled_from(["a", "b", "a.b", "ab", "a."]), min_size=1, max_size=3).map("".join)
ENDS = st.sampled_from([".tif", ".jpg", ".tfw", ".jgw", ".wld", ".prj", ".tif.aux.xml", ".tif.msk", ".txt", "/c.tif"])


@given(st.sets(st.tuples(PARTS, ENDS).map("".join), max_size=14))
def test_a_stream_finds_what_a_search_in_all_finds(keys: set[str]) -> None:
    expected = {}
    for key in sorted(keys):
        if is_raster(key):
            folder, _, name = key.rpartition("/")
            names = names_of_sides(name)
            expected[key] = [
                other for other in sorted(keys) if other.rpartition("/")[0] == folder and other.split("/")[-1] in names
            ]
    found = sides_by_raster(*keys)
    assert list(found) == list(expected), "in the order of the keys"
    assert {key: sorted(sides) for key, sides in found.items()} == expected


def test_few_wait_while_a_long_listing_passes() -> None:
    taken = 0

    def many() -> Iterator[StoredObject]:
        nonlocal taken
        for number in range(1000):
            for end in (".tfw", ".tif"):
                taken += 1
                yield StoredObject(f"s3://bucket/ortho.{number:04}{end}", 1, "", None)

    for count, entry in enumerate(with_side_files(many()), 1):
        assert len(entry.sides) == 1
        assert taken <= 2 * count + 2


def described(source: StoredObject) -> tuple[object, ...]:
    with open_with_sides(source) as dataset:
        info = with_crs_beside(info_of(dataset), source)
        mask = dataset.dataset_mask()
        return info.crs, info.transform, info.nodata, info.is_masked, is_read_otherwise(source, dataset), mask.tolist()


def write_beside(folder: Path) -> None:
    """Images of which each says something beside itself alone."""
    pixels = noise(SIZE)
    pixels[:, :, :30] = 0
    for name in ("world", "esri", "plain"):
        write_raster(folder / f"{name}.tif", pixels, tile=16)
    for name in ("world", "esri"):
        (folder / f"{name}.tfw").write_text(WORLD)
    (folder / "world.tif.aux.xml").write_text("<PAMDataset><SRS>EPSG:32633</SRS></PAMDataset>")
    (folder / "esri.prj").write_text(CRS.from_epsg(32633).to_wkt(version="WKT1_ESRI"))
    write_raster(folder / "picture.png", pixels)
    (folder / "picture.pgw").write_text(WORLD)
    (folder / "picture.prj").write_text("no CRS")
    write_raster(folder / "nodata.tif", pixels, tile=16)
    bands = "".join(f'<PAMRasterBand band="{n}"><NoDataValue>0</NoDataValue></PAMRasterBand>' for n in (1, 2, 3))
    (folder / "nodata.tif.aux.xml").write_text(f"<PAMDataset>{bands}</PAMDataset>")
    write_raster(folder / "mask.tif", pixels, tile=16)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(folder / "mask.tif", "r+") as out:
        out.write_mask(np.where(pixels[0] > 0, 255, 0).astype(np.uint8))


def test_they_say_the_same_on_disk_and_in_object_storage(s3_environment: S3Server, tmp_path: Path) -> None:
    write_beside(tmp_path)
    bucket = s3_environment.new_folder()
    for file in tmp_path.iterdir():
        storage.put_file(file, f"{bucket}/{file.name}")

    def images(place: str) -> dict[str, tuple[object, ...]]:
        found = with_side_files(storage.list_objects(place))
        return {entry.uri.rpartition("/")[2]: described(entry) for entry in found}

    local = images(str(tmp_path))

    assert images(bucket) == local
    assert {name: said[:5] for name, said in local.items()} == {
        "esri.tif": ("EPSG:32633", PLACE, None, False, False),
        "mask.tif": (None, None, None, True, True),
        "nodata.tif": (None, None, 0.0, True, True),
        "picture.png": (None, PLACE, None, False, False),
        "plain.tif": (None, None, None, False, False),
        "world.tif": ("EPSG:32633", PLACE, None, False, False),
    }


def test_a_file_beside_that_holds_no_crs_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_beside(tmp_path)
    (tmp_path / "esri.prj").write_bytes(b"x" * 100_000)
    found = {storage.stem_of(entry.uri): entry for entry in with_side_files(storage.list_objects(str(tmp_path)))}

    assert described(found["picture"])[0] is None and described(found["esri"])[0] is None

    assert f"{tmp_path}/picture.prj: holds no CRS as WKT" in caplog.text
    assert f"{tmp_path}/esri.prj: has 100000 bytes, too many for a CRS" in caplog.text
