"""What a network's probabilities are worth, as a section: the reliability of its confidence on validation windows."""

from __future__ import annotations

from collections.abc import Mapping

from components.core.reporting import palette
from components.core.reporting.charts import charts
from components.core.reporting.page import Fact, Section
from components.core.reporting.reliability import DrawnReliability, reliability_diagram
from components.core.reporting.text import share_text
from components.train_unet.calibration import Calibration

TICKS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Of both axes: the most probable of two classes has at least a half."""

PLAIN_COLOR, CALIBRATED_COLOR = palette.ACCENT_PALE, palette.ACCENT


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
        DrawnReliability("as trained", PLAIN_COLOR, calibration.plain),
        DrawnReliability("with temperature", CALIBRATED_COLOR, calibration.calibrated),
    ]
    diagram = reliability_diagram("Right pixels by confidence", "confidence", drawn, TICKS)
    return Section("Reliability", lead, tuple(facts), charts([diagram]))


def _number(value: float) -> str:
    return f"{value:.2f}"
