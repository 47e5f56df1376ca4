"""Items as rows of the manifest's Parquet parts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from components.core.errors import DataError, StorageError
from components.core.figures import (
    Bitmap,
    Figure,
    InlineMask,
    Line,
    Mask,
    Point,
    Polygon,
    RasterMask,
    Rectangle,
    Shape,
    Vertices,
    vertices,
)
from components.core.geometry import Size, Window
from components.core.imagery.masks import MaskRaster
from components.core.imagery.operations_text import operations_of_text, text_of_operations
from components.core.imagery.recipe import Recipe
from components.core.json_text import parse_json
from components.core.project.item import ImageRef, Item, Object
from components.core.storage.uris import parse_uri

if TYPE_CHECKING:
    from affine import Affine

_RECIPE = pa.struct(
    [
        ("top", pa.int32()),
        ("left", pa.int32()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("left_right", pa.bool_()),
        ("up_down", pa.bool_()),
    ]
)

_IMAGE = pa.struct(
    [
        ("uri", pa.string()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("recipe", _RECIPE),
        ("crs", pa.string()),
        ("transform", pa.list_(pa.float64())),
    ]
)

_OBJECT = pa.struct(
    [
        ("class", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("description", pa.string()),
        ("extra", pa.string()),
        ("shape", pa.string()),
        ("top", pa.int32()),
        ("left", pa.int32()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("area", pa.int64()),
        ("bits", pa.binary()),
        ("raster", pa.string()),
        ("value", pa.int32()),
        ("recipe", _RECIPE),
        ("rings", pa.list_(pa.list_(pa.float64()))),
    ]
)

SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("name", pa.string()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("image", _IMAGE),
        ("tags", pa.list_(pa.string())),
        ("description", pa.string()),
        ("extra", pa.string()),
        ("rasters", pa.list_(pa.struct([("role", pa.string()), ("uri", pa.string())]))),
        ("objects", pa.list_(_OBJECT)),
    ]
)
"""One row an item. `bits` holds small masks (eight pixels a byte); `raster`, `value` and `recipe` say where large
ones are read; `rings` holds vectors as flat (row, column) pairs, the exterior first."""

BY_CENTRES = "polygon by centres"
"""What `shape` says of polygons whose pixels are those with their centres inside."""

OPERATIONS = "operations"

SCHEMA_WITH_OPERATIONS = SCHEMA.append(pa.field(OPERATIONS, pa.string()))
"""The same with what is done to the pixels of an image after its recipe's window and flips, where that is anything."""

Row = dict[str, Any]


def row_of_item(item: Item) -> Row:
    """The manifest's row of an item; `operations` is left out where nothing but window and flips makes its image."""
    operations = None if item.image is None else text_of_operations(item.image.recipe.operations)
    return {
        **({} if operations is None else {OPERATIONS: operations}),
        "dataset": item.dataset,
        "name": item.name,
        "height": item.size.height,
        "width": item.size.width,
        "image": None if item.image is None else _row_of_image(item.image),
        "tags": list(item.tags),
        "description": item.description,
        "extra": _text(item.extra),
        "rasters": [{"role": role, "uri": uri} for role, uri in sorted(item.rasters.items())],
        "objects": [_row_of_object(entry) for entry in item.objects],
    }


def item_of_row(row: Row) -> Item:
    """The item of a manifest's row.

    Raises:
        DataError: If the row says what is true of no item, or refers to a raster by what is no place in a store.
    """
    try:
        item = _item_of_row(row)
        _check(item)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        label = f"{row.get('dataset')}/{row.get('name')}"
        raise DataError(
            f"item {label!r}: its row in the project is broken ({error}); write the project again"
        ) from error
    return item


def _item_of_row(row: Row) -> Item:
    return Item(
        dataset=row["dataset"],
        name=row["name"],
        size=Size(row["height"], row["width"]),
        image=_image_of_row(row["image"], row.get(OPERATIONS)),
        tags=tuple(row["tags"]),
        description=row["description"],
        objects=tuple(_object_of_row(entry) for entry in row["objects"]),
        rasters={entry["role"]: checked_uri(entry["uri"]) for entry in row["rasters"]},
        extra=_mapping(row["extra"]),
    )


def _check(item: Item) -> None:
    """See that sizes and places fit each other.

    Raises:
        ValueError: If they do not.
    """
    for name in (item.dataset, item.name):
        if not isinstance(name, str) or not name:
            raise ValueError(f"{name!r} is not a name")
    if item.size.height < 0 or item.size.width < 0:
        raise ValueError(f"a size of {item.size} px")
    if item.image is not None:
        window, raster = item.image.recipe.window, item.image.size
        if (
            not Window.of_size(raster).contains(window)
            or min(window.height, window.width) < 1
            or item.image.recipe.size != item.size
        ):
            raise ValueError(f"{item.size} px made of the window of {window} in a raster of {raster} px")
    for entry in item.objects:
        if isinstance(entry.figure, Bitmap) and not Window.of_size(item.size).contains(entry.figure.window):
            raise ValueError(f"a bitmap at {entry.figure.window} in an item of {item.size} px")


