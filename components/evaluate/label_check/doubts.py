"""What is doubted of the labels of one scene."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
import shapely

from components.core.figures import Bitmap
from components.core.figures.connected_components import components_of_bands
from components.core.figures.mask import BoolPixels
from components.core.figures.row_bands import mask_bands
from components.core.geometry import Size, Window
from components.core.hashing import hash_integer
from components.evaluate.label_check.support import HERE, Float32, Place, Reach, Support, common_place, support_of
from components.evaluate.matching import is_mostly_on

SEARCHED_M = 5.0
"""How far a label may have been moved."""

RING_M = 1.0
"""Width of the ring around a label."""

LEAST_SHIFT_M = 1.0
"""Labels are less exact than that anyway."""

LEAST_AREA_M2 = 10.0
"""Of a label that is judged, and of a building that is missed."""

BESIDE_M = 0.6
"""Predicted ground so near a label belongs to it."""

LEAST_WIDTH_M = 2.0
"""Of a building that is missed: what is narrower is the rim of another."""

SEARCHED_PX, RING_PX, LEAST_SHIFT_PX, LEAST_AREA_PX, BESIDE_PX, LEAST_WIDTH_PX = 16, 3, 3, 100, 2, 7
"""The same where the size of pixels is not known."""

MOST_SHIFT_PX = 64
"""Which is what is searched at most."""

LARGEST_SIDE_PX = 2048
"""Larger labels are not judged."""

SAMPLE = 400
"""Labels of a scene by which a shift of all is estimated."""

LEAST_SAMPLE = 10
"""With fewer, none is."""

UNSUPPORTED_INSIDE, UNSUPPORTED_BEST = 0.25, 0.3
"""Most mean probability inside a label that no building bears out, and the most support near it."""

LEAST_GAIN, LEAST_SUPPORT = 0.15, 0.15
"""Of a label's support where it would be moved to."""

SCORE_OF_GAIN = 3.0
"""A third of full support that is gained leaves no doubt."""

LEAST_SCENE_GAIN = 0.03
"""Of the mean support of a scene's labels."""

LEAST_PROBABILITY = 0.6
"""Mean over a building that is missed."""

BAND_ROWS = 512


