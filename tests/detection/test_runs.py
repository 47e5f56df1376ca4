"""What recurring runs do with imagery that comes, changes and goes."""

from __future__ import annotations

import base64
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import geopandas
import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from PIL import Image
from rio_cogeo.cogeo import cog_validate

from components.core import storage
from components.core.collection.failures import MOST_TRIES
from components.core.collection.plan import read_plan
from components.core.errors import ConfigError, TooManyBadItemsError
from components.core.geometry import Size
from components.core.imagery_facts import ImageFacts, ImageryFacts
from components.import_images.planned import import_planned
from components.plan_imagery.report import write_plan_report
from tests.builders import CRS, TRANSFORM, noise, write_raster, write_tiled
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import GSD_M, Detection, town, write_town
from tests.s3_server import S3Server

SIZE = Size(300, 260)
HOUSE = (20, 30, 40, 24)
SHED = (200, 100, 12, 20)
HALL = (100, 150, 60, 50)
PLACE = Affine(GSD_M, 0, 500_000, 0, -GSD_M, 5_300_000)


def write_three(folder: Path) -> None:
    write_town(folder / "west.tif", SIZE, HOUSE, SHED)
    write_town(folder / "east" / "east_2026-11-20.tif", SIZE, HALL, east_px=1000)
    write_town(folder / "south.tif", SIZE, south_px=1000)


def layer(detection: Detection) -> geopandas.GeoDataFrame:
    return geopandas.read_parquet(Path(detection.output) / "layer")


def test_bright_roofs_become_the_buildings_of_a_layer(detection: Detection) -> None:
    write_three(Path(detection.images))

    counts = detection.run()

    assert (counts["scenes_published"], counts["scenes_failed"], counts["buildings_new"]) == (3, 0, 3)
    found = layer(detection).set_index("source")
    assert sorted(found.index) == ["east/east_2026-11-20.tif", "west.tif", "west.tif"]
    assert found.crs == "OGC:CRS84"
    assert sorted(found.area_m2["west.tif"]) == pytest.approx([12 * 20 * GSD_M**2, 40 * 24 * GSD_M**2], rel=2e-3)
    on_ground = found.to_crs("EPSG:32633").geometry["east/east_2026-11-20.tif"].bounds
    left, top = 500_000 + (1000 + 150) * GSD_M, 5_300_000 - 100 * GSD_M
    assert on_ground == pytest.approx((left, top - 60 * GSD_M, left + 50 * GSD_M, top), abs=1e-3)
    assert found.captured["east/east_2026-11-20.tif"] == "2026-11-20"
    assert (found.confidence > 0.9).all()


def test_every_scene_has_a_mask_that_a_gis_opens(detection: Detection) -> None:
    write_three(Path(detection.images))
    asked = replace(detection, settings=replace(detection.settings, confidence=True))
    asked.run()

    masks = sorted((Path(detection.output) / "scenes").rglob("*.tif"))
    assert [path.name for path in masks] == ["confidence.tif", "mask.tif"] * 3
    for path in masks:
        is_valid, errors, warnings = cog_validate(path, strict=True)
        assert is_valid, (path, errors, warnings)
        with rasterio.open(path) as file:
            assert file.crs.to_epsg() == 32633
            assert file.transform.a == GSD_M


def sentence_of(detection: Detection, work: Path, formats: str = "") -> str:
    """What a run says at its end."""
    work.mkdir()
    detection.publish(work, detection.detect(work), formats=formats)
    return str(json.loads((work / "summary.json").read_text())["sentence"])


def test_a_second_run_does_nothing(detection: Detection) -> None:
    write_three(Path(detection.images))
    detection.run()
    before = detection.files()

    counts = detection.run()

    assert detection.files() == before
    assert (counts["scenes_published"], counts["scenes_up_to_date"], counts["partitions_written"]) == (0, 3, 0)


def test_only_what_is_new_changed_or_gone_is_touched(detection: Detection) -> None:
    images = Path(detection.images)
    write_three(images)
    detection.run()
    before = detection.files()
    house = layer(detection).query("source == 'west.tif' and area_m2 > 100").id.item()

    write_town(images / "west.tif", SIZE, HOUSE, HALL)
    write_town(images / "north.tif", SIZE, SHED, south_px=-1000)
    (images / "south.tif").unlink()
    counts = detection.run()

    assert (counts["scenes_published"], counts["scenes_up_to_date"], counts["layer_scenes"]) == (2, 1, 3)
    assert (counts["buildings_new"], counts["buildings_gone"]) == (2, 1)
    after = detection.files()
    assert {name for name in before if "east" in name} <= {name for name in after if after[name] == before.get(name)}
    assert not [name for name in after if "south" in name]
    assert len([name for name in after if name.startswith("scenes/west") and name.endswith("mask.tif")]) == 1
    west = layer(detection).query("source == 'west.tif'")
    assert sorted(west.area_m2) == pytest.approx([240, 750], rel=2e-3)
    assert house in set(west.id), "a building that is still there keeps its id"


