"""Counts of one image, taken band by band."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from components.core.errors import DataError
from components.core.figures import Bitmap, Shape
from components.core.figures.bands import as_bitmap, mask_bands
from components.core.figures.components import components_of_bands
from components.core.figures.mask import BoolPixels
from components.core.geometry import Size
from components.core.project import Item, Project
from components.core.special import NEUTRAL_CLASS
from components.evaluate.boundary import boundary_counts
from components.evaluate.counts import BoundaryCounts, Counts, ObjectCounts, PixelCounts
from components.evaluate.matching import common_area, match_objects
from components.evaluate.pairing import Pair

BAND_ROWS = 512

AREA_SHAPES = (Shape.BITMAP, Shape.POLYGON, Shape.RECTANGLE)
"""Of classes whose objects cover an area."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is compared, and how.

    Attributes:
        truth_class: Class of the truth's objects.
        predicted_class: Class of the predicted objects.
        iou_threshold: Least IoU of matched objects.
        boundary_px: Distance of Boundary IoU, in pixels.
    """

    truth_class: str = "untitled"
    predicted_class: str = "untitled_dl"
    iou_threshold: float = 0.5
    boundary_px: int = 5


@dataclass(frozen=True)
class ImageCounter:
    """Counts one pair; picklable, so that processes share the projects by reference."""

    predictions: Project
    truth: Project
    rules: Rules

    def __call__(self, pair: Pair) -> tuple[Size, Counts]:
        """Size and counts of a pair."""
        predicted, true = self.predictions.item(pair.predicted), self.truth.item(pair.truth)
        if predicted.size != true.size:
            raise DataError(
                f"{self.predictions.place}: item {predicted.key!r} is {predicted.size} px and its partner {true.key!r} "
                f"in {self.truth.place} is {true.size} px; they must show the same pixels"
            )
        first = bitmaps_of_class(true, self.rules.truth_class)
        second = bitmaps_of_class(predicted, self.rules.predicted_class)
        known = self.truth.meta.find(NEUTRAL_CLASS)
        ignored = bitmaps_of_class(true, NEUTRAL_CLASS) if known is not None and known.shape in AREA_SHAPES else []
        return true.size, count_image(first, second, true.size, self.rules, ignored=ignored)


def bitmaps_of_class(item: Item, title: str) -> list[Bitmap]:
    """The objects of a class as bitmaps inside the image."""
    found = (as_bitmap(entry.figure, item.size) for entry in item.objects if entry.class_title == title)
    return [bitmap for bitmap in found if bitmap is not None]


def count_image(
    truth: Sequence[Bitmap],
    predicted: Sequence[Bitmap],
    size: Size,
    rules: Rules,
    band_rows: int = BAND_ROWS,
    ignored: Sequence[Bitmap] = (),
) -> Counts:
    """Compare two sets of bitmaps on one image.

    Objects of the truth are the 8-connected components of all its bitmaps together; predicted objects are taken
    as they are.

    Args:
        truth: True bitmaps, in any division.
        predicted: Predicted objects.
        size: Of the image, in pixels.
        rules: Threshold and distance.
        band_rows: Rows a band; changes the memory used, never the result.
        ignored: Ground that nobody labelled: its pixels do not count, nor do predicted objects that lie on it by more
            than half.
    """
    tally = _Tally(rules.boundary_px)
    bands = zip(
        mask_bands(truth, size, band_rows, rules.boundary_px),
        mask_bands(predicted, size, band_rows, rules.boundary_px),
        mask_bands(ignored, size, band_rows),
        strict=True,
    )

    def true_rows() -> Iterator[tuple[int, BoolPixels]]:
        for (band, first), (_, second), (_, silent) in bands:
            yield band.top, tally.add(first, second, silent if ignored else None)

    components = components_of_bands(true_rows())
    counted = [entry for entry in predicted if not _is_mostly_on(entry, ignored)]
    matches = match_objects(components, counted, rules.iou_threshold)
    objects = ObjectCounts(len(components), len(counted), len(matches))
    return Counts(tally.pixels, objects, tally.boundary)


def _is_mostly_on(entry: Bitmap, ground: Sequence[Bitmap]) -> bool:
    """Whether more than half of an object lies on some ground."""
    return 2 * sum(common_area(entry, part) for part in ground) > entry.mask.area


class _Tally:
    """Pixel and boundary counts of the bands so far."""

    def __init__(self, halo: int) -> None:
        self.pixels = PixelCounts()
        self.boundary = BoundaryCounts()
        self._halo = halo

    def add(self, truth: BoolPixels, predicted: BoolPixels, ignored: BoolPixels | None) -> BoolPixels:
        """Count one band with its halo, but for the pixels ignored; gives the truth without the halo."""
        self.boundary += boundary_counts(truth, predicted, self._halo, ignored)
        inner = slice(self._halo, len(truth) - self._halo)
        rows = first, second = truth[inner], predicted[inner]
        pixels = first.size
        if ignored is not None:
            first, second = first & ~ignored, second & ~ignored
            pixels -= int(np.count_nonzero(ignored))
        both = int(np.count_nonzero(first & second))
        true, found = int(np.count_nonzero(first)), int(np.count_nonzero(second))
        self.pixels += PixelCounts(both, found - both, true - both, pixels - true - found + both)
        return rows[0]
