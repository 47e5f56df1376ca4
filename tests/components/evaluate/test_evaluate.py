"""Two projects in, measures by town out."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from components.core.cli import BAD_INPUT
from components.core.command.run import stage_main
from components.core.errors import ConfigError, DataError, StorageError, TooManySkippedError
from components.core.figures import Bitmap, Shape, vertices
from components.core.figures.vector import Polygon
from components.core.geometry import Size
from components.core.imagery.recipe import Recipe
from components.core.project import ClassInfo, Item, Object, ProjectMeta, open_project, write_manifest
from components.evaluate.evaluate import evaluate
from components.evaluate.report import write_report
from tests.builders import bitmap_meta, mask_object, scene_item, write_tiled

SIZE = Size(90, 70)

TAGS = {
    "austin1": ("austin", "test"),
    "austin2": ("austin", "test"),
    "vienna1": ("vienna", "test"),
    "kitsap1": ("kitsap", "trainval"),
}


class Projects:
    """A truth of four scenes, and predictions of the three to be tested, as the split leaves them."""

    def __init__(self, root: Path) -> None:
        self.truth, self.predictions = root / "truth", root / "predictions"
        self.true_items = [scene_item(root, name, SIZE, seed, TAGS[name]) for seed, name in enumerate(sorted(TAGS))]
        write_manifest(self.truth, bitmap_meta("INRIA_TAGGED"), self.true_items)
        self.predicted_masks = {}
        self.items = [self._predicted(root, item) for item in self.true_items if "test" in item.tags]
        self.write(self.items)

    def write(self, items: list[Item]) -> None:
        write_manifest(self.predictions, bitmap_meta("inf_splitted", "untitled_dl", "bg_dl"), items)

    def true_mask(self, item: Item) -> np.ndarray:
        canvas = np.zeros((SIZE.height, SIZE.width), np.uint8)
        for entry in item.objects:
            entry.figure.draw(canvas, 1)
        return canvas > 0

    def _predicted(self, root: Path, item: Item) -> Item:
        mask = np.roll(self.true_mask(item), 3, axis=1)
        self.predicted_masks[item.name] = mask
        uri = write_tiled(root / "masks" / f"{item.name}.tif", (~mask).view(np.uint8), compress="deflate")
        labels, count = ndimage.label(mask, np.ones((3, 3)))
        objects = [Object("untitled_dl", Bitmap.of_pixels(labels == label)) for label in range(1, count + 1)]
        return replace(item, dataset="INRIA__ds", objects=(mask_object(uri, ~mask, "bg_dl"), *objects))


@pytest.fixture()
def projects(tmp_path: Path) -> Projects:
    return Projects(tmp_path)


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


def test_measures_are_pooled_by_town_and_overall(projects: Projects, tmp_path: Path) -> None:
    result = evaluate(projects.predictions, projects.truth, tmp_path / "out", workers=1)
    pairs = {
        item.name: (projects.true_mask(item), projects.predicted_masks[item.name])
        for item in projects.true_items
        if "test" in item.tags
    }

    def pooled(*names: str) -> tuple[np.ndarray, np.ndarray]:
        return np.stack([pairs[name][0] for name in names]), np.stack([pairs[name][1] for name in names])

    assert [group.name for group in result.groups] == ["austin", "vienna"]
    austin, vienna = result.groups
    assert austin.counts.pixels.iou == iou(*pooled("austin1", "austin2"))
    assert vienna.counts.pixels.iou == iou(*pooled("vienna1"))
    first, second = pooled("austin1", "austin2", "vienna1")
    assert result.overall.counts.pixels.iou == iou(first, second)
    assert result.overall.counts.pixels.accuracy == (first == second).mean()
    assert result.overall.images == 3
    assert result.without_prediction == ("ds/kitsap1",)
    assert result.overall.counts.objects.predicted == sum(len(item.objects) - 1 for item in projects.items)

    written = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert written == json.loads(json.dumps(result.as_json()))
    assert written["overall"]["pixels"]["iou"] == result.scalars()["iou"]
    assert written["groups"][0]["images"] == 2
    assert [row["image"] for row in written["images"]] == ["ds/austin1", "ds/austin2", "ds/vienna1"]
    assert np.sum(result.confusion()) == 3 * SIZE.area
    assert result.confusion()[1][1] == (first & second).sum()


def test_perfect_predictions_reach_one(projects: Projects) -> None:
    result = evaluate(projects.truth, projects.truth, predicted_class="untitled", image_tags=["trainval"], workers=1)
    measures = {name: value for name, value in result.scalars().items() if not name.startswith("object")}
    assert measures == {
        "iou": 1, "accuracy": 1, "boundary_iou": 1, "images": 1, "iou_kitsap": 1, "accuracy_kitsap": 1,
    }  # fmt: skip


@pytest.mark.parametrize("mirrored", [False, True])
def test_truth_on_ground_without_data_is_not_missed(
    projects: Projects, caplog: pytest.LogCaptureFixture, mirrored: bool
) -> None:
    """The left 30 columns hold nothing: the network sees nothing there, whatever the truth says."""
    item = projects.true_items[0]
    pixels = np.full((3, SIZE.height, SIZE.width), 90, np.uint8)
    pixels[:, :, :30] = 0
    uri = write_tiled(Path(item.image.uri).with_name("gap.tif"), pixels, nodata=0)
    recipe = replace(item.image.recipe, left_right=mirrored)
    shown = replace(item, image=replace(item.image, uri=uri, recipe=recipe))
    write_manifest(projects.truth, bitmap_meta("INRIA_TAGGED"), [shown])
    seen = projects.true_mask(item)
    seen[:, slice(-30, None) if mirrored else slice(0, 30)] = False
    assert seen.sum() < projects.true_mask(item).sum()
    found = Object("untitled_dl", Bitmap.of_pixels(seen))
    projects.write([replace(shown, objects=(found,))])

    with caplog.at_level("INFO", "components.evaluate"):
        result = evaluate(projects.predictions, projects.truth, workers=1)

    pixels_found = result.overall.counts.pixels
    assert (pixels_found.iou, pixels_found.no_data) == (1.0, 30 * SIZE.height)
    assert result.overall.counts.boundary.iou == 1.0
    assert f"{100 * 30 / SIZE.width:.1f} % of the pixels hold no data, in 1 of 1 images" in caplog.text


def test_an_image_that_is_gone_makes_all_ground_count(projects: Projects, caplog: pytest.LogCaptureFixture) -> None:
    before = evaluate(projects.predictions, projects.truth, workers=1)
    for item in projects.true_items:
        Path(item.image.uri).unlink()
    assert evaluate(projects.predictions, projects.truth, workers=1) == before
    assert "cannot read where it holds data; all its pixels are counted" in caplog.text


def test_the_result_does_not_depend_on_the_workers(projects: Projects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.core.parallel.ALONE_SECONDS", 0.0)
    assert evaluate(projects.predictions, projects.truth, workers=2) == evaluate(
        projects.predictions, projects.truth, workers=1
    )


def test_groups_may_be_chosen(projects: Projects) -> None:
    result = evaluate(projects.predictions, projects.truth, group_tags=["vienna"], workers=1)
    assert [(group.name, group.images) for group in result.groups] == [("vienna", 1)]
    assert result.overall.images == 3
    with pytest.raises(ConfigError, match=r"group_tags: no evaluated image carries tyrol; .*austin, test, vienna"):
        evaluate(projects.predictions, projects.truth, group_tags=["tyrol"])


def test_a_window_of_a_raster_is_another_image(
    projects: Projects, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    item = projects.items[0]
    other = replace(item, image=replace(item.image, recipe=Recipe(item.image.recipe.window, left_right=True)))
    projects.write([other, *projects.items[1:]])
    with pytest.raises(DataError, match=r"1 items show images that .*truth does not hold \(INRIA__ds/austin1\)"):
        evaluate(projects.predictions, projects.truth, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    result = evaluate(projects.predictions, projects.truth, allow_unmatched=True, workers=1)
    assert evaluate(projects.predictions, projects.truth, max_bad=1, workers=1) == result
    assert f"skipped: INRIA__ds/austin1: has no truth in {projects.truth}" in caplog.messages
    assert result.without_truth == ("INRIA__ds/austin1",)
    assert result.overall.images == 2
    assert evaluate(projects.predictions, projects.truth, match_by="name", workers=1).overall.images == 3


def test_chosen_images_must_all_be_predicted(projects: Projects) -> None:
    projects.write(projects.items[1:])
    assert evaluate(projects.predictions, projects.truth, workers=1).overall.images == 2
    with pytest.raises(DataError, match=r"1 items tagged test have no prediction \(ds/austin1\)"):
        evaluate(projects.predictions, projects.truth, image_tags=["test"])


def test_what_shows_no_image_of_the_truth_is_an_error(projects: Projects, tmp_path: Path) -> None:
    write_manifest(tmp_path / "empty", bitmap_meta("nothing", "untitled_dl"), [])
    with pytest.raises(DataError, match="none of its 0 items shows an image of"):
        evaluate(tmp_path / "empty", projects.truth)
    with pytest.raises(DataError, match="none of its 3 items shows an image tagged tyrol of"):
        evaluate(projects.predictions, projects.truth, image_tags=["tyrol"])


def test_an_image_predicted_twice_is_an_error(projects: Projects) -> None:
    projects.write([*projects.items, replace(projects.items[0], dataset="again")])
    with pytest.raises(DataError, match="'INRIA__ds/austin1' and 'again/austin1' show the same image"):
        evaluate(projects.predictions, projects.truth)


def test_partners_of_other_sizes_are_an_error(projects: Projects) -> None:
    projects.write([replace(item, image=None, size=Size(10, 10), objects=()) for item in projects.items])
    with pytest.raises(DataError, match="'INRIA__ds/austin1' is 10×10 px and its partner 'ds/austin1'"):
        evaluate(projects.predictions, projects.truth, match_by="name", workers=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"predicted_class": "roof"}, r"predicted_class: 'roof' is not a class of .*untitled_dl, bg_dl"),
        ({"truth_class": "roof"}, r"truth_class: 'roof' is not a class of .*its classes are untitled"),
        ({"iou_threshold": 0.0}, "iou_threshold: 0.0 is not above 0"),
        ({"boundary_px": 0}, "boundary_px: 0 is not from 1 to 1000"),
        ({"boundary_px": 1001}, "boundary_px: 1001 is not from 1 to 1000"),
        ({"boundary_m": -1.0}, r"boundary_m: -1\.0 is not a distance in metres"),
        ({"boundary_m": math.nan}, "boundary_m: nan is not a distance in metres"),
        ({"match_by": "size"}, "match_by: 'size' is not one of image, name"),
        ({"workers": -1}, "workers: -1 is negative"),
    ],
)
def test_wrong_parameters_are_explained(projects: Projects, options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate(projects.predictions, projects.truth, **options)


def test_images_that_cannot_be_compared_are_skipped_as_far_as_allowed(projects: Projects, tmp_path: Path) -> None:
    whole = evaluate(projects.predictions, projects.truth, workers=1)
    torn, other = (item for item in projects.true_items if item.name in ("austin1", "vienna1"))
    Path(tmp_path / "gt" / f"{torn.name}.tif").write_bytes(b"torn")
    with pytest.raises(TooManySkippedError, match=r"1 of 3 images .* max_bad allows 0, but never all: .*austin1\.tif"):
        evaluate(projects.predictions, projects.truth, workers=1)

    result = evaluate(projects.predictions, projects.truth, tmp_path / "out", max_bad=1, workers=1)

    assert [image.label for image in result.images] == ["ds/austin2", "ds/vienna1"]
    assert [entry.name for entry in result.skipped] == ["ds/austin1"]
    assert result.images == whole.images[1:]
    (told,) = json.loads((tmp_path / "out" / "metrics.json").read_text())["skipped"]
    assert told["name"] == "ds/austin1" and "austin1.tif" in told["reason"]
    projects.write([item for item in projects.items if item.name != other.name])
    with pytest.raises(TooManySkippedError, match="2 of 3 images skipped, and max_bad allows 1"):
        evaluate(projects.predictions, projects.truth, image_tags=["test"], max_bad=1, workers=1)


def test_a_scene_that_cannot_be_shown_is_missing_in_the_report(projects: Projects, tmp_path: Path) -> None:
    result = evaluate(projects.predictions, projects.truth, workers=1)
    for item in projects.true_items:
        Path(tmp_path / "images" / f"{item.name}.tif").write_bytes(b"torn")
    write_report(result, tmp_path / "report.html", predictions=projects.predictions, truth=projects.truth)
    assert "austin" in (tmp_path / "report.html").read_text()


def test_polygons_are_a_truth_too_and_lines_are_not(projects: Projects, tmp_path: Path) -> None:
    ring = vertices([(10, 11), (10, 30), (40, 30), (40, 11)])
    meta = ProjectMeta("p", (ClassInfo("untitled", Shape.POLYGON, "#112233"), ClassInfo("way", Shape.LINE, "#112233")))
    items = [item.with_objects([Object("untitled", Polygon(ring))]) for item in projects.true_items]
    write_manifest(tmp_path / "polygons", meta, items)
    drawn = np.zeros((SIZE.height, SIZE.width), np.uint8)
    Polygon(ring).draw(drawn, 1)
    pixels = evaluate(projects.predictions, tmp_path / "polygons", workers=1).overall.counts.pixels
    assert pixels.true_positive + pixels.false_negative == 3 * drawn.sum()
    with pytest.raises(ConfigError, match="truth_class: 'way' holds lines"):
        evaluate(projects.predictions, tmp_path / "polygons", truth_class="way")


def test_truth_that_nobody_labelled_is_neither_missed_nor_wrong(projects: Projects, tmp_path: Path) -> None:
    """An import gives such ground as objects of the class neutral."""
    gap = np.zeros((SIZE.height, SIZE.width), np.bool_)
    gap[:, :40] = True
    neutral = Object("neutral", Bitmap.of_pixels(gap))  # type: ignore[arg-type]
    items = []
    for item in projects.true_items:
        kept = Bitmap.of_pixels(projects.true_mask(item) & ~gap)
        items.append(item.with_objects([*([Object("untitled", kept)] if kept else []), neutral]))
    write_manifest(tmp_path / "labelled", bitmap_meta("INRIA_TAGGED", "untitled", "neutral"), items)
    pixels = evaluate(projects.predictions, tmp_path / "labelled", workers=1).overall.counts.pixels
    assert pixels.total == 3 * SIZE.height * (SIZE.width - 40)
    both = [
        (projects.true_mask(item) & projects.predicted_masks[item.name] & ~gap).sum()
        for item in projects.true_items
        if item.name in projects.predicted_masks
    ]
    assert pixels.true_positive == sum(both)


def test_the_command_line_prints_the_table(
    projects: Projects, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--predictions", str(projects.predictions), "--truth", str(projects.truth), "--workers", "1"]
    tags = ["--image-tags", "test", "unused", "--group-tags", "vienna", "austin"]
    assert stage_main("evaluate", [*flags, "--evaluation", str(tmp_path / "out"), *tags]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["austin", "vienna", "overall"]
    assert (tmp_path / "out" / "metrics.json").is_file()
    assert stage_main("evaluate", [*flags, "--evaluation", str(tmp_path / "no"), "--truth-class", "roof"]) == BAD_INPUT
    assert "truth_class: 'roof'" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def test_a_place_that_cannot_be_written_is_found_before_an_image_is_compared(
    projects: Projects, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file: cannot write it: Not a directory"):
        evaluate(projects.predictions, projects.truth, tmp_path / "file", boundary_px=1)


def test_projects_stay_as_they_are(projects: Projects) -> None:
    before = open_project(projects.predictions).digest(), open_project(projects.truth).digest()
    evaluate(projects.predictions, projects.truth, workers=1)
    assert before == (open_project(projects.predictions).digest(), open_project(projects.truth).digest())
