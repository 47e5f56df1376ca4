"""What an evaluation says of one model, image by image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core import storage
from components.core.errors import DataError
from components.core.json_text import parse_json
from components.core.listing import first_names
from components.evaluate.counting import CountingRules
from components.evaluate.evaluate import METRICS_FILE

MEASURES = {"iou": "building IoU", "object_f1": "object F1"}
"""What models are compared by, and what people call it."""


@dataclass(frozen=True, slots=True)
class Quotient:
    """A measure as a quotient of two sums, so that those of several images add up.

    Attributes:
        part: Above the line.
        whole: Below it.
    """

    part: int
    whole: int

    def __add__(self, other: Quotient) -> Quotient:
        return Quotient(self.part + other.part, self.whole + other.whole)

    @property
    def value(self) -> float | None:
        """0–1; None where there is nothing to measure."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class ImageScore:
    """One held-out image.

    Attributes:
        label: "dataset/name".
        towns: The groups that it counts for.
        truth: What is compared with: pixels with building, without, without data and unlabelled, and true objects.
        measures: By the names of `MEASURES`.
    """

    label: str
    towns: tuple[str, ...]
    truth: tuple[int, ...]
    measures: Mapping[str, Quotient]

    @property
    def buildings(self) -> int:
        """True objects."""
        return self.truth[-1]

    @classmethod
    def of_json(cls, row: Mapping[str, Any]) -> ImageScore:
        """One row of an evaluation's `metrics.json`."""
        pixels, objects = row["pixels"], row["objects"]
        found, wrong, missed, clear = (
            int(pixels[name]) for name in ("true_positive", "false_positive", "false_negative", "true_negative")
        )
        return cls(
            label=str(row["image"]),
            towns=tuple(map(str, row["groups"])),
            truth=(
                found + missed,
                wrong + clear,
                int(pixels["no_data"]),
                int(pixels["unlabelled"]),
                int(objects["truth"]),
            ),
            measures={
                "iou": Quotient(found, found + wrong + missed),
                "object_f1": Quotient(2 * int(objects["matched"]), int(objects["truth"]) + int(objects["predicted"])),
            },
        )


@dataclass(frozen=True, slots=True)
class ModelScores:
    """One model on all held-out images.

    Attributes:
        images: By label.
        rules: How they were counted.
    """

    images: Mapping[str, ImageScore]
    rules: CountingRules

    @property
    def towns(self) -> list[str]:
        """All groups, sorted."""
        return sorted({town for image in self.images.values() for town in image.towns})

    def of_town(self, town: str) -> list[ImageScore]:
        """The images of a group."""
        return [image for image in self.images.values() if town in image.towns]

    def as_json(self) -> dict[str, Any]:
        """As a pointer keeps them."""
        return {
            "overall": _summed(self.images.values()),
            "towns": {town: _summed(self.of_town(town)) for town in self.towns},
        }


def _summed(images: Iterable[ImageScore]) -> dict[str, Any]:
    known = list(images)
    totals = {measure: pooled(known, measure) for measure in MEASURES}
    return {
        "images": len(known),
        "buildings": sum(image.buildings for image in known),
        **{measure: total.value for measure, total in totals.items()},
        "counts": {measure: [total.part, total.whole] for measure, total in totals.items()},
    }


def pooled(images: Iterable[ImageScore], measure: str) -> Quotient:
    """A measure over images together."""
    return sum((image.measures[measure] for image in images), Quotient(0, 0))


def read_scores(evaluation: Path | str) -> ModelScores:
    """Read what evaluate wrote.

    Args:
        evaluation: Its output directory.

    Raises:
        DataError: If it is no evaluation, or none of images with buildings.
    """
    file = Path(evaluation) / METRICS_FILE
    try:
        content = parse_json(storage.read_bytes(file))
        images = [ImageScore.of_json(row) for row in content["images"]]
        rules = CountingRules(
            truth_class=str(content["truth_class"]),
            predicted_class=str(content["predicted_class"]),
            iou_threshold=float(content["iou_threshold"]),
            boundary_px=int(content["boundary_px"]),
            boundary_m=float(content["boundary_m"]),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file}: holds no evaluation ({error!r}); give what evaluate wrote") from error
    if not sum(image.buildings for image in images):
        raise DataError(
            f"{file}: none of its {len(images)} images has a building in its truth, so that nothing says which model "
            "is better; hold images with buildings out (image_tags), and evaluate again"
        )
    return ModelScores({image.label: image for image in images}, rules)


def check_same_images(challenger: ModelScores, champion: ModelScores) -> None:
    """See that two models were evaluated on the same images with the same truth.

    Raises:
        DataError: If not; names images.
    """
    for own, other, whose in ((challenger, champion, "new model"), (champion, challenger, "model in use")):
        alone = sorted(own.images.keys() - other.images.keys())
        if alone:
            raise DataError(
                f"evaluation: {len(alone)} images were evaluated for the {whose} alone ({first_names(alone)}); both "
                "need the same: evaluate the new model with the same project, image_tags and max_bad, and see in the "
                "log which images were skipped"
            )
    other_truth = sorted(
        label for label, image in challenger.images.items() if image.truth != champion.images[label].truth
    )
    if other_truth:
        raise DataError(
            f"evaluation: {len(other_truth)} images had another truth when the new model was evaluated "
            f"({first_names(other_truth)}); evaluate it again with the project that is given here"
        )
