"""Buildings that lie across the borders of tiles: which footprints are parts of one, and who shows it.

The rule: of scenes that show the same pixels of one grid, those captured last are joined with those captured last
beside them. What duplicates leave there is looked at, and of that what ends at a common border. A building is shown by
the scene of the part whose id comes first; the other parts are shown by nobody. So the layer depends on the ledger
alone, and one more capture of a tile is compared with its neighbours' last, however many there were before.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from components.core.collection.layer.index import Bounds
from components.core.collection.layer.lru_cache import RecentlyRead
from components.core.collection.layer.scenes import LayerScene, flat
from components.core.collection.layer.sightings import UNSEEN, Sighting, Sightings, sightings_of, with_sightings
from components.core.collection.layer.tables import FOOTPRINT_SCHEMA
from components.core.footprints.geography import FULL_TURN, HALF_TURN
from components.core.footprints.tile_joins import CutFootprints, buildings, crossings, is_large_enough, joined_rows
from components.core.footprints.tiles import PlacedTiles, Seam
from components.core.hashing import digest

NEAR_SHARE = 0.01
"""Bounds that lie so far apart, as a share of their size, are looked at as if they met."""

KEPT_HALVES = 200_000
"""How many footprints are held in memory at most, beside those of one scene."""

FEW = 16
"""Of later scenes nearby, so many are looked at first: one of them is mostly the last of a place."""

DIGEST_CHARACTERS = 16

Part = tuple[str, int]
"""A footprint: its scene, and its place in the scene's table."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SceneHalves:
    """Footprints of a scene that end at its border and that no other scene shows.

    Attributes:
        places: (N,) in the scene's table, ascending.
        halves: N footprints, of `SCENE_SCHEMA`, with what others say of them.
        sightings: What that is.
    """

    places: Indices
    halves: CutFootprints
    sightings: Sightings = UNSEEN


ReadHalves = Callable[[LayerScene], SceneHalves]
"""Gives the halves of a scene."""


@dataclass(frozen=True)
class Joins:
    """What a scene has of buildings that several tiles show.

    Attributes:
        away: Places, in its table, of the footprints that are parts of such buildings; fragments lie behind its end.
        shown: The parts of each such building that this scene shows.
        digest: Of the buildings of which it has a part; empty for none.
    """

    away: tuple[int, ...] = ()
    shown: tuple[tuple[Part, ...], ...] = ()
    digest: str = ""


