"""One scene from regions to rasters, with a network that is a formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.documents.regions import Region, distinct_windows
from components.core.errors import DataError
from components.core.figures import tight_window
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import Crop, Flip
from components.core.project import ImageRef
from components.core.project.class_rasters import PartFiles
from components.core.project.parts import Rows
from components.core.project.probabilities import classified, quantized
from components.infer_windows.blending import Contribution
from components.infer_windows.region_blending import blend_regions
from components.infer_windows.regions import RegionPlan, plan_regions
from components.infer_windows.windows import WindowGrid, plan_windows
from tests.builders import CRS, TRANSFORM, noise, write_raster, write_tiled
from tests.components.infer_windows.shares import CLASSES, averaged, colour_shares, read
from tests.predicting import run_parts, run_scene
from tests.strategies import windows

SIZE = Size(130, 1100)
BOXES = (
    Window(0, 0, 1, 1),
    Window(3, 500, 90, 30),
    Window(3, 505, 20, 600 - 505),
    Window(40, 10, 60, 1080),
    Window(64, 1000, 66, 100),
    Window(129, 1099, 1, 1),
)
"""Some overlap, one crosses both borders of strips of 512 columns, and some touch the scene's corners."""


@pytest.fixture
def image(tmp_path: Path) -> ImageRef:
    uri = write_tiled(tmp_path / "scene.tif", noise(SIZE, 3), photometric="rgb")
    return ImageRef.whole(uri, SIZE, CRS, TRANSFORM)


def planned(size: Size, places: Sequence[Window], rows: Rows | None = None, strip_columns: int = 5120) -> RegionPlan:
    return plan_regions(size, [Region(place) for place in places], CLASSES, rows, strip_columns)


def both_files(folder: Path, stem: str) -> tuple[str, str]:
    return str(folder / f"{stem}.tif"), str(folder / f"{stem}_confidence.tif")


def expected(pixels: np.ndarray, places: Sequence[Window]) -> tuple[np.ndarray, np.ndarray]:
    """What mask and confidence hold, with every array of the whole scene at once."""
    sums, counts = averaged(pixels, sorted(places))
    means = sums / np.maximum(counts, 1)
    values, confidence = classified(quantized(means.astype(np.float32)))
    return np.where(counts > 0, values, np.uint8(255)), np.where(counts > 0, confidence, np.uint8(0))


def test_overlapping_regions_are_averaged_and_the_rest_is_no_class(image: ImageRef, tmp_path: Path) -> None:
    files = both_files(tmp_path, "result")

    extents = run_scene(image, planned(SIZE, BOXES), colour_shares, *files)

    values, confidence = expected(image.pixels(), BOXES)
    assert np.array_equal(read(files[0]), values) and np.array_equal(read(files[1]), confidence)
    for extent in extents:
        assert extent.box == tight_window(values == extent.value)
        assert extent.area == np.count_nonzero(values == extent.value)
    with rasterio.open(files[0]) as dataset:
        assert (dataset.nodata, dataset.crs.to_string(), dataset.transform) == (255, CRS, TRANSFORM)


