"""What is seen of bitmaps that lie on each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.figures import Bitmap
from components.core.figures.visible import visible_parts
from components.core.geometry import Size
from tests.builders import mask_object, write_tiled
from tests.strategies import masks

SIZE = Size(9, 7)


@settings(max_examples=200, deadline=None)
@given(st.lists(masks(SIZE), max_size=5))
def test_the_parts_are_those_of_a_painting(drawn: list[np.ndarray]) -> None:
    bitmaps = [bitmap for bitmap in map(Bitmap.of_pixels, drawn) if bitmap is not None]
    canvas = np.zeros((SIZE.height, SIZE.width), np.uint8)
    for number, bitmap in enumerate(bitmaps, start=1):
        bitmap.draw(canvas, number)
    expected = [Bitmap.of_pixels(canvas == number) for number in range(1, len(bitmaps) + 1)]
    assert list(visible_parts(bitmaps)) == expected


def test_what_nothing_covers_is_not_read(tmp_path: Path) -> None:
    pixels = np.ones((40, 40), np.bool_)
    uri = write_tiled(tmp_path / "mask.tif", pixels.view(np.uint8), tile=16)
    large = mask_object(uri, pixels).figure
    assert isinstance(large, Bitmap)
    small = Bitmap.of_pixels(np.ones((3, 4), np.bool_), 5, 6)
    assert small is not None
    Path(uri).unlink()
    assert next(visible_parts([large])) is large
    below, above = visible_parts([small, large.moved(50, 0)])
    assert below is small
    assert above is not None and above.mask is large.mask
