from __future__ import annotations

import multiprocessing
import resource
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from rasterio.enums import ColorInterp

from components.core.errors import DataError
from components.core.geometry import Size, Window
from components.core.imagery.opening import OPEN_RASTERS
from components.core.imagery.reading import describe, read_band, read_rgb
from tests.builders import CRS, TRANSFORM, noise, whole, write_raster, write_tiled
from tests.waiting import HANGS_S

SIZE = Size(40, 70)
PART = Window(3, 11, 20, 33)


@pytest.mark.parametrize("window", [PART, Window.of_size(SIZE), Window(39, 69, 1, 1)])
def test_rgb_is_read_as_it_is(tmp_path: Path, window: Window) -> None:
    pixels = noise(SIZE)
    for name, options in (("a.tif", {"tile": 16}), ("b.tif", {}), ("c.png", {})):
        uri = write_raster(tmp_path / name, pixels, **options)
        read = read_rgb(uri, window)
        assert read.dtype == np.uint8
        assert (read == pixels[(slice(None), *window.slices)]).all()


def test_alpha_is_left_out(tmp_path: Path) -> None:
    pixels = noise(SIZE, bands=4)
    uri = write_raster(tmp_path / "a.png", pixels)
    assert describe(uri).bands == 4
    assert (read_rgb(uri, PART) == pixels[(slice(3), *PART.slices)]).all()


@pytest.mark.parametrize("bands", [1, 2])
def test_grey_is_repeated(tmp_path: Path, bands: int) -> None:
    pixels = noise(SIZE, bands=bands)
    read = read_rgb(write_raster(tmp_path / "a.png", pixels), PART)
    assert read.shape == (3, PART.height, PART.width)
    assert (read == pixels[0][PART.slices]).all()


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    indices = noise(SIZE, bands=1)[0] % 3
    colours = {0: (10, 20, 30, 255), 1: (200, 100, 0, 255), 2: (1, 2, 3, 255)}
    uri = write_raster(tmp_path / "a.png", indices, colormap=colours)
    assert describe(uri).has_palette
    expected = np.array([colours[index][:3] for index in range(3)], np.uint8)[indices[PART.slices]]
    assert (read_rgb(uri, PART) == np.moveaxis(expected, 2, 0)).all()


def test_other_dtypes_are_refused_as_colours_and_read_as_bands(tmp_path: Path) -> None:
    pixels = noise(SIZE, bands=2, dtype="uint16")
    uri = write_tiled(tmp_path / "a.tif", pixels)
    with pytest.raises(DataError, match="uint16, not uint8; import it"):
        read_rgb(uri, PART)
    assert (read_band(uri, PART, 2) == pixels[1][PART.slices]).all()
    assert read_band(uri, PART).dtype == np.uint16


def test_a_smaller_copy_is_averaged_and_labels_are_not(tmp_path: Path) -> None:
    checkered = np.indices((40, 40)).sum(axis=0) % 2
    uri = write_tiled(tmp_path / "a.tif", np.repeat((checkered * 200).astype(np.uint8)[None], 3, axis=0))
    small = read_rgb(uri, Window(0, 0, 40, 40), Size(10, 10))
    assert small.shape == (3, 10, 10)
    assert (small == 100).all()
    labels = read_band(uri, Window(0, 0, 40, 40), size=Size(10, 10))
    assert set(np.unique(labels)) <= {0, 200}


@pytest.mark.parametrize("window", [Window(-1, 0, 4, 4), Window(0, 67, 4, 4), Window(38, 0, 3, 3)])
def test_windows_outside_are_refused(tmp_path: Path, window: Window) -> None:
    uri = write_tiled(tmp_path / "a.tif", noise(SIZE))
    with pytest.raises(DataError, match="leaves the raster of 40×70 px"):
        read_rgb(uri, window)


def test_a_missing_and_a_broken_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.tif: cannot be opened"):
        read_rgb(str(tmp_path / "gone.tif"), PART)
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(DataError, match=r"text\.tif: cannot be opened"):
        describe(str(tmp_path / "text.tif"))
    uri = write_tiled(tmp_path / "cut.tif", noise(Size(300, 300)), tile=16)
    data = Path(uri).read_bytes()
    Path(uri).write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"cut\.tif: rows 200–299.*broken"):
        read_rgb(uri, Window(200, 200, 100, 100))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_a_truncated_picture_is_no_picture(tmp_path: Path, name: str) -> None:
    pixels = noise(Size(300, 300))
    uri = write_raster(tmp_path / name, pixels)
    Path(uri).write_bytes(Path(uri).read_bytes()[:-900])
    with pytest.raises(DataError, match=f"{name}: "):
        read_rgb(uri, whole(pixels))


def test_a_replaced_file_is_read_anew(tmp_path: Path) -> None:
    for seed in range(3):
        pixels = noise(SIZE, seed)
        other = write_tiled(tmp_path / "other.tif", pixels)
        uri = str(Path(other).replace(tmp_path / "a.tif"))
        assert (read_rgb(uri, PART) == pixels[(slice(None), *PART.slices)]).all()


