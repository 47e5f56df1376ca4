"""Runs of detection on imagery as people have it: where scenes lie, how they overlap, and what their pixels mean."""

from __future__ import annotations

import base64
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from PIL import Image

from components.core import storage
from components.core.collection.plan import read_plan
from components.core.documents.imagery import DetectionImages
from components.core.imagery_facts import ImageFacts, ImageryFacts
from components.import_images.planned import import_planned
from components.plan_imagery.report import write_plan_report
from tests.builders import CRS, TRANSFORM, write_raster, write_tiled
from tests.detection.detecting import GSD_M, HALL, HOUSE, PLACE, SHED, SIZE, Detection, layer, town, write_town
from tests.s3_server import S3Server


def test_overlapping_scenes_show_a_building_once(detection: Detection) -> None:
    images = Path(detection.images)
    write_town(images / "old_2025-01-01.tif", SIZE, HOUSE, HALL)
    write_town(images / "new_2026-01-01.tif", SIZE, (100, 50, 60, 50), east_px=100)  # the hall, seen from the east

    counts = detection.run()

    assert (counts["layer_buildings"], counts["layer_duplicates_left_out"]) == (2, 1)
    assert sorted(layer(detection).source) == ["new_2026-01-01.tif", "old_2025-01-01.tif"]


def test_a_building_over_the_border_of_two_tiles_is_one(detection: Detection) -> None:
    images = Path(detection.images)
    write_town(images / "west.tif", SIZE, HOUSE, (100, SIZE.width - 30, 40, 30))
    write_town(images / "east.tif", SIZE, (100, 0, 40, 24), east_px=SIZE.width)

    counts = detection.run()

    assert (counts["layer_buildings"], counts["layer_buildings_joined"]) == (2, 1)
    found = layer(detection)
    joined = found.loc[found.area_m2.idxmax()]
    assert joined.geometry.geom_type == "Polygon"
    assert (joined.area_px, joined.touches_edge) == (40 * 54, False)


def test_scenes_of_several_crs_make_one_layer(detection: Detection) -> None:
    images = Path(detection.images)
    write_town(images / "utm.tif", SIZE, HOUSE)
    mercator = rasterio.Affine(1.0, 0, 1_700_000, 0, -1.0, 6_000_000)
    write_raster(images / "web.tif", town(SIZE, HALL), tile=512, crs="EPSG:3857", transform=mercator)

    counts = detection.run()

    assert counts["layer_buildings"] == 2
    true_area = layer(detection).set_index("source").area_m2["web.tif"]
    assert true_area == pytest.approx(60 * 50 * 0.677**2, rel=0.01), "Web Mercator's square metres are no square metres"


def test_where_there_is_no_data_there_is_no_building(detection: Detection) -> None:
    pixels = town(SIZE, HOUSE, HALL)
    pixels[:, :, 128:] = 255
    write_raster(
        Path(detection.images) / "half.tif",
        pixels,
        tile=512,
        nodata=255,
        crs="EPSG:32633",
        transform=rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 5_300_000),
    )
    detection.run()

    (mask,) = Path(detection.output).rglob("mask.tif")
    with rasterio.open(mask) as file:
        assert file.nodata == 255
        values = file.read(1)
    assert (values[:, 128:] == 255).all()
    assert set(values[:, :128].ravel()) == {0, 1}
    assert len(layer(detection)) == 1


