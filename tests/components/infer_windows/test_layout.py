"""Scenes whose rows are stored whole: decoded once, whatever the number of strips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import Crop, Flip, read_validity
from components.core.project import ImageRef
from components.core.project.parts import Rows
from components.infer_windows.reader import laid_out_in_tiles
from components.infer_windows.windows import WindowGrid, plan_windows
from tests.builders import noise, write_raster
from tests.components.infer_windows.test_scene import CLASSES, colour_shares
from tests.predicting import run_scene

SIZE = Size(400, 1600)
RGBA = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)


@pytest.mark.parametrize(("name", "options"), [("a.png", {}), ("a.tif", {"interleave": "pixel"})])
def test_rows_that_are_stored_whole_are_laid_out_once(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    pixels = noise(SIZE, bands=4)
    pixels[3] = np.where(pixels[3] > 100, 255, 0)
    image = ImageRef.whole(write_raster(tmp_path / name, pixels, interpretation=RGBA, **options), SIZE)

    with laid_out_in_tiles(image, 100, 300, 2) as tiled:
        assert Path(tiled.uri).exists() and tiled.uri != image.uri
        shown = tiled.then(Crop(Window(120, 700, 150, 50)))
        assert np.array_equal(shown.pixels(), pixels[:3, 120:270, 700:750])
        assert np.array_equal(read_validity(shown.uri, shown.recipe), pixels[3, 120:270, 700:750] > 0)
    assert not Path(tiled.uri).exists()


@pytest.mark.parametrize(("strips", "options"), [(1, {}), (3, {"tile": 64})])
def test_what_is_read_well_stays_where_it_is(tmp_path: Path, strips: int, options: dict[str, Any]) -> None:
    image = ImageRef.whole(write_raster(tmp_path / "a.tif", noise(SIZE), **options), SIZE)

    with laid_out_in_tiles(image, 0, 400, strips) as same:
        assert same == image


def test_a_wide_png_gives_what_its_tiles_give(tmp_path: Path) -> None:
    shown = [
        ImageRef.whole(write_raster(tmp_path / name, noise(SIZE), **options), SIZE)
        .then(Crop(Window(0, 10, 400, 1580)))
        .then(Flip(FlipAxis.UP_DOWN))
        for name, options in (("a.png", {}), ("a.tif", {"tile": 64}))
    ]
    grid = WindowGrid.of(shown[0].recipe.size, Size(64, 100), Size(16, 40))
    results = []
    for image in shown:
        mask, confidence = str(tmp_path / "mask.tif"), str(tmp_path / "confidence.tif")
        plan = plan_windows(grid, 8, CLASSES, Rows(130, 390), strip_columns=512)
        run_scene(image, plan, colour_shares, mask, confidence)
        with rasterio.open(mask) as dataset:
            results.append(dataset.read(1))

    assert len(plan.strips) == 4
    assert np.array_equal(*results)
