"""A COG of parts holds their pixels, is what others call a COG, and goes wherever it belongs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rio_cogeo import cog_validate

from components.core.errors import DataError, StorageError
from components.core.geometry import Size, Window
from components.core.imagery import RasterProfile, describe, read_band
from components.core.imagery.cog import Overviews, write_cog
from components.core.storage import get_file, join_uri, put_file
from tests.builders import CRS, TRANSFORM, files_below, noise, write_raster, write_tiled
from tests.s3_server import S3Server

SIZE = Size(1300, 700)
PROFILE = RasterProfile(SIZE, crs=CRS, transform=TRANSFORM, nodata=7, tags={"SCALE": "255", "note": "a < b & c"})


def parts_of(pixels: np.ndarray, bounds: list[int], folder: Path) -> list[str]:
    return [
        write_tiled(folder / f"{top}_{bottom}.tif", pixels[top:bottom], crs="EPSG:4326", tile=256)
        for top, bottom in pairwise(bounds)
    ]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(1, SIZE.height - 1), max_size=5))
def test_a_cog_holds_the_pixels_of_its_parts(tmp_path: Path, cuts: set[int]) -> None:
    pixels = noise(SIZE, bands=1)[0]
    target = tmp_path / "out" / "mask.tif"
    write_cog(target, parts_of(pixels, [0, *sorted(cuts), SIZE.height], tmp_path), PROFILE)
    assert np.array_equal(read_band(str(target), Window.of_size(SIZE)), pixels)
    is_valid, errors, warnings = cog_validate(target, strict=True)
    assert is_valid, (errors, warnings)
    info = describe(str(target))
    assert (info.crs, info.transform, info.nodata, info.tile) == (CRS, TRANSFORM, 7, Size(512, 512))
    with rasterio.open(target) as dataset:
        assert dataset.tags().items() >= PROFILE.tags.items()
        assert dataset.overviews(1) == [2, 4]
        assert dataset.compression.name == "deflate"
    assert sorted(files_below(tmp_path / "out")) == ["mask.tif"], "nothing is left beside it"


@pytest.mark.parametrize(
    ("overviews", "value"), [(Overviews.MODE, 200), (Overviews.AVERAGE, 150), (Overviews.NEAREST, 0)]
)
def test_overviews_are_made_as_asked(tmp_path: Path, overviews: Overviews, value: int) -> None:
    block = np.array([[0, 200], [200, 200]], np.uint8)
    part = write_raster(tmp_path / "part.tif", np.tile(block, (512, 512)))
    write_cog(tmp_path / "cog.tif", [part], RasterProfile(Size(1024, 1024)), overviews)
    found = read_band(str(tmp_path / "cog.tif"), Window(0, 0, 1024, 1024), size=Size(512, 512))
    assert (found == value).all()
    assert describe(str(tmp_path / "cog.tif")).crs is None


def test_parts_and_target_may_be_in_object_storage(tmp_path: Path, s3_environment: S3Server) -> None:
    folder = s3_environment.new_folder()
    pixels = noise(SIZE, bands=1)[0]
    remote = []
    for part in parts_of(pixels, [0, 600, SIZE.height], tmp_path):
        remote.append(join_uri(folder, Path(part).name))
        put_file(Path(part), remote[-1])
    target = join_uri(folder, "mask.tif")
    write_cog(target, remote, PROFILE, Overviews.NEAREST)
    get_file(target, tmp_path / "fetched.tif")
    assert cog_validate(tmp_path / "fetched.tif", strict=True)[0]
    assert np.array_equal(read_band(target, Window.of_size(SIZE)), pixels)
    with pytest.raises(StorageError, match=r"missing\.tif"):
        write_cog(target, [join_uri(folder, "missing.tif")], PROFILE)


def test_parts_that_do_not_make_up_the_raster_are_refused(tmp_path: Path) -> None:
    first, second = parts_of(noise(SIZE, bands=1)[0], [0, 600, SIZE.height], tmp_path)
    narrow = write_tiled(tmp_path / "narrow.tif", np.zeros((700, 600), np.uint8))
    colours = write_tiled(tmp_path / "colours.tif", noise(Size(700, 700)))
    for parts, message in (
        ([first], r"cog.tif: its parts have 600 rows together, not 1300"),
        ([first, second, second], r"its parts have 2000 rows together"),
        ([first, narrow], r"narrow.tif: has 1 bands of uint8, 600 px wide"),
        ([first, colours], r"colours.tif: has 3 bands"),
        ([first, str(tmp_path / "none.tif")], r"none.tif: cannot be opened"),
    ):
        with pytest.raises(DataError, match=message):
            write_cog(tmp_path / "cog.tif", parts, PROFILE)
    assert not (tmp_path / "cog.tif").exists()


def test_a_broken_part_leaves_nothing_behind(tmp_path: Path) -> None:
    (part,) = parts_of(noise(SIZE, bands=1)[0], [0, SIZE.height], tmp_path / "parts")
    with open(part, "r+b") as file:
        file.truncate(Path(part).stat().st_size // 2)
    with pytest.raises(DataError, match=r"\.tif: is incomplete .*; delete it"):
        write_cog(tmp_path / "out" / "cog.tif", [part], PROFILE)
    assert files_below(tmp_path / "out") == {}
