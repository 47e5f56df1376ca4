"""What a network's probabilities are worth: on validation windows, in the pass that measures them.

- **Temperature.** Logits are divided by one number, that of the least negative log-likelihood on what validation sees:
  Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
- **Expected calibration error** of the confidence in the class that a pixel gets, and the **best threshold** of each
  class; see `components.core.reliability`.

Sums for every candidate temperature are kept, on the device and over processes, so that one pass suffices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric

from components.core.network.classes import NEUTRAL_INDEX
from components.core.reliability import Reliability, at_least, best_threshold

STRIDE = 2
"""Of the pixels that are looked at, along rows and columns: neighbours tell the same."""

TEMPERATURES = tuple(2 ** (step / 8) for step in range(-8, 25))
"""Candidates, from a half to 8."""

PLAIN = TEMPERATURES.index(1.0)

CONFIDENCE_BINS = 20
PROBABILITY_BINS = 100


@dataclass(frozen=True, slots=True)
class Calibration:
    """What validation tells of a network's probabilities.

    Attributes:
        temperature: What logits are best divided by.
        plain: Without that.
        calibrated: With it.
        thresholds: For each class but the background the probability of greatest IoU, plain and calibrated; None where
            the class is not there.
    """

    temperature: float
    plain: Reliability
    calibrated: Reliability
    thresholds: tuple[tuple[float | None, float | None], ...]

    def as_json(self) -> dict[str, Any]:
        """For a checkpoint or a file."""
        return {
            "temperature": round(self.temperature, 6),
            "plain": self.plain.as_json(),
            "calibrated": self.calibrated.as_json(),
            "thresholds": [list(pair) for pair in self.thresholds],
        }

    @classmethod
    def of_json(cls, content: dict[str, Any]) -> Calibration:
        """From a checkpoint or a file."""
        pairs = tuple((plain, calibrated) for plain, calibrated in content["thresholds"])
        plain, calibrated = Reliability.of_json(content["plain"]), Reliability.of_json(content["calibrated"])
        return cls(content["temperature"], plain, calibrated, pairs)


class CalibrationMeasures(Metric):
    """Adds up batches; `compute` gives the sums of all of them, over all processes."""

    full_state_update = False
    nll: Tensor
    confidence: Tensor
    hits: Tensor
    pixels: Tensor
    probabilities: Tensor

    def __init__(self, classes: int, **options: Any) -> None:
        """Start at zero for `classes` classes; options are those of torchmetrics."""
        super().__init__(**options)
        candidates = len(TEMPERATURES)
        binned = candidates, CONFIDENCE_BINS
        self.add_state("nll", torch.zeros(candidates, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("confidence", torch.zeros(binned, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("hits", torch.zeros(binned, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("pixels", torch.zeros(binned, dtype=torch.int64), dist_reduce_fx="sum")
        shape = candidates, classes - 1, 2, PROBABILITY_BINS
        self.add_state("probabilities", torch.zeros(shape, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, target: Tensor) -> None:
        """Add a batch.

        Args:
            logits: (N, C, H, W) floating point logits.
            target: (N, H, W) uint8 class indices, 255 for neutral pixels, which are left out.
        """
        target = target[:, ::STRIDE, ::STRIDE].flatten()
        scores = logits[:, :, ::STRIDE, ::STRIDE].float().movedim(1, 0).flatten(1)
        counts = (target != NEUTRAL_INDEX).long()
        target = torch.where(counts.bool(), target, 0).long()
        for index, temperature in enumerate(TEMPERATURES):
            self._add(index, torch.log_softmax(scores / temperature, 0), target, counts)

    def _add(self, index: int, logs: Tensor, target: Tensor, counts: Tensor) -> None:
        """Add (C, P) logarithms of probabilities, with a weight of 0 or 1 for each pixel."""
        self.nll[index] -= (logs.gather(0, target[None])[0] * counts).sum(dtype=torch.float64)
        probabilities = logs.exp()
        confidence, named = probabilities.max(0)
        bins = _bins(confidence, CONFIDENCE_BINS)
        self.pixels[index].scatter_add_(0, bins, counts)
        self.hits[index].scatter_add_(0, bins, counts * (named == target))
        self.confidence[index].scatter_add_(0, bins, (confidence * counts).double())
        for found in range(1, len(logs)):
            bins = _bins(probabilities[found], PROBABILITY_BINS)
            places = bins + PROBABILITY_BINS * (target == found)
            self.probabilities[index, found - 1].view(-1).scatter_add_(0, places, counts)

    def compute(self) -> CalibrationSums:
        """Of all batches, over all processes."""
        return CalibrationSums(self.nll, self.confidence, self.hits, self.pixels, self.probabilities)


class CalibrationSums(NamedTuple):
    """Sums over pixels for T candidate temperatures, C classes but the background and B bins.

    Attributes:
        nll: (T,) negative log-likelihood.
        confidence: (T, B) confidence, by bins of it.
        hits: (T, B) pixels that got their class.
        pixels: (T, B) all.
        probabilities: (T, C, 2, B) pixels of other classes and of the class, by bins of its probability.
    """

    nll: Tensor
    confidence: Tensor
    hits: Tensor
    pixels: Tensor
    probabilities: Tensor

    def calibration(self) -> Calibration | None:
        """What they tell; None where no pixel counted."""
        if not int(self.pixels[PLAIN].sum()) or not bool(torch.isfinite(self.nll).all()):
            return None
        best = int(self.nll.argmin())
        plain, calibrated = (_thresholds(self.probabilities[index].tolist()) for index in (PLAIN, best))
        return Calibration(
            TEMPERATURES[best],
            self._reliability(PLAIN),
            self._reliability(best),
            tuple(zip(plain, calibrated, strict=True)),
        )

    def _reliability(self, index: int) -> Reliability:
        found = Reliability.of_sums(
            self.confidence[index].tolist(), self.hits[index].tolist(), self.pixels[index].tolist()
        )
        return found or Reliability(0.0, ())


def _bins(shares: Tensor, count: int) -> Tensor:
    """The bin of each share; of what is no number the first, as the loss tells of that."""
    return (shares.nan_to_num(0.0) * count).long().clamp(0, count - 1)


def _thresholds(histograms: Sequence[Sequence[Sequence[int]]]) -> list[float | None]:
    """For each class the lower edge of the bin from which on its pixels have the greatest IoU."""
    return [_threshold(others, own) for others, own in histograms]


def _threshold(others: Sequence[int], own: Sequence[int]) -> float | None:
    """Of pixels of other classes and of the class's own by probability."""
    total = sum(own)
    if not total:
        return None
    found, false = at_least(own), at_least(others)
    edges = [bin_ / PROBABILITY_BINS for bin_ in range(1, PROBABILITY_BINS)]
    best = best_threshold((found / (total + false))[1:].tolist(), edges)
    return None if best is None else best.threshold
