"""Detection in the imagery of STAC catalogues, from the plan to the layer."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from components.core import storage
from components.core.collection.ledger import Collection
from components.core.documents.imagery import DetectionImages
from components.core.errors import ConfigError, DataError, TooManySkippedError
from components.core.geometry import Size
from components.core.storage.s3 import S3Store
from tests.builders import write_tiled
from tests.components.core.catalogue.catalogues import as_json, item, put, put_catalogue
from tests.detection.detecting import (
    CRS,
    HALL,
    HOUSE,
    PLACE,
    SHED,
    SIZE,
    Detection,
    layer,
    town,
    write_three,
    write_town,
)
from tests.detection.test_area_of_interest import coverage, ground, write_area


def with_catalogue(detection: Detection, place: str, *assets: str, **others: Any) -> Detection:
    made = replace(detection, images=place)
    return made.with_options(options=DetectionImages(assets=list(assets)), **others)


def put_three(folder: Path, **fields: Any) -> str:
    """The three towns, as items of a catalogue beside them."""
    write_three(folder)
    files = {"west": "west.tif", "east": "east/east_2026-11-20.tif", "south": "south.tif"}
    entries = [as_json(item(name, {"image": f"../{file}"}, **fields)) for name, file in files.items()]
    return put_catalogue(str(folder), *entries)


def test_items_are_scenes_as_images_below_a_prefix_are(detection: Detection, tmp_path: Path) -> None:
    place = put_three(Path(detection.images))
    detection.run()
    listed = layer(detection)
    found = with_catalogue(replace(detection, output=str(tmp_path / "other")), place)
    found.run()
    rows = layer(found).set_index("source")
    assert sorted(rows.index) == ["east", "west", "west"]
    assert sorted(rows.area_m2) == sorted(listed.area_m2)
    assert set(rows.captured) == {"2026-11-22T10:00:00Z"}, "the item's time wins over the date in the file's name"
    again = found.plan(tmp_path / "again")
    assert (again.done, again.scenes, again.retired) == (3, (), ())


def test_an_id_that_comes_twice_counts_as_skipped_in_every_run(detection: Detection) -> None:
    folder = Path(detection.images)
    write_town(folder / "west.tif", SIZE, HOUSE)
    entry = as_json(item("west", {"image": "./west.tif"}))
    found = with_catalogue(detection, put(f"{folder}/all.json", {"type": "FeatureCollection", "features": [entry] * 2}))
    for _ in range(2):
        with pytest.raises(TooManySkippedError, match="its id 'west' is also that of"):
            found.run()
        assert len(layer(found)) == 1
    assert found.run(max_bad=1)["scenes_up_to_date"] == 1


def test_assets_are_of_catalogues(detection: Detection, tmp_path: Path) -> None:
    write_town(Path(detection.images) / "west.tif", SIZE, HOUSE)
    with pytest.raises(ConfigError, match=r"assets: red: are of items of a STAC catalogue, and .*/in is a folder"):
        with_catalogue(detection, detection.images, "red").plan(tmp_path / "plan")


def test_new_changed_and_removed_items_are_found(detection: Detection, tmp_path: Path) -> None:
    folder = Path(detection.images)
    place = put_three(folder)
    found = with_catalogue(detection, place)
    found.run()
    write_town(folder / "north.tif", SIZE, HALL, south_px=-1000)
    write_town(folder / "south.tif", SIZE, SHED, south_px=1000)
    put_catalogue(
        str(folder), *(as_json(item(name, {"image": f"../{name}.tif"})) for name in ("west", "south", "north"))
    )
    plan = found.plan(tmp_path / "plan")
    assert {scene.key: scene.why.value for scene in plan.scenes} == {"south": "changed", "north": "new"}
    assert plan.done == 1 and [mark.scene.partition("-")[0] for mark in plan.retired] == ["east"]
    found.run()
    assert set(layer(found).source) == {"west", "south", "north"}


def test_our_own_catalogue_is_imagery_again(detection: Detection, tmp_path: Path) -> None:
    write_three(Path(detection.images))
    detection.run()
    own = with_catalogue(detection, str(Path(detection.output) / "collection.json"))
    again = replace(own, output=str(tmp_path / "again"), data_root=str(tmp_path / "data2"))
    again.run()
    first, second = layer(detection), layer(again)
    assert sorted(first.area_m2) == sorted(second.area_m2)
    assert {str(day) for day in first.captured} == {str(day) for day in second.captured}
    masks = with_catalogue(again, again.images, "mask")
    plan = replace(masks, output=str(tmp_path / "masks")).plan(tmp_path / "plan")
    assert {storage.name_of(scene.uri) for scene in plan.scenes} == {"mask.tif"}


def test_files_beside_an_image_that_an_item_does_not_name_make_no_new_version(
    detection: Detection, tmp_path: Path
) -> None:
    folder = Path(detection.images)
    found = with_catalogue(detection, put_three(folder))
    found.run()
    (folder / "west.tfw").write_text("1\n0\n0\n-1\n0\n0\n")
    plan = found.plan(tmp_path / "plan")
    assert (plan.done, plan.scenes, plan.retired) == (3, (), ())


def put_bands(folder: Path, **changes: Any) -> str:
    """The western town, each band an asset of its own, in an order that is not that of the colours."""
    pixels = np.stack([town(SIZE, HOUSE)[0], town(SIZE, HOUSE, SHED)[0], town(SIZE, HALL)[0]])
    assets = {}
    for number, name in enumerate(("red", "green", "blue")):
        options = {"crs": CRS, "transform": PLACE} | changes.get(name, {})
        band = options.pop("pixels", pixels[number : number + 1])
        write_tiled(folder / f"{name}.tif", band, **options)
        assets[f"B{number}"] = {"href": f"./{name}.tif", "bands": [{"name": f"B{number}", "eo:common_name": name}]}
    return put(str(folder / "item.json"), as_json(item("west", assets)))


def test_several_assets_are_the_bands_of_one_image(detection: Detection, tmp_path: Path) -> None:
    folder = tmp_path / "bands"
    place = put_bands(folder)
    pixels = np.concatenate([rasterio.open(folder / f"{name}.tif").read() for name in ("red", "green", "blue")])
    write_tiled(tmp_path / "whole" / "west.tif", pixels, crs=CRS, transform=PLACE)
    whole = replace(detection, images=str(tmp_path / "whole"), output=str(tmp_path / "other"))
    whole.run()
    apart = with_catalogue(detection, place, "red", "green", "blue")
    apart.run()
    assert layer(apart).geometry.iloc[0].equals(layer(whole).geometry.iloc[0])
    assert len(layer(apart)) == len(layer(whole)) > 0
    assert apart.plan(tmp_path / "again").done == 1

    write_tiled(folder / "blue.tif", town(SIZE)[:1], crs=CRS, transform=PLACE)
    (changed,) = apart.plan(tmp_path / "changed").scenes
    assert changed.why.value == "changed", "a band that is not the first counts, too"
    (other,) = with_catalogue(apart, place, "blue", "green", "red").plan(tmp_path / "other_order").scenes
    assert other.why.value == "changed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"blue": {"pixels": town(Size(200, 260))[:1]}}, "blue.tif: is 200×260 px, and .*red.tif, another band"),
        (
            {"green": {"crs": "EPSG:32634"}},
            "green.tif: .* or it lies elsewhere; bands that are assets of their own",
        ),
    ],
)
def test_bands_of_other_grids_are_told(
    changes: dict[str, Any], said: str, detection: Detection, tmp_path: Path
) -> None:
    apart = with_catalogue(detection, put_bands(tmp_path / "bands", **changes), "red", "green", "blue")
    (skipped,) = apart.plan(tmp_path / "plan").skipped
    assert re.search(said, skipped.reason), skipped.reason


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"green": {"pixels": town(SIZE)}},
            "green.tif: holds 3 bands, and an asset that is a band of",
        ),
        ({"green": {"pixels": town(SIZE)[:1].astype(np.uint16)}}, "green.tif: holds uint16 with nodata None, and"),
        ({"blue": {"nodata": 0}}, "blue.tif: holds uint8 with nodata 0.0, and"),
    ],
)
def test_bands_of_other_kinds_are_told(
    changes: dict[str, Any], said: str, detection: Detection, tmp_path: Path
) -> None:
    apart = with_catalogue(detection, put_bands(tmp_path / "bands", **changes), "red", "green", "blue")
    counts = apart.run(max_bad=1)
    assert counts["scenes_failed"] == 1
    report = next((Path(apart.output) / "reports").glob("*.html")).read_text()
    assert said.partition(":")[2][:30] in report


def test_fields_of_the_grid_that_the_raster_contradicts_do_not_count(
    detection: Detection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    right = {"proj:code": CRS, "proj:shape": [SIZE.height, SIZE.width], "proj:transform": list(PLACE)[:6]}
    folder = Path(detection.images)
    plan = with_catalogue(detection, put_three(folder, **{"proj:code": CRS, "proj:shape": right["proj:shape"]}))
    assert plan.plan(tmp_path / "right").warnings == ()
    wrong = with_catalogue(detection, put_three(folder, **right | {"proj:code": "EPSG:4326", "proj:shape": [1, 2]}))
    planned = wrong.plan(tmp_path / "wrong")
    (warning,) = planned.warnings
    assert warning.startswith("3 items say proj:code, proj:shape, proj:transform otherwise than their rasters do")
    assert {scene.crs for scene in planned.scenes} == {CRS}


def test_a_collection_is_of_one_catalogue(detection: Detection, tmp_path: Path) -> None:
    place = put_three(Path(detection.images))
    with_catalogue(detection, place).run()
    with pytest.raises(ConfigError, match=r"from which the collection at .* was made"):
        detection.plan(tmp_path / "plan")
    put(place, {"type": "Catalog", "stac_version": "1.1.0", "id": "c", "description": "", "links": []})
    with pytest.raises(ConfigError, match=r"no item in .*catalog\.json or in what its links lead to"):
        with_catalogue(detection, place).plan(tmp_path / "plan")
    put(place, b"{")
    with pytest.raises(DataError, match="is not JSON"):
        with_catalogue(detection, place).plan(tmp_path / "plan")
    assert len(list(Collection(detection.output).marks())) == 3


def test_a_second_run_asks_for_listings_alone(
    s3_environment: Any, detection: Detection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = s3_environment.new_folder()
    names = [f"s{number:02d}" for number in range(30)]
    write_town(tmp_path / "town.tif", SIZE, HOUSE)
    for name in names:
        storage.put_file(tmp_path / "town.tif", f"{root}/items/{name}.tif")
    place = put_catalogue(root, *(as_json(item(name, {"image": f"./{name}.tif"})) for name in names))
    found = with_catalogue(replace(detection, output=f"{root}/out"), place)
    plan = found.plan(tmp_path / "first")
    assert len(plan.scenes) == 30
    asked: list[str] = []
    reading, asking = S3Store.read_bytes, S3Store.stat
    monkeypatch.setattr(S3Store, "read_bytes", lambda self, uri: asked.append(uri) or reading(self, uri))
    monkeypatch.setattr(S3Store, "stat", lambda self, uri: asked.append(uri) or asking(self, uri))
    found.plan(tmp_path / "second")
    assert not [uri for uri in asked if uri.startswith(f"{root}/items/")]


def test_an_area_of_interest_limits_a_catalogue(detection: Detection, tmp_path: Path) -> None:
    place = put_three(Path(detection.images))
    area = write_area(tmp_path / "area.gpkg", ground((0, 0, 45, SIZE.width)))
    options = DetectionImages(aoi_uri=area)
    limited = replace(detection, images=place).with_options(options=options)
    limited.run()
    assert coverage(limited).pixels.to_dict() == {"west": 45 * SIZE.width}
    assert json.loads(Path(place).read_text())["links"]
