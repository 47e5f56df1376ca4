"""Projects of annotations alone, and queries run on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from components.core.dtl.action import Context
from components.core.dtl.engine import RunResult, name_projects, output_meta, run_query
from components.core.dtl.graph import build_query
from components.core.figures import Bitmap, Rectangle, Shape
from components.core.geometry import Size
from components.core.project import ClassInfo, Item, Object, ProjectMeta, open_project, write_manifest

SIZE = Size(40, 60)

META = ProjectMeta(
    "INRIA",
    (
        ClassInfo("house", Shape.BITMAP, "#d59fa5"),
        ClassInfo("shed", Shape.BITMAP, "#a0a0a0"),
        ClassInfo("car", Shape.RECTANGLE, "#00ff00"),
    ),
    ("old",),
)


def house(*rows: str, title: str = "house", top: int = 0, left: int = 0, **more: Any) -> Object:
    """A bitmap drawn with `#`; 2×2 px unless drawn."""
    pixels = np.array([[letter == "#" for letter in row] for row in rows or ("##", "##")], np.bool_)
    bitmap = Bitmap.of_pixels(pixels, top, left)
    assert bitmap is not None
    return Object(title, bitmap, **more)


def car(top: float = 0, left: float = 0, bottom: float = 2, right: float = 3, **more: Any) -> Object:
    """A rectangle."""
    return Object("car", Rectangle(top, left, bottom, right), **more)


def item(name: str, *objects: Object, dataset: str = "ds", size: Size = SIZE, tags: Sequence[str] = ()) -> Item:
    """An annotation without an image."""
    return Item(dataset, name, size, tags=tuple(tags), objects=objects)


def items(count: int, prefix: str = "image") -> list[Item]:
    """So many items with a house each, named by number."""
    return [item(f"{prefix}{number}", house()) for number in range(count)]


def write(root: Path, entries: Sequence[Item], name: str = "INRIA", meta: ProjectMeta = META) -> Path:
    """Write a project; gives its directory."""
    write_manifest(root / name, replace(meta, name=name), entries)
    return root / name


def run(
    layers: Sequence[Any], *places: Path, seed: int = 0, dry: bool = False, max_bad: int | None = 0
) -> tuple[list[Item], RunResult]:
    """What comes out of a query, and its counts."""
    query = build_query(list(layers))
    projects = name_projects(query, [open_project(place) for place in places])
    output_meta(query, {name: project.meta for name, project in projects.items()})
    result = RunResult()
    return list(run_query(query, projects, result, Context(seed, dry), max_bad=max_bad)), result


def meta_after(layers: Sequence[Any], *places: Path) -> ProjectMeta:
    """Name, classes and tags of what would come out."""
    query = build_query(list(layers))
    projects = name_projects(query, [open_project(place) for place in places])
    return output_meta(query, {name: project.meta for name, project in projects.items()})


def names(found: Sequence[Item]) -> list[str]:
    """The items' names, in order."""
    return [entry.name for entry in found]
