from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from components.core.figures import Bitmap, InlineMask
from components.core.figures.connected_components import connected_components
from components.core.geometry import Size
from components.core.project import ImageRef, Item, Object, Project, open_project, write_manifest
from components.core.reporting import detail
from components.core.reporting.palette import BOTH, PREDICTION, TRUTH, rgb
from components.evaluate import panels
from components.evaluate.compared_scenes import ComparedScene, compared_scenes
from components.evaluate.panels import difference_pixels, object_pixels, prediction_panels, quiet, scene_row
from tests.builders import bitmap_meta, noise, scene_item, write_tiled
from tests.components.core.reporting.looking import faults_of, page_of, tags_of, text_of

SIZE = Size(48, 64)


def scene(tmp_path: Path, size: Size = SIZE) -> ComparedScene:
    """Two true squares; the prediction misses one, is right about one and makes one up."""
    image = ImageRef.whole(write_tiled(tmp_path / "scene.tif", noise(size)), size)
    truth, predicted = np.zeros((2, size.height, size.width), np.bool_)
    truth[4:14, 4:14] = truth[30:40, 4:14] = True
    predicted[4:14, 4:14] = predicted[30:40, 40:50] = True
    split = tuple(connected_components(InlineMask(predicted)))
    return ComparedScene("austin<7>", "austin", image, (bitmap(truth),), (bitmap(predicted),), split)


def bitmap(pixels: npt.NDArray[np.bool_]) -> Bitmap:
    found = Bitmap.of_pixels(pixels)
    assert found is not None
    return found


def test_a_scene_has_six_panels_and_its_measures(tmp_path: Path) -> None:
    row = scene_row(scene(tmp_path))

    assert [panel.caption for panel in row.panels] == [
        "scene",
        "truth",
        "prediction",
        "difference: IoU 0.333",
        "before splitting",
        "after splitting: 2 objects",
    ]
    assert all(panel.pixels.shape == (48, 64, 3) for panel in row.panels)
    after = row.panels[-1].pixels
    assert after[8, 8].tolist() != after[35, 45].tolist()


def test_a_scene_that_was_not_split_has_five(tmp_path: Path) -> None:
    assert len(scene_row(replace(scene(tmp_path), split=None)).panels) == 5


def test_the_difference_tells_three_cases_apart() -> None:
    truth, predicted = np.array([[1, 1, 0, 0]], np.bool_), np.array([[1, 0, 1, 0]], np.bool_)

    drawn = difference_pixels(np.full((1, 4, 3), 90, np.uint8), truth, predicted)

    for column, color in enumerate((BOTH, TRUTH, PREDICTION)):
        assert np.abs(drawn[0, column].astype(int) - rgb(color).as_array()).max() < 50
    assert len(set(drawn[0, 3].tolist())) == 1


def test_touching_objects_differ_and_are_parted_by_a_seam() -> None:
    labels = np.zeros((6, 8), np.int32)
    labels[:, :4], labels[:, 4:] = 1, 2

    drawn = object_pixels(np.zeros((6, 8, 3), np.uint8), labels)

    assert drawn[2, 1].tolist() != drawn[2, 6].tolist()
    assert (drawn[:, 4] == 255).all()


def test_the_page_shows_scenes_escaped_and_needs_nothing_else(tmp_path: Path) -> None:
    html = page_of(prediction_panels([scene(tmp_path)]))

    assert "austin&lt;7&gt;" in html
    assert tags_of(html).count("img") == 6
    for expected in ("difference: IoU 0.333", "missed", "48×64 px"):
        assert expected in text_of(html)
    assert not faults_of(html)


def test_without_scenes_the_page_says_so() -> None:
    assert "No scene has a prediction." in text_of(page_of(prediction_panels([])))


def test_of_a_large_scene_the_busiest_part_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detail, "DETAIL_PX", 32)
    monkeypatch.setattr(panels, "DETAIL_PX", 32)
    large = scene(tmp_path, Size(96, 128))

    row = scene_row(large)

    assert len(row.panels) == 8
    assert row.panels[0].pixels.shape == (96, 128, 3) and row.panels[2].pixels.shape == (32, 32, 3)
    assert "96×128 px · part shown, the one with the most outlines: rows" in row.note


def test_quiet_imagery_is_pale_grey() -> None:
    drawn = quiet(noise(Size(8, 8)).transpose(1, 2, 0).copy())

    assert (drawn[:, :, 0] == drawn[:, :, 1]).all() and drawn.min() >= 127


@pytest.fixture
def projects(tmp_path: Path) -> Iterator[tuple[Project, Project, Project]]:
    """Truth, predictions under another dataset and other names, and one of them missing from the last."""
    names = ("austin1", "austin2", "kitsap1")
    true = [scene_item(tmp_path, name, SIZE, seed, (name[:-1],)) for seed, name in enumerate(names)]
    found = [
        Item(
            "other",
            f"p_{item.name}",
            SIZE,
            item.image,
            item.tags,
            objects=(Object("untitled_dl", item.objects[0].figure),),
        )
        for item in true
    ]
    write_manifest(tmp_path / "truth", bitmap_meta("T", tags=("austin", "kitsap")), true)
    write_manifest(tmp_path / "predicted", bitmap_meta("P", "untitled_dl", tags=("austin", "kitsap")), found)
    write_manifest(tmp_path / "split", bitmap_meta("S", "untitled_dl", tags=("austin", "kitsap")), found[:2])
    yield open_project(tmp_path / "truth"), open_project(tmp_path / "predicted"), open_project(tmp_path / "split")


def test_scenes_are_paired_by_their_pixels(projects: tuple[Project, Project, Project]) -> None:
    scenes = compared_scenes(*projects, ["untitled"], ["untitled_dl"], ["kitsap", "austin", "vienna"])

    assert [scene.town for scene in scenes] == ["kitsap", "austin"]
    kitsap, austin = scenes
    assert kitsap.name == "p_kitsap1" and kitsap.truth == kitsap.predicted and kitsap.split == ()
    assert austin.split == austin.predicted == austin.truth


def test_all_scenes_are_one_town_without_tags(projects: tuple[Project, Project, Project]) -> None:
    truth, predicted, _ = projects

    scenes = compared_scenes(truth, predicted, None, ["untitled"], ["untitled_dl"], per_town=2)

    assert len(scenes) == 2 and all(scene.split is None and not scene.town for scene in scenes)


def test_other_classes_are_left_out(projects: tuple[Project, Project, Project]) -> None:
    (scene,) = compared_scenes(*projects, ["roof"], ["untitled_dl"], ["kitsap"])

    assert scene.truth == () and scene.predicted
