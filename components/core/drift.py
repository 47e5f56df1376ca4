"""How far the pixels of a scene, and what the network made of them, are from those of the training.

A network that meets other light, another season or another sensor finds less, and no error says so. Two distances
between distributions do: of the values of the pixels, and of the confidences, each against what a model's folder keeps
of its training. They are Jensen–Shannon distances: 0 for the same distribution, 1 for two that have nothing in common.

Sources: Lin, "Divergence measures based on the Shannon entropy", 1991; Endres, Schindelin, "A new metric for
probability distributions", 2003, that its square root is a distance. No limit is known that suits all imagery, so
that a model brings its own: how far images of its training, of the size of the scene, were from all of them together.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from components.core import storage
from components.core.geometry import Size, Window
from components.core.json_text import parse_json
from components.core.listing import first_names
from components.core.models import STATISTICS_FILE

log = logging.getLogger(__name__)

BANDS = 3
PIXEL_BINS = 32
"""Of eight grey levels each."""

CONFIDENCE_EDGES = (0, 128, 153, 179, 204, 230, 242, 250, 253, 255, 256)
"""First values of the bins, of 255 for certainty; narrow where most pixels are."""

SIZES_PX = (1 << 16, 1 << 18, 1 << 20)
"""Pixels of one, of four and of all sixteen windows that are looked at of a scene: the more, the less is chance."""

LEAST_LIMITS = {"pixels": 0.2, "confidence": 0.3}
"""Distances below them are of no interest, however alike the images of a training were. Confidences differ more: scenes
are blended from windows, and validation windows are not."""

ENOUGH = 0.5
"""Share of a size that an image must show to count as one of it: trainings leave out windows without buildings."""

FEW, MOST_OF_FEW = 4, 0.4
"""Fewer images, or groups of them, cannot tell that another one may be further off than that."""

SAMPLES = 4
"""Windows along each side of a scene that are looked at."""

SAMPLE_PX = 256

Counts = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]

ADVICE = {
    "pixels": (
        "pixels whose values are unlike those of the training",
        "look at their pictures; where buildings are missed, correct the colours, choose the bands or the scaling "
        "that the training had, or train with such imagery",
    ),
    "confidence": (
        "confidences unlike those of the validation",
        "look at their masks; where they are poor, train with such imagery",
    ),
}
"""What warnings say of each kind, and what to do."""


def pixel_counts(pixels: UInt8, valid: Bool | None = None) -> Counts:
    """(3, 32) histograms of (3, H, W) uint8 pixels, where (H, W) `valid` says that there is data."""
    shown = pixels.reshape(BANDS, -1) if valid is None else pixels[:, valid]
    return np.stack([np.bincount(band >> 3, minlength=PIXEL_BINS) for band in shown]).astype(np.int64)


def confidence_counts(confidences: UInt8) -> Counts:
    """(1, 10) histogram of confidences of any shape, uint8."""
    values = np.bincount(confidences.reshape(-1), minlength=256)
    return np.add.reduceat(values, CONFIDENCE_EDGES[:-1])[np.newaxis].astype(np.int64)


def distance(first: Counts, second: Counts) -> float | None:
    """Jensen–Shannon distance of (B, N) histograms, to base 2, of the band that differs most.

    Returns:
        0–1; None where one of them counts nothing.
    """
    if not first.sum() or not second.sum():
        return None
    p, q = (counts / counts.sum(axis=1, keepdims=True) for counts in (first, second))
    mean = (p + q) / 2
    divergence = (_information(p, mean) + _information(q, mean)) / 2
    return float(np.sqrt(np.clip(divergence, 0, 1).max()))


def _information(p: npt.NDArray[np.float64], mean: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(B,) Kullback–Leibler divergences in bits."""
    terms = np.zeros_like(p)
    np.log2(p / np.where(mean > 0, mean, 1), out=terms, where=p > 0)
    total: npt.NDArray[np.float64] = (p * terms).sum(axis=1)
    return total


@dataclass(frozen=True, slots=True)
class SeenImage:
    """What was looked at of one image.

    Attributes:
        counts: (B, N) histograms, of copies and of what windows share as often as they show it.
        pixels: How many different ones there are.
    """

    counts: Counts
    pixels: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How far images of a size were from all images together.

    Attributes:
        pixels: The size; smaller images count together with those that follow in order, as parts of one place do.
        groups: How many images, or groups, there are of about that size; two or more.
        furthest: The greatest distance of one.
    """

    pixels: int
    groups: int
    furthest: float

    @property
    def limit(self) -> float:
        """How far another one may be: the further, the fewer there were."""
        widened = self.furthest * (1 + 1 / math.sqrt(self.groups))
        return widened if self.groups >= FEW else min(widened, MOST_OF_FEW)


@dataclass(frozen=True, slots=True)
class Reference:
    """One kind of values in the training.

    Attributes:
        counts: (B, N) histograms of all images.
        spreads: How far images were from them, by rising size; those sizes alone of which there were enough.
    """

    counts: Counts
    spreads: tuple[Spread, ...] = ()

    @classmethod
    def of_images(cls, images: Mapping[str, SeenImage], bins: int, bands: int = 1) -> Self:
        """From what was seen of each image, by names whose order puts parts of one place beside each other."""
        total = sum((image.counts for image in images.values()), np.zeros((bands, bins), np.int64))
        in_order = [images[name] for name in sorted(images)]
        found = ((size, [distance(counts, total) or 0.0 for counts in _groups(in_order, size)]) for size in SIZES_PX)
        return cls(total, tuple(Spread(size, len(away), max(away)) for size, away in found if len(away) > 1))

    def limit(self, pixels: int, least: float) -> float:
        """From where on the distance of a scene is a warning.

        Args:
            pixels: How many are looked at of it; what the training knows of images of that size counts, or else of
                smaller ones.
            least: Below it there is none.
        """
        fitting = [spread for spread in self.spreads if spread.pixels <= pixels] or list(self.spreads[:1])
        return max(least, fitting[-1].limit) if fitting else least

    def as_json(self) -> dict[str, Any]:
        """The model folder's form."""
        spreads = [asdict(spread) | {"furthest": round(spread.furthest, 6)} for spread in self.spreads]
        return {"counts": self.counts.tolist(), "spreads": spreads}

    @classmethod
    def of_json(cls, entry: Mapping[str, Any], bands: int, bins: int) -> Self:
        """From the model folder's form.

        Raises:
            ValueError, KeyError, TypeError: If it is none.
        """
        counts = np.array(entry["counts"], np.int64)
        spreads = tuple(Spread(int(s["pixels"]), int(s["groups"]), float(s["furthest"])) for s in entry["spreads"])
        if counts.shape != (bands, bins) or counts.min() < 0:
            raise ValueError(f"counts are {counts.shape}")
        if any(spread.groups < 1 or not 0 <= spread.furthest <= 1 for spread in spreads):
            raise ValueError(f"spreads are {spreads}")
        return cls(counts, spreads)


