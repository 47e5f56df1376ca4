"""Whatever people put beside their imagery: it is skipped, named and counted, and the rest is published."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pytest
from affine import Affine
from rasterio.enums import ColorInterp

from components.core.errors import TooManySkippedError
from components.core.geometry import Size
from components.core.storage import list_objects
from tests.builders import write_raster
from tests.detection.detecting import Detection, town, write_town
from tests.odd_files import aux_with, break_middle, overviews_at, vrt_of, wms_of

SIZE = Size(160, 140)
HOUSE = (20, 30, 40, 24)
PLACED = {"crs": "EPSG:32633", "transform": Affine(0.5, 0, 500_000, 0, -0.5, 5_300_000)}


def swapped(folder: Path) -> str:
    """Latitude and longitude the wrong way round."""
    place = Affine(3e-6, 0, 30.5, 0, -3e-6, 114.3)
    write_raster(folder / "swapped.tif", town(SIZE, HOUSE), crs="EPSG:4326", transform=place)
    return r"swapped\.tif: .*is nowhere on Earth: its latitudes reach 114\.3°"


def palette(folder: Path) -> str:
    """A palette's band without the palette."""
    write_raster(folder / "palette.tif", town(SIZE, HOUSE)[0], interpretation=[ColorInterp.palette], **PLACED)
    return r"palette\.tif: .*there is no colour table"


def cut_wkt(folder: Path) -> str:
    """A side file whose WKT ends in its middle."""
    write_raster(folder / "wkt.tif", town(SIZE, HOUSE))
    (folder / "wkt.tif.aux.xml").write_text(
        aux_with('<SRS>PROJCS["broken</SRS><GeoTransform>5,1,0,5,0,-1</GeoTransform>')
    )
    return r"wkt\.tif: .*cannot be opened as a raster: missing"


def no_number(folder: Path) -> str:
    """A transform that holds no number."""
    write_raster(folder / "nan.tif", town(SIZE, HOUSE))
    side = aux_with("<SRS>EPSG:32633</SRS><GeoTransform>500000, nan, 0, 5300000, 0, -0.5</GeoTransform>")
    (folder / "nan.tif.aux.xml").write_text(side)
    return r"nan\.tif: .*entries that are not numbers"


def no_text(folder: Path) -> str:
    """A name in Latin-1."""
    write_town(folder / "latin.tif", SIZE, HOUSE)
    (folder / "latin.tif").rename(folder / os.fsdecode(b"caf\xe9.tif"))
    return r"caf\\xe9\.tif: .*its name is not valid UTF-8"


def list_of_files(folder: Path) -> str:
    """A VRT."""
    (folder / "vrt.tif").write_text(vrt_of("/proc/self/environ"))
    return r"vrt\.tif: .*a text that may name other files or hosts"


def service(folder: Path) -> str:
    """A tile service."""
    (folder / "wms.tif").write_text(wms_of("localhost:9"))
    return r"wms\.tif: .*a text that may name other files or hosts"


def overview_elsewhere(folder: Path) -> str:
    """Overviews on any host."""
    write_town(folder / "over.tif", SIZE, HOUSE)
    (folder / "over.tif.aux.xml").write_text(overviews_at("/vsicurl/http://localhost:9/a.tif"))
    return r"over\.tif: .*as the place of its overviews"


def broken_tile(folder: Path) -> str:
    """A tile that cannot be decoded, which only reading it tells."""
    noise = np.random.default_rng(0).integers(0, 255, (3, SIZE.height, SIZE.width), np.uint8)
    write_raster(folder / "tile.tif", noise, tile=64, compress="deflate", **PLACED)
    break_middle(folder / "tile.tif")
    return r"tile\.tif: .*cannot be read"


ODD: tuple[Callable[[Path], str], ...] = (
    swapped,
    palette,
    cut_wkt,
    no_number,
    no_text,
    list_of_files,
    service,
    overview_elsewhere,
    broken_tile,
)


def test_odd_images_are_skipped_and_the_others_published_in_every_run(
    detection: Detection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images = Path(detection.images)
    write_town(images / "good.tif", SIZE, HOUSE)
    told = [make(images) for make in ODD]

    with pytest.raises(
        TooManySkippedError, match=rf"^{len(ODD)} of \d+ images skipped, and max_bad allows {len(ODD) - 1}:"
    ):
        detection.run(max_bad=len(ODD) - 1)
    again = tmp_path / "again"
    again.mkdir()
    counts = detection.publish(again, detection.detect(again), max_bad=len(ODD))

    assert (counts["scenes_failed"], counts["scenes_up_to_date"], counts["layer_scenes"]) == (len(ODD), 1, 1)
    layer = geopandas.read_parquet(Path(detection.output) / "layer")
    assert set(layer.source) == {"good.tif"} and layer.area_m2.gt(0).all()
    for pattern in told:
        assert re.search(f"skipped: {pattern}", caplog.text), pattern


def test_long_names_are_names(detection: Detection) -> None:
    stems = ["正" * 70, "x" * 251, "y" * 250 + "1", "y" * 250 + "2", "\N{GRINNING FACE}" * 62]
    for number, stem in enumerate(stems):
        write_town(Path(detection.images) / f"{stem}.tif", SIZE, HOUSE, east_px=1000 * number)

    counts = detection.run(item_pixels=80 * SIZE.width)

    assert (counts["scenes_published"], counts["scenes_failed"]) == (len(stems), 0)
    layer = geopandas.read_parquet(Path(detection.output) / "layer")
    assert sorted(layer.source) == sorted(f"{stem}.tif" for stem in stems)
    assert detection.run()["scenes_up_to_date"] == len(stems)
    names = [Path(entry.uri).name for entry in list_objects(detection.output)]
    assert max(len(name.encode()) for name in names) <= 255 - len(f"..{'0' * 32}.part"), "no room for a part file"
