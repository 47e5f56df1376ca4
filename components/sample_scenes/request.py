"""The checked parameters of a set of scenes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.hashing import digest
from components.sample_scenes.scene import Scene
from components.sample_scenes.towns import TOWNS, town

RECIPE = 1
"""Raised whenever the same parameters come to give other pixels, so that scenes of an older recipe are not reused."""

SMALLEST_PX = 64
FINEST_M, COARSEST_M = 0.05, 3.0


@dataclass(frozen=True)
class Request:
    """Which scenes are wanted; `generate` says what the fields mean."""

    towns: tuple[str, ...]
    scenes_per_town: int
    size: Size
    gsd_m: float
    seed: int
    tiled: bool

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            ConfigError: If a parameter breaks its rule.
        """
        if not self.towns:
            raise ConfigError(f"towns: none given; use some of {', '.join(TOWNS)}")
        for name in self.towns:
            town(name)
            if self.towns.count(name) > 1:
                raise ConfigError(f"towns: '{name}' is given {self.towns.count(name)} times; give every town once")
        if self.scenes_per_town < 1:
            raise ConfigError(f"scenes_per_town: {self.scenes_per_town} is below 1; use at least 1")
        for side, length in (("height", self.size.height), ("width", self.size.width)):
            if length < SMALLEST_PX:
                raise ConfigError(f"size.{side}: {length} px is below {SMALLEST_PX}; use at least {SMALLEST_PX}")
        if not FINEST_M <= self.gsd_m <= COARSEST_M:
            raise ConfigError(f"gsd_m: {self.gsd_m} is not within {FINEST_M} and {COARSEST_M} metres a pixel; use 0.3")

    @property
    def record(self) -> str:
        """The parameters as one line of JSON: all that decides the pixels and the files."""
        fields = {
            "recipe": RECIPE,
            "towns": list(self.towns),
            "scenes_per_town": self.scenes_per_town,
            "height_px": self.size.height,
            "width_px": self.size.width,
            "gsd_m": self.gsd_m,
            "seed": self.seed,
            "tiled": self.tiled,
        }
        return json.dumps(fields) + "\n"

    @property
    def key(self) -> str:
        """Digest of the parameters, 64 hex characters."""
        return digest("sample_scenes", self.record)

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Every scene, numbered from 1 within its town."""
        return tuple(Scene(name, n, self.seed) for name in self.towns for n in range(1, self.scenes_per_town + 1))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the scenes, such as `tyrol-w3`."""
        return tuple(scene.name for scene in self.scenes)