def test_a_new_model_waits_until_it_is_asked_to_redo(detection: Detection, tmp_path: Path) -> None:
    write_town(Path(detection.images) / "a.tif", SIZE, HOUSE)
    detection.run()
    other = replace(detection, model=str(save_bright_model(tmp_path / "other", threshold=250)))
    write_town(Path(detection.images) / "b.tif", SIZE, HOUSE, east_px=1000)

    counts = other.run()
    assert (counts["scenes_published"], counts["scenes_waiting"], counts["layer_buildings"]) == (1, 1, 1)

    counts = other.with_options(redo="all").run()
    assert (counts["scenes_published"], counts["scenes_waiting"], counts["layer_buildings"]) == (1, 0, 0)
    assert len({name.split(".")[2] for name in detection.files() if name.startswith("ledger/")}) == 1


def test_the_sentence_says_what_is_gone_what_waits_and_which_files_are_of_an_earlier_layer(
    detection: Detection, tmp_path: Path
) -> None:
    write_three(Path(detection.images))
    detection.run(formats="geojsonl")
    (Path(detection.images) / "south.tif").unlink()
    other = replace(detection, settings=replace(detection.settings, regularise=True))

    sentence = sentence_of(other, tmp_path / "work")

    assert sentence.startswith(
        "Nothing new, 1 gone, 2 done with another model or settings, 0 up to date; the layer has "
    )
    assert sentence.endswith(" m²; of an earlier layer, and left so: footprints.geojsonl")
    assert "earlier" not in sentence_of(other, tmp_path / "again", formats="geojsonl")


def test_what_shards_finished_is_published_though_the_model_was_replaced_after_them(
    detection: Detection, tmp_path: Path
) -> None:
    """They have seen that it was the plan's until they had detected."""
    write_three(Path(detection.images))
    replaced = replace(detection, model=str(shutil.copytree(detection.model, tmp_path / "model")))
    (tmp_path / "work").mkdir()
    parts = replaced.detect(tmp_path / "work")
    save_bright_model(tmp_path / "model", threshold=250)

    assert replaced.publish(tmp_path / "work", parts)["layer_buildings"] == 3

    (model,) = (Path(detection.output) / "model").iterdir()
    linked = {link["href"] for link in json.loads((Path(detection.output) / "collection.json").read_text())["links"]}
    assert f"./model/{model.name}" in linked
    assert replaced.run()["scenes_waiting"] == 3


def test_a_model_that_nothing_was_detected_with_and_that_is_replaced_publishes_nothing(
    detection: Detection, tmp_path: Path
) -> None:
    write_town(Path(detection.images) / "a.tif", SIZE, HOUSE)
    replaced = replace(detection, model=str(shutil.copytree(detection.model, tmp_path / "model")))
    replaced.plan(tmp_path / "plan")
    save_bright_model(tmp_path / "model", threshold=250)

    with pytest.raises(ConfigError, match=r"model_uri: .*/model holds the model \w{12}, .* planned with \w{12}"):
        replaced.publish(tmp_path, [])

    assert replaced.files() == {}
    assert replaced.run()["scenes_published"] == 1


def test_scenes_of_a_run_that_was_never_published_are_in_the_layer_of_the_next_though_nothing_is_new(
    detection: Detection, tmp_path: Path
) -> None:
    images = Path(detection.images)
    write_three(images)
    detection.run()
    before = detection.files()
    write_town(images / "west.tif", SIZE, HOUSE, HALL)
    write_town(images / "north.tif", SIZE, SHED, south_px=-1000)
    undisturbed = replace(detection, output=str(shutil.copytree(detection.output, tmp_path / "undisturbed")))
    undisturbed.run()

    (tmp_path / "work").mkdir()
    detection.detect(tmp_path / "work")

    found = detection.files()
    assert before.items() <= found.items(), "what the layer shows stays until it shows the new"
    assert {name for name in found if name.startswith("layer")} == {name for name in before if name.startswith("layer")}
    assert detection.plan(tmp_path / "plan").shards == 0, "nothing is new"
    counts = detection.run()
    assert (counts["scenes_published"], counts["scenes_up_to_date"], counts["layer_scenes"]) == (0, 4, 4)
    assert (counts["buildings_new"], counts["buildings_gone"]) == (2, 1)
    assert detection.files() == undisturbed.files()


