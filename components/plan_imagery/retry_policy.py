"""Images that failed in several runs, and would only fail again."""

from __future__ import annotations

from collections.abc import Iterable

from components.core.collection.failure_log import FailureLog
from components.core.collection.identity import within
from components.core.collection.ledger import Collection, Mark
from components.core.collection.plan import DetectionReason
from components.core.skip_budget import Skipped
from components.plan_imagery.sources import SourceImage

Todo = list[tuple[SourceImage, DetectionReason]]


def skip_exhausted(
    collection: Collection, todo: Iterable[tuple[SourceImage, DetectionReason]], detector: str
) -> tuple[Todo, list[Skipped]]:
    """Skip what notes of failures say is hopeless.

    Args:
        collection: Holds the notes; those of the images in question are read.
        todo: Images to be done, and why.
        detector: How scenes are detected now.

    Returns:
        What remains to be done, and what is skipped.

    Raises:
        StorageError: If a note cannot be read.
    """
    notes = FailureLog(collection)
    failed = notes.marks()
    remaining: Todo = []
    skipped = []
    for image, why in todo:
        mark = Mark(image.id, image.version, within(detector, image.area))
        note = notes.read(mark) if mark in failed else None
        if note is None or not note.is_exhausted:
            remaining.append((image, why))
            continue
        reason = (
            f"{note.reason} (failed in {note.tries} runs, the last time in {note.stage}, and is not tried again until "
            f"the image, the model or a setting changes, or {notes.place(mark)} is deleted)"
        )
        skipped.append(Skipped(image.key, reason))
    return remaining, skipped
