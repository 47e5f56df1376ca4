"""Blocks of work and leisure: shops, yards, parks, sports grounds, woods, meadows, snow, lakes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from components.sample_scenes.clutter import container, court, decoy, diamond, parking, pitch, truck
from components.sample_scenes.placing import (
    Site,
    between,
    detached,
    flat_cover,
    pick,
    plant,
    put,
)
from components.sample_scenes.roofs import flat
from components.sample_scenes.scenery import Frame, Layer, Material, Patch, Points, Scenery, box, disc, strip, tinted


def commerce(scenery: Scenery, site: Site) -> None:
    """Large flat hall, or a row of shops, behind its parking lot."""
    rng, block, palette = site.rng, site.block, site.town.palette
    ground = tinted(site.town.streets.color, between((0.9, 1.15), rng))
    scenery.patches.append(Patch(block.plot, ground, Material.ASPHALT, Layer.YARD))
    length, breadth = site.extent[0] * 0.96, site.extent[1] * 0.94
    share = between((0.34, 0.52), rng)
    side = 1 if rng.random() < 0.5 else -1
    hall = site.frame.moved(side * length * (0.5 - share / 2), 0)
    size = (length * share, breadth)
    parts = [box(size[0], size[1] * 0.62, 0, -size[1] * 0.19)]
    if rng.random() < 0.6:
        parts.append(box(size[0] * 0.45, size[1] * 0.4, -size[0] * 0.27, size[1] * 0.3))
    put(scenery, site, flat(hall, parts, flat_cover(palette, between((5, 9), rng), rng), site.sun, rng, 0.5))
    rest = length * (1 - share) - 6
    parking(scenery, site.frame.moved(-side * (length / 2 - rest / 2), 0), rest, breadth, site.sun, rng)
    for _ in range(int(rng.poisson(1.5))):
        spot = hall.moved(size[0] * 0.25, size[1] * 0.3).moved(*(rng.uniform(-8, 8, 2)))
        put(scenery, site, truck(spot.turned(float(rng.choice([0, 90]))), site.sun, rng), 0.5)
    plant(scenery, site, block.plot, 7, overhang=0.0)


def industry(scenery: Scenery, site: Site) -> None:
    """Sheds, stacks of containers, lorries, and slabs where sheds have been."""
    rng, block, palette = site.rng, site.block, site.town.palette
    ground = palette.soil if rng.random() < 0.4 else tinted(palette.concrete, 0.86)
    material = Material.SOIL if ground == palette.soil else Material.CONCRETE
    scenery.patches.append(Patch(block.plot, ground, material, Layer.YARD))
    length, breadth = site.extent
    bays = max(2, int(length // 42))
    for bay in range(bays):
        spot = site.frame.moved((bay + 0.5) * length / bays - length / 2, 0)
        extent = length / bays - 7, breadth - 8
        use = float(rng.random())
        if use < 0.55:
            _shed(scenery, site, spot, extent)
        elif use < 0.8:
            _container_yard(scenery, site, spot, extent)
        else:
            slab = (extent[0] * between((0.5, 0.9), rng), extent[1] * between((0.3, 0.7), rng))
            decoy(scenery, spot, slab, palette.flat, rng)
            for _ in range(3):
                place = spot.moved(*(rng.uniform(-0.4, 0.4, 2) * extent)).turned(float(rng.choice([0, 90])))
                put(scenery, site, truck(place, site.sun, rng), 0.5)
    plant(scenery, site, block.plot, 5, overhang=0.0)


def _shed(scenery: Scenery, site: Site, spot: Frame, extent: tuple[float, float]) -> None:
    rng = site.rng
    width, depth = extent[0] * between((0.7, 0.98), rng), extent[1] * between((0.45, 0.95), rng)
    if min(width, depth) < 6:
        return
    height = between((5, 9), rng)
    if rng.random() < 0.45:
        put(scenery, site, replace(detached(site, spot, width, depth, 0.0), height_m=height))
    else:
        put(
            scenery,
            site,
            flat(spot, [box(width, depth)], flat_cover(site.town.palette, height, rng), site.sun, rng, 0.4),
        )


def _container_yard(scenery: Scenery, site: Site, spot: Frame, extent: tuple[float, float]) -> None:
    rng = site.rng
    for x in np.arange(-extent[0] / 2 + 7, extent[0] / 2 - 5, 14.0):
        for y in np.arange(-extent[1] / 2 + 2, extent[1] / 2 - 2, 2.7):
            if rng.random() < 0.55:
                put(scenery, site, container(spot.moved(float(x + rng.uniform(-0.5, 0.5)), float(y)), rng), 0.05)


def park(scenery: Scenery, site: Site) -> None:
    """Lawn with paths, a pond or a square, and many trees."""
    rng, block, palette = site.rng, site.block, site.town.palette
    scenery.patches.append(Patch(block.plot, pick(palette.grass, rng), Material.GRASS, Layer.YARD))
    path = tinted(palette.soil, 1.15)
    for _ in range(3):
        start, end = block.at(float(rng.random()), 0), block.at(float(rng.random()), 1)
        scenery.patches.append(Patch(strip(start, end, 2.4), path, Material.SOIL, Layer.TOP))
    scenery.patches.append(
        Patch(strip(block.at(0, 0.5), block.at(1, float(rng.random())), 2.8), path, Material.SOIL, Layer.TOP)
    )
    if rng.random() < 0.5:
        pond = _blob(site, between((0.1, 0.2), rng) * block.breadth_m)
        scenery.patches.append(Patch(pond, (74, 96, 92), Material.WATER, Layer.DETAIL))
    else:
        size = float(rng.uniform(8, 16))
        decoy(scenery, site.spot(0.5), (size, size * 0.7), palette.flat + palette.pitched, rng)
    plant(scenery, site, block.plot, block.length_m * block.breadth_m / 110)


def _blob(site: Site, radius: float) -> Points:
    """Round outline with a few waves around the middle of the block."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    waves = sum(site.rng.normal(0, 0.13) * np.cos(n * angles + site.rng.uniform(0, 6.3)) for n in (1, 2, 3, 4))
    outline = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (radius * (1 + np.asarray(waves)))[:, None]
    return site.frame.points(outline * np.array([1.25, 1.0]))


