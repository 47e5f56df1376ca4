"""Mutations of bytes and of JSON, drawn from a random generator: the same seed gives the same mutation."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3.5, 255, 256, 1e308, -1e308, float("nan"), float("inf"), 1 << 31, 1 << 63, 1 << 70,
    "", " ", "a", "null", "$", "$x", "..", "/", "/vsicurl/http://127.0.0.1:9/a.tif", "file:///etc/passwd", "\ud800",
    "\x00", "é", "x" * 3000, [], [[]], {}, {"a": 1}, [None], ["a", "a"], [1, 2, 3],
)  # fmt: skip
"""Values that somebody's export, spreadsheet or typing may put in any place."""

DEPTH = 5000


def mutated_bytes(content: bytes, draw: random.Random) -> bytes:
    """One to four changes to bytes."""
    result = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        draw.choice(BYTE_MUTATIONS)(result, draw)
    return bytes(result)


def _flip(data: bytearray, draw: random.Random) -> None:
    if data:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _number(data: bytearray, draw: random.Random) -> None:
    """An extreme number where another one may have been; headers are at the front, so that is hit more often."""
    size = draw.choice((1, 2, 4, 8))
    place = draw.randrange(min(len(data), 400) if draw.random() < 0.7 else len(data)) if data else 0
    value = draw.choice(EXTREMES) & ((1 << 8 * size) - 1)
    data[place : place + size] = value.to_bytes(size, draw.choice(("little", "big")))


def _cut(data: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(data) + 1)
    del data[start : start + draw.randint(1, max(1, len(data) // 4))]


def _repeat(data: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(data) + 1)
    data[start:start] = data[start : start + draw.randint(1, 300)]


def _truncate(data: bytearray, draw: random.Random) -> None:
    del data[draw.randrange(len(data) + 1) :]


def _blank(data: bytearray, draw: random.Random) -> None:
    """Zeros, as a disk that failed or a download that was resumed wrongly leaves them."""
    start = draw.randrange(len(data) + 1)
    stop = min(len(data), start + draw.randint(1, 4096))
    data[start:stop] = bytes(stop - start)


def _noise(data: bytearray, draw: random.Random) -> None:
    start = draw.randrange(len(data) + 1)
    data[start : start + 16] = draw.randbytes(16)


BYTE_MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _flip, _number, _number, _number, _cut, _repeat, _truncate, _blank, _noise,
)  # fmt: skip


def mutated_json(document: Any, draw: random.Random) -> str:
    """JSON text of a document with one to three changes; now and then of its bytes, too."""
    if draw.random() < 0.01:
        return "[" * DEPTH + "]" * DEPTH
    result = copy.deepcopy(document)
    for _ in range(draw.randint(1, 3)):
        result = _changed(result, draw)
    text = json.dumps(result)
    return mutated_bytes(text.encode(), draw).decode("utf-8", "replace") if draw.random() < 0.15 else text


def _changed(document: Any, draw: random.Random) -> Any:
    """The document with one place in it replaced, removed, repeated or renamed."""
    places = list(_places(document))
    if not places:
        return draw.choice(ODD_VALUES)
    parent, key = draw.choice(places)
    kind = draw.random()
    if kind < 0.6:
        parent[key] = _odd(draw)
    elif kind < 0.75:
        del parent[key]
    elif isinstance(parent, list):
        parent.insert(draw.randrange(len(parent) + 1), copy.deepcopy(parent[key]))
    else:
        parent[draw.choice((str(key) + "s", str(key).upper(), "extra", ""))] = parent.pop(key)
    return document


def _odd(draw: random.Random) -> Any:
    if draw.random() < 0.02:
        nested: Any = 1
        for _ in range(400):
            nested = [nested]
        return nested
    return copy.deepcopy(draw.choice(ODD_VALUES))


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Every place below the root, as the container and the key or index in it."""
    found: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        entry = waiting.pop()
        keys = list(entry) if isinstance(entry, dict) else list(range(len(entry))) if isinstance(entry, list) else []
        for key in keys:
            found.append((entry, key))
            waiting.append(entry[key])
    return found
