"""What an evaluation found, for files, for Kubeflow and for reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from components.core.geometry import Size
from components.core.skip_budget import Skipped
from components.evaluate.counting import CountingRules
from components.evaluate.counts import Counts
from components.evaluate.curves import RELIABILITY_BINS, Curves
from components.evaluate.intervals import DRAWS, LEVEL, Interval, bootstrap_intervals
from components.evaluate.label_check.check import LabelCheck
from components.evaluate.pairing import ScenePair
from components.evaluate.sweep import SweepCounts

LABELS = ("background", "building")


@dataclass(frozen=True, slots=True)
class ImageResult:
    """One image.

    Attributes:
        label: "dataset/name" in the truth.
        groups: The groups that it counts for, besides the whole.
        size: In pixels.
        counts: Of its pixels, objects and boundaries.
    """

    label: str
    groups: tuple[str, ...]
    size: Size
    counts: Counts

    def as_json(self) -> dict[str, Any]:
        """One row of `metrics.json`."""
        return {
            "image": self.label,
            "groups": list(self.groups),
            "height": self.size.height,
            "width": self.size.width,
            **self.counts.as_json(),
        }


@dataclass(frozen=True, slots=True)
class GroupResult:
    """The images of one tag together, or all of them.

    Attributes:
        name: The tag, or "overall".
        images: How many images.
        counts: Their sum.
        intervals: Of measures, over images; see `components.evaluate.intervals`.
        curves: Measures over the threshold; None where no image has probabilities.
    """

    name: str
    images: int
    counts: Counts
    intervals: Mapping[str, Interval | None]
    curves: Curves | None = None

    @classmethod
    def of_images(cls, name: str, images: Iterable[ImageResult], sweep: SweepCounts | None = None) -> GroupResult:
        """Pool the counts of images, whose sweeps are pooled already."""
        counts = [image.counts for image in images]
        curves = None if sweep is None else Curves.of_counts(sweep)
        return cls(name, len(counts), sum(counts, Counts()), bootstrap_intervals(name, counts), curves)

    def as_json(self) -> dict[str, Any]:
        """Counts, measures and intervals."""
        return {
            "name": self.name,
            "images": self.images,
            **self.counts.as_json(),
            "intervals": dict(self.intervals),
            "curves": self.curves and self.curves.as_json(),
        }


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """Predictions against truth.

    Attributes:
        overall: All images pooled.
        groups: One for each group tag (INRIA's towns), by name.
        images: One for each image, in the predictions' order.
        without_truth: Labels of predicted items that the truth does not know; skipped.
        without_prediction: Labels of true items that were not predicted; skipped.
        skipped: Images that could not be compared.
        rules: What was compared, and how.
        pairs: Where each of `images` stands in both projects, in their order.
        labels: Where labels seem wrong; None where that was not asked.
    """

    overall: GroupResult
    groups: tuple[GroupResult, ...]
    images: tuple[ImageResult, ...]
    without_truth: tuple[str, ...]
    without_prediction: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    rules: CountingRules
    pairs: tuple[ScenePair, ...] = ()
    labels: LabelCheck | None = None

    def protocol(self) -> dict[str, str]:
        """What each measure means, in words."""
        return {
            "pixels": "counts of all pixels of a group pooled, then IoU = TP / (TP + FP + FN) of the building class "
            "and accuracy = (TP + TN) / all (INRIA aerial image labeling benchmark, Maggiori et al. 2017); pixels "
            "without data in the image are counted in no_data alone",
            "objects": "truth: 8-connected components of the true mask; prediction: the project's objects; matched one "
            f"to one by descending IoU, at least {self.rules.iou_threshold:g} (SpaceNet, Van Etten et al. 2018)",
            "boundary": f"Boundary IoU (Cheng et al. 2021), distance {self.rules.boundary_text()}, pooled "
            "over the pixels of a group",
            "polygons": "outlines of matched objects, simplified by 1 px, means over pairs: PoLiS (Avbelj et al. "
            "2015), complexity-aware IoU and ratio of vertices (Zorzi et al. 2022), max tangent angle (Girard et "
            "al. 2021)",
            "curves": "of images with probabilities beside them: measures of the pixels whose probability of the class "
            "is above the threshold, and of their 8-connected components, whatever split the predictions went through; "
            "of more than two classes each is taken by itself",
            "reliability": f"share of pixels that are of the class, in {RELIABILITY_BINS} bins of the probability that "
            "they are; calibration error: mean difference of both, weighed by pixels (Naeini et al. 2015)",
            "intervals": f"{LEVEL:.0%} of {DRAWS} bootstrap draws of images",
            "null": "nothing to measure: neither truth nor prediction has a pixel or an object there",
        }

    def scalars(self) -> dict[str, float]:
        """Figures for a table: the whole's, and IoU and accuracy by group; what cannot be measured is left out."""
        pixels, objects = self.overall.counts.pixels, self.overall.counts.objects
        values = {
            "iou": pixels.iou,
            "accuracy": pixels.accuracy,
            "object_precision": objects.precision,
            "object_recall": objects.recall,
            "object_f1": objects.f1,
            "boundary_iou": self.overall.counts.boundary.iou,
            "images": float(self.overall.images),
            **self.overall.counts.polygons.measures(),
            **(self.overall.curves.scalars() if self.overall.curves else {}),
        }
        for name, interval in self.overall.intervals.items():
            if interval is not None:
                values[f"{name}_low"], values[f"{name}_high"] = interval
        for group in self.groups:
            values[f"iou_{group.name}"] = group.counts.pixels.iou
            values[f"accuracy_{group.name}"] = group.counts.pixels.accuracy
        return {name: value for name, value in values.items() if value is not None}

    def confusion(self) -> list[list[int]]:
        """[[TN, FP], [FN, TP]]: rows are the truth, columns the prediction, both in the order of `LABELS`."""
        pixels = self.overall.counts.pixels
        return [[pixels.true_negative, pixels.false_positive], [pixels.false_negative, pixels.true_positive]]

    def as_json(self) -> dict[str, Any]:
        """The content of `metrics.json`."""
        return {
            "truth_class": self.rules.truth_class,
            "predicted_class": self.rules.predicted_class,
            "iou_threshold": self.rules.iou_threshold,
            "boundary_px": self.rules.boundary_px,
            "boundary_m": self.rules.boundary_m,
            "protocol": self.protocol(),
            "overall": self.overall.as_json(),
            "groups": [group.as_json() for group in self.groups],
            "confusion_matrix": {"labels": list(LABELS), "rows_are_truth": self.confusion()},
            "predictions_without_truth": list(self.without_truth),
            "truth_without_prediction": list(self.without_prediction),
            "skipped": [entry.as_json() for entry in self.skipped],
            "labels": self.labels and self.labels.as_json(),
            "images": [image.as_json() for image in self.images],
        }
