"""Bands behind red, green and blue: found by name or place, and carried through all that is done to pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from rasterio.enums import ColorInterp

from components.core.errors import ConfigError, DataError
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import read_image, read_rgb
from components.core.imagery.bands import bands_of_text, why_no_bands
from components.core.imagery.operations import Colour, Frame, GaussianBlur, MedianBlur, Noise, Resize, Rotate
from components.core.imagery.reading import check_bands, read_bands, read_valid
from components.core.imagery.recipe import Crop, Flip, Recipe
from components.core.imagery.writing import RasterProfile, raster_writer
from tests.builders import noise, write_raster

FIVE = ("red", "green", "blue", "nir", "height")
SIZE = Size(60, 80)
WHOLE = Window.of_size(SIZE)

Pixels = npt.NDArray[np.uint8]


def raster(folder: Path, pixels: Pixels, names: dict[int, str] | None = None, **options: object) -> str:
    """A GeoTIFF whose bands have names."""
    uri = write_raster(folder / f"scene{len(pixels)}.tif", pixels, **options)
    with rasterio.open(uri, "r+") as dataset:
        for number, name in (names or {}).items():
            dataset.set_band_description(number, name)
    return uri


@pytest.mark.parametrize(
    ("names", "asked", "indexes"),
    [
        ({}, FIVE, (1, 2, 3, 4, 5)),
        ({}, FIVE[:4], (1, 2, 3, 4)),
        ({4: "height", 5: "NIR"}, FIVE, (1, 2, 3, 5, 4)),
        ({4: "nDSM", 5: "Near Infrared"}, FIVE, (1, 2, 3, 5, 4)),
        ({4: "swir", 5: "nir"}, FIVE[:4], (1, 2, 3, 5)),
        ({1: "blue", 2: "green", 3: "red"}, FIVE, (1, 2, 3, 4, 5)),
    ],
)
def test_further_bands_are_found_by_their_names_else_by_their_places(
    tmp_path: Path, names: dict[int, str], asked: tuple[str, ...], indexes: tuple[int, ...]
) -> None:
    pixels = noise(SIZE, bands=5)
    uri = raster(tmp_path, pixels, names, photometric="rgb", alpha="no")
    check_bands(uri, asked)
    assert np.array_equal(read_bands(uri, WHOLE, asked), pixels[[number - 1 for number in indexes]])
    assert np.array_equal(read_rgb(uri, WHOLE), pixels[:3])


def test_an_image_without_the_bands_is_named_with_what_it_has(tmp_path: Path) -> None:
    three = raster(tmp_path, noise(SIZE))
    with pytest.raises(DataError, match=r"scene3.tif: has 3 bands, and the network sees 5: red, .*, such as 1,2,3,4,5"):
        check_bands(three, FIVE)
    other = raster(tmp_path, noise(SIZE, bands=4), {4: "swir"}, photometric="rgb", alpha="no")
    with pytest.raises(DataError, match=r"scene4.tif: none of its further bands is called 'nir': they are 4 'swir'"):
        read_bands(other, WHOLE, FIVE[:4])


def test_an_alpha_band_is_none_that_a_network_sees(tmp_path: Path) -> None:
    pixels = noise(SIZE, bands=4)
    pixels[3] = 255
    pixels[3, :10] = 0
    masked = raster(tmp_path, pixels, photometric="rgb", alpha="yes")
    with pytest.raises(DataError, match=r"scene4.tif: has 3 bands beside alpha, and the network sees 4"):
        check_bands(masked, FIVE[:4])
    pixels = np.concatenate([pixels, noise(SIZE, 1, bands=1)])
    masked = raster(tmp_path, pixels, photometric="rgb", alpha="yes")
    with pytest.raises(DataError, match=r"scene5.tif: band 4 says which pixels hold data, and is not nir"):
        check_bands(masked, FIVE[:4])


def test_near_infrared_that_gdal_tags_alpha_is_read_as_a_band(tmp_path: Path) -> None:
    pixels = noise(SIZE, bands=4)
    uri = raster(tmp_path, pixels)
    with rasterio.open(uri) as dataset:
        assert dataset.colorinterp[3] is ColorInterp.alpha
    assert np.array_equal(read_bands(uri, WHOLE, FIVE[:4]), pixels)


@pytest.mark.parametrize("alpha", [False, True])
def test_what_is_written_with_further_bands_is_read_as_it_was(tmp_path: Path, alpha: bool) -> None:
    pixels = noise(SIZE, bands=5)
    valid = np.ones((SIZE.height, SIZE.width), np.uint8) * 255
    valid[:, :30] = 0
    planes = np.concatenate([pixels, valid[np.newaxis]]) if alpha else pixels
    profile = RasterProfile(SIZE, bands=len(planes), alpha=alpha, names={4: "nir", 5: "height"})
    with raster_writer(tmp_path / "made.tif", profile) as writer:
        writer.write(planes)
    uri = str(tmp_path / "made.tif")
    assert np.array_equal(read_bands(uri, WHOLE, FIVE), pixels)
    assert np.array_equal(read_valid(uri, WHOLE), valid > 0 if alpha else np.ones_like(valid, np.bool_))
    with rasterio.open(uri) as dataset:
        assert dataset.descriptions[3:5] == ("nir", "height")


RECIPES = {
    "crop and flips": [Crop(Window(7, 11, 40, 50)), Flip(FlipAxis.LEFT_RIGHT), Flip(FlipAxis.UP_DOWN)],
    "frame": [Frame(-5, -5, 90, 90)],
    "resize": [Resize(45, 40, 0.75, 0.5)],
    "quarter turn": [Rotate(90)],
    "turn": [Rotate(30)],
    "gaussian": [GaussianBlur(1.5)],
    "median": [MedianBlur(3)],
}


@pytest.mark.parametrize("steps", RECIPES.values(), ids=RECIPES)
def test_what_moves_or_smooths_pixels_does_the_same_to_every_band(tmp_path: Path, steps: list[object]) -> None:
    pixels = noise(SIZE, bands=5)
    uri = raster(tmp_path, pixels, photometric="rgb", alpha="no")
    grey = {band: write_raster(tmp_path / f"grey{band}.tif", pixels[band]) for band in range(5)}
    recipe = Recipe.whole(SIZE)
    for step in steps:
        recipe = recipe.then(step)  # type: ignore[arg-type]
    made = read_image(uri, recipe, bands=FIVE)
    for band in range(5):
        assert np.array_equal(made[band], read_image(grey[band], recipe)[0]), band
    smaller = Size(recipe.size.height // 2, recipe.size.width // 2)
    assert read_image(uri, recipe, smaller, FIVE).shape == (5, smaller.height, smaller.width)


def test_colours_change_alone_and_noise_falls_on_every_band(tmp_path: Path) -> None:
    pixels = noise(SIZE, bands=5)
    uri = raster(tmp_path, pixels, photometric="rgb", alpha="no")
    swapped = Recipe.whole(SIZE).then(Colour((0, 0, 0.5, 0.3, 0.3, 0.3, 1, 0, 0), (5.0, 0.0, 0.0)))
    made = read_image(uri, swapped, bands=FIVE)
    assert np.array_equal(made[:3], read_image(uri, swapped)) and not np.array_equal(made[:3], pixels[:3])
    assert np.array_equal(made[3:], pixels[3:])
    noisy = Recipe.whole(SIZE).then(Noise(0.0, 20.0, 3))
    made = read_image(uri, noisy, bands=FIVE)
    assert np.array_equal(made[:3], read_image(uri, noisy))
    assert all((made[band] != pixels[band]).mean() > 0.5 for band in (3, 4))


def test_numbers_and_names_that_make_no_sense_are_refused() -> None:
    assert bands_of_text("3, 2,1,5") == (3, 2, 1, 5)
    for text in ("1,2", "1,2,3,x", "1,2,3,"):
        with pytest.raises(ConfigError, match="cannot be parsed"):
            bands_of_text(text)
    assert why_no_bands(FIVE) == ""
    assert "do not begin with red, green and blue" in why_no_bands(["nir", "red", "green"])
    assert "'NIR' is named twice" in why_no_bands([*FIVE, "NIR"])
    assert "'' is no name" in why_no_bands([*FIVE, ""])
    assert "more than 32" in why_no_bands([*FIVE, *(f"b{number}" for number in range(30))])
