"""Users' regular expressions."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import ConfigError
from components.core.patterns import compiled, is_found, matches

ENDLESS = r"^(a|a)+$"


def test_patterns_find_what_re_finds() -> None:
    assert is_found(r"^austin\d+$", "austin12")
    assert not is_found(r"^austin\d+$", "vienna1")
    assert [found["year"] for found in matches(r"(?P<year>20\d\d)", "2019/2026.tif")] == ["2019", "2026"]


@given(
    st.lists(st.sampled_from([*"abc-*?+.$", "{2}", "[ab]", "(b)", "(?i)", "|c", r"\d"]), max_size=7),
    st.text("abcA2-", max_size=6),
)
def test_the_first_letters_of_a_pattern_change_nothing(parts: list[str], text: str) -> None:
    pattern = "^" + "".join(parts)
    try:
        searched = regex.search(pattern, text)
    except regex.error:
        return
    assert is_found(pattern, text) == (searched is not None)


@pytest.mark.parametrize("text", ["(", "[a", "(?P<a>x)(?P<a", "*", "(" * 20_000])
def test_what_is_no_pattern_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is not a regular expression"):
        compiled(text)


def test_a_pattern_that_never_ends_is_stopped() -> None:
    with pytest.raises(ConfigError, match=r"the pattern '\^\(a\|a\)\+\$' with 'aaa"):
        list(matches(ENDLESS, "a" * 60 + "b", seconds=0.05))
