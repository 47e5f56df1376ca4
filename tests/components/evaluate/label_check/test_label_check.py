"""Labels that are spoilt on purpose are listed, and what a person accepts gives labels again."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyogrio
import pytest
import shapely

from components.core.class_titles import NEUTRAL_CLASS
from components.core.cli import BAD_INPUT
from components.core.command.run import stage_main
from components.core.errors import ConfigError
from components.core.figures import Bitmap, Line, Shape, vertices
from components.core.geometry import Window
from components.core.project import ClassInfo, Item, Object, ProjectMeta, open_project, write_manifest
from components.evaluate.evaluate import evaluate
from components.evaluate.label_check.check import FILE, LabelCheck
from components.evaluate.label_check.doubts import DoubtKind
from components.evaluate.report import write_report
from tests.builders import CLASS, CRS, bitmap_meta, files_below
from tests.components.evaluate.label_check.town import HOUSES, SIZE, drawn, scene, seen, with_mask, with_polygons, write
from tests.components.import_images.test_labels import mask_of, run

PIXEL_M = 0.3

GONE, MOVED, FREE = 9, 17, HOUSES[24]
"""A house whose label is taken away, one whose label is moved, and a label where no house is."""

SHIFT = (-6, 8)
"""Rows and columns."""

HOUSES_SEEN = [house for house in HOUSES if house != FREE]


def moved(house: Window, rows: int = SHIFT[0], columns: int = SHIFT[1]) -> Window:
    return house.shift(rows, columns)


def labels() -> list[Window]:
    """Of the houses that there are, one missing and one moved, and of one that there is not."""
    return [moved(house) if number == MOVED else house for number, house in enumerate(HOUSES) if number != GONE]


def judged(found: Path, truth: Path, out: Path, **options: object) -> LabelCheck:
    result = evaluate(found, truth, out, workers=1, **options)  # type: ignore[arg-type]
    assert result.labels is not None
    return result.labels


@pytest.mark.parametrize("kind", ["polygons", "mask", "without probabilities"])
def test_each_kind_of_fault_is_found_and_nothing_else(kind: str, tmp_path: Path) -> None:
    item = scene(tmp_path, "a")
    labelled = (with_mask if kind == "mask" else with_polygons)(item, labels())
    found = seen(tmp_path, item, HOUSES_SEEN, probabilities=kind != "without probabilities")
    check = judged(*write(tmp_path, [labelled], [found]), tmp_path / "out")
    assert check.judged == len(labels()) and not check.shifted
    assert check.counts == Counter(DoubtKind)
    by_kind = {entry.kind: entry for entry in check.listed}
    assert [entry.score for entry in check.listed] == sorted((entry.score for entry in check.listed), reverse=True)
    assert all(0.4 < entry.score <= 1 for entry in check.listed)
    gone = shapely.box(HOUSES[GONE].left, HOUSES[GONE].top, HOUSES[GONE].right, HOUSES[GONE].bottom)
    missing = by_kind[DoubtKind.MISSING].shape
    assert missing.intersection(gone).area / missing.union(gone).area > 0.8
    assert by_kind[DoubtKind.UNSUPPORTED].shape.bounds == (FREE.left, FREE.top, FREE.right, FREE.bottom)
    assert by_kind[DoubtKind.UNSUPPORTED].area_m2 == pytest.approx(FREE.size.area * PIXEL_M**2, rel=0.01)
    east, north = by_kind[DoubtKind.SHIFTED].shift_m or (0, 0)
    assert east == pytest.approx(-SHIFT[1] * PIXEL_M, abs=0.5)
    assert north == pytest.approx(SHIFT[0] * PIXEL_M, abs=0.5)


@pytest.mark.parametrize("kind", ["polygons", "mask"])
def test_labels_of_a_scene_that_are_moved_alike_are_told_so(kind: str, tmp_path: Path) -> None:
    items = [scene(tmp_path, name, number) for number, name in enumerate("ab")]
    label = with_mask if kind == "mask" else with_polygons
    labelled = [label(items[0], HOUSES), label(items[1], [moved(house) for house in HOUSES])]
    found = [seen(tmp_path, item, HOUSES) for item in items]
    check = judged(*write(tmp_path, labelled, found), tmp_path / "out")
    (shifted,) = check.shifted
    assert shifted.name == "ds/b" and shifted.shift_m is not None
    assert shifted.shift_m == pytest.approx((-SHIFT[1] * PIXEL_M, SHIFT[0] * PIXEL_M), abs=0.35)
    assert not check.listed
    rows = read(tmp_path / "out" / FILE, "suggestions")
    assert len(rows) == len(HOUSES) and rows["whole_scene"].to_pylist() == [True] * len(HOUSES)
    accept(tmp_path / "out" / FILE, "scene = 'ds/b'")
    corrected = imported(tmp_path, tmp_path / "out" / FILE)
    assert (mask_of(corrected["a"]) == drawn(HOUSES)).all()
    right = drawn(HOUSES)
    both = mask_of(corrected["b"])
    assert (both & right).sum() / (both | right).sum() > 0.9


def read(file: Path, layer: str) -> pa.Table:
    return pyogrio.read_arrow(file, layer=layer)[1]


def accept(file: Path, where: str = "1") -> None:
    """As QGIS does, when boxes are ticked."""
    edit(file, f"UPDATE suggestions SET accept = 1 WHERE {where}")


def edit(file: Path, statement: str) -> None:
    """Change rows; the functions that spatial indexes ask for are GDAL's, and are not called for geometries here."""
    with closing(sqlite3.connect(file)) as database, database:
        for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            database.create_function(name, 1, lambda _: 0)
        database.execute(statement)


