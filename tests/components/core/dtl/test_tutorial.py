"""The tutorial's three queries, as printed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from components.core.dtl.run import execute_query, predict_query
from components.core.geometry import Size
from components.core.project import ImageRef, Item, open_project, write_manifest
from tests.builders import CRS, TRANSFORM, bitmap_meta, mask_object, write_tiled
from tests.components.core.dtl.projects import house, item, items, names, write
from tests.components.core.dtl.test_query import TUTORIAL

SPLIT_TAGGING, CROP_AUGMENT, SPLIT_MASKS = TUTORIAL

SCENE = Size(5000, 5000)
TOWNS = ("austin", "chicago", "kitsap", "tyrol-w", "vienna")


def test_split_tagging(tmp_path: Path) -> None:
    entries = [item(f"{town}{number}", house()) for town in TOWNS for number in range(1, 37)]
    project = write(tmp_path, [*entries, *items(3, "bellingham")])
    run = execute_query(SPLIT_TAGGING, [project], tmp_path / "out")
    found = list(open_project(tmp_path / "out"))
    assert run.meta.name == "INRIA_TAGGED" and sorted(names(found)) == sorted(names(entries))
    assert {entry.dataset for entry in found} == {"INRIA__ds"}
    towns = Counter(entry.tags[0] for entry in found)
    assert len(towns) == 5 and set(towns.values()) == {36}
    assert all(entry.tags[0].startswith(entry.name[:5]) for entry in found)
    kinds = Counter(entry.tags[1] for entry in found)
    assert set(kinds) == {"trainval", "test"} and 15 <= kinds["trainval"] <= 40
    assert set(run.meta.tags_images) == {"old", "trainval", "test", *towns}


class Scene(NamedTuple):
    """A tagged INRIA-shaped scene whose image and mask are the same pattern."""

    project: Path
    mask: np.ndarray


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    root = tmp_path_factory.mktemp("inria")
    random = np.random.default_rng(5)
    mask = np.zeros((SCENE.height, SCENE.width), np.bool_)
    for top, left, height, width in random.integers(0, (5000, 5000, 50, 80), (1500, 4)).tolist():
        mask[top : top + 3 + height, left : left + 3 + width] = True
    mask[512:1024, 1024:1536] = False  # one window without a house
    values = mask.view(np.uint8) * np.uint8(255)
    image = np.stack([values, values ^ np.uint8(255), values // 2])
    uri = write_tiled(root / "image.tif", image)
    gt = write_tiled(root / "gt.tif", values, compress="deflate")
    reference = ImageRef.whole(uri, SCENE, CRS, TRANSFORM)
    trainval = Item("ds", "austin1", SCENE, reference, ("austin", "trainval"), objects=(mask_object(gt, mask),))
    test = Item("ds", "austin2", SCENE, reference, ("austin", "test"), objects=(mask_object(gt, mask),))
    write_manifest(root / "tagged", bitmap_meta("INRIA_TAGGED", tags=("austin",)), [trainval, test])
    return Scene(root / "tagged", mask)


def test_crop_augment_makes_400_of_a_scene(scene: Scene, tmp_path: Path) -> None:
    run = execute_query(CROP_AUGMENT, [scene.project], tmp_path / "out")
    layers = {entry.place: entry.index for entry in run.query.layers}
    count = run.result.emitted
    assert count[layers["query[1]"], 0] == 1, "test scenes are not for training"
    assert count[layers["query[2]"], 0] == 100
    assert (count[layers["query[3]"], 0], count[layers["query[4]"], 0]) == (100, 200)
    assert run.result.received[layers["query[5]"]] == 400
    assert count[layers["query[8]"], 1] == 4, "the window without a house goes, in all four ways"
    found = list(open_project(tmp_path / "out"))
    assert len(found) == run.result.written == 396
    assert len(set(names(found))) == 396
    tags = Counter(entry.tags[2] for entry in found)
    assert 5 <= tags["val"] <= 40 and tags.total() == 396
    assert all(entry.tags[:2] == ("austin", "trainval") for entry in found)
    assert run.meta.tags_images == ("austin", "train", "val")
    assert sum(path.stat().st_size for path in (tmp_path / "out").iterdir()) < 200_000, "rows, not pixels"


def test_crop_augment_is_predicted_without_pixels(scene: Scene) -> None:
    run = predict_query(CROP_AUGMENT, [scene.project])
    assert not run.result.exact and run.result.written == 400


def test_images_and_masks_stay_aligned_in_real_files(scene: Scene, tmp_path: Path) -> None:
    execute_query(CROP_AUGMENT, [scene.project], tmp_path / "out", as_files=True)
    seen = Counter[str]()
    for entry in open_project(tmp_path / "out"):
        assert entry.image is not None
        pixels = cv2.imread(entry.image.uri, cv2.IMREAD_COLOR)
        assert pixels.shape == (512, 512, 3)
        drawn = np.zeros((512, 512), np.uint8)
        for found in entry.objects:
            found.figure.draw(drawn, 255)
        assert (pixels[:, :, 2] == drawn).all() and (pixels[:, :, 1] == drawn ^ np.uint8(255)).all()

        _, row, column, *flips = entry.name.split("_")
        expected = scene.mask[int(row[1:]) :, int(column[1:]) :][:512, :512]
        expected = expected[:, ::-1] if "lr" in flips else expected
        expected = expected[::-1] if "ud" in flips else expected
        assert ((drawn > 0) == expected).all()
        seen["_".join(flips)] += 1
    assert seen == {"": 99, "lr": 99, "ud": 99, "lr_ud": 99}


def test_split_masks(tmp_path: Path) -> None:
    meta = bitmap_meta("inf_INRIA_test_part", "bg_dl", "untitled_dl")
    predicted = house("##..#", "##..#", ".....", "#.#.#", title="untitled_dl")
    ground = house("..##.", "..##.", "#####", title="bg_dl")
    project = write(tmp_path, [item("austin1", ground, predicted, tags=["test"])], meta.name, meta)
    run = execute_query(SPLIT_MASKS, [project], tmp_path / "out")
    (found,) = open_project(tmp_path / "out")
    assert run.meta.name == "inf_splitted" and found.key == "inf_INRIA_test_part__ds/austin1"
    assert [entry.class_title for entry in found.objects] == ["bg_dl", *["untitled_dl"] * 5]
    assert sum(entry.figure.area for entry in found.objects[1:]) == predicted.figure.area


def test_the_queries_are_lists_of_layers_with_their_results() -> None:
    results = [json.loads(file.read_text(encoding="utf-8"))[-1]["dst"] for file in TUTORIAL]
    assert results == ["INRIA_TAGGED", "INRIA_train", "inf_splitted"]