class LayerJoiner:
    """Finds buildings that the borders of tiles cut, and makes them whole.

    Attributes:
        scenes: All scenes of the layer.
    """

    def __init__(self, scenes: Mapping[str, LayerScene], read: ReadHalves) -> None:
        """Of some scenes; `read` gives their halves."""
        self.scenes = scenes
        self._halves = RecentlyRead(lambda name: read(scenes[name]), lambda own: len(own.places), KEPT_HALVES)
        self._links: dict[Seam, list[tuple[Part, Part]]] = {}
        self._by_scene: dict[str, dict[int, list[Part]]] = {}
        self._buildings: dict[Part, tuple[Part, ...]] = {}

    @cached_property
    def _borders(self) -> _Borders:
        return _Borders(self.scenes)

    def find(self, changed: Iterable[str], areas: Sequence[Bounds], joined: Iterable[str]) -> dict[str, Joins]:
        """The joins of every scene where they may have changed.

        A change reaches the parts of the buildings that lie at the borders of what changed.

        Args:
            changed: Scenes that are new, or whose duplicates are others.
            areas: Bounds of scenes that were there before and are no more, or lay elsewhere; more do no harm.
            joined: Scenes that had a part of such a building before.

        Returns:
            By scene; the changed ones that lie on a grid are among them.
        """
        changed = set(changed)
        if not changed and not areas:
            return {}
        begin = self._borders.beginning(changed, areas, set(joined))
        around = begin | {other for name in begin for other in self._borders.beside(name)}
        order = sorted(around, key=self._sweep)
        reached = around | {other for name in order for parts in self._of(name) for other, _ in parts}
        return {name: self._joins(name) for name in sorted(reached, key=self._sweep)}

    def rows(self, joins: Joins) -> pa.Table:
        """The footprints of the buildings that a scene shows; of `FOOTPRINT_SCHEMA`, in the order of `shown`."""
        if not joins.shown:
            return FOOTPRINT_SCHEMA.empty_table()
        wanted: defaultdict[str, list[int]] = defaultdict(list)
        for name, place in sorted(part for parts in joins.shown for part in parts):
            wanted[name].append(place)
        halves = {name: self._chosen(name, places) for name, places in wanted.items()}
        found = buildings(halves, sorted({seam for name in wanted for seam in self._borders.of(name)}, key=_by_names))
        first = {
            (building.halves[0].tile, wanted[building.halves[0].tile][building.halves[0].row]): building
            for building in found
        }
        rows = joined_rows([first[parts[0]] for parts in joins.shown], halves)
        return with_sightings(rows, [self._seen(parts) for parts in joins.shown])

    def _seen(self, parts: Sequence[Part]) -> Sighting:
        """When a part of a building was seen first, and when one was last."""
        seen = [sightings_of(self._chosen(name, [place]).rows)[0] for name, place in parts]
        return reduce(Sighting.and_of, seen)

    def _sweep(self, name: str) -> tuple[float, str]:
        return flat(self.scenes[name].bounds)[0], name

    def _chosen(self, name: str, places: Sequence[int]) -> CutFootprints:
        own = self._halves(name)
        return own.halves.take(np.searchsorted(own.places, places).tolist())

    def _joins(self, name: str) -> Joins:
        found = self._of(name)
        if not found:
            return Joins()
        shown = tuple(parts for parts in found if self._owner(parts) == name)
        text = json.dumps([[self._said_of(part) for part in parts] for parts in found])
        away = sorted(place for parts in found for other, place in parts if other == name)
        return Joins(tuple(away), shown, digest(text)[:DIGEST_CHARACTERS])

    def _said_of(self, part: Part) -> list[object]:
        """A part, of a detection of its scene; with what other scenes say of it, if they do."""
        name, place = part
        return [self.scenes[name].mark.stem, place, *self._halves(name).sightings.by_row.get(place, ())]

    def _of(self, name: str) -> list[tuple[Part, ...]]:
        """The buildings of which a scene has a part, each by its parts in order."""
        parts = [(name, place) for place in sorted(self._links_of(name))]
        found = {self._building(part) for part in parts}
        return sorted(building for building in found if is_large_enough([self._half(part) for part in building]))

    def _building(self, part: Part) -> tuple[Part, ...]:
        """All parts of the building of which one is known."""
        if part not in self._buildings:
            found, waiting = {part}, [part]
            while waiting:
                name, place = waiting.pop()
                for other in self._links_of(name).get(place, ()):
                    if other not in found:
                        found.add(other)
                        waiting.append(other)
            building = tuple(sorted(found))
            self._buildings |= dict.fromkeys(building, building)
        return self._buildings[part]

    def _owner(self, parts: Sequence[Part]) -> str:
        halves = {part: self._half(part) for part in parts}
        name, _ = min(halves, key=lambda part: (halves[part][0].rank(halves[part][1]), part))
        return name

    def _half(self, part: Part) -> tuple[CutFootprints, int]:
        name, place = part
        own = self._halves(name)
        return own.halves, int(np.searchsorted(own.places, place))

    def _links_of(self, name: str) -> dict[int, list[Part]]:
        """What goes on in another scene, and where; by place in the scene's table."""
        if name not in self._by_scene:
            found: defaultdict[int, list[Part]] = defaultdict(list)
            for seam in self._borders.of(name):
                for one, other in self._across(seam):
                    mine, theirs = (one, other) if seam.first == name else (other, one)
                    found[mine[1]].append(theirs)
            self._by_scene[name] = dict(found)
        return self._by_scene[name]

    def _across(self, seam: Seam) -> list[tuple[Part, Part]]:
        if seam not in self._links:
            first, second = (self._halves(name) for name in (seam.first, seam.second))
            found = crossings(seam, first.halves, second.halves)
            places = first.places[found.first].tolist(), second.places[found.second].tolist()
            self._links[seam] = [((seam.first, one), (seam.second, other)) for one, other in zip(*places, strict=True)]
        return self._links[seam]


