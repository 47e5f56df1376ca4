"""Roof shapes: footprints, shaded faces and what stands on them, in the local frame of a building."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.sample_scenes.light import Sun
from components.sample_scenes.scenery import RGB, Face, Frame, Material, Points, Solid, box, disc, tinted


@dataclass(frozen=True)
class Cover:
    """How a roof is covered: colour, texture, slope, and the height of its eaves."""

    color: RGB
    material: Material
    pitch_deg: float
    height_m: float


@dataclass(frozen=True)
class Slope:
    """Face before shading: (N, 2) local metres and the local direction in which it falls (None when flat)."""

    points: Points
    downhill: tuple[float, float] | None


def gable(width: float, depth: float) -> list[Slope]:
    """Two slopes that meet in a ridge along x."""
    w, d = width / 2, depth / 2
    return [
        Slope(np.array([(-w, -d), (w, -d), (w, 0), (-w, 0)]), (0, -1)),
        Slope(np.array([(-w, 0), (w, 0), (w, d), (-w, d)]), (0, 1)),
    ]


def hip(width: float, depth: float) -> list[Slope]:
    """Four slopes with a ridge along the longer axis (a pyramid when square)."""
    w, d = width / 2, depth / 2
    if width < depth:
        turned = hip(depth, width)
        return [Slope(s.points[:, ::-1], (s.downhill[1], s.downhill[0]) if s.downhill else None) for s in turned]
    ridge = w - d
    return [
        Slope(np.array([(-w, -d), (w, -d), (ridge, 0), (-ridge, 0)]), (0, -1)),
        Slope(np.array([(-ridge, 0), (ridge, 0), (w, d), (-w, d)]), (0, 1)),
        Slope(np.array([(-w, -d), (-ridge, 0), (-w, d)]), (-1, 0)),
        Slope(np.array([(w, -d), (ridge, 0), (w, d)]), (1, 0)),
    ]


def cone(radius: float, sides: int) -> list[Slope]:
    """Slopes of a many-sided spire."""
    corners = disc(radius, sides=sides)
    slopes = []
    for index in range(sides):
        first, second = corners[index], corners[(index + 1) % sides]
        outwards = (first + second) / np.linalg.norm(first + second)
        slopes.append(Slope(np.stack([first, second, np.zeros(2)]), (float(outwards[0]), float(outwards[1]))))
    return slopes


def wing(x: float, half_width: float, eaves: float, reach: float, hipped: bool) -> list[Slope]:
    """Slopes of a wing that leaves the main roof towards +y, cut into it along valleys.

    Args:
        x: middle of the wing along the main ridge.
        half_width: half the wing's width.
        eaves: y of the main roof's eaves.
        reach: how far the wing stands out.
        hipped: whether its end is hipped rather than gabled.
    """
    end = eaves + reach
    top = end - (half_width if hipped else 0)
    valley = eaves - half_width
    slopes = [
        Slope(np.array([(x - half_width, end), (x, top), (x, valley), (x - half_width, eaves)]), (-1, 0)),
        Slope(np.array([(x + half_width, end), (x, top), (x, valley), (x + half_width, eaves)]), (1, 0)),
    ]
    if hipped:
        slopes.append(Slope(np.array([(x - half_width, end), (x, top), (x + half_width, end)]), (0, 1)))
    return slopes


def solid(frame: Frame, parts: list[Points], slopes: list[Slope], cover: Cover, sun: Sun, details: list[Face]) -> Solid:
    """Building from its local parts and slopes; `details` are already in scene metres."""
    faces = [
        Face(
            frame.points(slope.points),
            sun.shade(
                cover.color, None if slope.downhill is None else frame.direction(slope.downhill), cover.pitch_deg
            ),
            cover.material,
        )
        for slope in slopes
    ]
    return Solid(tuple(frame.points(part) for part in parts), (*faces, *details), cover.height_m, is_building=True)


def house(
    frame: Frame, shape: str, width: float, depth: float, cover: Cover, sun: Sun, rng: np.random.Generator
) -> Solid:
    """Pitched building centred on the frame, `width` along x: one of `gable hip L T U`.

    The wings of L, T and U stay inside `depth`, towards +y.
    """
    if shape in ("gable", "hip"):
        slopes = gable(width, depth) if shape == "gable" else hip(width, depth)
        parts = [box(width, depth)]
        details = _pitched_details(frame, width, depth, cover, rng)
        return solid(frame, parts, slopes, cover, sun, details)
    main_depth = depth * rng.uniform(0.52, 0.64)
    reach = depth - main_depth
    half_wing = min(main_depth * 0.45, width * 0.22)
    hipped = bool(rng.random() < 0.5)
    main = frame.moved(0, -reach / 2)
    edge = width / 2 - half_wing
    side = 1 if rng.random() < 0.5 else -1
    middles = {"L": [side * edge], "T": [float(rng.uniform(-0.2, 0.2)) * width], "U": [-edge, edge]}[shape]
    slopes = hip(width, main_depth) if hipped else gable(width, main_depth)
    parts = [box(width, main_depth)]
    for middle in middles:
        slopes += wing(middle, half_wing, main_depth / 2, reach, hipped)
        parts.append(box(2 * half_wing, reach + 0.4, middle, main_depth / 2 + reach / 2 - 0.2))
    return solid(main, parts, slopes, cover, sun, _pitched_details(main, width, main_depth, cover, rng))


def flat(
    frame: Frame, parts: list[Points], cover: Cover, sun: Sun, rng: np.random.Generator, units_per_100_m2: float
) -> Solid:
    """Flat building of rectangular local parts: parapets, stains, roof units, skylights."""
    parapet = tinted(cover.color, float(rng.uniform(1.12, 1.3)))
    slopes_faces = [Face(frame.points(part), parapet, cover.material) for part in parts]
    for part in parts:
        low, high = part.min(axis=0), part.max(axis=0)
        if (high - low).min() < 3:
            continue
        inner = box(*(high - low - 1.0), *((high + low) / 2))
        slopes_faces.append(Face(frame.points(inner), cover.color, cover.material))
        slopes_faces += _parapet_shadow(frame, inner, cover, sun)
        slopes_faces += _flat_details(frame, low + 1.2, high - 1.2, cover, rng, units_per_100_m2, sun)
    return Solid(tuple(frame.points(part) for part in parts), tuple(slopes_faces), cover.height_m, is_building=True)


def _parapet_shadow(frame: Frame, inner: Points, cover: Cover, sun: Sun) -> list[Face]:
    """Dark seams inside the two parapets on the sun's side."""
    faces = []
    middle = inner.mean(axis=0)
    for index in range(len(inner)):
        start, end = inner[index], inner[(index + 1) % len(inner)]
        outwards = (start + end) / 2 - middle
        local = (float(outwards[0]), float(outwards[1]))
        if float(frame.direction(local) @ sun.towards) > 0.2 * float(np.hypot(*local)):
            inset = 0.7 / max(float(np.hypot(*local)), 0.7)
            seam = np.stack([start, end, end + (middle - end) * inset, start + (middle - start) * inset])
            faces.append(Face(frame.points(seam), tinted(cover.color, 0.55), cover.material))
    return faces


