"""The map of an evaluation: predicted buildings that are right or false, and true ones that were missed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.core.errors import DataError, FootprintsError
from components.core.figures import Bitmap
from components.core.footprints.geography import Geometries, areas_m2
from components.core.footprints.georeference import placed
from components.core.footprints.polygonize import placed_outlines
from components.core.footprints.simplify import simplified
from components.core.hashing import hash_integer
from components.core.parallel import parallel_map, worker_count
from components.core.project import Item, Project
from components.core.project.confidence import confidence_sums, mean_confidence
from components.core.reporting import palette
from components.core.reporting.page import Section
from components.core.reporting.text import thousands
from components.core.reporting.webmap.content import DrawnBuildings, MapContent, MapKind, MapScene, Value
from components.core.reporting.webmap.pictures import picture_tasks, read_pictures
from components.core.reporting.webmap.planes import GroundPlace, PlaneKind, ScenePlace, side_by_side
from components.core.reporting.webmap.sampling import fair_shares, spread
from components.core.reporting.webmap.section import MOST_BUILDINGS, MOST_SCENES, map_section
from components.core.scene_errors import scene_errors
from components.evaluate.counting import ComparedObjects, CountingRules, compared_objects, ignored_of
from components.evaluate.pairing import ScenePair
from components.evaluate.result import EvaluationResult, ImageResult

FOUND, MISSED, RIGHT, FALSE = "found", "missed", "right", "false"

TOLERANCE_PX = 1.0
"""Of the outlines' simplification."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Choice:
    """An image that is shown: where it stands, and how many of its objects are drawn at most."""

    pair: ScenePair
    result: ImageResult
    share: int


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A scene's item and place, and the objects of it that are drawn, in (column, row)."""

    item: Item
    place: GroundPlace | None
    buildings: tuple[DrawnBuildings, ...]


def evaluation_map(result: EvaluationResult, predictions: Project, truth: Project, workers: int = 0) -> Section | None:
    """Show truth against prediction: scenes with a georeference on the ground, others side by side.

    Args:
        result: The evaluation.
        predictions: The project that was evaluated.
        truth: The project with the true objects.
        workers: Worker processes (0 = one per core). The map does not depend on it.

    Returns:
        The section; None where no image was compared, or none can be shown.
    """
    choices = _choices(result)
    drawer = SceneDrawer(predictions, truth, result.rules)
    drawn = [
        found
        for found in parallel_map(drawer, choices, worker_count(workers, max(1, len(choices))), _none)
        if found is not None
    ]
    on_ground = [entry for entry in drawn if entry.place is not None]
    others = [entry for entry in drawn if entry.place is None]
    places: list[ScenePlace] = [entry.place for entry in on_ground if entry.place is not None]
    places += side_by_side([entry.item.size for entry in others])
    ordered = on_ground + others
    scenes = _scenes(ordered, places, workers)
    kinds = map_kinds(result.rules)
    notes = _notes(result, len(drawn))
    maps = [
        MapContent(PlaneKind.GROUND, "Scenes on the ground", kinds, scenes[: len(on_ground)], notes),
        MapContent(
            PlaneKind.PIXELS,
            "Scenes without a place",
            kinds,
            scenes[len(on_ground) :],
            ("These scenes have no georeference: they stand side by side, north where their upper border is.",)
            + (notes if not on_ground else ()),
        ),
    ]
    return map_section("Map", "Predicted buildings against those of the truth.", maps)


def _none(_choice: _Choice) -> None:
    """What there is of an image whose process was killed."""


def map_kinds(rules: CountingRules) -> tuple[MapKind, ...]:
    """What is told apart, in the legend's order."""
    least = f"with an IoU of at least {rules.iou_threshold:g}"
    return (
        MapKind(
            FOUND,
            "truth, found",
            palette.KEPT,
            fill=0.0,
            is_dashed=True,
            is_echo=True,
            note=f"A true building that a prediction matches {least}.",
        ),
        MapKind(RIGHT, "prediction, right", palette.BOTH, fill=0.2, note=f"It matches a true building {least}."),
        MapKind(FALSE, "prediction, false", palette.PREDICTION, fill=0.3, note=f"No true building matches it {least}."),
        MapKind(MISSED, "truth, missed", palette.TRUTH, fill=0.3, note=f"No prediction matches it {least}."),
    )


def _choices(result: EvaluationResult) -> list[_Choice]:
    """Images of all towns in turn, chosen by name, each with its share of what is drawn."""
    pairs = list(zip(result.pairs, result.images, strict=True))
    by_town: dict[str, list[tuple[ScenePair, ImageResult]]] = {}
    for pair, image in sorted(pairs, key=lambda entry: hash_integer(0, "map", entry[1].label)):
        by_town.setdefault(image.groups[0] if image.groups else "", []).append((pair, image))
    turns = [(number, town, entry) for town, own in by_town.items() for number, entry in enumerate(own)]
    chosen = [entry for _, _, entry in sorted(turns, key=lambda turn: turn[:2])][:MOST_SCENES]
    chosen.sort(key=lambda entry: entry[1].label)
    counts = [image.counts.objects.truth + image.counts.objects.predicted for _, image in chosen]
    shares = fair_shares(counts, MOST_BUILDINGS)
    return [_Choice(pair, image, share) for (pair, image), share in zip(chosen, shares, strict=True)]


