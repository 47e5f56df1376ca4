"""Scenes that could not be done: a note for each, so that runs that recur do not try them for ever.

A note is named by the mark that the scene would have got. So it says nothing of the same image in another version, nor
of another model or other settings.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from components.core import storage
from components.core.collection.ledger import Collection, Mark, marks_in
from components.core.json_text import parse_json

FOLDER = "failures"

MOST_TRIES = 3
"""A fault that passes, such as of a network, is unlikely to meet a scene in so many runs."""


@dataclass(frozen=True, slots=True)
class FailureEntry:
    """Why a scene could not be done.

    Attributes:
        key: Of the image.
        stage: Where it was skipped the last time.
        reason: Why.
        tries: In how many runs.
        run: What the last of them is known by, so that a step that is tried again in it counts once.
    """

    key: str
    stage: str
    reason: str
    tries: int
    run: str

    @property
    def is_exhausted(self) -> bool:
        """Whether it is not tried again."""
        return self.tries >= MOST_TRIES


class FailureLog:
    """The notes of a collection."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def place(self, mark: Mark) -> str:
        """Where the note of a scene lies; who deletes it has the scene tried again."""
        return self._collection.place(FOLDER, f"{mark.stem}.json")

    def marks(self) -> set[Mark]:
        """Of which there are notes; a listing alone."""
        return set(marks_in(self._collection.place(FOLDER)))

    def read(self, mark: Mark) -> FailureEntry | None:
        """A note; None where it is broken, or deleted by now, which only means that the scene is tried again.

        Raises:
            StorageError: If it cannot be read.
        """
        if not storage.exists(self.place(mark)):
            return None
        try:
            return FailureEntry(**parse_json(storage.read_bytes(self.place(mark))))
        except (ValueError, TypeError):
            return None

    def write(self, mark: Mark, note: FailureEntry) -> None:
        """Write or replace a note."""
        text = json.dumps(asdict(note), indent=1, ensure_ascii=False)
        storage.write_bytes(self.place(mark), f"{text}\n".encode())

    def forget(self, mark: Mark) -> None:
        """Delete a note, if there is one."""
        storage.delete(self.place(mark))
