"""Which classes the predictions have: suffixes, selections and collisions."""

from __future__ import annotations

from typing import Any

import pytest

from components.core.documents.inference import load_config
from components.core.documents.predicted import ClassPlan, plan_classes
from components.core.errors import ConfigError
from components.core.figures import Shape
from components.core.project import ClassInfo, ProjectMeta

MODEL = (ClassInfo("bg", Shape.BITMAP, "#000000"), ClassInfo("untitled", Shape.POLYGON, "#112233"))
META = ProjectMeta(
    "INRIA",
    (ClassInfo("untitled", Shape.BITMAP, "#445566"), ClassInfo("road", Shape.LINE, "#778899")),
    ("austin", "test"),
    ("sure",),
)


def planned(**document: Any) -> ClassPlan:
    return plan_classes(META, MODEL, load_config(document), "inf")


def test_the_default_keeps_every_class_of_the_model_with_a_suffix_and_nothing_else() -> None:
    plan = planned()

    assert plan.meta == ProjectMeta(
        "inf",
        (ClassInfo("bg_dl", Shape.BITMAP, "#000000"), ClassInfo("untitled_dl", Shape.BITMAP, "#112233")),
        META.tags_images,
        META.tags_objects,
    )
    assert (plan.existing, plan.predicted, plan.window) == ({}, {0: "bg_dl", 1: "untitled_dl"}, None)


def test_lists_select_and_suffixes_rename() -> None:
    plan = planned(
        model_classes={"save_classes": ["untitled"], "add_suffix": ""},
        existing_objects={"save_classes": "__all__", "add_suffix": "_gt"},
        mode={"save": True, "class_name": "window"},
    )

    assert plan.meta.titles == ("untitled_gt", "road_gt", "untitled", "window")
    assert [known.shape for known in plan.meta.classes] == [Shape.BITMAP, Shape.LINE, Shape.BITMAP, Shape.RECTANGLE]
    assert plan.existing == {"untitled": "untitled_gt", "road": "road_gt"}
    assert (plan.predicted, plan.window) == ({1: "untitled"}, "window")


def test_the_windows_class_has_a_name_of_its_own() -> None:
    assert planned(mode={"save": True}).window == "sliding_window_bbox"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"model_classes": {"add_suffix": ""}, "existing_objects": {"save_classes": "__all__"}},
            "class 'untitled' would come both from existing_objects and from model_classes",
        ),
        (
            {"mode": {"save": True, "class_name": "bg_dl"}},
            "class 'bg_dl' would come both from model_classes and from mode.class_name",
        ),
        (
            {"model_classes": {"save_classes": ["house"]}},
            "model_classes.save_classes: 'house' is not a class of the model; its classes: 'bg', 'untitled'",
        ),
        (
            {"existing_objects": {"save_classes": ["house"]}},
            "existing_objects.save_classes: 'house' is not a class of project 'INRIA'; its classes: 'untitled', 'road'",
        ),
    ],
)
def test_collisions_and_unknown_classes_are_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        planned(**document)
    assert str(caught.value).startswith(f"inference.config: {message}")
