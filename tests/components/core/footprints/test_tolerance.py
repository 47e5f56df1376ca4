from __future__ import annotations

from argparse import ArgumentParser

import pytest

from components.core.errors import ConfigError
from components.core.footprints.tolerance import Tolerance, add_flags


@pytest.mark.parametrize(
    ("text", "tolerance"),
    [
        ("1 px", Tolerance(1.0, "px")),
        ("0.5m", Tolerance(0.5, "m")),
        (" 2 ", Tolerance(2.0, "px")),
        ("0", Tolerance(0.0, "px")),
        ("1e-1 m", Tolerance(0.1, "m")),
    ],
)
def test_a_distance_is_understood_and_told_in_one_form(text: str, tolerance: Tolerance) -> None:
    assert Tolerance.parse(text) == tolerance
    assert Tolerance.parse(str(tolerance)) == tolerance


@pytest.mark.parametrize("text", ["", "px", "-1 px", "nan", "inf m", "1 ft", "1 px m", "one px", "1,5 m"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no distance from 0 up; give one in pixels or metres"):
        Tolerance.parse(text)


def test_metres_count_where_pixels_have_a_size() -> None:
    assert (Tolerance(0.6, "m").pixels(0.3), Tolerance(0.6, "m").pixels(None)) == (2.0, 1.0)
    assert (Tolerance(3.0).pixels(0.3), Tolerance(3.0).pixels(None)) == (3.0, 3.0)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([], "1 px"),
        (["--tolerance", "0.5m"], "0.5m"),
        (["--tolerance-px", "0"], "0 px"),
        (["--tolerance-m", "0.5"], "0.5 m"),
    ],
)
def test_the_flags_of_earlier_versions_still_hold(flags: list[str], text: str) -> None:
    parser = ArgumentParser()
    add_flags(parser)
    assert parser.parse_args(flags).tolerance == text
