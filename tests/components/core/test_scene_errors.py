"""What is one scene's failure, and what is everyone's."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from components.core import storage
from components.core.errors import ConfigError, DataError, FootprintsError, StorageError
from components.core.scene_errors import scene_errors, stops_all


def long_name() -> None:
    Path("a" * 300).write_bytes(b"")


def lone_surrogate() -> None:
    "\udce9".encode()


FAULTS: dict[str, tuple[Callable[[], object], str]] = {
    "CRS of rasterio": (lambda: CRS.from_wkt('PROJCS["broken'), "cannot be used .*; repair the file"),
    "CRS of PROJ": (lambda: pyproj.CRS.from_user_input("EPSG:0"), "cannot be placed on the map .*; check its CRS"),
    "transform": (lambda: ~Affine(0, 0, 0, 0, 0, 0), "unexpected TransformNotInvertibleError: .*; .* please report"),
    "no raster": (lambda: rasterio.open("/dev/null"), "cannot be used .*; repair the file"),
    "name": (long_name, r"cannot be used \(File name too long.*; check the file and its name"),
    "text": (lone_surrogate, "not valid text .*; rename the file"),
    "ours": (
        lambda: np.zeros(3)[7],
        "unexpected IndexError: .*; skipping it .* please report this together with the image",
    ),
    "storage": (lambda: storage.exists("/" + "a" * 300), "File name too long; .* give the file a shorter"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_whatever_goes_wrong_with_a_scene_is_its_own(kind: str) -> None:
    work, told = FAULTS[kind]
    with pytest.raises(DataError, match=told), scene_errors("town.tif"):
        work()


@pytest.mark.parametrize("error", [DataError("a"), ConfigError("a"), StorageError("a"), FootprintsError("a")])
def test_an_error_on_purpose_stays_as_it_is(error: FootprintsError) -> None:
    with pytest.raises(type(error)) as caught, scene_errors("town.tif"):
        raise error
    assert caught.value is error and not stops_all(error)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, MemoryError, GeneratorExit])
def test_what_ends_the_process_is_no_scenes(kind: type[BaseException]) -> None:
    with pytest.raises(kind), scene_errors("town.tif"):
        raise kind


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE])
def test_a_full_disk_stops_all(number: int) -> None:
    with (
        pytest.raises(StorageError, match=rf"town\.tif: .*{os.strerror(number)}.*; \w+ ") as caught,
        scene_errors("town.tif"),
    ):
        raise OSError(number, os.strerror(number), "part.tif")
    assert stops_all(caught.value)


def test_what_a_library_repeats_of_a_file_is_cut_short() -> None:
    with (
        pytest.raises(DataError, match=r"^a\.tif: cannot be placed on the map \(.*x…\); check") as raised,
        scene_errors("a.tif"),
    ):
        pyproj.CRS("x" * 1_000_000)
    assert len(str(raised.value)) < 1000
