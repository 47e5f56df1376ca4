"""Rows read once from the top down: the same pixels however a raster is stored and shown, and few reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import Crop, Flip
from components.core.imagery.operations import GaussianBlur, Rotate
from components.core.project import ImageRef
from components.infer_windows import reader as module
from components.infer_windows.reader import Columns, RowBuffer, RowMemory, mirrored
from tests.builders import noise, write_raster

SIZE = Size(230, 180)
STORED = {
    "tiles": ("a.tif", {"tile": 64, "interleave": "band"}),
    "tiles of pixels": ("a.tif", {"tile": 64, "interleave": "pixel", "compress": "deflate"}),
    "strips": ("a.tif", {"blockysize": 7, "compress": "deflate", "interleave": "pixel"}),
    "one strip": ("a.tif", {"blockysize": 230, "compress": "deflate"}),
    "png": ("a.png", {}),
}


@pytest.fixture(params=STORED)
def image(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageRef:
    monkeypatch.setattr(module, "DECODED_BYTES", 3 * SIZE.width * 20)
    name, options = STORED[request.param]
    return ImageRef.whole(write_raster(tmp_path / name, noise(SIZE), **options), SIZE)


def windows_of(image: ImageRef, left: int, right: int, tops: list[int]) -> tuple[list[np.ndarray], list[int]]:
    """Windows of 50 rows, and the first row below what was read for each."""
    columns = Columns.of(image, left, right)
    rows = RowBuffer(columns, tops[0], tops[-1] + 50, RowMemory.of([columns], 50))
    windows, bottoms = [], []
    for top in tops:
        rows.read(top, top + 50)
        windows.append(rows.pixels(Window(top, left, 50, right - left)).copy())
        bottoms.append(rows.bottom)
    return windows, bottoms


@pytest.mark.parametrize("shown", ["whole", "crop", "mirrored", "turned"])
def test_windows_hold_the_pixels_of_the_image(image: ImageRef, shown: str) -> None:
    if shown != "whole":
        image = image.then(Crop(Window(5, 3, 220, 170)))
    if shown == "mirrored":
        image = image.then(Flip(FlipAxis.UP_DOWN)).then(Flip(FlipAxis.LEFT_RIGHT))
    if shown == "turned":
        image = image.then(Rotate(10.0)).then(GaussianBlur(1.0)).then(Crop(Window(9, 9, 225, 170)))
    height, width = image.recipe.size.height, image.recipe.size.width
    tops = [-10, 20, 21, 70, 110, 150, height - 40]

    windows, _ = windows_of(image, -20, width + 9, tops)

    around = np.pad(image.pixels(), ((0, 0), (60, 60), (60, 60)), "reflect")
    for top, window in zip(tops, windows, strict=True):
        assert np.array_equal(window, around[:, 60 + top : 110 + top, 40 : width + 69])


def test_tiles_are_read_whole(tmp_path: Path) -> None:
    image = ImageRef.whole(write_raster(tmp_path / "a.tif", noise(SIZE), tile=64), SIZE)

    assert windows_of(image, 0, 100, [0, 30, 60, 90, 180])[1] == [64, 128, 128, 192, 230]
    assert windows_of(image.then(Crop(Window(10, 0, 220, 180))), 0, 100, [0, 30, 60])[1] == [54, 110, 110]


def test_reading_ends_with_the_last_window(tmp_path: Path) -> None:
    image = ImageRef.whole(write_raster(tmp_path / "a.tif", noise(SIZE), tile=64), SIZE)

    assert windows_of(image, 0, 100, [100, 125])[1] == [175, 175]


def test_mirroring_repeats_no_border_and_goes_on() -> None:
    assert mirrored(-3, 7, 4).tolist() == [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]
    assert mirrored(-2, 3, 1).tolist() == [0] * 5
