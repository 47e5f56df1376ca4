"""A project in, layers out that a GIS reads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from pyproj import Geod
from rasterio.features import rasterize
from scipy import ndimage

from components.core.cli import BAD_INPUT
from components.core.command.run import stage_main
from components.core.errors import ConfigError, DataError, TooManySkippedError
from components.core.figures import Bitmap, Shape
from components.core.geometry import FlipAxis, Size
from components.core.imagery.recipe import Crop, Flip
from components.core.project import ClassInfo, ImageRef, Item, Object, ProjectMeta, write_manifest
from components.core.project.parts import Rows, part_item
from components.publish_footprints.layers import FORMATS, USUAL_FORMATS
from components.publish_footprints.publish_footprints import publish
from tests.builders import CRS, TRANSFORM, bitmap_meta, block_mask, files_below, whole, write_tiled
from tests.geoparquet_checks import check_geoparquet

SIZE = Size(60, 80)
COLUMNS = ["id", "class", "area_m2", "area_px", "confidence", "status", "source", "geometry"]


def scene_mask(seed: int) -> np.ndarray:
    mask = block_mask(SIZE, seed, blocks=5)
    mask[20:30, 30:45] = False
    mask[5, 5] = mask[6, 6] = True
    return mask


def split_objects(mask: np.ndarray) -> tuple[Object, ...]:
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    return tuple(Object("untitled_dl", Bitmap.of_pixels(labels == label)) for label in range(1, count + 1))


def scene(name: str, seed: int, crs: str | None = CRS, transform: Affine | None = TRANSFORM) -> Item:
    image = ImageRef.whole(f"{name}.tif", SIZE, crs, transform)
    return Item("ds", name, SIZE, image, objects=split_objects(scene_mask(seed)))


def project(root: Path, *items: Item) -> Path:
    write_manifest(root / "project", bitmap_meta("inf_splitted", "untitled_dl", "bg_dl"), items)
    return root / "project"


def read(directory: Path, name: str = "footprints") -> dict[str, geopandas.GeoDataFrame]:
    return {
        "parquet": geopandas.read_parquet(directory / f"{name}.parquet"),
        "gpkg": geopandas.read_file(directory / f"{name}.gpkg", layer=name),
        "geojson": geopandas.read_file(directory / f"{name}.geojson"),
    }


def test_all_formats_hold_the_same_footprints(tmp_path: Path) -> None:
    items = (scene("austin1", 1), scene("vienna2", 2))
    result = publish(project(tmp_path, *items), tmp_path / "out", workers=1)
    layers = read(tmp_path / "out")
    count = sum(len(item.objects) for item in items)
    for frame in layers.values():
        assert list(frame.columns) == COLUMNS
        assert len(frame) == count
        assert frame.is_valid.all()
        assert frame["id"].is_unique
        assert set(frame["source"]) == {"austin1", "vienna2"}
        assert (frame["class"] == "untitled_dl").all()
        assert frame["confidence"].isna().all()
        assert list(frame["id"]) == list(layers["parquet"]["id"])
        assert np.allclose(frame["area_m2"], layers["parquet"]["area_m2"])
    assert layers["parquet"].crs == layers["gpkg"].crs == CRS
    assert layers["geojson"].crs == "EPSG:4326"
    in_degrees = layers["gpkg"].geometry.to_crs("EPSG:4326")
    assert shapely.hausdorff_distance(in_degrees.values, layers["geojson"].geometry.values).max() < 1e-7
    assert np.allclose(layers["geojson"].total_bounds, layers["parquet"].to_crs("EPSG:4326").total_bounds, atol=1e-8)
    assert result.scalars()["footprints"] == count
    assert result.scalars()["area_m2"] == pytest.approx(layers["parquet"]["area_m2"].sum(), abs=0.01)
    assert sorted(files_below(tmp_path / "out")) == [
        "footprints.geojson",
        "footprints.gpkg",
        "footprints.parquet",
        "summary.json",
    ]


def test_every_format_is_there_on_request(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """But for tiles of a map where nobody knows the place on it."""
    source = project(tmp_path, scene("austin1", 1), scene("plain", 2, None, None))

    publish(source, tmp_path / "out", formats=list(FORMATS), workers=1)

    suffixes = {"parquet", "gpkg", "geojson", "fgb", "pmtiles"}
    names = {f"footprints.{suffix}" for suffix in suffixes}
    names |= {f"footprints_pixels.{suffix}" for suffix in suffixes - {"pmtiles"}}
    assert set(files_below(tmp_path / "out")) == names | {"summary.json"}
    assert "footprints_pixels.pmtiles: not written" in caplog.text
    for name in ("footprints", "footprints_pixels"):
        wanted = geopandas.read_parquet(tmp_path / "out" / f"{name}.parquet").set_index("id").sort_index()
        found = geopandas.read_file(tmp_path / "out" / f"{name}.fgb").set_index("id").sort_index()
        assert shapely.hausdorff_distance(found.geometry.values, wanted.geometry.values).max() == 0
        assert found.crs == wanted.crs
    tiles = geopandas.read_file(tmp_path / "out" / "footprints.pmtiles").to_crs(CRS)
    assert set(tiles["id"]) <= set(geopandas.read_parquet(tmp_path / "out" / "footprints.parquet")["id"])
    assert tiles.intersects(
        shapely.box(*geopandas.read_parquet(tmp_path / "out" / "footprints.parquet").total_bounds)
    ).all()


def test_the_geoparquet_is_as_the_format_asks(tmp_path: Path) -> None:
    items = (scene("austin1", 1), scene("austin2", 3), scene("plain", 2, None, None))

    publish(project(tmp_path, *items), tmp_path / "out", formats=["geoparquet"], workers=1)

    for name in ("footprints", "footprints_pixels"):
        check_geoparquet(tmp_path / "out" / f"{name}.parquet")


def test_without_tolerance_the_polygons_are_the_pixels(tmp_path: Path) -> None:
    publish(project(tmp_path, scene("austin1", 1)), tmp_path / "out", tolerance="0", workers=1)
    frame = geopandas.read_parquet(tmp_path / "out" / "footprints.parquet")
    mask = rasterize(frame.geometry, (SIZE.height, SIZE.width), transform=TRANSFORM) > 0
    assert np.array_equal(mask, scene_mask(1))
    assert np.allclose(frame.area, frame["area_px"] * 0.3 * 0.3)
    assert (frame.geom_type == "MultiPolygon").any()


def test_areas_are_geodesic(tmp_path: Path) -> None:
    publish(project(tmp_path, scene("austin1", 1, "EPSG:3857")), tmp_path / "out", tolerance="0", workers=1)
    frame = geopandas.read_file(tmp_path / "out" / "footprints.geojson")
    geod = Geod(ellps="WGS84")
    measured = [abs(geod.geometry_area_perimeter(shapely.orient_polygons(shape))[0]) for shape in frame.geometry]
    assert np.allclose(frame["area_m2"], measured, atol=0.01)
    assert (frame["area_m2"] < 0.6 * frame["area_px"] * 0.09).all()  # square metres of the projection are too many


def test_geojson_follows_its_standard(tmp_path: Path) -> None:
    publish(project(tmp_path, scene("austin1", 1)), tmp_path / "out", workers=1)
    data = json.loads((tmp_path / "out" / "footprints.geojson").read_text())
    assert data["type"] == "FeatureCollection"
    assert "crs" not in data
    assert "WGS 84" in data["metadata"]["coordinates"]
    for feature in data["features"]:
        assert feature["id"] == feature["properties"]["id"]
        geometry = feature["geometry"]
        parts = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        for exterior, *holes in parts:
            assert exterior[0] == exterior[-1]
            assert shapely.LinearRing(exterior).is_ccw
            assert not any(shapely.LinearRing(hole).is_ccw for hole in holes)
            assert all(14 < x < 16 and 47 < y < 49 for x, y in exterior)


def test_scenes_of_several_crs_meet_in_wgs84(tmp_path: Path) -> None:
    items = (scene("austin1", 1), scene("vienna2", 2, "EPSG:32634"))
    publish(project(tmp_path, *items), tmp_path / "out", workers=1)
    for frame in read(tmp_path / "out").values():
        assert frame.crs == "EPSG:4326"
        longitudes = frame.groupby("source").apply(lambda rows: rows.total_bounds[0], include_groups=False)
        assert longitudes["vienna2"] - longitudes["austin1"] == pytest.approx(6, abs=1e-3)


def test_scenes_without_crs_make_a_layer_of_pixels(tmp_path: Path) -> None:
    items = (scene("austin1", 1), scene("plain", 2, None, None))
    result = publish(project(tmp_path, *items), tmp_path / "out", tolerance="0", workers=1)
    assert [layer.name for layer in result.layers] == ["footprints", "footprints_pixels"]
    for frame in read(tmp_path / "out").values():
        assert set(frame["source"]) == {"austin1"}
    pixels = read(tmp_path / "out", "footprints_pixels")
    for name, frame in pixels.items():
        assert list(frame.columns) == [*COLUMNS[:-1], "coordinates", "geometry"]
        assert set(frame["source"]) == {"plain"}
        assert frame["coordinates"].str.startswith("pixels of the source image").all()
        assert frame["area_m2"].isna().all()
        mask = rasterize(frame.geometry, (SIZE.height, SIZE.width)) > 0
        assert np.array_equal(mask, scene_mask(2)), name
    assert pixels["parquet"].crs is None
    assert pixels["gpkg"].crs is None
    metadata = pyogrio.read_info(tmp_path / "out" / "footprints_pixels.gpkg", "footprints_pixels")["layer_metadata"]
    assert metadata["coordinates"].startswith("pixels")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["layers"][1]["coordinates"].startswith("pixels")
    assert result.scalars()["scenes_without_crs"] == 1


def test_only_the_layers_that_are_needed_appear(tmp_path: Path) -> None:
    publish(project(tmp_path, scene("plain", 2, None, None)), tmp_path / "out", workers=1, formats=["gpkg"])
    assert sorted(files_below(tmp_path / "out")) == ["footprints_pixels.gpkg", "summary.json"]


@pytest.mark.parametrize("items", [(), (replace(scene("austin1", 1), objects=()),)])
def test_no_footprints_make_empty_layers(tmp_path: Path, items: tuple[Item, ...]) -> None:
    result = publish(project(tmp_path, *items), tmp_path / "out", workers=1)
    layers = read(tmp_path / "out")
    assert all(len(frame) == 0 for frame in layers.values())
    assert list(layers["parquet"].columns) == list(layers["gpkg"].columns) == COLUMNS
    assert layers["parquet"].crs == layers["gpkg"].crs == (CRS if items else "EPSG:4326")
    assert json.loads((tmp_path / "out" / "footprints.geojson").read_text())["features"] == []
    assert result.scalars()["footprints"] == 0
    assert result.layers[0].bounds is None


def test_flipped_crops_lie_where_their_pixels_lie(tmp_path: Path) -> None:
    mask = scene_mask(1)
    image = ImageRef.whole("austin1.tif", SIZE, CRS, TRANSFORM)
    window = whole(np.zeros((40, 50))).shift(10, 20)
    image = image.then(Crop(window)).then(Flip(FlipAxis.LEFT_RIGHT))
    item = Item("ds", "crop", Size(40, 50), image, objects=split_objects(mask[window.slices][:, ::-1].copy()))
    publish(project(tmp_path, item), tmp_path / "out", tolerance="0", workers=1)
    frame = geopandas.read_parquet(tmp_path / "out" / "footprints.parquet")
    expected = np.zeros_like(mask)
    expected[window.slices] = mask[window.slices]
    assert np.array_equal(rasterize(frame.geometry, mask.shape, transform=TRANSFORM) > 0, expected)


def test_confidence_is_the_mean_over_the_objects_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.core.project.confidence.BAND_ROWS", 7)
    values = np.random.default_rng(0).integers(0, 256, (SIZE.height, SIZE.width), np.uint8)
    uri = write_tiled(tmp_path / "confidence.tif", values)
    item = replace(scene("austin1", 1), rasters={"confidence": uri})
    upside_down = replace(
        item,
        name="flipped",
        image=item.image.then(Flip(FlipAxis.UP_DOWN)),
        objects=split_objects(scene_mask(1)[::-1].copy()),
        rasters={"confidence": write_tiled(tmp_path / "flipped.tif", values[::-1].copy())},
    )
    publish(project(tmp_path, item, upside_down), tmp_path / "out", tolerance="0", workers=1)
    frame = geopandas.read_parquet(tmp_path / "out" / "footprints.parquet")
    for row in frame.itertuples():
        inside = rasterize([row.geometry], values.shape, transform=TRANSFORM) > 0
        assert row.confidence == pytest.approx(values[inside].mean() / 255, abs=1e-4)


def test_confidence_of_other_depth_is_an_error(tmp_path: Path) -> None:
    uri = write_tiled(tmp_path / "confidence.tif", np.ones((SIZE.height, SIZE.width), np.float32))
    item = replace(scene("austin1", 1), rasters={"confidence": uri})
    with pytest.raises(DataError, match="confidence is float32, not uint8"):
        publish(project(tmp_path, item), tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["confidence.tif", "project"]


def test_small_objects_are_left_out(tmp_path: Path) -> None:
    result = publish(project(tmp_path, scene("austin1", 1)), tmp_path / "out", min_area_m2=1.0, workers=1)
    frame = geopandas.read_parquet(tmp_path / "out" / "footprints.parquet")
    small = sum(entry.figure.area * 0.09 < 1 for entry in scene("austin1", 1).objects)
    assert result.scenes[0].left_out == small > 0
    assert len(frame) == len(scene("austin1", 1).objects) - small
    assert (frame["area_m2"] >= 1).all()


def test_a_tolerance_in_metres_counts_on_the_ground(tmp_path: Path) -> None:
    result = publish(project(tmp_path, scene("austin1", 1)), tmp_path / "out", tolerance="0.6 m", workers=1)
    assert result.scenes[0].tolerance_px == pytest.approx(2, rel=1e-3)


def test_ids_are_stable(tmp_path: Path) -> None:
    first = scene("austin1", 1)
    again = replace(first, dataset="renamed", objects=first.objects[::-1], image=replace(first.image, uri="moved.tif"))
    publish(project(tmp_path / "a", first), tmp_path / "a" / "out", workers=1)
    publish(project(tmp_path / "b", again), tmp_path / "b" / "out", workers=1)
    frames = [geopandas.read_parquet(tmp_path / name / "out" / "footprints.parquet") for name in "ab"]
    assert list(frames[0]["id"]) == list(frames[1]["id"])


def test_images_of_one_name_are_told_apart(tmp_path: Path) -> None:
    items = (scene("austin1", 1), replace(scene("austin1", 1), dataset="other"))
    publish(project(tmp_path, *items), tmp_path / "out", workers=1)
    frame = geopandas.read_parquet(tmp_path / "out" / "footprints.parquet")
    assert set(frame["source"]) == {"ds/austin1", "other/austin1"}
    assert frame["id"].is_unique


def test_overlapping_objects_have_ids_of_their_own(tmp_path: Path) -> None:
    item = scene("austin1", 1)
    publish(project(tmp_path, item.with_objects(item.objects * 2)), tmp_path / "out", workers=1)
    assert geopandas.read_parquet(tmp_path / "out" / "footprints.parquet")["id"].is_unique


def test_files_do_not_depend_on_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.core.parallel.ALONE_SECONDS", 0.0)
    source = project(tmp_path, *(scene(f"austin{seed}", seed) for seed in range(4)))
    for name, workers in (("one", 1), ("two", 2)):
        publish(source, tmp_path / name, formats=["geoparquet", "geojson"], workers=workers)
    assert files_below(tmp_path / "one") == files_below(tmp_path / "two")


def test_a_copy_goes_where_it_is_asked_for(tmp_path: Path) -> None:
    source = project(tmp_path, scene("austin1", 1))
    publish(source, tmp_path / "out", output_uri=str(tmp_path / "maps" / "city"), workers=1)
    assert files_below(tmp_path / "maps" / "city") == files_below(tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_title": "roof"}, r"class_title: 'roof' is not a class of .*untitled_dl, bg_dl"),
        ({"tolerance": "-1"}, "tolerance: '-1' is not a distance of 0 or more"),
        ({"tolerance": "nan m"}, "tolerance: 'nan m' is not a distance of 0 or more"),
        ({"min_area_m2": float("inf")}, "min_area_m2: inf is not a number of 0 or more"),
        ({"formats": ["shapefile"]}, "formats: 'shapefile' is not one of geoparquet, gpkg, geojson"),
        ({"formats": []}, "formats: 'none' is not one of geoparquet"),
        ({"workers": -2}, "workers: -2 is negative"),
    ],
)
def test_wrong_parameters_are_explained(tmp_path: Path, options: dict, message: str) -> None:
    source = project(tmp_path, scene("austin1", 1))
    with pytest.raises(ConfigError, match=message):
        publish(source, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_class_of_polygons_is_an_error(tmp_path: Path) -> None:
    meta = ProjectMeta("p", (ClassInfo("untitled_dl", Shape.POLYGON, "#112233"),))
    write_manifest(tmp_path / "project", meta, [])
    with pytest.raises(ConfigError, match="'untitled_dl' holds polygons; footprints are made of a class of bitmaps"):
        publish(tmp_path / "project", tmp_path / "out")


def test_the_command_line_says_what_lies_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--project", str(project(tmp_path, scene("austin1", 1))), "--workers", "1"]
    assert stage_main("publish_footprints", [*flags, "--footprints", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("footprints: ")
    assert "UTM zone 33N (EPSG:32633)" in lines[0]
    assert [Path(line).suffix for line in lines[1:]] == [".parquet", ".gpkg", ".geojson"]
    assert all(Path(line).is_file() for line in lines[1:])
    assert len(lines) == 1 + len(USUAL_FORMATS)
    assert (
        stage_main("publish_footprints", [*flags, "--footprints", str(tmp_path / "no"), "--formats", "dxf"])
        == BAD_INPUT
    )
    assert "formats: 'dxf'" in capsys.readouterr().err


def test_a_scene_in_parts_is_published_as_one(tmp_path: Path) -> None:
    whole = scene("austin1", 1)
    mask = scene_mask(1)
    parts = [
        replace(part_item(whole, rows), objects=split_objects(mask[rows.top : rows.bottom]))
        for rows in (Rows(25, 60), Rows(0, 25))
    ]
    results = [
        publish(project(tmp_path / name, *items), tmp_path / name / "out", formats=["geojson"], workers=1)
        for name, items in (("whole", [whole]), ("parts", parts))
    ]
    assert files_below(tmp_path / "whole" / "out") == files_below(tmp_path / "parts" / "out")
    assert [result.source for result in results[1].scenes] == ["austin1"]


NOWHERE = Affine(3e-6, 0, 30.5, 0, -3e-6, 114.3)


def test_scenes_that_cannot_be_published_are_skipped_named_and_counted(tmp_path: Path) -> None:
    size = (SIZE.height, SIZE.width)
    torn = write_tiled(tmp_path / "torn.tif", np.ones(size, np.uint8))
    Path(torn).write_bytes(b"torn")
    items = (
        scene("austin1", 1),
        scene("swapped", 2, "EPSG:4326", NOWHERE),
        replace(scene("torn", 3), rasters={"confidence": torn}),
        scene("nan", 4, CRS, Affine(float("nan"), 0, 0, 0, -1, 0)),
        scene("elsewhere", 5),
    )
    items = (*items[:4], replace(items[4], image=replace(items[4].image, uri="/vsicurl/http://host/a.tif")))
    source = project(tmp_path, *items)
    with pytest.raises(TooManySkippedError, match="4 of 5 images skipped, and max_bad allows 3"):
        publish(source, tmp_path / "out", max_bad=3, workers=1)
    assert not (tmp_path / "out").exists()

    result = publish(source, tmp_path / "out", max_bad=4, workers=1)

    assert sorted(entry.name for entry in result.skipped) == ["ds/elsewhere", "ds/nan", "ds/swapped", "torn"]
    assert result.scalars()["scenes_skipped"] == 4
    for frame in read(tmp_path / "out").values():
        assert set(frame["source"]) == {"austin1"}
        assert np.isfinite(frame["area_m2"]).all() and frame.is_valid.all()
    assert frame.crs == "EPSG:4326" and frame.total_bounds[3] < 90
    told = {
        entry["name"]: entry["reason"]
        for entry in json.loads((tmp_path / "out" / "summary.json").read_text())["scenes_skipped"]
    }
    assert "latitudes reach 114.3°" in told["ds/swapped"] and "not numbers" in told["ds/nan"]
    assert "torn.tif" in told["torn"] and "leads elsewhere" in told["ds/elsewhere"]


def test_never_all_scenes_are_skipped(tmp_path: Path) -> None:
    with pytest.raises(TooManySkippedError, match=r"1 of 1 image skipped, and max_bad allows \d+, but never all"):
        publish(project(tmp_path, scene("swapped", 2, "EPSG:4326", NOWHERE)), tmp_path / "out", max_bad=9, workers=1)


def test_neighbours_are_regular_and_keep_their_walls(tmp_path: Path) -> None:
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width]
    along, across = columns + 0.3 * rows, rows - 0.3 * columns
    is_house = (along > 14) & (along < 46) & (across > 2) & (across < 24)
    halves = [Bitmap.of_pixels(is_house & side) for side in (along <= 30, along > 30)]
    objects = tuple(Object("untitled_dl", half) for half in halves)
    image = ImageRef.whole("town.tif", SIZE, CRS, TRANSFORM)
    town = project(tmp_path, Item("ds", "town", SIZE, image, objects=objects))

    publish(town, tmp_path / "out", regularise=True, formats=["geoparquet"])

    found = geopandas.read_parquet(tmp_path / "out" / "footprints.parquet")
    assert found["status"].tolist() == ["regular", "regular"]
    one, other = found.geometry
    assert one.intersection(other).area < 1e-6
    assert one.intersection(other).length > 4
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["regularise"] is True
