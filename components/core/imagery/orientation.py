"""Images that are to be shown turned or mirrored, brought upright.

Sources: TIFF 6.0, tag Orientation (274), which EXIF has, too; PNG's chunk eXIf (PNG, third edition, section 11.3.4.5).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine

from components.core import storage
from components.core.geometry import Size, Window
from components.core.imagery.reading import RasterInfo

ORIENTATION = 274

EXIF_TAG = "EXIF_Orientation"

READ_BYTES = 1 << 16
"""Of a file's head at once; what comes before the tag mostly has a few hundred."""

Read = Callable[[int, int], bytes]
"""Gives bytes of a file from an offset on, as many as there are up to a length."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What brings stored pixels upright: rows and columns exchanged, then mirrored.

    Attributes:
        exchanged: Whether rows become columns.
        left_right: Whether it is then mirrored left to right.
        up_down: Whether it is then mirrored upside down.
    """

    exchanged: bool = False
    left_right: bool = False
    up_down: bool = False

    @property
    def is_none(self) -> bool:
        """Whether pixels are stored upright."""
        return self == Turn()

    def size(self, stored: Size) -> Size:
        """Of the upright raster."""
        return Size(stored.width, stored.height) if self.exchanged else stored

    def stored_window(self, window: Window, upright: Size) -> Window:
        """The stored pixels of a window of an upright raster of a size."""
        top = upright.height - window.bottom if self.up_down else window.top
        left = upright.width - window.right if self.left_right else window.left
        if self.exchanged:
            return Window(left, top, window.width, window.height)
        return Window(top, left, window.height, window.width)

    def apply(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Turn (C, H, W) of stored pixels; a view."""
        turned = pixels.swapaxes(-1, -2) if self.exchanged else pixels
        return turned[..., :: -1 if self.up_down else 1, :: -1 if self.left_right else 1]

    def placed(self, transform: Affine, upright: Size) -> Affine:
        """From (column, row) of the upright raster to map coordinates, by the transform of the stored one."""
        matrix = transform @ Affine(0, 1, 0, 1, 0, 0) if self.exchanged else transform
        if self.up_down:
            matrix = matrix @ Affine.translation(0, upright.height) @ Affine.scale(1, -1)
        if self.left_right:
            matrix = matrix @ Affine.translation(upright.width, 0) @ Affine.scale(-1, 1)
        return matrix


UPRIGHT = Turn()

TURNS = {
    1: UPRIGHT,
    2: Turn(left_right=True),
    3: Turn(left_right=True, up_down=True),
    4: Turn(up_down=True),
    5: Turn(exchanged=True),
    6: Turn(exchanged=True, left_right=True),
    7: Turn(exchanged=True, left_right=True, up_down=True),
    8: Turn(exchanged=True, up_down=True),
}
"""By the tag's value."""


def turn_of(dataset: rasterio.DatasetReader, uri: str, info: RasterInfo) -> Turn:
    """How a raster is to be turned; GDAL tells it of JPEGs and turns none.

    The tag of a TIFF or PNG counts where the raster has no place on a map: a transform is that of the stored pixels,
    and says all. Whoever takes photographs by it has JPEGs, which are turned with their transforms.

    Raises:
        StorageError: If the file cannot be read.
    """
    exif = dataset.tags().get(EXIF_TAG, "")
    if exif:
        return TURNS.get(int(exif), UPRIGHT) if exif.isdigit() else UPRIGHT
    if info.transform is not None or dataset.driver not in ("GTiff", "PNG"):
        return UPRIGHT

    head = storage.read_range(uri, 0, READ_BYTES)
    try:
        value = _in_png(head) if dataset.driver == "PNG" else _in_tiff(head, partial(storage.read_range, uri))
        return TURNS.get(value, UPRIGHT)
    except struct.error:  # the tag is not where it should be; GDAL reads the pixels nonetheless
        return UPRIGHT


def turned(info: RasterInfo, turn: Turn) -> RasterInfo:
    """What a raster says of itself once it is upright."""
    size = turn.size(info.size)
    return replace(info, size=size, transform=None if info.transform is None else turn.placed(info.transform, size))


def _in_png(head: bytes) -> int:
    """Look for EXIF before the pixels, where its chunk should be."""
    offset = 8
    while offset + 8 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, offset)
        if kind == b"eXIf":
            return _in_tiff(head[offset + 8 : offset + 8 + length])
        if kind == b"IDAT":
            break
        offset += 12 + length
    return 1


def _in_tiff(head: bytes, read: Read | None = None) -> int:
    """Look for the tag in the first directory of a TIFF or BigTIFF.

    Args:
        head: Its first bytes.
        read: Gives others, where the directory lies behind them.
    """
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None:
        return 1
    is_big = struct.unpack_from(f"{order}H", head, 2)[0] == 43
    (place,) = struct.unpack_from(f"{order}{'Q' if is_big else 'I'}", head, 8 if is_big else 4)
    count_form, entry_bytes = ("Q", 20) if is_big else ("H", 12)
    is_near = read is None or place + READ_BYTES // 2 <= len(head)
    directory = head[place:] if is_near or read is None else read(place, READ_BYTES)
    (count,) = struct.unpack_from(f"{order}{count_form}", directory)
    first = struct.calcsize(f"{order}{count_form}")
    for offset in range(first, min(first + count * entry_bytes, len(directory) - entry_bytes + 1), entry_bytes):
        (tag,) = struct.unpack_from(f"{order}H", directory, offset)
        if tag == ORIENTATION:
            (value,) = struct.unpack_from(f"{order}H", directory, offset + (12 if is_big else 8))
            return int(value)
        if tag > ORIENTATION:  # in rising order
            break
    return 1


def upright(pixels: npt.NDArray[Any], turn: Turn) -> npt.NDArray[Any]:
    """Stored pixels turned, in rows again."""
    return np.ascontiguousarray(turn.apply(pixels))
