"""Outlines and rows as the numbers and texts of a page, as many as fit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from markupsafe import Markup

from components.core.footprints.geography import Geometries
from components.core.reporting.webmap.content import DrawnBuildings, MapContent, MapScene, Value, extent_of
from components.core.reporting.webmap.planes import Box
from components.core.reporting.webmap.sampling import fair_shares, spread

STEPS_PER_PIXEL = 4
"""Outlines are told in quarters of a pixel."""

MOST_CHARACTERS = 200
"""Of a text in a row."""

MOST_COLUMNS = 40
"""Of a row."""

_UNSAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&'\u2028\u2029"}


def script_json(value: object) -> Markup:
    """JSON that may stand in a script element: no text of it ends the element, or begins a comment."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return Markup(text.translate(_UNSAFE))  # noqa: S704


@dataclass(frozen=True)
class EncodedMap:
    """What is told of outlines and rows.

    Attributes:
        content: The map, with what is drawn alone.
        data: Its scenes, columns and buildings, of which JSON is made.
        text: The JSON.
    """

    content: MapContent
    data: dict[str, Any]
    text: Markup


def encode_map(content: MapContent, most_bytes: int) -> EncodedMap:
    """Tell what a map shows; where that is too much, fewer buildings of each scene and kind.

    Args:
        content: The map.
        most_bytes: Of the JSON.
    """
    drawn = sum(len(entry.shapes) for scene in content.scenes for entry in scene.buildings)
    while True:
        data = _told(content)
        text = script_json(data)
        if len(text) <= most_bytes or not drawn:
            return EncodedMap(content, data, text)
        drawn = min(drawn - 1, int(0.9 * drawn * most_bytes / len(text)))
        content = _thinned(content, drawn)


def _thinned(content: MapContent, most: int) -> MapContent:
    entries = [entry for scene in content.scenes for entry in scene.buildings]
    shares = iter(fair_shares([len(entry.shapes) for entry in entries], most))
    scenes = tuple(
        replace(scene, buildings=tuple(_some(entry, next(shares)) for entry in scene.buildings))
        for scene in content.scenes
    )
    return replace(content, scenes=scenes)


def _some(entry: DrawnBuildings, share: int) -> DrawnBuildings:
    chosen = spread(len(entry.shapes), share)
    return replace(entry, shapes=entry.shapes[chosen], rows=[entry.rows[index] for index in chosen])


def _told(content: MapContent) -> dict[str, Any]:
    kinds = {kind.key: number for number, kind in enumerate(content.kinds)}
    content = _in_kind_order(content, kinds)
    rows = [row for scene in content.scenes for entry in scene.buildings for row in entry.rows]
    titles = list(dict.fromkeys(title for row in rows for title in row))[:MOST_COLUMNS]
    columns = {title: _column([row.get(title) for row in rows]) for title in titles}
    scenes, buildings = [], []
    for number, scene in enumerate(content.scenes):
        box = extent_of(scene)
        scenes.append(_scene(scene, box))
        if box is None:
            continue
        step = _step(scene, box)
        for entry in scene.buildings:
            buildings += [[kinds[entry.kind], number, polygons] for polygons in _rings(entry.shapes, box, step)]
    return {
        "plane": content.plane.value,
        "kinds": [
            {"key": kind.key, "title": kind.title, "color": kind.color, "fill": kind.fill, "dashed": kind.is_dashed}
            | ({"echo": True} if kind.is_echo else {})
            for kind in content.kinds
        ],
        "scenes": scenes,
        "columns": [{"title": _cut(title), **columns[title]} for title in titles],
        "buildings": buildings,
    }


def _in_kind_order(content: MapContent, kinds: Mapping[str, int]) -> MapContent:
    """What is drawn last lies above, and is clicked."""
    scenes = (
        replace(scene, buildings=tuple(sorted(scene.buildings, key=lambda entry: kinds[entry.kind])))
        for scene in content.scenes
    )
    return replace(content, scenes=tuple(scenes))


def _scene(scene: MapScene, box: Box | None) -> dict[str, Any]:
    bounds = None if box is None else [round(value, 3) for value in (box.west, box.south, box.east, box.north)]
    drawn = sum(len(entry.shapes) for entry in scene.buildings)
    step = 1.0 if box is None else _step(scene, box)
    frame = None if scene.place is None else np.round(scene.place.corners, 3).tolist()
    return {"name": _cut(scene.name), "bounds": bounds, "step": step, "frame": frame, "drawn": drawn}


def _step(scene: MapScene, box: Box) -> float:
    """What the coordinates of a scene's outlines count, in units of the plane."""
    pixel = max(box.width, box.height) / 65536 if scene.place is None else scene.place.pixel
    return max(pixel, 1e-3) / STEPS_PER_PIXEL


def _rings(shapes: Geometries, box: Box, step: float) -> list[list[list[list[int]]]]:
    """For each shape a list a polygon, of rings; these have steps from vertex to vertex, the last one left out.

    The first step of a ring is from the lower left corner of the box, all are x and y in turn, counted in `step`.
    """
    polygons, owner = shapely.get_parts(shapes, return_index=True)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    counted = np.round((points - (round(box.west, 3), round(box.south, 3))) / step).astype(np.int64)
    is_first = np.diff(ring, prepend=-1) > 0
    is_last = np.append(is_first[1:], True)
    steps = np.where(is_first[:, np.newaxis], counted, np.diff(counted, axis=0, prepend=0))
    kept = is_first | (steps.any(axis=1) & ~is_last)
    ends = np.cumsum(np.bincount(ring[kept], minlength=len(rings)))
    found: list[list[list[list[int]]]] = [[] for _ in shapes]
    last = -1
    for place, part in enumerate(np.split(steps[kept], ends[:-1]) if len(rings) else ()):
        own = int(polygon[place])
        polygons_of_shape = found[int(owner[own])]
        if own != last:
            polygons_of_shape.append([])
            last = own
        polygons_of_shape[-1].append(part.ravel().tolist())
    return found


def _column(values: Sequence[Value]) -> dict[str, Any]:
    """Values as they are, or by number where texts repeat; numbers that are none are left out."""
    cut = [_cut(value) if isinstance(value, str) else _finite(value) for value in values]
    texts = list(dict.fromkeys(value for value in cut if isinstance(value, str)))
    if any(not isinstance(value, str) and value is not None for value in cut) or 2 * len(texts) > len(cut):
        return {"values": cut}
    numbers: Mapping[str, int] = {text: number for number, text in enumerate(texts)}
    return {"texts": texts, "values": [None if value is None else numbers[str(value)] for value in cut]}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
