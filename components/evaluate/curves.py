"""Measures over the threshold, and what probabilities are worth, from the counts of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.core.project.probabilities import LEVELS, REPRESENTED, UNKNOWN, lowest_value
from components.core.reliability import BestThreshold, Reliability, at_least, best_threshold
from components.evaluate.counts import ratio
from components.evaluate.object_sweep import OBJECT_THRESHOLDS
from components.evaluate.sweep import SweepCounts

RELIABILITY_BINS = 15

THRESHOLDS = tuple(round(step / LEVELS, 4) for step in range(1, LEVELS))
"""All that give different masks, but for none and certainty."""

FIRST_LOWEST = 2
"""The least value above the first threshold; above each further one it is one more."""

Scores = tuple[float | None, ...]
"""One a threshold; None where there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class PixelCurves:
    """Measures of pixels at `THRESHOLDS`; see `PixelCounts` and `BoundaryCounts`."""

    iou: Scores
    precision: Scores
    recall: Scores
    boundary_iou: Scores


@dataclass(frozen=True, slots=True)
class ObjectCurves:
    """Measures of objects at `OBJECT_THRESHOLDS`; see `ObjectCounts`."""

    precision: Scores
    recall: Scores
    f1: Scores


@dataclass(frozen=True, slots=True)
class Curves:
    """What a sweep over thresholds tells of a group of images.

    Attributes:
        images: How many have probabilities.
        used: The threshold that their predictions were made with; None where there were several, or no one number
            decided.
        pixels: Measures of pixels.
        objects: Measures of objects.
        reliability: Of the class's probability; None where no pixel has one.
    """

    images: int
    used: float | None
    pixels: PixelCurves
    objects: ObjectCurves
    reliability: Reliability | None

    @classmethod
    def of_counts(cls, counts: SweepCounts) -> Curves:
        """The measures of pooled counts."""
        (used,) = counts.used if len(counts.used) == 1 else (None,)
        return cls(counts.images, used, _pixel_curves(counts), _object_curves(counts), _reliability(counts))

    @property
    def best_iou(self) -> BestThreshold | None:
        """The threshold of the greatest IoU of pixels; None where there is nothing to measure."""
        return best_threshold(self.pixels.iou, THRESHOLDS)

    @property
    def best_boundary(self) -> BestThreshold | None:
        """The threshold of the greatest boundary IoU; the same."""
        return best_threshold(self.pixels.boundary_iou, THRESHOLDS)

    @property
    def best_f1(self) -> BestThreshold | None:
        """The threshold of the greatest F1 of objects; the same."""
        return best_threshold(self.objects.f1, OBJECT_THRESHOLDS)

    @property
    def calibration_error(self) -> float | None:
        """Expected calibration error of the class's probability; None where no pixel has one."""
        return None if self.reliability is None else self.reliability.error

    def iou_at(self, threshold: float) -> float | None:
        """IoU of the pixels above a threshold; None where there is nothing to measure, or it is near 0 or 1."""
        place = lowest_value(threshold) - FIRST_LOWEST
        return self.pixels.iou[place] if 0 <= place < len(THRESHOLDS) else None

    def scalars(self) -> dict[str, float | None]:
        """Figures for a table."""
        iou, f1 = self.best_iou, self.best_f1
        return {
            "best_threshold": iou and iou.threshold,
            "iou_at_best_threshold": iou and iou.score,
            "best_object_threshold": f1 and f1.threshold,
            "object_f1_at_best_threshold": f1 and f1.score,
            "calibration_error": self.calibration_error,
        }

    def as_json(self) -> dict[str, Any]:
        """The figures, and all curves."""
        pixels, objects = self.pixels, self.objects
        return {
            "images": self.images,
            "used_threshold": self.used,
            **self.scalars(),
            "pixels": {
                "threshold": list(THRESHOLDS),
                "iou": _rounded(pixels.iou),
                "precision": _rounded(pixels.precision),
                "recall": _rounded(pixels.recall),
                "boundary_iou": _rounded(pixels.boundary_iou),
            },
            "objects": {
                "threshold": list(OBJECT_THRESHOLDS),
                "precision": _rounded(objects.precision),
                "recall": _rounded(objects.recall),
                "f1": _rounded(objects.f1),
            },
            "reliability": self.reliability and self.reliability.as_json(),
        }


def _pixel_curves(counts: SweepCounts) -> PixelCurves:
    others, own = _above(counts.pixels)
    truth = int(counts.pixels[1].sum())
    values, least = _above(counts.outlines)
    near_others, near_both = values - least
    return PixelCurves(
        iou=_ratios(own, truth + others),
        precision=_ratios(own, own + others),
        recall=_ratios(own, np.full_like(own, truth)),
        boundary_iou=_ratios(near_both, counts.near_truth + near_others),
    )


def _above(histogram: np.ndarray) -> np.ndarray:
    """(…, T) how many of (…, 256) have a value above each threshold."""
    known = np.asarray(histogram)[..., :UNKNOWN]
    return at_least(known)[..., FIRST_LOWEST : FIRST_LOWEST + len(THRESHOLDS)]


def _object_curves(counts: SweepCounts) -> ObjectCurves:
    return ObjectCurves(
        tuple(entry.precision for entry in counts.objects),
        tuple(entry.recall for entry in counts.objects),
        tuple(entry.f1 for entry in counts.objects),
    )


def _reliability(counts: SweepCounts) -> Reliability | None:
    others, own = counts.pixels[:, :UNKNOWN]
    said = REPRESENTED[:UNKNOWN]
    bins = np.minimum((said * RELIABILITY_BINS).astype(np.int64), RELIABILITY_BINS - 1)
    sums = [np.bincount(bins, amounts, RELIABILITY_BINS) for amounts in (said * (own + others), own, own + others)]
    confidence, hits, pixels = sums
    return Reliability.of_sums(confidence.tolist(), _whole(hits), _whole(pixels))


def _whole(amounts: np.ndarray) -> list[int]:
    return [int(amount) for amount in amounts]


def _ratios(parts: np.ndarray, wholes: np.ndarray) -> Scores:
    return tuple(ratio(part, whole) for part, whole in zip(parts.tolist(), wholes.tolist(), strict=True))


def _rounded(scores: Sequence[float | None]) -> list[float | None]:
    return [None if score is None else round(score, 6) for score in scores]
