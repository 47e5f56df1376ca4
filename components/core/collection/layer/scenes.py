"""Scenes as the layer sees them: where they lie, when they were captured, and which overlap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import shapely

from components.core.collection.layer.index import Bounds, ImageGrid, Partition, mark_of
from components.core.collection.ledger import Mark


@dataclass(frozen=True, slots=True)
class LayerScene:
    """One scene of the layer.

    Attributes:
        mark: Its marker.
        bounds: Of its image; west is greater than east where it crosses the 180th meridian.
        captured: Day or time of capture in ISO 8601; empty where it is not known.
        grid: Its pixels on the map; None where its marker does not say.
    """

    mark: Mark
    bounds: Bounds
    captured: str
    grid: ImageGrid | None = None

    @classmethod
    def of(cls, part: Partition) -> LayerScene:
        """As `layer.json` says."""
        return cls(mark_of(part.mark), part.bounds, part.captured, part.grid)

    @property
    def moment(self) -> float:
        """When it was captured, in seconds since 1970; before all others where that is not known."""
        return moment_of(self.captured)


def moment_of(captured: str) -> float:
    """A day or time in ISO 8601 as seconds since 1970; a year or a month counts from its first day.

    Times without a zone are taken as UTC. What cannot be read is before everything else.
    """
    text = captured.strip()
    if len(text) in (4, 7):
        text += "-01-01"[len(text) - 4 :]
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return float("-inf")
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()


def flat(bounds: Bounds) -> Bounds:
    """Bounds with west below east; round the whole Earth where they cross the 180th meridian."""
    west, south, east, north = bounds
    return bounds if west <= east else (-180.0, south, 180.0, north)


class Overlaps:
    """Which scenes share ground, by their bounds.

    Attributes:
        order: Every scene's place in a sweep from west to east, in which neighbours follow each other closely.
    """

    def __init__(self, scenes: Mapping[str, LayerScene]) -> None:
        self._names = sorted(scenes, key=lambda name: (flat(scenes[name].bounds)[0], name))
        self._boxes = np.array([flat(scenes[name].bounds) for name in self._names], np.float64).reshape(-1, 4)
        self._tree = shapely.STRtree(shapely.box(*self._boxes.T))
        self.order = {name: place for place, name in enumerate(self._names)}

    def near(self, bounds: Bounds) -> list[str]:
        """The scenes that share ground with some bounds."""
        west, south, east, north = flat(bounds)
        found = np.sort(self._tree.query(shapely.box(west, south, east, north)))
        boxes = self._boxes[found]
        shared = (boxes[:, 0] < east) & (boxes[:, 1] < north) & (boxes[:, 2] > west) & (boxes[:, 3] > south)
        return [self._names[index] for index in found[shared]]

    def bounds(self, scene: str) -> Bounds:
        """Of a scene."""
        west, south, east, north = self._boxes[self.order[scene]].tolist()
        return west, south, east, north

    def neighbours(self, scene: str) -> list[str]:
        """The other scenes that share ground with one."""
        return [name for name in self.near(self.bounds(scene)) if name != scene]


def within(boxes: np.ndarray, areas: Iterable[Bounds]) -> np.ndarray:
    """Which boxes meet at least one of some bounds; (N,) bool of (N, 4)."""
    found = np.zeros(len(boxes), np.bool_)
    for area in areas:
        west, south, east, north = flat(area)
        found |= (boxes[:, 0] <= east) & (boxes[:, 1] <= north) & (boxes[:, 2] >= west) & (boxes[:, 3] >= south)
    return found
