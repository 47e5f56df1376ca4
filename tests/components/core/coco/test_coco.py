"""COCO annotations, in and out: what is written is read back equal, and what breaks a rule is told with its place."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.class_titles import NEUTRAL_CLASS
from components.core.cli import BAD_INPUT, run_main
from components.core.coco.__main__ import main, parser
from components.core.coco.reading import read_coco
from components.core.coco.run_lengths import bitmap_of, counts_of, counts_of_text, text_of
from components.core.coco.writing import write_annotations
from components.core.documents.labels import load_labels
from components.core.errors import ConfigError, DataError, TooManySkippedError
from components.core.figures import Bitmap, Shape
from components.core.geometry import Size
from components.core.project import ImageRef, Item, open_project, write_manifest
from components.core.project.predictions import CONFIDENCE_ROLE
from components.import_images.import_images import import_images
from components.publish_footprints.publish_footprints import publish
from tests.builders import CRS, TRANSFORM, bitmap_meta, noise, write_tiled
from tests.components.core.vectors.layers import write_layer
from tests.components.import_images.test_labels import SIZE, buildings, burned, mask_of, run, scenes
from tests.components.import_images.test_labels_of_ours import objects_of, ragged_mask


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    """Of any size and filling, some with columns that are set from top to bottom."""
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    share = draw(st.sampled_from((0.02, 0.3, 0.7, 0.97, 1.0)))
    mask = np.random.default_rng(draw(st.integers(0, 2**32))).random((height, width)) < share
    if draw(st.booleans()):
        first, last = sorted((draw(st.integers(0, width)), draw(st.integers(0, width))))
        mask[:, first:last] = True
    return mask


@settings(max_examples=200, deadline=None)
@given(masks())
def test_run_lengths_are_read_back_equal(mask: np.ndarray) -> None:
    bitmap = Bitmap.of_pixels(mask)
    if bitmap is None:
        assert bitmap_of([mask.size], Size(*mask.shape)) is None
        return
    size = Size(*mask.shape)
    counts = counts_of(bitmap, size)
    assert (np.diff(np.flatnonzero(np.diff(mask.T.ravel().astype(np.int8), prepend=0))) > 0).all()
    assert counts.sum() == mask.size and (counts[1:] > 0).all()
    for given_counts in (counts.tolist(), counts_of_text(text_of(counts))):
        back = bitmap_of(given_counts, size)
        assert back is not None and back.window == bitmap.window
        assert (back.mask.pixels() == bitmap.mask.pixels()).all()


def test_text_is_that_of_the_reference() -> None:
    """pycocotools 2.0.11 gave these."""
    first = np.zeros((37, 29), np.bool_)
    first[3:20, 2:14] = first[30:, 20:] = first[::5, 16] = True
    first[8:12, 5:9] = False
    second = np.zeros((300, 500), np.bool_)
    second[:, 7:400] = True
    second[100, 50] = False
    for mask, text in (
        (first, "]2a0d00000D@3`0M@3`0M@3`0M@3`0900000000W2@YM0000000000000Z46`L000000000000000"),
        (second, "dQ2Xf<1kgi2_Ym0"),
    ):
        bitmap = Bitmap.of_pixels(mask)
        assert bitmap is not None and text_of(counts_of(bitmap, Size(*mask.shape))) == text


@pytest.mark.parametrize("text", ["]2a0d00000D@3`", "\x1f", "é", "p" * 40])
def test_text_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="run lengths"):
        counts_of_text(text)


def export(project: Path, file: Path, *flags: str) -> Any:
    assert run_main(main, parser(), ["--project", str(project), "--output", str(file), *flags]) == 0
    return json.loads(file.read_text(encoding="utf-8"))


def ragged_project(root: Path) -> Path:
    """Scenes of bitmaps with holes in them and islands in these, of two classes, and unlabelled ground."""
    items = []
    for seed in range(2):
        mask = ragged_mask(seed)
        uri = write_tiled(root / f"images/s{seed}.tif", noise(SIZE, seed))
        item = Item("ds", f"s{seed}", SIZE, ImageRef.whole(uri, SIZE, CRS, TRANSFORM))
        objects = [
            replace(entry, class_title="house" if place % 2 else "shed") for place, entry in enumerate(objects_of(mask))
        ]
        free = np.zeros(mask.shape, np.bool_)
        free[50:, 70:] = True
        bitmap = Bitmap.of_pixels(free & ~mask)
        assert bitmap is not None
        items.append(item.with_objects([*objects, replace(objects[0], class_title=NEUTRAL_CLASS, figure=bitmap)]))
    write_manifest(root / "project", bitmap_meta("INRIA", "house", "shed", NEUTRAL_CLASS), items)
    return root / "project"


def test_bitmaps_of_any_shape_are_read_back_equal(tmp_path: Path) -> None:
    project = ragged_project(tmp_path)
    document = export(project, tmp_path / "coco.json")
    assert [entry["name"] for entry in document["categories"]] == ["house", "shed"]
    assert {entry["file_name"] for entry in document["images"]} == {"s0.tif", "s1.tif"}
    labels = {"labels_uri": str(tmp_path / "coco.json"), "label_attribute": "category"}
    _, back = run(tmp_path / "again", str(tmp_path / "images"), labels)
    for before, after in zip(open_project(project), back, strict=True):
        assert len(before.objects) == len(after.objects)
        for title in ("house", "shed", NEUTRAL_CLASS):
            assert (mask_of(before, title) == mask_of(after, title)).all()
    for entry in document["annotations"]:
        left, top, width, height = entry["bbox"]
        part = bitmap_of(counts_of_text(entry["segmentation"]["counts"]), SIZE)
        assert part is not None and (part.top, part.left) == (top, left) and part.area == entry["area"]
        assert (part.mask.size.height, part.mask.size.width) == (height, width)


def test_polygons_are_read_back_equal_and_need_no_georeference(tmp_path: Path) -> None:
    """Vertex by vertex; a polygon with a hole becomes run lengths, and all are pixels then."""
    images = scenes(tmp_path)
    for name, shapes, shape in (("plain", buildings()[1:], Shape.POLYGON), ("court", buildings(), Shape.BITMAP)):
        labels = write_layer(tmp_path / f"{name}.gpkg", shapes, "EPSG:32633")
        _, items = run(tmp_path / name, images, labels)
        document = export(tmp_path / name / "project", tmp_path / f"{name}.json")
        for number in range(2):
            write_tiled(tmp_path / f"bare/s{number}.tif", noise(SIZE, number), crs=None, transform=None)
        _, back = run(tmp_path / f"{name}2", str(tmp_path / "bare"), str(tmp_path / f"{name}.json"))
        kinds = {kind.shape for kind in open_project(tmp_path / f"{name}2/project").meta.classes}
        assert kinds == {shape}
        for before, after in zip(items, back, strict=True):
            assert (mask_of(before) == mask_of(after)).all() and mask_of(before).any()
            if shape is Shape.POLYGON:
                assert [entry.figure for entry in before.objects] == [entry.figure for entry in after.objects]
        rings = [entry["segmentation"] for entry in document["annotations"] if isinstance(entry["segmentation"], list)]
        assert rings and all(len(ring) == 1 and len(ring[0]) >= 6 for ring in rings)


def small(tmp_path: Path) -> dict[str, Any]:
    scenes(tmp_path)
    return {
        "images": [{"id": 7, "file_name": "folder/s0.jpg", "height": 60, "width": 80}],
        "categories": [{"id": 3, "name": "house"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 7,
                "category_id": 3,
                "segmentation": [[10, 10, 30, 10, 30, 25, 10, 25, 10, 10]],
                "iscrowd": 0,
            },
            {
                "id": 2,
                "image_id": 7,
                "category_id": 3,
                "segmentation": {"size": [60, 80], "counts": [60, 30, 4710]},
                "iscrowd": 1,
            },
            {"id": 3, "image_id": 7, "category_id": 3, "bbox": [0, 0, 5, 5], "segmentation": []},
        ],
    }


def imported(tmp_path: Path, document: Any, **options: Any) -> dict[str, Item]:
    (tmp_path / "coco.json").write_text(
        document if isinstance(document, str) else json.dumps(document), encoding="utf-8"
    )
    _, items = run(
        tmp_path, str(tmp_path / "images"), {"labels_uri": str(tmp_path / "coco.json"), **options}, max_bad=1
    )
    return {item.name: item for item in items}


def test_what_a_file_says_is_what_is_imported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    items = imported(tmp_path, small(tmp_path))
    assert set(items) == {"s0"}, "the other is none of the images, and skipped"
    expected = np.zeros((60, 80), np.bool_)
    expected[10:25, 10:30] = True
    assert (mask_of(items["s0"]) == expected).all()
    silent = np.zeros((60, 80), np.bool_)
    silent[:30, 1] = True
    assert (mask_of(items["s0"], NEUTRAL_CLASS) == silent).all()
    assert "left out: 1 boxes without a segmentation" in caplog.text
    assert "s1.tif: is none of the images of" in caplog.text
    config = load_labels(str(tmp_path / "coco.json"))
    assert config.labels_uri == str(tmp_path / "coco.json"), "a path alone will do"


def test_an_image_without_annotations_shows_no_building(tmp_path: Path) -> None:
    document = small(tmp_path)
    document["images"].append({"id": 8, "file_name": "s1.tif", "height": 60, "width": 80})
    items = imported(tmp_path, document)
    assert not items["s1"].objects


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("annotations.0.image_id", 9, r"annotations\[0\].image_id: 9 is the id of none of images"),
        ("annotations.0.category_id", 4, r"annotations\[0\].category_id: 4 is the id of none of categories"),
        ("annotations.1.id", 1, r"annotations\[1\].id: 1 is the id of annotations\[0\], too"),
        (
            "annotations.1.segmentation.size",
            [80, 60],
            r"annotations\[1\].segmentation.size: is \[80, 60\], and the image",
        ),
        ("annotations.1.segmentation.counts", [60, 30], r"counts: counts are of 90 pixels, and the image has 4800"),
        ("annotations.1.segmentation.counts", [60, -30, 4770], r"counts: a length is -30, below 0"),
        ("annotations.1.segmentation.counts", "~~", r"annotations\[1\].segmentation.counts: .* run lengths"),
        ("annotations.1.segmentation.counts", [0.5, 4799.5], r"counts: is neither a list of numbers nor text"),
        (
            "annotations.0.segmentation",
            [[1, 2, 3, 4]],
            r"segmentation\[0\]: is no list of x, y, x, y, … of three points",
        ),
        ("annotations.0.segmentation", [[1, 2, 3, 4, 5, "6"]], r"segmentation\[0\]: is no list of x, y"),
        ("annotations.0.segmentation", "abc", r"segmentation: is neither a list of polygons nor run lengths"),
        ("annotations.0", 5, r"annotations\[0\]: is no object with an id"),
        ("images.0.height", "60", r"images\[0\]: height and width are '60' and 80"),
        ("images.0.file_name", "", r"images\[0\].file_name: '' is no name"),
        ("images.0.file_name", "elsewhere.png", "none of its images has the name of one that is imported"),
        ("categories.0.name", None, r"categories\[0\].name: None is no name"),
        ("categories", {}, "categories: is no list"),
    ],
)
def test_what_breaks_a_rule_is_told_with_its_place(path: str, value: Any, message: str, tmp_path: Path) -> None:
    document = copy.deepcopy(small(tmp_path))
    entry: Any = document
    *keys, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in keys:
        entry = entry[key]
    entry[last] = value
    with pytest.raises(DataError, match=message):
        imported(tmp_path, document)
    assert not (tmp_path / "project").exists()


def test_files_that_do_not_fit_are_told(tmp_path: Path) -> None:
    document = small(tmp_path)
    document["images"].append({"id": 8, "file_name": "other/s0.png", "height": 60, "width": 80})
    with pytest.raises(DataError, match=r"images\[1\].file_name: 'other/s0.png' has the stem of 'folder/s0.jpg'"):
        imported(tmp_path, document)
    with pytest.raises(DataError, match=r"coco.json: is not whole JSON \(.*line 1"):
        imported(tmp_path, json.dumps(small(tmp_path))[:-40])
    with pytest.raises(
        DataError, match="label_attribute: 'kind' is nothing that COCO annotations have; give 'category'"
    ):
        imported(tmp_path, small(tmp_path), label_attribute="kind")
    document = small(tmp_path)
    document["images"][0]["height"] = 61
    document["annotations"] = document["annotations"][:1]
    with pytest.raises(TooManySkippedError, match=r"its image 'folder/s0.jpg' has 61×80 px, and item ds/s0 60×80"):
        imported(tmp_path, document)
    with pytest.raises(DataError, match="there is no such file"):
        read_coco(str(tmp_path / "none.json"))


def test_results_have_scores_and_annotations_no_strange_class(tmp_path: Path) -> None:
    project = ragged_project(tmp_path)
    found = []
    for item in open_project(project):
        values = np.full((SIZE.height, SIZE.width), 204, np.uint8)
        uri = write_tiled(tmp_path / f"confidence/{item.name}.tif", values)
        found.append(replace(item, rasters={CONFIDENCE_ROLE: uri}))
    write_manifest(tmp_path / "found", bitmap_meta("inf", "house", "shed", NEUTRAL_CLASS), found)
    results = export(tmp_path / "found", tmp_path / "results.json", "--results", "--class-title", "house")
    annotations = export(project, tmp_path / "a.json", "--class-title", "house")["annotations"]
    shown = [entry for entry in annotations if not entry["iscrowd"]]
    assert len(results) == len(shown) > 2
    for result, annotation in zip(results, shown, strict=True):
        assert result["score"] == 0.8
        assert {key: annotation[key] for key in ("image_id", "bbox", "segmentation")}.items() <= result.items()
    flags = ["--project", str(project), "--output", str(tmp_path / "none.json")]
    for more in (["--results"], ["--class-title", "barn"]):
        assert run_main(main, parser(), [*flags, *more]) == BAD_INPUT
    assert not (tmp_path / "none.json").exists()
    with pytest.raises(ConfigError, match="'barn' is no class"):
        write_annotations(open_project(project), tmp_path / "none.json", "barn")


def test_published_outlines_may_be_compared_with_what_was_imported(tmp_path: Path) -> None:
    """COCO in, footprints out: a project of annotations is one as any other."""
    images = scenes(tmp_path)
    labels = write_layer(tmp_path / "roofs.gpkg", buildings(), "EPSG:32633")
    run(tmp_path / "a", images, labels)
    export(tmp_path / "a/project", tmp_path / "coco.json")
    import_images(
        images,
        "",
        tmp_path / "b",
        data_root=str(tmp_path / "d"),
        labels=load_labels(str(tmp_path / "coco.json")),
        workers=1,
    )
    publish(tmp_path / "b", tmp_path / "out", class_title="untitled", tolerance="0", workers=1)
    _, back = run(tmp_path / "c", images, str(tmp_path / "out/footprints.parquet"))
    for number, item in enumerate(back):
        assert (mask_of(item) == burned(buildings(), number)).all()
