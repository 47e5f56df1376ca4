"""Blocks that people live in: detached houses, rows with garages, closed blocks with courtyards, slabs."""

from __future__ import annotations

import numpy as np

from components.sample_scenes.clutter import car, decoy, parking, pool
from components.sample_scenes.placing import (
    Lot,
    Site,
    between,
    choose,
    detached,
    flat_cover,
    lots,
    pick,
    pitched_cover,
    plant,
    put,
)
from components.sample_scenes.roofs import flat, house
from components.sample_scenes.scenery import (
    Face,
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


def houses(scenery: Scenery, site: Site) -> None:
    """Detached houses on lots along both long sides."""
    for lot in list(lots(site.block, site.town.lots.front_m, site.rng)):
        _yard(scenery, site, lot)
        if site.rng.random() >= site.town.lots.empty:
            _homestead(scenery, site, lot)
        plant(scenery, site, lot.quad, site.town.lots.trees)


def _yard(scenery: Scenery, site: Site, lot: Lot) -> None:
    """Lawn of a lot, in a shade of its own and sometimes bare."""
    rng, palette = site.rng, site.town.palette
    lawn = palette.soil if rng.random() < 0.07 else pick(palette.grass, rng)
    material = Material.SOIL if lawn == palette.soil else Material.GRASS
    scenery.patches.append(Patch(lot.quad, lawn, material, Layer.YARD))


def _homestead(scenery: Scenery, site: Site, lot: Lot) -> None:
    """House, driveway, and what else stands on a lot."""
    rng, style = site.rng, site.town.lots
    long_side, short_side = between(style.house_m, rng), between(style.depth_m, rng)
    across = rng.random() < style.across
    width, depth = (short_side, long_side) if across else (long_side, short_side)
    width = min(width, lot.width_m - 2.4)
    setback = between(style.setback_m, rng)
    depth = min(depth, lot.depth_m - setback - 3)
    if min(width, depth) < 5:
        return
    slack = max(0.0, (lot.width_m - width) / 2 - 1.2)
    frame = lot.frame.moved(float(rng.uniform(-1, 1)) * slack, setback + depth / 2)
    frame = frame.turned(float(rng.uniform(-1, 1)) * style.askew_deg)
    if not across:
        home = detached(site, frame, width, depth, 0.08)
    else:
        home = detached(site, frame.turned(90), depth, width, 0.08)
    if not put(scenery, home, 1.2):
        return
    _around_house(scenery, site, lot, setback, width, depth)


def _around_house(scenery: Scenery, site: Site, lot: Lot, setback: float, width: float, depth: float) -> None:
    rng, style, palette = site.rng, site.town.lots, site.town.palette
    back = setback + depth
    room = lot.depth_m - back
    side = 1 if rng.random() < 0.5 else -1
    if rng.random() < style.driveway:
        x = side * min(lot.width_m / 2 - 2.2, width * 0.32)
        drive = lot.frame.points(box(float(rng.uniform(3, 5.4)), setback + 3.5, x, setback / 2 - 1.0))
        scenery.patches.append(Patch(drive, pick((palette.concrete,), rng), Material.CONCRETE, Layer.TOP))
        if rng.random() < 0.5 and setback > 6:
            put(scenery, car(lot.frame.moved(x, setback / 2).turned(90), site.sun, rng), 0.2)
    if room > 6 and rng.random() < style.decoy:
        extent = (float(rng.uniform(4, 9.5)), float(rng.uniform(3.5, min(8.0, room - 2))))
        near = rng.random() < 0.6
        y = back + extent[1] / 2 + (0.3 if near else float(rng.uniform(1, max(1.1, room - extent[1] - 1))))
        x = float(rng.uniform(-0.5, 0.5)) * max(0.0, lot.width_m - extent[0] - 2)
        decoy(scenery, lot.frame.moved(x, y), extent, palette.pitched + palette.flat, rng)
    if room > 12 and rng.random() < style.pool:
        place = lot.frame.moved(float(rng.uniform(-0.2, 0.2)) * lot.width_m, back + room * 0.55)
        pool(scenery, place, rng)
    if room > 8 and rng.random() < style.garage:
        spot = lot.frame.moved(-side * max(0.0, lot.width_m / 2 - 4.4), lot.depth_m - 4.2)
        put(scenery, house(spot, "gable", 6.4, 6.2, pitched_cover(palette, 2.8, rng), site.sun, rng))
    if room > 7 and rng.random() < style.shed:
        spot = lot.frame.moved(side * max(0.0, lot.width_m / 2 - 3.0), lot.depth_m - float(rng.uniform(2.8, 4)))
        put(scenery, house(spot, "gable", 4.2, 3.2, pitched_cover(palette, 2.4, rng), site.sun, rng))


def terraces(scenery: Scenery, site: Site) -> None:
    """Narrow houses that run into deep lots, with garages along an alley in the middle of the block."""
    rng, palette = site.rng, site.town.palette
    alley = 4.8
    half = alley / 2 / max(site.block.breadth_m, 1e-6)
    lane = site.block.quad((0, 1), (0.5 - half, 0.5 + half))
    scenery.patches.append(Patch(lane, tinted(palette.concrete, 0.88), Material.CONCRETE, Layer.SIDEWALK))
    mostly_flat = rng.random() < 0.35
    setback = between(site.town.lots.setback_m, rng)
    for lot in list(lots(site.block, site.town.lots.front_m, rng, alley)):
        _yard(scenery, site, lot)
        if rng.random() < site.town.lots.empty:
            if rng.random() < 0.4:
                decoy(
                    scenery,
                    lot.frame.moved(0, lot.depth_m / 2),
                    (lot.width_m - 2, lot.depth_m * 0.5),
                    palette.flat,
                    rng,
                )
            plant(scenery, site, lot.quad, 4)
            continue
        _terrace(scenery, site, lot, setback, 0.75 if mostly_flat else 0.12)
        back = np.stack([*((lot.quad[:2] + lot.quad[[3, 2]]) / 2), *lot.quad[2:]])
        plant(scenery, site, back, site.town.lots.trees * 0.6)
    for across in (-0.028, 1.028):
        for along in np.arange(0.03, 1, 11.0 / max(site.block.length_m, 11.0)):
            if rng.random() < 0.6:
                spot = site.block.at(float(along), across)
                plant(scenery, site, np.tile(spot, (4, 1)), 1.0)


def _terrace(scenery: Scenery, site: Site, lot: Lot, setback: float, flat_share: float) -> None:
    rng, style, palette = site.rng, site.town.lots, site.town.palette
    width = min(between(style.depth_m, rng), lot.width_m - 1.5)
    depth = min(between(style.house_m, rng), lot.depth_m - setback - 10)
    if min(width, depth) < 4:
        return
    y = setback + float(rng.uniform(-0.5, 0.8)) + depth / 2
    put(scenery, detached(site, lot.frame.moved(0.2, y).turned(90), depth, width, flat_share), 0.1)
    walk = lot.frame.points(box(1.1, setback + 1, 0.6, setback / 2 - 0.4))
    scenery.patches.append(Patch(walk, palette.concrete, Material.CONCRETE, Layer.TOP))
    back = lot.depth_m - (y + depth / 2)
    if rng.random() < style.garage and back > 8:
        size = float(rng.uniform(5.6, 6.8))
        spot = lot.frame.moved(
            float(rng.uniform(-0.5, 0.5)) * max(0.0, lot.width_m - size - 1), lot.depth_m - size / 2 - 0.9
        )
        if rng.random() < 0.35:
            garage = flat(spot, [box(size, size)], flat_cover(palette, 2.8, rng), site.sun, rng, 0)
        else:
            shape = "hip" if rng.random() < 0.5 else "gable"
            garage = house(spot, shape, size, size * 0.98, pitched_cover(palette, 2.8, rng), site.sun, rng)
        put(scenery, garage, 0.2)
    else:
        pad = lot.frame.moved(0, lot.depth_m - 3.6)
        decoy(scenery, pad, (min(6.5, lot.width_m - 1.5), 6.4), palette.flat + palette.pitched, rng)
        if rng.random() < 0.6:
            put(scenery, car(pad.turned(90), site.sun, rng), 0.2)
    if back > 14 and rng.random() < style.decoy:
        deck = lot.frame.moved(0, y + depth / 2 + 2.4)
        decoy(scenery, deck, (min(5.5, lot.width_m - 2), 4.2), palette.pitched, rng)


def perimeter(scenery: Scenery, site: Site) -> None:
    """Closed block: houses wall to wall along all four streets around courtyards."""
    rng, palette, plot = site.rng, site.town.palette, site.block.plot
    wing = min(between((11, 14), rng), site.block.breadth_m * 0.3)
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
    _courtyard(scenery, site, yard, height)


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


def _courtyard(scenery: Scenery, site: Site, yard: Points, height: float) -> None:
    """Side wings, low workshops, paved corners and trees inside a closed block."""
    rng, palette = site.rng, site.town.palette
    frame = site.frame
    room = min(
        float(np.hypot(*((yard[0] + yard[1]) / 2 - (yard[2] + yard[3]) / 2))),
        float(np.hypot(*((yard[1] + yard[2]) / 2 - (yard[3] + yard[0]) / 2))),
    )
    if room > 26 and rng.random() < 0.5:
        size = (float(rng.uniform(8, room * 0.5)), float(rng.uniform(6, room * 0.3)))
        spot = frame.moved(*(rng.uniform(-0.12, 0.12, 2) * room))
        cover = flat_cover(palette, between((3.5, 7), rng), rng)
        put(scenery, flat(spot, [box(*size)], cover, site.sun, rng, 1.5), 2.0)
    for _ in range(int(rng.poisson(1.4))):
        spot = frame.moved(*(rng.uniform(-0.35, 0.35, 2) * room))
        decoy(scenery, spot, (float(rng.uniform(4, 9)), float(rng.uniform(3, 7))), palette.pitched + palette.flat, rng)
    for _ in range(int(rng.poisson(1.5))):
        put(
            scenery,
            car(frame.moved(*(rng.uniform(-0.3, 0.3, 2) * room)).turned(float(rng.choice([0, 90]))), site.sun, rng),
        )
    plant(scenery, site, yard, room * room / 130)


def estate(scenery: Scenery, site: Site) -> None:
    """Slabs of flats on a lawn, with parking between them."""
    rng, palette, block = site.rng, site.town.palette, site.block
    scenery.patches.append(Patch(block.plot, pick(palette.grass, rng), Material.GRASS, Layer.YARD))
    depth = between((11, 14), rng)
    count = max(1, int(block.length_m // between((34, 46), rng)))
    pitched = rng.random() < 0.5
    color = pick(palette.pitched if pitched else palette.flat, rng)
    height = between((9, 20), rng)
    for index in range(count):
        share = (index + 0.5) / count
        middle = block.at(share, 0.5)
        across = block.at(share, 1) - block.at(share, 0)
        frame = site.frame.turned(90)
        frame = frame.moved(*((middle - frame.origin) @ np.stack([frame.x_axis, frame.y_axis]).T))
        length = min(between((34, 62), rng), float(np.hypot(*across)) - 8)
        if length < 14:
            continue
        cover = (pitched_cover if pitched else flat_cover)(palette, height, rng)
        cover = type(cover)(color, cover.material, cover.pitch_deg, cover.height_m)
        if pitched:
            shape = choose({"hip": 1, "gable": 1}, float(rng.random()))
            put(scenery, house(frame, shape, length, depth, cover, site.sun, rng))
        else:
            put(scenery, flat(frame, _slab(length, depth, rng), cover, site.sun, rng, 1.0))
        if rng.random() < 0.5:
            gap = block.length_m / count - depth
            spot = frame.moved(0, depth / 2 + gap / 2)
            if index < count - 1 and gap > 12:
                parking(scenery, spot, min(length, 40.0), 10, site.sun, rng)
    for _ in range(int(rng.poisson(2))):
        spot = site.frame.moved(
            float(rng.uniform(-0.4, 0.4)) * block.length_m, float(rng.uniform(-0.4, 0.4)) * block.breadth_m
        )
        decoy(scenery, spot, (float(rng.uniform(5, 14)), float(rng.uniform(4, 9))), palette.flat + palette.pitched, rng)
    plant(scenery, site, block.plot, block.length_m * block.breadth_m / 260)


def _slab(length: float, depth: float, rng: np.random.Generator) -> list[Points]:
    """Footprint of a slab: plain, or in two staggered halves."""
    if rng.random() < 0.5:
        return [box(length, depth)]
    shift = depth * 0.25
    return [box(length / 2 + 0.2, depth, -length / 4, -shift), box(length / 2 + 0.2, depth, length / 4, shift)]
