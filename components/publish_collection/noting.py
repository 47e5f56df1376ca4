"""Notes of what failed, for the runs to come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from components.core.collection.failures import FailureNote, FailureNotes
from components.core.collection.ledger import Collection, Mark
from components.core.collection.plan import Plan
from components.publish_collection.gathering import Failure


def note_failures(collection: Collection, plan: Plan, done: Mapping[str, Mark], failures: Iterable[Failure]) -> None:
    """Note the planned scenes that failed, and forget what was noted of those that are done now.

    Faults that passing trouble can explain are not noted, nor are those that planning found, which cost little.

    Args:
        collection: It.
        plan: What was to be done.
        done: Marks of this run, by scene.
        failures: Of this run.

    Raises:
        StorageError: If a note cannot be written.
    """
    notes = FailureNotes(collection)
    known = notes.marks()
    for mark in known:
        if mark.scene in done:
            notes.forget(mark)
    planned = {scene.key: plan.mark(scene) for scene in plan.scenes}
    for failure in failures:
        failed = planned.get(failure.key)
        if failed is None or not failure.is_lasting:
            continue
        before = notes.read(failed) if failed in known else None
        tries = 1 + (before.tries if before else 0)
        notes.write(failed, FailureNote(failure.key, failure.stage, failure.reason, tries))
