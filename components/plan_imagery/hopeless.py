"""Images that failed in several runs, and would only fail again."""

from __future__ import annotations

from collections.abc import Iterable

from components.core.collection.failures import FailureNotes
from components.core.collection.ledger import Collection, Mark
from components.core.collection.plan import Why
from components.core.project.history import LeftOut
from components.plan_imagery.sources import Found

Todo = list[tuple[Found, Why]]


def without_hopeless(
    collection: Collection, todo: Iterable[tuple[Found, Why]], recipe: str
) -> tuple[Todo, list[LeftOut]]:
    """Leave out what notes of failures say is hopeless.

    Args:
        collection: Holds the notes; those of the images in question are read.
        todo: Images to be done, and why.
        recipe: How scenes are detected now.

    Returns:
        What remains to be done, and what is left out.

    Raises:
        StorageError: If a note cannot be read.
    """
    notes = FailureNotes(collection)
    failed = notes.marks()
    remaining: Todo = []
    left_out = []
    for image, why in todo:
        mark = Mark(image.id, image.version, recipe)
        note = notes.read(mark) if mark in failed else None
        if note is None or not note.is_hopeless:
            remaining.append((image, why))
            continue
        reason = (
            f"{note.reason} (failed in {note.tries} runs, the last time in {note.stage}, and is not tried again until "
            f"the image, the model or a setting changes, or {notes.place(mark)} is deleted)"
        )
        left_out.append(LeftOut(image.key, reason))
    return remaining, left_out
