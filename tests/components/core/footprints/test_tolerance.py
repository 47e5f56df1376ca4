from __future__ import annotations

import pytest

from components.core.collection.plan import DetectionSettings
from components.core.errors import ConfigError
from components.core.footprints.tolerance import Tolerance


@pytest.mark.parametrize(
    ("text", "tolerance"),
    [
        ("1 px", Tolerance(1.0, "px")),
        ("0.5m", Tolerance(0.5, "m")),
        (" 2 ", Tolerance(2.0, "px")),
        ("0", Tolerance(0.0, "px")),
        ("1e-1 m", Tolerance(0.1, "m")),
        ("+.5 M", Tolerance(0.5, "m")),
        ("1. PX", Tolerance(1.0, "px")),
        ("\t1000\u00a0m\n", Tolerance(1000.0, "m")),
        ("0.1234567 m", Tolerance(0.1234567, "m")),
        ("0 m", Tolerance(0.0, "px")),
    ],
)
def test_a_distance_is_understood_and_told_in_one_form(text: str, tolerance: Tolerance) -> None:
    assert Tolerance.parse(text) == tolerance
    assert Tolerance.parse(str(tolerance)) == tolerance


@pytest.mark.parametrize(
    "text",
    ["", "px", "-1 px", "-0", "nan", "inf m", "1 ft", "1 px m", "one px", "1,5 m", "1_000", "٣ px", "0x1p", "1e", "."],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a distance of 0 or more; give one in pixels or metres"):
        Tolerance.parse(text)


@pytest.mark.parametrize("text", ["1000.5", "1e308 m", "1e999 px", "9" * 5000])
def test_what_leaves_nothing_of_a_building_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="exceeds 1000, which leaves no outline") as raised:
        Tolerance.parse(text)
    assert len(str(raised.value)) < 200


def test_a_long_text_is_refused_at_once_and_shown_in_part() -> None:
    for text in ("1" + " " * 1_000_000 + "x", "1." * 500_000):
        with pytest.raises(ConfigError, match="is not a distance") as raised:
            Tolerance.parse(text)
        assert len(str(raised.value)) < 200


def test_no_two_tolerances_are_told_as_one() -> None:
    assert (
        len(
            {
                str(DetectionSettings("", tolerance=text).detector_settings())
                for text in ("0 m", "1 px", "1 m", "1.0000001 m")
            }
        )
        == 4
    )
    assert (
        DetectionSettings("", tolerance="0 m").detector_settings()
        == DetectionSettings("", tolerance="0").detector_settings()
    )


def test_metres_count_where_pixels_have_a_size() -> None:
    assert (Tolerance(0.6, "m").pixels(0.3), Tolerance(0.6, "m").pixels(None)) == (2.0, 1.0)
    assert (Tolerance(3.0).pixels(0.3), Tolerance(3.0).pixels(None)) == (3.0, 3.0)
