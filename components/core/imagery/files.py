"""Which files are images."""

from __future__ import annotations

RASTER_SUFFIXES = (".jpeg", ".jpg", ".png", ".tif", ".tiff")
"""In small letters; a file may have them in capitals."""

NOT_TEXT = "its name is not valid UTF-8, so that nothing can be named after it or refer to it; rename it"
"""Why such a file is left out."""


def is_raster(uri: str) -> bool:
    """Whether a file is an image by its name; hidden ones are none."""
    name = uri.rpartition("/")[2]
    return not name.startswith(".") and name.lower().endswith(RASTER_SUFFIXES)
