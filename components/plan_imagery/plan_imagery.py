"""Decides which images are detected in this run: those that are new, changed, or to be done in another way."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, replace
from pathlib import Path

from components.core import storage
from components.core.champion import resolve_model
from components.core.collection.identity import detector_digest, prediction_digest
from components.core.collection.ledger import Collection
from components.core.collection.plan import (
    MAX_SHARDS,
    SHARD_MEGAPIXELS,
    DetectionReason,
    DetectionSettings,
    Plan,
    PlannedScene,
    write_plan,
)
from components.core.documents.imagery import DetectionImages
from components.core.documents.inference import load_config
from components.core.documents.inference_modes import Mode, RegionMode
from components.core.documents.regions import why_not
from components.core.documents.tutorial import INFERENCE_CONFIG
from components.core.imagery.bands import bands_of_text
from components.core.imagery.scaling import PERCENTILE, Scaling
from components.core.imagery_facts import EIGHT_BITS, ImageFacts, ImageryFacts
from components.core.listing import first_names
from components.core.models import local_model, model_digest, network_digest
from components.core.preflight.classes import check_needs_no_objects
from components.core.progress import progress
from components.core.skip_budget import Skipped, log_skipped
from components.plan_imagery.area import AreaOfInterest
from components.plan_imagery.capture_date import DatePattern, date_pattern
from components.plan_imagery.diff import ImageryDiff, diff_imagery
from components.plan_imagery.layer_facts import check_same_imagery, read_shown
from components.plan_imagery.parameters import REDO_ALL, REDO_CHANGED, check_numbers, check_settings
from components.plan_imagery.predictions import with_predictions
from components.plan_imagery.retry_policy import skip_exhausted
from components.plan_imagery.shard_assignment import assign_shards
from components.plan_imagery.sources import CATALOGUE_NOTES, SourceImage, find_images, no_images

log = logging.getLogger(__name__)

MEGA = 1_000_000

DEFAULTS = DetectionImages()

SHOWN = 10
"""How many skipped images the log names; the plan names all."""


def plan_imagery(
    images_uri: str,
    output_uri: str,
    model_uri: str,
    plan_dir: Path | str,
    *,
    settings: DetectionSettings,
    redo: str = REDO_CHANGED,
    shard_megapixels: float = SHARD_MEGAPIXELS,
    max_shards: int = MAX_SHARDS,
    options: DetectionImages = DEFAULTS,
) -> Plan:
    """Compare imagery with what a collection holds, and plan what is missing.

    Only names are listed: an image is known by its key, its content by ETag and size, and what was done by the names
    of the ledger's markers. Headers are opened of images that are to be done alone, so that a run with nothing new
    takes as long as a few listings. What cannot be done, or failed in several runs, is skipped and named, and so is
    what is too large to be one input of the network where the inference config asks for that; what was found in an
    earlier version of it stays.

    With an area of interest, images outside it are neither done nor retired: what the collection holds of them stays.
    Images on its border are done as far as they lie in it, and are other detections where another area leaves another
    part of them: `redo` says whether they are done again. Images wholly inside are as if there were no area.

    A scene that is to be done again, and of which the collection holds what the same network said, is given to no
    shard: publication makes its footprints from that.

    Args:
        images_uri: Folder or URI prefix; images at any depth below it are scenes. Or a STAC document, whose items are.
        output_uri: Folder or URI prefix of the collection.
        model_uri: Folder or URI prefix of the model, as train_unet wrote it; or a pointer to it, which is read once.
        plan_dir: The plan's directory; it appears when it is whole.
        settings: How scenes are detected and published; documents as JSON text or files, empty for the defaults of
            the stages that read them.
        redo: "changed" leaves scenes alone that were done with another model or other settings; "all" does them again.
        shard_megapixels: How much a shard should do at most.
        max_shards: Most shards of a run. What does not fit into them is left to the next run, in the order of the
            images' keys; an image larger than all of them together is done nonetheless, alone.
        options: How the imagery is read.

    Returns:
        The plan; the same for the same imagery, parameters, ledger and notes of failures.

    Raises:
        ConfigError: If a parameter breaks its rule, there is no image, none meets the area of interest, or the
            collection is of other imagery.
        DataError: If the model is none, a marker is broken, or the area of interest cannot be used.
        StorageError: If a place cannot be reached.
    """
    check_numbers(redo, shard_megapixels, max_shards)
    dates, scaled = date_pattern(options.captured_pattern), Scaling.parse(options.scaling)
    settings = check_settings(settings)
    inference = load_config(settings.inference_config or INFERENCE_CONFIG)
    check_needs_no_objects(inference)
    images, output, model_place = map(storage.absolute_uri, (images_uri, output_uri, model_uri))
    resolved = resolve_model(model_place)
    with local_model(resolved.uri, inference.runtime) as folder:
        model, learnt = model_digest(folder), ImageryFacts.of_model(folder)
        network = network_digest(folder, inference.runtime)
    resolved.check(model)
    detector, collection = _detector(network, settings, scaled), Collection(output)
    found = _compared(images, collection, options, detector, redo)
    todo, exhausted = skip_exhausted(collection, found.todo, detector)
    shard_pixels = max(1, round(shard_megapixels * MEGA))
    headers = _usable(_headers(todo, dates, bands_of_text(settings.bands)), inference.mode)
    opened, postponed = _fill(headers, len(todo), shard_pixels * max_shards)
    prediction = prediction_digest(network, inference, settings.bands, options.scaling)
    usable = [entry for entry in opened if isinstance(entry, PlannedScene)]
    scenes = with_predictions(collection, usable, found.detected, prediction, detector)
    unseen = {scene.id: scene.size for scene in scenes if not scene.remade_from}
    assigned = assign_shards(unseen, shard_pixels, max_shards)
    plan = Plan(
        images_uri=images,
        output_uri=output,
        model_uri=resolved.uri,
        model=model,
        detector=detector,
        settings=settings,
        scenes=tuple(replace(scene, parts=assigned.get(scene.id, ())) for scene in scenes),
        shards=max((part.shard for parts in assigned.values() for part in parts), default=0),
        done=found.done,
        waiting=found.waiting,
        retired=tuple(found.retired),
        skipped=(*found.skipped, *exhausted, *(entry for entry in opened if isinstance(entry, Skipped))),
        postponed=postponed,
        warnings=(*(() if learnt is None else learnt.differences(_facts(scenes, scaled))), *_unlike(scenes)),
        pointer_uri=resolved.pointer_uri,
        predecessors=resolved.predecessors,
        network=network,
        prediction=prediction,
        scaling=options.scaling,
        aoi_uri=options.aoi_uri,
        outside=found.outside,
    )
    write_plan(plan_dir, plan)
    _log_plan(plan)
    return plan


def _detector(network: str, settings: DetectionSettings, scaling: Scaling) -> str:
    """Name the way to detect; the default scaling counts as none, since names come from when none counted."""
    more = {} if scaling.mode == PERCENTILE else {"scaling": astuple(scaling)}
    return detector_digest(network, settings.detector_settings() | more)


def _compared(images: str, collection: Collection, options: DetectionImages, detector: str, redo: str) -> ImageryDiff:
    """List the imagery, and compare it with the ledger."""
    shown = read_shown(collection)
    check_same_imagery(collection, shown, images)
    area = AreaOfInterest(options.aoi_uri, collection) if options.aoi_uri else None
    listed = find_images(images, collection.output_uri, options.assets, collection.place(*CATALOGUE_NOTES))
    limited = listed if area is None else area.limited(listed)
    found = diff_imagery(limited, collection.marks(), detector, redo == REDO_ALL, shown.stems)
    if not found.images:
        raise no_images(images)
    if area is not None and found.outside == found.images:
        if not shown.images_uri:
            raise area.touches_nothing(images)
        log.warning("%s", area.touches_nothing(images))  # what was inside may be gone, and leaves the layer
    return found


def _headers(
    todo: Sequence[tuple[SourceImage, DetectionReason]], dates: DatePattern, bands: Sequence[int]
) -> Iterator[PlannedScene | Skipped]:
    if not todo:
        return iter(())
    from components.plan_imagery.headers import read_headers  # GDAL and PROJ, where an image is new

    return read_headers(todo, dates, bands)


def _usable(headers: Iterator[PlannedScene | Skipped], mode: Mode) -> Iterator[PlannedScene | Skipped]:
    """Skip scenes too large for the network as one input before a GPU is requested for them."""
    for entry in headers:
        if isinstance(mode, RegionMode) and isinstance(entry, PlannedScene):
            reason = why_not(mode, entry.size)
            yield entry if reason is None else Skipped(entry.key, reason)
        else:
            yield entry


def _fill(
    headers: Iterator[PlannedScene | Skipped], total: int, pixels: int
) -> tuple[list[PlannedScene | Skipped], int]:
    """Open headers until a run is full.

    Returns:
        What was opened, as many scenes as have `pixels` together but one at least; and how many images remain.
    """
    opened: list[PlannedScene | Skipped] = []
    taken = 0
    for entry in progress(headers, total, "headers") if total else ():
        if isinstance(entry, PlannedScene):
            if taken and taken + entry.size.area > pixels:
                break
            taken += entry.size.area
        opened.append(entry)
    return opened, total - len(opened)


def _facts(scenes: Iterable[PlannedScene], scaling: Scaling) -> list[ImageFacts]:
    """What the images are like once they are imported."""
    found = [scene.facts for scene in scenes if scene.facts is not None]
    return [facts if facts.dtype == EIGHT_BITS else replace(facts, scaling=scaling.mode) for facts in found]


def _unlike(scenes: Iterable[PlannedScene]) -> list[str]:
    """What a catalogue says otherwise of its rasters than they do, in a sentence."""
    unlike = {scene.key: scene.unlike for scene in scenes if scene.unlike}
    if not unlike:
        return []
    fields = first_names(sorted({name for names in unlike.values() for name in names}))
    return [
        f"{len(unlike)} items say {fields} otherwise than their rasters do, which count ({first_names(list(unlike))}); "
        "correct the catalogue"
    ]


def counts(plan: Plan) -> dict[str, float]:
    """What a plan says in numbers, for metrics."""
    whys = [scene.why for scene in plan.scenes]
    return {
        **{why.value: whys.count(why) for why in DetectionReason},
        "remade": len(plan.remade),
        "done": plan.done,
        "waiting": plan.waiting,
        "retired": len(plan.retired),
        "skipped": len(plan.skipped),
        "postponed": plan.postponed,
        "outside": plan.outside,
        "megapixels": sum(scene.size.area for scene in plan.scenes if not scene.remade_from) / MEGA,
        "shards": plan.shards,
    }


def _log_plan(plan: Plan) -> None:
    log_skipped(plan.skipped, SHOWN, "the plan names")
    for warning in plan.warnings:
        log.warning("%s", warning)
    log.info(
        "%(new)d new, %(changed)d changed, %(redone)d redone (%(remade)d without the network), %(done)d done, "
        "%(waiting)d waiting, %(retired)d retired, "
        "%(skipped)d skipped; %(megapixels).1f megapixels for %(shards)d shards",
        counts(plan),
    )
    if plan.outside:
        log.info("%d images lie outside %s and stay as they are", plan.outside, plan.aoi_uri)
    if plan.postponed:
        log.info(
            "%d images are left to the next run, as this one is full; use more or larger shards to do more at once",
            plan.postponed,
        )
