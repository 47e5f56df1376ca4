"""An alpha band says which pixels hold data, wherever it stands and however many bands there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from rasterio.enums import ColorInterp

from components.core.errors import DataError
from components.core.geometry import Size, Window
from components.core.imagery import describe
from components.core.imagery.alpha import alpha_of
from components.core.imagery.reading import check_bands, read_bands, read_rgb, read_valid
from tests.builders import noise, write_raster

SIZE = Size(48, 64)
WHOLE = Window.of_size(SIZE)
COLOURS = ("red", "green", "blue")

Pixels = npt.NDArray[np.uint8]


@pytest.fixture
def valid() -> npt.NDArray[np.bool_]:
    """Part of a turned scene, as a mosaic's border is."""
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width]
    return np.asarray(rows + columns > 40)


def tagged(file: Path, pixels: Pixels, alpha: int, **options: object) -> str:
    """A raster of red, green, blue and further bands, one of which is tagged alpha."""
    kinds = [ColorInterp.red, ColorInterp.green, ColorInterp.blue][: len(pixels)]
    kinds += [ColorInterp.undefined] * (len(pixels) - len(kinds))
    kinds[alpha - 1] = ColorInterp.alpha
    return write_raster(file, pixels, interpretation=kinds, photometric="rgb", alpha="no", **options)


def with_alpha(pixels: Pixels, alpha: int, valid: npt.NDArray[np.bool_]) -> Pixels:
    return np.insert(pixels, alpha - 1, valid * np.uint8(255), axis=0)


@pytest.mark.parametrize(("bands", "alpha"), [(3, 4), (4, 5), (4, 4), (5, 6), (7, 8)])
def test_it_is_found_by_its_tag(tmp_path: Path, valid: npt.NDArray[np.bool_], bands: int, alpha: int) -> None:
    pixels = np.maximum(noise(SIZE, bands=bands), 1)
    uri = tagged(tmp_path / "a.tif", with_alpha(pixels, alpha, valid), alpha)
    assert alpha_of(uri).mask == alpha and describe(uri).is_masked
    assert np.array_equal(read_valid(uri, WHOLE), valid)
    part = Window(5, 7, 20, 30)
    assert np.array_equal(read_valid(uri, part), valid[5:25, 7:37])
    assert np.array_equal(read_rgb(uri, WHOLE), pixels[:3])


def test_a_network_of_further_bands_sees_those_beside_it(tmp_path: Path, valid: npt.NDArray[np.bool_]) -> None:
    pixels = noise(SIZE, bands=4)
    last = tagged(tmp_path / "last.tif", with_alpha(pixels, 5, valid), 5)
    assert np.array_equal(read_bands(last, WHOLE, (*COLOURS, "nir")), pixels)
    with pytest.raises(DataError, match=r"has 4 bands beside alpha, and the network sees 5"):
        check_bands(last, (*COLOURS, "nir", "height"))
    inside = tagged(tmp_path / "inside.tif", with_alpha(pixels, 4, valid), 4)
    with pytest.raises(DataError, match=r"band 4 says which pixels hold data, and is not nir"):
        check_bands(inside, (*COLOURS, "nir"))
    with rasterio.open(inside, "r+") as dataset:
        dataset.set_band_description(5, "nir")
    assert np.array_equal(read_bands(inside, WHOLE, (*COLOURS, "nir")), pixels)


@pytest.mark.parametrize("bands", [4, 5, 6])
def test_one_whose_values_are_no_mask_is_a_band_like_others(tmp_path: Path, bands: int) -> None:
    pixels = noise(SIZE, bands=bands)
    uri = tagged(tmp_path / "a.tif", pixels, 4)
    assert alpha_of(uri).band == 4 and alpha_of(uri).mask == 0
    assert not describe(uri).is_masked and read_valid(uri, WHOLE).all()
    names = ("nir", "height", "slope")[: bands - 3]
    assert np.array_equal(read_bands(uri, WHOLE, (*COLOURS, *names)), pixels)


@pytest.mark.parametrize("bands", [3, 4])
def test_a_nodata_value_counts_beside_it(tmp_path: Path, valid: npt.NDArray[np.bool_], bands: int) -> None:
    """GDAL passes over the alpha band of a raster that has such a value."""
    pixels = np.clip(noise(SIZE, bands=bands), 1, 250)
    missing = np.zeros_like(valid)
    missing[-9:] = True
    pixels[:, missing] = 255
    both = tagged(tmp_path / "both.tif", with_alpha(pixels, bands + 1, valid | missing), bands + 1, nodata=255)
    assert describe(both).is_masked
    assert np.array_equal(read_valid(both, WHOLE), valid & ~missing)
    infrared = np.clip(noise(SIZE, 1, bands=1), 1, 250)
    infrared[:, missing] = 255
    other = tagged(tmp_path / "other.tif", np.concatenate([pixels, infrared]), bands + 1, nodata=255)
    assert alpha_of(other).mask == 0 and describe(other).is_masked
    assert np.array_equal(read_valid(other, WHOLE), ~missing)


def test_a_mask_of_the_files_own_comes_before_it(tmp_path: Path, valid: npt.NDArray[np.bool_]) -> None:
    uri = tagged(tmp_path / "a.tif", with_alpha(noise(SIZE, bands=4), 5, np.ones_like(valid)), 5)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(uri, "r+") as dataset:
        dataset.write_mask(valid)
    assert np.array_equal(read_valid(uri, WHOLE), valid)
