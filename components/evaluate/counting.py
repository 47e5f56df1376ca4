"""Counts of one image, taken band by band."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from components.core.class_titles import NEUTRAL_CLASS
from components.core.errors import DataError
from components.core.figures import AREA_SHAPES, Bitmap
from components.core.figures.connected_components import components_of_bands
from components.core.figures.mask import BoolPixels
from components.core.figures.row_bands import as_bitmap, mask_bands
from components.core.footprints.geography import PixelGrid
from components.core.geometry import Size, Window
from components.core.imagery.images import read_validity
from components.core.imagery.reading import describe
from components.core.imagery.recipe import Crop
from components.core.project import Item, Project
from components.core.scene_errors import scene_errors
from components.core.skip_budget import Skipped
from components.evaluate.boundary import boundary_counts
from components.evaluate.class_probability import probability_of
from components.evaluate.counts import BoundaryCounts, Counts, ObjectCounts, PixelCounts
from components.evaluate.matching import Match, is_mostly_on, match_objects
from components.evaluate.pairing import ScenePair
from components.evaluate.polygon_measures import polygon_counts
from components.evaluate.sweep import ImageSweep, SweepCounts

log = logging.getLogger(__name__)

BAND_ROWS = 512

MOST_BOUNDARY_PX = 1000
"""Most rows above and below a band that are read with it."""

ReadValidity = Callable[[Window], BoolPixels]
"""Gives (H, W) bool of a window of the image: where it holds data."""


@dataclass(frozen=True, slots=True)
class CountingRules:
    """What is compared, and how.

    Attributes:
        truth_class: Class of the truth's objects.
        predicted_class: Class of the predicted objects.
        iou_threshold: Least IoU of matched objects.
        boundary_px: Distance of Boundary IoU, in pixels.
        boundary_m: The same on the ground, in metres, for images whose pixels have a known size; 0 for pixels always.
    """

    truth_class: str = "untitled"
    predicted_class: str = "untitled_dl"
    iou_threshold: float = 0.5
    boundary_px: int = 5
    boundary_m: float = 0.0

    def boundary_distance(self, pixel_m: float | None) -> int:
        """Distance of Boundary IoU in an image with pixels of a width in metres, in whole pixels, at least 1."""
        if not self.boundary_m or pixel_m is None:
            return self.boundary_px
        return min(max(round(self.boundary_m / pixel_m), 1), MOST_BOUNDARY_PX)

    def boundary_text(self) -> str:
        """The distance in words."""
        pixels = f"{self.boundary_px} px"
        return f"{self.boundary_m:g} m ({pixels} without a georeference)" if self.boundary_m else pixels


@dataclass(frozen=True, slots=True)
class CountedImage:
    """What is counted of one image.

    Attributes:
        size: In pixels.
        counts: Of its pixels, objects and boundaries.
        sweep: The same at every threshold; None where it has no probabilities.
    """

    size: Size
    counts: Counts
    sweep: SweepCounts | None


@dataclass(frozen=True)
class ImageCounter:
    """Counts one pair; picklable, so that processes share the projects by reference."""

    predictions: Project
    truth: Project
    rules: CountingRules

    def __call__(self, pair: ScenePair) -> CountedImage | Skipped:
        """What is counted of a pair, or why it cannot be compared."""
        try:
            with scene_errors(pair.label):
                return self._count(pair)
        except DataError as error:
            return Skipped(pair.label, str(error))

    def _count(self, pair: ScenePair) -> CountedImage:
        predicted, true = self.predictions.item(pair.predicted), self.truth.item(pair.truth)
        if predicted.size != true.size:
            raise DataError(
                f"{self.predictions.place}: item {predicted.key!r} is {predicted.size} px and its partner {true.key!r} "
                f"in {self.truth.place} is {true.size} px; they must show the same pixels"
            )
        first = bitmaps_of_class(true, self.rules.truth_class)
        second = bitmaps_of_class(predicted, self.rules.predicted_class)
        ignored = ignored_of(true, self.truth)
        pixel_m = pixel_m_of(true)
        probability = probability_of(predicted, self.rules.predicted_class)
        halo = self.rules.boundary_distance(pixel_m)
        sweep = None if probability is None else ImageSweep(predicted.key, probability, true.size, halo)
        counts = count_image(
            first, second, true.size, self.rules, validity_of(true), ignored, pixel_m=pixel_m, sweep=sweep
        )
        swept = None if sweep is None else sweep.counts(self.rules.iou_threshold)
        return CountedImage(true.size, counts, swept)


def pixel_m_of(item: Item) -> float | None:
    """Side of a pixel of an item on the ground, in metres; None where its image has no CRS or no transform."""
    image = item.image
    if image is None or not image.crs or image.item_transform is None:
        return None
    return PixelGrid(image.crs, image.item_transform).pixel_m(item.size)


def ignored_of(item: Item, truth: Project) -> list[Bitmap]:
    """Ground of an item of the truth that nobody labelled."""
    known = truth.meta.find(NEUTRAL_CLASS)
    return bitmaps_of_class(item, NEUTRAL_CLASS) if known is not None and known.shape in AREA_SHAPES else []


def validity_of(item: Item) -> ReadValidity | None:
    """Where the image of an item holds data; None where it holds data everywhere, or there is no image to look in.

    Raises:
        StorageError: If the image is in object storage and cannot be reached there.
    """
    image = item.image
    if image is None:
        return None
    try:
        has_gaps = describe(image.uri).is_masked
    except DataError as error:
        log.warning("%s: cannot read where it holds data; all its pixels are counted: %s", item.key, error)
        return None
    if not has_gaps:
        return None
    return lambda window: read_validity(image.uri, image.recipe.then(Crop(window)))


def bitmaps_of_class(item: Item, title: str) -> list[Bitmap]:
    """The objects of a class as bitmaps inside the image."""
    found = (as_bitmap(entry.figure, item.size) for entry in item.objects if entry.class_title == title)
    return [bitmap for bitmap in found if bitmap is not None]


def count_image(
    truth: Sequence[Bitmap],
    predicted: Sequence[Bitmap],
    size: Size,
    rules: CountingRules,
    validity: ReadValidity | None = None,
    ignored: Sequence[Bitmap] = (),
    band_rows: int = BAND_ROWS,
    pixel_m: float | None = None,
    sweep: ImageSweep | None = None,
) -> Counts:
    """Compare two sets of bitmaps on one image.

    Objects of the truth are the 8-connected components of all its bitmaps together; predicted objects are taken
    as they are. Ground without data counts neither way: buildings of the truth are cut off at it.

    Args:
        truth: True bitmaps, in any division.
        predicted: Predicted objects.
        size: Of the image, in pixels.
        rules: Threshold and distance.
        validity: Where the image holds data; None for everywhere.
        ignored: Unlabelled ground: its pixels do not count, nor do predicted objects that lie on it by more
            than half; buildings of the truth are cut off at it, too.
        band_rows: Rows a band; changes the memory used, never the result.
        pixel_m: Side of a pixel on the ground, in metres; None where that is not known.
        sweep: Counts the same bands at every threshold; None where that is not wanted.
    """
    halo = rules.boundary_distance(pixel_m)
    tally = _Tally(halo, sweep)
    bands = zip(
        mask_bands(truth, size, band_rows, halo),
        mask_bands(predicted, size, band_rows, halo),
        mask_bands(ignored, size, band_rows, halo),
        strict=True,
    )

    def true_rows() -> Iterator[tuple[int, BoolPixels]]:
        for (band, first), (_, second), (_, silent) in bands:
            valid = None if validity is None else _padded(validity, band, size, halo)
            inner = silent[halo : len(silent) - halo] if ignored else None
            yield band.top, tally.add(band, first & ~silent, second, valid, inner)

    found = ComparedObjects.of(components_of_bands(true_rows()), predicted, ignored, rules)
    objects = ObjectCounts(len(found.truth), len(found.predicted), len(found.matches))
    polygons = polygon_counts(found.truth, found.predicted, found.matches, pixel_m)
    return Counts(tally.pixels, objects, tally.boundary, polygons)


@dataclass(frozen=True, slots=True)
class ComparedObjects:
    """The objects of one image that count.

    Attributes:
        truth: True objects.
        predicted: Predicted ones.
        matches: Which of both are the same building.
    """

    truth: list[Bitmap]
    predicted: list[Bitmap]
    matches: list[Match]

    @classmethod
    def of(
        cls, truth: list[Bitmap], predicted: Iterable[Bitmap], ignored: Sequence[Bitmap], rules: CountingRules
    ) -> ComparedObjects:
        """Match objects; predicted ones that lie on unlabelled ground by more than half do not count."""
        counted = [entry for entry in predicted if not is_mostly_on(entry, ignored)]
        return cls(truth, counted, match_objects(truth, counted, rules.iou_threshold))


def compared_objects(predicted: Item, true: Item, rules: CountingRules, ignored: Sequence[Bitmap]) -> ComparedObjects:
    """The objects of one image as `count_image` counts them, without its pixels.

    Args:
        predicted: With the predicted objects.
        true: With the true ones, of the same pixels.
        rules: What is compared.
        ignored: Unlabelled ground; see `ignored_of`.

    Raises:
        DataError: If a raster cannot be read.
    """
    validity = validity_of(true)

    def true_rows() -> Iterator[tuple[int, BoolPixels]]:
        first = mask_bands(bitmaps_of_class(true, rules.truth_class), true.size, BAND_ROWS)
        silent = mask_bands(ignored, true.size, BAND_ROWS)
        for (band, truth), (_, other) in zip(first, silent, strict=True):
            yield band.top, truth & ~other if validity is None else truth & ~other & validity(band)

    components = components_of_bands(true_rows())
    return ComparedObjects.of(components, bitmaps_of_class(predicted, rules.predicted_class), ignored, rules)


def _padded(validity: ReadValidity, band: Window, size: Size, halo: int) -> BoolPixels:
    """(halo + H + halo, W) bool of a band, unset outside the image."""
    top, bottom = max(band.top - halo, 0), min(band.bottom + halo, size.height)
    rows = validity(Window.of_bounds(top, band.left, bottom, band.right))
    return np.pad(rows, ((top - band.top + halo, band.bottom + halo - bottom), (0, 0)))


class _Tally:
    """Pixel and boundary counts of the bands so far."""

    def __init__(self, halo: int, sweep: ImageSweep | None) -> None:
        self.pixels = PixelCounts()
        self.boundary = BoundaryCounts()
        self._halo = halo
        self._sweep = sweep

    def add(
        self,
        band: Window,
        truth: BoolPixels,
        predicted: BoolPixels,
        valid: BoolPixels | None,
        ignored: BoolPixels | None,
    ) -> BoolPixels:
        """Count one band.

        Args:
            band: In the image.
            truth: (halo + H + halo, W).
            predicted: The same.
            valid: The same: where the image holds data; None for everywhere.
            ignored: (H, W): what nobody labelled; None for nothing.

        Returns:
            (H, W): the truth where there is data.
        """
        inner = slice(self._halo, len(truth) - self._halo)
        if valid is not None:
            truth, predicted = truth & valid, predicted & valid
        if self._sweep is not None:
            self._sweep.add(band, truth, valid, ignored)
        self.boundary += boundary_counts(truth, predicted, self._halo, ignored)
        first, second = truth[inner], predicted[inner]
        no_data = 0 if valid is None else int(np.count_nonzero(~valid[inner]))
        unlabelled = 0
        counted, other = first, second
        if ignored is not None:
            unlabelled = int(np.count_nonzero(ignored if valid is None else ignored & valid[inner]))
            counted, other = first & ~ignored, second & ~ignored
        both = int(np.count_nonzero(counted & other))
        true, found = int(np.count_nonzero(counted)), int(np.count_nonzero(other))
        neither = first.size - no_data - unlabelled - true - found + both
        self.pixels += PixelCounts(both, found - both, true - both, neither, no_data, unlabelled)
        return first
