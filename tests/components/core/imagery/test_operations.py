"""Operations: pixels of any window, places, and what a manifest says of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import rendering
from components.core.imagery.images import read_image, read_validity
from components.core.imagery.operations import (
    OPERATIONS,
    Colour,
    Frame,
    GaussianBlur,
    MedianBlur,
    Mirror,
    Noise,
    Operation,
    Resize,
    Rotate,
)
from components.core.imagery.operations_text import (
    LONGEST_TEXT,
    MOST_OPERATIONS,
    operations_of_text,
    text_of_operations,
)
from components.core.imagery.recipe import Crop, Flip, Recipe
from components.core.project import ImageRef
from tests import strategies
from tests.builders import TRANSFORM, noise, write_tiled


def resize_by(size: Size, down: float, right: float) -> Resize:
    return Resize(max(1, round(size.height * down)), max(1, round(size.width * right)), down, right)


@st.composite
def operations(draw: st.DrawFn, size: Size) -> Operation:
    factor = st.floats(0.4, 2.5)
    kind = draw(st.sampled_from([Frame, Mirror, Resize, Rotate, GaussianBlur, MedianBlur, Colour, Noise]))
    if kind is Frame:
        start, side = st.integers(-5, 10), st.integers(1, 30)
        return Frame(draw(start), draw(start), draw(side), draw(side))
    if kind is Mirror:
        return Mirror(draw(strategies.axes))
    if kind is Resize:
        return resize_by(size, draw(factor), draw(factor))
    if kind is Rotate:
        return Rotate(draw(st.one_of(st.floats(-360, 360), st.sampled_from([-270.0, -90.0, 0.0, 90.0, 180.0]))))
    if kind is GaussianBlur:
        return GaussianBlur(draw(st.floats(0.2, 3)))
    if kind is MedianBlur:
        return MedianBlur(draw(st.sampled_from([1, 3, 5, 9])))
    if kind is Colour:
        numbers = st.lists(st.floats(-1, 1.5), min_size=12, max_size=12).map(tuple)
        drawn = draw(numbers)
        return Colour(drawn[:9], tuple(100 * number for number in drawn[9:]))
    return Noise(draw(st.floats(-9, 9)), draw(st.floats(0, 20)), draw(st.integers(0, 2**63 - 1)))


@st.composite
def chains(draw: st.DrawFn, most: int = 4) -> tuple[Size, list[Operation]]:
    start = size = draw(strategies.sizes(30))
    chain: list[Operation] = []
    for _ in range(draw(st.integers(1, most))):
        chain.append(draw(operations(size)))
        size = chain[-1].result_size(size)
    return start, chain


def recipe_of(size: Size, chain: list[Operation]) -> Recipe:
    recipe = Recipe.whole(size)
    for operation in chain:
        recipe = recipe.then(operation)
    return recipe


def rendered(pixels: np.ndarray, chain: list[Operation], window: Window | None = None) -> np.ndarray:
    recipe = recipe_of(Size(*pixels.shape[1:]), chain)
    asked = window or Window.of_size(recipe.size)
    return rendering.render(recipe.operations, recipe.sizes(), asked, lambda part: pixels[(slice(None), *part.slices)])


def shown(pixels: np.ndarray, recipe: Recipe) -> np.ndarray:
    """What a recipe makes of (C, H, W)."""
    plain = np.ascontiguousarray(recipe.plain.apply(pixels[(slice(None), *recipe.window.slices)]))
    return rendered(plain, list(recipe.operations)) if recipe.operations else plain


@settings(max_examples=150)
@given(data=st.data(), chain=chains())
def test_a_window_shows_what_the_whole_shows(data: st.DataObject, chain: tuple[Size, list[Operation]]) -> None:
    size, steps = chain
    pixels = noise(size)
    whole = rendered(pixels, steps)
    window = data.draw(strategies.windows(Size(*whole.shape[1:])))
    assert (rendered(pixels, steps, window) == whole[(slice(None), *window.slices)]).all()


@given(chain=chains())
def test_many_small_parts_make_the_same(chain: tuple[Size, list[Operation]]) -> None:
    size, steps = chain
    pixels = noise(size)
    whole = rendered(pixels, steps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "MOST_PIXELS", 64)
        patch.setattr(rendering, "MOST_SIDE", 12)
        assert (rendered(pixels, steps) == whole).all()


@given(chain=chains(), data=st.data())
def test_a_recipe_is_its_steps_in_turn(chain: tuple[Size, list[Operation]], data: st.DataObject) -> None:
    size, steps = chain
    expected = pixels = noise(size)
    for step in steps:
        expected = rendered(expected, [step])
    recipe = recipe_of(size, steps)
    for _ in range(4):
        cut_or_flip = st.one_of(st.builds(Flip, strategies.axes), st.builds(Crop, strategies.windows(recipe.size)))
        step = data.draw(cut_or_flip)
        recipe = recipe.then(step)
        if isinstance(step, Crop):
            expected = expected[(slice(None), *step.window.slices)]
        else:
            expected = np.flip(expected, step.axis.array_axis + 1)
    assert recipe.size == Size(*expected.shape[1:])
    assert (shown(pixels, recipe) == expected).all()


def test_crops_and_flips_come_down_to_few_operations() -> None:
    recipe = Recipe.whole(Size(20, 20)).then(GaussianBlur(1.0))
    cut = recipe.then(Crop(Window(2, 3, 10, 10))).then(Crop(Window(1, 1, 5, 6)))
    assert cut.operations == (GaussianBlur(1.0), Frame(3, 4, 5, 6))
    assert cut.then(Flip(FlipAxis.UP_DOWN)).then(Flip(FlipAxis.UP_DOWN)) == cut


def smooth(size: Size) -> np.ndarray:
    """(3, H, W) uint8, no two neighbours far apart."""
    return np.stack([cv2.blur(band, (7, 7)) for band in noise(size)])


def as_bgr(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(pixels, 0, 2))


@pytest.mark.parametrize(("down", "right"), [(0.37, 0.61), (1.0, 1.0), (1.7, 1.7), (2.5, 0.5), (3.0, 3.0)])
def test_resizing_is_that_of_opencv_with_factors(down: float, right: float) -> None:
    pixels = noise(Size(61, 83))
    expected = cv2.resize(as_bgr(pixels), None, fx=right, fy=down, interpolation=cv2.INTER_LINEAR)
    found = as_bgr(rendered(pixels, [resize_by(Size(61, 83), down, right)]))
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("degrees", [1.0, 30.0, -100.0, 45.5, 179.0, 300.0])
def test_turning_is_that_of_opencv_about_the_middle(degrees: float) -> None:
    pixels, size = smooth(Size(61, 84)), Size(61, 84)
    canvas = Rotate(degrees).result_size(size)
    cosine, sine = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    assert canvas == Size(math.ceil(61 * cosine + 84 * sine), math.ceil(61 * sine + 84 * cosine))
    matrix = cv2.getRotationMatrix2D((84 / 2, 61 / 2), degrees, 1.0)
    matrix[:, 2] += ((canvas.width - 84) / 2, (canvas.height - 61) / 2)
    expected = cv2.warpAffine(as_bgr(pixels), matrix, (canvas.width, canvas.height), flags=cv2.INTER_LANCZOS4)
    assert np.abs(as_bgr(rendered(pixels, [Rotate(degrees)])).astype(int) - expected).mean() < 0.1


@pytest.mark.parametrize(("degrees", "turns"), [(0.0, 0), (90.0, 1), (-180.0, 2), (270.0, 3), (-90.0, 3), (360.0, 0)])
def test_quarter_turns_move_pixels_as_they_are(degrees: float, turns: int) -> None:
    pixels = noise(Size(7, 11))
    assert (rendered(pixels, [Rotate(degrees)]) == np.rot90(pixels, turns, axes=(1, 2))).all()


def test_filters_are_those_of_opencv() -> None:
    pixels = noise(Size(31, 43))
    exact = cv2.GaussianBlur(as_bgr(pixels).astype(np.float64), (0, 0), 1.5, borderType=cv2.BORDER_REFLECT_101)
    assert np.abs(as_bgr(rendered(pixels, [GaussianBlur(1.5)])) - np.floor(exact)).max() <= 1
    assert (as_bgr(rendered(pixels, [MedianBlur(5)])) == cv2.medianBlur(as_bgr(pixels), 5)).all()
    flat = np.full((3, 9, 9), 200, np.uint8)
    assert (rendered(flat, [GaussianBlur(2.0)]) == 200).all(), "even ground keeps its value"


def test_colours_are_mixed_cut_and_rounded_down() -> None:
    pixels = np.array([100, 200, 30], np.uint8).reshape(3, 1, 1)
    matrix = (0.5, 0.25, 0.0, 0.0, 1.4, 0.0, -1.0, 0.0, 1.0)
    assert rendered(pixels, [Colour(matrix, (0.99, -1.0, 0.0))]).ravel().tolist() == [100, 255, 0]
    swapped = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)
    assert rendered(pixels, [Colour(swapped)]).ravel().tolist() == [30, 200, 100]


def test_noise_is_normal_and_its_own_everywhere() -> None:
    grey = np.full((3, 200, 200), 120, np.uint8)
    added = rendered(grey, [Noise(5.5, 12.0, 7)]).astype(float) - 120
    assert abs(added.mean() - 5.0) < 0.15 and abs(added.std() - 12) < 0.15, "rounded down: half a level less"
    bands = added.reshape(3, -1)
    assert np.abs(np.corrcoef(bands) - np.eye(3)).max() < 0.02
    assert abs(np.corrcoef(added[0, :-1].ravel(), added[0, 1:].ravel())[0, 1]) < 0.02
    other = rendered(grey, [Noise(5.5, 12.0, 8)]).astype(float) - 120
    assert abs(np.corrcoef(added.ravel(), other.ravel())[0, 1]) < 0.02
    assert (rendered(grey, [Noise(0.0, 0.0, 1)]) == grey).all()


def test_what_a_frame_shows_outside_is_black() -> None:
    pixels = noise(Size(3, 4)) // 2 + 100
    shown = rendered(pixels, [Frame(-1, -2, 5, 9)])
    expected = np.zeros((3, 5, 9), np.uint8)
    expected[:, 1:4, 2:6] = pixels
    assert (shown == expected).all()
    assert not rendered(pixels, [Frame(50, 0, 2, 2)]).any()


@given(chains())
def test_operations_survive_their_text(chain: tuple[Size, list[Operation]]) -> None:
    _, steps = chain
    text = text_of_operations(steps)
    assert text is not None and operations_of_text(text) == tuple(steps)
    assert all(operation.name in text for operation in steps)


def test_every_operation_is_drawn_above() -> None:
    assert set(OPERATIONS.values()) == {Frame, Mirror, Resize, Rotate, GaussianBlur, MedianBlur, Colour, Noise}
    assert text_of_operations(()) is None and operations_of_text(None) == ()


GOOD = {"name": "frame", "top": 0, "left": 0, "height": 4, "width": 4}

BROKEN: dict[str, Any] = {
    "no object": [],
    "version": {"version": 2, "operations": [GOOD]},
    "version that is true": {"version": True, "operations": [GOOD]},
    "no version": {"operations": [GOOD]},
    "further key": {"version": 1, "operations": [GOOD], "code": "x"},
    "no operation": {"version": 1, "operations": []},
    "too many": {"version": 1, "operations": [GOOD] * (MOST_OPERATIONS + 1)},
    "unknown": {"version": 1, "operations": [{"name": "eval", "code": "1"}]},
    "no name": {"version": 1, "operations": [["frame"]]},
    "key missing": {"version": 1, "operations": [{"name": "frame", "top": 0}]},
    "key too many": {"version": 1, "operations": [GOOD | {"step": 2}]},
    "text for a number": {"version": 1, "operations": [GOOD | {"top": "0"}]},
    "truth for a number": {"version": 1, "operations": [GOOD | {"top": True}]},
    "half a pixel": {"version": 1, "operations": [GOOD | {"top": 0.5}]},
    "too large": {"version": 1, "operations": [GOOD | {"width": 1 << 40}]},
    "too far": {"version": 1, "operations": [GOOD | {"left": -(1 << 40)}]},
    "axis": {"version": 1, "operations": [{"name": "mirror", "axis": "sideways"}]},
    "size of resize": {
        "version": 1,
        "operations": [{"name": "resize", "height": 0, "width": 1, "down": 1, "right": 1}],
    },
    "factor": {"version": 1, "operations": [{"name": "resize", "height": 1, "width": 1, "down": 0, "right": 1}]},
    "degrees": {"version": 1, "operations": [{"name": "rotate", "degrees": 361}]},
    "sigma": {"version": 1, "operations": [{"name": "gaussian", "sigma": 1e9}]},
    "kernel": {"version": 1, "operations": [{"name": "median", "kernel": 4}]},
    "matrix": {"version": 1, "operations": [{"name": "colour", "matrix": [1, 2], "offset": [0, 0, 0]}]},
    "matrix of texts": {"version": 1, "operations": [{"name": "colour", "matrix": ["1"] * 9, "offset": [0, 0, 0]}]},
    "infinite": {"version": 1, "operations": [{"name": "noise", "mean": 1e999, "std": 1, "seed": 1}]},
    "seed": {"version": 1, "operations": [{"name": "noise", "mean": 0, "std": 1, "seed": -1}]},
    "spread": {"version": 1, "operations": [{"name": "noise", "mean": 0, "std": -1, "seed": 1}]},
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_no_operation_says_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        operations_of_text(json.dumps(BROKEN[name]))


@pytest.mark.parametrize("text", ["", "{", "null", " " * (LONGEST_TEXT + 1)])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        operations_of_text(text)


def test_an_image_takes_so_many_operations() -> None:
    recipe = Recipe.whole(Size(9, 9))
    for _ in range(MOST_OPERATIONS):
        recipe = recipe.then(GaussianBlur(1.0))
    assert len(operations_of_text(text_of_operations(recipe.operations))) == MOST_OPERATIONS
    with pytest.raises(DataError, match="more than 64 pixel operations"):
        recipe.then(GaussianBlur(1.0))


def test_factors_and_size_must_agree() -> None:
    with pytest.raises(ValueError, match=r"9 px times 2.0 are not 4 px"):
        Recipe.whole(Size(9, 9)).then(Resize(4, 18, 2.0, 2.0))


@given(chain=chains(3))
def test_the_affine_says_where_pixels_come_from(chain: tuple[Size, list[Operation]]) -> None:
    """A slope's values are the places that pixels come from."""
    size, steps = chain
    steps = [step for step in steps if isinstance(step, (Frame, Mirror, Resize, Rotate))]
    recipe = Recipe.whole(size)
    for step in steps:
        try:
            recipe = recipe.then(step)
        except ValueError:
            return  # a resize whose image came from a filter that was left out
    rows, columns = np.mgrid[: size.height, : size.width].astype(np.uint8) + 1
    places = [
        rendering.render_validity(
            recipe.operations,
            recipe.sizes(),
            Window.of_size(recipe.size),
            lambda part, values=values: values[np.newaxis][(slice(None), *part.slices)],
        )[0].astype(float)
        - 1
        for values in (rows, columns)
    ]
    matrix = recipe.affine()
    largest = max([1.0, *(max(1 / step.down, 1 / step.right) for step in steps if isinstance(step, Resize))])
    tolerance = 1.0 * len(steps) * largest * largest + 0.6
    for row in range(0, recipe.size.height, 3):
        for column in range(0, recipe.size.width, 3):
            if places[0][row, column] >= 0:
                x, y = matrix @ (column + 0.5, row + 0.5)
                assert abs(x - 0.5 - places[1][row, column]) <= tolerance
                assert abs(y - 0.5 - places[0][row, column]) <= tolerance


