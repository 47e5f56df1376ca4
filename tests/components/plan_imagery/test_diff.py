"""Every image and every mark is sorted in, whatever order the ledger lists marks in."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from components.core.collection.ledger import Mark
from components.core.collection.plan import DetectionReason
from components.plan_imagery.diff import ImageryDiff, diff_imagery
from components.plan_imagery.sources import SourceImage

SCENES, VERSIONS, RECIPES = ("a", "b", "c"), ("1", "2"), ("x", "y", "z")
MARKS = st.lists(st.builds(Mark, *map(st.sampled_from, (SCENES, VERSIONS, RECIPES))), unique=True)
IMAGES = st.dictionaries(st.sampled_from(SCENES), st.sampled_from(VERSIONS)).map(
    lambda versions: [found(name, version) for name, version in sorted(versions.items())]
)


def found(name: str, version: str) -> SourceImage:
    return SourceImage(name, f"{name}.tif", f"/imagery/{name}.tif", "etag", 1, version)


def kept(result: ImageryDiff, marks: list[Mark]) -> set[Mark]:
    return set(marks) - set(result.retired)


@given(IMAGES, MARKS, st.booleans())
def test_all_is_sorted_in(images: list[SourceImage], marks: list[Mark], redo_all: bool) -> None:
    result = diff_imagery(images, marks, "x", redo_all)

    assert result.images == len(images) == len(result.todo) + result.done + result.waiting
    assert set(result.retired) <= set(marks)
    assert diff_imagery(images, marks[::-1], "x", redo_all) == result
    todo = {image.id for image, _ in result.todo}
    for image in images:
        stays = {mark for mark in kept(result, marks) if mark.scene == image.id}
        if image.id in todo:
            assert stays == {mark for mark in marks if mark.scene == image.id}, "old marks stand until the new one does"
        else:
            assert [mark.version for mark in stays] == [image.version], "one detection of what the image shows stays"
    assert {mark.scene for mark in kept(result, marks)} <= {image.id for image in images}
    if redo_all:
        assert not result.waiting


@given(IMAGES, MARKS)
def test_what_is_done_as_planned_leaves_nothing_to_do(images: list[SourceImage], marks: list[Mark]) -> None:
    result = diff_imagery(images, marks, "x", True)
    ledger = [*kept(result, marks), *(Mark(image.id, image.version, "x") for image, _ in result.todo)]
    again = diff_imagery(images, ledger, "x", True)

    assert again.todo == []
    assert again.done == len(images)
    assert kept(again, ledger) == {Mark(image.id, image.version, "x") for image in images}


def test_the_reasons() -> None:
    images = [found(name, "1") for name in "abcd"]
    marks = [Mark("a", "1", "x"), Mark("b", "1", "y"), Mark("c", "2", "x")]

    result = diff_imagery(images, marks, "x", True)

    assert [(image.id, why) for image, why in result.todo] == [
        ("b", DetectionReason.REDONE),
        ("c", DetectionReason.CHANGED),
        ("d", DetectionReason.NEW),
    ]


def test_of_several_that_wait_the_one_that_the_layer_shows_stays_else_the_last_by_name() -> None:
    marks = [Mark("a", "1", detector) for detector in ("x", "y", "z")]
    for order in permutations(marks):
        assert kept(diff_imagery([found("a", "1")], order, "w", False), marks) == {marks[2]}
        assert kept(diff_imagery([found("a", "1")], order, "w", False, {"a.1.y", "b.1.z"}), marks) == {marks[1]}


def test_an_id_that_two_images_share_is_told() -> None:
    first, second = found("a", "1"), SourceImage("a", "b/a.tif", "/imagery/b/a.tif", "etag", 1, "1")

    for marks in ([], [Mark("a", "1", "x")]):
        result = diff_imagery([first, second], marks, "x", False)
        assert [entry.name for entry in result.skipped] == ["b/a.tif"]
        assert result.done == len(marks)
        assert not result.retired
