"""Masks in memory and in rasters say the same, whatever is done to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.core.figures import Bitmap, InlineMask, Mask, RasterMask, tight_window
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Crop, Recipe
from tests import strategies
from tests.builders import block_mask, write_tiled

SIZE = Size(40, 60)


def apply(pixels: np.ndarray, step: object) -> np.ndarray:
    return pixels[step.window.slices] if isinstance(step, Crop) else np.flip(pixels, step.axis.array_axis)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, np.ndarray]:
    """A mask raster, and its pixels."""
    pixels = block_mask(SIZE, seed=3) & (np.random.default_rng(1).random((SIZE.height, SIZE.width)) < 0.3)
    path = tmp_path_factory.mktemp("masks") / "gt.tif"
    return write_tiled(path, pixels.view(np.uint8) * np.uint8(255), tile=16), pixels


def whole_bitmap(kind: str, stored: tuple[str, np.ndarray]) -> Bitmap:
    uri, pixels = stored
    box = tight_window(pixels)
    assert box is not None
    if kind == "inline":
        return Bitmap(box.top, box.left, InlineMask(pixels[box.slices].copy()))
    return Bitmap(box.top, box.left, RasterMask(MaskRaster(uri), Recipe(box), int(pixels.sum())))


@pytest.mark.parametrize("kind", ["inline", "raster"])
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chain=strategies.steps(SIZE))
def test_a_crops_mask_equals_the_masks_crop(kind: str, stored: tuple[str, np.ndarray], chain: list[object]) -> None:
    expected, size = stored[1], SIZE
    parts = [whole_bitmap(kind, stored)]
    for step in chain:
        expected = apply(expected, step)
        if isinstance(step, Crop):
            parts = [found for part in parts for found in part.crop(step.window)]
        else:
            parts = [part.flip(step.axis, size) for part in parts]  # type: ignore[attr-defined]
        size = Size(*expected.shape)
    assert len(parts) == int(expected.any())
    for part in parts:
        canvas = np.zeros(expected.shape, np.uint8)
        part.draw(canvas, 1)
        assert (canvas == expected).all()
        assert part.area == part.mask.area == expected.sum()
        assert part.window == tight_window(expected), "tight"
        assert part == Bitmap.of_pixels(expected), "a raster mask equals an inline one of the same pixels"


@pytest.mark.parametrize("kind", ["inline", "raster"])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), axis=strategies.axes)
def test_a_window_of_a_mask_is_that_window_of_its_pixels(
    kind: str, stored: tuple[str, np.ndarray], data: st.DataObject, axis: FlipAxis
) -> None:
    mask: Mask = whole_bitmap(kind, stored).mask.flip(axis)
    window = data.draw(strategies.windows(mask.size))
    assert (mask.read(window) == mask.pixels()[window.slices]).all()


@given(strategies.sizes().flatmap(strategies.masks))
def test_packing_is_exact(pixels: np.ndarray) -> None:
    size = Size(*pixels.shape)
    packed = InlineMask(pixels).packed()
    assert len(packed) == -(-size.area // 8)
    assert (InlineMask.unpacked(size, packed).pixels() == pixels).all()


@given(strategies.sizes().flatmap(strategies.masks))
def test_tight_window_holds_all_and_no_more(pixels: np.ndarray) -> None:
    box = tight_window(pixels)
    if box is None:
        assert not pixels.any()
        return
    part = pixels[box.slices]
    assert part.sum() == pixels.sum()
    assert part[0].any() and part[-1].any() and part[:, 0].any() and part[:, -1].any()


def test_flipping_a_raster_mask_reads_nothing(tmp_path: Path) -> None:
    mask = RasterMask(MaskRaster(str(tmp_path / "missing.tif")), Recipe(Window(0, 0, 4, 4)), 3)
    assert mask.flip(FlipAxis.UP_DOWN).flip(FlipAxis.UP_DOWN) == mask


def test_one_value_of_a_raster_may_count(tmp_path: Path) -> None:
    values = np.array([[0, 1, 2], [2, 2, 0]], np.uint8)
    uri = write_tiled(tmp_path / "classes.tif", values)
    window = Window(0, 0, 2, 3)
    assert (MaskRaster(uri, 2).read(window) == (values == 2)).all()
    assert (MaskRaster(uri).read(window) == (values > 0)).all()