def test_georeferences_follow() -> None:
    image = ImageRef.whole("a.tif", Size(100, 200), "EPSG:32633", TRANSFORM)
    half = image.then(Resize(50, 100, 0.5, 0.5))
    assert half.item_transform @ (100, 50) == pytest.approx(TRANSFORM @ (200, 100))
    cut = half.then(Crop(Window(10, 20, 30, 40)))
    assert cut.item_transform @ (0, 0) == pytest.approx(TRANSFORM @ (40, 20))
    turned = image.then(Rotate(90.0))
    assert turned.recipe.size == Size(200, 100)
    assert turned.item_transform @ (0, 200) == pytest.approx(TRANSFORM @ (0, 0))
    leaning = image.then(Rotate(30.0))
    middle = leaning.recipe.size.width / 2, leaning.recipe.size.height / 2
    assert np.hypot(*(np.array(leaning.item_transform @ middle) - TRANSFORM @ (100, 50))) < 0.5 * abs(TRANSFORM.a)
    assert leaning.item_transform.determinant == pytest.approx(TRANSFORM.determinant)
    up = np.array(leaning.item_transform @ (0, -1)) - leaning.item_transform @ (0, 0)
    # North was up; counter-clockwise by 30° it points to the upper left: what is up now was 30° clockwise of north.
    assert up / np.hypot(*up) == pytest.approx([math.sin(math.radians(30)), math.cos(math.radians(30))])


