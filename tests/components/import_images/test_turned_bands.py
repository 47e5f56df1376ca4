"""Images that are turned upright while they are rewritten, with further bands and ground without data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from components.core.geometry import Size, Window
from components.core.imagery import RasterProfile
from components.core.imagery.orientation import Turn
from components.core.imagery.reading import read_valid
from components.import_images.images import _write_turned

SIZE = Size(40, 30)


@pytest.mark.parametrize("bands", [4, 5, 6])
def test_all_bands_and_what_holds_data_are_turned(bands: int, tmp_path: Path) -> None:
    """The last band that is written says where there is data: an alpha band of four, else the file's mask."""
    pixels = np.random.default_rng(bands).integers(1, 256, (bands, SIZE.height, SIZE.width), np.uint8)
    pixels[-1] = 255
    pixels[-1, :10, :7] = 0
    target = str(tmp_path / "turned.tif")

    _write_turned(target, RasterProfile(size=SIZE, bands=bands, alpha=True), iter([pixels]), Turn(left_right=True))

    with rasterio.open(target) as dataset:
        assert np.array_equal(dataset.read()[: bands - 1], pixels[:-1, :, ::-1])
    assert np.array_equal(read_valid(target, Window.of_size(SIZE)), pixels[-1, :, ::-1] > 0)
