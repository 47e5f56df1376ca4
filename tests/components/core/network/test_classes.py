"""The order of the network's channels."""

import pytest

from components.core.errors import DataError
from components.core.figures import Shape
from components.core.network.classes import mask_values, model_classes
from components.core.project.meta import ClassInfo


def infos(*titles: str) -> list[ClassInfo]:
    """Bitmap classes of these titles."""
    return [ClassInfo(title, Shape.BITMAP, "#123456") for title in titles]


def test_background_comes_first_and_the_rest_by_title() -> None:
    ordered = model_classes(infos("tree", "neutral", "house", "Road"), "bg", "neutral")
    assert [entry.title for entry in ordered] == ["bg", "Road", "house", "tree"]


def test_a_background_class_of_the_project_keeps_its_colour() -> None:
    ordered = model_classes(infos("house", "bg"), "bg", "neutral")
    assert [(entry.title, entry.color) for entry in ordered] == [("bg", "#123456"), ("house", "#123456")]


def test_mask_values_follow_the_channels_and_neutral_is_255() -> None:
    ordered = model_classes(infos("house", "skip"), "ground", "skip")
    assert mask_values(ordered, "skip") == {"ground": 0, "house": 1, "skip": 255}


@pytest.mark.parametrize("titles", [[], ["bg"], ["neutral", "bg"]])
def test_nothing_to_learn_is_refused(titles: list[str]) -> None:
    with pytest.raises(DataError, match="no class to learn beside 'bg' and 'neutral'"):
        model_classes(infos(*titles), "bg", "neutral")


def test_more_classes_than_a_byte_tells_apart_are_refused() -> None:
    with pytest.raises(DataError, match="255 classes exceed the 254"):
        model_classes(infos(*(f"c{i}" for i in range(255))), "bg", "neutral")
