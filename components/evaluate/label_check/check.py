"""The labels of all scenes of an evaluation, judged by its predictions."""

from __future__ import annotations

import heapq
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from components.core.errors import DataError
from components.core.footprints.geography import PixelGrid, common_crs
from components.core.listing import first_names
from components.core.parallel import parallel_map, worker_count
from components.core.progress import progress
from components.core.project import Project
from components.core.skip_budget import Skipped
from components.core.storage import scratch_folder
from components.evaluate.counting import CountingRules
from components.evaluate.label_check.doubts import DoubtKind
from components.evaluate.label_check.geopackage import write_suggestions
from components.evaluate.label_check.suggestions import (
    LABELS_SCHEMA,
    SUGGESTIONS_SCHEMA,
    CheckedScene,
    SceneChecker,
    Suggestion,
    suggestion_rows,
)
from components.evaluate.label_check.support import Place
from components.evaluate.pairing import ScenePair

FILE = "label_suggestions.gpkg"

USUAL_MOST = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShiftedScene:
    """A scene whose labels are moved alike.

    Attributes:
        name: Key of its item.
        labels: How many of them were judged.
        shift_px: Where they should be.
        shift_m: The same in metres east and north; None where it has no georeference.
    """

    name: str
    labels: int
    shift_px: Place
    shift_m: tuple[float, float] | None

    def as_json(self) -> dict[str, Any]:
        """For `metrics.json`."""
        east, north = self.shift_m or (None, None)
        return {
            "image": self.name,
            "labels": self.labels,
            "rows_px": self.shift_px.rows,
            "columns_px": self.shift_px.columns,
            "east_m": east,
            "north_m": north,
        }


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """What came of the labels of all scenes.

    Attributes:
        scenes: How many were judged.
        judged: How many of their labels.
        counts: How many places seem wrong by themselves, by kind.
        listed: The surest of them, surest first.
        shifted: Scenes whose labels are moved alike.
        has_file: Whether there is a GeoPackage: there is none where no scene has a georeference.
        unplaced: Scenes without a georeference, which are not in it.
        unjudged: Scenes that could not be judged, which are not in it either.
        without_probabilities: How many scenes were judged by objects alone.
    """

    scenes: int
    judged: int
    counts: Counter[DoubtKind]
    listed: tuple[Suggestion, ...]
    shifted: tuple[ShiftedScene, ...]
    has_file: bool
    unplaced: tuple[str, ...]
    unjudged: tuple[Skipped, ...]
    without_probabilities: int

    def as_json(self) -> dict[str, Any]:
        """For `metrics.json`."""
        return {
            "scenes": self.scenes,
            "labels_judged": self.judged,
            **{kind.value: self.counts[kind] for kind in DoubtKind},
            "listed": len(self.listed),
            "shifted_scenes": [scene.as_json() for scene in self.shifted],
            "file": FILE if self.has_file else None,
            "without_georeference": list(self.unplaced),
            "without_probabilities": self.without_probabilities,
            "not_judged": [entry.as_json() for entry in self.unjudged],
        }


def check_labels(
    predictions: Project,
    truth: Project,
    pairs: Sequence[ScenePair],
    rules: CountingRules,
    directory: Path,
    most: int,
    workers: int,
) -> LabelCheck:
    """Find where labels seem wrong, and write them with suggestions to `FILE`.

    Args:
        predictions: Project with predicted objects.
        truth: Project with labels.
        pairs: Which of their items show the same image.
        rules: Which classes are compared.
        directory: Where the file is written.
        most: How many places are listed.
        workers: Worker processes (0 = one per core). The result does not depend on it.

    Raises:
        StorageError: If the file cannot be written or a raster not be reached.
    """
    crs = _common_crs(truth, pairs)
    checker = SceneChecker(predictions, truth, rules.predicted_class, rules.truth_class, crs, most)
    checked = parallel_map(checker, pairs, worker_count(workers, len(pairs)))
    with scratch_folder("label-check") as folder:
        tally = _Tally(folder, most)
        for outcome in progress(checked, len(pairs), "images' labels judged"):
            tally.add(outcome)
        result = tally.close()
        if result.has_file:
            listed = [entry for entry in result.listed if entry.on_map is not None]
            doubted = {entry.label for entry in listed if entry.label is not None}
            suggestions = [suggestion_rows(listed), *_others(folder / _MOVED, doubted)]
            write_suggestions(directory / FILE, crs, _spooled(folder / _LABELS), suggestions)
    _log(result)
    return result


