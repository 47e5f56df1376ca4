"""Notes of what failed, for the runs to come."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from components.core.collection.collect_parts import SceneFailure
from components.core.collection.failure_log import FailureEntry, FailureLog
from components.core.collection.ledger import Collection, Mark
from components.core.collection.plan import Plan

log = logging.getLogger(__name__)

FEW = 10


def log_failures(
    collection: Collection, plan: Plan, done: Mapping[str, Mark], failures: Iterable[SceneFailure], run: str
) -> None:
    """Note the planned scenes that failed, and forget what was noted of those that are done now.

    Faults that passing trouble can explain are not noted, nor are those that planning found, which cost little. Where
    more than a few scenes and most of the planned ones failed, it is for a reason that they share, such as a place
    that cannot be written: none is noted, so that all are tried again when that is mended.

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
        log.warning("%d of %d scenes failed, perhaps for one reason: they are tried again", len(failed), len(planned))
        return
    for failure in failed:
        if failure.is_lasting:
            mark = planned[failure.key]
            before = notes.read(mark) if mark in known else None
            tries = before.tries + (before.run != run) if before else 1
            stage, reason = failure.skipped.stage, failure.skipped.reason
            notes.write(mark, FailureEntry(failure.key, stage, reason, tries, run))
