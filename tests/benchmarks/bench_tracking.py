"""How well ids go on through a time series: SpaceNet 7's score (SCOT) of towns that grow, captured every month."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.harness import Measurement, one_core
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import Detection
from tests.detection.scot import scot
from tests.detection.time_series import captures, detect_each, found_frames, true_frames

NAME = "tracking"

MONTHS, SIDE_PX = 24, 480
SERIES = (
    ("images at their places", {}),
    ("images and walls up to 4 px off", {"shift_px": 4}),
    ("the same, and a tenth of the buildings missed in each", {"shift_px": 4, "missed": 0.1}),
)
SEEDS = 3
LEAST = 0.8


def run(repeats: int) -> list[Measurement]:
    """The score of each kind of series over seeds; what is measured is no time, so that repeats say nothing."""
    del repeats
    with one_core():
        return [_score(title, options) for title, options in SERIES]


def _score(title: str, options: dict[str, float]) -> Measurement:
    scores, mismatches, buildings = [], 0, 0
    for seed in range(SEEDS):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            model = save_bright_model(place / "model")
            detection = Detection(str(place / "in"), str(model), str(place / "out"), str(place / "data"))
            series = captures(MONTHS, SIDE_PX, seed=seed, **options)  # type: ignore[arg-type]
            detect_each(detection, series, SIDE_PX)
            found = scot(true_frames(series), found_frames(detection, series))
        scores.append(round(found.score, 4))
        mismatches += found.mismatches
        buildings += found.tracked.tp + found.tracked.fn
    notes = {"mismatches": mismatches, "buildings in all captures": buildings}
    return Measurement.at_least(f"SCOT over {MONTHS} months, {title}", "", scores, LEAST, **notes)
