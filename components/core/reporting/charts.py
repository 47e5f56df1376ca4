"""Line charts as SVG: curves over an axis, with rings at points that matter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from components.core.reporting.page import render
from components.core.reporting.text import thousands

WIDTH_PX, HEIGHT_PX = 560.0, 250.0
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 52.0, 545.0, 12.0, 224.0
"""Of the plane in which curves are drawn."""

TITLE_PX = 20.0
"""What the title of the axis below adds to the height."""

TICKS = 6
MOST_DOTS = 30

Point = tuple[float, float]
"""(x, y), in px."""


@dataclass(frozen=True, slots=True)
class ChartAxis:
    """From values to pixels: `low` lies at `begin_px`, `high` at `end_px`."""

    low: float
    high: float
    begin_px: float
    end_px: float
    ticks: tuple[float, ...]
    is_logarithmic: bool = False
    is_whole: bool = False

    @classmethod
    def across(cls, low: float, high: float, ticks: Sequence[float] | None = None, is_whole: bool = False) -> ChartAxis:
        """An axis from left to right; without ticks it gets round ones."""
        chosen = round_ticks(low, high, is_whole) if ticks is None else tuple(ticks)
        return cls(low, high, LEFT_PX, RIGHT_PX, chosen, is_whole=is_whole)

    @classmethod
    def upward(
        cls, low: float, high: float, ticks: Sequence[float] | None = None, is_logarithmic: bool = False
    ) -> ChartAxis:
        """An axis from the bottom up; the same."""
        chosen = round_ticks(low, high) if ticks is None else tuple(ticks)
        return cls(low, high, BOTTOM_PX, TOP_PX, chosen, is_logarithmic)

    def at(self, value: float) -> float:
        """Where a value lies, in px."""
        low, high = self.low, self.high
        if self.is_logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return self.begin_px + (value - low) / (high - low) * (self.end_px - self.begin_px)

    def text(self, tick: float) -> str:
        """What a tick says."""
        return thousands(round(tick)) if self.is_whole else f"{tick:g}"


@dataclass(frozen=True, slots=True)
class ChartLine:
    """A drawn curve.

    Attributes:
        label: In the legend.
        color: Of the line.
        width: In px.
        points: In order.
        ring: Around a point that matters; None where there is none.
    """

    label: str
    color: str
    width: float
    points: tuple[Point, ...]
    ring: Point | None = None

    @property
    def has_dots(self) -> bool:
        """Whether each point is marked."""
        return len(self.points) <= MOST_DOTS


@dataclass(frozen=True, slots=True)
class ChartMark:
    """A dashed line across the chart at a value of the axis below, with a word above it."""

    value: float
    label: str


def chart(
    title: str,
    lines: Sequence[ChartLine],
    across: ChartAxis,
    upward: ChartAxis,
    borders: Sequence[float] = (),
    marks: Sequence[ChartMark] = (),
    axis_title: str = "",
) -> Markup:
    """A chart with its title and legend.

    Args:
        title: Its heading.
        lines: In the legend's order.
        across: The axis below.
        upward: The axis at the left.
        borders: Values of the axis below with a faint line.
        marks: Values of it with a dashed line.
        axis_title: What the axis below shows; empty where the page says so.
    """
    return render(
        "chart.html.j2",
        title=title,
        lines=lines,
        across=across,
        upward=upward,
        borders=borders,
        marks=marks,
        axis_title=axis_title,
        width=WIDTH_PX,
        height=HEIGHT_PX + (TITLE_PX if axis_title else 0),
    )


def charts(drawn: Sequence[Markup]) -> Markup:
    """Charts beside each other, as many as there is room for."""
    return render("charts.html.j2", charts=drawn)


def round_ticks(low: float, high: float, is_whole: bool = False) -> tuple[float, ...]:
    """Round numbers in [low, high], `TICKS` of them at most."""
    power = 10.0 ** math.floor(math.log10((high - low) / TICKS))
    sizes = (size for size in (power, 2 * power, 2.5 * power, 5 * power, 10 * power) if (high - low) / size < TICKS)
    step = next(size for size in sizes if not is_whole or size == round(size))
    return tuple(step * count for count in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1))