def test_the_report_shows_16_bit_imagery_as_the_network_saw_it(
    detection: Detection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pixels = town(SIZE, HOUSE, HALL).astype(np.uint16) * 20
    write_tiled(Path(detection.images) / "a.tif", pixels, crs=CRS, transform=TRANSFORM)

    detection.publish(tmp_path, detection.detect(tmp_path))

    page = (tmp_path / "report.html").read_text()
    (picture,) = re.findall(r'<figure><img src="data:image/[a-z]+;base64,([^"]+)"', page)
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(picture), np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (SIZE.height, SIZE.width, 3)
    assert (shown[110:150, 160:190] > 240).all(), "a roof is white"
    assert (shown[250:, :100] < 15).all(), "the ground is black"
    assert "report:" not in caplog.text


def test_buildings_on_the_antimeridian_are_cut_there_and_keep_area_and_id(detection: Detection) -> None:
    east, north = pyproj.Transformer.from_crs(4326, 32601, always_xy=True).transform(180.0, 52.0)
    place = Affine(GSD_M, 0, east - SIZE.width / 2 * GSD_M, 0, -GSD_M, north)
    boxes = ((100, 110, 30, 40), HOUSE)
    write_tiled(Path(detection.images) / "a.tif", town(SIZE, *boxes), crs="EPSG:32601", transform=place)
    file = Path(detection.output) / "footprints.geojsonl"

    detection.run(formats="geojsonl")
    before = layer(detection)
    write_tiled(Path(detection.images) / "a.tif", town(SIZE, *boxes, SHED), crs="EPSG:32601", transform=place)
    counts = detection.run(formats="geojsonl")

    found = layer(detection)
    assert sorted(found.geom_type) == ["MultiPolygon", "Polygon", "Polygon"]
    widths = found.geometry.explode().bounds
    assert (widths.maxx - widths.minx).max() < 0.001
    cut = found[found.geom_type == "MultiPolygon"]
    assert cut.area_m2.item() == pytest.approx(30 * 40 * GSD_M**2, rel=2e-3)
    assert (counts["buildings_new"], counts["buildings_gone"]) == (1, 0)
    assert set(before.id) < set(found.id)
    shapes = [json.loads(line)["geometry"] for line in file.read_text().splitlines()]
    assert sorted(shape["type"] for shape in shapes) == ["MultiPolygon", "Polygon", "Polygon"]


def test_longitudes_of_0_to_360_are_brought_to_the_layers(detection: Detection) -> None:
    place = Affine(5e-6, 0, 200.0, 0, -5e-6, 40)
    write_tiled(Path(detection.images) / "a.tif", town(SIZE, HOUSE), crs="EPSG:4326", transform=place)

    detection.run()

    west, south, east, north = layer(detection).total_bounds
    assert (west, east) == pytest.approx((-160 + 30 * 5e-6, -160 + 54 * 5e-6), abs=1e-9)
    assert (south, north) == pytest.approx((40 - 60 * 5e-6, 40 - 20 * 5e-6), abs=1e-9)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_georeference_that_is_corrected_beside_an_image_moves_its_footprints(detection: Detection, name: str) -> None:
    image = Path(detection.images) / name
    write_raster(image, town(SIZE, HOUSE))
    place = image.with_name("a.pgw" if image.suffix == ".png" else "a.tfw")
    world = f"{GSD_M}\n0\n0\n-{GSD_M}\n{{}}\n5299999.75\n"
    place.write_text(world.format(500_000.25))
    image.with_suffix(".prj").write_text(pyproj.CRS(CRS).to_wkt("WKT1_ESRI"))
    detection.run()
    before = layer(detection).to_crs(CRS).total_bounds
    assert detection.run()["scenes_up_to_date"] == 1

    place.write_text(world.format(500_100.25))
    counts = detection.run()

    assert (counts["scenes_published"], counts["scenes_up_to_date"]) == (1, 0)
    assert layer(detection).to_crs(CRS).total_bounds - before == pytest.approx((100, 0, 100, 0), abs=1e-3)


def test_what_is_said_beside_an_image_in_object_storage_places_and_masks_it(
    detection: Detection, s3_environment: S3Server, tmp_path: Path
) -> None:
    bucket = s3_environment.new_folder()
    image = tmp_path / "a.tif"
    write_raster(image, town(SIZE, HOUSE, HALL), tile=16)
    mask = np.full((SIZE.height, SIZE.width), 255, np.uint8)
    mask[80:] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(image, "r+") as out:
        out.write_mask(mask)
    (tmp_path / "a.tfw").write_text(f"{GSD_M}\n0\n0\n-{GSD_M}\n500000.25\n5299999.75\n")
    (tmp_path / "a.prj").write_text(pyproj.CRS(CRS).to_wkt("WKT1_ESRI"))
    for name in ("a.tif", "a.tif.msk", "a.tfw", "a.prj"):
        storage.put_file(tmp_path / name, f"{bucket}/{name}")
    remote = replace(detection, images=bucket)

    counts = remote.run()
    storage.write_bytes(f"{bucket}/a.prj", pyproj.CRS("EPSG:32634").to_wkt("WKT1_ESRI").encode())
    west = layer(remote).total_bounds[0]
    again = remote.run()

    assert (counts["scenes_published"], counts["layer_buildings"]) == (1, 1), "the hall lies without the mask"
    assert (again["scenes_published"], again["layer_buildings"]) == (1, 1)
    assert layer(remote).total_bounds[0] - west == pytest.approx(6, abs=1e-6), "a zone further east"


def test_what_was_replaced_beside_an_image_after_the_plan_leaves_it_to_the_next_run(
    detection: Detection, tmp_path: Path
) -> None:
    image = Path(detection.images) / "a.png"
    write_raster(image, town(SIZE, HOUSE))
    image.with_suffix(".prj").write_text(pyproj.CRS(CRS).to_wkt("WKT1_ESRI"))
    world = image.with_suffix(".pgw")
    for change, reason in ((lambda: world.write_text("9\n0\n0\n-9\n0\n0\n"), "replaced"), (world.unlink, "deleted")):
        world.write_text(f"{GSD_M}\n0\n0\n-{GSD_M}\n500000.25\n5299999.75\n")
        plan = detection.plan(tmp_path / "plan")
        change()
        imported = import_planned(
            read_plan(tmp_path / "plan"), "1/1", tmp_path / "project", data_root=detection.data_root
        )
        assert len(plan.scenes) == 1
        (bad,) = imported.skipped
        assert bad.reason.startswith(f"{world}: was {reason} after planning; the next run imports the image")


def test_pixels_that_are_no_number_hold_no_data(detection: Detection) -> None:
    pixels = town(SIZE, HOUSE, HALL).astype(np.float32) / 255
    pixels[:, :, :140] = np.nan
    write_tiled(Path(detection.images) / "a.tif", pixels, crs=CRS, transform=TRANSFORM)

    counts = detection.run()

    assert counts["layer_buildings"] == 1
    (mask,) = Path(detection.output).rglob("mask.tif")
    with rasterio.open(mask) as file:
        assert (file.dataset_mask()[:, :140] == 0).all() and (file.dataset_mask()[:, 140:] == 255).all()


def test_near_infrared_that_is_tagged_alpha_hides_nothing(
    detection: Detection, caplog: pytest.LogCaptureFixture
) -> None:
    infrared = np.full((1, SIZE.height, SIZE.width), 120, np.uint8)
    infrared[:, :100] = 0
    pixels = np.concatenate([town(SIZE, HOUSE, HALL), infrared])
    write_tiled(Path(detection.images) / "a.tif", pixels, crs=CRS, transform=TRANSFORM)

    counts = detection.run()

    assert counts["layer_buildings"] == 2
    assert "band 4 is tagged alpha, but 100% of its values are neither 0 nor the greatest" in caplog.text


def test_photographs_are_turned_and_their_footprints_stay_in_place(detection: Detection) -> None:
    image = Path(detection.images) / "a.jpg"
    image.parent.mkdir()
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.moveaxis(town(SIZE, HALL), 0, 2)).save(image, exif=exif, quality=100)
    image.with_suffix(".jgw").write_text(f"{GSD_M}\n0\n0\n-{GSD_M}\n500000.25\n5299999.75\n")
    image.with_suffix(".prj").write_text(pyproj.CRS(CRS).to_wkt("WKT1_ESRI"))

    counts = detection.run()

    assert counts["layer_buildings"] == 1
    left, top = 500_000 + 150 * GSD_M, 5_300_000 - 100 * GSD_M
    expected = (left, top - 60 * GSD_M, left + 50 * GSD_M, top)
    assert layer(detection).to_crs(CRS).total_bounds == pytest.approx(expected, abs=GSD_M)


