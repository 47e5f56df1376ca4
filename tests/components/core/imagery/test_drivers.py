"""Nothing is opened but rasters that hold their own pixels, and nothing along with them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling

from components.core.errors import DataError
from components.core.geometry import Size, Window
from components.core.imagery.opening import open_raster
from components.core.imagery.reading import describe, palette_of, read_band, read_rgb, read_valid
from tests.builders import noise, write_raster, write_tiled
from tests.odd_files import (
    aux_with,
    give_odd_tag,
    gti_of,
    listening,
    overviews_at,
    vrt_of,
    wcs_of,
    wms_of,
    wmts_of,
)

SIZE = Size(300, 320)
SECRET = "AWS_SECRET_ACCESS_KEY=" + "x" * 300

READERS: dict[str, Callable[[str], object]] = {
    "describe": describe,
    "open_raster": open_raster,
    "read_rgb": lambda uri: read_rgb(uri, Window(0, 0, 4, 64)),
    "read_band": lambda uri: read_band(uri, Window(0, 0, 4, 64)),
    "read_valid": lambda uri: read_valid(uri, Window(0, 0, 4, 64)),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_list_of_other_files_named_tif_is_not_read(tmp_path: Path, reader: str) -> None:
    (tmp_path / "secret").write_text(SECRET)
    file = tmp_path / "a.tif"
    file.write_text(vrt_of(tmp_path / "secret"))
    with rasterio.open(file) as shown:  # what GDAL makes of it where it may
        assert bytes(shown.read(1)).decode().startswith("AWS_SECRET")

    with pytest.raises(DataError, match=r"a\.tif: cannot be opened as a raster: it is a text that may name other"):
        READERS[reader](str(file))


@pytest.mark.parametrize("make", [wms_of, wmts_of, wcs_of, gti_of, vrt_of])
@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_no_host_is_called(tmp_path: Path, make: Callable[[str], str], suffix: str) -> None:
    with listening() as (host, said):
        place = f"/vsicurl/http://{host}/a.tif" if make in (gti_of, vrt_of) else host
        file = tmp_path / f"a{suffix}"
        file.write_text(make(place))
        for read in READERS.values():
            with pytest.raises(DataError, match="cannot be opened as a raster"):
                read(str(file))
    assert said == []


@pytest.mark.parametrize("side", [".ovr", ".msk", ".OVR", ".ovr.ovr", ".ovr.msk", ".msk.msk"])
def test_what_lies_beside_a_raster_is_held_to_the_same(tmp_path: Path, side: str) -> None:
    (tmp_path / "secret").write_text(SECRET)
    uri = write_tiled(tmp_path / "a.tif", noise(SIZE))
    way = side[: side.rindex(".")]  # to a side file of a side file, which is in order itself
    if way:
        write_tiled(Path(uri + way), noise(Size(150, 160), bands=1 if way == ".msk" else 3))
    Path(uri + side).write_text(vrt_of(tmp_path / "secret"))

    with pytest.raises(DataError, match=rf"a\.tif: the file beside it, a\.tif{side}, would be read .*; remove"):
        describe(uri)


@pytest.mark.parametrize("of", ["a.tif", "a.tif.ovr", "a.tif.msk"])
def test_overviews_in_another_place_are_not_looked_for(tmp_path: Path, of: str) -> None:
    uri = write_tiled(tmp_path / "a.tif", noise(SIZE))
    if of != "a.tif":
        write_tiled(tmp_path / of, noise(Size(150, 160), bands=1 if of.endswith("msk") else 3))
    with listening() as (host, said):
        (tmp_path / f"{of}.aux.xml").write_text(overviews_at(f"/vsicurl/http://{host}/a.tif"))
        with pytest.raises(DataError, match=r"OVERVIEW_FILE|overviews"):
            read_rgb(uri, Window.of_size(SIZE), Size(30, 32))
    assert said == []


def test_a_tiff_that_itself_names_another_place_for_its_overviews_is_refused(tmp_path: Path) -> None:
    uri = write_tiled(tmp_path / "a.tif", noise(SIZE))
    with rasterio.open(uri, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE="/etc/passwd")
    assert not Path(f"{uri}.aux.xml").exists()
    with pytest.raises(DataError, match=r"its metadata name '/etc/passwd' as the place of its overviews"):
        describe(uri)


def test_side_files_as_gdal_writes_them_are_used(tmp_path: Path) -> None:
    uri = write_tiled(tmp_path / "a.tif", np.full((3, SIZE.height, SIZE.width), 7, np.uint8))
    mask = np.zeros((SIZE.height, SIZE.width), np.uint8)
    mask[:100] = 255
    with rasterio.Env(TIFF_USE_OVR=True, GDAL_TIFF_INTERNAL_MASK=False):
        with rasterio.open(uri, "r+") as dataset:
            dataset.build_overviews([2], Resampling.nearest)
            dataset.write_mask(mask)
        with rasterio.open(f"{uri}.ovr", "r+") as overviews:
            overviews.write(np.full((3, 150, 160), 9, np.uint8))
    Path(f"{uri}.aux.xml").write_text(aux_with('<Metadata><MDI key="AREA">town</MDI></Metadata>'))

    assert {path.name for path in tmp_path.iterdir()} == {f"a.tif{side}" for side in ("", ".ovr", ".msk", ".aux.xml")}
    assert (read_rgb(uri, Window.of_size(SIZE)) == 7).all()
    assert (read_rgb(uri, Window.of_size(SIZE), Size(150, 160)) == 9).all()
    assert (read_valid(uri, Window.of_size(SIZE)) == (mask > 0)).all()
    with open_raster(uri) as dataset:
        assert dataset.tags()["AREA"] == "town"


def test_a_folder_named_like_a_drivers_prefix_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noise(SIZE)
    write_tiled(tmp_path / "GTIFF_DIR:1:" / "a#b?c.tif", pixels)
    window = Window.of_size(SIZE)
    assert (read_rgb(str(tmp_path / "GTIFF_DIR:1:" / "a#b?c.tif"), window) == pixels).all()
    monkeypatch.chdir(tmp_path / "GTIFF_DIR:1:")
    assert (read_rgb("a#b?c.tif", window) == pixels).all()


def test_a_tag_that_gdal_passes_over_does_not_spoil_an_image(tmp_path: Path) -> None:
    pixels = noise(SIZE)
    uri = write_tiled(tmp_path / "a.tif", pixels)
    give_odd_tag(tmp_path / "a.tif")
    for _ in range(2):
        assert describe(uri).size == SIZE
        assert (read_rgb(uri, Window.of_size(SIZE)) == pixels).all()


def test_a_palette_of_sixteen_bits_has_all_its_colours(tmp_path: Path) -> None:
    indices = noise(SIZE, bands=1, dtype="uint16")
    colours = {index: (index % 251, index // 256, 7, 255) for index in range(1 << 16)}
    uri = write_raster(tmp_path / "a.tif", indices, photometric="palette", colormap=colours)
    with open_raster(uri) as dataset:
        table = palette_of(dataset)
    assert table.shape == (1 << 16, 3)
    assert all(tuple(table[index]) == colours[index][:3] for index in (0, 255, 256, 40_000, 65_535))


@pytest.mark.parametrize(
    "name", ["a.tif.aux.xml", "a.tif.msk", "a.tif.ovr", "a.IMD", "a.RPB", "a_RPC.TXT", "a.tfw", "a.wld"]
)
def test_nothing_that_never_ends_is_read_beside_a_raster(tmp_path: Path, name: str) -> None:
    write_tiled(tmp_path / "a.tif", noise(SIZE))
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match=f"beside it lies {name}, a pipe or a device, which is not read; remove it"):
        open_raster(str(tmp_path / "a.tif"))
