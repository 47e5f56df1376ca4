"""Outputs of a run for people and programs: an HTML report, a JSON summary, metrics."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from components.core import storage
from components.core.collection.collect_parts import SceneFailure
from components.core.collection.finish_scene import FinishedScene
from components.core.collection.layer.ids import WrittenChanges
from components.core.collection.layer.index import CollectionLayer
from components.core.collection.layer.tables import FOOTPRINTS_FILE
from components.core.collection.layer.update import LayerUpdate
from components.core.collection.ledger import Collection
from components.core.collection.plan import Plan
from components.core.drift import TrainingStatistics, drift_of_run, drift_warnings
from components.core.errors import DataError, StorageError
from components.core.project.history import StageRun
from components.core.reporting.page import Section
from components.core.reporting.text import counted_noun
from components.core.scene_errors import scene_errors
from components.publish_collection.report import run_summary_page
from components.publish_collection.summary import (
    Changes,
    DoneScene,
    LayerTotals,
    RunSummary,
    scenes_to_show,
)

if TYPE_CHECKING:
    from components.publish_collection.pictures import ScenePicture

log = logging.getLogger(__name__)

PLANNING = "plan_imagery"


@dataclass(frozen=True, slots=True)
class Publication:
    """What a run published.

    Attributes:
        plan: What was to be done.
        started: When this stage began; with its time zone.
        finished: Scenes that are done now.
        failures: Scenes that are not.
        before: The layer before; None where there was none.
        layer: What became of the layer.
        changes: What became of its buildings.
        exports: Further files of the layer.
        outdated: Names of such files that earlier runs wrote, of another state of the layer.
        history: What all stages did, this one last.
        training: What the model's training was like; None where that is not known.
    """

    plan: Plan
    started: datetime
    finished: tuple[FinishedScene, ...]
    failures: tuple[SceneFailure, ...]
    before: CollectionLayer | None
    layer: LayerUpdate
    changes: WrittenChanges
    exports: tuple[str, ...]
    outdated: tuple[str, ...]
    history: tuple[StageRun, ...]
    training: TrainingStatistics | None = None

    def drift_warnings(self) -> list[str]:
        """Which scenes are too far from the model's training."""
        compared = [scene for scene in self.finished if scene.record.drift]
        found = {scene.record.key: scene.record.drift or {} for scene in compared}
        return drift_warnings(found, {scene.record.key: self.drift_limits(scene) for scene in compared})

    def drift_limits(self, scene: FinishedScene) -> Mapping[str, float]:
        """From which distances to the training on there is a warning of a scene, by kind; empty where none is known."""
        return {} if self.training is None else self.training.limits(scene.planned.size)


