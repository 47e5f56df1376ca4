from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import StorageError
from components.core.geometry import Size
from components.core.imagery.reading import describe, read_band, read_rgb
from components.core.imagery.writing import RasterProfile, raster_writer, strip_writer
from tests.builders import CRS, TRANSFORM, noise, whole

SIZE = Size(1100, 530)
PIXELS = noise(SIZE)


def write(file: Path, pixels: np.ndarray, cuts: list[int], **options: object) -> Path:
    profile = RasterProfile(Size(*pixels.shape[1:]), pixels.shape[0], str(pixels.dtype), **options)  # type: ignore[arg-type]
    with raster_writer(file, profile) as writer:
        for top, bottom in zip([0, *cuts], [*cuts, pixels.shape[1]], strict=True):
            assert writer.next_row == top
            writer.write(pixels[:, top:bottom])
    return file


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, SIZE.height), max_size=6).map(sorted), st.sampled_from([None, "deflate"]))
def test_any_chunking_gives_the_same_bytes(cuts: list[int], compress: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole_at_once = write(Path(folder) / "a.tif", PIXELS, [], compress=compress)
        in_chunks = write(Path(folder) / "b.tif", PIXELS, cuts, compress=compress)
        assert in_chunks.read_bytes() == whole_at_once.read_bytes()
        assert (read_rgb(str(in_chunks), whole(PIXELS)) == PIXELS).all()


def test_what_is_written_is_tiled_and_keeps_its_place(tmp_path: Path) -> None:
    options = {"crs": CRS, "transform": TRANSFORM, "nodata": 9, "tags": {"MADE_BY": "a test"}}
    uri = str(write(tmp_path / "deep" / "a.tif", PIXELS, [3], **options))
    info = describe(uri)
    assert (info.size, info.bands, info.crs, info.transform, info.nodata) == (SIZE, 3, CRS, TRANSFORM, 9)
    assert info.is_tiled
    assert info.tile == Size(512, 512)
    with rasterio.open(uri) as dataset:
        assert dataset.interleaving.value == "BAND"
        assert dataset.tags()["MADE_BY"] == "a test"


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "int32"])
def test_every_dtype_comes_back(tmp_path: Path, dtype: str) -> None:
    pixels = noise(Size(20, 30), bands=1).astype(dtype)
    uri = str(write(tmp_path / "a.tif", pixels, [7]))
    assert describe(uri).dtype == dtype
    assert (read_band(uri, whole(pixels)) == pixels[0]).all()


def test_rows_of_one_band_need_no_band_axis(tmp_path: Path) -> None:
    plane = PIXELS[0]
    with raster_writer(tmp_path / "a.tif", RasterProfile(SIZE)) as writer:
        writer.write(plane[:600])
        writer.write(plane[600:])
    assert (read_band(str(tmp_path / "a.tif"), whole(plane)) == plane).all()


@pytest.mark.parametrize("rows", [0, 5, 31])
def test_too_few_or_too_many_rows_leave_nothing(tmp_path: Path, rows: int) -> None:
    with (
        pytest.raises(ValueError, match=f"{rows} rows were written to a raster of 30"),
        raster_writer(tmp_path / "a.tif", RasterProfile(Size(30, 4))) as writer,
    ):
        writer.write(np.zeros((rows, 4), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    old = write(tmp_path / "a.tif", PIXELS, []).read_bytes()
    with (
        pytest.raises(KeyboardInterrupt),
        raster_writer(tmp_path / "a.tif", RasterProfile(SIZE)) as writer,
    ):
        writer.write(PIXELS[0, :600])
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]
    assert (tmp_path / "a.tif").read_bytes() == old


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "a.tif"
    with pytest.raises(StorageError, match=r"a\.tif"), raster_writer(place, RasterProfile(SIZE)):
        pass


@pytest.mark.parametrize("compress", ["zstd", "deflate"])
def test_strips_of_columns_make_the_same_raster(tmp_path: Path, compress: str) -> None:
    pixels = noise(Size(1100, 1300), bands=2)
    profile = RasterProfile(Size(1100, 1300), bands=2, compress=compress, level=1)
    with strip_writer(tmp_path / "a.tif", profile) as writer:
        for left, right in ((0, 512), (512, 1300)):
            rows = writer.begin(right - left)
            rows.write(pixels[:, :700, left:right])
            rows.write(pixels[:, 700:, left:right])
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert (dataset.read() == pixels).all()
        assert dataset.compression.name == compress


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ([512], "512 columns were written to a raster of 1300"),
        ([512, 1024], "columns 512 to 1535 are not a strip of tiles of a raster of 1300"),
        ([500, 800], "columns 500 to 1299 are not a strip of tiles of a raster of 1300"),
    ],
)
def test_strips_that_are_none_of_the_raster_leave_nothing(tmp_path: Path, widths: list[int], message: str) -> None:
    with (
        pytest.raises(ValueError, match=message),
        strip_writer(tmp_path / "a.tif", RasterProfile(Size(30, 1300))) as writer,
    ):
        for width in widths:
            writer.begin(width).write(np.zeros((30, width), np.uint8))
    assert list(tmp_path.iterdir()) == []
