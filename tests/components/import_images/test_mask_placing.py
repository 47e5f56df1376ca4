"""Masks that lie elsewhere than their images, or the other way round."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError, TooManySkippedError
from components.core.geometry import Size
from components.core.imagery.reading import RasterInfo, describe
from components.import_images.mask_placing import flips_to_image
from tests.builders import TRANSFORM, block_mask, noise, write_tiled
from tests.components.import_images.test_import_images import mask_of, run

SIZE = Size(60, 90)

SOUTH_UP = TRANSFORM @ Affine.translation(0, SIZE.height) @ Affine.scale(1, -1)
WEST_LAST = TRANSFORM @ Affine.translation(SIZE.width, 0) @ Affine.scale(-1, 1)


def moved(columns: float, rows: float) -> Affine:
    return TRANSFORM @ Affine.translation(columns, rows)


def imported(root: Path, mask: np.ndarray, image: dict[str, Any] | None = None, **options: Any) -> np.ndarray:
    write_tiled(root / "in" / "images" / "a.tif", noise(SIZE), **(image or {}))
    write_tiled(root / "in" / "gt" / "a.tif", mask.astype(np.uint8), **options)
    _, (item,) = run(root)
    return mask_of(item)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"crs": None, "transform": None},
        {"crs": None},
        {"transform": moved(0.5, -0.5)},
        {"crs": "EPSG:25833"},
        {"crs": "EPSG:32632", "transform": None},
    ],
    ids=["same", "none", "no CRS", "half a pixel", "another datum of the same place", "CRS alone"],
)
def test_a_mask_on_its_image_is_taken_as_it_is(tmp_path: Path, options: dict[str, Any]) -> None:
    mask = block_mask(SIZE)
    assert (imported(tmp_path, mask, **options) == mask).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"transform": moved(20, 0)}, "0 px above and 20 px right of it"),
        ({"transform": moved(-1, 2.5)}, "2.5 px below and 1 px left of it"),
        ({"transform": moved(0, 0.6)}, "0.6 px below and 0 px left of it"),
        ({"transform": TRANSFORM @ Affine.scale(2)}, "15 px below and 22.5 px right of it"),
        ({"transform": TRANSFORM @ Affine.translation(45, 30) @ Affine.scale(0.5) @ Affine.translation(-45, -30)},
         "45.0 px off at its corners"),
    ],
)  # fmt: skip
def test_a_mask_beside_its_image_is_refused(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(TooManySkippedError, match=rf"gt/a\.tif: its georeference places the mask .*, but .*({words})"):
        imported(tmp_path, block_mask(SIZE), **options)


@pytest.mark.parametrize(
    "options",
    [{"crs": "EPSG:32632"}, {"crs": "EPSG:3413"}, {"transform": moved(2 * SIZE.width, 0)}],
    ids=["zone", "pole", "transform"],
)
def test_a_mask_on_other_ground_altogether_is_taken_by_its_pixels(
    tmp_path: Path, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    mask = block_mask(SIZE)
    assert (imported(tmp_path, mask, **options) == mask).all()
    assert "mask a: has a georeference far from its image's, which was ignored" in caplog.text


@pytest.mark.parametrize(
    ("transform", "turned"),
    [
        (SOUTH_UP, lambda mask: mask[::-1]),
        (WEST_LAST, lambda mask: mask[:, ::-1]),
        (SOUTH_UP @ Affine.translation(SIZE.width, 0) @ Affine.scale(-1, 1), lambda mask: mask[::-1, ::-1]),
    ],
    ids=["south up", "west last", "both"],
)
@pytest.mark.parametrize("which", ["mask", "image"])
def test_a_mask_the_other_way_round_is_turned(
    tmp_path: Path, transform: Affine, turned: Any, which: str, caplog: pytest.LogCaptureFixture
) -> None:
    mask = block_mask(SIZE)
    options = {"transform": transform} if which == "mask" else {"image": {"transform": transform}}
    assert (imported(tmp_path, mask, **options) == turned(mask)).all()
    assert "mask a: is upside down or mirrored against its image" in caplog.text


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> RasterInfo:
    return describe(write_tiled(tmp_path_factory.mktemp("placed") / "image.tif", noise(SIZE, bands=1)))


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_half_a_pixel_is_the_limit(image: RasterInfo, rows: float, columns: float) -> None:
    mask = replace(image, transform=moved(columns, rows))
    distance = max(abs(rows), abs(columns))
    if distance <= 0.5:
        assert flips_to_image(image, mask, "mask.tif") == ()
    elif distance > 0.52:
        with pytest.raises(DataError, match="the mask not on its image"):
            flips_to_image(image, mask, "mask.tif")