def test_more_rasters_than_are_kept_open(tmp_path: Path) -> None:
    images = [noise(Size(2, 2), seed) for seed in range(OPEN_RASTERS + 5)]
    uris = [write_tiled(tmp_path / f"{i}.tif", pixels) for i, pixels in enumerate(images)]
    for _ in range(2):
        for uri, pixels in zip(uris, images, strict=True):
            assert (read_rgb(uri, whole(pixels)) == pixels).all()


def read_in_threads(uris: list[str], most_files: int) -> list[float]:
    """What two threads read that both keep their rasters, in a process that may open so many files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, hard))
    both = threading.Barrier(2)

    def read_all(_thread: int) -> float:
        both.wait()
        found = sum(float(read_rgb(uri, Window(0, 0, 2, 2)).sum()) for uri in uris)
        both.wait()
        return found

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(read_all, range(2)))


def test_threads_leave_open_files_to_others(tmp_path: Path) -> None:
    pixels = noise(Size(2, 2))
    uris = [write_tiled(tmp_path / f"{i}.tif", pixels) for i in range(150)]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(read_in_threads, (uris, 200)) == [150 * pixels.sum()] * 2


def test_threads_read_the_same(tmp_path: Path) -> None:
    pixels = noise(Size(200, 200))
    uri = write_tiled(tmp_path / "a.tif", pixels, tile=16)
    windows = [Window(row, column, 40, 40) for row in range(0, 160, 20) for column in range(0, 160, 20)]
    wrong: list[Window] = []

    def check() -> None:
        wrong.extend(w for w in windows if not (read_rgb(uri, w) == pixels[(slice(None), *w.slices)]).all())

    threads = [threading.Thread(target=check) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


FORKED = """
import multiprocessing, sys
from components.core.geometry import Window
from components.core.imagery.reading import read_rgb
windows = [Window(row, column, 40, 40) for row in range(0, 160, 20) for column in range(0, 160, 20)]
here = [read_rgb(sys.argv[1], window) for window in windows]
with multiprocessing.get_context("fork").Pool(2) as pool:
    there = pool.starmap(read_rgb, [(sys.argv[1], window) for window in windows])
print(sum((one != other).any() for one, other in zip(here, there)), "differ")
"""


def test_a_forked_process_reads_the_same(tmp_path: Path) -> None:
    uri = write_tiled(tmp_path / "a.tif", noise(Size(200, 200)), tile=16)
    said = subprocess.run(
        [sys.executable, "-c", FORKED, uri], capture_output=True, text=True, timeout=HANGS_S, check=True
    )
    assert said.stdout == "0 differ\n"


def test_what_a_raster_says_of_itself(tmp_path: Path) -> None:
    info = describe(write_tiled(tmp_path / "a.tif", noise(Size(600, 700)), nodata=7))
    assert (info.size, info.bands, info.dtype, info.nodata) == (Size(600, 700), 3, "uint8", 7)
    assert (info.crs, info.transform, info.tile) == (CRS, TRANSFORM, Size(512, 512))
    bare = describe(write_raster(tmp_path / "b.png", noise(SIZE, bands=1)))
    assert (bare.crs, bare.transform, bare.has_palette) == (None, None, False)


@pytest.mark.parametrize(
    ("name", "size", "options", "is_tiled"),
    [
        ("tiles.tif", Size(600, 700), {"tile": 512}, True),
        ("strips.tif", Size(600, 700), {}, False),
        ("one_strip.tif", Size(8, 700), {}, True),
        ("large_tiles.tif", Size(20, 2200), {"tile": 4096, "compress": "deflate"}, False),
        ("picture.png", Size(600, 700), {}, False),
    ],
)
def test_tiled_is_what_reads_little_for_a_window(
    tmp_path: Path, name: str, size: Size, options: dict[str, object], is_tiled: bool
) -> None:
    uri = write_raster(tmp_path / name, np.zeros((1, size.height, size.width), np.uint8), **options)
    assert describe(uri).is_tiled is is_tiled


def test_a_crs_without_a_code_is_told_in_full(tmp_path: Path) -> None:
    local = "+proj=tmerc +lat_0=47.1 +lon_0=11.3 +k=1 +x_0=3 +y_0=5 +ellps=bessel"
    said = describe(write_tiled(tmp_path / "a.tif", noise(SIZE), crs=local)).crs
    assert said is not None
    assert "PROJ" in said and "47.1" in said


def test_a_mask_band_is_no_colour(tmp_path: Path) -> None:
    interpretation = (ColorInterp.gray, ColorInterp.alpha)
    uri = write_raster(tmp_path / "a.tif", noise(SIZE, bands=2), interpretation=interpretation)
    read = read_rgb(uri, PART)
    assert (read[0] == read[2]).all()
