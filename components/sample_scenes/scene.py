"""Identity of a scene, from which everything in it follows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from components.core.hashing import hash_integer, uniform
from components.sample_scenes.light import Sun
from components.sample_scenes.towns import Town, town


@dataclass(frozen=True)
class Scene:
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
        """Style of the scene's town."""
        return town(self.town_name)

    def uniform(self, *keys: str) -> float:
        """Number in [0, 1) keyed by this scene."""
        return uniform(self.seed, "sample_scenes", self.name, *keys)

    def generator(self, *keys: str) -> np.random.Generator:
        """Random generator keyed by this scene."""
        return np.random.default_rng(hash_integer(self.seed, "sample_scenes", self.name, *keys))

    @cached_property
    def sun(self) -> Sun:
        """The scene's sun, a few degrees from the town's."""
        azimuth, elevation = self.town.sun
        return Sun(azimuth + 16 * self.uniform("azimuth") - 8, elevation + 8 * self.uniform("elevation") - 4)
