"""Files that the whole layer of a collection can be published as, beside GeoParquet."""

from __future__ import annotations

from enum import StrEnum

from components.core.errors import ConfigError


class LayerFormat(StrEnum):
    """By the file's suffix."""

    GPKG = "gpkg"
    GEOJSONL = "geojsonl"
    FGB = "fgb"
    PMTILES = "pmtiles"


def formats_of_text(text: str) -> list[LayerFormat]:
    """Formats that are given separated by commas; none for an empty text.

    Raises:
        ConfigError: If one is not known.
    """
    named = [name.strip() for name in text.split(",") if name.strip()]
    for name in named:
        if name not in list(LayerFormat):
            raise ConfigError(f"formats: {name!r} is not one of {', '.join(LayerFormat)}")
    return [LayerFormat(name) for name in dict.fromkeys(named)]
