"""A dry run counts without pixels, exactly where it can; annotations alone are never a reason to read pixels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from components.core.dtl.dry_run import follow
from components.core.dtl.graph import build_query
from components.core.dtl.possible import Possible
from components.core.dtl.run import execute_query, predict_query
from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.project import open_project
from tests.builders import bitmap_meta, files_below, scene_project
from tests.components.core.dtl.projects import house, item, run, write
from tests.queries import choose, data, layer, save, tag, windows

SIZE = Size(48, 64)
NAMES = ("austin1", "austin2", "vienna1")


@pytest.fixture
def without_rasters(tmp_path: Path) -> Path:
    """A project of three scenes whose images and masks are gone."""
    project = scene_project(tmp_path, NAMES, SIZE)
    shutil.rmtree(tmp_path / "images")
    shutil.rmtree(tmp_path / "gt")
    return project


CROPS: list[Any] = [
    data(),
    choose("$all", ["$austin", "null"], regex_names=["^austin"]),
    windows("$austin", "$crops", 20, 30),
    layer("flip", "$crops", "$flipped", axis="vertical"),
    choose("$crops $flipped", ["$train", "$val"], probability=0.7),
]


def test_counts_are_exact_where_no_condition_looks_at_pixels(without_rasters: Path) -> None:
    run = predict_query(json.dumps([*CROPS, save("$train")]), [without_rasters])
    assert run.result.exact
    assert run.result.read == 3 and run.result.received[2] == 2
    assert run.result.emitted[2, 0] == 2 * 3 * 3 and run.result.received[4] == 36
    assert run.result.emitted[4, 0] + run.result.emitted[4, 1] == 36
    assert run.result.written == run.result.emitted[4, 0]


def test_counts_are_those_of_the_run(tmp_path: Path) -> None:
    project = scene_project(tmp_path, NAMES, SIZE)
    query = json.dumps([*CROPS, tag("$val", "$tagged", "val"), save("$train $tagged")])
    dry = predict_query(query, [project], seed=4)
    wet = execute_query(query, [project], tmp_path / "out", seed=4)
    assert dry.result == wet.result
    assert dry.meta == wet.meta


@pytest.mark.parametrize(
    "condition",
    [
        {"min_objects_count": 1},
        {"include_classes": ["untitled"]},
        {"sum_object_area": 50, "classes": ["untitled"]},
    ],
)
def test_counts_are_upper_bounds_once_a_condition_looks_at_cut_objects(
    tmp_path: Path, condition: dict[str, Any]
) -> None:
    project = scene_project(tmp_path, NAMES, SIZE)
    query = json.dumps([*CROPS, choose("$train $val", ["$kept", "null"], **condition), save("$kept")])
    wet = execute_query(query, [project], tmp_path / "out")
    shutil.rmtree(tmp_path / "gt")
    dry = predict_query(query, [project])
    assert not dry.result.exact
    assert wet.result.written < dry.result.written == 36


def test_objects_of_whole_images_are_known(without_rasters: Path) -> None:
    layers = [
        data(),
        choose("$all", ["$1", "null"], min_objects_count=1),
        choose("$1", ["$2", "null"], sum_object_area=1, classes=["untitled"]),
        windows("$2", "$3", 20, 30),
        save("$3"),
    ]
    run = predict_query(json.dumps(layers), [without_rasters])
    assert run.result.exact and run.result.written == 27


def test_split_masks_is_not_run(without_rasters: Path) -> None:
    split = layer("split_masks", "$all", "$1", classes=["untitled"])
    run = predict_query(json.dumps([data(), split, save("$1")]), [without_rasters])
    assert run.result.exact and run.result.written == 3
    counted = [data(), split, choose("$1", ["$2", "null"], min_objects_count=9), save("$2")]
    run = predict_query(json.dumps(counted), [without_rasters])
    assert not run.result.exact and run.result.written == 3


def test_nothing_is_written(without_rasters: Path, tmp_path: Path) -> None:
    before = files_below(tmp_path)
    predict_query(json.dumps([*CROPS, save("$train")]), [without_rasters])
    assert files_below(tmp_path) == before


def test_what_would_fail_is_said(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", house()), item("b", size=Size(10, 10))])
    run = predict_query(json.dumps([data(), windows("$all", "$1", 20, 20), save("$1")]), [project])
    assert [bad.name for bad in run.result.skipped] == ["INRIA/ds/b"]
    assert run.result.written == 6


def test_faults_are_found(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", house())])
    with pytest.raises(ConfigError, match="class 'house' of project 'INRIA' is not listed"):
        predict_query(json.dumps([data("INRIA/*", "$all", {}), save("$all")]), [project])


def test_annotations_are_tagged_and_mirrored_without_pixels(without_rasters: Path, tmp_path: Path) -> None:
    layers = [
        data("INRIA/*", "$all", {"untitled": "building"}),
        choose("$all", ["$austin", "$rest"], regex_names=["^austin"]),
        tag("$austin", "$1", "austin"),
        layer("flip", "$1", "$2", axis="horizontal"),
        choose("$2 $rest", ["$3", "$4"], min_objects_count=1),
        choose("$3 $4", ["$5", "$6"], sum_object_area=1, classes=["building"]),
        save("$5 $6"),
    ]
    run_ = execute_query(json.dumps(layers), [without_rasters], tmp_path / "out", max_bad=0)
    assert run_.result.written == 3
    found = list(open_project(tmp_path / "out"))
    assert [entry.tags for entry in found] == [("austin",), ("austin",), ()]
    assert all(entry.image is not None and entry.objects[0].class_title == "building" for entry in found)


def test_cutting_needs_the_pixels_of_masks(without_rasters: Path) -> None:
    """The proof above means something: pixels are gone, and whoever needs them fails."""
    _, report = run([*CROPS, save("$train")], without_rasters, max_bad=None)
    assert len(report.skipped) == 2 and all("gt" in bad.reason for bad in report.skipped)


FIGURES: dict[str, tuple[dict[str, Any], bool]] = {
    "bbox": ({"classes_mapping": {"untitled": "n"}}, True),
    "rename": ({"classes_mapping": {"untitled": "n"}}, True),
    "duplicate_objects": ({"classes_mapping": {"untitled": "n"}}, True),
    "drop_obj_by_class": ({"classes": ["untitled"]}, True),
    "background": ({"class": "n"}, True),
    "dataset": ({"name": "n"}, True),
    "dummy": ({}, True),
    "multiply": ({"multiply": 2}, True),
    "objects_filter": (
        {
            "filter_by": {
                "polygon_sizes": {
                    "filtering_classes": ["untitled"],
                    "area_size": {"percent": 50},
                    "comparator": "less",
                    "action": "delete",
                }
            }
        },
        True,
    ),
    "poly2bitmap": ({"classes_mapping": {"untitled": "n"}}, False),
    "line2bitmap": ({"classes_mapping": {"untitled": "n"}, "width": 2}, False),
    "find_contours": ({"classes_mapping": {"untitled": "n"}}, False),
    "bitmap2lines": ({"classes_mapping": {"untitled": "n"}, "min_points_cnt": 2}, False),
    "rasterize": ({"classes_mapping": {"untitled": "n"}}, False),
    "skeletonize": ({"classes": ["untitled"], "method": "thinning"}, False),
    "drop_noise": ({"classes": ["untitled"], "min_area": "3px", "src_type": "image"}, False),
    "generate_hints": (
        {"class": "untitled", "positive_class": "n", "negative_class": "m", "min_points_number": 1},
        False,
    ),
}
"""Settings of actions that leave pixels alone, and whether what they give is known without pixels of masks."""


@pytest.mark.parametrize("action", FIGURES)
def test_no_action_on_figures_reads_a_mask(without_rasters: Path, action: str) -> None:
    settings, known = FIGURES[action]
    layers = [
        data(),
        layer(action, "$all", "$1", **settings),
        choose("$1", ["$2", "null"], min_objects_count=1),
        save("$2"),
    ]
    dry = predict_query(json.dumps(layers), [without_rasters])
    assert dry.result.exact is known and not dry.result.skipped
    if known:
        written = execute_query(json.dumps(layers), [without_rasters], without_rasters.parent / "out", allow_empty=True)
        assert written.result == dry.result
    else:
        assert dry.result.written == 3
    followed = follow(build_query(layers), {"INRIA": Possible(bitmap_meta("INRIA", "untitled"))})
    assert followed.meta.titles == dry.meta.titles
    assert followed.result is not None