def _notes(result: EvaluationResult, shown: int) -> tuple[str, ...]:
    if shown == len(result.images):
        return ()
    return (
        f"{thousands(shown)} of {thousands(len(result.images))} scenes are shown, of all towns in turn and chosen by "
        "their names; the counts beside the kinds are of these.",
    )


def _scenes(drawn: Sequence[_Drawn], places: Sequence[ScenePlace], workers: int) -> tuple[MapScene, ...]:
    images = [
        (entry.item.key, entry.item.image, place)
        for entry, place in zip(drawn, places, strict=True)
        if entry.item.image is not None
    ]
    pictures = iter(read_pictures(picture_tasks(images), workers))
    return tuple(
        MapScene(
            name=entry.item.key,
            place=place,
            picture=next(pictures) if entry.item.image is not None else None,
            buildings=tuple(
                DrawnBuildings(own.kind, own.total, place.shapes(own.shapes), own.rows) for own in entry.buildings
            ),
        )
        for entry, place in zip(drawn, places, strict=True)
    )


@dataclass(frozen=True)
class SceneDrawer:
    """Draws the objects of one image; picklable, so that processes share the projects by reference."""

    predictions: Project
    truth: Project
    rules: CountingRules

    def __call__(self, choice: _Choice) -> _Drawn | None:
        """What is drawn of an image; None where that fails, which is logged."""
        try:
            with scene_errors(choice.result.label):
                predicted, true = self.predictions.item(choice.pair.predicted), self.truth.item(choice.pair.truth)
                found = compared_objects(predicted, true, self.rules, ignored_of(true, self.truth))
                place = ground_place(true)
                return _Drawn(true, place, tuple(self._buildings(true.key, predicted, found, place, choice.share)))
        except FootprintsError as error:
            log.warning("report: not on the map: %s", error)
            return None

    def _buildings(
        self, label: str, predicted: Item, found: ComparedObjects, place: GroundPlace | None, share: int
    ) -> Iterator[DrawnBuildings]:
        of_truth = {match.truth: match.iou for match in found.matches}
        of_predicted = {match.predicted: match.iou for match in found.matches}
        kinds: list[tuple[str, list[Bitmap], Mapping[int, float], bool]] = [
            (FOUND, found.truth, of_truth, True),
            (MISSED, found.truth, of_truth, False),
            (RIGHT, found.predicted, of_predicted, True),
            (FALSE, found.predicted, of_predicted, False),
        ]
        members = [
            [index for index in range(len(objects)) if (index in matched) == wants]
            for _, objects, matched, wants in kinds
        ]
        shares = fair_shares([len(own) for own in members], share)
        for (kind, objects, matched, _), own, some in zip(kinds, members, shares, strict=True):
            chosen = [own[index] for index in spread(len(own), some)]
            bitmaps = [objects[index] for index in chosen]
            is_truth = kind in (FOUND, MISSED)
            shapes = placed_outlines(bitmaps)
            rows = _rows(bitmaps, [matched.get(index) for index in chosen], place, shapes)
            if not is_truth:
                _add_confidence(rows, predicted, bitmaps)
            title = self.rules.truth_class if is_truth else self.rules.predicted_class
            told: list[dict[str, Value]] = [{"class": title, "image": label, **row} for row in rows]
            yield DrawnBuildings(kind, len(own), simplified(shapes, TOLERANCE_PX), told)


def ground_place(item: Item) -> GroundPlace | None:
    """Where an item lies on a web map; None where it lies nowhere, or too far north or south for one."""
    try:
        grid = placed(item, item.key)
    except DataError as error:
        log.warning("report: on no map of the ground: %s", error)
        return None
    place = None if grid is None else GroundPlace(grid, item.size)
    return place if place is not None and place.is_on_map else None


def _rows(
    bitmaps: Sequence[Bitmap], ious: Sequence[float | None], place: GroundPlace | None, shapes: Geometries
) -> list[dict[str, Value]]:
    areas = [None] * len(bitmaps) if place is None else areas_m2(place.grid.to_map(shapes), place.grid.crs).tolist()
    rows: list[dict[str, Value]] = []
    for bitmap, iou, area in zip(bitmaps, ious, areas, strict=True):
        row: dict[str, Value] = {"row, column": f"{bitmap.window.top}, {bitmap.window.left}"}
        if area is not None:
            row["area, m²"] = round(area, 1)
        row["area, px"] = bitmap.mask.area
        if iou is not None:
            row["IoU of the match"] = round(iou, 3)
        rows.append(row)
    return rows


def _add_confidence(rows: Sequence[dict[str, Value]], item: Item, bitmaps: Sequence[Bitmap]) -> None:
    sums = confidence_sums(item, bitmaps)
    if sums is None:
        return
    for row, bitmap, total in zip(rows, bitmaps, sums.tolist(), strict=True):
        row["confidence"] = round(mean_confidence(total, bitmap), 3)