def test_imagery_unlike_that_of_the_training_is_said_in_the_plan_and_in_the_report(
    detection: Detection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = shutil.copytree(detection.model, tmp_path / "model")
    learnt = ImageryFacts.of([ImageFacts(GSD_M / 3, "uint8", "", "red, green and blue")])
    (model / "data.json").write_text(
        json.dumps({"training_config": {"encoder_weights": "none"}, "imagery": learnt.as_json()})
    )
    write_tiled(Path(detection.images) / "a.tif", town(SIZE, HOUSE).astype(np.uint16) * 20, crs=CRS, transform=PLACE)
    odd = replace(detection, model=str(model))

    odd.publish(tmp_path, odd.detect(tmp_path))
    write_plan_report(read_plan(tmp_path / "plan"), tmp_path / "plan.html", tmp_path / "plan.json")

    resolution, values = read_plan(tmp_path / "plan").warnings
    assert resolution.startswith("1 of 1 images has pixels of 0.5 m on the ground, and the model learnt from 0.17 m")
    assert values.startswith("1 of 1 images has uint16 scaled by percentile pixels, and the model learnt from uint8")
    for page in ("plan.html", "report.html"):
        assert "Unlike the training imagery" in (tmp_path / page).read_text()
        assert resolution in (tmp_path / page).read_text()
    planned, detected = (
        [record.message for record in caplog.records if record.name.startswith(name) and resolution in record.message]
        for name in ("components.plan_imagery", "components.core.imagery_facts")
    )
    assert (len(planned), len(detected)) == (1, 1)


def test_bands_that_are_asked_for_are_another_detector(detection: Detection) -> None:
    pixels = town(SIZE, HOUSE)
    pixels[:, :200] = 220
    grey = np.concatenate([pixels, town(SIZE, HALL)[:1]])
    write_tiled(Path(detection.images) / "a.tif", grey, crs=CRS, transform=PLACE)
    detection.run()
    assert layer(detection).area_m2.sum() == pytest.approx(200 * SIZE.width * GSD_M**2, rel=1e-2)
    asked = replace(detection, settings=replace(detection.settings, bands="4, 4,4"))

    assert asked.run()["scenes_waiting"] == 1
    counts = asked.with_options(redo="all").run()

    assert counts["scenes_published"] == 1
    assert layer(detection).area_m2.sum() == pytest.approx(60 * 50 * GSD_M**2, rel=1e-2)
    assert asked.run()["scenes_up_to_date"] == 1


def test_another_scaling_is_another_way_to_detect(detection: Detection) -> None:
    """Names of scenes done with the default stay what they were."""
    write_town(Path(detection.images) / "west.tif", SIZE, HOUSE)
    detection.run()
    scaled = detection.with_options(options=DetectionImages(scaling="0,4000"))

    assert scaled.run()["scenes_waiting"] == 1
    assert scaled.with_options(options=DetectionImages(scaling="0, 4e3"), redo="all").run()["scenes_published"] == 1
    assert scaled.run()["scenes_waiting"] == 0
    assert detection.with_options(options=DetectionImages(scaling="percentile")).run()["scenes_waiting"] == 1
