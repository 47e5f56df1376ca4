"""SpaceNet 7's measure of tracking: the SpaceNet Change and Object Tracking score (SCOT).

Van Etten, Hogan, Martinez Manso, Shermeyer, Weir, Lewis, "The Multi-Temporal Urban Development SpaceNet Dataset", 2021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import shapely
from scipy.optimize import linear_sum_assignment

LEAST_IOU = 0.25
BETA = 2.0
A_MATCH = 100.0
"""What one more pair is worth, in IoU: first as many pairs as can be, then those that fit best."""

Frame: TypeAlias = Mapping[str, shapely.Geometry]
"""Polygons of one capture by their ids."""


@dataclass
class Counts:
    """True and false positives and false negatives.

    Attributes:
        tp: Found.
        fp: Found, and not there.
        fn: There, and not found.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    @property
    def f1(self) -> float:
        """Their F1 score; 0 where there is nothing."""
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn) if self.tp else 0.0


@dataclass
class Scot:
    """The score of a series.

    Attributes:
        tracked: Buildings in all frames; a pair whose ids do not go on from their last frames is wrong.
        changes: Buildings that come up after the first frame, when they do.
        mismatches: Pairs whose ids do not go on.
    """

    tracked: Counts = field(default_factory=Counts)
    changes: Counts = field(default_factory=Counts)
    mismatches: int = 0

    @property
    def score(self) -> float:
        """Both, the tracking counting twice as much."""
        change, track = self.changes.f1, self.tracked.f1
        return (1 + BETA**2) * change * track / (BETA**2 * change + track) if change and track else 0.0


def scot(truth: Sequence[Frame], found: Sequence[Frame]) -> Scot:
    """Score frames, oldest first, against the truth."""
    result = Scot()
    partner_of: dict[str, str] = {}
    owner_of: dict[str, str] = {}
    known_truth: set[str] = set()
    known: set[str] = set()
    for number, (there, seen) in enumerate(zip(truth, found, strict=True)):
        pairs = _pairs(there, seen)
        wrong = sum(partner_of.get(a, b) != b or owner_of.get(b, a) != a for a, b in pairs)
        partner_of |= dict(pairs)
        owner_of |= {b: a for a, b in pairs}
        right = len(pairs) - wrong
        result.mismatches += wrong
        _add(result.tracked, right, len(seen) - right, len(there) - right)
        if number:
            fresh = sum(a not in known_truth and b not in known for a, b in pairs)
            _add(result.changes, fresh, len(set(seen) - known) - fresh, len(set(there) - known_truth) - fresh)
        known_truth |= set(there)
        known |= set(seen)
    return result


def _add(counts: Counts, tp: int, fp: int, fn: int) -> None:
    counts.tp += tp
    counts.fp += fp
    counts.fn += fn


def _pairs(there: Frame, seen: Frame) -> list[tuple[str, str]]:
    ids, others = list(there), list(seen)
    shapes, other_shapes = (np.array(list(frame.values()), dtype=object) for frame in (there, seen))
    iou: npt.NDArray[np.float64] = np.zeros((len(ids), len(others)))
    if iou.size:
        one, other = shapely.STRtree(other_shapes).query(shapes)
        common = shapely.area(shapely.intersection(shapes[one], other_shapes[other]))
        iou[one, other] = common / (shapely.area(shapes[one]) + shapely.area(other_shapes[other]) - common)
    rows, columns = linear_sum_assignment(np.where(iou > LEAST_IOU, A_MATCH + iou, 0), maximize=True)
    return [(ids[a], others[b]) for a, b in zip(rows, columns, strict=True) if iou[a, b] > LEAST_IOU]
