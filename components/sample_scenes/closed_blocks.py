"""Blocks closed by town houses wall to wall, and slabs of flats on a lawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from components.sample_scenes.clutter import car, decoy, parking
from components.sample_scenes.placing import (
    Site,
    between,
    flat_cover,
    is_free,
    pick,
    pitched_cover,
    plant,
    put,
)
from components.sample_scenes.roofs import flat, house
from components.sample_scenes.scenery import (
    RGB,
    Face,
    Frame,
    Layer,
    Material,
    Patch,
    Points,
    Scenery,
    Solid,
    box,
    tinted,
)
from components.sample_scenes.streets import inset


def perimeter(scenery: Scenery, site: Site) -> None:
    """Closed block: houses wall to wall along all four streets around courtyards."""
    rng, palette, plot = site.rng, site.town.palette, site.block.plot
    wing = min(between((12, 15.5), rng), site.block.breadth_m * 0.3)
    yard = inset(plot, [wing] * 4)
    paved = rng.random() < 0.55
    ground = pick((palette.concrete,), rng) if paved else pick(palette.grass, rng)
    scenery.patches.append(Patch(plot, ground, Material.CONCRETE if paved else Material.GRASS, Layer.YARD))
    height = between((13, 19), rng)
    gap_side = int(rng.integers(4)) if rng.random() < 0.3 else -1
    for side in range(4):
        outer = plot[[side, (side + 1) % 4]]
        inner = yard[[side, (side + 1) % 4]]
        _street_front(scenery, site, outer, inner, height, gap=side == gap_side)
    _courtyard(scenery, site, yard)


def _street_front(scenery: Scenery, site: Site, outer: Points, inner: Points, height: float, gap: bool) -> None:
    """Houses of one side, between its line on the street and its line on the courtyard, each (2, 2) metres."""
    rng = site.rng
    length = float(np.hypot(*(outer[1] - outer[0])))
    count = max(1, round(length / between((15, 22), rng)))
    cuts = np.linspace(0, 1, count + 1)
    cuts[1:-1] += rng.uniform(-0.2, 0.2, count - 1) / count
    missing = int(rng.integers(1, count - 1)) if gap and count > 2 else -1
    for index in range(count):
        start, end = cuts[index], cuts[index + 1]
        quad = np.stack(
            [
                outer[0] + (outer[1] - outer[0]) * start,
                outer[0] + (outer[1] - outer[0]) * end,
                inner[0] + (inner[1] - inner[0]) * end,
                inner[0] + (inner[1] - inner[0]) * start,
            ]
        )
        if index != missing:
            scenery.solids.append(_town_house(site, quad, height * between((0.88, 1.1), rng)))
            if rng.random() < 0.45:
                _side_wing(scenery, site, quad, height)


def _town_house(site: Site, quad: Points, height: float) -> Solid:
    """Terraced town house on a quadrilateral, street side first, its ridge along the street."""
    rng, palette = site.rng, site.town.palette
    along = (quad[1] - quad[0]) / max(float(np.hypot(*(quad[1] - quad[0]))), 1e-9)
    outwards = np.array([along[1], -along[0]])
    left, right = (quad[0] + quad[3]) / 2, (quad[1] + quad[2]) / 2
    if rng.random() < 0.14:
        color = pick(palette.flat, rng)
        rim = Face(quad, tinted(color, 1.2), Material.GRAVEL)
        faces = [rim, Face(inset(quad, [0.6] * 4), color, Material.GRAVEL)]
    else:
        cover = pitched_cover(palette, height, rng)
        slopes = (
            (np.stack([quad[0], quad[1], right, left]), outwards),
            (np.stack([left, right, quad[2], quad[3]]), -outwards),
        )
        faces = [
            Face(points, site.sun.shade(cover.color, down, cover.pitch_deg), cover.material) for points, down in slopes
        ]
        ridge = np.stack([left - outwards * 0.2, right - outwards * 0.2, right + outwards * 0.2, left + outwards * 0.2])
        faces.append(Face(ridge, tinted(cover.color, 1.1), Material.SMOOTH))
    faces += _roof_windows(site, quad, outwards)
    fire_wall = np.stack([quad[1], quad[2], quad[2] - along * 0.5, quad[1] - along * 0.5])
    faces.append(Face(fire_wall, (176, 168, 160), Material.SMOOTH))
    return Solid((quad,), tuple(faces), height, is_building=True)


def _roof_windows(site: Site, quad: Points, outwards: Points) -> list[Face]:
    """Dormers, skylights and chimneys on a town house."""
    rng = site.rng
    faces = []
    for _ in range(int(rng.poisson(3.0))):
        along, across = float(rng.uniform(0.12, 0.88)), float(rng.choice([0.22, 0.3, 0.7, 0.78]))
        front, back = quad[0] + (quad[1] - quad[0]) * along, quad[3] + (quad[2] - quad[3]) * along
        middle = front + (back - front) * across
        side = np.array([-outwards[1], outwards[0]])
        half = float(rng.uniform(0.5, 0.9))
        window = np.stack(
            [
                middle - side * half - outwards * 0.7,
                middle + side * half - outwards * 0.7,
                middle + side * half + outwards * 0.7,
                middle - side * half + outwards * 0.7,
            ]
        )
        color = (190, 200, 206) if rng.random() < 0.5 else (112, 100, 94)
        faces.append(Face(window + site.sun.shadow_per_m * 0.5, (70, 60, 56), Material.SMOOTH))
        faces.append(Face(window, color, Material.SMOOTH))
    return faces


def _side_wing(scenery: Scenery, site: Site, quad: Points, height: float) -> None:
    """Rear wing that leaves a town house for the courtyard, where there is room."""
    rng = site.rng
    along = (quad[2] - quad[3]) / max(float(np.hypot(*(quad[2] - quad[3]))), 1e-9)
    inwards = np.array([-along[1], along[0]])
    width, reach = between((6, 9), rng), between((6, 0.32 * site.block.breadth_m), rng)
    frame = Frame((quad[2] + quad[3]) / 2, along, inwards).moved(0, reach / 2)
    if not is_free(scenery, (frame.points(box(width + 5, reach - 1, 0, 1)), frame.points(box(width, 5, 0, reach / 2)))):
        return
    parts = [box(width, reach + 0.6, 0, -0.2)]
    if rng.random() < 0.5:
        wing = flat(frame, parts, flat_cover(site.town.palette, height * 0.7, rng), site.sun, rng, 0.6)
    else:
        cover = pitched_cover(site.town.palette, height * 0.8, rng)
        wing = house(frame.turned(90), "gable", reach + 0.6, width, cover, site.sun, rng)
    scenery.solids.append(wing)


def _courtyard(scenery: Scenery, site: Site, yard: Points) -> None:
    """Low workshops, paved corners, parked cars and trees inside a closed block."""
    rng, palette = site.rng, site.town.palette
    room = min(site.extent) * 0.5
    if room > 15 and rng.random() < 0.5:
        size = (between((8, room), rng), between((6, room * 0.7), rng))
        cover = flat_cover(palette, between((3.5, 7), rng), rng)
        put(scenery, site, flat(site.spot(0.2), [box(*size)], cover, site.sun, rng, 1.5), 2.0)
    for _ in range(int(rng.poisson(1.4))):
        decoy(
            scenery, site.spot(0.5), (between((4, 9), rng), between((3, 7), rng)), palette.pitched + palette.flat, rng
        )
    for _ in range(int(rng.poisson(2.5))):
        put(scenery, site, car(site.spot(0.45).turned(90.0 * int(rng.integers(2))), site.sun, rng))
    plant(scenery, site, yard, room * room / 28)


def estate(scenery: Scenery, site: Site) -> None:
    """Parallel slabs of flats on a lawn, with parking between them."""
    rng, palette = site.rng, site.town.palette
    scenery.patches.append(Patch(site.block.plot, pick(palette.grass, rng), Material.GRASS, Layer.YARD))
    length, breadth = site.extent
    depth, height = between((11, 14), rng), between((9, 20), rng)
    pitched = bool(rng.random() < 0.5)
    color = pick(palette.pitched if pitched else palette.flat, rng)
    count = max(1, int(length // between((30, 42), rng)))
    bay = length / count
    for index in range(count):
        frame = site.frame.moved((index + 0.5) * bay - length / 2, 0).turned(90)
        long_side = min(between((34, 62), rng), breadth - 4)
        if long_side >= 14:
            _slab(scenery, site, frame, (long_side, depth), height, color if pitched else None)
        if index < count - 1 and bay - depth > 13 and rng.random() < 0.6:
            parking(scenery, frame.moved(0, -bay / 2), min(long_side, 40.0), 10, site.sun, rng)
    for _ in range(int(rng.poisson(2))):
        decoy(
            scenery, site.spot(0.8), (between((5, 14), rng), between((4, 9), rng)), palette.flat + palette.pitched, rng
        )
    plant(scenery, site, site.block.plot, length * breadth / 210)


def _slab(
    scenery: Scenery, site: Site, frame: Frame, extent: tuple[float, float], height: float, color: RGB | None
) -> None:
    """One slab: pitched in a given colour, or flat, plain or in two staggered halves."""
    rng, palette = site.rng, site.town.palette
    length, depth = extent
    if color is not None:
        cover = replace(pitched_cover(palette, height, rng), color=color)
        shape = "hip" if rng.random() < 0.5 else "gable"
        put(scenery, site, house(frame, shape, length, depth, cover, site.sun, rng))
        return
    shift = depth * 0.25 if rng.random() < 0.5 else 0.0
    halves = [box(length / 2 + 0.2, depth, -length / 4, -shift), box(length / 2 + 0.2, depth, length / 4, shift)]
    parts = halves if shift else [box(length, depth)]
    put(scenery, site, flat(frame, parts, flat_cover(palette, height, rng), site.sun, rng, 1.0))
