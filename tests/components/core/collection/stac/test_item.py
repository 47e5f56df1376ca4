import posixpath
from pathlib import Path

import pystac
import pytest
import shapely
from affine import Affine
from pyproj import CRS, Transformer

from components.core.collection.stac import MaskClass, document_bytes, item_place, model_place, scene_item
from tests.components.core.collection.stac.scenes import CLASSES, DETECTED, MARK, MODEL, TRANSFORM, UTM33, record
from tests.components.core.collection.stac.valid import check, links


def item(**changes: object) -> dict:
    return scene_item(MARK, record(**changes), transform=TRANSFORM, classes=CLASSES, detected=DETECTED)


def test_an_item_is_valid_and_says_what_was_found() -> None:
    found = item()

    check(found)
    assert found["stac_version"] == "1.1.0"
    assert (found["id"], found["properties"]["version"]) == (MARK.scene, f"{MARK.version}.{MARK.detector}")
    said = found["properties"]
    assert (said["footprints:count"], said["footprints:area_m2"]) == (12, 3456.7)
    assert said["footprints:model"] == MODEL[:12]
    assert said["gsd"] == pytest.approx(0.3, rel=1e-3)


def test_the_geometry_has_the_images_corners_on_earth() -> None:
    found = item()

    corners = {tuple(point) for point in found["geometry"]["coordinates"][0]}
    expected = [UTM33.transform(600_000 + x, 5_300_000 - y) for x in (0, 300) for y in (0, 150)]
    assert corners == {(round(x, 8), round(y, 8)) for x, y in expected}
    assert shapely.box(*found["bbox"]).buffer(1e-7).covers(shapely.geometry.shape(found["geometry"]))


def test_every_reference_within_the_tree_leads_to_its_place() -> None:
    found = item()

    folder = posixpath.dirname(item_place(MARK))
    resolved = {rel: posixpath.normpath(posixpath.join(folder, links(found, rel)[0])) for rel in ("root", "parent")}
    assert resolved == {"root": "collection.json", "parent": "collection.json"}
    assert posixpath.normpath(posixpath.join(folder, *links(found, "derived_from"))) == model_place(MODEL)
    assert [asset["href"] for asset in found["assets"].values()] == [
        "./mask.tif",
        "./confidence.tif",
        "./footprints.parquet",
    ]
    assert not links(found, "self")
    assert links(found, "via") == ["s3://imagery/2026/austin7.tif"]


def test_rasters_carry_their_grid_and_their_meaning() -> None:
    assets = item()["assets"]

    for role in ("mask", "confidence"):
        assert assets[role]["type"] == "image/tiff; application=geotiff; profile=cloud-optimized"
        assert assets[role]["proj:code"] == "EPSG:32633"
        assert assets[role]["proj:shape"] == [500, 1000]
        assert assets[role]["proj:transform"] == [0.3, 0, 600_000, 0, -0.3, 5_300_000]
    assert assets["mask"]["classification:classes"] == [
        {"value": 0, "name": "bg", "description": "bg", "color_hint": "000000"},
        {"value": 1, "name": "Geb_ude_neu_", "description": "Gebäude (neu)", "color_hint": "56E236"},
    ]
    assert assets["confidence"]["raster:scale"] * 255 == pytest.approx(1)
    assert assets["footprints"]["type"] == "application/vnd.apache.parquet"
    assert "proj:shape" not in assets["footprints"]


def test_outputs_that_are_not_there_are_not_listed() -> None:
    found = item(files={"mask": "m.tif", "item": "item.json"})

    assert list(found["assets"]) == ["mask"]
    assert found["assets"]["mask"]["href"] == "./m.tif"


def test_a_crs_without_a_code_is_given_in_full() -> None:
    wkt = CRS.from_proj4("+proj=utm +zone=33 +ellps=bessel +units=m").to_wkt()
    found = item(crs=wkt)

    check(found)
    assert found["assets"]["mask"]["proj:code"] is None
    assert CRS.from_wkt(found["assets"]["mask"]["proj:wkt2"]) == CRS.from_wkt(wkt)


@pytest.mark.parametrize(
    ("captured", "times", "known"),
    [
        ("2026-05-01", (None, "2026-05-01T00:00:00Z", "2026-05-01T23:59:59Z"), "capture"),
        ("2026-05-01T10:00:00+02:00", ("2026-05-01T08:00:00Z", None, None), "capture"),
        ("", ("2026-07-01T12:30:00Z", None, None), "detection"),
        ("in spring", ("2026-07-01T12:30:00Z", None, None), "detection"),
    ],
)
def test_the_time_is_that_of_capture_where_it_is_known(captured: str, times: tuple, known: str) -> None:
    found = item(captured=captured)

    check(found)
    said = found["properties"]
    assert (said["datetime"], said.get("start_datetime"), said.get("end_datetime")) == times
    assert said["footprints:datetime_of"] == known
    assert said["processing:datetime"] == "2026-07-01T12:30:00Z"


def test_a_scene_across_the_180th_meridian_is_cut_there() -> None:
    place = Affine(100, 0, 780_000, 0, -100, 8_000_000)  # UTM zone 60S, near Fiji
    bounds = Transformer.from_crs("EPSG:32760", "EPSG:4326", always_xy=True).transform_bounds(
        780_000, 7_950_000, 880_000, 8_000_000
    )
    assert bounds[0] > bounds[2]
    found = scene_item(
        MARK, record(crs="EPSG:32760", bounds=bounds), transform=place, classes=CLASSES, detected=DETECTED
    )

    check(found)
    shape = shapely.geometry.shape(found["geometry"])
    assert shape.geom_type == "MultiPolygon" and shape.is_valid
    assert 0 < shape.area < 1
    assert shapely.total_bounds(shape)[[0, 2]].tolist() == [-180, 180]


def test_an_image_of_a_relative_path_is_named_wherever_the_item_goes(tmp_path: Path) -> None:
    (found,) = links(item(uri="pictures/a b.PNG"), "via")

    assert found == str(Path("pictures/a b.PNG").absolute())


def test_the_same_scene_gives_the_same_bytes() -> None:
    assert document_bytes(item()) == document_bytes(item())


def test_pystac_reads_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "item.json"
    found = scene_item(
        MARK, record(), transform=TRANSFORM, classes=CLASSES, detected=DETECTED, software={"footprints": "1.2"}
    )
    file.write_bytes(document_bytes(found))

    read = pystac.Item.from_file(str(file))

    assert read.ext.proj is not None and read.assets["mask"].ext.proj.shape == [500, 1000]
    assert read.assets["mask"].ext.classification.classes[1].description == "Gebäude (neu)"
    assert read.properties["processing:software"] == {"footprints": "1.2"}
    assert read.assets["mask"].get_absolute_href() == str(tmp_path / "mask.tif")


def test_a_title_of_strange_characters_alone_has_a_name() -> None:
    assert MaskClass(3, "建物", "#ffffff").as_json()["name"] == "_"
