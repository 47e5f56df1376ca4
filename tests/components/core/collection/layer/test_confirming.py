from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import geopandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.collection.confirmation import Confirmation
from components.core.collection.layer.update import update_layer
from components.core.collection.ledger import Collection
from components.core.errors import ConfigError
from tests.components.core.collection.layer.drawing import collections
from tests.components.core.collection.layer.killing import killed_at
from tests.components.core.collection.layer.small_collections import Building, SmallScene, finish_all, layer_files

TWO_OF_THREE = Confirmation(2, 3)
HOUSE, SHED, LORRY = Building("h", 1, 1), Building("s", 4, 1), Building("l", 6, 6)


def _captures(*shown: str) -> list[SmallScene]:
    """One a month of the same ground, each with the buildings of some letters."""
    known = {"h": HOUSE, "s": SHED, "l": LORRY}
    found = []
    for n, names in enumerate(shown, 1):
        buildings = tuple(replace(known[name], id=f"{name}{n}") for name in names)
        found.append(SmallScene(f"m{n}", 0, 0, 9, 9, buildings, f"2026-{n:02}-01"))
    return found


def _update(collection: Collection, scenes: Sequence[SmallScene], confirm: Confirmation | None = TWO_OF_THREE) -> None:
    finish_all(collection, scenes)
    update_layer(collection, "/imagery", collection.marks(), confirm=confirm)


def _shown(collection: Collection) -> str:
    """First letters of what the layer shows."""
    found = geopandas.read_parquet(Path(collection.output_uri) / "layer")
    return "".join(sorted(name[0] for name in found["id"]))


@pytest.mark.parametrize(
    ("text", "expected"), [("", None), ("  ", None), ("2 of 3", TWO_OF_THREE), (" 1  of 1 ", Confirmation(1, 1))]
)
def test_text(text: str, expected: Confirmation | None) -> None:
    assert Confirmation.parse(text) == expected
    assert expected is None or Confirmation.parse(str(expected)) == expected


@pytest.mark.parametrize("text", ["2", "2/3", "two of three", "3 of 2", "0 of 3", "1 of 101", "-1 of 3", "2 of 3 of 4"])
def test_what_is_no_confirmation_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=f"confirm: '{text}' .*(give it as 2 of 3|from 1 to the second)"):
        Confirmation.parse(text)


@pytest.mark.parametrize(
    ("seen", "holds"),
    [
        ("1", True),
        ("0", False),
        ("01", False),
        ("011", False),
        ("0111", True),
        ("01101", True),
        ("010010", False),
        ("0100111", True),
        ("10", True),
        ("100", True),
        ("1000", False),
        ("10100", False),
        ("101101", True),
    ],
)
def test_two_of_the_next_three(seen: str, holds: bool) -> None:
    assert TWO_OF_THREE.holds([each == "1" for each in seen]) is holds


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(1, 4), st.integers(0, 3))
def test_what_holds_is_the_last_change_that_counts(seen: list[bool], least: int, more: int) -> None:
    """Whoever says otherwise than what held and has enough of the next ones on his side wins."""
    confirmation = Confirmation(least, least + more)
    held = seen[0]
    for number in range(1, len(seen)):
        agree = [later for later in seen[number + 1 :][: confirmation.of] if later == seen[number]]
        held = seen[number] if len(agree) >= least else held
    assert confirmation.holds(seen) is held


@pytest.mark.parametrize(
    ("captures", "expected"),
    [
        (("h", "hs", "h", "hs", "hs", "hs"), ["h", "h", "h", "h", "hs", "hs"]),
        (("hs", "h", "hs", "h", "h", "h"), ["hs", "hs", "hs", "hs", "h", "h"]),
    ],
    ids=["comes", "goes"],
)
def test_a_change_shows_once_enough_captures_agree(
    tmp_path: Path, captures: tuple[str, ...], expected: list[str]
) -> None:
    """The second capture has two of the next three on its side when the fifth one comes."""
    collection, series = Collection(str(tmp_path)), _captures(*captures)
    shown = []
    for count in range(1, len(series) + 1):
        _update(collection, series[:count])
        shown.append(_shown(collection))
    assert shown == expected


def test_what_shows_up_once_is_never_shown(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    _update(collection, _captures("h", "hl", "h", "h", "h", "h"))
    assert _shown(collection) == "h"


def test_ground_that_is_new_is_shown_at_once(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    east = SmallScene("east", 20, 0, 9, 9, (Building("e", 21, 1),), "2026-05-01")
    _update(collection, [*_captures("h", "h"), east])
    assert _shown(collection) == "eh"


def test_images_without_a_day_are_one_capture(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    _update(collection, [replace(scene, captured="") for scene in _captures("h", "hs", "l")])
    assert _shown(collection) == "hls"


def test_another_rule_is_for_all_that_was_there(tmp_path: Path) -> None:
    collection, series = Collection(str(tmp_path)), _captures("h", "hs", "hl")
    for confirm, shown in ((None, "hls"), (TWO_OF_THREE, "h"), (None, "hls"), (Confirmation(1, 1), "h")):
        _update(collection, series, confirm)
        assert _shown(collection) == shown
        with tempfile.TemporaryDirectory() as folder:
            other = Collection(folder)
            _update(other, series, confirm)
            assert layer_files(collection) == layer_files(other)


@settings(max_examples=60, deadline=None)
@given(collections(), st.lists(st.sets(st.integers(0, 4)), min_size=2, max_size=3), st.sampled_from((1, 2)))
def test_the_layer_depends_on_the_ledger_alone(
    known: Sequence[SmallScene], shown: Sequence[set[int]], least: int
) -> None:
    confirm = Confirmation(least, 2)
    stages = [[known[number] for number in sorted(numbers) if number < len(known)] for numbers in shown]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        collection, fresh = Collection(folder), Collection(other)
        for scenes in stages:
            _update(collection, scenes, confirm)
        _update(fresh, stages[-1], confirm)
        assert layer_files(collection) == layer_files(fresh)


@pytest.mark.parametrize("number", range(1, 12))
def test_a_killed_update_is_finished_by_the_next_one(tmp_path: Path, number: int) -> None:
    collection, series = Collection(str(tmp_path / "killed")), _captures("hs", "h", "hl", "hl", "h")
    _update(collection, series[:3])
    finish_all(collection, series)
    was_killed = killed_at(
        number, lambda: update_layer(collection, "/imagery", collection.marks(), confirm=TWO_OF_THREE)
    )
    assert was_killed or number > 5
    _update(collection, series)
    fresh = Collection(str(tmp_path / "fresh"))
    _update(fresh, series)
    assert layer_files(collection) == layer_files(fresh)