class DoubtKind(StrEnum):
    """What seems wrong."""

    MISSING = "missing"
    UNSUPPORTED = "unsupported"
    SHIFTED = "shifted"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A place where labels seem wrong.

    Attributes:
        kind: How.
        score: How sure, 0 to 1: of a missing label the mean probability of the building, less where it is narrow; of
            an unsupported one, how far the mean probability inside it and near it is from 1; of a shifted one three
            times the support that it gains where it should be.
        label: Place of the label in the scene's; None where it is missing.
        place: Where it should be.
        bitmap: Of a missing label: its pixels.
        of_scene: Whether all labels of the scene are moved so.
    """

    kind: DoubtKind
    score: float
    label: int | None = None
    place: Place = HERE
    bitmap: Bitmap | None = None
    of_scene: bool = False


@dataclass(frozen=True, slots=True)
class SceneDoubts:
    """What is doubted of a scene.

    Attributes:
        found: In the order of labels, missing ones last. Where all labels are moved alike there is such a doubt of
            each, beside what is doubted of it by itself.
        judged: How many labels were judged.
        shift: Where all labels should be; None where they stand rightly, or nothing can be said.
    """

    found: tuple[Doubt, ...]
    judged: int
    shift: Place | None


@dataclass(frozen=True, slots=True)
class Distances:
    """What lengths and areas are in pixels of a scene."""

    reach: Reach
    least_shift: float
    least_area: float
    beside: int
    least_width: int

    @classmethod
    def of_pixels(cls, pixel_m: float | None) -> Distances:
        """Of a scene whose pixels have a side in metres; None where that is not known."""
        if pixel_m is None:
            return cls(Reach(SEARCHED_PX, RING_PX), LEAST_SHIFT_PX, LEAST_AREA_PX, BESIDE_PX, LEAST_WIDTH_PX)
        shift, ring = round(SEARCHED_M / pixel_m), max(round(RING_M / pixel_m), 2)
        return cls(
            Reach(min(max(shift, 2), MOST_SHIFT_PX), min(ring, MOST_SHIFT_PX)),
            max(LEAST_SHIFT_M / pixel_m, 1.5),
            max(LEAST_AREA_M2 / pixel_m**2, 16.0),
            max(round(BESIDE_M / pixel_m), 1),
            max(round(LEAST_WIDTH_M / pixel_m), 3),
        )


@dataclass(frozen=True)
class Seen:
    """A scene as it was labelled and as a network sees it.

    Attributes:
        name: Of the scene.
        size: In pixels.
        labels: One an object; None for one that covers no pixel.
        predicted: Predicted objects.
        probability: Gives (H, W) float32 of a window of the scene, 0 to 1.
        valid: Gives (H, W) bool: where the image holds data; None for everywhere.
        ignored: Unlabelled ground.
        pixel_m: Side of a pixel, in metres; None where that is not known.
    """

    name: str
    size: Size
    labels: Sequence[Bitmap | None]
    predicted: Sequence[Bitmap]
    probability: Callable[[Window], Float32]
    valid: Callable[[Window], BoolPixels] | None
    ignored: Sequence[Bitmap]
    pixel_m: float | None


def doubts_of(scene: Seen) -> SceneDoubts:
    """Judge the labels of a scene.

    First it is asked whether all labels are moved alike. Where they would stand then, each is judged by itself: one
    that gains much support nearby is shifted; one that has none there and nearby is unsupported. What is predicted
    beside all labels so placed is missing.
    """
    distances = Distances.of_pixels(scene.pixel_m)
    common = _shift_of_all(_Labels(scene, distances, scene.labels))
    start, gain = common or (HERE, 0.0)
    labels = _Labels(scene, distances, [entry and entry.moved(start.rows, start.columns) for entry in scene.labels])
    found: list[Doubt] = []
    placed: list[Bitmap] = []
    for number, label in enumerate(labels.bitmaps):
        if label is None:
            continue
        doubt = _judged(number, labels) if number in labels.judged else None
        if doubt is not None:
            found.append(replace(doubt, place=start.then(doubt.place)))
        if common is not None:
            found.append(Doubt(DoubtKind.SHIFTED, min(SCORE_OF_GAIN * gain, 1.0), number, start, of_scene=True))
        if doubt is None:
            placed.append(label)
        elif doubt.kind is DoubtKind.SHIFTED:
            placed.append(label.moved(doubt.place.rows, doubt.place.columns))
    missing = _missing(scene, placed, distances)
    return SceneDoubts((*found, *missing), len(labels.judged), None if common is None else start)


class _Labels:
    """Labels of a scene where they are taken to stand, with an index of their boxes.

    Attributes:
        bitmaps: One an object; None for one that covers no pixel.
        judged: Numbers of those that are neither crumbs nor quarters of a town, and of which enough is looked at.
        distances: In pixels.
        name: Of the scene.
    """

    def __init__(self, scene: Seen, distances: Distances, bitmaps: Sequence[Bitmap | None]) -> None:
        self.bitmaps, self.distances, self.name = bitmaps, distances, scene.name
        self._scene = scene
        self._tree = shapely.STRtree([shapely.Point() if entry is None else _box(entry.window) for entry in bitmaps])
        self.judged = {number for number, entry in enumerate(bitmaps) if entry is not None and self._is_judged(entry)}

    def _is_judged(self, label: Bitmap) -> bool:
        box = label.window
        if label.area < self.distances.least_area or max(box.height, box.width) > LARGEST_SIDE_PX:
            return False
        return _is_looked_at(label, self._scene)

    def support(self, number: int, beside_others: bool) -> Support:
        """The support of one, which may lie on others or not."""
        label = self.bitmaps[number]
        if label is None:
            raise ValueError(f"label {number} covers no pixel")
        margin = self.distances.reach.margin_px
        box = label.window
        window = Window.of_bounds(box.top - margin, box.left - margin, box.bottom + margin, box.right + margin)
        others = self._others(number, window) if beside_others else None
        probability = _padded(self._scene.probability, window, self._scene.size)
        return support_of(label.mask.pixels(), probability, self.distances.reach, others)

    def _others(self, number: int, window: Window) -> BoolPixels:
        canvas = np.zeros((window.height, window.width), np.uint8)
        for other in self._tree.query(_box(window), predicate="intersects").tolist():
            bitmap = self.bitmaps[other]
            if other != number and bitmap is not None:
                bitmap.moved(-window.top, -window.left).draw(canvas, 1)
        return canvas.view(np.bool_)


def _box(window: Window) -> shapely.Polygon:
    return shapely.box(window.left, window.top, window.right, window.bottom)


def _is_looked_at(bitmap: Bitmap, scene: Seen) -> bool:
    """Whether half of an object at least lies on ground that is labelled and holds data."""
    if is_mostly_on(bitmap, scene.ignored):
        return False
    seen = bitmap.window.intersection(Window.of_size(scene.size))
    if seen is None:
        return False
    if scene.valid is None:
        return True
    inside = bitmap.mask.read(seen.shift(-bitmap.top, -bitmap.left))
    return bool(2 * np.count_nonzero(inside & scene.valid(seen)) >= bitmap.area)


def _padded(probability: Callable[[Window], Float32], window: Window, size: Size) -> Float32:
    """Of a window that may reach beyond the scene: what lies at its border goes on there."""
    inner = window.intersection(Window.of_size(size))
    if inner is None:
        return np.zeros((window.height, window.width), np.float32)
    above, below = inner.top - window.top, window.bottom - inner.bottom
    before, behind = inner.left - window.left, window.right - inner.right
    return np.pad(probability(inner), ((above, below), (before, behind)), mode="edge")


def _shift_of_all(labels: _Labels) -> tuple[Place, float] | None:
    """Where all labels should be, and the support that they gain there on the average; None where they stand rightly.

    It is looked for by a sample, since it is the same for all.
    """
    chosen = sorted(labels.judged, key=lambda number: hash_integer(0, "label shift", labels.name, str(number)))
    if len(chosen) < LEAST_SAMPLE:
        return None
    contrasts = [labels.support(number, beside_others=False).contrast for number in chosen[:SAMPLE]]
    distances = labels.distances
    place = common_place(contrasts, distances.least_shift)
    if place is None or place.distance < distances.least_shift:
        return None
    middle = distances.reach.shift_px
    mean = np.mean(contrasts, axis=0)
    gain = float(mean[middle + place.rows, middle + place.columns] - mean[middle, middle])
    return (place, gain) if gain >= LEAST_SCENE_GAIN else None


def _judged(number: int, labels: _Labels) -> Doubt | None:
    support = labels.support(number, beside_others=True)
    inside, contrast = support.here
    place = support.best()
    inside_there, contrast_there = support.at(place)
    gain = contrast_there - contrast
    if place.distance >= labels.distances.least_shift and gain >= LEAST_GAIN and contrast_there >= LEAST_SUPPORT:
        return Doubt(DoubtKind.SHIFTED, min(SCORE_OF_GAIN * gain, 1.0), number, place)
    if inside <= UNSUPPORTED_INSIDE and contrast_there <= UNSUPPORTED_BEST:
        return Doubt(DoubtKind.UNSUPPORTED, 1 - max(inside, inside_there), number)
    return None


def _missing(scene: Seen, placed: Sequence[Bitmap], distances: Distances) -> Iterator[Doubt]:
    """Predicted ground beside all labels, where it is as large as a building."""
    for part in components_of_bands(_beside_labels(scene, placed, distances)):
        if part.area < distances.least_area:
            continue
        pixels = part.mask.pixels()
        probability = float(scene.probability(part.window)[pixels].mean())
        if probability >= LEAST_PROBABILITY:
            score = probability * math.sqrt(_inner_share(pixels, distances.least_width))
            yield Doubt(DoubtKind.MISSING, score, bitmap=part)


def _inner_share(pixels: BoolPixels, width: int) -> float:
    """What of a region lies farther from its rim than half a width: little of a rim that labels left over."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    inner = cv2.erode(np.pad(pixels, width).view(np.uint8), kernel)
    return float(np.count_nonzero(inner) / np.count_nonzero(pixels))


def _beside_labels(scene: Seen, placed: Sequence[Bitmap], distances: Distances) -> Iterator[tuple[int, BoolPixels]]:
    """Bands of what is predicted, less labels and what lies near them, less what is narrow."""
    near, wide = (
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        for side in (2 * distances.beside + 1, distances.least_width)
    )
    halo = distances.beside + distances.least_width
    drawn = (mask_bands(part, scene.size, BAND_ROWS, halo) for part in (scene.predicted, placed, scene.ignored))
    for (band, predicted), (_, labels), (_, ignored) in zip(*drawn, strict=True):
        beside = predicted & ~ignored & (cv2.dilate(labels.view(np.uint8), near) == 0)
        opened = cv2.morphologyEx(beside.view(np.uint8), cv2.MORPH_OPEN, wide, borderValue=0)
        rows = opened[halo : halo + band.height].view(np.bool_)
        yield band.top, rows if scene.valid is None else rows & scene.valid(band)
