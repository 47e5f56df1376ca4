from hypothesis import given
from hypothesis import strategies as st

from components.core.reporting.text import share_text, shortened, text_width, thousands, wrapped


@given(st.text("ab +^ ", max_size=80), st.integers(3, 20), st.integers(1, 4))
def test_wrapped_text_fits(text: str, length: int, most: int) -> None:
    lines = wrapped(text, length, most)

    assert len(lines) <= most
    assert all(0 < len(line) <= length for line in lines)


def test_lines_are_about_equally_long() -> None:
    assert wrapped("512×512 px, overlap 0", 20, 3) == ("512×512 px,", "overlap 0")
    assert wrapped("one two three four five", 9, 2) == ("one two", "three …")
    assert wrapped("", 9, 2) == ()


def test_numbers() -> None:
    assert thousands(1_234_567) == "1\u202f234\u202f567"
    assert share_text(0.78456) == "0.785"
    assert share_text(None) == share_text(float("nan")) == "–"


def test_long_and_wide_text() -> None:
    assert shortened("a" * 10, 4) == "aaa…"
    assert text_width("建物", 10) > text_width("ab", 10) > text_width("il", 10)
