"""Line charts, apart from what they show."""

import pytest

from components.core.reporting.charts import ChartAxis, ChartLine, ChartMark, chart, round_ticks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.62, 1.0, [0.7, 0.8, 0.9, 1]),
        (0.0, 1.18, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.0, 0.0031, [0, 0.001, 0.002, 0.003]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert round_ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize("last", [1, 2, 7, 24, 480, 45_000, 1_234_567])
def test_whole_ticks_are_whole(last: int) -> None:
    ticks = round_ticks(0.0, last, is_whole=True)
    assert 2 <= len(ticks) <= 6 and all(tick == round(tick) for tick in ticks)


def test_a_mark_is_a_dashed_line_with_its_word_above() -> None:
    across, upward = ChartAxis.across(0.0, 1.0), ChartAxis.upward(0.0, 1.0)
    line = ChartLine("IoU", "#123456", 2.0, ((across.at(0.25), upward.at(1.0)),))
    html = chart("Sweep", [line], across, upward, marks=[ChartMark(0.25, "used <0.5>")], axis_title="threshold")
    assert f'd="M{across.at(0.25):.1f} {upward.begin_px}V{upward.end_px}" stroke-dasharray' in html
    assert f'<text x="{across.at(0.25):.1f}" y="{upward.end_px - 3}">used &lt;0.5&gt;</text>' in html
    assert ">threshold</text>" in html