def sports(scenery: Scenery, site: Site) -> None:
    """Pitch, baseball field or tennis courts, with a club house."""
    rng, block = site.rng, site.block
    scenery.patches.append(Patch(block.plot, pick(site.town.palette.grass, rng), Material.GRASS, Layer.YARD))
    length, breadth = site.extent
    frame = site.frame
    use = float(rng.random())
    if use < 0.45:
        pitch(scenery, frame.moved(-length * 0.1, 0), min(100.0, length * 0.7), min(62.0, breadth * 0.8))
    elif use < 0.7 and site.town.name in ("austin", "chicago", "kitsap"):
        diamond(scenery, frame.moved(-length * 0.1, 0).turned(90.0 * int(rng.integers(4))), min(80.0, breadth * 0.85))
    else:
        for x in np.arange(-length / 2 + 14, length * 0.22, 20.0):
            for y in (0.0,) if breadth < 80 else (-breadth * 0.24, breadth * 0.24):
                court(scenery, frame.moved(float(x), y), rng)
    put(scenery, site, detached(site, frame.moved(length * 0.4, 0).turned(90), min(24.0, breadth * 0.5), 11, 0.5))
    parking(scenery, frame.moved(length * 0.4, breadth * 0.36), min(24.0, length * 0.2), breadth * 0.2, site.sun, rng)
    edge = 0.07
    for across in ((0.0, edge), (1 - edge, 1.0)):
        plant(scenery, site, block.quad((0, 1), across), length / 9)


def woods(scenery: Scenery, site: Site) -> None:
    """Closed forest, now and then with a cabin in a clearing."""
    rng, block, palette = site.rng, site.block, site.town.palette
    scenery.patches.append(Patch(block.outline, palette.forest_floor, Material.FOREST, Layer.GROUND))
    density = 34 if "conifer" in site.town.species else 30
    if rng.random() < 0.6:
        spot = site.spot(0.6)
        put(scenery, site, detached(site, spot, between((9, 15), rng), between((7, 10), rng), 0.05))
        clearing = spot.points(disc(float(rng.uniform(13, 20))))
        scenery.patches.append(Patch(clearing, pick(palette.grass, rng), Material.GRASS, Layer.YARD))
    plant(scenery, site, block.plot, block.length_m * block.breadth_m / density, overhang=-0.2)


def meadow(scenery: Scenery, site: Site) -> None:
    """Strips of grass and crops with a barn and a hedge here and there."""
    rng, block, palette = site.rng, site.block, site.town.palette
    cuts = np.sort(np.concatenate([[0, 1], rng.random(int(rng.integers(1, 5)))]))
    for start, end in pairwise(cuts):
        field = block.quad((float(start), float(end)), (0, 1))
        color = (166, 150, 104) if rng.random() < 0.12 else tinted(pick(palette.grass, rng), between((0.92, 1.15), rng))
        scenery.patches.append(Patch(field, color, Material.CROP, Layer.YARD))
        rows = max(1, int((end - start) * block.length_m // 7))
        for line in np.linspace(start, end, rows + 1)[1:-1]:
            track = strip(block.at(float(line), 0), block.at(float(line), 1), 2.6)
            scenery.patches.append(Patch(track, tinted(color, 0.95), Material.CROP, Layer.YARD))
    if rng.random() < 0.35:
        spot = site.spot(0.7)
        put(
            scenery,
            site,
            detached(site, spot.turned(between((-30, 30), rng)), between((10, 20), rng), between((7, 10), rng), 0.0),
        )
    for _ in range(int(rng.poisson(0.8))):
        spot = site.spot(0.8)
        decoy(scenery, spot, (float(rng.uniform(4, 12)), float(rng.uniform(3, 7))), palette.pitched, rng)
    plant(scenery, site, block.plot, 5)
    plant(scenery, site, block.quad((0, 1), (0.97, 1.0)), block.length_m / 14)


def snowfield(scenery: Scenery, site: Site) -> None:
    """Meadow with what is left of the snow."""
    meadow(scenery, site)
    for _ in range(int(site.rng.integers(2, 5))):
        blob = _blob(site, between((0.12, 0.3), site.rng) * site.block.breadth_m)
        shift = site.rng.uniform(-0.25, 0.25, 2) * site.block.breadth_m
        scenery.patches.append(Patch(blob + shift, (232, 236, 242), Material.SNOW, Layer.YARD))


def lake(scenery: Scenery, site: Site) -> None:
    """Small lake with a wooded shore."""
    scenery.patches.append(Patch(site.block.plot, pick(site.town.palette.grass, site.rng), Material.GRASS, Layer.YARD))
    shore = _blob(site, 0.36 * site.block.breadth_m)
    scenery.patches.append(Patch(shore, (58, 78, 80), Material.WATER, Layer.TOP))
    for share in np.linspace(0, 1, 60):
        point = shore[int(share * len(shore)) % len(shore)]
        outwards = (point - site.frame.origin) * float(site.rng.uniform(1.08, 1.3)) + site.frame.origin
        plant(scenery, site, np.tile(outwards, (4, 1)), 1.2)