def test_what_a_recipe_shows_of_the_raster() -> None:
    plain = Recipe.whole(Size(100, 200)).then(Crop(Window(10, 20, 30, 40)))
    assert plain.seen() == plain.window
    assert plain.then(Noise(0.0, 1.0, 3)).seen() == plain.window
    part = plain.then(Resize(60, 80, 2.0, 2.0)).then(Crop(Window(20, 40, 10, 20)))
    assert part.seen() == Window(20, 40, 5, 10)
    assert plain.then(Rotate(45.0)).seen() == plain.window
    assert plain.then(Frame(-50, 0, 10, 10)).seen().size.area == 0


def test_files_are_read_through_operations(tmp_path: Path) -> None:
    pixels = noise(Size(60, 80))
    write_tiled(tmp_path / "a.tif", pixels)
    uri = str(tmp_path / "a.tif")
    recipe = Recipe.whole(Size(60, 80)).then(Crop(Window(5, 6, 40, 50))).then(Flip(FlipAxis.LEFT_RIGHT))
    chain: list[Operation] = [Resize(60, 75, 1.5, 1.5), Rotate(20.0), GaussianBlur(1.0), Noise(0.0, 4.0, 3)]
    for operation in chain:
        recipe = recipe.then(operation)
    base = np.ascontiguousarray(pixels[:, 5:45, 6:56][..., ::-1])
    assert (read_image(uri, recipe) == rendered(base, chain)).all()
    cut = recipe.then(Crop(Window(7, 8, 20, 30)))
    assert (read_image(uri, cut) == rendered(base, chain)[:, 7:27, 8:38]).all()
    small = read_image(uri, recipe, Size(9, 10))
    assert small.shape == (3, 9, 10)
    shape = (10, 9)
    whole = [cv2.resize(band, shape, interpolation=cv2.INTER_AREA) for band in rendered(base, chain)]
    assert np.abs(small.astype(int) - np.stack(whole)).mean() < 6


