"""The sun of a scene: shadows on the ground and the shading of slopes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from components.sample_scenes.scenery import RGB, Points, tinted


@dataclass(frozen=True)
class Sun:
    """Sun by compass azimuth (clockwise from north) and elevation above the horizon, in degrees."""

    azimuth_deg: float
    elevation_deg: float

    @cached_property
    def towards(self) -> Points:
        """(2,) unit vector on the ground towards the sun, x east and y south."""
        azimuth = np.radians(self.azimuth_deg)
        return np.array([np.sin(azimuth), -np.cos(azimuth)], dtype=np.float64)

    @cached_property
    def shadow_per_m(self) -> Points:
        """(2,) displacement in metres of the shadow of a point one metre above the ground."""
        return np.asarray(-self.towards / np.tan(np.radians(self.elevation_deg)), dtype=np.float64)

    def shade(self, color: RGB, downhill: Points | None, pitch_deg: float) -> RGB:
        """Colour of a sloped face, where a horizontal face keeps its own (Lambert's cosine law over ambient light).

        Args:
            color: RGB of the surface when horizontal.
            downhill: (2,) unit vector in which the face falls, or None where it is flat.
            pitch_deg: slope of the face against the horizontal.
        """
        if downhill is None:
            return color
        pitch, elevation = np.radians(pitch_deg), np.radians(self.elevation_deg)
        facing = np.sin(pitch) * np.cos(elevation) * float(downhill @ self.towards) + np.cos(pitch) * np.sin(elevation)
        return tinted(color, 0.42 + 0.58 * max(0.0, float(facing)) / float(np.sin(elevation)))
