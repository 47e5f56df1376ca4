"""The looks of towns and trees, read from `looks.yaml`, and the identity of a scene, from which all in it follows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import yaml

from components.core.hashing import hash_integer, uniform
from components.sample_scenes.shapes import RGB, Material, Sun

Thing = TypeVar("Thing")
Span = tuple[float, float]


@dataclass(frozen=True)
class Town:
    """Looks of a town: lengths in metres, angles in degrees, shares of 1, colours in RGB."""

    name: str
    epsg: int  # coordinate reference system of its scenes
    west_m: float  # easting of the left edge of scene 1
    north_m: float  # northing of its top edge
    sun_deg: Span  # azimuth and elevation, from which those of scenes differ a little
    haze: RGB  # added to every pixel
    contrast: float  # multiplies the contrast around mid-grey
    land: Mapping[str, float]  # weight of each kind of block, a name of `blocks.KINDS`
    block_m: Span  # height and width of a cell of the street lattice before it is bent
    jitter: float  # how far a crossing may stray, as a share of the cell
    bend_m: float  # amplitude of the slow bending of all streets
    turn_deg: float  # the lattice is turned by up to this much either way
    street_m: float  # carriageway of an ordinary street; avenues are 1.7 times as wide
    sidewalk_m: float  # on either side, 0 for none
    present: float  # share of the lattice's edges that carry a street
    avenues: float  # share of the lattice's lines that are avenues
    front_m: Span  # of a lot along the street
    setback_m: Span  # from the street to the house
    long_m: Span  # sides of a house
    short_m: Span
    across: float  # share of houses whose long side runs away from the street
    askew_deg: float  # how far a house may turn against its lot
    empty: float  # share of lots without a house; the next are shares of lots that have one
    garage: float
    shed: float
    pool: float
    decoy: float  # paved yard, deck or tarp in the colours of roofs
    driveway: float
    shapes: Mapping[str, float]  # weight of each roof shape of detached houses
    roofing: Material  # of pitched roofs
    pitch_deg: Span
    pitched: tuple[RGB, ...]
    flat: tuple[RGB, ...]
    grass: tuple[RGB, ...]
    asphalt: RGB
    soil: RGB
    concrete: RGB
    forest_floor: RGB
    trees: float  # mean number on a lot
    woods_m2: float  # ground of one tree in a forest
    species: Mapping[str, float]  # weight of each species of tree
    baseball: bool  # whether its sports grounds have baseball fields


@dataclass(frozen=True)
class Species:
    """How a species of tree looks from above."""

    name: str
    colors: tuple[RGB, ...]  # a crown takes one
    radius_m: Span  # of the crown
    slender: float  # height over radius
    density: float  # share of the crown that hides the ground
    pointed: bool  # a cone of boughs rather than a dome of leaves
    shadow: float  # darkness


def _decoded(value: Any) -> Any:
    """A value of the file: lists as tuples, and one or several hexadecimal colours as RGB."""
    if isinstance(value, str) and value.startswith("#"):
        colors = tuple(tuple(bytes.fromhex(code[1:])) for code in value.split())
        return colors if len(colors) > 1 else colors[0]
    return tuple(value) if isinstance(value, list) else value


def _read(kind: type[Thing], table: Mapping[str, Mapping[str, Any]]) -> dict[str, Thing]:
    """Rows of the file as objects by name; what is not a field of theirs is a group of fields."""
    names, rows = {field.name for field in fields(kind)}, {}  # type: ignore[arg-type]
    for name, row in table.items():
        values = {"name": name}
        for key, value in row.items():
            values |= {key: value} if key in names else value
        rows[name] = kind(**{key: _decoded(value) for key, value in values.items()})
    return rows


_LOOKS = yaml.safe_load(Path(__file__).with_name("looks.yaml").read_text(encoding="utf-8"))
TOWNS = _read(Town, _LOOKS["towns"])
SPECIES = _read(Species, _LOOKS["species"])
THINGS: dict[str, tuple[RGB, ...]] = {name: _decoded(colors) for name, colors in _LOOKS["things"].items()}
TEXTURES: dict[Material, list[float]] = _LOOKS["textures"]


class Dice(np.random.Generator):
    """Random generator of one block or street."""

    def __init__(self, key: int) -> None:
        super().__init__(np.random.PCG64(key))

    def chance(self, share: float) -> bool:
        """True in a share of all cases."""
        return self.random() < share

    def side(self) -> int:
        """1 or -1."""
        return 1 if self.chance(0.5) else -1

    def count(self, mean: float) -> range:
        """As many numbers as a Poisson distribution gives."""
        return range(int(self.poisson(mean)))

    def pick(self, things: Sequence[Thing]) -> Thing:
        """One of the things."""
        return things[int(self.integers(len(things)))]

    def tone(self, *colors: RGB) -> RGB:
        """One of the colours, with a little brightness and hue of its own."""
        color = np.asarray(self.pick(colors)) * self.normal(1, 0.07) + self.normal(0, 3, 3)
        red, green, blue = (int(channel) for channel in np.clip(color, 0, 255))
        return red, green, blue


def choose(weights: Mapping[str, float], share: float) -> str:
    """Name on which a share in [0, 1) of all weights falls."""
    sums = list(accumulate(weights.values()))
    return list(weights)[bisect_right(sums, share * sums[-1])]


@dataclass(frozen=True)
class SampleScene:
    """Identity of a scene: everything in it follows from these."""

    town_name: str
    number: int
    seed: int

    @property
    def name(self) -> str:
        """Name of the scene, such as `tyrol-w3`."""
        return f"{self.town_name}{self.number}"

    @property
    def town(self) -> Town:
        """Looks of the scene's town."""
        return TOWNS[self.town_name]

    def uniform(self, *keys: str | int) -> float:
        """Number in [0, 1) keyed by this scene."""
        return uniform(self.seed, "sample_scenes", self.name, *map(str, keys))

    def key(self, *keys: str | int) -> int:
        """Number of 64 bits keyed by this scene."""
        return hash_integer(self.seed, "sample_scenes", self.name, *map(str, keys))

    def dice(self, *keys: str | int) -> Dice:
        """Random generator keyed by this scene."""
        return Dice(self.key(*keys))

    @cached_property
    def sun(self) -> Sun:
        """The scene's sun, a few degrees from the town's."""
        azimuth, elevation = self.town.sun_deg
        return Sun(azimuth + 16 * self.uniform("azimuth") - 8, elevation + 8 * self.uniform("elevation") - 4)
