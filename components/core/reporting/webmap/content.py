"""What a map shows, before it is made a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import shapely

from components.core.footprints.geography import Geometries
from components.core.reporting.webmap.planes import Box, PlacedPicture, PlaneKind, ScenePlace

Value: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True)
class MapKind:
    """A kind of buildings, which a reader shows and hides.

    Attributes:
        key: Its name in what is drawn.
        title: In the legend.
        color: "#rrggbb".
        fill: Share of the colour inside, 0–1.
        is_dashed: Whether its outlines are.
        is_echo: Whether it shows buildings of other kinds once more, as they were; these are not counted.
        note: What a building of the kind is, in a sentence.
    """

    key: str
    title: str
    color: str
    fill: float = 0.25
    is_dashed: bool = False
    is_echo: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class DrawnBuildings:
    """Buildings of one kind in one scene.

    Attributes:
        kind: Key of their kind.
        total: How many there are, of which those here are a sample.
        shapes: (N,) on the map's plane.
        rows: A mapping a building from titles of columns to values.
    """

    kind: str
    total: int
    shapes: Geometries
    rows: Sequence[Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class MapScene:
    """A scene on a map.

    Attributes:
        name: As people know it.
        place: Where it lies; None where that is not known but for its buildings.
        picture: Its imagery; None where there is none to show.
        buildings: What is drawn of it.
    """

    name: str
    place: ScenePlace | None
    picture: PlacedPicture | None
    buildings: tuple[DrawnBuildings, ...] = ()

    @property
    def total(self) -> int:
        """How many buildings it has."""
        return sum(entry.total for entry in self.buildings)


@dataclass(frozen=True)
class MapContent:
    """What a map shows.

    Attributes:
        plane: What its coordinates are.
        title: Its heading.
        kinds: In the legend's order; those drawn last lie above.
        scenes: In order.
        notes: Sentences on what is not shown.
    """

    plane: PlaneKind
    title: str
    kinds: tuple[MapKind, ...]
    scenes: tuple[MapScene, ...]
    notes: tuple[str, ...] = ()

    def counted(self) -> list[DrawnBuildings]:
        """All but the echoes."""
        echoes = {kind.key for kind in self.kinds if kind.is_echo}
        return [entry for scene in self.scenes for entry in scene.buildings if entry.kind not in echoes]


def extent_of(scene: MapScene) -> Box | None:
    """The box around a scene; around its buildings where its place is not known. None where it has neither."""
    if scene.place is not None:
        return scene.place.box
    boxes = [Box(*shapely.total_bounds(entry.shapes).tolist()) for entry in scene.buildings if len(entry.shapes)]
    return Box.around(boxes) if boxes else None
