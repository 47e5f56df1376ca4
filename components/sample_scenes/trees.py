"""Crowns of trees as small pictures, drawn once for each species, size and variant."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from components.core.hashing import hash_integer
from components.sample_scenes.light import Sun
from components.sample_scenes.scenery import RGB, tinted

VARIANTS = 5


@dataclass(frozen=True)
class Species:
    """How a species looks from above.

    Attributes:
        colors: a crown takes one of these.
        radius_m: range of the crown's radius.
        slender: height over radius.
        density: share of the crown that hides the ground.
        pointed: whether the crown is a cone of boughs rather than a dome of leaves.
        shadow: darkness of its shadow, 0 to 1.
    """

    colors: tuple[RGB, ...]
    radius_m: tuple[float, float]
    slender: float
    density: float
    pointed: bool
    shadow: float


SPECIES: dict[str, Species] = {
    "broadleaf": Species(((72, 92, 50), (82, 100, 56), (64, 84, 48), (92, 104, 62)), (2.2, 5.2), 1.7, 1.0, False, 1.0),
    "fresh": Species(((128, 146, 78), (116, 138, 70), (140, 150, 92)), (1.8, 4.2), 1.7, 0.9, False, 0.85),
    "olive": Species(((84, 92, 64), (96, 98, 74), (76, 84, 62)), (1.8, 4.4), 1.4, 1.0, False, 1.0),
    "bare": Species(((122, 112, 98), (134, 124, 110), (108, 98, 88)), (2.6, 5.6), 1.8, 0.5, False, 0.5),
    "conifer": Species(((44, 62, 42), (52, 70, 48), (40, 56, 44), (58, 74, 48)), (1.5, 3.2), 4.0, 1.0, True, 1.0),
}


def crown_radius_px(radius_px: float) -> int:
    """Radius rounded to the sizes that are kept: every pixel when small, coarser when large."""
    step = max(1, int(radius_px // 12))
    return max(1, round(radius_px / step) * step)


@lru_cache(maxsize=2048)
def crown(species: str, radius_px: int, variant: int, sun: Sun) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Picture of a crown.

    Args:
        species: key of `SPECIES`.
        radius_px: radius in pixels.
        variant: which of the crowns of that species.
        sun: lights one side of it.

    Returns:
        (2r + 3, 2r + 3, 3) uint8 RGB and (2r + 3, 2r + 3) uint8 mask, 255 where the crown hides the ground.
    """
    rng = np.random.default_rng(hash_integer(0, "crown", species, str(radius_px), str(variant)))
    kind = SPECIES[species]
    side = 2 * radius_px + 3
    color = kind.colors[variant % len(kind.colors)]
    picture = np.full((side, side, 3), tinted(color, 0.6), dtype=np.uint8)
    mask = np.zeros((side, side), dtype=np.uint8)
    if kind.density < 0.7:
        _boughs(picture, mask, radius_px, color, rng)
    else:
        _clumps(picture, mask, radius_px, color, kind, sun, rng)
    return picture, mask


def _clumps(
    picture: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    radius_px: int,
    color: RGB,
    kind: Species,
    sun: Sun,
    rng: np.random.Generator,
) -> None:
    """Round clumps of leaves from the rim to the top, brighter towards the sun."""
    middle = radius_px + 1
    count = int(14 + 5 * radius_px) if kind.pointed else int(12 + 7 * radius_px)
    distances = np.sort(np.sqrt(rng.random(count)))[::-1]
    angles = rng.random(count) * 2 * np.pi
    size = max(1.0, radius_px * (0.22 if kind.pointed else 0.3))
    for distance, angle in zip(distances, angles, strict=True):
        direction = np.array([np.cos(angle), np.sin(angle)])
        reach = distance * max(0.0, radius_px - size * 0.8)
        x, y = np.round(middle + direction * reach).astype(int)
        facing = float(direction @ sun.towards) * distance
        lift = (1 - distance) * (0.5 if kind.pointed else 0.15)
        factor = 0.88 + 0.36 * facing + lift + float(rng.normal(0, 0.1))
        radius = max(1, round(size * float(rng.uniform(0.6, 1.1))))
        cv2.circle(picture, (int(x), int(y)), radius, tinted(color, factor), cv2.FILLED)
        cv2.circle(mask, (int(x), int(y)), radius, 255, cv2.FILLED)


def _boughs(
    picture: NDArray[np.uint8], mask: NDArray[np.uint8], radius_px: int, color: RGB, rng: np.random.Generator
) -> None:
    """Leafless boughs that radiate from the trunk and let the ground shine through."""
    middle = radius_px + 1
    for _ in range(10 + 3 * radius_px):
        angle, length = rng.random() * 2 * np.pi, radius_px * float(rng.uniform(0.5, 1.0))
        bend = angle + float(rng.normal(0, 0.35))
        halfway = middle + 0.55 * length * np.array([np.cos(angle), np.sin(angle)])
        end = middle + length * np.array([np.cos(bend), np.sin(bend)])
        points = np.round(np.stack([np.full(2, middle), halfway, end])).astype(np.int32)
        cv2.polylines(picture, [points], False, tinted(color, float(rng.uniform(0.62, 1.3))), 1)
        cv2.polylines(mask, [points], False, 255, 1)
