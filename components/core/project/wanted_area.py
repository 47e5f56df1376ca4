"""Scenes of which only an area is wanted: what an input item's `extra` says of it, beside which rows are."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace

from components.core.errors import DataError
from components.core.figures.centre_rule import Rings
from components.core.project.item import Item

WANTED_AREA = "wanted_area"
"""Key of an input item's `extra`: the area in pixels of the whole scene, WKB in (row, column), as base64. Pixels whose
centres lie outside are like pixels without data."""


def with_wanted_area(item: Item, polygons: bytes) -> Item:
    """The same item, of which an area is to be annotated; the whole of it where that is empty."""
    if not polygons:
        return item
    return replace(item, extra={**item.extra, WANTED_AREA: base64.b64encode(polygons).decode("ascii")})


def area_text(item: Item) -> str:
    """What says the area of an item; empty for all of it."""
    return str(item.extra.get(WANTED_AREA, ""))


def wanted_area(item: Item) -> tuple[Rings, ...] | None:
    """The area of an item that is to be annotated; None for all of it.

    Raises:
        DataError: If what it says is no area.
    """
    text = area_text(item)
    if not text:
        return None
    from components.core.vectors.area import rings_of  # GDAL and PROJ, for items that have an area

    try:
        return rings_of(base64.b64decode(text, validate=True))
    except (binascii.Error, DataError) as error:
        raise DataError(f"{item.key}: {WANTED_AREA}: is no area in its pixels ({error}); import it again") from error
