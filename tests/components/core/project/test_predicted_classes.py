"""What an item knows of the network's classes, through renaming."""

from __future__ import annotations

import pytest

from components.core.dtl.mapping import with_renamed
from components.core.errors import DataError
from components.core.geometry import Size
from components.core.project import Item
from components.core.project.predicted_classes import (
    PREDICTED,
    PredictedClass,
    predicted_class,
    predicted_classes,
    with_predicted,
)

ITEM = Item("ds", "scene", Size(4, 5), extra={"more": 1})
TITLES = {0: "bg_dl", 1: "house_dl"}


def test_of_two_classes_both_have_a_threshold() -> None:
    assert predicted_classes(TITLES, 2) == {"bg_dl": PredictedClass(0, 0.5), "house_dl": PredictedClass(1, 0.5)}
    assert predicted_classes(TITLES, 2, (0.25,)) == {
        "bg_dl": PredictedClass(0, 0.75),
        "house_dl": PredictedClass(1, 0.25),
    }


def test_of_more_classes_those_have_one_that_were_given_one() -> None:
    titles = {0: "bg", 2: "tree"}
    assert predicted_classes(titles, 3) == {"bg": PredictedClass(0), "tree": PredictedClass(2)}
    assert predicted_classes(titles, 3, (0.3, 0.6)) == {"bg": PredictedClass(0), "tree": PredictedClass(2, 0.6)}


def test_an_item_tells_what_it_was_told() -> None:
    item = with_predicted(ITEM, predicted_classes(TITLES, 2))
    assert item.extra["more"] == 1
    assert predicted_class(item, "house_dl") == PredictedClass(1, 0.5)
    assert predicted_class(item, "house") is None and predicted_class(ITEM, "house_dl") is None
    assert with_predicted(ITEM, {}) is ITEM
    assert predicted_class(with_predicted(item, {}), "house_dl") is None


@pytest.mark.parametrize(
    ("mapping", "known"),
    [
        ({"house_dl": "house"}, {"bg_dl": 0, "house": 1}),
        ({"house_dl": "bg_dl", "bg_dl": "house_dl"}, {"house_dl": 0, "bg_dl": 1}),
        ({"bg_dl": None, "house_dl": "house_dl"}, {"house_dl": 1}),
        ({"bg_dl": "house_dl"}, {}),
        ({"drawn": "house_dl"}, {"bg_dl": 0}),
        ({"drawn": None, "other": "more"}, {"bg_dl": 0, "house_dl": 1}),
    ],
)
def test_classes_go_with_their_titles_and_those_that_become_one_are_forgotten(mapping: dict, known: dict) -> None:
    renamed = with_renamed(with_predicted(ITEM, predicted_classes(TITLES, 2)), mapping)
    found = {title: predicted_class(renamed, title) for title in ("bg_dl", "house_dl", "house", "drawn", "more")}
    assert {title: of.index for title, of in found.items() if of is not None} == known


def test_an_item_that_knows_nothing_stays_as_it_is() -> None:
    assert with_renamed(ITEM, {"a": "b"}) is ITEM


@pytest.mark.parametrize(
    "given", ["text", {"a": 1}, {"a": {"index": -1, "threshold": 0.5}}, {"a": {"index": 1, "threshold": True}}]
)
def test_what_is_no_class_is_refused(given: object) -> None:
    item = Item("ds", "scene", Size(4, 5), extra={PREDICTED: given})
    with pytest.raises(DataError, match=r"ds/scene: predicted: .* infer the image again"):
        predicted_class(item, "a")
