"""Markdown from values: text, code and tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

_NAME = re.compile(r"(?<![\w`])(?:[\w./-]*\w_\w[\w./-]*(?<![./-])|--[a-z][a-z-]*)")
"""A word with an underscore, or a flag: a name of something in the code, or a key."""

EMPTY: tuple[Any, ...] = ("", [], {})


def text(words: str) -> str:
    """Plain text on one line; `code` stays code, names with an underscore become code, other marks stay as they are."""
    parts = " ".join(words.split()).split("`")
    if len(parts) % 2 == 0:
        return _escaped("`".join(parts))
    return "".join(code(part) if index % 2 else _with_names(part) for index, part in enumerate(parts))


def _with_names(words: str) -> str:
    """Names that are not marked as code in the text are marked here."""
    pieces, last = [], 0
    for found in _NAME.finditer(words):
        pieces += [_escaped(words[last : found.start()]), code(found[0])]
        last = found.end()
    return "".join([*pieces, _escaped(words[last:])])


def _escaped(words: str) -> str:
    for mark in ("\\", "`", "*", "_", "<", "|", "[", "]"):
        words = words.replace(mark, "\\" + mark)
    return words


def code(words: object) -> str:
    """The same as code, fit for a table."""
    return f"`{str(words).replace('|', chr(0x2223))}`"


def value(given: Any) -> str:
    """A JSON value as code; that something is empty is told in words."""
    return "empty" if given in EMPTY else code(json.dumps(given, ensure_ascii=False))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, without the columns that no row fills."""
    filled = [list(row) for row in rows]
    kept = [index for index in range(len(header)) if any(row[index] for row in filled)]
    lines = [[header[index] for index in kept], ["---"] * len(kept)]
    lines += [[row[index] for index in kept] for row in filled]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def sections(parts: Iterable[str]) -> str:
    """Blocks with an empty line between them."""
    return "\n\n".join(part for part in parts if part)
