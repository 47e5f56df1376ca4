"""Drawing by band against drawing at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.figures import Bitmap, Figure, Line, Point, Rectangle
from components.core.figures.row_bands import as_bitmap, indices_by_band, mask_bands
from components.core.geometry import Size, Window, row_bands
from tests.strategies import figures, masks, windows

SIZE = Size(15, 12)


@settings(max_examples=100, deadline=None)
@given(st.lists(windows(SIZE), max_size=8), st.integers(1, 16))
def test_each_band_knows_the_windows_that_it_meets(boxes: list[Window], band_rows: int) -> None:
    for band, indices in indices_by_band(boxes, row_bands(SIZE, band_rows)):
        assert indices == [index for index, box in enumerate(boxes) if box.intersection(band)]


@settings(max_examples=100, deadline=None)
@given(st.lists(masks(SIZE), max_size=3), st.integers(1, 16), st.integers(0, 5))
def test_bands_with_halo_are_rows_of_the_whole(drawn: list[np.ndarray], band_rows: int, halo: int) -> None:
    bitmaps = [bitmap for bitmap in map(Bitmap.of_pixels, drawn) if bitmap is not None]
    whole = np.pad(np.any([*drawn, np.zeros((15, 12), np.bool_)], axis=0), ((halo, halo), (0, 0)))
    tops = []
    for band, pixels in mask_bands(bitmaps, SIZE, band_rows, halo):
        assert np.array_equal(pixels, whole[band.top : band.bottom + 2 * halo])
        tops.append(band.top)
    assert tops == list(range(0, SIZE.height, band_rows))


@settings(max_examples=200, deadline=None)
@given(figures(SIZE))
def test_an_area_covers_what_drawing_covers(figure: Figure) -> None:
    if isinstance(figure, Line | Point):
        with pytest.raises(TypeError, match="covers no area"):
            as_bitmap(figure, SIZE)
        return
    canvas = np.zeros((SIZE.height, SIZE.width), np.uint8)
    figure.draw(canvas, 1)
    bitmap = as_bitmap(figure, SIZE)
    found = np.zeros_like(canvas)
    if bitmap is not None:
        bitmap.draw(found, 1)
        assert Bitmap.of_pixels(bitmap.mask.pixels()).window.size == bitmap.window.size
    assert np.array_equal(found, canvas)


def test_what_leaves_the_image_is_clipped() -> None:
    bitmap = as_bitmap(Rectangle(-5, -5, 3, 40), SIZE)
    assert bitmap is not None
    assert bitmap.window == Window(0, 0, 4, 12)
    outside = Bitmap.of_pixels(np.ones((2, 2), np.bool_), 20, 20)
    assert outside is not None
    assert as_bitmap(outside, SIZE) is None
    assert as_bitmap(Rectangle(20, 20, 30, 30), SIZE) is None
