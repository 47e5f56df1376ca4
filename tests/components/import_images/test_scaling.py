from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.imagery.opening import open_raster
from components.core.imagery.reading import info_of
from components.core.imagery.scaling import Scaling
from components.import_images.scaling import Stretch, stretch_of
from components.import_images.surveying import HIGH_SHARE, LOW_SHARE, survey
from tests.builders import write_tiled

SIDE = 100


def measured(path: Path, pixels: np.ndarray, text: str, **options: object) -> Stretch | None:
    uri = write_tiled(path / "a.tif", pixels, **options)
    with open_raster(uri) as dataset:
        info, indexes = info_of(dataset), range(1, dataset.count + 1)

        def percentiles() -> tuple[float, float]:
            found = survey(dataset, uri, info, indexes, info.is_masked)
            return found.low, found.high

        return stretch_of(Scaling.parse(text), uri, info.dtype, percentiles)


def values(dtype: str, scale: float = 1.0) -> np.ndarray:
    """(2, H, W): skewed values, as imagery has them."""
    return (np.random.default_rng(0).gamma(4, 300, (2, SIDE, SIDE)) * scale).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "uint32", "int32", "float32", "float64"])
def test_percentiles_are_those_of_all_colours_together(tmp_path: Path, dtype: str) -> None:
    pixels = values(dtype)
    stretch = measured(tmp_path, pixels, "percentile")
    assert stretch is not None
    expected = np.quantile(pixels, [LOW_SHARE, HIGH_SHARE], method="inverted_cdf")
    assert (stretch.mode, stretch.dtype) == ("percentile", dtype)
    assert [stretch.low, stretch.high] == pytest.approx(expected, rel=1e-3, abs=0 if dtype[0] in "iu" else 0.1)


def test_percentiles_of_16_bits_are_exact(tmp_path: Path) -> None:
    pixels = values("uint16", 9)
    stretch = measured(tmp_path, pixels, "percentile")
    assert stretch is not None
    assert [stretch.low, stretch.high] == np.quantile(pixels, [LOW_SHARE, HIGH_SHARE], method="inverted_cdf").tolist()


def test_pixels_without_data_do_not_count(tmp_path: Path) -> None:
    pixels = values("uint16")
    expected = measured(tmp_path, pixels, "percentile")
    half_empty = np.concatenate([pixels, np.full_like(pixels, 65535)], axis=1)
    assert measured(tmp_path, half_empty, "percentile", nodata=65535) == expected
    holes = pixels.astype("float32")
    holes[:, ::7] = np.nan
    stretch = measured(tmp_path, holes, "percentile")
    assert stretch is not None
    kept = pixels[:, np.arange(SIDE) % 7 != 0]
    assert stretch.high == pytest.approx(np.quantile(kept, HIGH_SHARE), rel=5e-3)
    assert (stretch.apply(holes)[:, ::7] == 0).all()


@pytest.mark.parametrize("pixels", [np.full((1, 4, 4), 700, np.uint16), np.full((1, 4, 4), np.nan, np.float32)])
def test_a_flat_or_empty_scene_can_be_scaled(tmp_path: Path, pixels: np.ndarray) -> None:
    stretch = measured(tmp_path, pixels, "percentile")
    assert stretch is not None
    assert stretch.high > stretch.low
    assert (stretch.apply(pixels) == 0).all()


def test_full_is_the_range_of_the_dtype(tmp_path: Path) -> None:
    pixels = np.array([[[0, 257, 65535]]], np.uint16)
    stretch = measured(tmp_path, pixels, "full")
    assert stretch == Stretch("full", 0.0, 65535.0, "uint16")
    assert stretch.apply(pixels).tolist() == [[[0, 1, 255]]]
    with pytest.raises(DataError, match="float32, which has no full range"):
        measured(tmp_path, pixels.astype(np.float32), "full")


def test_two_values_by_hand(tmp_path: Path) -> None:
    pixels = np.array([[[99, 100, 150, 200, 201]]], np.uint16)
    stretch = measured(tmp_path, pixels, "100,200")
    assert stretch == Stretch("values", 100.0, 200.0, "uint16")
    assert stretch.apply(pixels).tolist() == [[[0, 0, 128, 255, 255]]]


def test_8_bits_stay(tmp_path: Path) -> None:
    assert measured(tmp_path, np.zeros((3, 4, 4), np.uint8), "0,10") is None


def test_complex_pixels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pixels are complex64; give real numbers"):
        measured(tmp_path, np.zeros((1, 4, 4), np.complex64), "percentile")


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.lists(st.floats(-2e6, 2e6), min_size=1))
def test_a_stretch_rises_and_clips(low: float, width: float, pixels: list[float]) -> None:
    stretch = Stretch("values", low, low + width, "float64")
    scaled = stretch.apply(np.sort(np.array(pixels)))
    assert scaled.dtype == np.uint8
    assert (np.diff(scaled.astype(int)) >= 0).all()
    assert stretch.apply(np.array([low - 1, low, low + width, low + width + 1])).tolist() == [0, 0, 255, 255]
    assert Stretch.of_text(stretch.as_text()) == stretch