def imported(root: Path, file: Path, **options: object) -> dict[str, Item]:
    config = {"labels_uri": f"{file}|layername=corrected_labels", "label_attribute": "class"}
    _, items = run(root, str(root / "images"), config, **options)
    return {item.name: item for item in items}


@pytest.mark.parametrize("kind", ["polygons", "mask"])
def test_what_comes_back_is_labels_again(kind: str, tmp_path: Path) -> None:
    items = [scene(tmp_path, name, number) for number, name in enumerate("ab")]
    label = with_mask if kind == "mask" else with_polygons
    labelled = [label(items[0], labels()), label(items[1], HOUSES)]
    found, truth = write(tmp_path, labelled, [seen(tmp_path, item, HOUSES_SEEN) for item in items])
    judged(found, truth, tmp_path / "out")
    file = tmp_path / "out" / FILE
    untouched = imported(tmp_path, file)
    for item in labelled:
        assert (mask_of(untouched[item.name]) == mask_of(item)).all()
    accept(file, "scene = 'ds/a'")
    corrected = imported(tmp_path, file)
    assert (mask_of(corrected["b"]) == drawn(HOUSES)).all()
    right, got = drawn(HOUSES_SEEN), mask_of(corrected["a"])
    assert (got & right).sum() / (got | right).sum() > 0.97
    assert not got[FREE.slices].any()


def test_labels_that_are_drawn_edited_or_deleted_by_hand_count_too(tmp_path: Path) -> None:
    item = scene(tmp_path, "a")
    found, truth = write(tmp_path, [with_polygons(item, labels())], [seen(tmp_path, item, HOUSES_SEEN)])
    judged(found, truth, tmp_path / "out")
    file = tmp_path / "out" / FILE
    drawn_by_hand = shapely.to_wkb(shapely.MultiPolygon([shapely.box(500_030, 5_299_982.6, 500_060, 5_299_985)]))
    table = pa.table({"geometry": pa.array([drawn_by_hand], pa.binary())})
    for layer in ("labels", "suggestions"):
        pyogrio.write_arrow(
            table,
            file,
            layer=layer,
            driver="GPKG",
            append=True,
            geometry_name="geometry",
            geometry_type="MultiPolygon",
            crs=CRS,
        )
    assert len(read(file, "corrected_labels")) == len(labels()) + 1
    accept(file, "kind IS NULL")
    assert len(read(file, "corrected_labels")) == len(labels()) + 2
    edit(file, "DELETE FROM labels WHERE label = 0")
    by_hand = drawn([Window(50, 100, 8, 100)])
    assert (mask_of(imported(tmp_path, file)["a"]) == drawn(labels()[1:]) | by_hand).all()


