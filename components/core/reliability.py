"""What probabilities are worth: how often what they say is so, and from which one on a class is best drawn.

- **Expected calibration error.** Over equal bins of the probability, the mean of |probability - share that is so|,
  weighed by pixels: Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI
  2015.
- **Best threshold.** The probability from which on a class's pixels have the greatest IoU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Pixels of about one probability.

    Attributes:
        confidence: Their mean probability of what it is the probability of.
        accuracy: Share of them of which that is so.
        pixels: How many were looked at.
    """

    confidence: float
    accuracy: float
    pixels: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far a probability can be relied on.

    Attributes:
        error: Expected calibration error.
        bins: Where there are pixels, by probability.
    """

    error: float
    bins: tuple[ReliabilityBin, ...]

    @classmethod
    def of_sums(cls, confidence: Sequence[float], hits: Sequence[int], pixels: Sequence[int]) -> Reliability | None:
        """Of sums by bin.

        Args:
            confidence: Sum of the probability over the pixels of each bin.
            hits: How many of them are so.
            pixels: How many there are.

        Returns:
            None where there is no pixel.
        """
        sums = zip(confidence, hits, pixels, strict=True)
        bins = [ReliabilityBin(total / count, right / count, count) for total, right, count in sums if count]
        if not bins:
            return None
        error = sum(abs(found.confidence - found.accuracy) * found.pixels for found in bins)
        return cls(error / sum(found.pixels for found in bins), tuple(bins))

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        bins = [[round(found.confidence, 6), round(found.accuracy, 6), found.pixels] for found in self.bins]
        return {"error": round(self.error, 6), "bins": bins}

    @classmethod
    def of_json(cls, content: dict[str, Any]) -> Reliability:
        """From a file."""
        return cls(content["error"], tuple(ReliabilityBin(*found) for found in content["bins"]))


class BestThreshold(NamedTuple):
    """A threshold, and the score that it gives."""

    threshold: float
    score: float


def best_threshold(scores: Sequence[float | None], thresholds: Sequence[float]) -> BestThreshold | None:
    """The threshold of the greatest score; of equally good ones the nearest to a half, of these the greater one.

    Args:
        scores: Of each threshold; None where there is nothing to measure.
        thresholds: In any order.

    Returns:
        None where no threshold has a score.
    """
    found = [
        (score, -round(abs(at - 0.5), 9), at) for score, at in zip(scores, thresholds, strict=True) if score is not None
    ]
    if not found:
        return None
    score, _, threshold = max(found)
    return BestThreshold(threshold, score)


def at_least(histogram: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """How many lie in each bin of (…, B) or in a higher one."""
    return np.cumsum(np.asarray(histogram, np.int64)[..., ::-1], axis=-1)[..., ::-1]
