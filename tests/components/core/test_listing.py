"""The first of many names, and how many more there are."""

from __future__ import annotations

import pytest

from components.core.listing import SHOWN, first_names


@pytest.mark.parametrize(
    ("names", "listed"),
    [("", ""), ("a", "a"), ("ab", "a, b"), ("abc", "a, b and 1 more"), ("abcde", "a, b and 3 more")],
)
def test_two_of_some_names(names: str, listed: str) -> None:
    assert first_names(names, 2) == listed


def test_names_that_hold_commas_are_kept_apart() -> None:
    assert first_names(["a, torn", "b", "c"], 2, between="; ", before_more="; and ") == "a, torn; b; and 1 more"


def test_all_of_as_many_as_are_shown() -> None:
    assert first_names(range(SHOWN)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
