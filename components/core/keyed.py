"""Randomness and digests that depend on names alone, never on order or process."""

from __future__ import annotations

import hashlib


def digest(*parts: str | bytes) -> str:
    """SHA-256 of the parts, each prefixed by its length so that borders count; 64 hex characters."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()


def keyed_integer(seed: int, *keys: str) -> int:
    """A uniform 64-bit integer that depends on the seed and the keys alone."""
    return int(digest(str(seed), *keys)[:16], 16)


def uniform(seed: int, *keys: str) -> float:
    """A uniform number in [0, 1) that depends on the seed and the keys alone."""
    return (keyed_integer(seed, *keys) >> 11) / float(1 << 53)
