"""One scene from windows to rasters, with a network that is a formula."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from components.core.errors import DataError
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import Crop, Flip
from components.core.project import ImageRef
from components.infer_windows.batches import WindowPlan
from components.infer_windows.deciding import decide
from components.infer_windows.extents import ClassExtent
from components.infer_windows.grid import Grid
from components.infer_windows.scene import plan_windows, predict_scene
from tests.builders import CRS, TRANSFORM, noise, write_tiled

SIZE = Size(130, 150)
CLASSES = 3


def colour_shares(windows: np.ndarray) -> np.ndarray:
    """Each band's share of a pixel's brightness, bent by the place in the window so that neighbours disagree."""
    assert windows.dtype == np.uint8
    rows, columns = np.indices(windows.shape[-2:], np.float32)
    values = windows.astype(np.float32) + 1
    values[:, 0] *= 1 + rows / 20
    values[:, 1] *= 1 + columns / 20
    return values / values.sum(axis=1, keepdims=True)


@pytest.fixture
def image(tmp_path: Path) -> ImageRef:
    uri = write_tiled(tmp_path / "scene.tif", noise(SIZE, 3), photometric="rgb")
    return ImageRef.whole(uri, SIZE, CRS, TRANSFORM)


def plan_for(image: ImageRef, batch_size: int = 4, band_rows: int = 16) -> WindowPlan:
    grid = Grid.of(image.recipe.size, Size(40, 50), Size(15, 20))
    return replace(plan_windows(grid, batch_size, CLASSES), band_rows=band_rows)


def expected(image: ImageRef, plan: WindowPlan) -> tuple[np.ndarray, np.ndarray]:
    """Class indices and their probability, with every array of the whole scene at once."""
    pixels = image.pixels()
    sums = np.zeros((CLASSES, *pixels.shape[1:]), np.float32)
    counts = np.zeros(pixels.shape[1:], np.float32)
    for window in plan.grid.windows():
        sums[(slice(None), *window.slices)] += colour_shares(pixels[(np.newaxis, slice(None), *window.slices)])[0]
        counts[window.slices] += 1
    return (sums / counts).argmax(axis=0), (sums / counts).max(axis=0)


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def test_mask_and_confidence_are_those_of_the_whole_scene_at_once(image: ImageRef, tmp_path: Path) -> None:
    plan = plan_for(image)
    mask, confidence = tmp_path / "mask.tif", tmp_path / "confidence.tif"

    extents = predict_scene(image, plan, colour_shares, str(mask), str(confidence))

    classes, sureness = expected(image, plan)
    assert np.array_equal(read(mask), classes)
    assert np.array_equal(read(confidence), np.floor(sureness * 255 + 0.5))
    assert [extent.area for extent in extents] == np.bincount(classes.ravel(), minlength=CLASSES).tolist()
    with rasterio.open(mask) as dataset:
        assert (dataset.crs.to_string(), dataset.transform) == (CRS, TRANSFORM)
        assert (dataset.dtypes, dataset.block_shapes) == (("uint8",), [(512, 512)])
        assert dataset.compression.name == "zstd"
    with rasterio.open(confidence) as dataset:
        assert dataset.tags()["SCALE"] == "probability = value / 255"


@pytest.mark.parametrize(("batch_size", "band_rows"), [(1, 1), (3, 7), (5, 64), (100, 1000)])
def test_files_do_not_depend_on_batches_or_bands(
    image: ImageRef, tmp_path: Path, batch_size: int, band_rows: int
) -> None:
    files = [str(tmp_path / name) for name in ("mask.tif", "confidence.tif", "other.tif", "other_confidence.tif")]

    first = predict_scene(image, plan_for(image), colour_shares, *files[:2])
    second = predict_scene(image, plan_for(image, batch_size, band_rows), colour_shares, *files[2:])

    assert first == second
    assert Path(files[0]).read_bytes() == Path(files[2]).read_bytes()
    assert Path(files[1]).read_bytes() == Path(files[3]).read_bytes()


def test_boxes_are_tight(tmp_path: Path) -> None:
    pixels = np.zeros((3, 60, 70), np.uint8)
    pixels[1, 20:33, 41:44] = 255
    pixels[1, 50, 5] = 255
    uri = write_tiled(tmp_path / "scene.tif", pixels, photometric="rgb")
    image = ImageRef.whole(uri, Size(60, 70), CRS, TRANSFORM)

    def bright(windows: np.ndarray) -> np.ndarray:
        share = windows[:, 1:2] / np.float32(255)
        return np.concatenate([1 - share, share, 0 * share], axis=1)

    plan = plan_windows(Grid.of(image.size, Size(30, 30), Size(5, 5)), 2, CLASSES)
    extents = predict_scene(image, plan, bright, str(tmp_path / "mask.tif"), str(tmp_path / "confidence.tif"))

    assert extents == (
        ClassExtent(0, Window(0, 0, 60, 70), 60 * 70 - 13 * 3 - 1),
        ClassExtent(1, Window(20, 5, 31, 39), 13 * 3 + 1),
    )
    assert (read(tmp_path / "confidence.tif") == 255).all()


def test_a_cropped_and_mirrored_image_is_predicted_as_it_is_shown(image: ImageRef, tmp_path: Path) -> None:
    shown = image.then(Crop(Window(10, 20, 90, 80))).then(Flip(FlipAxis.LEFT_RIGHT))
    plan = plan_for(shown)
    mask = tmp_path / "mask.tif"

    predict_scene(shown, plan, colour_shares, str(mask), str(tmp_path / "confidence.tif"))

    assert np.array_equal(read(mask), expected(shown, plan)[0])
    with rasterio.open(mask) as dataset:
        assert dataset.transform == TRANSFORM @ Affine.translation(100, 10) @ Affine.scale(-1, 1)


def test_a_network_that_fails_is_heard_and_leaves_nothing(image: ImageRef, tmp_path: Path) -> None:
    calls = []

    def failing(windows: np.ndarray) -> np.ndarray:
        calls.append(len(windows))
        if len(calls) == 5:
            raise RuntimeError("out of memory")
        return colour_shares(windows)

    with pytest.raises(RuntimeError, match="out of memory"):
        predict_scene(image, plan_for(image), failing, str(tmp_path / "out/mask.tif"), str(tmp_path / "out/sure.tif"))

    assert list((tmp_path / "out").iterdir()) == []
    assert "ahead" not in {thread.name for thread in threading.enumerate()}


def test_a_raster_that_breaks_off_is_named(image: ImageRef, tmp_path: Path) -> None:
    broken = Path(image.uri)
    broken.write_bytes(broken.read_bytes()[:200_000])

    with pytest.raises(DataError, match=r"scene\.tif: rows .* cannot be read"):
        predict_scene(
            image, plan_for(image), colour_shares, str(tmp_path / "out/mask.tif"), str(tmp_path / "out/c.tif")
        )
    assert list((tmp_path / "out").iterdir()) == []


def test_deciding_takes_the_first_of_equals_and_rounds() -> None:
    probabilities = np.array([[[0.5, 0.2, 0.3, 1.0]], [[0.5, 0.2, 0.3, 0.0]], [[0.0, 0.6, 0.4, 0.0]]], np.float32)

    values, confidence = decide(probabilities)

    assert values.tolist() == [[0, 2, 2, 0]]
    assert confidence.tolist() == [[128, 153, 102, 255]]


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_what_is_no_number_is_refused(broken: float) -> None:
    probabilities = np.full((CLASSES, 4, 4), 1 / 3, np.float32)
    probabilities[1, 2, 2] = broken

    with pytest.raises(DataError, match="values that are no numbers; set precision to 'float32'"):
        decide(probabilities)
