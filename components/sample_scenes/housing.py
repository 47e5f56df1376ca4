"""Blocks of lots: detached houses in gardens, and narrow houses in rows with garages along an alley."""

from __future__ import annotations

import numpy as np

from components.sample_scenes.clutter import car, decoy, pool
from components.sample_scenes.placing import (
    Lot,
    Site,
    between,
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
    Layer,
    Material,
    Patch,
    Scenery,
    box,
    tinted,
)


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
    if not put(scenery, site, home, 1.2):
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
            put(scenery, site, car(lot.frame.moved(x, setback / 2).turned(90), site.sun, rng), 0.2)
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
        put(scenery, site, house(spot, "gable", 6.4, 6.2, pitched_cover(palette, 2.8, rng), site.sun, rng))
    if room > 7 and rng.random() < style.shed:
        spot = lot.frame.moved(side * max(0.0, lot.width_m / 2 - 3.0), lot.depth_m - float(rng.uniform(2.8, 4)))
        put(scenery, site, house(spot, "gable", 4.2, 3.2, pitched_cover(palette, 2.4, rng), site.sun, rng))


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
    put(scenery, site, detached(site, lot.frame.moved(0.2, y).turned(90), depth, width, flat_share), 0.1)
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
        put(scenery, site, garage, 0.2)
    else:
        pad = lot.frame.moved(0, lot.depth_m - 3.6)
        decoy(scenery, pad, (min(6.5, lot.width_m - 1.5), 6.4), palette.flat + palette.pitched, rng)
        if rng.random() < 0.6:
            put(scenery, site, car(pad.turned(90), site.sun, rng), 0.2)
    if back > 14 and rng.random() < style.decoy:
        deck = lot.frame.moved(0, y + depth / 2 + 2.4)
        decoy(scenery, deck, (min(5.5, lot.width_m - 2), 4.2), palette.pitched, rng)