def _groups(images: Sequence[SeenImage], size: int) -> Iterator[Counts]:
    """Histograms of groups of neighbouring images that show enough of a size; what is left at the end makes none."""
    group: list[SeenImage] = []
    for image in images:
        group.append(image)
        if sum(one.pixels for one in group) >= ENOUGH * size:
            yield np.sum([one.counts for one in group], axis=0)
            group = []


@dataclass(frozen=True, slots=True)
class TrainingStatistics:
    """What a model's folder keeps of its training.

    Attributes:
        pixels: Values of the pixels of training windows, by band, red first.
        confidence: Probabilities of the classes that the network chose on validation windows, times 255.
    """

    pixels: Reference
    confidence: Reference

    def as_json(self) -> dict[str, Any]:
        """The file in the model's folder."""
        return {"format_version": 1, "pixels": self.pixels.as_json(), "confidence": self.confidence.as_json()}

    @classmethod
    def of_model(cls, uri: str) -> Self | None:
        """What a model's folder or prefix says; None where it is older than this, or says it in no form that is known.

        Raises:
            StorageError: If the place cannot be asked.
        """
        place = storage.join_uri(uri, STATISTICS_FILE)
        if not storage.exists(place):
            return None
        try:
            content = parse_json(storage.read_bytes(place))
            return cls(
                Reference.of_json(content["pixels"], BANDS, PIXEL_BINS),
                Reference.of_json(content["confidence"], 1, len(CONFIDENCE_EDGES) - 1),
            )
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            log.warning("%s: is not as train_unet writes it (%r); scenes are not compared with it", place, error)
            return None

    def limits(self, size: Size) -> dict[str, float]:
        """From which distances on there is a warning of a scene of a size, by the names of `LEAST_LIMITS`."""
        pixels = sum(window.size.area for window in sample_windows(size))
        return {kind: getattr(self, kind).limit(pixels, least) for kind, least in LEAST_LIMITS.items()}

    def distances(self, pixels: Counts, confidence: Counts) -> dict[str, float]:
        """How far a scene is off, by the names of `LEAST_LIMITS`; without what cannot be told."""
        found = {
            "pixels": distance(pixels, self.pixels.counts),
            "confidence": distance(confidence, self.confidence.counts),
        }
        return {kind: round(value, 4) for kind, value in found.items() if value is not None}


def sample_windows(size: Size) -> Iterator[Window]:
    """A few windows of an image, spread evenly: all of a small one, and never more than sixteen."""
    for top in _starts(size.height):
        for left in _starts(size.width):
            yield Window.of_bounds(top, left, min(top + SAMPLE_PX, size.height), min(left + SAMPLE_PX, size.width))


def _starts(length: int) -> list[int]:
    if length <= SAMPLES * SAMPLE_PX:
        return list(range(0, length, SAMPLE_PX))
    return [number * (length - SAMPLE_PX) // (SAMPLES - 1) for number in range(SAMPLES)]


def drift_of_run(scenes: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The medians over scenes, by kind."""
    found = {kind: [scene[kind] for scene in scenes if kind in scene] for kind in LEAST_LIMITS}
    return {kind: median(values) for kind, values in found.items() if values}


def drift_warnings(scenes: Mapping[str, Mapping[str, float]], limits: Mapping[str, Mapping[str, float]]) -> list[str]:
    """What of a run is too far from the training, in sentences that name the scenes, the furthest first.

    Args:
        scenes: Distances by the scene's key, and by kind.
        limits: The same of the limits.
    """
    said = []
    for kind, (what, advice) in ADVICE.items():
        beyond = {
            key: found[kind] - limits[key][kind] for key, found in scenes.items() if is_far(found, limits[key], kind)
        }
        far = sorted(beyond, key=lambda key: (-beyond[key], key))
        if far:
            named = first_names([f"{key} ({scenes[key][kind]:.2f}, limit {limits[key][kind]:.2f})" for key in far])
            have = "has" if len(far) == 1 else "have"
            said.append(f"{len(far)} of {len(scenes)} scenes {have} {what}: {named}; {advice}")
    return said


def is_far(found: Mapping[str, float], limits: Mapping[str, float], kind: str) -> bool:
    """Whether a scene's distance of a kind is above its limit; where one of them is not known, it is not."""
    return found.get(kind, 0.0) > limits.get(kind, 1.0)
