"""Vector labels in the place of masks."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.features import rasterize

from components.core.class_titles import NEUTRAL_CLASS
from components.core.documents.imagery import TrainingImages
from components.core.documents.labels import load_labels
from components.core.errors import ConfigError, DataError, TooManySkippedError
from components.core.figures import Polygon, Shape
from components.core.geometry import Size
from components.core.project import Item, open_project
from components.core.project.item import ATTRIBUTES
from components.import_images import label_sources
from components.import_images.import_images import ImportResult, import_images
from tests.builders import CRS, TRANSFORM, noise, write_tiled
from tests.components.core.vectors.layers import ALL_SUFFIXES, WGS84, write_layer

SIZE = Size(60, 80)


def place_of(number: int) -> Affine:
    """Scenes stand side by side."""
    return TRANSFORM @ Affine.translation(number * SIZE.width, 0)


def scenes(root: Path, count: int = 2, **options: object) -> str:
    for number in range(count):
        settings = {"transform": place_of(number)} | options
        write_tiled(root / "images" / f"s{number}.tif", noise(SIZE, number), **settings)
    return str(root / "images")


def buildings(count: int = 2) -> list[shapely.Geometry]:
    """In map coordinates: a slanted house with a court, two that are one feature, one across the border of scenes.

    No centre of a pixel lies on an outline.
    """
    house = shapely.Polygon(
        [(5.1, 4.3), (33.2, 9.4), (29.7, 41.1), (3.3, 38.8)],
        [[(12.2, 15.1), (22.4, 17.3), (20.1, 30.6), (11.83, 29.27)]],
    )
    pair = shapely.MultiPolygon([shapely.box(40.2, 5.3, 50.7, 20.1), shapely.box(55.4, 30.2, 60.9, 44.8)])
    across = shapely.Polygon([(70.3, 45.1), (95.2, 47.4), (92.6, 58.2), (71.1, 55.7)])
    return [on_map(shape) for shape in (house, pair, across)][: count + 1]


def on_map(shape: shapely.Geometry) -> shapely.Geometry:
    """From (column, row) of the first scene."""
    a, b, c, d, e, f = tuple(TRANSFORM)[:6]
    return shapely.transform(
        shape, lambda xy: np.stack([a * xy[:, 0] + b * xy[:, 1] + c, d * xy[:, 0] + e * xy[:, 1] + f], 1)
    )


def run(root: Path, images: str, labels: str | dict[str, str], **options: object) -> tuple[ImportResult, list[Item]]:
    settings = {"data_root": str(root / "data"), "workers": 1, **options}
    report = import_images(images, "", root / "project", labels=load_labels(labels), **settings)  # type: ignore[arg-type]
    return report, list(open_project(root / "project"))


def mask_of(item: Item, title: str = "untitled") -> np.ndarray:
    canvas = np.zeros((item.size.height, item.size.width), np.uint8)
    for entry in item.objects:
        if entry.class_title == title:
            entry.figure.draw(canvas, 1)
    return canvas.astype(np.bool_)


def burned(shapes: list[shapely.Geometry], number: int) -> np.ndarray:
    if not shapes:
        return np.zeros((SIZE.height, SIZE.width), np.bool_)
    return rasterize(shapes, out_shape=(SIZE.height, SIZE.width), transform=place_of(number)).astype(np.bool_)


@pytest.mark.parametrize("crs", [CRS, WGS84, "EPSG:3857"])
@pytest.mark.parametrize("suffix", ALL_SUFFIXES)
def test_every_format_in_any_crs_gives_the_masks_that_were_burned_from_it(
    suffix: str, crs: str, tmp_path: Path
) -> None:
    labels = write_layer(tmp_path / f"gis/roofs{suffix}", buildings(), CRS, crs)
    report, items = run(tmp_path, scenes(tmp_path), {"labels_uri": labels})
    assert [item.name for item in items] == ["s0", "s1"]
    for number, item in enumerate(items):
        assert (mask_of(item) == burned(buildings(), number)).all()
        assert all(isinstance(entry.figure, Polygon) and entry.figure.by_centres for entry in item.objects)
    assert [len(item.objects) for item in items] == [4, 1]
    assert (report.objects, report.building_share) == (
        2,
        pytest.approx(sum(burned(buildings(), n).mean() for n in range(2)) / 2),
    )


def test_the_project_has_polygons_with_their_attributes(tmp_path: Path) -> None:
    columns = {"kind": ["house", None, "shed"], "floors": [2, 1, 3], "height": [7.5, float("nan"), 3.0]}
    labels = write_layer(tmp_path / "roofs.gpkg", buildings(), CRS, **columns)
    _, (first, second) = run(tmp_path, scenes(tmp_path), labels, class_title="roof")
    project = open_project(tmp_path / "project")
    assert [(known.title, known.shape) for known in project.meta.classes] == [("roof", Shape.POLYGON)]
    assert [entry.extra.get(ATTRIBUTES) for entry in first.objects] == [
        {"kind": "house", "floors": 2, "height": 7.5},
        {"floors": 1},
        {"floors": 1},
        {"kind": "shed", "floors": 3, "height": 3.0},
    ]
    assert second.objects[0].extra == {ATTRIBUTES: {"kind": "shed", "floors": 3, "height": 3.0}}


def test_an_attribute_says_the_class_and_neutral_is_unlabelled(tmp_path: Path) -> None:
    labels = write_layer(tmp_path / "roofs.geojson", buildings(), CRS, kind=["house", None, NEUTRAL_CLASS])
    config = {"labels_uri": labels, "label_attribute": "kind"}
    report, (first, _) = run(tmp_path, scenes(tmp_path), config)
    assert [entry.class_title for entry in first.objects] == ["house", "untitled", "untitled", NEUTRAL_CLASS]
    assert open_project(tmp_path / "project").meta.titles == ("untitled", "house", NEUTRAL_CLASS)
    neutral = [burned(buildings()[2:], number) for number in range(2)]
    built = [burned(buildings()[:2], number) & ~silent for number, silent in enumerate(neutral)]
    assert report.building_share == pytest.approx(np.sum(built) / np.sum([~silent for silent in neutral]))


def test_ground_outside_the_labelled_area_is_neutral(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    labels = write_layer(tmp_path / "roofs.gpkg", buildings(), CRS)
    looked_at = [on_map(shapely.box(-1000, -1000, 62.3, 50.6)), on_map(shapely.box(20, 10, 90.5, 30))]
    area = write_layer(tmp_path / "looked.geojson", looked_at, CRS, WGS84)
    caplog.set_level(logging.INFO)
    report, items = run(tmp_path, scenes(tmp_path, 3), {"labels_uri": labels, "labelled_area_uri": area})
    for number, item in enumerate(items):
        inside = burned(looked_at, number)
        assert (mask_of(item, NEUTRAL_CLASS) == ~inside).all()
    inside = [burned(looked_at, number) for number in range(3)]
    built = [burned(buildings(), number) & seen for number, seen in enumerate(inside)]
    assert report.building_share == pytest.approx(np.sum(built) / np.sum(inside))
    assert "s2: lies in no labelled area and teach" in caplog.text


def test_scenes_that_no_label_touches_are_unlabelled_unless_told_otherwise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = write_layer(tmp_path / "roofs.gpkg", buildings(), CRS)
    images = scenes(tmp_path, 3)
    report, (*_, last) = run(tmp_path, images, labels)
    assert report.items == 3
    assert mask_of(last, NEUTRAL_CLASS).all()
    assert "s2: no label touches them, and nothing says that anybody looked" in caplog.text
    caplog.clear()
    _, (*_, last) = run(tmp_path / "told", images, labels, options=TrainingImages(allow_unpaired=True))
    assert last.objects == ()
    assert "s2: no label touches them: they count as ground without building" in caplog.text


def test_one_file_a_scene_pairs_by_stem(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    images = scenes(tmp_path, 3)
    write_layer(tmp_path / "labels/s0.geojson", buildings(), CRS, WGS84)
    write_layer(tmp_path / "labels/s1.shp", buildings()[2:], CRS)
    (tmp_path / "labels/s2.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    write_layer(tmp_path / "labels/astray.gpkg", buildings(), CRS)
    (tmp_path / "labels/notes.txt").write_text("mine")
    report, items = run(tmp_path, images, str(tmp_path / "labels"))
    for number, item in enumerate(items):
        assert (mask_of(item) == burned(buildings() if number < 2 else [], number)).all()
        assert not mask_of(item, NEUTRAL_CLASS).any()
    assert (report.unpaired_images, report.unpaired_masks) == ((), ("astray",))
    assert "files of labels have no image and are ignored: astray" in caplog.text


def test_a_scene_without_its_file_is_refused_unless_it_shows_no_building(tmp_path: Path) -> None:
    images = scenes(tmp_path)
    write_layer(tmp_path / "labels/s0.geojson", buildings(), CRS, WGS84)
    with pytest.raises(
        TooManySkippedError, match=r"s1\.tif: has no file of its name in .*labels; give it, with no fea"
    ):
        run(tmp_path, images, str(tmp_path / "labels"))
    report, (_, second) = run(tmp_path, images, str(tmp_path / "labels"), options=TrainingImages(allow_unpaired=True))
    assert (report.unpaired_images, second.objects) == (("s1",), ())


def test_invalid_rings_are_made_valid_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bow = on_map(shapely.Polygon([(10, 10), (30, 30), (30, 10), (10, 30)]))
    empty, line = shapely.Polygon(), on_map(shapely.LineString([(1, 1), (9, 9)]))
    shapes = [buildings()[0], bow, None, empty, line, shapely.GeometryCollection([buildings()[1], line])]
    for suffix in (".geojson", ".gpkg"):
        caplog.clear()
        labels = write_layer(tmp_path / f"roofs{suffix}", shapes, CRS)
        _, (item, *_) = run(tmp_path / suffix, scenes(tmp_path), labels)
        whole = [buildings()[0], shapely.make_valid(bow), buildings()[1]]
        assert (mask_of(item) == burned(whole, 0)).all()
        assert "labels with rings that cross were made valid: 1 (numbers" in caplog.text
        assert "1 with an empty geometry, 1 without a geometry; labels are polygons" in caplog.text
        assert ("left out: 1 lines, 1 with" in caplog.text) == (suffix == ".geojson")
        assert ("left out: 1 features that are no polygons" in caplog.text) == (suffix == ".gpkg")


BAD_FILES = {
    "no CRS": (lambda root: write_layer(root / "roofs.gpkg", buildings(), None), "says no CRS, so nobody knows where"),
    "no prj": (lambda root: write_layer(root / "roofs.shp", buildings(), None), "says no CRS"),
    "points": (
        lambda root: write_layer(root / "roofs.gpkg", [shapely.Point(500_001, 5_299_999)], CRS),
        "layer 'roofs' holds geometries of the type Point; give polygons or multipolygons",
    ),
    "lines": (
        lambda root: write_layer(root / "roofs.parquet", [shapely.LineString([(0, 0), (1, 1)])], CRS),
        r"holds no polygon \(1 lines\)",
    ),
    "far away": (
        lambda root: write_layer(root / "roofs.fgb", [shapely.box(10, 10, 11, 11)], WGS84),
        r"none of its 1 polygons touches an image; they lie from 10, 10 to 11, 11 in WGS 84 \(EPSG:4326\)",
    ),
    "none": (lambda root: str(root / "roofs.gpkg"), "there is no such file"),
    "empty": (lambda root: write_layer(root / "roofs.parquet", [], CRS), "no feature at all"),
    "no folder": (lambda root: str(root / "labels"), "holds no vector file"),
    "text": (lambda root: _text(root / "roofs.gpkg", "<OGRVRTDataSource/>"), "is not a GeoPackage, as its name says"),
    "torn": (lambda root: _text(root / "roofs.geojson", '{"type": "FeatureColl'), "cannot be read as vectors"),
    "a table": (lambda root: _table(root / "roofs.parquet"), "without the metadata of GeoParquet"),
}


def _text(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def _table(path: Path) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), path)
    return str(path)


@pytest.mark.parametrize("kind", BAD_FILES)
def test_labels_that_cannot_be_used_say_why(kind: str, tmp_path: Path) -> None:
    make, message = BAD_FILES[kind]
    with pytest.raises(DataError, match=message):
        run(tmp_path, scenes(tmp_path), make(tmp_path))
    assert not (tmp_path / "project").exists()


def test_a_file_of_several_layers_names_one(tmp_path: Path) -> None:
    import geopandas

    path = tmp_path / "town.gpkg"
    for layer, shapes in (("roofs", buildings()), ("parks", [buildings()[2]])):
        geopandas.GeoDataFrame(geometry=shapes, crs=CRS).to_file(path, layer=layer, driver="GPKG")
    images = scenes(tmp_path)
    with pytest.raises(DataError, match=r"holds 2 layers of geometries \('roofs', 'parks'\); name one .*\|layername="):
        run(tmp_path, images, str(path))
    with pytest.raises(DataError, match="has no layer 'trees' of geometries; its layers are 'roofs', 'parks'"):
        run(tmp_path, images, f"{path}|layername=trees")
    _, (item, _) = run(tmp_path, images, f"{path}|layername=roofs")
    assert (mask_of(item) == burned(buildings(), 0)).all()


def test_an_image_without_a_georeference_cannot_be_labelled(tmp_path: Path) -> None:
    labels = write_layer(tmp_path / "roofs.gpkg", buildings(), CRS)
    with pytest.raises(TooManySkippedError, match="has no CRS and transform, so labels cannot be laid on it"):
        run(tmp_path, scenes(tmp_path, 1, crs=None, transform=None), labels)


@pytest.mark.parametrize("attribute", ["storeys", "number"])
def test_an_attribute_that_is_missing_or_has_too_many_values_is_refused(
    attribute: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_sources, "MOST_CLASSES", 2)
    labels = write_layer(tmp_path / "roofs.gpkg", buildings(), CRS)
    with pytest.raises(DataError, match=r"has no attribute 'storeys'.*: number|'number' has 3 values"):
        run(tmp_path, scenes(tmp_path), {"labels_uri": labels, "label_attribute": attribute})


def test_masks_beside_labels_are_refused(tmp_path: Path) -> None:
    labels = write_layer(tmp_path / "roofs.gpkg", buildings(), CRS)
    with pytest.raises(ConfigError, match="mask_value: is '1' beside labels; give masks or labels, not both"):
        run(tmp_path, scenes(tmp_path), labels, mask_value="1")
    with pytest.raises(ConfigError, match="labelled_area_uri"):
        load_labels({"labels_uri": labels, "labelled_area_uri": str(tmp_path)})
    with pytest.raises(ConfigError, match="labels_uri"):
        load_labels(json.dumps({"label_attribute": "kind"}))


def test_the_number_of_workers_changes_nothing(tmp_path: Path) -> None:
    labels = write_layer(tmp_path / "roofs.geojson", buildings(), CRS, WGS84)
    images = scenes(tmp_path, 3)
    _, alone = run(tmp_path / "one", images, labels)
    _, several = run(tmp_path / "two", images, labels, workers=2)
    assert alone == several
