"""Counts at every threshold, from one pass over a scene's row bands.

A pixel has the class where its probability is above the threshold. Pixels are counted by truth and probability, from
which those of all thresholds follow. So do those near the outline, as erosion and thresholds commute: a pixel is near
the outline of the mask at a threshold where its own value is above it and the least one of its neighbourhood is not.
Objects are counted at some thresholds, see `components.evaluate.object_sweep`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.figures.mask import BoolPixels
from components.core.geometry import Size, Window
from components.core.project.probabilities import UNKNOWN
from components.evaluate.boundary import near_contour
from components.evaluate.class_probability import ClassProbability, UInt8, warn_of_no_curves
from components.evaluate.counts import ObjectCounts
from components.evaluate.object_sweep import OBJECT_THRESHOLDS, ObjectSweep

VALUES = UNKNOWN + 1

MOST_AT_ONCE = 1 << 24
"""Pixels of a histogram by OpenCV, which counts in float32."""

Integers = npt.NDArray[np.int64]


def _zeros(*shape: int) -> Integers:
    return np.zeros(shape, np.int64)


@dataclass(frozen=True, eq=False)
class SweepCounts:
    """What is counted of one image, or of a group; those of several add up.

    Attributes:
        images: How many.
        pixels: (2, 256) pixels by truth and value; `UNKNOWN` where the network said nothing.
        outlines: (2, 2, 256) pixels that can be near a predicted outline, by whether they are near a true one: those of
            each value, and those of each least value of the neighbourhood.
        near_truth: Pixels near a true outline.
        objects: At each of `OBJECT_THRESHOLDS`.
        used: Thresholds that the predictions were made with; None where no one number decided.
    """

    images: int = 0
    pixels: Integers = field(default_factory=lambda: _zeros(2, VALUES))
    outlines: Integers = field(default_factory=lambda: _zeros(2, 2, VALUES))
    near_truth: int = 0
    objects: tuple[ObjectCounts, ...] = (ObjectCounts(),) * len(OBJECT_THRESHOLDS)
    used: frozenset[float | None] = frozenset()

    def __add__(self, other: SweepCounts) -> SweepCounts:
        return SweepCounts(
            self.images + other.images,
            self.pixels + other.pixels,
            self.outlines + other.outlines,
            self.near_truth + other.near_truth,
            tuple(one + another for one, another in zip(self.objects, other.objects, strict=True)),
            self.used | other.used,
        )


class ImageSweep:
    """Counts one image; takes its row bands from the top down."""

    def __init__(self, label: str, probability: ClassProbability, size: Size, halo: int) -> None:
        """Begin without any row.

        Args:
            label: Of the image, for messages.
            probability: Of the class.
            size: Of the image, in pixels.
            halo: Rows above and below each band, and the distance of the boundary measure.
        """
        self._label = label
        self._probability = probability
        self._size = size
        self._halo = halo
        self._square = np.ones((2 * halo + 1, 2 * halo + 1), np.uint8)
        self._objects = ObjectSweep()
        self._pixels, self._outlines, self._near_truth = _zeros(2, VALUES), _zeros(2, 2, VALUES), 0
        self._is_whole = True

    def add(self, band: Window, truth: BoolPixels, valid: BoolPixels | None, ignored: BoolPixels | None) -> None:
        """Count the next band; once its raster could not be read, that is told and nothing more is counted.

        Args:
            band: In the image.
            truth: (halo + H + halo, W), where there is data.
            valid: The same: where the image holds data; None for everywhere.
            ignored: (H, W): what nobody labelled; None for nothing.
        """
        if not self._is_whole:
            return
        try:
            values = self._read(band)
        except DataError as error:
            warn_of_no_curves(self._label, error)
            self._is_whole = False
            return
        inner = slice(self._halo, len(values) - self._halo)
        counted = None if valid is None else valid[inner]
        if ignored is not None:
            counted = ~ignored if counted is None else counted & ~ignored
        self._add_pixels(truth[inner], values[inner], counted)
        np.copyto(values, np.uint8(0), where=values == UNKNOWN)
        self._objects.add(truth[inner], values[inner], ignored)
        if valid is not None:
            np.copyto(values, np.uint8(0), where=~valid)
        self._add_outlines(truth, values, ignored)

    def counts(self, iou_threshold: float) -> SweepCounts | None:
        """Of all bands; None where the raster could not be read.

        Args:
            iou_threshold: Least IoU of matched objects.
        """
        if not self._is_whole:
            return None
        objects, used = self._objects.counts(iou_threshold), frozenset((self._probability.threshold,))
        return SweepCounts(1, self._pixels, self._outlines, self._near_truth, objects, used)

    def _read(self, band: Window) -> UInt8:
        """(halo + H + halo, W) values of a band, 0 outside the image."""
        top, bottom = max(band.top - self._halo, 0), min(band.bottom + self._halo, self._size.height)
        rows = self._probability.read(Window.of_bounds(top, band.left, bottom, band.right))
        return np.pad(rows, ((top - band.top + self._halo, band.bottom + self._halo - bottom), (0, 0)))

    def _add_pixels(self, truth: BoolPixels, values: UInt8, counted: BoolPixels | None) -> None:
        everything = _histogram(values, counted)
        own = _histogram(values, truth if counted is None else truth & counted)
        self._pixels += np.stack([everything - own, own])

    def _add_outlines(self, truth: BoolPixels, values: UInt8, ignored: BoolPixels | None) -> None:
        near = near_contour(truth, self._halo)
        inner = slice(self._halo, len(values) - self._halo)
        least = cv2.erode(values, self._square, borderType=cv2.BORDER_CONSTANT, borderValue=0)[inner]
        values = values[inner]
        can_be = values > least
        if ignored is not None:
            near, can_be = near & ~ignored, can_be & ~ignored
        self._near_truth += int(np.count_nonzero(near))
        is_near = near[can_be].astype(np.uint16) * np.uint16(VALUES)
        for kind, of in enumerate((values, least)):
            self._outlines[kind] += np.bincount(is_near + of[can_be], minlength=2 * VALUES).reshape(2, VALUES)


def _histogram(values: UInt8, chosen: BoolPixels | None) -> Integers:
    """(256,) how many pixels have each value, of those that are chosen."""
    flat = np.ascontiguousarray(values).reshape(-1, 1)
    mask = None if chosen is None else np.ascontiguousarray(chosen).view(np.uint8).reshape(-1, 1)
    found = _zeros(VALUES)
    for begin in range(0, len(flat), MOST_AT_ONCE):
        part = slice(begin, begin + MOST_AT_ONCE)
        counts = cv2.calcHist([flat[part]], [0], None if mask is None else mask[part], [VALUES], [0, VALUES])
        found += counts.ravel().astype(np.int64)
    return found
