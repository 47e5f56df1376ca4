"""Which classes the network distinguishes, and in which order."""

from __future__ import annotations

from collections.abc import Iterable

from components.core.errors import DataError
from components.core.figures import Shape
from components.core.project.meta import ClassInfo

NEUTRAL_INDEX = 255
"""Value of a training mask's pixels that are ignored in training and evaluation."""

BACKGROUND_COLOR = "#000000"


def model_classes(classes: Iterable[ClassInfo], background: str, neutral: str) -> tuple[ClassInfo, ...]:
    """Order a project's classes as the network's channels.

    Args:
        classes: The project's classes, in any order.
        background: Title of the class of pixels that no object covers.
        neutral: Title of the class whose pixels are ignored in training and evaluation.

    Returns:
        The background first, added where the project lacks it, then the others by title; no neutral.

    Raises:
        DataError: If nothing remains beside the background, or more classes than a mask can hold.
    """
    by_title = {entry.title: entry for entry in classes if entry.title != neutral}
    first = by_title.pop(background, ClassInfo(background, Shape.BITMAP, BACKGROUND_COLOR))
    if not by_title:
        raise DataError(
            f"project: no class to learn beside {background!r} and {neutral!r}; annotate at least one more class"
        )
    if len(by_title) >= NEUTRAL_INDEX:
        raise DataError(f"project: {len(by_title)} classes exceed the {NEUTRAL_INDEX - 1} that a mask can distinguish")
    return (first, *(by_title[title] for title in sorted(by_title)))


def mask_values(classes: Iterable[ClassInfo], neutral: str) -> dict[str, int]:
    """Values of a training mask by class title: the channel's index, 255 for neutral."""
    return {neutral: NEUTRAL_INDEX} | {entry.title: index for index, entry in enumerate(classes)}
