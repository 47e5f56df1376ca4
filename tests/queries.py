"""Queries that tests are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LayerData = dict[str, Any]


def layer(action: str, src: str, dst: str | Sequence[str], /, **settings: Any) -> LayerData:
    """A layer as it is written in a query; several sources are one text with blanks."""
    return {
        "action": action,
        "src": src.split(),
        "dst": dst if isinstance(dst, str) else list(dst),
        "settings": settings,
    }


def data(src: str = "INRIA/*", dst: str = "$all", /, mapping: str | dict[str, str] = "default") -> LayerData:
    """The layer where items enter."""
    return layer("data", src, dst, classes_mapping=mapping)


def drawing(entry: LayerData, name: str = "", seed: int | None = None) -> LayerData:
    """A layer with a name, a seed or both of its own."""
    return entry | ({"name": name} if name else {}) | ({} if seed is None else {"seed": seed})


def choose(src: str, dst: Sequence[str], /, **condition: Any) -> LayerData:
    """An `if`."""
    return layer("if", src, dst, condition=condition)


def tag(src: str, dst: str, title: str, /, action: str = "add") -> LayerData:
    """A layer that adds or deletes a tag."""
    return layer("tag", src, dst, tag=title, action=action)


def windows(src: str, dst: str, height: int, width: int, /, rows: int = 0, columns: int = 0) -> LayerData:
    """A sliding window and its overlaps."""
    return layer(
        "sliding_window", src, dst, window={"width": width, "height": height}, min_overlap={"x": columns, "y": rows}
    )


def save(src: str, name: str = "RESULT", /) -> LayerData:
    """The layer where items leave."""
    return layer("supervisely", src, name)