def _by_names(seam: Seam) -> tuple[str, str]:
    return seam.first, seam.second


class _Borders:
    """The borders between scenes that are the last at their places."""

    def __init__(self, scenes: Mapping[str, LayerScene]) -> None:
        self._tiles = PlacedTiles({name: scene.grid.tile for name, scene in scenes.items() if scene.grid is not None})
        self._names = self._tiles.names
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._bounds = [scenes[name].bounds for name in self._names]
        self._moments = np.array([scenes[name].moment for name in self._names], np.float64)
        boxes = np.array([flat(bounds) for bounds in self._bounds], np.float64).reshape(-1, 4)
        self._tree = shapely.STRtree(shapely.box(*boxes.T))
        self._known_near: dict[Bounds, Indices] = {}
        self._last: dict[int, bool] = {}
        self._seams: dict[str, list[Seam]] = {}

    def beginning(self, changed: Iterable[str], areas: Sequence[Bounds], joined: set[str]) -> set[str]:
        """The scenes with which a change begins: those at the same places, too, whose turn comes or is over."""
        begin = {self._numbers[name] for name in changed if name in self._numbers}
        near = {number for area in areas for number in self._near(area).tolist()}
        for number in begin.copy():
            near.update(self._at_place_of(number).tolist())
        more = {number for number in near - begin if self._names[number] in joined or self._is_last(number)}
        return {self._names[number] for number in begin | more}

    def of(self, name: str) -> list[Seam]:
        """The borders of a scene; none where another is the last at its place."""
        if name not in self._seams:
            number = self._numbers.get(name)
            self._seams[name] = [] if number is None or not self._is_last(number) else self._found(number)
        return self._seams[name]

    def beside(self, name: str) -> list[str]:
        """The scenes across the borders of one."""
        return [seam.second if seam.first == name else seam.first for seam in self.of(name)]

    def _found(self, number: int) -> list[Seam]:
        near = self._near(self._bounds[number])
        found = self._tiles.seams(np.full(len(near), number), near)
        return [seam for seam in found if all(self._is_last(self._numbers[one]) for one in (seam.first, seam.second))]

    def _near(self, bounds: Bounds) -> Indices:
        """The scenes near some bounds, the latest first."""
        if bounds not in self._known_near:
            found = self._found_near(bounds)
            self._known_near[bounds] = found[np.argsort(-self._moments[found], kind="stable")]
        return self._known_near[bounds]

    def _found_near(self, bounds: Bounds) -> Indices:
        west, south, east, north = flat(bounds)
        reach_x, reach_y = NEAR_SHARE * (east - west), NEAR_SHARE * (north - south)
        west, south, east, north = west - reach_x, south - reach_y, east + reach_x, north + reach_y
        turns = [
            turn for turn in (-FULL_TURN, 0.0, FULL_TURN) if west + turn <= HALF_TURN and east + turn >= -HALF_TURN
        ]
        found = [self._tree.query(shapely.box(west + turn, south, east + turn, north)) for turn in turns]
        return np.unique(np.concatenate(found))

    def _at_place_of(self, number: int) -> Indices:
        near = self._near(self._bounds[number])
        return near[self._tiles.same_place(np.full(len(near), number), near)]

    def _is_last(self, number: int) -> bool:
        if number not in self._last:
            near = self._near(self._bounds[number])
            later = near[self._moments[near] > self._moments[number]]
            self._last[number] = not any(self._is_any_at(number, some) for some in (later[:FEW], later[FEW:]))
        return self._last[number]

    def _is_any_at(self, number: int, others: Indices) -> bool:
        return bool(self._tiles.same_place(np.full(len(others), number), others).any())
