"""Imports that are limited to an area: which images they take, and what of them is neutral."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import shapely

from components.core import storage
from components.core.class_titles import NEUTRAL_CLASS
from components.core.documents.imagery import TrainingImages
from components.core.errors import DataError, TooManySkippedError
from components.core.figures import Bitmap, RasterMask
from components.core.project import open_project
from components.import_images.import_images import import_images
from tests.builders import CRS, write_tiled
from tests.components.core.vectors.layers import WGS84, write_layer
from tests.components.import_images.test_labels import SIZE, buildings, mask_of, on_map, place_of, run, scenes

SLOPE = shapely.Polygon([(10.2, 5.3), (79.1, 20.7), (60.4, 55.2), (5.9, 50.6)])
"""In (column, row) of the first scene."""


def inside() -> np.ndarray:
    """The pixels of the first scene whose centres the slope holds."""
    rows, columns = np.indices((SIZE.height, SIZE.width)) + 0.5
    return shapely.contains_xy(SLOPE, columns, rows)


def with_masks(root: Path, count: int = 2) -> str:
    images = scenes(root / "in", count)
    for number in range(count):
        write_tiled(root / "in" / "masks" / f"s{number}.tif", roofs(), transform=place_of(number))
    return str(Path(images).parent)


def roofs() -> np.ndarray:
    pixels = np.zeros((1, SIZE.height, SIZE.width), np.uint8)
    pixels[:, 20:40, 10:60] = 255
    return pixels


def limited(root: Path, shape: shapely.Geometry, suffix: str = ".gpkg") -> TrainingImages:
    return TrainingImages(aoi_uri=str(write_layer(root / f"area{suffix}", [on_map(shape)], CRS, WGS84)))


def test_with_masks_what_lies_outside_is_neutral(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    place, options = with_masks(tmp_path), limited(tmp_path, SLOPE)
    report = import_images(
        place, "", tmp_path / "project", data_root=str(tmp_path / "data"), workers=1, options=options
    )
    (item,) = open_project(tmp_path / "project")
    assert item.name == "s0" and (report.outside, report.cut) == (("s1",), ("s0",))
    assert (mask_of(item, NEUTRAL_CLASS) == ~inside()).all()
    assert (mask_of(item) == (roofs()[0] > 0)).all()
    labelled = int(inside().sum())
    assert report.building_share == pytest.approx(int((inside() & (roofs()[0] > 0)).sum()) / labelled)
    (neutral,) = (entry.figure for entry in item.objects if entry.class_title == NEUTRAL_CLASS)
    assert isinstance(neutral, Bitmap) and isinstance(neutral.mask, RasterMask), "pixels are read by window"
    assert "1 images outside it were left out (s1); 1 are cut by it, and unlabelled outside (s0)" in caplog.text
    assert report.scalars()["outside"] == 1


@pytest.mark.parametrize("labelled_area", [False, True])
def test_with_labels_it_comes_on_top_of_the_labelled_area(tmp_path: Path, labelled_area: bool) -> None:
    images = scenes(tmp_path)
    labels = {"labels_uri": str(write_layer(tmp_path / "labels.gpkg", buildings(), CRS))}
    looked = np.ones((SIZE.height, SIZE.width), np.bool_)
    if labelled_area:
        box = shapely.box(0.2, 0.2, 30.2, 59.9)
        labels["labelled_area_uri"] = str(write_layer(tmp_path / "looked.geojson", [on_map(box)], CRS, WGS84))
        looked[:, 30:] = False
    report, (item,) = run(tmp_path, images, labels, options=limited(tmp_path, SLOPE))
    assert report.outside == ("s1",)
    assert (mask_of(item, NEUTRAL_CLASS) == ~(inside() & looked)).all()


def test_images_wholly_inside_are_as_without_an_area(tmp_path: Path) -> None:
    place = with_masks(tmp_path)
    options = limited(tmp_path, shapely.box(-50, -50, 300, 200), ".fgb")
    settings = {"data_root": str(tmp_path / "data"), "workers": 1}
    import_images(place, "", tmp_path / "limited", options=options, **settings)  # type: ignore[arg-type]
    import_images(place, "", tmp_path / "all", **settings)  # type: ignore[arg-type]
    assert [item.objects[0].figure.key() for item in open_project(tmp_path / "limited")] == [
        item.objects[0].figure.key() for item in open_project(tmp_path / "all")
    ]
    assert not (tmp_path / "data" / "areas").exists()


def test_masks_of_images_outside_need_not_be_there(tmp_path: Path) -> None:
    place, options = with_masks(tmp_path), limited(tmp_path, SLOPE)
    (tmp_path / "in" / "masks" / "s1.tif").unlink()
    report = import_images(place, "", tmp_path / "project", data_root=str(tmp_path / "d"), workers=1, options=options)
    assert (report.items, report.outside, report.unpaired_images, report.skipped) == (1, ("s1",), (), ())


def test_an_area_of_no_image_is_refused(tmp_path: Path) -> None:
    place, options = with_masks(tmp_path), limited(tmp_path, shapely.box(5000, 5000, 5100, 5100))
    with pytest.raises(DataError, match=r"aoi_uri: .*area\.gpkg: touches none of the 2 images in"):
        import_images(place, "", tmp_path / "project", data_root=str(tmp_path / "data"), workers=1, options=options)
    assert not (tmp_path / "project").exists()


def test_an_image_without_a_place_cannot_be_limited(tmp_path: Path) -> None:
    place, options = with_masks(tmp_path, 1), limited(tmp_path, SLOPE)
    write_tiled(tmp_path / "in" / "images" / "s1.tif", roofs(), crs=None, transform=None)
    write_tiled(tmp_path / "in" / "masks" / "s1.tif", roofs() // 255, crs=None, transform=None)
    with pytest.raises(TooManySkippedError, match="nobody knows whether it lies in"):
        import_images(place, "", tmp_path / "project", data_root=str(tmp_path / "data"), workers=1, options=options)


def test_the_area_may_lie_in_object_storage(tmp_path: Path, s3_environment: object) -> None:
    folder = s3_environment.new_folder()  # type: ignore[attr-defined]
    options = limited(tmp_path, SLOPE, ".geojson")
    storage.put_file(Path(options.aoi_uri), f"{folder}/area.geojson")
    report = import_images(
        with_masks(tmp_path),
        "",
        tmp_path / "project",
        data_root=str(tmp_path / "data"),
        workers=1,
        options=TrainingImages(aoi_uri=f"{folder}/area.geojson"),
    )
    assert (report.outside, report.cut) == (("s1",), ("s0",))


def test_with_coco_annotations_what_lies_outside_is_neutral(tmp_path: Path) -> None:
    images = scenes(tmp_path, 1)
    corners = [float(value) for corner in ((12, 12), (40, 12), (40, 40), (12, 40)) for value in corner]
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [corners]}
    image = {"id": 1, "file_name": "s0.tif", "height": SIZE.height, "width": SIZE.width}
    document = {"images": [image], "annotations": [annotation], "categories": [{"id": 1, "name": "roof"}]}
    (tmp_path / "coco.json").write_text(json.dumps(document))

    labels = {"labels_uri": str(tmp_path / "coco.json")}
    _, (item,) = run(tmp_path, images, labels, options=limited(tmp_path, SLOPE))

    assert (mask_of(item, NEUTRAL_CLASS) == ~inside()).all() and mask_of(item)[13:39, 13:39].all()
