"""Options of imagery: how a run reads what it is given, beside where that lies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from components.core.documents.vector_file import one_vector_file
from components.core.errors import ConfigError
from components.core.imagery.bands import MOST_BANDS
from components.core.imagery.scaling import PERCENTILE, Scaling
from components.core.settings import check_document, file_of, naming_file, read_document

WHERE = "images_options"


def bands_kept(bands: str, assets: Sequence[str]) -> str:
    """Which bands the import keeps: those that are named by their numbers, else one for each of several assets.

    Args:
        bands: The parameter.
        assets: The option.
    """
    return bands or (",".join(str(number + 1) for number in range(len(assets))) if len(assets) > 1 else "")


def _different_names(names: list[str]) -> list[str]:
    """Names of assets.

    Raises:
        ValueError: If one is empty or comes twice, or there are more than a network has bands.
    """
    if len(set(names)) < len(names) or not all(names) or len(names) == 2 or len(names) > MOST_BANDS:
        raise ValueError(
            f"give one name, or from three to {MOST_BANDS} different ones for red, green and blue and further bands"
        )
    return names


class _Images(BaseModel):
    """What holds of both."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @field_validator("aoi_uri", check_fields=False)
    @classmethod
    def _is_one_file(cls, uri: str) -> str:
        return one_vector_file(uri)

    @field_validator("assets", check_fields=False)
    @classmethod
    def _are_names(cls, names: list[str]) -> list[str]:
        return _different_names(names)


class DetectionImages(_Images):
    """Options of the imagery of a detection; all may be left out."""

    captured_pattern: str = ""
    """Regular expression that finds the day of capture in keys, with the named groups year, month and day, and wins
    over metadata; empty for forms such as 2026-11-22, none for none."""

    scaling: str = PERCENTILE
    """How more than 8 bits become 8: percentile, full, or LOW,HIGH."""

    aoi_uri: str = ""
    """A vector file of the area of interest, in any CRS, perhaps with `|layername=NAME` behind it: images outside are
    left as they are, and of those on its border what lies in it is detected. Empty for all imagery."""

    assets: list[str] = Field(default=[])
    """Of a STAC catalogue: name or role of the asset that is an item's image; or of several, one for each band, such as
    ["red", "green", "blue"], which may be bands' names and common names, too. Empty for an item's one raster."""

    @field_validator("scaling")
    @classmethod
    def _can_be_parsed(cls, text: str) -> str:
        try:
            Scaling.parse(text)
        except ConfigError as error:
            raise ValueError(str(error).removeprefix(f"scaling: {text!r} ")) from error
        return text


class TrainingImages(_Images):
    """Options of the imagery of a training; all may be left out."""

    allow_unpaired: bool = False
    """Whether images without a mask, where others have one, show no building; else they are refused. Images that no
    label of a common file touches show none either; else, where no labelled area says that somebody looked, they are
    unlabelled."""

    aoi_uri: str = ""
    """A vector file of the area of interest, in any CRS, perhaps with `|layername=NAME` behind it: images outside are
    left out, and of those on its border what lies outside is unlabelled. Empty for all imagery."""

    assets: list[str] = Field(default=[])
    """Of a STAC catalogue: name or role of the asset that is an item's image; or of several, one for each band, such as
    ["red", "green", "blue"], which may be bands' names and common names, too. Empty for an item's one raster."""


Options = TypeVar("Options", DetectionImages, TrainingImages)


def load_options(kind: type[Options], source: str | Path | Mapping[str, Any]) -> Options:
    """Check the options of imagery.

    Args:
        kind: Which.
        source: JSON text, the path of a JSON file, or the parsed document; empty for the defaults.

    Raises:
        ConfigError: If it cannot be read, a key is unknown, or a value breaks its rule.
    """
    if not source:
        return kind()
    document = read_document(source, WHERE) if isinstance(source, str | Path) else source
    with naming_file(source):
        return check_document(kind, document, WHERE)


def with_flags(source: str, **given: Any) -> str:
    """Options with what flags say beside them.

    Args:
        source: JSON text or the path of a JSON file; empty for none.
        given: What flags say, by key; what is empty or false is not given.

    Returns:
        JSON text; `source` itself where no flag is given.

    Raises:
        ConfigError: If it cannot be read, or both say the same key.
    """
    said = {key: value for key, value in given.items() if value}
    if not said:
        return source
    document = read_document(source, WHERE) if source.strip() else {}
    if not isinstance(document, dict):
        raise ConfigError(f"{file_of(source) or WHERE}: is JSON, but not an object {{…}}; give one, or flags alone")
    for key in said.keys() & document.keys():
        raise ConfigError(f"{WHERE}: {key}: is given beside the flag --{key.replace('_', '-')}; give one of the two")
    return json.dumps({**document, **said})
