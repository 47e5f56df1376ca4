"""Masks made ready for windowed reading: left where they are, or rewritten as 0 and 255; read in full either way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
import rasterio

from components.core.geometry import Window
from components.core.imagery.masks import MaskRaster
from components.core.imagery.reading import RasterInfo
from components.core.imagery.writing import RasterProfile, raster_writer
from components.core.storage import StoredObject
from components.import_images.mask_codes import Codes, MaskForm, form_of, read_codes
from components.import_images.mask_meaning import Meaning, meaning_of
from components.import_images.mask_remarks import Remark
from components.import_images.mask_survey import MaskScan, MaskSurvey, Scanner
from components.import_images.rasters import bands_of, read_rows
from components.import_images.rewriting import finished_tags, opened, rewritten_uri
from components.import_images.task import ImportOutcome, SceneTask

MEANING = "2"
"""Part of the digest of rewritten masks: another number where the same values mean something else."""

REMARKS_TAG = "FOOTPRINTS_REMARKS"

BUILDING, UNLABELLED = 255, 1
"""Values of a rewritten mask beside 0."""


@dataclass(frozen=True, slots=True)
class MaskPart:
    """Pixels of a mask with one meaning: where they are read, and where they lie."""

    raster: MaskRaster
    scan: MaskScan


@dataclass(frozen=True, slots=True)
class ReadyMask:
    """A mask that can be read by window.

    Attributes:
        building: What is building.
        unlabelled: What nobody labelled; None where that is nothing.
        outcome: What became of the file.
        remarks: What the user should know of it.
    """

    building: MaskPart
    unlabelled: MaskPart | None
    outcome: ImportOutcome
    remarks: tuple[Remark, ...]


def ready_mask(source: StoredObject, task: SceneTask) -> ReadyMask:
    """Leave a mask where it is, or rewrite it; read it all in either case.

    Raises:
        DataError: If it is broken, or no mask.
        StorageError: If it cannot be read, or the rewritten one cannot be written.
    """
    with opened(source) as (dataset, info):
        target = rewritten_uri(source, task, "masks", MEANING, repr(task.mask_values))
        tags = finished_tags(target, info.size)
        if tags is not None and REMARKS_TAG in tags:
            return _reused(target, tags[REMARKS_TAG])
        form = form_of(dataset, info, source.uri)
        if form.nodata in task.mask_values.building.numbers:
            form = replace(form, nodata=None)  # what the user says goes before what the file declares
        survey = MaskSurvey(form)
        for rows, codes in _rows(dataset, source.uri, info, form):
            survey.add(rows, codes)
        meaning = meaning_of(source.uri, form, survey, task.mask_values)
        stays = _stays(source.uri, form, survey, meaning) if info.is_tiled else None
        if stays is not None:
            return _kept(dataset, source.uri, info, form, survey, meaning, stays)
        return _rewritten(dataset, source.uri, info, form, meaning, target)


def _rows(
    dataset: rasterio.DatasetReader, uri: str, info: RasterInfo, form: MaskForm
) -> Iterator[tuple[Window, Codes]]:
    for rows in bands_of(info):
        yield rows, read_codes(dataset, uri, rows, form)


@dataclass(frozen=True, slots=True)
class _InPlace:
    """A mask as it lies: what is building in it, and what is not labelled."""

    building: MaskRaster
    unlabelled: MaskRaster | None


def _stays(uri: str, form: MaskForm, survey: MaskSurvey, meaning: Meaning) -> _InPlace | None:
    """How a mask is read as it is stored; None where its values must be rewritten."""
    if form.is_colour or form.white is not None or meaning.is_rounded or survey.transparent or survey.has_many:
        return None
    present = survey.counts.keys()
    above = {value for value in present if value > 0}
    ignored = present & set(meaning.ignored)
    members = (above if meaning.members is None else present & set(meaning.members)) - ignored
    gaps = survey.unlabelled and not meaning.gaps_are_ground
    none = [form.nodata] if gaps and not form.has_mask and form.nodata is not None else []
    if (gaps and not none) or (survey.unlabelled and form.dtype.kind == "f"):
        return None
    if not gaps and members == above:
        building = MaskRaster(uri)
    elif not members and not above and not ignored:
        building = MaskRaster(uri, BUILDING)
    elif len(members) == 1 and _is_value(form, members):
        building = MaskRaster(uri, int(next(iter(members))))
    else:
        return None
    silent = {*ignored, *none}
    if not silent:
        return _InPlace(building, None)
    if len(silent) > 1 or not _is_value(form, silent):
        return None
    return _InPlace(building, MaskRaster(uri, int(next(iter(silent)))))


def _is_value(form: MaskForm, values: set[float]) -> bool:
    """Whether the manifest can name a value."""
    return form.dtype.kind in "iu" and max(values) <= np.iinfo(np.int32).max


def _kept(
    dataset: rasterio.DatasetReader,
    uri: str,
    info: RasterInfo,
    form: MaskForm,
    survey: MaskSurvey,
    meaning: Meaning,
    stays: _InPlace,
) -> ReadyMask:
    if stays == _InPlace(MaskRaster(uri), None):
        return ReadyMask(MaskPart(stays.building, survey.above_zero()), None, ImportOutcome.KEPT, meaning.remarks)
    building, silent = Scanner(), Scanner()
    for rows, codes in _rows(dataset, uri, info, form):
        building.add(rows, meaning.building(codes))
        _add(silent, rows, meaning.unlabelled(codes))
    return ReadyMask(
        MaskPart(stays.building, building.result()),
        None if stays.unlabelled is None else MaskPart(stays.unlabelled, silent.result()),
        ImportOutcome.KEPT,
        meaning.remarks,
    )


def _rewritten(
    dataset: rasterio.DatasetReader, uri: str, info: RasterInfo, form: MaskForm, meaning: Meaning, target: str
) -> ReadyMask:
    building, silent = Scanner(), Scanner()
    tags = {REMARKS_TAG: json.dumps([asdict(remark) for remark in meaning.remarks])}
    profile = RasterProfile(size=info.size, crs=info.crs, transform=info.transform, compress="deflate", tags=tags)
    with raster_writer(target, profile) as writer:
        for rows, codes in _rows(dataset, uri, info, form):
            where = meaning.building(codes)
            building.add(rows, where)
            labels = where.view(np.uint8) * np.uint8(BUILDING)
            unlabelled = meaning.unlabelled(codes)
            _add(silent, rows, unlabelled)
            if unlabelled is not None:
                labels[unlabelled] = UNLABELLED
            writer.write(labels)
    return _ready(target, building.result(), silent.result(), ImportOutcome.REWRITTEN, meaning.remarks)


def _reused(target: str, remarks_json: str) -> ReadyMask:
    building, silent = Scanner(), Scanner()
    with opened(target) as (dataset, info):
        for rows in bands_of(info):
            labels = read_rows(dataset, target, rows, (1,))[0]
            building.add(rows, labels == BUILDING)
            silent.add(rows, labels == UNLABELLED)
    remarks = tuple(Remark(**entry | {"values": tuple(entry["values"])}) for entry in json.loads(remarks_json))
    return _ready(target, building.result(), silent.result(), ImportOutcome.REUSED, remarks)


def _ready(
    uri: str, building: MaskScan, silent: MaskScan, outcome: ImportOutcome, remarks: tuple[Remark, ...]
) -> ReadyMask:
    """A rewritten mask, which is read by value only where that is needed."""
    if silent.box is None:
        return ReadyMask(MaskPart(MaskRaster(uri), building), None, outcome, remarks)
    values = MaskRaster(uri, BUILDING), MaskRaster(uri, UNLABELLED)
    return ReadyMask(MaskPart(values[0], building), MaskPart(values[1], silent), outcome, remarks)


def _add(scanner: Scanner, rows: Window, pixels: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] | None) -> None:
    if pixels is not None:
        scanner.add(rows, pixels)
