"""A reliability diagram: how often what a probability says is so, beside what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from components.core.reliability import Reliability
from components.core.reporting.page import render
from components.core.reporting.text import share_text

WIDTH_PX, HEIGHT_PX = 420.0, 330.0
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 52.0, 405.0, 12.0, 280.0
"""Of the plane in which the diagram is drawn."""

LARGEST_PX = 11.0
"""Radius of a bin that holds all pixels."""


@dataclass(frozen=True, slots=True)
class DrawnReliability:
    """What is drawn in one colour.

    Attributes:
        label: In the legend.
        color: Of discs and line.
        reliability: What they show.
    """

    label: str
    color: str
    reliability: Reliability


@dataclass(frozen=True, slots=True)
class _Disc:
    """A bin: its middle and radius in px, and what it says."""

    x: float
    y: float
    radius: float
    title: str


@dataclass(frozen=True, slots=True)
class _Plane:
    """Both axes, which begin with one share and end with 1."""

    low: float

    def x(self, value: float) -> float:
        return LEFT_PX + (value - self.low) / (1 - self.low) * (RIGHT_PX - LEFT_PX)

    def y(self, value: float) -> float:
        return BOTTOM_PX - (max(value, self.low) - self.low) / (1 - self.low) * (BOTTOM_PX - TOP_PX)

    def discs(self, reliability: Reliability) -> list[_Disc]:
        total = sum(found.pixels for found in reliability.bins)
        return [
            _Disc(
                self.x(found.confidence),
                self.y(found.accuracy),
                max(LARGEST_PX * (found.pixels / total) ** 0.5, 1.5),
                f"{share_text(found.confidence)} said, {share_text(found.accuracy)} right, "
                f"{share_text(found.pixels / total)} of the pixels",
            )
            for found in reliability.bins
            if found.confidence >= self.low
        ]


def reliability_diagram(
    title: str, axis_title: str, drawn: Sequence[DrawnReliability], ticks: Sequence[float]
) -> Markup:
    """Draw it.

    Args:
        title: Its heading.
        axis_title: What the axis below shows.
        drawn: One below the other.
        ticks: Of both axes, which begin with the first one; the last one is 1.
    """
    plane = _Plane(ticks[0])
    return render(
        "reliability.html.j2",
        title=title,
        axis_title=axis_title,
        drawn=[(entry, plane.discs(entry.reliability)) for entry in drawn],
        ticks=[(tick, plane.x(tick), plane.y(tick)) for tick in ticks],
        width=WIDTH_PX,
        height=HEIGHT_PX,
        left=LEFT_PX,
        right=RIGHT_PX,
        top=TOP_PX,
        bottom=BOTTOM_PX,
    )
