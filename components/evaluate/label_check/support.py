"""How well a network bears out a label, where it stands and moved by some pixels.

The support of a label at a place is the mean probability inside it less that in a ring around it: 1 where a building
ends as the label does, near 0 where there is none, or nothing but building. It needs no objects, which run together
in dense towns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from components.core.figures.mask import BoolPixels

Float32 = npt.NDArray[np.float32]

UNSURE_RING_SHARE = 0.1
"""Of a ring's pixels: as many more count with a probability of a half, so that a ring that other labels fill says
little."""

FARTHEST_COST = 0.05
"""What support a place loses at the farthest distance that is looked at: of equal places the nearest is taken."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far is looked.

    Attributes:
        shift_px: Farthest that a label may have been moved, along rows and along columns.
        ring_px: Width of the ring.
    """

    shift_px: int
    ring_px: int

    @property
    def margin_px(self) -> int:
        """How far beyond a label's box probabilities are read."""
        return self.shift_px + self.ring_px


@dataclass(frozen=True, slots=True)
class Support:
    """A label's support at all places that are looked at.

    Attributes:
        inside: (2S + 1, 2S + 1) float32: mean probability inside, by rows and columns moved, from -S to S.
        contrast: The same less the mean in the ring.
    """

    inside: Float32
    contrast: Float32

    @property
    def here(self) -> tuple[float, float]:
        """Mean probability inside and support where it stands."""
        middle = len(self.inside) // 2
        return float(self.inside[middle, middle]), float(self.contrast[middle, middle])

    def best(self) -> Place:
        """Where the support is greatest."""
        return best_place(self.contrast)

    def at(self, place: Place) -> tuple[float, float]:
        """Mean probability inside and support at a place."""
        middle = len(self.inside) // 2
        index = middle + place.rows, middle + place.columns
        return float(self.inside[index]), float(self.contrast[index])


@dataclass(frozen=True, slots=True)
class Place:
    """A label moved down by rows and right by columns."""

    rows: int
    columns: int

    @property
    def distance(self) -> float:
        """In pixels."""
        return float(np.hypot(self.rows, self.columns))

    def then(self, other: Place) -> Place:
        """Moved once more."""
        return Place(self.rows + other.rows, self.columns + other.columns)


HERE = Place(0, 0)


def best_place(contrast: Float32) -> Place:
    """The place of the greatest support, less what distance costs; of equal ones the first."""
    reach = len(contrast) // 2
    steps = np.arange(-reach, reach + 1)
    distances = np.hypot(steps[:, None], steps[None]) / max(reach, 1)
    row, column = np.unravel_index(int(np.argmax(contrast - FARTHEST_COST * distances)), contrast.shape)
    return Place(int(row) - reach, int(column) - reach)


def support_of(label: BoolPixels, probability: Float32, reach: Reach, others: BoolPixels | None = None) -> Support:
    """The support of one label.

    Args:
        label: (H, W) bool of its box.
        probability: (H + 2 M, W + 2 M) float32 from 0 to 1, with M the reach's margin.
        reach: How far is looked.
        others: The same, bool: where other labels are; a label does not lie on them, and a ring there says nothing.
            None where that is not asked.
    """
    ring = reach.ring_px
    inside = np.pad(label, ring).astype(np.float32)
    near = cv2.dilate(inside, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * ring + 1, 2 * ring + 1)))
    around = near - inside
    free = probability if others is None else np.where(others, np.float32(0), probability)
    means = _sums(free, inside) / inside.sum()
    weight = around.sum() if others is None else _sums((~others).astype(np.float32), around)
    unsure = UNSURE_RING_SHARE * around.sum()
    contrast = means - (_sums(free, around) + unsure / 2) / (weight + unsure)
    return Support(means, contrast.astype(np.float32))


def _sums(values: Float32, weights: Float32) -> Float32:
    """Sums of weighed values under weights laid at every place."""
    return np.asarray(cv2.matchTemplate(values, weights, cv2.TM_CCORR), np.float32)


def common_place(contrasts: Sequence[Float32], tolerance_px: float) -> Place | None:
    """Where labels have the greatest support if all are moved alike.

    Args:
        contrasts: Of labels, in an order that has nothing to do with where they lie.
        tolerance_px: By how much the places that either half of them finds may differ.

    Returns:
        The place; None where the halves do not agree, so that it says nothing of the labels as a whole.
    """
    halves = [np.mean(contrasts[start::2], axis=0) for start in (0, 1)]
    first, second = map(best_place, halves)
    if np.hypot(first.rows - second.rows, first.columns - second.columns) > tolerance_px:
        return None
    return best_place((halves[0] + halves[1]) / 2)
