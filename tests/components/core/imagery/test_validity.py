"""Which pixels hold data, in every way in which a raster may say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import Crop, Flip, Recipe, describe, read_validity
from tests.builders import noise, write_raster

SIZE = Size(40, 60)
RGBA = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)


@pytest.fixture
def valid() -> np.ndarray:
    return np.random.default_rng(0).random((SIZE.height, SIZE.width)) > 0.4


def masked(kind: str, folder: Path, valid: np.ndarray) -> str:
    pixels = np.maximum(noise(SIZE), 1)
    if kind == "nodata":
        return write_raster(folder / "a.tif", pixels * valid, nodata=0)
    if kind == "alpha":
        return write_raster(folder / "a.tif", np.stack([*pixels, valid * np.uint8(255)]), interpretation=RGBA)
    uri = write_raster(folder / "a.tif", pixels)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(uri, "r+") as dataset:
        dataset.write_mask(valid)
    return uri


@pytest.mark.parametrize("kind", ["nodata", "alpha", "mask"])
def test_every_way_to_say_so_is_understood(kind: str, tmp_path: Path, valid: np.ndarray) -> None:
    uri = masked(kind, tmp_path, valid)
    recipe = Recipe.whole(SIZE).then(Crop(Window(3, 5, 20, 30))).then(Flip(FlipAxis.LEFT_RIGHT))

    assert describe(uri).is_masked
    assert np.array_equal(read_validity(uri, Recipe.whole(SIZE)), valid)
    assert np.array_equal(read_validity(uri, recipe), valid[3:23, 5:35][:, ::-1])


def test_one_band_without_the_value_is_enough(tmp_path: Path) -> None:
    pixels = np.zeros((3, *(SIZE.height, SIZE.width)), np.uint8)
    pixels[2, 4, 7] = 1
    uri = write_raster(tmp_path / "a.tif", pixels, nodata=0)

    assert np.argwhere(read_validity(uri, Recipe.whole(SIZE))).tolist() == [[4, 7]]


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_a_raster_that_says_nothing_is_not_masked(tmp_path: Path, bands: int) -> None:
    assert not describe(write_raster(tmp_path / "a.tif", noise(SIZE, bands=bands), photometric="minisblack")).is_masked


@pytest.mark.parametrize("fourth", [ColorInterp.undefined, ColorInterp.gray])
def test_a_fourth_band_that_has_the_nodata_value_takes_nothing_away(fourth: ColorInterp, tmp_path: Path) -> None:
    """A height of 0, and a nodata value of 0: GDAL's mask of the whole raster would call all such ground missing."""
    pixels = np.concatenate([np.maximum(noise(SIZE), 1), np.zeros((1, SIZE.height, SIZE.width), np.uint8)])
    pixels[:, :4] = 0
    interpretation = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, fourth)
    uri = write_raster(tmp_path / "a.tif", pixels, nodata=0, interpretation=interpretation)

    found = read_validity(uri, Recipe.whole(SIZE))

    assert not found[:4].any() and found[4:].all()