def test_labels_keep_their_attributes_and_other_classes(tmp_path: Path) -> None:
    item = scene(tmp_path, "a")
    labelled = with_polygons(item, labels())
    shed = Object("shed", with_polygons(item, [Window(2, 2, 9, 9)]).objects[0].figure)
    labelled = labelled.with_objects((*labelled.objects, shed))
    found, truth = write(tmp_path, [labelled], [seen(tmp_path, item, HOUSES_SEEN)])
    judged(found, truth, tmp_path / "out")
    accept(tmp_path / "out" / FILE)
    rows = read(tmp_path / "out" / FILE, "corrected_labels").to_pylist()
    said = [json.loads(row["attributes"])["number"] for row in rows if row["attributes"]]
    lone = labels().index(FREE)
    assert sorted(said) == [number for number in range(len(labels())) if number != lone]
    assert Counter(row["class"] for row in rows) == {"untitled": len(labels()), "shed": 1}
    back = imported(tmp_path, tmp_path / "out" / FILE)["a"]
    assert (mask_of(back, "shed") == drawn([Window(2, 2, 9, 9)])).all()


def test_only_the_surest_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    items = [scene(tmp_path, name, number) for number, name in enumerate("abc")]
    labelled = [with_polygons(item, labels()) for item in items]
    found, truth = write(tmp_path, labelled, [seen(tmp_path, item, HOUSES_SEEN) for item in items])
    check = judged(found, truth, tmp_path / "all")
    few = judged(found, truth, tmp_path / "few", label_suggestions=4)
    assert few.counts == check.counts == dict.fromkeys(DoubtKind, 3)
    assert [entry.scene for entry in few.listed] == [entry.scene for entry in check.listed[:4]]
    assert len(read(tmp_path / "few" / FILE, "suggestions")) == 4
    assert evaluate(found, truth, tmp_path / "none", workers=1, label_suggestions=0).labels is None
    assert not (tmp_path / "none" / FILE).exists()


def test_the_list_does_not_depend_on_the_workers(tmp_path: Path) -> None:
    items = [scene(tmp_path, name, number) for number, name in enumerate("abcd")]
    labelled = [with_polygons(item, labels()) for item in items]
    found, truth = write(tmp_path, labelled, [seen(tmp_path, item, HOUSES_SEEN) for item in items])
    for workers in (1, 2):
        evaluate(found, truth, tmp_path / f"out{workers}", workers=workers)
    first, second = (files_below(tmp_path / f"out{workers}")["metrics.json"] for workers in (1, 2))
    assert first == second
    one, two = (read(tmp_path / f"out{workers}" / FILE, "suggestions") for workers in (1, 2))
    assert one.equals(two)


def test_unlabelled_ground_is_not_doubted(tmp_path: Path) -> None:
    item = scene(tmp_path, "a")
    silent = np.zeros((SIZE.height, SIZE.width), np.bool_)
    for house in (HOUSES[GONE], HOUSES[MOVED], FREE):
        box = Window(house.top - 8, house.left - 12, house.height + 16, house.width + 24)
        silent[box.slices] = True
    bitmap = Bitmap.of_pixels(silent)
    assert bitmap is not None
    labelled = with_mask(item, labels())
    labelled = labelled.with_objects((*labelled.objects, Object(NEUTRAL_CLASS, bitmap)))
    found, truth = write_with_neutral(tmp_path, labelled, seen(tmp_path, item, HOUSES_SEEN))
    check = judged(found, truth, tmp_path / "out")
    assert not check.listed and check.judged == len(labels()) - 2


def write_with_neutral(root: Path, labelled: Item, found: Item) -> tuple[Path, Path]:
    places = write(root, [labelled], [found])
    write_manifest(root / "neutral", bitmap_meta("INRIA", "untitled", NEUTRAL_CLASS), [labelled])
    return places[0], root / "neutral"


