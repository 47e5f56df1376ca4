"""Scenes that are done though nobody handed them on: the ledger knows them.

A part is lost where a publication was killed while it removed the parts of all that it had published, and is tried
again; or where somebody cleared up too early. What the ledger has a marker of is done nonetheless, and what failed was
noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from components.core.collection.collect_parts import UNKNOWN, SceneFailure
from components.core.collection.failure_log import FailureLog
from components.core.collection.finish_scene import STAGE, FinishedScene, scene_as_it_is
from components.core.collection.ledger import Collection
from components.core.collection.plan import Plan, PlannedScene
from components.core.errors import DataError, StorageError
from components.core.skip_budget import Skipped

THREADS = 16


def recover_scenes(
    collection: Collection, plan: Plan, failures: Sequence[SceneFailure]
) -> tuple[tuple[FinishedScene, ...], tuple[SceneFailure, ...]]:
    """Look in the ledger for scenes of which the shards say that they failed, or nothing at all.

    Args:
        collection: It; neither its ledger nor its notes are read where no planned scene failed.
        plan: What was to be done.
        failures: As far as the shards say.

    Returns:
        Those that are done, in the order of `failures`; and the failures that are left, with the reason that this run
        noted before, where the shards give none.

    Raises:
        StorageError: If the ledger or a note cannot be read.
    """
    planned = {scene.key: scene for scene in plan.scenes}
    if not any(failure.key in planned for failure in failures):
        return (), tuple(failures)
    marks, notes = set(collection.marks()), FailureLog(collection)
    noted = notes.marks()

    def look(failure: SceneFailure) -> FinishedScene | SceneFailure:
        scene = planned.get(failure.key)
        if scene is None:
            return failure
        mark = plan.mark(scene)
        if mark in marks:
            return _as_it_is(plan, scene)
        note = notes.read(mark) if failure.skipped.reason == UNKNOWN and mark in noted else None
        if note is None or note.run != plan.run:
            return failure
        return SceneFailure(Skipped(failure.key, note.reason, note.stage))

    with ThreadPoolExecutor(THREADS, "recover") as pool:
        found = list(pool.map(look, failures))
    return (
        tuple(entry for entry in found if isinstance(entry, FinishedScene)),
        tuple(entry for entry in found if isinstance(entry, SceneFailure)),
    )


def _as_it_is(plan: Plan, scene: PlannedScene) -> FinishedScene | SceneFailure:
    try:
        return scene_as_it_is(plan, scene)
    except (DataError, StorageError) as error:
        return SceneFailure(Skipped(scene.key, str(error), STAGE), is_lasting=False)