def test_a_scene_that_its_shard_cannot_finish_is_tried_again_and_named_once(
    detection: Detection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images = Path(detection.images)
    write_three(images)
    detection.run()
    (earlier,) = (Path(detection.output) / "scenes").glob("west-*/*/footprints.parquet")
    rows = earlier.read_bytes()
    earlier.write_bytes(b"broken")
    write_town(images / "west.tif", SIZE, HOUSE, HALL)
    write_town(images / "north.tif", SIZE, SHED, south_px=-1000)
    (tmp_path / "work").mkdir()

    parts = detection.detect(tmp_path / "work")
    with pytest.raises(
        TooManyBadItemsError, match=r"1 image left out.*: west\.tif: .*is not the footprints of a scene"
    ):
        detection.publish(tmp_path / "work", parts)

    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert [message.startswith("left out: west.tif: publish_collection:") for message in warned] == [True]
    (note,) = (Path(detection.output) / "failures").iterdir()
    assert json.loads(note.read_text())["tries"] == 1
    assert len(layer(detection).query("source == 'north.tif'")) == 1
    earlier.write_bytes(rows)
    assert detection.publish(tmp_path / "work", parts)["scenes_published"] == 2, "publication finishes what is left"
    assert len(layer(detection).query("source == 'west.tif'")) == 2
    assert not list((Path(detection.output) / "failures").iterdir())


def test_one_broken_image_among_a_hundred(detection: Detection) -> None:
    images = Path(detection.images)
    small = Size(64, 64)
    for index in range(99):
        write_town(images / f"town_{index:02d}.tif", small, (20, 20, 10, 10), east_px=100 * index)
    (images / "town_99.tif").write_bytes((images / "town_00.tif").read_bytes()[:1000])

    with pytest.raises(TooManyBadItemsError, match=r"1 image left out.*town_99\.tif: .*max_bad to 1"):
        detection.run()

    assert len(layer(detection)) == 99
    (report,) = (Path(detection.output) / "reports").iterdir()
    assert "town_99.tif" in report.read_text()
    counts = detection.run(max_bad=1)
    assert (counts["scenes_failed"], counts["scenes_up_to_date"]) == (1, 99)


def test_an_image_that_fails_run_after_run_is_given_up(detection: Detection, tmp_path: Path) -> None:
    """So that a recurring run with nothing new starts no GPU step for it."""
    images = Path(detection.images)
    write_town(images / "good.tif", SIZE, HOUSE)
    write_town(images / "tiny.tif", Size(20, 20))
    for _ in range(MOST_TRIES):
        assert detection.plan(tmp_path / "plan").shards == 1
        assert detection.run(max_bad=1)["scenes_failed"] == 1

    assert detection.plan(tmp_path / "plan").shards == 0
    with pytest.raises(TooManyBadItemsError, match=r"tiny\.tif: .*window.*failed in 3 runs.*failures/tiny"):
        detection.run()

    write_town(images / "tiny.tif", SIZE, SHED)
    counts = detection.run()
    assert (counts["scenes_published"], counts["scenes_failed"], counts["layer_buildings"]) == (1, 0, 2)
    assert not list((Path(detection.output) / "failures").iterdir())


def test_an_image_that_cannot_be_placed_is_named(detection: Detection) -> None:
    write_three(Path(detection.images))
    write_raster(Path(detection.images) / "lost.tif", noise(SIZE))

    with pytest.raises(TooManyBadItemsError, match=r"lost\.tif: .*CRS"):
        detection.run()

    assert len(layer(detection)) == 3


def test_an_empty_prefix_never_empties_the_layer(detection: Detection) -> None:
    write_three(Path(detection.images))
    detection.run()
    shutil.rmtree(detection.images)
    Path(detection.images).mkdir()

    with pytest.raises(ConfigError, match="lies no image"):
        detection.run()

    assert len(layer(detection)) == 3


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


def test_a_class_that_the_model_does_not_find_never_empties_the_layer(detection: Detection) -> None:
    write_three(Path(detection.images))
    detection.run()
    before = detection.files()
    wrong = replace(detection, settings=replace(detection.settings, class_title="roofs")).with_options(redo="all")

    with pytest.raises(ConfigError, match=r"'roofs' is no class of .*untitled_dl"):
        wrong.run()

    assert detection.files() == before


def test_the_report_shows_16_bit_imagery_as_the_network_saw_it(
    detection: Detection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pixels = town(SIZE, HOUSE, HALL).astype(np.uint16) * 20
    write_tiled(Path(detection.images) / "a.tif", pixels, crs=CRS, transform=TRANSFORM)

    detection.publish(tmp_path, detection.detect(tmp_path))

    page = (tmp_path / "report.html").read_text()
    (picture,) = re.findall(r'src="data:image/[a-z]+;base64,([^"]+)"', page)
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
        imported = import_planned(tmp_path / "plan", "1/1", tmp_path / "project", data_root=detection.data_root)
        assert len(plan.scenes) == 1
        (bad,) = imported.bad
        assert bad.reason.startswith(f"{world}: was {reason} after the plan was made; the next run does the image")


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
        assert "Unlike what the model learnt from" in (tmp_path / page).read_text()
        assert resolution in (tmp_path / page).read_text()
    planned, detected = (
        [record.message for record in caplog.records if record.name.startswith(name) and resolution in record.message]
        for name in ("components.plan_imagery", "components.core.imagery_facts")
    )
    assert (len(planned), len(detected)) == (1, 1)


def test_bands_that_are_asked_for_are_another_recipe(detection: Detection) -> None:
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
