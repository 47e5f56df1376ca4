"""Which TIFFs are whole, by what GDAL writes and by what is cut off or overwritten."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from components.core.geometry import Size
from components.core.imagery.cog import write_cog
from components.core.imagery.writing import RasterProfile, raster_writer
from components.core.storage.integrity import check_integrity
from tests.builders import noise, write_raster

SIZE = Size(700, 1100)
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
TILED = {"tiled": True, "blockxsize": 256, "blockysize": 256}
FORMS: dict[str, dict[str, Any]] = {
    "strips": {},
    "tiles": TILED,
    "planes": TILED | {"interleave": "band", "compress": "zstd"},
    "bigtiff": TILED | {"BIGTIFF": "YES", "compress": "deflate"},
    "big_endian": TILED | {"ENDIANNESS": "BIG"},
}


@pytest.fixture(params=[*FORMS, "cog", "overviews", "one_strip"])
def tiff(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file, pixels = tmp_path / "a.tif", noise(SIZE)
    if request.param == "cog":
        with raster_writer(tmp_path / "part.tif", RasterProfile(SIZE)) as writer:
            writer.write(pixels[:1])
        write_cog(file, [tmp_path / "part.tif"], RasterProfile(SIZE))
    elif request.param == "one_strip":
        write_raster(file, pixels, blockysize=SIZE.height)
    else:
        write_raster(file, pixels, **FORMS.get(request.param, TILED))
    if request.param == "overviews":
        with rasterio.open(file, "r+") as dataset:
            dataset.build_overviews([2, 4])
    return file


def test_what_gdal_wrote_is_whole(tiff: Path) -> None:
    check_integrity(tiff)


def test_what_is_cut_off_anywhere_is_not(tiff: Path) -> None:
    size_bytes = tiff.stat().st_size
    with rasterio.open(tiff) as dataset:
        pixels = dataset.read()
    for cut in sorted({1, 2, 3, 5, 8, 64, 1000, *np.linspace(9, size_bytes, 25, dtype=int).tolist()}):
        os.truncate(tiff, size_bytes - cut)
        try:
            check_integrity(tiff)
        except ValueError as error:
            assert str(error)
        else:
            with rasterio.open(tiff) as dataset:  # padding, or a key of the projection at most
                assert (dataset.read() == pixels).all(), cut


def test_tiles_that_are_missing_or_lie_on_each_other_are_found(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    with rasterio.open(
        file, "w", driver="GTiff", width=512, height=512, count=1, dtype="uint8", sparse_ok=True, **TILED
    ) as dataset:
        dataset.write(noise(Size(256, 256), bands=1), window=((0, 256), (0, 256)))
    with pytest.raises(ValueError, match="3 of the 4 tiles of image 0 are missing"):
        check_integrity(file)
    write_raster(file, noise(Size(512, 512), bands=1), **TILED)
    with rasterio.open(file) as dataset:
        offsets = [int(dataset.get_tag_item(f"BLOCK_OFFSET_{i}_0", "TIFF", 1)).to_bytes(4, "little") for i in (0, 1)]
    content = file.read_bytes()
    file.write_bytes(content.replace(offsets[1], (int.from_bytes(offsets[0], "little") + 100).to_bytes(4, "little"), 1))
    with pytest.raises(ValueError, match="two tiles lie on each other"):
        check_integrity(file)


@pytest.mark.parametrize("content", [b"", b"II", b"II*\0", b"PNG and more", b"II*\0\0\0\0\0", b"II+\0" + bytes(12)])
def test_what_is_no_tiff_is_not(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(ValueError, match=r"header|directory"):
        check_integrity(tmp_path / "a.tif")


def test_a_directory_that_leads_back_to_itself_ends(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    write_raster(file, noise(Size(64, 64), bands=1))
    content = bytearray(file.read_bytes())
    start = int.from_bytes(content[4:8], "little")
    count = int.from_bytes(content[start : start + 2], "little")
    content[start + 2 + 12 * count : start + 6 + 12 * count] = content[4:8]
    file.write_bytes(content)
    with pytest.raises(ValueError, match="more than 256 directories"):
        check_integrity(file)
