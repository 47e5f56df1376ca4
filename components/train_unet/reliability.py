"""A reliability diagram: how often pixels of a confidence get their class, beside what that confidence says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.core.reporting import palette
from components.core.reporting.page import Fact, Section, render
from components.core.reporting.text import share_text
from components.train_unet.calibration import Calibration, Reliability

WIDTH_PX, HEIGHT_PX = 420.0, 330.0
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 52.0, 405.0, 12.0, 280.0
"""Of the plane in which the diagram is drawn."""

LOW = 0.4
"""Where both axes begin: the most probable of two classes has at least a half."""

TICKS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
LARGEST_PX = 11.0
"""Radius of a bin that holds all pixels."""

PLAIN_COLOR, CALIBRATED_COLOR = palette.ACCENT_PALE, palette.ACCENT


@dataclass(frozen=True, slots=True)
class DrawnBin:
    """A bin's disc: its middle and radius in px, and what it says."""

    x: float
    y: float
    radius: float
    title: str


@dataclass(frozen=True, slots=True)
class DrawnReliability:
    """One network's discs."""

    label: str
    color: str
    bins: tuple[DrawnBin, ...]


def reliability_section(calibration: Calibration, is_used: bool, thresholds: Mapping[str, float]) -> Section:
    """Show what probabilities are worth on validation windows.

    Args:
        calibration: Of the best validation.
        is_used: Whether the model divides its logits by the temperature.
        thresholds: Best threshold by class, of the model as it is.
    """
    temperature = _number(calibration.temperature)
    facts = [
        Fact("calibration error", share_text(calibration.plain.error), "as trained"),
        Fact(
            "with temperature",
            share_text(calibration.calibrated.error),
            f"logits divided by {temperature}",
        ),
        *(Fact(f"best threshold, {title}", _number(value)) for title, value in thresholds.items()),
    ]
    use = (
        "The model divides its logits by the temperature."
        if is_used
        else 'The model does not divide its logits by the temperature; "calibrate": true in the training config does.'
    )
    lead = (
        "Pixels of the validation windows by the confidence that the best checkpoint has in their class: the nearer to "
        f"the line, the better a confidence can be believed; larger discs hold more pixels. {use} "
        "The best threshold is the probability from which on a class's pixels have the greatest IoU there; inference "
        'uses it where its config says "threshold": "best".'
    )
    drawn = [
        DrawnReliability("as trained", PLAIN_COLOR, _drawn(calibration.plain)),
        DrawnReliability("with temperature", CALIBRATED_COLOR, _drawn(calibration.calibrated)),
    ]
    body = render(
        "reliability.html.j2",
        __package__,
        networks=drawn,
        ticks=[(tick, _x(tick), _y(tick)) for tick in TICKS],
        width=WIDTH_PX,
        height=HEIGHT_PX,
        left=LEFT_PX,
        right=RIGHT_PX,
        top=TOP_PX,
        bottom=BOTTOM_PX,
    )
    return Section("Reliability", lead, tuple(facts), body)


def _drawn(reliability: Reliability) -> tuple[DrawnBin, ...]:
    total = sum(found.pixels for found in reliability.bins)
    return tuple(
        DrawnBin(
            _x(found.confidence),
            _y(max(found.accuracy, LOW)),
            max(LARGEST_PX * (found.pixels / total) ** 0.5, 1.5),
            f"{share_text(found.confidence)} said, {share_text(found.accuracy)} right, "
            f"{share_text(found.pixels / total)} of the pixels",
        )
        for found in reliability.bins
        if found.confidence >= LOW
    )


def _x(value: float) -> float:
    return LEFT_PX + (value - LOW) / (1 - LOW) * (RIGHT_PX - LEFT_PX)


def _y(value: float) -> float:
    return BOTTOM_PX - (value - LOW) / (1 - LOW) * (BOTTOM_PX - TOP_PX)


def _number(value: float) -> str:
    return f"{value:.2f}"
