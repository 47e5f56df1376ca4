from pathlib import Path

import numpy as np
import pytest
from rasterio.enums import ColorInterp

from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import Flip, MaskRaster, Recipe, read_band, read_image, read_rgb
from tests.builders import block_mask, noise, write_raster, write_tiled

SIZE = Size(64, 96)
WINDOW = Window(16, 32, 32, 64)
SMALL = Size(8, 16)


def test_colours_are_averaged(tmp_path: Path) -> None:
    pixels = noise(SIZE)
    uri = write_tiled(tmp_path / "scene.tif", pixels)

    small = read_rgb(uri, WINDOW, SMALL)

    means = pixels[:, 16:48, 32:96].reshape(3, 8, 4, 16, 4).mean(axis=(2, 4))
    assert small.shape == (3, 8, 16)
    assert np.allclose(small, means, atol=2)


def test_grey_is_averaged_and_repeated(tmp_path: Path) -> None:
    uri = write_raster(tmp_path / "grey.tif", noise(SIZE, bands=1))

    small = read_rgb(uri, WINDOW, SMALL)

    assert small.shape == (3, 8, 16) and (small[0] == small[2]).all()


def test_a_palette_is_never_averaged(tmp_path: Path) -> None:
    indices = np.random.default_rng(0).choice(np.array([0, 200], np.uint8), (1, 64, 96))
    colormap = {0: (10, 20, 30, 255), 200: (250, 240, 230, 255)}
    uri = write_raster(tmp_path / "palette.tif", indices, colormap=colormap, interpretation=[ColorInterp.palette])

    small = read_rgb(uri, WINDOW, SMALL)

    assert {tuple(color) for color in small.reshape(3, -1).T.tolist()} == {(10, 20, 30), (250, 240, 230)}


def test_masks_keep_their_values(tmp_path: Path) -> None:
    values = block_mask(SIZE).astype(np.uint8) * np.uint8(7)
    uri = write_tiled(tmp_path / "mask.tif", values)

    assert set(np.unique(read_band(uri, WINDOW, size=SMALL))) <= {0, 7}
    assert MaskRaster(uri, 7).read(WINDOW, SMALL).shape == (8, 16)
    assert not MaskRaster(uri, 3).read(WINDOW, SMALL).any()


@pytest.mark.parametrize("axis", list(FlipAxis))
def test_mirrored_items_are_mirrored_when_small(tmp_path: Path, axis: FlipAxis) -> None:
    uri = write_tiled(tmp_path / "scene.tif", noise(SIZE))
    recipe = Recipe(WINDOW)

    plain, mirrored = read_image(uri, recipe, SMALL), read_image(uri, recipe.then(Flip(axis)), SMALL)

    assert np.array_equal(np.flip(plain, axis.array_axis + 1), mirrored)


def test_the_windows_own_size_changes_nothing(tmp_path: Path) -> None:
    uri = write_tiled(tmp_path / "scene.tif", noise(SIZE))

    assert np.array_equal(read_rgb(uri, WINDOW, WINDOW.size), read_rgb(uri, WINDOW))
