"""Whatever parts a scene comes in, its objects are the components of its whole mask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.figures import Bitmap, InlineMask
from components.core.figures.connected_components import connected_components
from components.core.footprints.polygonize import outlines
from components.core.footprints.stitching import Ended, FirstPixel, ObjectRows, SceneObject, stitched
from components.core.geometry import Size, Window
from tests import strategies

masks = strategies.sizes(20).flatmap(strategies.masks)


@st.composite
def cuts(draw: st.DrawFn, height: int) -> list[int]:
    """First rows of parts, and the height."""
    return [0, *sorted(draw(st.sets(st.integers(1, height)) if height > 1 else st.just(set()))), height]


def place_of(bitmap: Bitmap) -> FirstPixel:
    return FirstPixel(bitmap.top, bitmap.left + int(np.argmax(bitmap.mask.pixels()[0])), 0)


def parts_of(mask: np.ndarray, bounds: Sequence[int]) -> list[ObjectRows]:
    found = []
    for top, bottom in pairwise(sorted(set(bounds))):
        rows = Window(top, 0, bottom - top, mask.shape[1])
        parts = connected_components(InlineMask(mask[top:bottom].copy()))
        bitmaps = [Bitmap(top + part.top, part.left, part.mask) for part in parts]
        found.append(ObjectRows(rows, [SceneObject(bitmap, place_of(bitmap), int(bitmap.area)) for bitmap in bitmaps]))
    return found


def objects(ended: Iterable[Ended]) -> list[SceneObject]:
    return [entry for part in ended for entry in part.objects]


def by_last_row(bitmap: Bitmap) -> tuple[int, int]:
    return bitmap.window.bottom, bitmap.left + int(np.argmax(bitmap.mask.pixels()[-1]))


@settings(max_examples=300, deadline=None)
@given(st.data(), masks)
def test_assembled_objects_are_the_components_of_the_whole(data: st.DataObject, mask: np.ndarray) -> None:
    size = Size(*mask.shape)
    parts = parts_of(mask, data.draw(cuts(size.height)))
    for part in parts:  # their order is nobody's concern
        part.pieces[:] = data.draw(st.permutations(part.pieces))  # type: ignore[index]
    found = objects(stitched(parts, size, "austin1"))
    expected = sorted(connected_components(InlineMask(mask.copy())), key=by_last_row)
    assert [entry.bitmap for entry in found] == expected
    assert [entry.place for entry in found] == [place_of(bitmap) for bitmap in expected]
    assert [entry.confidence for entry in found] == [bitmap.area for bitmap in expected]
    shapes = outlines([entry.bitmap.mask for entry in found])
    assert shapely.equals_exact(shapes, outlines([bitmap.mask for bitmap in expected]), 0).all()


@given(masks)
def test_an_object_is_given_as_soon_as_it_ends(mask: np.ndarray) -> None:
    size = Size(*mask.shape)
    taken = 0

    def rows() -> Iterator[ObjectRows]:
        nonlocal taken
        for part in parts_of(mask, range(size.height + 1)):
            taken = part.rows.bottom
            yield part

    for entry in chain.from_iterable(ended.objects for ended in stitched(rows(), size, "austin1")):
        assert taken <= entry.bitmap.window.bottom + 1


def test_objects_of_one_part_stay_apart_even_where_they_touch() -> None:
    left, right = (Bitmap.of_pixels(np.ones((2, 2), np.bool_), 0, column) for column in (0, 2))
    pieces = [SceneObject(bitmap, place_of(bitmap), None) for bitmap in (right, left)]
    found = objects(stitched([ObjectRows(Window(0, 0, 2, 4), pieces)], Size(2, 4), "austin1"))
    assert [entry.bitmap for entry in found] == [left, right]
    assert found[0].confidence is None


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ([0, 3], "austin1: its parts end at row 3 of 6; annotate all of it"),
        ([2, 6], "austin1: a part begins at row 2 where row 0 comes next"),
    ],
)
def test_scenes_with_missing_parts_are_refused(bounds: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(stitched(parts_of(np.ones((6, 4), np.bool_), bounds), Size(6, 4), "austin1"))
