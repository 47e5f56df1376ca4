"""What is counted in one image, added up over a group, and the measures that follow from the sums.

Measures of a group are taken of pooled counts, never averaged over images: a large building weighs as much
as it has pixels, and an empty image neither helps nor hurts.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self


def ratio(part: float, whole: float) -> float | None:
    """`part / whole`; None where there is nothing to measure."""
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Summed:
    """Counts of which those of several images add up, field by field."""

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class PixelCounts(Summed):
    """Pixels by truth and prediction; "positive" is building.

    Attributes:
        true_positive: Building in both.
        false_positive: In the prediction alone.
        false_negative: In the truth alone.
        true_negative: In neither.
        no_data: Where the image holds no data; none of the others, and in no measure.
        unlabelled: Where it does and nobody labelled it; the same.
    """

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0
    no_data: int = 0
    unlabelled: int = 0

    @property
    def total(self) -> int:
        """All pixels that count."""
        return self.true_positive + self.false_positive + self.false_negative + self.true_negative

    @property
    def iou(self) -> float | None:
        """TP / (TP + FP + FN); None where neither truth nor prediction has a building.

        Source: Maggiori et al., "Can semantic labeling methods generalize to any city? The Inria aerial image
        labeling benchmark", IGARSS 2017.
        """
        return ratio(self.true_positive, self.true_positive + self.false_positive + self.false_negative)

    @property
    def accuracy(self) -> float | None:
        """Share of pixels that are right, background included; same source as `iou`."""
        return ratio(self.true_positive + self.true_negative, self.total)

    def as_json(self) -> dict[str, Any]:
        """The counts and their measures."""
        return {
            "iou": self.iou,
            "accuracy": self.accuracy,
            "precision": ratio(self.true_positive, self.true_positive + self.false_positive),
            "recall": ratio(self.true_positive, self.true_positive + self.false_negative),
            "true_positive": self.true_positive,
            "false_positive": self.false_positive,
            "false_negative": self.false_negative,
            "true_negative": self.true_negative,
            "no_data": self.no_data,
            "unlabelled": self.unlabelled,
        }


@dataclass(frozen=True, slots=True)
class ObjectCounts(Summed):
    """Buildings in the truth, in the prediction, and in both."""

    truth: int = 0
    predicted: int = 0
    matched: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the predicted objects that match one of the truth."""
        return ratio(self.matched, self.predicted)

    @property
    def recall(self) -> float | None:
        """Share of the truth's objects that match a predicted one."""
        return ratio(self.matched, self.truth)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, 2 M / (T + P)."""
        return ratio(2 * self.matched, self.truth + self.predicted)

    def as_json(self) -> dict[str, Any]:
        """The counts and their measures."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "truth": self.truth,
            "predicted": self.predicted,
            "matched": self.matched,
        }


@dataclass(frozen=True, slots=True)
class BoundaryCounts(Summed):
    """Pixels near the boundary, in both masks and in either."""

    both: int = 0
    either: int = 0

    @property
    def iou(self) -> float | None:
        """Boundary IoU; see `components.evaluate.boundary`."""
        return ratio(self.both, self.either)

    def as_json(self) -> dict[str, Any]:
        """The counts and their measure."""
        return {"iou": self.iou, "both": self.both, "either": self.either}


@dataclass(frozen=True, slots=True)
class PolygonCounts(Summed):
    """Sums over matched pairs of objects; see `components.evaluate.polygon_measures`.

    Attributes:
        pairs: How many.
        polis_px: PoLiS distances, in pixels.
        pairs_on_ground: Of these, pairs whose pixels have a size on the ground.
        polis_m: PoLiS distances of those, in metres.
        complexity_iou: Complexity-aware IoU.
        truth_vertices: Vertices of the true polygons.
        predicted_vertices: Vertices of the predicted polygons.
        pairs_with_angle: Pairs of which a tangent angle is known.
        max_tangent_angle_deg: Max tangent angles of those, in degrees.
    """

    pairs: int = 0
    polis_px: float = 0.0
    pairs_on_ground: int = 0
    polis_m: float = 0.0
    complexity_iou: float = 0.0
    truth_vertices: int = 0
    predicted_vertices: int = 0
    pairs_with_angle: int = 0
    max_tangent_angle_deg: float = 0.0

    def measures(self) -> dict[str, float | None]:
        """The means over pairs, and the ratio of vertices."""
        return {
            "polis_px": ratio(self.polis_px, self.pairs),
            "polis_m": ratio(self.polis_m, self.pairs_on_ground),
            "complexity_iou": ratio(self.complexity_iou, self.pairs),
            "n_ratio": ratio(self.predicted_vertices, self.truth_vertices),
            "max_tangent_angle_deg": ratio(self.max_tangent_angle_deg, self.pairs_with_angle),
        }

    def as_json(self) -> dict[str, Any]:
        """The counts and their measures."""
        return {
            **self.measures(),
            "pairs": self.pairs,
            "truth_vertices": self.truth_vertices,
            "predicted_vertices": self.predicted_vertices,
        }


@dataclass(frozen=True, slots=True)
class Counts(Summed):
    """All that is counted; counts of several images add up."""

    pixels: PixelCounts = PixelCounts()
    objects: ObjectCounts = ObjectCounts()
    boundary: BoundaryCounts = BoundaryCounts()
    polygons: PolygonCounts = PolygonCounts()

    def as_json(self) -> dict[str, Any]:
        """By kind."""
        return {
            "pixels": self.pixels.as_json(),
            "objects": self.objects.as_json(),
            "boundary": self.boundary.as_json(),
            "polygons": self.polygons.as_json(),
        }