def write_run_outputs(
    done: Publication, collection: Collection, summary: Path, report: Path | None, workers: int = 0
) -> dict[str, float]:
    """Write the report and the summary.

    Args:
        done: What was published.
        collection: Gets the report, too.
        summary: JSON file to write.
        report: HTML file to write; None for the collection's alone.
        workers: Worker processes (0 = one per core), for the pictures of the report.

    Returns:
        Counts, for metrics.

    Raises:
        StorageError: If a place cannot be written.
    """
    run = run_summary(done)
    for warning in done.drift_warnings():
        log.warning("%s", warning)
    page = run_summary_page(run, _pictures(done, run, collection), _map(done, collection, workers)).encode()
    place = collection.place("reports", f"{run.name}.html")
    storage.write_bytes(place, page)
    if report is not None:
        storage.write_bytes(report, page)
    counts = _counts(done, run.retired)
    places = {"layer": collection.place("layer"), "ledger": collection.place("ledger"), "report": place}
    places |= {Path(file).suffix.removeprefix("."): file for file in done.exports}
    if done.changes.files:
        places["changes"] = done.changes.files[0]
    content = {"sentence": _sentence(counts, done.outdated), "places": places, "counts": counts}
    storage.write_bytes(summary, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    return counts


def run_summary(done: Publication) -> RunSummary:
    """What a run did, in the report's terms."""
    plan = done.plan
    skipped = [failure.skipped for failure in done.failures]
    return RunSummary(
        name=f"{done.started:%Y-%m-%dT%H-%M-%SZ}-{secrets.token_hex(2)}",
        images_uri=plan.images_uri,
        output_uri=plan.output_uri,
        model_uri=plan.model_uri,
        model=plan.model,
        detector=plan.detector,
        scenes=tuple(_done_scene(scene, done.drift_limits(scene)) for scene in done.finished),
        failed=tuple(entry for entry in skipped if entry.stage != PLANNING),
        skipped=tuple(entry for entry in skipped if entry.stage == PLANNING),
        up_to_date=plan.done,
        waiting=plan.waiting,
        retired=len({mark.scene for mark in plan.retired} - set(done.layer.layer.partitions)),
        stages=done.history,
        before=None if done.before is None else _totals(done.before),
        after=_totals(done.layer.layer),
        shards=plan.shards,
        postponed=plan.postponed,
        aoi_uri=plan.aoi_uri,
        outside=plan.outside,
        warnings=(*plan.warnings, *done.drift_warnings()),
    )


def _done_scene(scene: FinishedScene, limits: Mapping[str, float]) -> DoneScene:
    change = scene.change
    return DoneScene(
        key=scene.record.key,
        why=scene.planned.why,
        size=scene.planned.size,
        footprints=scene.record.footprints,
        area_m2=scene.record.area_m2,
        confidence=scene.confidence,
        place=f"scenes/{scene.mark.scene}/{scene.mark.version}.{scene.mark.detector}",
        changes=None if change is None else Changes(change.new, change.gone, change.changed),
        drift=scene.record.drift or {},
        drift_limits=limits,
    )


def _totals(layer: CollectionLayer) -> LayerTotals:
    return LayerTotals(len(layer.partitions), layer.footprints, layer.area_m2)


def _map(done: Publication, collection: Collection, workers: int) -> Section | None:
    """None where nothing was done and nothing changed, or the changes are gone already."""
    changes = done.changes.files[0] if done.changes.files else ""
    if not done.finished and not changes:
        return None
    from components.publish_collection.map_section import detection_map  # GDAL and OpenCV, where there is a change

    is_settled = not done.layer.layer.unsettled
    try:
        return detection_map(done.finished, changes, collection, is_settled=is_settled, workers=workers)
    except (DataError, StorageError) as error:
        log.warning("report: no map: %s", error)
        return None


def _pictures(done: Publication, run: RunSummary, collection: Collection) -> list[ScenePicture]:
    by_key = {scene.record.key: scene for scene in done.finished}
    with storage.scratch_folder("pictures") as folder:
        drawn = [
            _picture(by_key[entry.key], collection, folder / f"{number}.parquet")
            for number, entry in enumerate(scenes_to_show(run.scenes))
        ]
    return [picture for picture in drawn if picture is not None]


def _picture(scene: FinishedScene, collection: Collection, copy: Path) -> ScenePicture | None:
    """None where another run has retired the scene meanwhile, or it cannot be drawn."""
    from components.publish_collection.pictures import scene_picture  # GDAL and OpenCV, where a scene is new

    record, planned = scene.record, scene.planned
    try:
        with scene_errors(record.key):
            storage.get_file(storage.join_uri(collection.scene_folder(scene.mark), FOOTPRINTS_FILE), copy)
            return scene_picture(record.key, scene.pixels, planned.size, record.crs, scene.transform, copy)
    except (DataError, StorageError) as error:
        log.warning("report: no picture of %s: %s", record.key, error)
        return None


def _counts(done: Publication, retired: int) -> dict[str, float]:
    change, layer = done.changes.change, done.layer.layer
    drift = drift_of_run([scene.record.drift for scene in done.finished if scene.record.drift])
    return {
        "scenes_published": len(done.finished),
        "scenes_failed": len(done.failures),
        "scenes_up_to_date": done.plan.done,
        "scenes_waiting": done.plan.waiting,
        "scenes_postponed": done.plan.postponed,
        "scenes_outside": done.plan.outside,
        "scenes_retired": retired,
        "megapixels": round(sum(scene.planned.size.area for scene in done.finished) / 1e6, 6),
        "buildings_new": change.new,
        "buildings_gone": change.gone,
        "buildings_changed": change.changed,
        "buildings_uncovered": change.uncovered,
        "layer_scenes": len(layer.partitions),
        "layer_buildings": layer.footprints,
        "layer_area_m2": layer.area_m2,
        "layer_duplicates_left_out": layer.duplicates,
        "layer_buildings_joined": layer.joined,
        "layer_buildings_withheld": layer.withheld,
        "partitions_written": len(done.layer.rewritten),
        "partitions_removed": len(done.layer.removed),
        **{f"drift_{kind}": round(value, 4) for kind, value in drift.items()},
    }


def _sentence(counts: dict[str, float], outdated: Sequence[str]) -> str:
    scenes = int(counts["scenes_published"])
    new = f"{counted_noun(scenes, 'scene')} detected" if scenes else "Nothing new"
    others = {
        "skipped": counts["scenes_failed"],
        "gone": counts["scenes_retired"],
        "left to the next run": counts["scenes_postponed"],
        "outside the area of interest": counts["scenes_outside"],
        "done with another model or settings": counts["scenes_waiting"],
    }
    also = "".join(f", {int(count)} {what}" for what, count in others.items() if count)
    layer = f"{counted_noun(int(counts['layer_buildings']), 'building')}, {counts['layer_area_m2']:,.0f} m²"
    older = f"; of an earlier layer, and left so: {', '.join(outdated)}" if outdated else ""
    return f"{new}{also}, {int(counts['scenes_up_to_date'])} up to date; the layer has {layer}{older}"
