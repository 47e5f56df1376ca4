"""Scenes finished several at a time: by a shard that has every row of them, or by publication."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from components.core.collection.collect_parts import CompleteScene, SceneFailure
from components.core.collection.describe import described_classes, software
from components.core.collection.finish_scene import STAGE, FinishedScene, SceneFinisher
from components.core.collection.ledger import Collection, Mark
from components.core.collection.plan import Plan
from components.core.drift import TrainingStatistics
from components.core.parallel import LOST, parallel_map, worker_count
from components.core.progress import progress
from components.core.project import Project
from components.core.project.history import StageRun
from components.core.skip_budget import Skipped

MEGA = 1_000_000


def scene_finisher(plan: Plan, projects: Iterable[Project]) -> SceneFinisher:
    """What finishes scenes of a run, as of now; the model is described already.

    Args:
        plan: Of the run.
        projects: Split projects that hold the scenes' rows.

    Raises:
        DataError: If the model's description is broken.
        StorageError: If the collection cannot be read.
    """
    collection = Collection(plan.output_uri)
    return SceneFinisher(
        plan=plan,
        projects=tuple(projects),
        earlier=_earlier_marks(collection, plan),
        classes=described_classes(collection, plan),
        detected=datetime.now(UTC).replace(microsecond=0),
        software=software(),
        statistics=TrainingStatistics.of_model(plan.model_uri),
    )


def _earlier_marks(collection: Collection, plan: Plan) -> dict[str, Mark]:
    """What was detected before in the planned scenes: their ids go on."""
    planned = {scene.id: plan.mark(scene) for scene in plan.scenes}
    found: dict[str, Mark] = {}
    for mark in sorted(collection.marks()) if planned else ():
        if mark.scene in planned and mark != planned[mark.scene]:
            found[mark.scene] = mark
    return found


def finish_scenes(
    finisher: SceneFinisher, scenes: Sequence[CompleteScene], workers: int
) -> tuple[tuple[FinishedScene, ...], tuple[SceneFailure, ...]]:
    """Finish scenes, several at a time.

    Args:
        finisher: It.
        scenes: They.
        workers: Worker processes (0 = one per core).

    Returns:
        The scenes that are done, and why the others are not; each in the order of `scenes`.
    """
    found = parallel_map(finisher, scenes, worker_count(workers, len(scenes)), _lost)
    results = list(progress(found, len(scenes), "scenes finished")) if scenes else []
    return (
        tuple(result for result in results if isinstance(result, FinishedScene)),
        tuple(result for result in results if isinstance(result, SceneFailure)),
    )


def _lost(scene: CompleteScene) -> SceneFailure:
    return SceneFailure(Skipped(scene.planned.key, LOST, STAGE))


def finishing_run(
    stage: str, finished: Sequence[FinishedScene], seconds: float, skipped: Iterable[Skipped] = ()
) -> StageRun:
    """What finishing took, for a history."""
    megapixels = sum(scene.planned.size.area for scene in finished) / MEGA
    return StageRun(stage, len(finished), megapixels, round(seconds, 3), tuple(skipped))
