"""One scene from windows to rasters, with a network that is a formula."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from components.core.errors import DataError, FootprintsError
from components.core.figures import tight_window
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import Crop, Flip
from components.core.project import ImageRef
from components.core.project.class_rasters import ClassExtent, PartFiles
from components.core.project.parts import Rows
from components.core.project.probabilities import classified, quantized
from components.infer_windows.windows import WindowGrid, WindowPlan, plan_windows
from tests.builders import CRS, TRANSFORM, noise, write_tiled
from tests.components.infer_windows.shares import CLASSES, averaged, colour_shares, read
from tests.predicting import run_parts, run_scene

SIZE = Size(130, 150)


@pytest.fixture
def image(tmp_path: Path) -> ImageRef:
    uri = write_tiled(tmp_path / "scene.tif", noise(SIZE, 3), photometric="rgb")
    return ImageRef.whole(uri, SIZE, CRS, TRANSFORM)


def plan_for(image: ImageRef, batch_size: int = 4, band_rows: int = 16) -> WindowPlan:
    grid = WindowGrid.of(image.recipe.size, Size(40, 50), Size(15, 20))
    return replace(plan_windows(grid, batch_size, CLASSES), band_rows=band_rows)


def expected(image: ImageRef, plan: WindowPlan) -> tuple[np.ndarray, np.ndarray]:
    """Class indices and the confidence in them, with every array of the whole scene at once."""
    sums, counts = averaged(image.pixels(), plan.grid.windows())
    return classified(quantized((sums / counts).astype(np.float32)))


def test_mask_and_confidence_are_those_of_the_whole_scene_at_once(image: ImageRef, tmp_path: Path) -> None:
    plan = plan_for(image)
    mask, confidence = tmp_path / "mask.tif", tmp_path / "confidence.tif"

    extents = run_scene(image, plan, colour_shares, str(mask), str(confidence))

    classes, sureness = expected(image, plan)
    assert np.array_equal(read(mask), classes)
    assert np.array_equal(read(confidence), sureness)
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

    first = run_scene(image, plan_for(image), colour_shares, *files[:2])
    second = run_scene(image, plan_for(image, batch_size, band_rows), colour_shares, *files[2:])

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

    plan = plan_windows(WindowGrid.of(image.size, Size(30, 30), Size(5, 5)), 2, CLASSES)
    extents = run_scene(image, plan, bright, str(tmp_path / "mask.tif"), str(tmp_path / "confidence.tif"))

    assert extents == (
        ClassExtent(0, Window(0, 0, 60, 70), 60 * 70 - 13 * 3 - 1),
        ClassExtent(1, Window(20, 5, 31, 39), 13 * 3 + 1),
    )
    assert (read(tmp_path / "confidence.tif") == 255).all()


def test_a_cropped_and_mirrored_image_is_predicted_as_it_is_shown(image: ImageRef, tmp_path: Path) -> None:
    shown = image.then(Crop(Window(10, 20, 90, 80))).then(Flip(FlipAxis.LEFT_RIGHT))
    plan = plan_for(shown)
    mask = tmp_path / "mask.tif"

    run_scene(shown, plan, colour_shares, str(mask), str(tmp_path / "confidence.tif"))

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

    with pytest.raises(FootprintsError, match="the network's forward pass failed: RuntimeError: out of memory"):
        run_scene(image, plan_for(image), failing, str(tmp_path / "out/mask.tif"), str(tmp_path / "out/sure.tif"))

    assert list((tmp_path / "out").iterdir()) == []
    assert "prefetch" not in {thread.name for thread in threading.enumerate()}


def test_a_raster_that_breaks_off_is_named(image: ImageRef, tmp_path: Path) -> None:
    broken = Path(image.uri)
    broken.write_bytes(broken.read_bytes()[:200_000])

    with pytest.raises(DataError, match=r"scene\.tif: rows .* cannot be read"):
        run_scene(image, plan_for(image), colour_shares, str(tmp_path / "out/mask.tif"), str(tmp_path / "out/c.tif"))
    assert list((tmp_path / "out").iterdir()) == []


def both_files(folder: Path, name: str) -> tuple[str, str]:
    return str(folder / f"{name}.tif"), str(folder / f"{name}-confidence.tif")


@pytest.mark.parametrize("strip_columns", [512, 1024])
def test_strips_of_columns_change_nothing(tmp_path: Path, strip_columns: int) -> None:
    size = Size(150, 1500)
    image = ImageRef.whole(write_tiled(tmp_path / "scene.tif", noise(size, 3), photometric="rgb"), size)
    grid = WindowGrid.of(size, Size(60, 300), Size(20, 110))
    wide, narrow = both_files(tmp_path, "wide"), both_files(tmp_path, "narrow")

    first = run_scene(image, plan_windows(grid, 4, CLASSES), colour_shares, *wide)
    plan = plan_windows(grid, 4, CLASSES, strip_columns=strip_columns)
    assert len(plan.strips) > 1
    second = run_scene(image, plan, colour_shares, *narrow)

    assert first == second
    for one, other in zip(wide, narrow, strict=True):
        assert np.array_equal(read(Path(one)), read(Path(other)))


def masked(path: Path, valid: np.ndarray) -> ImageRef:
    pixels = np.concatenate([noise(SIZE, 3), valid[np.newaxis] * np.uint8(255)])
    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
    return ImageRef.whole(write_tiled(path, pixels, interpretation=colours), SIZE, CRS, TRANSFORM)


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_where_there_is_no_data_nothing_is_run_or_found(image: ImageRef, tmp_path: Path, batch_size: int) -> None:
    valid = np.zeros((SIZE.height, SIZE.width), np.bool_)
    valid[5:30, 100:140] = True
    valid[120, 2] = True
    plan = plan_for(image, batch_size)
    all_files, files = both_files(tmp_path, "all"), both_files(tmp_path, "some")
    run: list[int] = []

    def counting(windows: np.ndarray) -> np.ndarray:
        run.append(len(windows))
        return colour_shares(windows)

    run_scene(image, plan, colour_shares, *all_files)
    extents = run_scene(masked(tmp_path / "masked.tif", valid), plan, counting, *files)

    assert sum(run) == sum(valid[window.slices].any() for window in plan.grid.windows()) < len(plan.grid.windows())
    assert np.array_equal(read(Path(files[0])), np.where(valid, read(Path(all_files[0])), 255))
    assert np.array_equal(read(Path(files[1])), np.where(valid, read(Path(all_files[1])), 0))
    assert sum(extent.area for extent in extents) == valid.sum()
    with rasterio.open(files[0]) as mask, rasterio.open(all_files[0]) as plain:
        assert (mask.nodata, plain.nodata) == (255, None)


def test_a_scene_without_any_data_needs_no_network(image: ImageRef, tmp_path: Path) -> None:
    def refuse(windows: np.ndarray) -> np.ndarray:
        raise AssertionError("was run")

    nothing = masked(tmp_path / "masked.tif", np.zeros((SIZE.height, SIZE.width), np.bool_))
    files = both_files(tmp_path, "none")

    assert run_scene(nothing, plan_for(image), refuse, *files) == ()
    assert (read(Path(files[0])) == 255).all() and (read(Path(files[1])) == 0).all()


def test_parts_of_rows_are_those_of_the_scene(image: ImageRef, tmp_path: Path) -> None:
    plan = plan_for(image)
    whole_files = both_files(tmp_path, "whole")
    run_scene(image, plan, colour_shares, *whole_files)
    cuts = [Rows(21, 50), Rows(50, 51), Rows(51, 119)]
    parts = [PartFiles(rows, *both_files(tmp_path, f"part{rows.top}")) for rows in cuts]
    wanted = replace(plan, top=21, bottom=119)

    extents = run_parts(image, wanted, colour_shares, parts)

    for part, found in zip(parts, extents, strict=True):
        rows = slice(part.rows.top, part.rows.bottom)
        values = read(Path(part.mask))
        assert np.array_equal(values, read(Path(whole_files[0]))[rows])
        assert np.array_equal(read(Path(part.confidence)), read(Path(whole_files[1]))[rows])
        for extent in found:
            assert extent.box == tight_window(values == extent.value)
            assert extent.area == np.count_nonzero(values == extent.value)
        with rasterio.open(part.mask) as dataset:
            assert dataset.transform == TRANSFORM @ Affine.translation(0, part.rows.top)


@pytest.mark.parametrize("size", [Size(130, 150), Size(9, 70), Size(1, 1)])
def test_windows_may_reach_over_the_border_onto_the_mirror_image(tmp_path: Path, size: Size) -> None:
    pixels = noise(size, 5)
    image = ImageRef.whole(write_tiled(tmp_path / "scene.tif", pixels, photometric="rgb"), size)
    grid = WindowGrid.of(size, Size(40, 50), Size(16, 20), discard_border=4, reach=Size(8, 10))
    seen: list[np.ndarray] = []

    def remember(windows: np.ndarray) -> np.ndarray:
        seen.extend(windows.copy())
        return colour_shares(windows)

    run_scene(image, plan_windows(grid, 4, CLASSES), remember, *both_files(tmp_path, "result"))

    mirror = np.pad(pixels, ((0, 0), (60, 60), (60, 60)), "reflect")
    expected = (
        mirror[:, row.start + 60 : row.start + 100, column.start + 60 : column.start + 110]
        for row in grid.rows.spans
        for column in grid.columns.spans
    )
    for window, shown in zip(seen, expected, strict=True):
        assert np.array_equal(window, shown)
    assert read(tmp_path / "result.tif").shape == (size.height, size.width)
