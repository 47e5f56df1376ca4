"""Parameters of planning: numbers, words, and settings in one form."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from components.core.collection.plan import SHARD_MEGAPIXELS, DetectionSettings
from components.core.errors import ConfigError
from components.core.faults import Faults
from components.core.footprints.tolerance import Tolerance
from components.core.imagery.bands import bands_of_text
from components.core.preflight.numbers import check_max_shards
from components.core.settings import read_document

REDO_CHANGED = "changed"
REDO_ALL = "all"


def check_numbers(redo: str, shard_megapixels: float, max_shards: int) -> None:
    """See that what decides on the amount of work makes sense.

    Raises:
        ConfigError: If it does not.
    """
    faults = Faults()
    if redo not in (REDO_CHANGED, REDO_ALL):
        faults.add(
            f"redo: {redo!r} is not known; use {REDO_CHANGED} to keep scenes of another model or other settings, "
            f"or {REDO_ALL} to detect them again"
        )
    if not (shard_megapixels > 0 and math.isfinite(shard_megapixels)):
        faults.add(
            f"shard_megapixels: {shard_megapixels} is not a size above 0; {SHARD_MEGAPIXELS:g} keeps a GPU busy "
            "for minutes"
        )
    with faults.caught():
        check_max_shards(max_shards)
    faults.raise_any()


def check_footprints(settings: DetectionSettings) -> None:
    """Check the settings of footprints.

    Raises:
        ConfigError: If they cannot.
    """
    faults = Faults()
    if not settings.class_title:
        faults.add("class_title: is empty; give the class that becomes footprints, such as untitled_dl")
    with faults.caught():
        Tolerance.parse(settings.tolerance)
    if not (settings.min_area_m2 >= 0 and math.isfinite(settings.min_area_m2)):
        faults.add(f"min_area_m2: {settings.min_area_m2} is not a number of 0 or more; use 0 for none")
    faults.raise_any()


def check_settings(settings: DetectionSettings) -> DetectionSettings:
    """The same settings in one form, however they were given: documents as JSON text, areas as floats.

    Raises:
        ConfigError: If a document is not JSON of its kind, or a number breaks its rule.
    """
    check_footprints(settings)
    return replace(
        settings,
        inference_config=_document(settings.inference_config, "inference_config", dict, "an object {…}"),
        split_masks_query=_document(settings.split_masks_query, "split_masks_query", list, "a list of actions […]"),
        tolerance=str(Tolerance.parse(settings.tolerance)),
        min_area_m2=float(settings.min_area_m2),
        bands=",".join(map(str, bands_of_text(settings.bands))),
    )


def _document(source: str, where: str, kind: type, what: str) -> str:
    """JSON text of a document that is given as such or as a file; empty stays empty, for the stage's default."""
    if not source.strip():
        return ""
    document = read_document(source, where)
    if not isinstance(document, kind):
        raise ConfigError(f"{where}: is JSON, but not {what}; give one, or leave it empty for the default")
    return json.dumps(document, ensure_ascii=False)
