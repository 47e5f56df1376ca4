"""Images that failed in several runs, and would only fail again."""

from __future__ import annotations

from collections.abc import Iterable

from components.core.collection.failure_log import FailureLog
from components.core.collection.ledger import Collection, Mark
from components.core.collection.plan import DetectionReason
from components.core.project.history import LeftOut
from components.plan_imagery.sources import SourceImage

Todo = list[tuple[SourceImage, DetectionReason]]


def skip_exhausted(
    collection: Collection, todo: Iterable[tuple[SourceImage, DetectionReason]], detector: str
) -> tuple[Todo, list[LeftOut]]:
    """Leave out what notes of failures say is hopeless.

    Args:
        collection: Holds the notes; those of the images in question are read.
        todo: Images to be done, and why.
        detector: How scenes are detected now.

    Returns:
        What remains to be done, and what is left out.

    Raises:
        StorageError: If a note cannot be read.
    """
    notes = FailureLog(collection)
    failed = notes.marks()
    remaining: Todo = []
    left_out = []
    for image, why in todo:
        mark = Mark(image.id, image.version, detector)
        note = notes.read(mark) if mark in failed else None
        if note is None or not note.is_exhausted:
            remaining.append((image, why))
            continue
        reason = (
            f"{note.reason} (failed in {note.tries} runs, the last time in {note.stage}, and is not tried again until "
            f"the image, the model or a setting changes, or {notes.place(mark)} is deleted)"
        )
        left_out.append(LeftOut(image.key, reason))
    return remaining, left_out
