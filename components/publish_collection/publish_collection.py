"""Publishes what a run of detection found: the scenes that its shards did not finish, then the layer of all scenes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from components.core import storage
from components.core.collection.collect_parts import CollectedScenes, SceneFailure, collect_parts
from components.core.collection.confirmation import Confirmation
from components.core.collection.describe import (
    describe_collection,
    described_classes,
    fetch_and_describe_model,
    link_models,
)
from components.core.collection.failure_log import log_failures
from components.core.collection.finish_scene import STAGE, FinishedScene
from components.core.collection.finish_scenes import finish_scenes, finishing_run, scene_finisher
from components.core.collection.formats import formats_of_text
from components.core.collection.layer.exports import export_layer, outdated_files
from components.core.collection.layer.ids import WrittenChanges
from components.core.collection.layer.index import CollectionLayer, layer_or_none, mark_of
from components.core.collection.layer.journal import LayerJournal
from components.core.collection.layer.tables import COVERAGE_FILE
from components.core.collection.layer.update import LayerUpdate
from components.core.collection.ledger import Collection
from components.core.collection.plan import Plan, read_plan
from components.core.collection.reconcile import reconcile
from components.core.collection.recover_scenes import recover_scenes
from components.core.collection.shard_results import read_part
from components.core.drift import TrainingStatistics
from components.core.project import Project
from components.core.project.history import StageRun, merged_histories
from components.core.skip_budget import SkipBudget, Skipped, check_max_bad
from components.publish_collection.run_outputs import Publication, write_run_outputs

log = logging.getLogger(__name__)


def publish_collection(
    plan: Path | str,
    parts: Sequence[Path | str],
    summary: Path | str,
    *,
    report: Path | str | None = None,
    formats: str = "",
    join_tiles: bool = True,
    confirm: str = "",
    max_bad: int = 0,
    workers: int = 0,
) -> dict[str, float]:
    """Publish detected scenes, bring the layer up to date, and say what was done.

    Each scene gets a folder of its own with its mask, footprints and STAC item, then its marker in the ledger: from its
    shard, or here where several shards have rows of it or its shard could not. What it had before is retired when the
    layer shows the new. All of it may be interrupted anywhere: the next run finds by the ledger what is missing, and
    by `layer.json` whether the layer is as the ledger says. It may be done again when the parts are gone: what has its
    marker is done, whether a part lists it or not.

    Scenes of which the plan says so get their footprints here, from what the network said of them before.

    Args:
        plan: What plan_imagery wrote.
        parts: What the shards left; none where nothing was to be done.
        summary: JSON file to write: what was done, and where it lies.
        report: HTML file to write; None for none beside that in the collection.
        formats: Further files of the whole layer, separated by commas: gpkg, geojsonl, fgb (FlatGeobuf), pmtiles
            (vector tiles).
        join_tiles: Join buildings across the common border of scenes that are tiles of one grid.
        confirm: How many of the next captures of a place have to agree for a change to count, such as 2 of 3; empty
            for changes that count at once.
        max_bad: How many images may be skipped.
        workers: Worker processes (0 = one per core).

    Returns:
        Counts, for metrics.

    Raises:
        ConfigError: If a parameter breaks its rule, or the model is to be described and not the plan's any more.
        DataError: If the plan or a part cannot be read.
        TooManySkippedError: If more images are skipped than `max_bad`; all others are published, and the report is
            written.
        StorageError: If a place cannot be written.
    """
    check_max_bad(max_bad)
    wanted, confirmation = formats_of_text(formats), Confirmation.parse(confirm)
    opened = read_plan(plan)
    budget = SkipBudget(max_bad, opened.images, allow_empty=True)
    if opened.scenes:
        storage.check_writable(opened.output_uri, removes=True)
    started = datetime.now(UTC).replace(microsecond=0)
    begun = time.perf_counter()
    shards = [read_part(part, opened) for part in parts]
    history = merged_histories(shard.history for shard in shards)
    collection = Collection(opened.output_uri)
    fetch_and_describe_model(collection, opened)
    classes = described_classes(collection, opened)
    remade, remaking_failures, remaking_history = _remake(opened, workers)
    history = (*history, *remaking_history)
    finished = {scene.mark.scene: scene for shard in shards for scene in shard.finished}
    finished |= {scene.mark.scene: scene for scene in remade}
    projects = tuple(shard.project for shard in shards)
    collected = collect_parts(opened, projects, history, finished)
    failed = {failure.key: failure for failure in (*collected.failures, *remaking_failures)}
    recalled, lost = recover_scenes(collection, opened, tuple(failed.values()))
    own, failures = _finish(opened, projects, replace(collected, failures=lost), workers)
    budget.add(*(failure.skipped for failure in failures))
    finished |= {scene.mark.scene: scene for scene in (*recalled, *own)}
    marks = {name: scene.mark for name, scene in finished.items()}
    before = layer_or_none(collection)
    log_failures(collection, opened, marks, failures, opened.run)
    layer = reconcile(collection, opened, marks, join_tiles, confirmation)
    changes = _tell(collection, layer, wanted)
    exports = _export(collection, layer.layer, wanted)
    describe_collection(collection, layer.layer, classes)
    link_models(collection, opened)
    done = Publication(
        plan=opened,
        started=started,
        finished=tuple(finished[scene.id] for scene in opened.scenes if scene.id in finished),
        failures=failures,
        before=before,
        layer=layer,
        changes=changes,
        exports=exports,
        outdated=outdated_files(collection, layer.layer),
        history=(*history, _own_run(own, failures, time.perf_counter() - begun)),
        training=TrainingStatistics.of_model(opened.model_uri) if opened.scenes else None,
    )
    counts = write_run_outputs(done, collection, Path(summary), None if report is None else Path(report), workers)
    budget.check(f"all others are published, and the report is in {collection.place('reports')}")
    return counts


def _remake(
    plan: Plan, workers: int
) -> tuple[tuple[FinishedScene, ...], tuple[SceneFailure, ...], tuple[StageRun, ...]]:
    """Finish what needs no network: finished scenes, failures and history."""
    if not plan.remade:
        return (), (), ()
    from components.publish_collection.remake import remake_scenes  # the query engine, for such a run

    return remake_scenes(plan, workers)


def _finish(
    plan: Plan, projects: Sequence[Project], collected: CollectedScenes, workers: int
) -> tuple[tuple[FinishedScene, ...], tuple[SceneFailure, ...]]:
    """Finish what the shards did not."""
    finished: tuple[FinishedScene, ...] = ()
    failed: tuple[SceneFailure, ...] = ()
    if collected.scenes:
        finished, failed = finish_scenes(scene_finisher(plan, projects), collected.scenes, workers)
    return finished, (*collected.failures, *failed)


def _tell(collection: Collection, update: LayerUpdate, formats: Sequence[str]) -> WrittenChanges:
    """Bring the coverage up to date, and write down what changed; nothing where another run is still at it."""
    layer = update.layer
    if layer.unsettled:
        return WrittenChanges()
    is_new = update.rewritten or update.removed or LayerJournal(collection).touched()
    if not is_new and storage.exists(collection.place(COVERAGE_FILE)):
        return WrittenChanges()
    from components.core.collection.changes import write_changes  # GDAL, where something is new
    from components.core.collection.coverage import update_coverage

    coverage = update_coverage(collection, (mark_of(part.mark) for part in layer.parts))
    return write_changes(collection, coverage, formats)


def _export(collection: Collection, layer: CollectionLayer, formats: Sequence[str]) -> tuple[str, ...]:
    if formats and layer.unsettled:
        log.warning(
            "%s: not exported: another run is updating the layer; the next run exports them", ", ".join(formats)
        )
        return ()
    return export_layer(collection, formats)


def _own_run(finished: Sequence[FinishedScene], failures: Iterable[SceneFailure], seconds: float) -> StageRun:
    own = (failure.skipped for failure in failures if failure.skipped.stage == STAGE)
    return finishing_run(STAGE, finished, seconds, (Skipped(entry.name, entry.reason) for entry in own))
