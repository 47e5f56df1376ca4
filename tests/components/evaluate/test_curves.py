"""Curves of whole projects: by town and overall, in files, figures and the page."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components.core.dtl.mapping import with_renamed
from components.core.geometry import Size
from components.core.imagery.recipe import Crop
from components.core.project import Item, write_manifest
from components.core.project.parts import Rows, part_item
from components.core.project.predicted_classes import with_predicted
from components.core.project.predictions import PROBABILITY_ROLE
from components.core.project.probabilities import UNKNOWN, lowest_value
from components.evaluate.curves import THRESHOLDS, Curves
from components.evaluate.evaluate import evaluate
from components.evaluate.report import write_report
from components.evaluate.result import EvaluationResult
from components.split_masks.split_masks import split_masks
from tests.builders import bitmap_meta, scene_item
from tests.components.core.reporting.looking import faults_of, tags_of, text_of
from tests.components.evaluate.probable import GROUND, TITLE, bitmap_of, likely, predicted_item, true_mask
from tests.components.infer_windows.small import CONFIG, SOFT, infer, save_pair_model

SIZE = Size(90, 70)
HALF = THRESHOLDS.index(0.5)
TOWNS = {"austin1": "austin", "austin2": "austin", "vienna1": "vienna"}


class World:
    """A truth of three scenes in two towns, and what a network said of them."""

    def __init__(self, root: Path) -> None:
        self.root, self.truth, self.predictions = root, root / "truth", root / "predictions"
        self.true_items = [scene_item(root, name, SIZE, seed, (TOWNS[name],)) for seed, name in enumerate(TOWNS)]
        self.values = {item.name: likely(true_mask(item), seed) for seed, item in enumerate(self.true_items)}
        self.items = [predicted_item(root / "said", item, self.values[item.name]) for item in self.true_items]
        self.write(self.true_items, self.items)

    def write(self, true_items: list[Item], items: list[Item]) -> None:
        write_manifest(self.truth, bitmap_meta("INRIA", "untitled", "neutral"), true_items)
        write_manifest(self.predictions, bitmap_meta("inf", TITLE, GROUND, "house"), items)

    def evaluated(self, **options: object) -> EvaluationResult:
        return evaluate(self.predictions, self.truth, workers=1, **options)  # type: ignore[arg-type]


@pytest.fixture()
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def curves_of(result: EvaluationResult) -> Curves:
    assert result.overall.curves is not None
    return result.overall.curves


def test_at_the_threshold_that_made_the_mask_the_curves_say_what_the_mask_does(world: World) -> None:
    result = world.evaluated()
    for group in (result.overall, *result.groups):
        assert group.curves is not None
        counts = group.counts
        assert group.curves.used == 0.5
        assert group.curves.iou_at(0.5) == group.curves.pixels.iou[HALF] == counts.pixels.iou
        assert group.curves.pixels.boundary_iou[HALF] == counts.boundary.iou
        assert group.curves.objects.f1[9] == counts.objects.f1


def test_towns_add_up_to_all_together(world: World) -> None:
    result = world.evaluated()
    by_town = {group.name: group.curves for group in result.groups}
    assert {name: of and of.images for name, of in by_town.items()} == {"austin": 2, "vienna": 1}
    for threshold in (0.1, 0.5, 0.8):
        for names, curves in ((list(TOWNS), curves_of(result)), (["vienna1"], by_town["vienna"])):
            truth = np.stack([true_mask(item) for item in world.true_items if item.name in names])
            found = np.stack([world.values[name] >= lowest_value(threshold) for name in names])
            assert curves is not None
            assert curves.iou_at(threshold) == (truth & found).sum() / (truth | found).sum()
    pixels = [sum(entry.pixels for entry in of.reliability.bins) for of in by_town.values()]  # type: ignore[union-attr]
    assert sum(pixels) == 3 * SIZE.area == sum(entry.pixels for entry in curves_of(result).reliability.bins)


def test_files_and_figures_have_the_curves(world: World, tmp_path: Path) -> None:
    result = world.evaluated(output_dir=tmp_path / "out")
    written = json.loads((tmp_path / "out" / "metrics.json").read_text())
    curves, told = curves_of(result), written["overall"]["curves"]
    assert told["pixels"]["threshold"] == list(THRESHOLDS) and len(told["pixels"]["iou"]) == len(THRESHOLDS)
    assert told["pixels"]["iou"][HALF] == round(result.scalars()["iou"], 6)
    assert written["groups"][0]["curves"]["images"] == 2
    assert told["best_threshold"] == result.scalars()["best_threshold"]
    assert told["iou_at_best_threshold"] == max(filter(None, curves.pixels.iou))
    assert result.scalars()["object_f1_at_best_threshold"] == max(filter(None, curves.objects.f1))
    assert told["reliability"]["error"] == round(result.scalars()["calibration_error"], 6)


def test_the_page_shows_them(world: World, tmp_path: Path) -> None:
    result = world.evaluated()
    write_report(result, tmp_path / "report.html", predictions=world.predictions, truth=world.truth)
    html = (tmp_path / "report.html").read_text()
    assert not faults_of(html)
    text = text_of(html)
    for words in (
        "Thresholds and probabilities", "Of 3 images with probabilities", "the threshold used", "IoU by town",
        "Precision and recall", "calibration error", "Object F1 by town", "Reliability by town", "IoU at 0.50, as used",
    ):  # fmt: skip
        assert words in text
    assert tags_of(html).count("svg") == 6
    best = curves_of(result).best_iou
    assert best is not None and f"greatest IoU {best.score:.3f} at {best.threshold:.2f}" in text


def test_the_result_does_not_depend_on_the_workers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.core.parallel.ALONE_SECONDS", 0.0)
    assert evaluate(world.predictions, world.truth, workers=2) == world.evaluated()


def test_row_parts_say_what_the_whole_scenes_do(world: World) -> None:
    whole = world.evaluated()
    true_parts, parts = [], []
    for true, item in zip(world.true_items, world.items, strict=True):
        for rows in (Rows(0, 40), Rows(40, SIZE.height)):
            true_parts.append(part_item(true, rows))
            image = true_parts[-1]
            parts.append(predicted_item(world.root / "parts", image, world.values[item.name][rows.top : rows.bottom]))
    world.write(true_parts, parts)
    result = world.evaluated()
    assert result.overall.counts.pixels == whole.overall.counts.pixels
    assert curves_of(result).pixels.iou == curves_of(whole).pixels.iou
    assert curves_of(result).reliability == curves_of(whole).reliability
    assert curves_of(result).images == 6


def test_images_without_probabilities_count_in_no_curve(world: World, caplog: pytest.LogCaptureFixture) -> None:
    bare = [replace(item, rasters={}) for item in world.items]
    world.write(world.true_items, [*bare[:2], world.items[2]])
    with caplog.at_level(logging.INFO, "components.evaluate"):
        result = world.evaluated()
    assert result.overall.images == 3 and curves_of(result).images == 1
    assert [group.curves and group.curves.images for group in result.groups] == [None, 1]
    assert "1 of 3 images have probabilities" in caplog.text
    world.write(world.true_items, bare)
    result = world.evaluated()
    assert result.overall.curves is None and "best_threshold" not in result.scalars()
    assert result.as_json()["overall"]["curves"] is None


def test_a_page_of_some_towns_without_probabilities(world: World, tmp_path: Path) -> None:
    world.write(world.true_items, [*(replace(item, rasters={}) for item in world.items[:2]), world.items[2]])
    result = world.evaluated()
    write_report(result, tmp_path / "report.html", predictions=world.predictions, truth=world.truth)
    text = text_of((tmp_path / "report.html").read_text())
    assert "Of 1 image with probabilities" in text and "IoU by town" not in text


def test_of_bare_ground_the_page_has_nothing_but_its_reliability(world: World, tmp_path: Path) -> None:
    true = [item.with_objects([]) for item in world.true_items]
    nothing = np.zeros((SIZE.height, SIZE.width), np.uint8)
    world.write(true, [predicted_item(tmp_path / "bare", item, nothing) for item in true])
    result = world.evaluated()
    assert result.scalars()["calibration_error"] == 0 and "best_threshold" not in result.scalars()
    write_report(result, tmp_path / "report.html", predictions=world.predictions, truth=world.truth)
    html = (tmp_path / "report.html").read_text()
    assert tags_of(html).count("svg") == 2 and "IoU at 0.50 – the threshold used" in text_of(html)


def test_an_item_that_is_cropped_has_no_curves(world: World) -> None:
    window = Rows(3, 50).window(SIZE)
    true = [part_item(item, Rows(3, 50)) for item in world.true_items]
    cut = [replace(part_item(item, Rows(3, 50)), rasters={}) for item in world.items]
    assert cut[0].image == world.items[0].image.then(Crop(window))  # type: ignore[union-attr]
    world.write(true, cut)
    assert world.evaluated().overall.curves is None


def _torn(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"torn"), _torn])
def test_a_raster_that_cannot_be_read_is_told_and_takes_only_the_curves(
    world: World, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], object]
) -> None:
    before = world.evaluated()
    spoil(Path(world.items[0].rasters[PROBABILITY_ROLE]))
    result = world.evaluated()
    assert result.images == before.images and curves_of(result).images == 2
    assert "inf/austin1: cannot read its probabilities; it counts in no threshold curve" in caplog.text


def test_a_raster_of_another_image_is_not_taken_for_its_own(world: World, caplog: pytest.LogCaptureFixture) -> None:
    true = [item if number else part_item(item, Rows(0, 50)) for number, item in enumerate(world.true_items)]
    cut = replace(part_item(world.items[0], Rows(0, 50)), rasters=world.items[0].rasters)
    world.write(true, [cut, *world.items[1:]])
    assert curves_of(world.evaluated()).images == 2
    assert "90×70 px, not the probabilities of class 1 of an image of 50×70 px" in caplog.text


def test_a_class_is_found_under_its_new_title(world: World) -> None:
    before = world.evaluated()
    renamed = [
        with_renamed(item, {TITLE: "house"}).with_objects(replace(entry, class_title="house") for entry in item.objects)
        for item in world.items
    ]
    world.write(world.true_items, renamed)
    assert world.evaluated(predicted_class="house").overall == before.overall
    assert world.evaluated().overall.curves is None, "what was renamed is not there under its old title"


def test_an_item_that_does_not_say_which_class_is_which_has_no_curves(world: World) -> None:
    world.write(world.true_items, [with_predicted(item, {}) for item in world.items])
    assert world.evaluated().overall.curves is None


def test_the_background_of_two_classes_is_what_the_other_is_not(world: World) -> None:
    """Truth and prediction turned inside out."""
    true = [item.with_objects(bitmap_of(~true_mask(item), "untitled")) for item in world.true_items]
    turned = [
        item.with_objects(bitmap_of(~(world.values[item.name] >= lowest_value(0.3)), GROUND))
        for item in (
            predicted_item(world.root / "turned", item, world.values[item.name], 0.3) for item in world.true_items
        )
    ]
    world.write(true, turned)
    result = world.evaluated(predicted_class=GROUND)
    curves = curves_of(result)
    assert curves.used == 0.7
    assert curves.iou_at(0.7) == result.overall.counts.pixels.iou


def test_of_more_classes_each_has_its_band(world: World) -> None:
    """The second of three classes is house; nowhere is it between a third and a half, so argmax is a threshold."""
    items = []
    for item in world.true_items:
        own = np.where(world.values[item.name] >= 128, 200, 20).astype(np.uint8)
        rest = ((254 - own) // 2).astype(np.uint8)
        items.append(predicted_item(world.root / "three", item, np.stack([rest, own, rest])))
    world.write(world.true_items, items)
    result = world.evaluated()
    curves = curves_of(result)
    assert curves.used is None
    assert curves.iou_at(0.5) == result.overall.counts.pixels.iou
    assert curves.reliability is not None and len(curves.reliability.bins) == 2


def test_unlabelled_ground_and_ground_of_which_nothing_is_known_count_as_in_the_mask(world: World) -> None:
    gap = np.zeros((SIZE.height, SIZE.width), np.bool_)
    gap[:, :25] = True
    true = [
        item.with_objects([*bitmap_of(true_mask(item) & ~gap, "untitled"), *bitmap_of(gap, "neutral")])
        for item in world.true_items
    ]
    unseen = {name: np.where(np.arange(SIZE.height)[:, None] < 20, UNKNOWN, of) for name, of in world.values.items()}
    items = [predicted_item(world.root / "seen", item, unseen[item.name].astype(np.uint8)) for item in world.true_items]
    world.write(true, items)
    result = world.evaluated()
    curves = curves_of(result)
    assert curves.pixels.iou[HALF] == result.overall.counts.pixels.iou
    assert curves.pixels.boundary_iou[HALF] == result.overall.counts.boundary.iou
    assert curves.objects.f1[9] == result.overall.counts.objects.f1
    assert curves.reliability is not None
    assert sum(entry.pixels for entry in curves.reliability.bins) == 3 * (SIZE.height - 20) * (SIZE.width - 25)


@pytest.mark.parametrize("threshold", [None, 0.3])
def test_from_the_network_to_the_curves(tmp_path: Path, threshold: float | None) -> None:
    """What inference writes, the tutorial's split leaves beside the items, by whole scenes and by row parts."""
    true = [scene_item(tmp_path, name, Size(600, 130), seed) for seed, name in enumerate(("a", "b"))]
    project = tmp_path / "project"
    write_manifest(project, bitmap_meta(), true)
    model = save_pair_model(tmp_path / "model", SOFT)
    config = CONFIG | {"threshold": threshold}
    query = [{"action": "data", "src": ["inf/*"], "dst": "$in", "settings": {"classes_mapping": "default"}}]
    query += [{"action": "split_masks", "src": ["$in"], "dst": "$out", "settings": {"classes": [TITLE]}}]
    query += [{"action": "supervisely", "src": ["$out"], "dst": "split", "settings": {}}]
    found = []
    for pixels in (0, 512 * 130):
        _, meta, items = infer(project, model, config=config, project_name="inf", max_item_pixels=pixels, image_tags=())
        write_manifest(tmp_path / "said", meta, items)
        split_masks(tmp_path / "said", tmp_path / "split", query=json.dumps(query))
        parts = [part_item(item, Rows(*rows)) for item in true for rows in ((0, 512), (512, 600))]
        write_manifest(tmp_path / "truth", bitmap_meta(), parts if pixels else true)
        result = evaluate(tmp_path / "split", tmp_path / "truth", workers=1)
        curves = curves_of(result)
        used = 0.5 if threshold is None else threshold
        assert curves.used == used and curves.images == (4 if pixels else 2)
        assert curves.iou_at(used) == result.overall.counts.pixels.iou
        found.append(curves)
    assert found[0].pixels.iou == found[1].pixels.iou and found[0].reliability == found[1].reliability