def test_a_neutral_class_of_lines_covers_no_ground(tmp_path: Path) -> None:
    item = scene(tmp_path, "a")
    way = Object(NEUTRAL_CLASS, Line(vertices([(0, 0), (SIZE.height, SIZE.width)])))
    labelled = with_mask(item, labels())
    labelled = labelled.with_objects((*labelled.objects, way))
    found, _ = write(tmp_path, [labelled.with_objects(labelled.objects[:-1])], [seen(tmp_path, item, HOUSES_SEEN)])
    classes = (ClassInfo.with_own_color(CLASS, Shape.BITMAP), ClassInfo.with_own_color(NEUTRAL_CLASS, Shape.LINE))
    write_manifest(tmp_path / "lines", ProjectMeta("INRIA", classes), [labelled])
    check = judged(found, tmp_path / "lines", tmp_path / "out")
    assert check.judged == len(labels()) and check.counts == Counter(DoubtKind)


def test_scenes_without_a_georeference_are_in_the_report_alone(tmp_path: Path) -> None:
    items = [scene(tmp_path, "a", crs=None), scene(tmp_path, "b", 1)]
    labelled = [with_polygons(item, labels()) for item in items]
    found, truth = write(tmp_path, labelled, [seen(tmp_path, item, HOUSES_SEEN) for item in items])
    result = evaluate(found, truth, tmp_path / "out", workers=1)
    assert result.labels is not None and result.labels.unplaced == ("ds/a",)
    assert result.labels.counts == dict.fromkeys(DoubtKind, 2)
    assert set(read(tmp_path / "out" / FILE, "suggestions")["scene"].to_pylist()) == {"ds/b"}
    write_report(result, tmp_path / "report.html", predictions=found, truth=truth)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Labels to look at" in page and "ds/a" in page
    assert "1 image without a georeference can be seen here alone" in page
    said = json.loads((tmp_path / "out/metrics.json").read_text(encoding="utf-8"))["labels"]
    assert said["missing"] == said["unsupported"] == said["shifted"] == 2
    alone = evaluate(*write(tmp_path / "alone", labelled[:1], [seen(tmp_path, items[0], HOUSES_SEEN)]), tmp_path / "o")
    assert alone.labels is not None and not alone.labels.has_file and not (tmp_path / "o" / FILE).exists()


def test_a_scene_that_is_labelled_rightly_has_nothing_to_look_at(tmp_path: Path) -> None:
    item = scene(tmp_path, "a")
    found, truth = write(tmp_path, [with_polygons(item, HOUSES)], [seen(tmp_path, item, HOUSES)])
    result = evaluate(found, truth, tmp_path / "out", workers=1)
    assert result.labels is not None and not result.labels.listed and not result.labels.shifted
    assert len(read(tmp_path / "out" / FILE, "corrected_labels")) == len(HOUSES)
    write_report(result, tmp_path / "report.html", predictions=found, truth=truth)
    assert "Nothing seems wrong." in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_scene_without_a_label_misses_all_of_its_houses(tmp_path: Path) -> None:
    item = scene(tmp_path, "a")
    other = scene(tmp_path, "b", 1)
    labelled = [with_polygons(other, HOUSES), item]
    found = [seen(tmp_path, each, HOUSES) for each in (other, item)]
    check = judged(*write(tmp_path, labelled, found), tmp_path / "out")
    assert check.counts == {DoubtKind.MISSING: len(HOUSES)}
    accept(tmp_path / "out" / FILE)
    mask = mask_of(imported(tmp_path, tmp_path / "out" / FILE)["a"])
    assert (mask & drawn(HOUSES)).sum() / (mask | drawn(HOUSES)).sum() > 0.8


def test_a_number_below_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    item = scene(tmp_path, "a")
    found, truth = write(tmp_path, [with_polygons(item, HOUSES)], [seen(tmp_path, item, HOUSES)])
    with pytest.raises(ConfigError, match="label_suggestions: -1 is below 0"):
        evaluate(found, truth, tmp_path / "out", label_suggestions=-1)
    arguments = ["--predictions", str(found), "--truth", str(truth), "--evaluation", str(tmp_path / "o")]
    assert stage_main("evaluate", [*arguments, "--label-suggestions", "-1"]) == BAD_INPUT
    assert "label_suggestions: -1" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert len(list(open_project(truth))) == 1