def _text(extra: Mapping[str, Any]) -> str | None:
    return json.dumps(extra, ensure_ascii=False) if extra else None


def _mapping(text: str | None) -> dict[str, Any]:
    return parse_json(text) if text else {}


def is_written_alike(extra: str) -> bool:
    """Whether the text of an item's or object's further keys is as it would be written again."""
    try:
        return _text(_mapping(extra)) == extra
    except ValueError:
        return False


def _row_of_image(image: ImageRef) -> Row:
    return {
        "uri": image.uri,
        "height": image.size.height,
        "width": image.size.width,
        "recipe": image.recipe.as_row(),
        "crs": image.crs,
        "transform": None if image.transform is None else list(image.transform)[:6],
    }


def _image_of_row(row: Row | None, operations: str | None) -> ImageRef | None:
    if row is None:
        if operations is not None:
            raise ValueError("operations on the pixels of no image")
        return None
    transform = None if row["transform"] is None else _transform_of(row["transform"])
    recipe = Recipe.of_row(row["recipe"])
    if operations is not None:
        recipe = replace(recipe, operations=operations_of_text(operations))
    return ImageRef(checked_uri(row["uri"]), Size(row["height"], row["width"]), recipe, row["crs"], transform)


def _transform_of(numbers: Iterable[float]) -> Affine:
    from affine import Affine  # not for rows that are passed on unread

    return Affine(*numbers)


@lru_cache(maxsize=4096)
def checked_uri(uri: str) -> str:
    """The URI of a raster, if it is one: a manifest may come from anywhere."""
    try:
        parse_uri(uri)
    except StorageError as error:
        raise DataError(f"a raster of a project's item: {error}") from error
    return uri


def _row_of_object(entry: Object) -> Row:
    return {
        "class": entry.class_title,
        "tags": list(entry.tags),
        "description": entry.description,
        "extra": _text(entry.extra),
        "shape": _shape_text(entry.figure),
        **_row_of_figure(entry.figure),
    }


def _object_of_row(row: Row) -> Object:
    return Object(row["class"], _figure_of_row(row), tuple(row["tags"]), row["description"], _mapping(row["extra"]))


def _shape_text(figure: Figure) -> str:
    return BY_CENTRES if isinstance(figure, Polygon) and figure.by_centres else str(figure.shape)


def _row_of_figure(figure: Figure) -> Row:
    if isinstance(figure, Bitmap):
        size = figure.mask.size
        box = {"top": figure.top, "left": figure.left, "height": size.height, "width": size.width}
        return {**box, "area": figure.mask.area, **_row_of_mask(figure.mask)}
    if isinstance(figure, Polygon):
        return {"rings": [ring.ravel() for ring in (figure.exterior, *figure.interiors)]}
    if isinstance(figure, Line):
        return {"rings": [figure.points.ravel()]}
    if isinstance(figure, Rectangle):
        return {"rings": [[figure.top, figure.left, figure.bottom, figure.right]]}
    if isinstance(figure, Point):
        return {"rings": [[figure.row, figure.column]]}
    raise TypeError(f"no manifest form for {type(figure).__name__}")


def _row_of_mask(mask: Mask) -> Row:
    if isinstance(mask, RasterMask):
        return {"raster": mask.raster.uri, "value": mask.raster.value, "recipe": mask.recipe.as_row()}
    return {"bits": np.packbits(mask.pixels()).tobytes()}


def _figure_of_row(row: Row) -> Figure:
    by_centres = row["shape"] == BY_CENTRES
    shape = Shape.POLYGON if by_centres else Shape(row["shape"])
    if shape is Shape.BITMAP:
        return Bitmap(row["top"], row["left"], _mask_of_row(row))
    rings: list[Vertices] = [vertices(ring) for ring in row["rings"]]
    if shape is Shape.POLYGON:
        return Polygon(rings[0], tuple(rings[1:]), by_centres)
    if shape is Shape.LINE:
        return Line(rings[0])
    if shape is Shape.RECTANGLE:
        return Rectangle.of_corners(rings[0])
    return Point(float(rings[0][0, 0]), float(rings[0][0, 1]))


def _mask_of_row(row: Row) -> Mask:
    size = Size(row["height"], row["width"])
    if size.height < 1 or size.width < 1:
        raise ValueError(f"a bitmap of {size} px")
    if row["raster"] is not None:
        mask = RasterMask(
            MaskRaster(checked_uri(row["raster"]), row["value"]), Recipe.of_row(row["recipe"]), row["area"]
        )
        if mask.size != size:
            raise ValueError(f"a bitmap of {size} px made of a window of {mask.size} px")
        return mask
    if len(row["bits"]) != -(-size.area // 8):
        raise ValueError(f"{len(row['bits'])} bytes for a bitmap of {size} px")
    return InlineMask.unpacked(size, row["bits"])
