"""What to correct in the labels of one scene, as rows on the map."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import shapely

from components.core.errors import DataError
from components.core.footprints.geography import Geometries, PixelGrid, areas_m2, reprojected
from components.core.footprints.georeference import placed
from components.core.footprints.polygonize import placed_outlines
from components.core.footprints.records import GEOMETRY
from components.core.footprints.simplify import simplified
from components.core.footprints.tolerance import DEFAULT_PX
from components.core.project import Project
from components.core.scene_errors import scene_errors
from components.core.skip_budget import Skipped
from components.evaluate.counting import ignored_of
from components.evaluate.label_check.doubts import Doubt, DoubtKind, doubts_of
from components.evaluate.label_check.scene import Label, labels_of, scene_of
from components.evaluate.label_check.support import Place
from components.evaluate.pairing import ScenePair

LABELS_SCHEMA = pa.schema(
    [
        ("label", pa.int64()),
        ("class", pa.string()),
        ("scene", pa.string()),
        ("attributes", pa.string()),
        (GEOMETRY, pa.binary()),
    ]
)
"""Columns of labels as they are; the geometry is WKB in map coordinates."""

SUGGESTIONS_SCHEMA = pa.schema(
    [
        ("accept", pa.bool_()),
        ("kind", pa.string()),
        ("score", pa.float64()),
        ("scene", pa.string()),
        ("label", pa.int64()),
        ("class", pa.string()),
        ("shift_east_m", pa.float64()),
        ("shift_north_m", pa.float64()),
        ("area_m2", pa.float64()),
        ("whole_scene", pa.bool_()),
        (GEOMETRY, pa.binary()),
    ]
)
"""Columns of suggestions: the geometry is the label as it should be, or the one to be taken away."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A place where labels seem wrong, and what would correct it.

    Attributes:
        kind: What seems wrong.
        score: How sure, 0 to 1.
        scene: Key of its item.
        item: Place of the item in the truth.
        label: Number of the label, in its scene or among all; None where it is missing.
        class_title: Of the label.
        shape: What would be right, or the label that nothing bears out: (column, row) of the scene's pixels.
        shift_px: Where a label should be.
        shift_m: The same in metres east and north; None where the scene has no georeference.
        area_m2: Of the shape; None there, too.
        on_map: The shape as WKB in map coordinates; None there, too.
        whole_scene: Whether all labels of the scene are moved so.
    """

    kind: DoubtKind
    score: float
    scene: str
    item: int
    label: int | None
    class_title: str
    shape: shapely.Geometry
    shift_px: Place
    shift_m: tuple[float, float] | None
    area_m2: float | None
    on_map: bytes | None
    whole_scene: bool = False

    def numbered(self, first: int) -> Suggestion:
        """With its label's number counted on from that of the scene's first label."""
        return self if self.label is None else replace(self, label=first + self.label)


@dataclass(frozen=True)
class CheckedScene:
    """What came of one scene.

    Attributes:
        name: Key of its item.
        judged: How many labels were judged.
        counts: How many places seem wrong by themselves, by kind.
        suggestions: The surest of them.
        moved: Of a scene whose labels are moved alike, each label.
        shift_px: Where all its labels should be; None where they stand rightly.
        shift_m: The same in metres east and north.
        labels: Of `LABELS_SCHEMA`, numbered from 0; None where the scene has no georeference.
        has_probabilities: Whether probabilities say how sure the network is; else its objects do.
    """

    name: str
    judged: int
    counts: Counter[DoubtKind]
    suggestions: tuple[Suggestion, ...]
    moved: tuple[Suggestion, ...]
    shift_px: Place | None
    shift_m: tuple[float, float] | None
    labels: pa.RecordBatch | None
    has_probabilities: bool


@dataclass(frozen=True)
class SceneChecker:
    """Judges the labels of pairs; picklable, so that processes share the projects by reference.

    Attributes:
        predictions: Project with predicted objects.
        truth: Project with labels.
        predicted_class: Class of predicted objects.
        truth_class: Class of the labels that are judged.
        crs: Of the map.
        most: How many suggestions of a scene are kept.
    """

    predictions: Project
    truth: Project
    predicted_class: str
    truth_class: str
    crs: str
    most: int

    def __call__(self, pair: ScenePair) -> CheckedScene | Skipped:
        """What came of a pair, or why it cannot be judged."""
        try:
            with scene_errors(pair.label):
                return self._checked(pair)
        except DataError as error:
            return Skipped(pair.label, str(error))

    def _checked(self, pair: ScenePair) -> CheckedScene:
        true = self.truth.item(pair.truth)
        labels = labels_of(true, self.truth_class)
        predicted, ignored = self.predictions.item(pair.predicted), ignored_of(true, self.truth)
        seen, has_probabilities = scene_of(true, predicted, labels, self.predicted_class, ignored)
        doubts = doubts_of(seen)
        grid = placed(true, true.key)
        ground = None if grid is None else grid.ground(true.size)
        alone = [doubt for doubt in doubts.found if not doubt.of_scene]
        surest = heapq.nsmallest(self.most, alone, key=lambda doubt: -doubt.score)
        drawn = _Drawn(true.key, pair.truth, labels, self.truth_class, grid, ground, self.crs)
        return CheckedScene(
            true.key,
            doubts.judged,
            Counter(doubt.kind for doubt in alone),
            drawn.suggestions(surest),
            drawn.suggestions([doubt for doubt in doubts.found if doubt.of_scene]),
            doubts.shift,
            None if doubts.shift is None else drawn.metres(doubts.shift),
            None if grid is None else _label_rows(labels, true.key, grid, self.crs),
            has_probabilities,
        )


@dataclass(frozen=True)
class _Drawn:
    """Draws the suggestions of one scene."""

    scene: str
    item: int
    labels: Sequence[Label]
    truth_class: str
    grid: PixelGrid | None
    ground: np.ndarray | None
    crs: str

    def metres(self, place: Place) -> tuple[float, float] | None:
        """East and north."""
        if self.ground is None:
            return None
        east, north = (self.ground @ (place.columns, place.rows)).tolist()
        return east, north

    def suggestions(self, doubts: Sequence[Doubt]) -> tuple[Suggestion, ...]:
        """Of what is doubted, in its order."""
        if not doubts:
            return ()
        shapes = np.array([self._shape(doubt) for doubt in doubts], dtype=object)
        count = len(doubts)
        areas: list[float | None] = [None] * count
        on_map: list[bytes | None] = [None] * count
        if self.grid is not None:
            areas = list(areas_m2(self.grid.to_map(shapes), self.grid.crs).tolist())
            on_map = shapely.to_wkb(to_map(shapes, self.grid, self.crs)).tolist()
        return tuple(
            Suggestion(
                doubt.kind,
                doubt.score,
                self.scene,
                self.item,
                doubt.label,
                self.truth_class,
                shape,
                doubt.place,
                self.metres(doubt.place),
                area,
                known,
                doubt.of_scene,
            )
            for doubt, shape, area, known in zip(doubts, shapes, areas, on_map, strict=True)
        )

    def _shape(self, doubt: Doubt) -> shapely.Geometry:
        if doubt.bitmap is not None:
            return simplified(placed_outlines([doubt.bitmap]), DEFAULT_PX)[0]
        if doubt.label is None:
            raise ValueError("a doubt is of a label or of a bitmap")
        shape = self.labels[doubt.label].shape
        if doubt.kind is DoubtKind.UNSUPPORTED:
            return shape
        moved = np.array((doubt.place.columns, doubt.place.rows), np.float64)
        return shapely.transform(shape, lambda points: points + moved)


def to_map(shapes: Geometries, grid: PixelGrid, crs: str) -> Geometries:
    """From (column, row) of a scene to the map's coordinates."""
    return reprojected(grid.to_map(shapes), grid.crs, crs)


