"""Compare predictions with the truth, per town and overall."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from components.core.errors import ConfigError, DataError
from components.core.figures import AREA_SHAPES
from components.core.listing import first_names
from components.core.parallel import parallel_map, worker_count
from components.core.progress import progress
from components.core.project import Project, open_project
from components.core.skip_budget import SkipBudget, Skipped, check_max_bad
from components.core.storage import check_writable
from components.core.storage.atomic_directory import staged_directory
from components.evaluate.counting import MOST_BOUNDARY_PX, CountedImage, CountingRules, ImageCounter
from components.evaluate.label_check.check import USUAL_MOST, check_labels
from components.evaluate.pairing import ScenePair, ScenePairing, pair_items
from components.evaluate.result import EvaluationResult, GroupResult, ImageResult
from components.evaluate.sweep import SweepCounts

log = logging.getLogger(__name__)

SPLIT_TAGS = frozenset(("train", "val", "test", "trainval", "gap"))
"""Image tags that say what an image is for, not where it is."""

METRICS_FILE = "metrics.json"

OVERALL = None
"""The group of all images, which no tag names."""


def evaluate(
    predictions: Path | str,
    truth: Path | str,
    output_dir: Path | str | None = None,
    *,
    truth_class: str = "untitled",
    predicted_class: str = "untitled_dl",
    image_tags: Sequence[str] = (),
    group_tags: Sequence[str] = (),
    match_by: str = "image",
    iou_threshold: float = 0.5,
    boundary_px: int = 5,
    boundary_m: float = 0.0,
    allow_unmatched: bool = False,
    label_suggestions: int = USUAL_MOST,
    max_bad: int = 0,
    workers: int = 0,
) -> EvaluationResult:
    """Compare the predicted objects of one project with the true ones of another.

    Args:
        predictions: Project with the predicted objects.
        truth: Project with the true objects; may hold more images.
        output_dir: Where `metrics.json` and `label_suggestions.gpkg` are written; None to write nothing.
        truth_class: Class of the true objects; background classes are not needed.
        predicted_class: Class of the predicted objects.
        image_tags: Only images with one of these tags are evaluated, and each needs a prediction; none for all
            predicted images.
        group_tags: Image tags to report by (INRIA's towns); none for all but train, val, test and trainval.
        match_by: How images of the two projects are paired: "image", the same pixels of the same raster, or "name", the
            same name.
        iou_threshold: Least IoU of matched objects, above 0 and at most 1.
        boundary_px: Distance of Boundary IoU, in pixels, 1 to 1000.
        boundary_m: The same on the ground, in metres, for images with a georeference; 0 for `boundary_px` always.
        allow_unmatched: Skip and count images without a partner, instead of an error.
        label_suggestions: How many places where labels seem wrong are listed at most, the surest; 0 not to judge
            labels. They are not judged either where nothing is written.
        max_bad: How many images may lack a partner, such as those that inference skipped, or be unreadable.
        workers: Worker processes (0 = one per core). The result does not depend on it.

    Returns:
        The measures, overall, by group and by image.

    Raises:
        ConfigError: If a class is unknown, of the wrong shape, or a number outside its range.
        DataError: If an item has no partner.
        TooManySkippedError: If more than `max_bad` pairs, or all, cannot be compared: partners differ in size, or a
            raster cannot be read.
        StorageError: If `output_dir` cannot be written, which is found out before the first image is compared.
    """
    rules = CountingRules(truth_class, predicted_class, iou_threshold, boundary_px, boundary_m)
    _check_numbers(rules)
    check_max_bad(max_bad)
    if label_suggestions < 0:
        raise ConfigError(f"label_suggestions: {label_suggestions} is below 0; use 0 not to judge labels, or 500")
    predicted_project, true_project = open_project(predictions), open_project(truth)
    if output_dir is not None:
        check_writable(output_dir)
    _check_class(predicted_project, predicted_class, "predicted_class")
    _check_class(true_project, truth_class, "truth_class")
    pairing = pair_items(predicted_project, true_project, frozenset(image_tags), match_by)
    unpaired = _without_partner(pairing, predicted_project, true_project, image_tags, allow_unmatched, max_bad)
    budget = SkipBudget(max_bad, len(pairing.pairs) + len(unpaired))
    budget.add(*unpaired)
    groups = _groups(pairing, group_tags)

    counter = ImageCounter(predicted_project, true_project, rules)
    counted = parallel_map(counter, pairing.pairs, worker_count(workers, len(pairing.pairs)))
    outcomes = progress(counted, len(pairing.pairs), "images evaluated")
    sums = _added_up(zip(pairing.pairs, outcomes, strict=True), groups)
    budget.add(*sums.skipped)
    budget.check()
    result = EvaluationResult(
        overall=GroupResult.of_images("overall", sums.images, sums.sweeps.get(OVERALL)),
        groups=tuple(
            GroupResult.of_images(tag, (image for image in sums.images if tag in image.groups), sums.sweeps.get(tag))
            for tag in groups
        ),
        images=tuple(sums.images),
        without_truth=pairing.without_truth,
        without_prediction=pairing.without_prediction,
        skipped=tuple(sums.skipped),
        rules=rules,
        pairs=tuple(sums.pairs),
    )
    _log_no_data(result)
    _log_curves(result)
    if output_dir is not None:
        with staged_directory(output_dir) as staged:
            if label_suggestions:
                found = check_labels(
                    predicted_project, true_project, sums.pairs, rules, staged, label_suggestions, workers
                )
                result = replace(result, labels=found)
            _write(result, staged)
    return result


@dataclass(frozen=True, slots=True)
class _Sums:
    """What came of all pairs: images and those that were skipped, in order, and the sweeps of groups, pooled."""

    pairs: list[ScenePair] = field(default_factory=list)
    images: list[ImageResult] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    sweeps: dict[str | None, SweepCounts] = field(default_factory=dict)


def _added_up(outcomes: Iterable[tuple[ScenePair, CountedImage | Skipped]], groups: Sequence[str]) -> _Sums:
    sums = _Sums()
    for pair, outcome in outcomes:
        if isinstance(outcome, Skipped):
            sums.skipped.append(outcome)
            continue
        own = tuple(tag for tag in groups if tag in pair.tags)
        sums.pairs.append(pair)
        sums.images.append(ImageResult(pair.label, own, outcome.size, outcome.counts))
        if outcome.sweep is not None:
            for group in (OVERALL, *own):
                sums.sweeps[group] = sums.sweeps.get(group, SweepCounts()) + outcome.sweep
    return sums


def _log_no_data(result: EvaluationResult) -> None:
    pixels = result.overall.counts.pixels
    if pixels.no_data:
        partly = sum(bool(image.counts.pixels.no_data) for image in result.images)
        log.info(
            "%.1f %% of the pixels hold no data, in %d of %d images; they are not counted",
            100 * pixels.no_data / (pixels.no_data + pixels.total),
            partly,
            len(result.images),
        )


def _log_curves(result: EvaluationResult) -> None:
    curves = result.overall.curves
    if curves is not None and curves.images < len(result.images):
        log.info(
            "%d of %d images have probabilities beside them; the others count in no threshold curve",
            curves.images,
            len(result.images),
        )


def _write(result: EvaluationResult, directory: Path) -> None:
    text = json.dumps(result.as_json(), indent=1, ensure_ascii=False)
    (directory / METRICS_FILE).write_text(text + "\n", encoding="utf-8")


def _groups(pairing: ScenePairing, group_tags: Sequence[str]) -> list[str]:
    found = {tag for pair in pairing.pairs for tag in pair.tags}
    unknown = [tag for tag in group_tags if tag not in found]
    if unknown:
        raise ConfigError(
            f"group_tags: no evaluated image carries {first_names(sorted(unknown))}; the images' tags are: "
            f"{first_names(sorted(found)) or 'none'}"
        )
    return sorted(set(group_tags) or found - SPLIT_TAGS)


def _check_numbers(rules: CountingRules) -> None:
    if not 0 < rules.iou_threshold <= 1:
        raise ConfigError(f"iou_threshold: {rules.iou_threshold} is not above 0 and at most 1; use 0.5")
    if not 1 <= rules.boundary_px <= MOST_BOUNDARY_PX:
        raise ConfigError(f"boundary_px: {rules.boundary_px} is not from 1 to {MOST_BOUNDARY_PX}; 5 is usual")
    if not 0 <= rules.boundary_m < math.inf:
        raise ConfigError(
            f"boundary_m: {rules.boundary_m} is not a distance in metres; give one such as 1.5, or 0 to use boundary_px"
        )


def _check_class(project: Project, title: str, parameter: str) -> None:
    known = project.meta.find(title)
    if known is None:
        raise ConfigError(
            f"{parameter}: {title!r} is not a class of {project.place}; its classes are "
            f"{', '.join(project.meta.titles) or 'none'}"
        )
    if known.shape not in AREA_SHAPES:
        raise ConfigError(
            f"{parameter}: {title!r} holds {known.shape}s, which cover no area; use a class of {', '.join(AREA_SHAPES)}"
        )


def _without_partner(
    pairing: ScenePairing,
    predictions: Project,
    truth: Project,
    image_tags: Collection[str],
    allow_unmatched: bool,
    max_bad: int,
) -> list[Skipped]:
    """Items that lack a partner and count against `max_bad`."""
    if not pairing.pairs:
        tagged = f" tagged {' or '.join(image_tags)}" if image_tags else ""
        raise DataError(
            f"{predictions.place}: none of its {len(predictions)} items shows an image{tagged} of {truth.place}; "
            "give the truth of the same images, check image_tags, or match by name (match_by: name) where images were "
            "copied"
        )
    missing = pairing.without_prediction if image_tags else ()
    if allow_unmatched:
        if pairing.without_truth or missing:
            log.warning("skipped: %s without truth, %s without prediction", len(pairing.without_truth), len(missing))
        return []
    if len(pairing.without_truth) + len(missing) <= max_bad:
        return [
            *(Skipped(label, f"has no truth in {truth.place}") for label in pairing.without_truth),
            *(Skipped(label, f"has no prediction in {predictions.place}") for label in missing),
        ]
    if pairing.without_truth:
        raise DataError(
            f"{predictions.place}: {len(pairing.without_truth)} items show images that {truth.place} does not hold "
            f"({first_names(sorted(pairing.without_truth))}); give their truth, or allow_unmatched to skip them"
        )
    raise DataError(
        f"{truth.place}: {len(missing)} items tagged {' or '.join(image_tags)} have no prediction "
        f"({first_names(sorted(missing))}); predict them too, or allow_unmatched to skip them"
    )
