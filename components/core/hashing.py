"""Randomness, digests and short names that depend on names alone, never on order or process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

NAME_BYTES = 160
"""Of what is named after an image: file systems allow 255, of which endings, and what marks a file that is still being
written, take some 80."""

NAME_DIGEST = 16


def digest(*parts: str | bytes) -> str:
    """SHA-256 of the parts, each prefixed by its length so that borders count; 64 hex characters."""
    state = hashlib.sha256()
    for part in parts:
        state.update(_counted(part))
    return state.hexdigest()


def cut_to_bytes(text: str, most_bytes: int) -> str:
    """The start of a text, of at most a number of bytes of UTF-8: what file systems count, not characters."""
    return text.encode()[:most_bytes].decode(errors="ignore")


def short_name(name: str, most_bytes: int = NAME_BYTES) -> str:
    """A name for files made from it: itself where it is short, else its start and a digest of all of it.

    Args:
        name: Of any length.
        most_bytes: Of UTF-8, more than the digest takes.

    Returns:
        At most so many bytes; other names give others.
    """
    if len(name.encode()) <= most_bytes:
        return name
    return f"{cut_to_bytes(name, most_bytes - NAME_DIGEST - 1)}-{digest(name)[:NAME_DIGEST]}"


def is_text(name: str) -> bool:
    """Whether a file's name is valid UTF-8; Python keeps other bytes as lone surrogates, which no file can hold."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def as_text(name: str) -> str:
    """A file's name, bytes that are no text written by their hexadecimal numbers."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def uniforms(seed: int, key: str, names: Iterable[str], last: str) -> list[float]:
    """`uniform(seed, key, name, last)` of each name."""
    start = hashlib.sha256(_counted(str(seed)) + _counted(key))
    end = _counted(last)
    values = []
    for name in names:
        state = start.copy()
        state.update(_counted(name) + end)
        values.append((int.from_bytes(state.digest()[:8], "big") >> 11) / float(1 << 53))
    return values


def _counted(part: str | bytes) -> bytes:
    data = part.encode() if isinstance(part, str) else part
    return len(data).to_bytes(8, "big") + data


def hash_integer(seed: int, *keys: str) -> int:
    """A uniform 64-bit integer that depends on the seed and the keys alone."""
    return int(digest(str(seed), *keys)[:16], 16)


def uniform(seed: int, *keys: str) -> float:
    """A uniform number in [0, 1) that depends on the seed and the keys alone."""
    return (hash_integer(seed, *keys) >> 11) / float(1 << 53)