def _label_rows(labels: Sequence[Label], scene: str, grid: PixelGrid, crs: str) -> pa.RecordBatch:
    shapes = np.array([label.shape for label in labels], dtype=object)
    on_map = shapely.to_wkb(to_map(shapes, grid, crs)).tolist() if labels else []
    columns = [
        range(len(labels)),
        [label.class_title for label in labels],
        [scene] * len(labels),
        [json.dumps(dict(label.attributes), ensure_ascii=False) if label.attributes else None for label in labels],
        on_map,
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, LABELS_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=LABELS_SCHEMA)


def suggestion_rows(suggestions: Sequence[Suggestion]) -> pa.RecordBatch:
    """Rows of `SUGGESTIONS_SCHEMA`, none accepted yet; of suggestions on the map."""
    rows = [
        {
            "accept": False,
            "kind": entry.kind.value,
            "score": entry.score,
            "scene": entry.scene,
            "label": entry.label,
            "class": entry.class_title,
            "shift_east_m": entry.shift_m and entry.shift_m[0],
            "shift_north_m": entry.shift_m and entry.shift_m[1],
            "area_m2": entry.area_m2,
            "whole_scene": entry.whole_scene,
            GEOMETRY: entry.on_map,
        }
        for entry in suggestions
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SUGGESTIONS_SCHEMA)