@pytest.mark.parametrize(("strip_columns", "band_rows"), [(512, 32), (1024, 7), (5120, 1), (512, 1000)])
def test_files_do_not_depend_on_strips_or_bands(
    image: ImageRef, tmp_path: Path, strip_columns: int, band_rows: int
) -> None:
    first, second = both_files(tmp_path, "first"), both_files(tmp_path, "second")
    plan = replace(planned(SIZE, BOXES, strip_columns=strip_columns), band_rows=band_rows)

    one = run_scene(image, planned(SIZE, BOXES), colour_shares, *first)
    other = run_scene(image, plan, colour_shares, *second)

    assert len(plan.strips) == -(-3 // (strip_columns // 512)) and one == other
    for left, right in zip(first, second, strict=True):
        assert np.array_equal(read(left), read(right))


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_regions_give_what_the_formula_says(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("scene")  # rasters stay open by name
    size = Size(data.draw(st.integers(1, 90)), data.draw(st.integers(1, 1300)))
    places = data.draw(st.lists(windows(size), max_size=12))
    top = data.draw(st.integers(0, size.height - 1))
    rows = Rows(top, data.draw(st.integers(top + 1, size.height)))
    pixels = noise(size, 5)
    image = ImageRef.whole(write_tiled(folder / "scene.tif", pixels, photometric="rgb"), size)
    plan = replace(planned(size, places, rows, 512), band_rows=data.draw(st.integers(1, 40)))
    files = both_files(folder, "result")

    run_scene(image, plan, colour_shares, *files)

    for file, whole in zip(files, expected(pixels, set(places)), strict=True):
        assert np.array_equal(read(file), whole[rows.top : rows.bottom])


def test_regions_at_the_windows_places_are_the_windows(image: ImageRef, tmp_path: Path) -> None:
    grid = WindowGrid.of(SIZE, Size(50, 120), Size(15, 20))
    sliding, regions = both_files(tmp_path, "sliding"), both_files(tmp_path, "regions")

    extents = run_scene(image, plan_windows(grid, 4, CLASSES), colour_shares, *sliding)
    found = run_scene(image, planned(SIZE, grid.windows()), colour_shares, *regions)

    assert found == extents
    for left, right in zip(sliding, regions, strict=True):
        assert np.array_equal(read(left), read(right))


def test_one_region_of_the_whole_scene_is_one_window(image: ImageRef, tmp_path: Path) -> None:
    window, region = both_files(tmp_path, "window"), both_files(tmp_path, "region")

    run_scene(image, plan_windows(WindowGrid.of(SIZE, SIZE, Size(0, 0)), 1, CLASSES), colour_shares, *window)
    run_scene(image, planned(SIZE, [Window.of_size(SIZE)]), colour_shares, *region)

    for left, right in zip(window, region, strict=True):
        assert Path(left).read_bytes() == Path(right).read_bytes()


def test_parts_of_rows_are_those_of_the_scene(image: ImageRef, tmp_path: Path) -> None:
    whole = both_files(tmp_path, "whole")
    run_scene(image, planned(SIZE, BOXES), colour_shares, *whole)
    parts = [PartFiles(rows, *both_files(tmp_path, f"part{rows.top}")) for rows in (Rows(21, 50), Rows(50, 119))]

    run_parts(image, planned(SIZE, BOXES, Rows(21, 119), 512), colour_shares, parts)

    for part in parts:
        rows = slice(part.rows.top, part.rows.bottom)
        assert np.array_equal(read(part.mask), read(whole[0])[rows])
        assert np.array_equal(read(part.confidence), read(whole[1])[rows])


def test_regions_outside_the_wanted_rows_are_not_run(image: ImageRef, tmp_path: Path) -> None:
    seen: list[tuple[int, ...]] = []

    def counting(pixels: np.ndarray) -> np.ndarray:
        seen.append(pixels.shape)
        return colour_shares(pixels)

    run_scene(image, planned(SIZE, BOXES * 2, Rows(0, 20)), counting, *both_files(tmp_path, "result"))

    assert seen == [(1, 3, place.height, place.width) for place in BOXES[:3]]


def test_pixels_without_data_have_no_class_and_do_not_count(image: ImageRef, tmp_path: Path) -> None:
    valid = np.ones((SIZE.height, SIZE.width), np.bool_)
    valid[:, 520:540] = False
    valid[64:, 900:] = False
    pixels = np.concatenate([image.pixels(), valid[np.newaxis] * np.uint8(255)])
    uri = write_tiled(tmp_path / "masked.tif", pixels, photometric="rgb", alpha="yes")
    masked = ImageRef.whole(uri, SIZE, CRS, TRANSFORM)
    seen: list[tuple[int, ...]] = []

    def counting(windows: np.ndarray) -> np.ndarray:
        seen.append(windows.shape[2:])
        return colour_shares(windows)

    for strip_columns in (512, 5120):
        files = both_files(tmp_path, "result")
        seen.clear()
        extents = run_scene(masked, planned(SIZE, BOXES, strip_columns=strip_columns), counting, *files)

        values, confidence = expected(image.pixels(), BOXES)
        assert np.array_equal(read(files[0]), np.where(valid, values, 255))
        assert np.array_equal(read(files[1]), np.where(valid, confidence, 0))
        assert sum(extent.area for extent in extents) == np.count_nonzero(valid & (values < 255))
        assert len(seen) == 4, "two regions hold no data"


def test_a_scene_without_a_region_needs_no_network(image: ImageRef, tmp_path: Path) -> None:
    def refuse(pixels: np.ndarray) -> np.ndarray:
        raise AssertionError("was run")

    files = both_files(tmp_path, "none")

    assert run_scene(image, planned(SIZE, [], strip_columns=512), refuse, *files) == ()
    assert (read(files[0]) == 255).all() and (read(files[1]) == 0).all()


def test_how_a_raster_is_stored_changes_nothing(image: ImageRef, tmp_path: Path) -> None:
    tiled = both_files(tmp_path, "tiled")
    run_scene(image, planned(SIZE, BOXES), colour_shares, *tiled)
    for name in ("scene.png", "lines.tif"):
        stored = ImageRef.whole(write_raster(tmp_path / name, image.pixels()), SIZE, CRS, TRANSFORM)
        files = both_files(tmp_path, f"of_{name[:5]}")
        run_scene(stored, planned(SIZE, BOXES), colour_shares, *files)
        assert np.array_equal(read(files[0]), read(tiled[0])) and np.array_equal(read(files[1]), read(tiled[1]))


def test_regions_lie_in_what_the_recipe_shows(image: ImageRef, tmp_path: Path) -> None:
    shown = image.then(Flip(FlipAxis.UP_DOWN)).then(Flip(FlipAxis.LEFT_RIGHT)).then(Crop(Window(10, 30, 70, 600)))
    places = [Window(5, 100, 30, 400), Window(0, 590, 70, 10)]
    files = both_files(tmp_path, "result")

    run_scene(shown, planned(shown.recipe.size, places), colour_shares, *files)

    values, _ = expected(shown.pixels(), places)
    assert np.array_equal(values, read(files[0]))
    assert np.array_equal(shown.pixels(), image.pixels()[:, ::-1, ::-1][:, 10:80, 30:630])


def test_hundreds_of_regions_are_one_result(image: ImageRef, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    places = [
        Window(int(top), int(left), int(height), int(width))
        for top, left, height, width in zip(
            random.integers(0, 100, 400), random.integers(0, 1000, 400), *random.integers(1, 30, (2, 400)), strict=True
        )
    ]
    files = both_files(tmp_path, "many")

    run_scene(image, planned(SIZE, places, strip_columns=512), colour_shares, *files)

    assert np.array_equal(read(files[0]), expected(image.pixels(), set(places))[0])


def test_what_is_no_probability_is_said(image: ImageRef, tmp_path: Path) -> None:
    def broken(pixels: np.ndarray) -> np.ndarray:
        return colour_shares(pixels) * np.float32(np.nan)

    with pytest.raises(DataError, match="network output contains NaN"):
        run_scene(image, planned(SIZE, BOXES), broken, *both_files(tmp_path, "result"))
    assert not list(tmp_path.glob("result*"))


@pytest.mark.parametrize("place", [Window(3, 0, 2, 2), Window(5, 9, 2, 2), Window(9, 0, 2, 2)])
def test_contributions_out_of_order_or_place_are_refused(place: Window) -> None:
    values = np.ones((2, 2, 2), np.float32)
    contributions = [Contribution(0, Window(4, 0, 2, 2), values), Contribution(1, place, values)]

    with pytest.raises(ValueError, match="does not lie below row"):
        list(blend_regions(contributions, Window(0, 0, 10, 10), np.empty((2, 5, 10), np.float32), 2))


def test_places_count_once_whatever_their_order() -> None:
    regions = [Region(place, title) for place in reversed(BOXES) for title in ("a", "b")]

    plan = plan_regions(SIZE, regions, CLASSES)

    assert plan.windows == BOXES == distinct_windows(regions)
    assert plan.inputs() == regions and plan.is_partial
    assert not planned(SIZE, [*BOXES, Window.of_size(SIZE)]).is_partial
