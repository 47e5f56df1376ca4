"""Objects at many thresholds: how many are in the truth, in the prediction and in both, without any of them in memory.

Rule: at each threshold the objects are the 8-connected components of the pixels above it, as the plain split makes
them, whatever query split the predictions that are evaluated. They are matched with the truth's as the latter are, see
`components.evaluate.matching`. For that, areas of components and of what they have in common suffice, which are added
up over the runs of row bands.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from components.core.figures.mask import BoolPixels
from components.core.figures.run_lengths import Integers, Labelled, Runs, joined, labelled_runs, touching
from components.core.project.probabilities import lowest_value
from components.evaluate.counts import ObjectCounts
from components.evaluate.matching import Match, one_to_one

OBJECT_THRESHOLDS = tuple(step / 20 for step in range(1, 20))
"""At which objects are counted."""

_LOWEST = tuple(map(lowest_value, OBJECT_THRESHOLDS))

_NONE = np.zeros(0, np.int64)


class ObjectSweep:
    """Takes a scene's row bands from the top down."""

    def __init__(self) -> None:
        """Begin without any row."""
        self._truth = _Components()
        self._predicted = [_Predicted() for _ in OBJECT_THRESHOLDS]

    def add(self, truth: BoolPixels, values: npt.NDArray[np.uint8], ignored: BoolPixels | None) -> None:
        """Take the next band.

        Args:
            truth: (H, W) where the truth's objects are.
            values: (H, W) probability; 0 where it is not known.
            ignored: (H, W) of unlabelled ground; None for none.
        """
        true_band = _Band.of(truth)
        true_labels = self._truth.add(true_band)
        silent = None if ignored is None else _Band.of(ignored)
        for lowest, predicted in zip(_LOWEST, self._predicted, strict=True):
            predicted.add(_Band.of(values >= lowest), true_band, true_labels, silent)

    def counts(self, iou_threshold: float) -> tuple[ObjectCounts, ...]:
        """Of all bands, by threshold.

        Args:
            iou_threshold: Least IoU of matched objects.
        """
        roots, areas = self._truth.found()
        return tuple(predicted.counts(roots, areas, iou_threshold) for predicted in self._predicted)


class _Band(NamedTuple):
    """A band's runs by component, and by the pixel's number, rows one after the other with a gap."""

    labelled: Labelled
    flat: Runs
    height: int

    @classmethod
    def of(cls, pixels: BoolPixels) -> _Band:
        labelled = labelled_runs(pixels)
        origins = labelled.rows * (pixels.shape[1] + 1)
        return cls(labelled, Runs(origins + labelled.starts, origins + labelled.ends), len(pixels))

    @property
    def lengths(self) -> Integers:
        return self.flat.ends - self.flat.starts


class _Components:
    """Components across bands: pieces with numbers, in the order of their first pixels, and which of them touch."""

    def __init__(self) -> None:
        self._areas: list[Integers] = []
        self._ties: list[tuple[Integers, Integers]] = [(_NONE, _NONE)]
        self._count = 0
        self._above, self._labels_above = Runs(_NONE, _NONE), _NONE

    def add(self, band: _Band) -> Integers:
        """Take the next band; gives the number of each run's piece."""
        labelled = band.labelled
        labels = labelled.labels + self._count
        self._areas.append(_sums(labelled.labels, band.lengths, labelled.components))
        runs, first = labelled.of_row(0)
        upper, lower = touching(self._above, runs)
        self._ties.append((self._labels_above[upper], first[lower] + self._count))
        self._above, last = labelled.of_row(band.height - 1)
        self._labels_above = last + self._count
        self._count += labelled.components
        return labels

    def found(self) -> tuple[Integers, Integers]:
        """Each piece's first one of its component, and by piece the component's area where it is the first, else 0."""
        upper, lower = map(np.concatenate, zip(*self._ties, strict=True))
        roots = joined(self._count, upper, lower)
        return roots, _sums(roots, np.concatenate([_NONE, *self._areas]), self._count)


class _Predicted:
    """Components at one threshold, and what they share with the truth and with unlabelled ground."""

    def __init__(self) -> None:
        self._components = _Components()
        self._shared: list[Integers] = []
        self._silent: list[Integers] = []

    def add(self, band: _Band, truth: _Band, true_labels: Integers, silent: _Band | None) -> None:
        labels = self._components.add(band)
        first, second, lengths = _common(truth.flat, band.flat)
        self._shared.append(_added_up(true_labels[first], labels[second], lengths))
        if silent is not None:
            _, second, lengths = _common(silent.flat, band.flat)
            self._silent.append(_added_up(np.zeros_like(second), labels[second], lengths))

    def counts(self, true_roots: Integers, true_areas: Integers, iou_threshold: float) -> ObjectCounts:
        roots, areas = self._components.found()
        _, piece, lengths = np.concatenate([_NONE.reshape(0, 3), *self._silent]).T
        is_counted = (areas > 0) & (2 * _sums(roots[piece], lengths, len(areas)) <= areas)
        true_piece, piece, lengths = np.concatenate([_NONE.reshape(0, 3), *self._shared]).T
        truth, predicted, both = _added_up(true_roots[true_piece], roots[piece], lengths).T
        ious = both / (true_areas[truth] + areas[predicted] - both)
        is_pair = (ious >= iou_threshold) & is_counted[predicted]
        columns = (truth[is_pair].tolist(), predicted[is_pair].tolist(), ious[is_pair].tolist())
        matches = one_to_one(Match(*pair) for pair in zip(*columns, strict=True))
        return ObjectCounts(int(np.count_nonzero(true_areas)), int(np.count_nonzero(is_counted)), len(matches))


def _common(one: Runs, other: Runs) -> tuple[Integers, Integers, Integers]:
    """What runs of two masks have in common: indices into both, and how many pixels."""
    first = np.searchsorted(one.ends, other.starts, "right")
    counts = np.maximum(np.searchsorted(one.starts, other.ends, "left") - first, 0)
    second = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(second)) - np.repeat(np.cumsum(counts) - counts, counts)
    found = first[second] + within
    ends = np.minimum(one.ends[found], other.ends[second])
    return found, second, ends - np.maximum(one.starts[found], other.starts[second])


def _added_up(one: Integers, other: Integers, amounts: Integers) -> Integers:
    """(P, 3) pairs of numbers, each once, with the sum of their amounts."""
    if not len(one):
        return _NONE.reshape(0, 3)
    width = int(other.max()) + 1
    keys, places = np.unique(one * width + other, return_inverse=True)
    return np.stack([*np.divmod(keys, width), _sums(places, amounts, len(keys))], 1)


def _sums(places: Integers, amounts: Integers, count: int) -> Integers:
    """(count,) sums of amounts by place; exact, as none reaches 2^53."""
    return np.bincount(places, amounts, count).astype(np.int64)
