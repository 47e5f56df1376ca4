"""Scenes that could not be done: a note for each, so that runs that recur do not try them for ever.

A note is named by the mark that the scene would have got. So it says nothing of the same image in another version, nor
of another model or other settings.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from components.core import storage
from components.core.collection.collect_parts import SceneFailure
from components.core.collection.ledger import Collection, Mark, marks_in
from components.core.collection.plan import Plan
from components.core.json_text import parse_json

FOLDER = "failures"

FEW = 10

MOST_TRIES = 3
"""After this many runs a fault is unlikely to be a transient one, such as of a network."""


log = logging.getLogger(__name__)


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


def log_failures(
    collection: Collection, plan: Plan, done: Mapping[str, Mark], failures: Iterable[SceneFailure], run: str
) -> None:
    """Note the planned scenes that failed, and forget what was noted of those that are done now.

    Faults that passing trouble can explain are not noted, nor are those that planning found, which cost little. Where
    more than a few scenes and most of the planned ones failed, it is for a reason that they share, such as a place
    that cannot be written: none is noted, so that all are tried again when that is fixed.

    Args:
        collection: It.
        plan: What was to be done.
        done: Marks of this run, by scene.
        failures: Of this run.
        run: What it is known by; another run has another name, and a second attempt of this step has the same.

    Raises:
        StorageError: If a note cannot be written.
    """
    notes = FailureLog(collection)
    known = notes.marks()
    for mark in known:
        if mark.scene in done:
            notes.forget(mark)
    planned = {scene.key: plan.mark(scene) for scene in plan.scenes}
    failed = [failure for failure in failures if failure.key in planned]
    if len(failed) > max(FEW, len(planned) // 2):
        log.warning(
            "%d of %d scenes failed, probably for a common cause: not counted as attempts, the next run retries all",
            len(failed),
            len(planned),
        )
        return
    for failure in failed:
        if failure.is_lasting:
            mark = planned[failure.key]
            before = notes.read(mark) if mark in known else None
            tries = before.tries + (before.run != run) if before else 1
            stage, reason = failure.skipped.stage, failure.skipped.reason
            notes.write(mark, FailureEntry(failure.key, stage, reason, tries, run))