_LABELS, _MOVED = "labels.arrow", "moved.arrow"


class _Tally:
    """Adds up scenes, whose rows wait on disk."""

    def __init__(self, folder: Path, most: int) -> None:
        self._most = most
        self._labels = pa.ipc.new_file(folder / _LABELS, LABELS_SCHEMA)
        self._moved = pa.ipc.new_file(folder / _MOVED, SUGGESTIONS_SCHEMA)
        self._first = self._scenes = self._judged = self._placed = self._without_probabilities = 0
        self._counts: Counter[DoubtKind] = Counter()
        self._listed: list[Suggestion] = []
        self._shifted: list[ShiftedScene] = []
        self._unplaced: list[str] = []
        self._unjudged: list[Skipped] = []

    def add(self, scene: CheckedScene | Skipped) -> None:
        """Take the next scene."""
        if isinstance(scene, Skipped):
            self._unjudged.append(scene)
            return
        self._scenes += 1
        self._judged += scene.judged
        self._without_probabilities += not scene.has_probabilities
        self._counts += scene.counts
        suggestions = [entry.numbered(self._first) for entry in scene.suggestions]
        self._listed = heapq.nsmallest(self._most, [*self._listed, *suggestions], key=lambda entry: -entry.score)
        if scene.shift_px is not None:
            self._shifted.append(ShiftedScene(scene.name, scene.judged, scene.shift_px, scene.shift_m))
        if scene.labels is None:
            self._unplaced.append(scene.name)
            return
        self._placed += 1
        numbers = pc.add(scene.labels["label"], self._first)
        self._labels.write_batch(scene.labels.set_column(0, LABELS_SCHEMA.field(0), numbers))
        if scene.moved:
            self._moved.write_batch(suggestion_rows([entry.numbered(self._first) for entry in scene.moved]))
        self._first += scene.labels.num_rows

    def close(self) -> LabelCheck:
        """What all came to."""
        self._labels.close()
        self._moved.close()
        return LabelCheck(
            self._scenes,
            self._judged,
            self._counts,
            tuple(self._listed),
            tuple(self._shifted),
            self._placed > 0,
            tuple(self._unplaced),
            tuple(self._unjudged),
            self._without_probabilities,
        )


def _spooled(file: Path) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(file)) as source, pa.ipc.open_file(source) as reader:
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)


def _others(file: Path, doubted: set[int]) -> Iterator[pa.RecordBatch]:
    """Rows of labels that are not doubted by themselves: a label is corrected in one way."""
    known = pa.array(sorted(doubted), pa.int64())
    for batch in _spooled(file):
        yield batch.filter(pc.invert(pc.is_in(batch["label"], known)))


def _common_crs(truth: Project, pairs: Sequence[ScenePair]) -> str:
    found = []
    for pair in pairs:
        try:
            grid = PixelGrid.of_item(truth.item(pair.truth))
        except DataError:
            continue  # whoever judges the scene says so
        if grid is not None:
            found.append(grid.crs)
    return common_crs(found)


def _log(result: LabelCheck) -> None:
    counts = ", ".join(f"{result.counts[kind]} {kind}" for kind in DoubtKind)
    log.info("%d labels judged; they seem wrong in places: %s", result.judged, counts)
    if result.shifted:
        names = [scene.name for scene in result.shifted]
        log.warning("all labels seem to be moved alike in %d images: %s", len(names), first_names(names))
    if result.unplaced:
        log.info(
            "%d images have no georeference; what seems wrong in their labels is in the report alone: %s",
            len(result.unplaced),
            first_names(result.unplaced),
        )
    for entry in result.unjudged:
        log.warning("%s: its labels are not judged, nor in %s: %s", entry.name, FILE, entry.reason)
