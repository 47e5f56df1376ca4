"""Rows of the manifest that may be passed on as they are: reading and writing their items would give the same rows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.core.errors import DataError
from components.core.figures import Shape
from components.core.project.rows import SCHEMA, checked_uri, is_written_alike

Integers = npt.NDArray[np.int64]

TRANSFORM_NUMBERS = 6

_PLAIN_NAME = re.compile(r"[\w-][\w.-]*")
"""What decides on whether a URI is a place lies in front of such a name, so that one of a folder stands for all."""


def pass_through(rows: pa.Table) -> bool:
    """Whether rows may be passed on without an item made of any.

    That they may not is no fault: `item_of_row` says what is wrong with which, if anything. Objects that are no bitmaps
    are rare in large projects, and left to it. Of inline masks the bits themselves are not looked at.

    Args:
        rows: Of a manifest, whole rows.
    """
    if not rows.schema.equals(SCHEMA):
        return False
    batches = rows.combine_chunks().to_batches()
    return all(map(_pass_unread, batches))


def stand_in_for(uri: str) -> str:
    """A URI that is a place if, and only if, another one is; the same for most of the files of a folder."""
    folder, _, name = uri.rpartition("/")
    return f"{folder}/-" if folder.strip("/.") and _PLAIN_NAME.fullmatch(name) else uri


def _pass_unread(rows: pa.RecordBatch) -> bool:
    try:
        rows.validate(full=True)
    except pa.ArrowInvalid:
        return False
    columns = dict(zip(rows.schema.names, rows.columns, strict=True))
    if not _are_there(columns, "dataset", "name", "height", "width", "tags", "rasters", "objects"):
        return False
    heights, widths = _integers(columns["height"]), _integers(columns["width"])
    return (
        _is_all(pc.greater(pc.binary_length(columns["dataset"]), 0))
        and _is_all(pc.greater(pc.binary_length(columns["name"]), 0))
        and not _is_any(pc.match_substring(columns["dataset"], "/"))
        and bool((heights >= 0).all() and (widths >= 0).all())
        and columns["tags"].flatten().null_count == 0
        and _are_alike(columns["extra"])
        and _images_pass(columns["image"], heights, widths)
        and _rasters_pass(columns["rasters"])
        and _objects_pass(columns["objects"], heights, widths)
    )


def _images_pass(images: pa.StructArray, heights: Integers, widths: Integers) -> bool:
    there = np.asarray(images.is_valid())
    fields = _fields(images.drop_null())
    if not _are_there(fields, "uri", "height", "width", "recipe"):
        return False
    recipes = _fields(fields["recipe"])
    if not _are_there(recipes, *recipes) or not _are_places(fields["uri"]):
        return False
    box = _Box.of(recipes)
    transforms = fields["transform"].drop_null()
    return (
        box.lies_within(_integers(fields["height"]), _integers(fields["width"]))
        and bool((box.height == heights[there]).all() and (box.width == widths[there]).all())
        and transforms.flatten().null_count == 0
        and bool((_integers(pc.list_value_length(transforms)) == TRANSFORM_NUMBERS).all())
    )


def _rasters_pass(rasters: pa.ListArray) -> bool:
    values = rasters.flatten()
    fields = _fields(values)
    if values.null_count or not _are_there(fields, "role", "uri") or not _are_places(fields["uri"]):
        return False
    lists = rasters.filter(pc.greater(pc.list_value_length(rasters), 1)).to_pylist()
    roles = ([entry["role"] for entry in entries] for entries in lists)
    return all(sorted(set(several)) == several for several in roles)


def _objects_pass(objects: pa.ListArray, heights: Integers, widths: Integers) -> bool:
    values = objects.flatten()
    fields = _fields(values)
    if values.null_count or not _are_there(fields, "class", "tags", "shape", "top", "left", "height", "width", "area"):
        return False
    owners = np.repeat(np.arange(len(objects)), _integers(pc.list_value_length(objects)))
    box = _Box.of(fields)
    return (
        _is_all(pc.equal(fields["shape"], str(Shape.BITMAP)))
        and fields["rings"].null_count == len(values)
        and fields["tags"].flatten().null_count == 0
        and _are_alike(fields["extra"])
        and box.lies_within(heights[owners], widths[owners])
        and _masks_pass(fields, box.height, box.width)
    )


def _masks_pass(fields: dict[str, pa.Array], heights: Integers, widths: Integers) -> bool:
    """Whether each mask is either of a raster or inline, and of its object's size."""
    of_raster = np.asarray(fields["raster"].is_valid())
    inline = np.asarray(fields["bits"].is_valid())
    recipes = fields["recipe"]
    if (of_raster == inline).any() or (np.asarray(recipes.is_valid()) != of_raster).any():
        return False
    if np.asarray(fields["value"].is_valid())[inline].any() or not _are_places(fields["raster"].drop_null()):
        return False
    windows = _fields(recipes.drop_null())
    if not _are_there(windows, *windows):
        return False
    lengths = _integers(pc.binary_length(fields["bits"].drop_null()))
    return bool(
        (_integers(windows["height"]) == heights[of_raster]).all()
        and (_integers(windows["width"]) == widths[of_raster]).all()
        and (lengths == -(-heights[inline] * widths[inline] // 8)).all()
    )


class _Box(NamedTuple):
    """Windows, one a row."""

    top: Integers
    left: Integers
    height: Integers
    width: Integers

    @classmethod
    def of(cls, fields: dict[str, pa.Array]) -> _Box:
        """From columns of these names."""
        return cls(*(_integers(fields[name]) for name in cls._fields))

    def lies_within(self, heights: Integers, widths: Integers) -> bool:
        """Whether none is empty or leaves what is so high and so wide."""
        return bool(
            (self.top >= 0).all()
            and (self.left >= 0).all()
            and (self.height >= 1).all()
            and (self.width >= 1).all()
            and (self.top + self.height <= heights).all()
            and (self.left + self.width <= widths).all()
        )


def _fields(array: pa.StructArray) -> dict[str, pa.Array]:
    """A struct's fields; null where the struct is."""
    return dict(zip((field.name for field in array.type), array.flatten(), strict=True))


def _are_there(columns: dict[str, pa.Array], *names: str) -> bool:
    return all(columns[name].null_count == 0 for name in names)


def _integers(array: pa.Array) -> Integers:
    return np.asarray(array.to_numpy(zero_copy_only=False), np.int64)


def _is_all(array: pa.BooleanArray) -> bool:
    return bool(pc.all(array, min_count=0).as_py())


def _is_any(array: pa.BooleanArray) -> bool:
    return bool(pc.any(array, min_count=0).as_py())


def _are_places(uris: pa.StringArray) -> bool:
    """Whether each is the URI of a raster."""
    try:
        for uri in dict.fromkeys(map(stand_in_for, _texts(uris))):
            checked_uri(uri)
    except DataError:
        return False
    return True


def _are_alike(extras: pa.StringArray) -> bool:
    """Whether each JSON text, where there is one, is as it would be written."""
    return all(map(is_written_alike, _texts(extras.drop_null())))


def _texts(array: pa.StringArray) -> Iterable[str]:
    """The different texts."""
    texts: list[str] = pc.unique(array).to_pylist()
    return texts
