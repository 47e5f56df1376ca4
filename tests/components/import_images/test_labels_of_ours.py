"""Published footprints fed back as labels; labels in object storage, in queries, in training and in evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from scipy import ndimage

from components.core.class_titles import NEUTRAL_CLASS
from components.core.documents.labels import load_labels
from components.core.dtl.run import execute_query
from components.core.figures import Bitmap
from components.core.geometry import Size
from components.core.project import ImageRef, Item, Object, open_project, write_manifest
from components.core.project.materialize import Files, materialize
from components.core.storage import put_tree
from components.evaluate.evaluate import evaluate
from components.import_images.import_images import import_images
from components.publish_footprints.publish_footprints import publish
from components.train_unet.dataset import draw_mask
from tests.builders import CRS, TRANSFORM, bitmap_meta, noise, write_tiled
from tests.components.core.vectors.layers import WGS84, write_layer
from tests.components.import_images.test_labels import buildings, burned, mask_of, run, scenes
from tests.s3_server import S3Server

SIZE = Size(60, 80)

PLACES = {
    CRS: TRANSFORM,
    "EPSG:3857": Affine(0.3, 0, 1_669_792.4, 0, -0.3, 6_075_000.7),
    WGS84: Affine(4e-6, 0, 15.1234567, 0, -2.7e-6, 47.7654321),
    "turned": TRANSFORM @ Affine.rotation(17),
}


def ragged_mask(seed: int) -> np.ndarray:
    """Blobs with holes in them and islands in these, corners that touch, single pixels, and what meets the border."""
    mask: np.ndarray = ndimage.gaussian_filter(np.random.default_rng(seed).random((SIZE.height, SIZE.width)), 1.2) > 0.5
    mask[20:40, 20:44] = True
    mask[24:36, 24:40] = False
    mask[28:32, 28:36] = True
    return mask


def objects_of(mask: np.ndarray) -> tuple[Object, ...]:
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    return tuple(Object("untitled_dl", Bitmap.of_pixels(labels == label)) for label in range(1, count + 1))


@pytest.mark.parametrize("kind", ["parquet", "gpkg", "geojson"])
@pytest.mark.parametrize("place", PLACES)
def test_published_footprints_give_the_masks_that_they_were_made_of(place: str, kind: str, tmp_path: Path) -> None:
    crs = CRS if place == "turned" else place
    masks, items = {}, []
    for seed, name in enumerate(("a", "b")):
        transform = PLACES[place] @ Affine.translation(seed * SIZE.width, 0)
        uri = write_tiled(tmp_path / f"images/{name}.tif", noise(SIZE, seed), crs=crs, transform=transform)
        masks[name] = ragged_mask(seed)
        image = ImageRef.whole(uri, SIZE, crs, transform)
        items.append(Item("ds", name, SIZE, image, objects=objects_of(masks[name])))
    write_manifest(tmp_path / "found", bitmap_meta("inf_splitted", "untitled_dl"), items)
    publish(tmp_path / "found", tmp_path / "out", tolerance="0", workers=1)
    _, found = run(tmp_path, str(tmp_path / "images"), str(tmp_path / f"out/footprints.{kind}"))
    for item in found:
        assert (mask_of(item) == masks[item.name]).all()


def test_labels_in_a_bucket_are_read_from_there(tmp_path: Path, s3_environment: S3Server) -> None:
    folder = s3_environment.new_folder()
    scenes(tmp_path / "in")
    write_layer(tmp_path / "in/gis/roofs.shp", buildings(), CRS, WGS84)
    write_layer(tmp_path / "in/gis/looked.gpkg", [shapely.box(0, 0, 1e6, 1e7)], CRS)
    write_layer(tmp_path / "in/each/s0.fgb", buildings(), CRS)
    write_layer(tmp_path / "in/each/s1.geojson", buildings(), CRS, WGS84)
    put_tree(tmp_path / "in", f"{folder}/in")
    one = {"labels_uri": f"{folder}/in/gis/roofs.shp", "labelled_area_uri": f"{folder}/in/gis/looked.gpkg"}
    for labels in (one, f"{folder}/in/each"):
        _, items = run(tmp_path, f"{folder}/in/images", labels)
        for number, item in enumerate(items):
            assert (mask_of(item) == burned(buildings(), number)).all()
            assert not mask_of(item, NEUTRAL_CLASS).any()


def layer(name: str, src: str, dst: str, **settings: Any) -> dict[str, Any]:
    return {"action": name, "src": [src], "dst": dst, "settings": settings}


def by_attribute(name: str, comparator: str, *values: object) -> dict[str, Any]:
    rule = {"filtering_classes": ["untitled"], "name": name, "comparator": comparator, "values": list(values)}
    return {"filter_by": {"attribute": rule | {"action": "delete"}}}


def test_queries_see_polygons_before_anything_is_drawn(tmp_path: Path) -> None:
    labels = write_layer(
        tmp_path / "roofs.gpkg", buildings(), CRS, kind=["house", "house", "shed"], floors=[2.0, None, 1.0]
    )
    run(tmp_path, scenes(tmp_path), labels)
    small = {"filtering_classes": ["untitled"], "area_size": {"percent": 5}, "comparator": "less", "action": "delete"}
    query = [
        layer("data", "INRIA/*", "$all", classes_mapping="default"),
        layer("objects_filter", "$all", "$houses", **by_attribute("kind", "one_of", "shed")),
        layer("objects_filter", "$houses", "$large", filter_by={"polygon_sizes": small}),
        layer("sliding_window", "$large", "$crops", window={"width": 40, "height": 30}, min_overlap={"x": 7, "y": 5}),
        layer("flip", "$crops", "$flipped", axis="vertical"),
        layer("tag", "$flipped", "$tagged", tag="train", action="add"),
        layer("supervisely", "$tagged", "CROPS"),
    ]
    execute_query(json.dumps(query), [tmp_path / "project"], tmp_path / "crops")
    crops = list(open_project(tmp_path / "crops"))
    assert {item.tags for item in crops} == {("train",)}
    house = burned(buildings()[:1], 0)
    seen = 0
    for item in crops:
        assert item.image is not None
        top, left = item.image.recipe.window.top, item.image.recipe.window.left
        part = house[top : top + 30, left : left + 40] if item.name.startswith("s0") else np.zeros((30, 40), np.bool_)
        expected = part[:, ::-1] if item.image.recipe.left_right else part[::-1] if item.image.recipe.up_down else part
        drawn = draw_mask(item, {"untitled": 1})
        assert (drawn == expected).all()
        seen += int(drawn.sum())
    assert seen > house.sum()


@pytest.mark.parametrize(
    ("name", "comparator", "values", "left"),
    [
        ("kind", "none_of", ("house",), [0, 1]),
        ("kind", "one_of", ("house", "shed"), []),
        ("floors", "one_of", (2,), [1, 2]),
        ("floors", "none_of", (2, 1), [0, 2]),
        ("height", "one_of", (1, "1", True), [0, 1, 2]),
    ],
)
def test_objects_go_by_an_attribute(
    name: str, comparator: str, values: tuple[object, ...], left: list[int], tmp_path: Path
) -> None:
    labels = write_layer(
        tmp_path / "roofs.gpkg", buildings(), CRS, kind=["house", "house", "shed"], floors=[2.0, None, 1.0]
    )
    run(tmp_path, scenes(tmp_path, 1), labels)
    query = [
        layer("data", "INRIA/*", "$all", classes_mapping="default"),
        layer("objects_filter", "$all", "$left", **by_attribute(name, comparator, *values)),
        layer("supervisely", "$left", "LEFT"),
    ]
    execute_query(json.dumps(query), [tmp_path / "project"], tmp_path / "left")
    (item,) = open_project(tmp_path / "left")
    assert (mask_of(item) == burned([buildings()[index] for index in left], 0)).all()


def test_written_folders_keep_the_polygons_and_their_rule(tmp_path: Path) -> None:
    labels = write_layer(tmp_path / "roofs.gpkg", buildings(), CRS)
    run(tmp_path, scenes(tmp_path), labels)
    project = open_project(tmp_path / "project")
    materialize(tmp_path / "files", project.meta, project, Files())
    written = {item.name: item.objects for item in open_project(tmp_path / "files")}
    assert written == {item.name: item.objects for item in project}


def test_evaluation_counts_labels_as_it_counts_their_masks(tmp_path: Path) -> None:
    labels = write_layer(tmp_path / "roofs.gpkg", buildings(), CRS)
    looked_at = [shapely.box(500_000, 5_299_985, 500_019, 5_300_001)]
    area = write_layer(tmp_path / "looked.gpkg", looked_at, CRS)
    config = load_labels({"labels_uri": labels, "labelled_area_uri": area})
    images = scenes(tmp_path)
    import_images(images, "", tmp_path / "vectors", data_root=str(tmp_path / "data"), labels=config, workers=1)
    for number in range(2):
        codes = burned(buildings(), number).astype(np.uint8)
        codes[~burned(looked_at, number)] = 2
        write_tiled(tmp_path / f"gt/s{number}.tif", codes)
    import_images(
        images, str(tmp_path / "gt"), tmp_path / "masks", data_root=str(tmp_path / "data"), mask_value="1,ignore=2"
    )
    guesses = [
        Item("ds", item.name, item.size, item.image, objects=objects_of(np.roll(mask_of(item), 2, axis=1)))
        for item in open_project(tmp_path / "masks")
    ]
    write_manifest(tmp_path / "found", bitmap_meta("inf_splitted", "untitled_dl"), guesses)
    measures = [evaluate(tmp_path / "found", tmp_path / truth, workers=1).scalars() for truth in ("vectors", "masks")]
    assert measures[0] == measures[1]
    assert measures[0]["images"] == 2 and 0 < measures[0]["iou"] < 1
