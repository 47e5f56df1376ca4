"""The training as a page: its curves, and what to know when reading them."""

from __future__ import annotations

from pathlib import Path

from components.core.reporting.page import Fact, Section, run_report, write_page
from components.core.reporting.text import thousands
from components.train_unet.calibration import Calibration
from components.train_unet.curves import training_curves
from components.train_unet.history import History, Row
from components.train_unet.reliability import reliability_section
from components.train_unet.train_unet import TrainingResult
from components.train_unet.watched_section import watched_section


def write_report(result: TrainingResult, html: Path | str) -> None:
    """Show a training.

    Args:
        result: The training.
        html: Where the page appears when it is whole.

    Raises:
        StorageError: If a place cannot be written.
    """
    history = History([Row(**row) for row in result.history])
    items, mirrored = result.metrics["items"], result.metrics["mirrored_validation_items"]
    facts = [
        Fact("training crops", thousands(items["train"])),
        Fact("validation crops", thousands(items["val"])),
        Fact("seen mirrored", thousands(mirrored), "validation crops with a copy in training"),
    ]
    subtitle = (
        "Crops were mirrored before the random split, so validation is better than held-out images will be; "
        "the query crop_augment_by_source keeps each image on one side, and so does "
        '"group_by": "source" in the condition of a query of your own.'
        if mirrored
        else "No validation crop has a copy among the training crops."
    )
    sections = [training_curves(history.rows, history.best())]
    if len(result.watched.images) and result.watched.stages:
        sections.append(watched_section(result.watched))
    sections += _reliability(result)
    write_page(html, run_report("Training", subtitle, facts, sections))


def _reliability(result: TrainingResult) -> list[Section]:
    """What probabilities are worth; nothing where no validation pixel counted."""
    told = result.metrics["calibration"]
    if told is None:
        return []
    return [reliability_section(Calibration.of_json(told), told["used"], result.thresholds)]