def test_a_smaller_picture_is_made_band_by_band(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = smooth(Size(64, 64))
    write_tiled(tmp_path / "a.tif", pixels)
    recipe = Recipe.whole(Size(64, 64)).then(Colour((1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)))
    expected = read_image(str(tmp_path / "a.tif"), recipe, Size(16, 16))
    monkeypatch.setattr("components.core.imagery.images.BAND_PIXELS", 512)
    assert (read_image(str(tmp_path / "a.tif"), recipe, Size(16, 16)) == expected).all()
    assert (expected == np.stack([cv2.resize(band, (16, 16), interpolation=cv2.INTER_AREA) for band in pixels])).all()


def test_validity_follows_and_is_none_outside_the_image(tmp_path: Path) -> None:
    pixels = np.maximum(noise(Size(20, 30)), 1)
    pixels[:, 5:9, 6:11] = 0
    write_tiled(tmp_path / "a.tif", pixels, nodata=0)
    uri = str(tmp_path / "a.tif")
    plain = Recipe.whole(Size(20, 30))
    valid = read_validity(uri, plain)
    assert not valid[5:9, 6:11].any() and valid.sum() == 600 - 20
    framed = read_validity(uri, plain.then(Frame(-2, -3, 25, 36)))
    assert (framed[2:22, 3:33] == valid).all() and framed.sum() == valid.sum()
    doubled = read_validity(uri, plain.then(Resize(40, 60, 2.0, 2.0)).then(GaussianBlur(2.0)).then(Noise(0.0, 9.0, 1)))
    assert (doubled == np.repeat(np.repeat(valid, 2, axis=0), 2, axis=1)).all()
    assert (read_validity(uri, plain.then(Rotate(90.0))) == np.rot90(valid)).all()
    turned = read_validity(uri, plain.then(Rotate(45.0)))
    assert not turned[0, 0] and abs(int(turned.sum()) - 580) < 30


def test_recipes_of_two_operations_differ() -> None:
    plain = Recipe.whole(Size(4, 4))
    assert plain.then(Noise(0.0, 1.0, 1)) != plain.then(Noise(0.0, 1.0, 2))
    assert len({plain, plain.then(Rotate(1.0)), replace(plain.then(Rotate(1.0)), operations=())}) == 2
