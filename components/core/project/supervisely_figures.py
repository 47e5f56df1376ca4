"""Figures in the Supervisely format: packed PNGs, and points as (x, y)."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.figures import (
    Bitmap,
    Figure,
    Line,
    Point,
    Polygon,
    Rectangle,
    Shape,
    Vertices,
    vertices,
)
from components.core.figures.row_bands import as_bitmap
from components.core.geometry import Size

FARTHEST = 2**30
"""Of coordinates, in pixels: drawing counts in 32 bits."""

PIXEL_RULE, CENTRES = "pixelRule", "centres"
"""Key of polygons whose pixels are those with their centres inside, and its value; the format itself knows no such."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_COLOR_TYPE_BYTE = 25
PNG_SIZE_BYTES = (20, 16)
"""Where height and width stand."""

MOST_PNG_BYTES = 64 << 20
MOST_PIXELS = 1 << 28
"""Of one object's bitmap; a few hundred bytes may unpack to any number."""

PNG_TRUE_COLOR = 2


def pack_png(pixels: npt.NDArray[np.bool_]) -> str:
    """(H, W) bool as base64 of zlib of a 1-bit PNG."""
    import cv2  # which only projects without a manifest need

    _, png = cv2.imencode(".png", pixels.view(np.uint8) * np.uint8(255), [cv2.IMWRITE_PNG_BILEVEL, 1])
    return base64.b64encode(zlib.compress(png.tobytes())).decode("ascii")


def unpack_png(text: str, place: str) -> npt.NDArray[np.bool_]:
    """(H, W) bool of base64 of zlib of a PNG; alpha decides where there is one.

    Raises:
        DataError: If it is not a PNG, a very large one, or one of three colour channels, which says nothing of a mask.
    """
    import cv2

    try:
        unpacker = zlib.decompressobj()
        png = unpacker.decompress(base64.b64decode(text, validate=True), MOST_PNG_BYTES)
        if unpacker.unconsumed_tail:
            raise DataError(
                f"{place}.data: unpacks to more than {MOST_PNG_BYTES >> 20} MiB; keep such masks as rasters"
            )
        if not unpacker.eof:
            raise ValueError("the data are truncated")
    except (binascii.Error, zlib.error, TypeError, ValueError) as error:
        raise DataError(f"{place}.data: is not base64 of zlib of a PNG ({error}); export the object again") from error
    height, width = (int.from_bytes(png[start : start + 4], "big") for start in PNG_SIZE_BYTES)
    if height * width > MOST_PIXELS:
        raise DataError(
            f"{place}.data: is a PNG of {height}×{width} px, and an object has {MOST_PIXELS} at most; keep such "
            "masks as rasters"
        )
    if png[PNG_COLOR_TYPE_BYTE : PNG_COLOR_TYPE_BYTE + 1] == bytes([PNG_TRUE_COLOR]):
        raise DataError(
            f"{place}.data: the PNG has three colour channels; a mask is 1-bit, grey or has an alpha channel"
        )
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED) if png else None
    if pixels is None or not png.startswith(PNG_SIGNATURE):
        raise DataError(f"{place}.data: is not a PNG; export the object again")
    if pixels.ndim == 3:
        pixels = pixels[:, :, 3] if pixels.shape[2] == 4 else pixels.max(axis=2)
    return np.asarray(pixels > 0, np.bool_)


def figure_of_json(entry: dict[str, Any], shape: Shape, place: str) -> Figure | None:
    """The figure of an object, as it is written; None where too few points make none.

    Args:
        entry: The object.
        shape: Of its class, which decides how it is read.
        place: Of the object, for messages.

    Raises:
        DataError: If the geometry cannot be read.
    """
    if shape is Shape.BITMAP:
        return _bitmap_of_json(entry.get("bitmap"), f"{place}.bitmap")
    points = entry.get("points")
    if not isinstance(points, dict):
        raise DataError(f"{place}.points: {points!r} is not an object with `exterior`; class shape is {shape}")
    exterior = _ring_of_json(points.get("exterior"), f"{place}.points.exterior")
    if shape is Shape.POLYGON:
        holes = points.get("interior") or ()
        if not isinstance(holes, list | tuple):
            raise DataError(f"{place}.points.interior: {holes!r} is not a list of rings; fix it")
        rings = [_ring_of_json(hole, f"{place}.points.interior[{index}]") for index, hole in enumerate(holes)]
        return Polygon(exterior, tuple(ring for ring in rings if len(ring)), entry.get(PIXEL_RULE) == CENTRES)
    if shape is Shape.LINE:
        return Line(exterior)
    if shape is Shape.RECTANGLE:
        return Rectangle.of_corners(exterior[:2]) if len(exterior) >= 2 else None
    return Point(float(exterior[0, 0]), float(exterior[0, 1])) if len(exterior) else None


def figure_of_any_shape(entry: dict[str, Any], size: Size, place: str) -> Bitmap | None:
    """The figure of an object of a class of any shape, as the pixels that it covers; None where these are none.

    Args:
        entry: The object, which says its shape: bitmap, polygon or rectangle.
        size: Of the image, in pixels.
        place: Of the object, for messages.

    Raises:
        DataError: If the geometry cannot be read.
    """
    figure = figure_of_json(entry, Shape(str(entry.get("geometryType", entry.get("type")))), place)
    return None if figure is None else as_bitmap(figure, size)


def _bitmap_of_json(data: Any, place: str) -> Bitmap | None:
    if not isinstance(data, dict) or "data" not in data:
        raise DataError(f"{place}: {data!r} is not an object with `origin` and `data`; the class's shape is bitmap")
    origin = _ring_of_json([data.get("origin")], f"{place}.origin")
    return Bitmap.of_pixels(unpack_png(data["data"], place), round(float(origin[0, 0])), round(float(origin[0, 1])))


def _ring_of_json(points: Any, place: str) -> Vertices:
    try:
        ring = vertices([(y, x) for x, y in points or ()])
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{place}: {points!r} is not a list of [x, y]") from error
    if not (np.abs(ring) <= FARTHEST).all():
        raise DataError(f"{place}: holds a coordinate that is not finite, or beyond ±{FARTHEST}; fix it")
    return ring


def json_of_figure(figure: Figure) -> dict[str, Any]:
    """`bitmap` and `points` of an object, and `PIXEL_RULE` where it has one."""
    if isinstance(figure, Bitmap):
        bitmap = {"origin": [figure.left, figure.top], "data": pack_png(figure.mask.pixels())}
        return {"bitmap": bitmap, "points": {"exterior": [], "interior": []}}
    rings = _rings(figure)
    rule = {PIXEL_RULE: CENTRES} if isinstance(figure, Polygon) and figure.by_centres else {}
    return {
        **rule,
        "bitmap": None,
        "points": {"exterior": _xy(rings[0]), "interior": [_xy(ring) for ring in rings[1:]]},
    }


def _rings(figure: Figure) -> list[Vertices]:
    if isinstance(figure, Polygon):
        return [figure.exterior, *figure.interiors]
    if isinstance(figure, Line):
        return [figure.points]
    if isinstance(figure, Rectangle):
        return [vertices([(figure.top, figure.left), (figure.bottom, figure.right)])]
    if isinstance(figure, Point):
        return [vertices([(figure.row, figure.column)])]
    raise TypeError(f"no Supervisely form for {type(figure).__name__}")


def _xy(ring: Vertices) -> list[list[float]]:
    return [[column, row] for row, column in ring.tolist()]
