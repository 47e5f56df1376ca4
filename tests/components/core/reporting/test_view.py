from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.figures import Bitmap, InlineMask, Line, Point, Polygon, RasterMask, Rectangle, vertices
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import Flip
from components.core.project import ImageRef
from components.core.reporting.view import View, framed, image_pixels, label_figures, tinted
from tests.builders import block_mask, mask_object, noise, write_raster, write_tiled
from tests.strategies import masks, sizes, windows


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_bitmaps_at_full_size_are_drawn_pixel_for_pixel(data: st.DataObject) -> None:
    size = data.draw(sizes(12))
    window = data.draw(windows(size))
    layers = [data.draw(masks(size)) for _ in range(2)]
    bitmaps = [bitmap for bitmap in map(Bitmap.of_pixels, layers) if bitmap]

    labels = label_figures(bitmaps, View(window, window.size))

    expected = np.zeros((size.height, size.width), np.int32)
    for label, bitmap in enumerate(bitmaps, start=1):
        expected[bitmap.window.slices][bitmap.mask.pixels()] = label
    assert np.array_equal(labels, expected[window.slices])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_smaller_view_shows_the_pixels_it_samples(data: st.DataObject) -> None:
    size = data.draw(sizes(20))
    window = data.draw(windows(size))
    pixels = data.draw(masks(size))
    bitmap = Bitmap.of_pixels(pixels)
    view = View.fitting(window, data.draw(st.integers(1, 12)))

    labels = label_figures([bitmap] if bitmap else [], view)

    assert np.array_equal(labels > 0, pixels[np.ix_(view.rows, view.columns)])


@pytest.mark.parametrize("axis", [None, *FlipAxis])
def test_a_mask_raster_is_drawn_like_a_mask_in_memory(tmp_path: Path, axis: FlipAxis | None) -> None:
    size = Size(90, 120)
    mask = block_mask(size, seed=3)
    uri = write_tiled(tmp_path / "mask.tif", mask.view(np.uint8))
    bitmap = mask_object(uri, mask).figure
    if axis is not None:
        bitmap, mask = bitmap.flip(axis, size), np.flip(mask, axis.array_axis)
    assert isinstance(bitmap.mask, RasterMask)
    window = Window(10, 20, 70, 80)

    assert np.array_equal(label_figures([bitmap], View(window, window.size)) > 0, mask[window.slices])
    small = View(window, Size(14, 16))
    in_memory = Bitmap(0, 0, InlineMask(mask.copy()))
    agreeing = (label_figures([bitmap], small) > 0) == (label_figures([in_memory], small) > 0)
    assert agreeing.mean() > 0.9  # samples lie up to a pixel apart along outlines


def test_vectors_are_scaled_and_moved() -> None:
    square = Polygon(vertices([(40, 40), (40, 80), (80, 80), (80, 40)]))
    view = View(Window(20, 20, 80, 80), Size(40, 40))

    labels = label_figures([square, Point(24, 24), Line(vertices([(95, 20), (95, 99)]))], view)

    assert (labels[11:29, 11:29] == 1).all()
    assert labels[2, 2] == 2
    assert (labels[37:39] == 3).any(axis=0).all()
    assert not label_figures([square], View(Window(0, 0, 30, 30), Size(30, 30))).any()
    assert label_figures([Rectangle(20, 20, 60, 60)], view)[:20, :20].all()


def test_imagery_of_a_view_is_averaged(tmp_path: Path) -> None:
    pixels = noise(Size(64, 96))
    image = ImageRef.whole(write_raster(tmp_path / "scene.tif", pixels), Size(64, 96))
    window = Window(16, 32, 32, 64)

    assert np.array_equal(image_pixels(image, View(window, window.size)), np.moveaxis(pixels, 0, 2)[16:48, 32:96])
    small = image_pixels(image.then(Flip(FlipAxis.LEFT_RIGHT)), View(Window(0, 0, 64, 96), Size(4, 6)))
    means = pixels[:, :, ::-1].reshape(3, 4, 16, 6, 16).mean(axis=(2, 4))
    assert np.allclose(np.moveaxis(small, 2, 0), means, atol=2)


def test_views_keep_proportions_and_never_enlarge() -> None:
    assert View.fitting(Window(0, 0, 5000, 2500), 400).size == Size(400, 200)
    assert View.fitting(Window(0, 0, 10, 4), 400).size == Size(10, 4)
    assert View.fitting(Window(0, 0, 1, 100_000), 400).size == Size(1, 400)


def test_a_tint_is_firm_on_the_outline_and_leaves_the_rest() -> None:
    pixels = np.full((9, 9, 3), 100, np.uint8)
    mask = np.zeros((9, 9), np.bool_)
    mask[2:7, 2:7] = True

    drawn = tinted(pixels, mask, "#ff0000", fill=0.4)

    assert (drawn[~mask] == 100).all()
    assert drawn[4, 4].tolist() == [162, 60, 60]
    assert drawn[2, 2].tolist() == [247, 5, 5]


def test_a_frame_surrounds_its_window_alone() -> None:
    pixels = np.full((100, 100, 3), 100, np.uint8)
    view = View(Window(0, 0, 1000, 1000), Size(100, 100))

    drawn = framed(pixels, view, Window(300, 300, 400, 400))

    assert (drawn[40:60, 40:60] == 100).all() and (drawn[:20] == 100).all()
    assert (drawn[30, 30:70] != 100).any(axis=1).all()
