"""Whether a TIFF is whole: every directory is there, and every tile lies in the file, apart from the others.

Sources: TIFF 6.0 (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf) and BigTIFF
(https://www.awaresystems.be/imaging/tiff/bigtiff.html).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Read = Callable[[int, int], bytes]
"""Gives the bytes from an offset on, so many at most."""

WIDTH, HEIGHT, SAMPLES, PLANAR, ROWS_A_STRIP, TILE_WIDTH, TILE_HEIGHT = 256, 257, 277, 284, 278, 322, 323
STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES = 273, 279, 324, 325
KNOWN = {WIDTH, HEIGHT, SAMPLES, PLANAR, ROWS_A_STRIP, TILE_WIDTH, TILE_HEIGHT}
BLOCKS = {STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES}
SEPARATE_PLANES = 2

MOST_DIRECTORIES = 256
"""A raster has one, and one for each overview and mask."""

_CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}
"""The types in which sizes, offsets and lengths are kept, as `struct` calls them."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one of the two kinds of TIFF lays out a directory."""

    order: str
    count: str
    entry: str
    offset: str

    def unpack(self, code: str, data: bytes, what: str) -> tuple[int, ...]:
        wanted = struct.calcsize(self.order + code)
        if len(data) < wanted:
            raise ValueError(f"it ends in the middle of {what}")
        return struct.unpack_from(self.order + code, data)


def check_tiff(read: Read, size_bytes: int) -> None:
    """See that a TIFF is whole.

    Args:
        read: Reads from the file.
        size_bytes: Of the file.

    Raises:
        ValueError: If a directory or a tile is not there, or tiles lie on each other; says which.
    """
    blocks: list[tuple[int, int]] = []
    for number, directory in enumerate(_directories(read, size_bytes)):
        found = _blocks(directory)
        if any(offset == 0 or length == 0 for offset, length in found):
            missing = sum(offset == 0 or length == 0 for offset, length in found)
            raise ValueError(f"{missing} of the {len(found)} tiles of image {number} are missing")
        blocks += found
    blocks.sort()
    end = 0
    for offset, length in blocks:
        if offset < end:
            raise ValueError(f"two tiles lie on each other at byte {offset}")
        end = offset + length
    if end > size_bytes:
        raise ValueError(f"its last tile ends at byte {end} of {size_bytes}")


def _directories(read: Read, size_bytes: int) -> Iterator[dict[int, tuple[int, ...]]]:
    head = read(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        raise ValueError("it has no header of a TIFF")
    (version,) = struct.unpack_from(f"{order}H", head, 2)
    if version == 42:
        layout, start = _Layout(order, "H", "HHI4s", "I"), 4
    elif version == 43:
        layout, start = _Layout(order, "Q", "HHQ8s", "Q"), 8
    else:
        raise ValueError(f"its header says version {version}, which is none of a TIFF")
    (place,) = layout.unpack(layout.offset, head[start:], "the header")
    if not place:
        raise ValueError("it has no directory")
    for _ in range(MOST_DIRECTORIES):
        if not place:
            return
        directory, place = _directory(read, layout, place, size_bytes)
        yield directory
    raise ValueError(f"it has more than {MOST_DIRECTORIES} directories")


def _directory(read: Read, layout: _Layout, place: int, size_bytes: int) -> tuple[dict[int, tuple[int, ...]], int]:
    count_bytes = struct.calcsize(layout.order + layout.count)
    entry_bytes = struct.calcsize(layout.order + layout.entry)
    (count,) = layout.unpack(layout.count, read(place, count_bytes), "a directory")
    if not 0 < count <= 4096:
        raise ValueError(f"the directory at byte {place} is broken")
    body = read(place + count_bytes, count * entry_bytes + struct.calcsize(layout.order + layout.offset))
    values: dict[int, tuple[int, ...]] = {}
    for index in range(count):
        entry = body[index * entry_bytes : (index + 1) * entry_bytes]
        if len(entry) < entry_bytes:
            raise ValueError("it ends in the middle of a directory")
        tag, kind, length, inline = struct.unpack(layout.order + layout.entry, entry)
        if tag in KNOWN | BLOCKS and kind in _CODES:
            code = f"{length}{_CODES[kind]}"
            size = struct.calcsize(layout.order + code)
            if size > size_bytes:
                raise ValueError(f"the directory at byte {place} is broken")
            data = inline
            if size > len(inline):
                data = read(layout.unpack(layout.offset, inline, "a directory")[0], size)
            values[tag] = layout.unpack(code, data, "a directory")
    (following,) = layout.unpack(layout.offset, body[count * entry_bytes :], "a directory")
    return values, following


def _blocks(directory: dict[int, tuple[int, ...]]) -> list[tuple[int, int]]:
    """Offset and length of every tile or strip."""
    try:
        (width,), (height,) = directory[WIDTH], directory[HEIGHT]
        if TILE_OFFSETS in directory:
            (tile_width,), (tile_height,) = directory[TILE_WIDTH], directory[TILE_HEIGHT]
            offsets, lengths = directory[TILE_OFFSETS], directory[TILE_BYTES]
        else:
            tile_width, tile_height = width, min(directory.get(ROWS_A_STRIP, (height,))[0], height)
            offsets, lengths = directory[STRIP_OFFSETS], directory[STRIP_BYTES]
        count = math.ceil(width / tile_width) * math.ceil(height / tile_height)
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise ValueError(f"a directory says nothing of its size or tiles ({error})") from error
    if directory.get(PLANAR, (1,))[0] == SEPARATE_PLANES:
        count *= directory.get(SAMPLES, (1,))[0]
    if not len(offsets) == len(lengths) == count:
        raise ValueError(f"a directory lists {len(offsets)} tiles, and its image has {count}")
    return list(zip(offsets, lengths, strict=True))
