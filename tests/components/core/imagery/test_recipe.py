from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery.recipe import Crop, Flip, Recipe, Step
from components.core.project import ImageRef
from tests import strategies
from tests.builders import TRANSFORM, noise


@st.composite
def chains(draw: st.DrawFn) -> tuple[Size, list[Step]]:
    size = draw(strategies.sizes())
    return size, draw(strategies.steps(size))


def in_turn(pixels: np.ndarray, steps: list[Step]) -> np.ndarray:
    """What the steps do to (C, H, W) one after the other."""
    for step in steps:
        if isinstance(step, Crop):
            pixels = pixels[(..., *step.window.slices)]
        else:
            pixels = np.flip(pixels, step.axis.array_axis + 1)
    return pixels


def recipe_of(size: Size, steps: list[Step]) -> Recipe:
    recipe = Recipe.whole(size)
    for step in steps:
        recipe = recipe.then(step)
    return recipe


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@given(chain=chains())
def test_the_simplest_form_equals_the_steps_in_turn(dtype: str, chain: tuple[Size, list[Step]]) -> None:
    size, steps = chain
    pixels = noise(size, dtype=dtype)
    recipe = recipe_of(size, steps)
    expected = in_turn(pixels, steps)
    assert recipe.size == Size(*expected.shape[1:])
    read = np.ascontiguousarray(pixels[(slice(None), *recipe.window.slices)])
    for source in (read, pixels[(slice(None), *recipe.window.slices)]):
        assert (recipe.apply(source) == expected).all()
    assert (recipe.apply(read[0]) == expected[0]).all()
    mask = read[0] % 2 == 0
    assert (recipe.apply(mask) == (expected[0] % 2 == 0)).all()
    assert recipe.apply(mask).dtype == np.bool_


@given(chains())
def test_the_affine_says_where_each_pixel_comes_from(chain: tuple[Size, list[Step]]) -> None:
    size, steps = chain
    numbers = np.arange(size.area).reshape(1, size.height, size.width)
    shown = in_turn(numbers, steps)[0]
    to_raster = recipe_of(size, steps).affine()
    for row in {0, shown.shape[0] - 1}:
        for column in {0, shown.shape[1] - 1}:
            x, y = to_raster @ (column + 0.5, row + 0.5)
            assert divmod(int(shown[row, column]), size.width) == (y - 0.5, x - 0.5)


@given(chains())
def test_a_recipe_survives_the_manifest(chain: tuple[Size, list[Step]]) -> None:
    recipe = recipe_of(*chain)
    assert Recipe.of_row(recipe.as_row()) == recipe


@given(chains(), strategies.axes)
def test_flipping_twice_leaves_no_trace(chain: tuple[Size, list[Step]], axis: FlipAxis) -> None:
    recipe = recipe_of(*chain)
    assert recipe.then(Flip(axis)).then(Flip(axis)) == recipe


def test_flipped_crops_lie_where_they_were_cut() -> None:
    image = ImageRef.whole("a.tif", Size(100, 200), "EPSG:32633", TRANSFORM)
    crop = image.then(Crop(Window(10, 20, 30, 40)))
    corner = TRANSFORM @ (20, 10)
    assert crop.item_transform @ (0, 0) == pytest.approx(corner)
    mirrored = crop.then(Flip(FlipAxis.LEFT_RIGHT))
    assert mirrored.item_transform @ (40, 0) == pytest.approx(corner)
    both = mirrored.then(Flip(FlipAxis.UP_DOWN))
    assert both.item_transform @ (40, 30) == pytest.approx(corner)
    assert both.item_transform.determinant == pytest.approx(TRANSFORM.determinant)
    assert mirrored.item_transform.determinant == pytest.approx(-TRANSFORM.determinant)


def test_without_georeference_there_is_no_transform() -> None:
    assert ImageRef.whole("a.png", Size(4, 4)).then(Flip(FlipAxis.UP_DOWN)).item_transform is None
    assert Recipe.whole(Size(4, 4)).affine() == Affine.identity()