def _flat_details(
    frame: Frame,
    low: Points,
    high: Points,
    cover: Cover,
    rng: np.random.Generator,
    units_per_100_m2: float,
    sun: Sun,
) -> list[Face]:
    faces: list[Face] = []
    size = high - low
    if size.min() < 1.5:
        return faces
    area = float(size.prod())
    for _ in range(int(rng.poisson(area / 220))):
        extent = np.minimum(rng.uniform(2, 9, 2), size)
        middle = low + extent / 2 + rng.random(2) * (size - extent)
        stain = tinted(cover.color, float(rng.uniform(0.86, 1.1)))
        faces.append(Face(frame.points(box(*extent, *middle)), stain, cover.material))
    if area > 600:
        faces += _seams(frame, low, high, cover, rng)
    for _ in range(min(60, int(rng.poisson(area / 100 * units_per_100_m2)))):
        extent = np.minimum(rng.uniform(0.9, 2.6, 2), size)
        middle = low + extent / 2 + rng.random(2) * (size - extent)
        unit = frame.points(box(*extent, *middle))
        faces.append(Face(unit + sun.shadow_per_m * 0.9, tinted(cover.color, 0.5), Material.SMOOTH))
        gray = int(rng.integers(120, 235))
        faces.append(Face(unit, (gray, gray, gray), Material.SMOOTH))
    return faces


def _seams(frame: Frame, low: Points, high: Points, cover: Cover, rng: np.random.Generator) -> list[Face]:
    """Joints or rows of skylights across a large roof."""
    along = 0 if high[0] - low[0] >= high[1] - low[1] else 1
    pitch = float(rng.uniform(5, 11))
    skylights = bool(rng.random() < 0.35)
    color: RGB = (206, 216, 220) if skylights else tinted(cover.color, 0.88)
    faces = []
    for position in np.arange(low[along] + pitch / 2, high[along] - 1, pitch):
        share = 0.6 if skylights else 1.0
        extent = np.empty(2)
        extent[along], extent[1 - along] = (1.2 if skylights else 0.35), (high - low)[1 - along] * share
        middle = (low + high) / 2
        middle[along] = position
        faces.append(Face(frame.points(box(*extent, *middle)), color, Material.SMOOTH))
    return faces


def _pitched_details(frame: Frame, width: float, depth: float, cover: Cover, rng: np.random.Generator) -> list[Face]:
    """Ridge cap, chimney, skylights and now and then solar panels."""
    ridge = max(width, depth) - (min(width, depth) if width < 2 * depth else 0)
    cap = box(max(ridge, 1.0), 0.3) if width >= depth else box(0.3, max(ridge, 1.0))
    faces = [Face(frame.points(cap), tinted(cover.color, 1.12), Material.SMOOTH)]
    if rng.random() < 0.55:
        x, y = rng.uniform(-0.3, 0.3) * width, rng.uniform(-0.15, 0.15) * depth
        faces.append(Face(frame.points(box(1.5, 0.9, x + 0.5, y + 0.4)), tinted(cover.color, 0.5), Material.SMOOTH))
        faces.append(Face(frame.points(box(0.9, 0.8, x, y)), (150, 120, 108), Material.SMOOTH))
    for _ in range(int(rng.poisson(0.5))):
        x, y = rng.uniform(-0.35, 0.35) * width, rng.choice([-0.25, 0.25]) * depth
        faces.append(Face(frame.points(box(0.9, 1.2, x, y)), (186, 200, 210), Material.SMOOTH))
    if rng.random() < 0.07 and min(width, depth) > 7:
        panel = box(width * 0.4, depth * 0.28, rng.uniform(-0.15, 0.15) * width, rng.choice([-0.25, 0.25]) * depth)
        faces.append(Face(frame.points(panel), (38, 46, 70), Material.SMOOTH))
    return faces
