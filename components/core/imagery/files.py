"""Which files are images."""

from __future__ import annotations

from components.core.storage import name_of, suffix_of

RASTER_SUFFIXES = frozenset((".tif", ".tiff", ".png", ".jpg", ".jpeg"))
"""In small letters; a file may have them in capitals."""


def is_raster(uri: str) -> bool:
    """Whether a file is an image by its name; hidden ones are none."""
    return suffix_of(uri).lower() in RASTER_SUFFIXES and not name_of(uri).startswith(".")
