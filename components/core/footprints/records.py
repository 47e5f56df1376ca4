"""What a footprint is: the columns of its row, and the rules by which it is made."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from components.core.errors import ConfigError
from components.core.figures import Shape
from components.core.footprints.stitching import FirstPixel
from components.core.footprints.tolerance import DEFAULT, Tolerance
from components.core.hashing import digest
from components.core.project import Project

GEOMETRY = "geometry"

MAP_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("class", pa.string()),
        ("area_m2", pa.float64()),
        ("area_px", pa.int64()),
        ("confidence", pa.float64()),
        ("status", pa.string()),
        ("source", pa.string()),
        (GEOMETRY, pa.binary()),
    ]
)
"""Columns of a layer in map coordinates; the geometry is WKB, `status` what regularisation did with it."""

PIXEL_COORDINATES = "pixels of the source image: x to the right, y down from its upper left corner"

PIXEL_SCHEMA = MAP_SCHEMA.insert(len(MAP_SCHEMA) - 1, pa.field("coordinates", pa.string()))
"""Columns of a layer in pixel coordinates, which says so in every row."""

TOUCHES_EDGE = "touches_edge"
"""A further column of a scene's rows: whether the object meets the scene's border and may go on beyond it."""

OUTLINE = "outline_px"
"""Another one: the exact outline, in pixels of the image, of an object that meets its border, as WKB. Where a tile of
the same grid lies beyond, the object is joined with what that shows of it, before either is simplified. An object that
touches others has a collection: its outline, the walls that it shares along the pixels, and these as they are drawn."""

ID_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class FootprintRules:
    """Which objects are published, and how.

    Attributes:
        class_title: Their class.
        tolerance: Of simplification; metres count in scenes with a CRS.
        min_area_m2: Smaller objects are left out, in scenes with a CRS; what a tile's border cuts counts as a whole.
        regularise: Whether outlines get right angles and ones of 45°, or become circles, where they nearly are.
    """

    class_title: str = "untitled_dl"
    tolerance: Tolerance = DEFAULT
    min_area_m2: float = 0.0
    regularise: bool = False


def scene_schema(on_map: bool) -> pa.Schema:
    """Columns of a scene's rows: those of its layer, `TOUCHES_EDGE` and `OUTLINE` before the geometry."""
    schema = MAP_SCHEMA if on_map else PIXEL_SCHEMA
    for field in (pa.field(TOUCHES_EDGE, pa.bool_()), pa.field(OUTLINE, pa.binary())):
        schema = schema.insert(len(schema) - 1, field)
    return schema


def footprint_id(source: str, place: FirstPixel) -> str:
    """A stable name of an object: a digest of its image's name and the object's first pixel.

    The same image split again gives the same names, in whatever order and in whatever parts. Objects of one image
    have different first pixels unless they overlap; then a running number distinguishes them.
    """
    parts = [str(place.row), str(place.column)] + ([str(place.copy)] if place.copy else [])
    return digest(source, *parts)[:ID_CHARACTERS]


def check_class(project: Project, title: str) -> None:
    """See that a project's objects can become footprints.

    Raises:
        ConfigError: If it has no such class, or one that is not of bitmaps.
    """
    known = project.meta.find(title)
    if known is None:
        raise ConfigError(
            f"class_title: {title!r} is not a class of {project.place}; its classes are "
            f"{', '.join(project.meta.titles) or 'none'}"
        )
    if known.shape is not Shape.BITMAP:
        raise ConfigError(f"class_title: {title!r} holds {known.shape}s; footprints are made of a class of bitmaps")
