"""What a block becomes: houses on lots, closed blocks, slabs, halls, parks, woods; `KINDS` has them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from components.sample_scenes.clutter import car, container, court, decoy, diamond, parking, pitch, pool, truck
from components.sample_scenes.shapes import RGB, LocalAxes, Points, box, disc, inset, strip, tinted
from components.sample_scenes.site import Lot, Site
from components.sample_scenes.towns import SampleScene, choose

NARROWEST_M = 24.0


def kind_of(scene: SampleScene, row: int, col: int) -> str:
    """Kind of land of a block; half of the blocks share it with their neighbours, so that quarters form."""
    quarter = scene.uniform("together", row, col) < 0.5
    keys = (row // 2, col // 2) if quarter else (row, col)
    return choose(scene.town.land, scene.uniform("land", str(quarter), *keys))


def furnish(site: Site, kind: str) -> None:
    """Fill a block with everything that lies and stands on land of a kind."""
    site.lawn(site.outline, "ground")
    if min(site.length_m, site.breadth_m) >= NARROWEST_M:
        KINDS[kind](site)


def houses(site: Site) -> None:
    """Detached houses on lots along both long sides."""
    for lot in site.lots():
        _yard(site, lot)
        if not site.dice.chance(site.town.empty):
            _homestead(site, lot)
        site.plant(lot.quad, site.town.trees)


def _yard(site: Site, lot: Lot) -> None:
    """Lawn of a lot, in a shade of its own and sometimes bare."""
    color = site.town.soil if site.dice.chance(0.07) else site.dice.tone(*site.town.grass)
    site.paint(lot.quad, color, "soil" if color == site.town.soil else "grass")


def _homestead(site: Site, lot: Lot) -> None:
    """House, and what else stands on a lot."""
    dice, town = site.dice, site.town
    long_side, short_side = dice.uniform(*town.long_m), dice.uniform(*town.short_m)
    across = dice.chance(town.across)
    width, depth = (short_side, long_side) if across else (long_side, short_side)
    width = min(width, lot.width_m - 2.4)
    setback = dice.uniform(*town.setback_m)
    depth = min(depth, lot.depth_m - setback - 3)
    if min(width, depth) < 5:
        return
    slack = max(0.0, (lot.width_m - width) / 2 - 1.2)
    frame = lot.frame.moved(dice.uniform(-1, 1) * slack, setback + depth / 2)
    frame = frame.turned(dice.uniform(-1, 1) * town.askew_deg)
    home = site.detached(frame.turned(90), depth, width, 0.08) if across else site.detached(frame, width, depth, 0.08)
    if site.put(home, 1.2):
        _around_house(site, lot, setback, width, depth)


def _around_house(site: Site, lot: Lot, setback: float, width: float, depth: float) -> None:
    """Driveway, deck, pool, garage and shed."""
    dice, town = site.dice, site.town
    back = setback + depth
    room = lot.depth_m - back
    side = dice.side()
    if dice.chance(town.driveway):
        x = side * min(lot.width_m / 2 - 2.2, width * 0.32)
        drive = lot.frame.box(dice.uniform(3, 5.4), setback + 3.5, x, setback / 2 - 1.0)
        site.paint(drive, dice.tone(town.concrete), "concrete", "top")
        if dice.chance(0.5) and setback > 6:
            site.put(car(lot.frame.moved(x, setback / 2).turned(90), dice), 0.2)
    if room > 6 and dice.chance(town.decoy):
        long_side, short_side = dice.uniform(4, 9.5), dice.uniform(3.5, min(8.0, room - 2))
        gap = 0.3 if dice.chance(0.6) else dice.uniform(1, max(1.1, room - short_side - 1))
        x = dice.uniform(-0.5, 0.5) * max(0.0, lot.width_m - long_side - 2)
        place = lot.frame.moved(x, back + short_side / 2 + gap)
        decoy(site, place, long_side, short_side, town.pitched + town.flat)
    if room > 12 and dice.chance(town.pool):
        pool(site, lot.frame.moved(dice.uniform(-0.2, 0.2) * lot.width_m, back + room * 0.55))
    if room > 8 and dice.chance(town.garage):
        place = lot.frame.moved(-side * max(0.0, lot.width_m / 2 - 4.4), lot.depth_m - 4.2)
        site.put(site.house(place, "gable", 6.4, 6.2, site.pitched(2.8)))
    if room > 7 and dice.chance(town.shed):
        place = lot.frame.moved(side * max(0.0, lot.width_m / 2 - 3.0), lot.depth_m - dice.uniform(2.8, 4))
        site.put(site.house(place, "gable", 4.2, 3.2, site.pitched(2.4)))


def terraces(site: Site) -> None:
    """Narrow houses that run into deep lots, with garages along an alley in the middle of the block."""
    dice, town = site.dice, site.town
    alley = 4.8
    half = alley / 2 / max(site.breadth_m, 1e-6)
    lane = site.quad((0, 1), (0.5 - half, 0.5 + half))
    site.paint(lane, tinted(town.concrete, 0.88), "concrete", "sidewalk")
    flat_share = 0.75 if dice.chance(0.35) else 0.12
    setback = dice.uniform(*town.setback_m)
    for lot in site.lots(alley):
        _yard(site, lot)
        if dice.chance(town.empty):
            if dice.chance(0.4):
                decoy(site, lot.frame.moved(0, lot.depth_m / 2), lot.width_m - 2, lot.depth_m * 0.5, town.flat)
            site.plant(lot.quad, 4)
            continue
        _terrace(site, lot, setback, flat_share)
        back = np.stack([*((lot.quad[:2] + lot.quad[[3, 2]]) / 2), *lot.quad[2:]])
        site.plant(back, town.trees * 0.6)
    for across in (-0.028, 1.028):
        for along in np.arange(0.03, 1, 11.0 / max(site.length_m, 11.0)):
            if dice.chance(0.6):
                site.plant(np.tile(site.at(along, across), (4, 1)), 1.0)


def _terrace(site: Site, lot: Lot, setback: float, flat_share: float) -> None:
    """Narrow house, and its garage or parking space on the alley."""
    dice, town = site.dice, site.town
    width = min(dice.uniform(*town.short_m), lot.width_m - 1.5)
    depth = min(dice.uniform(*town.long_m), lot.depth_m - setback - 10)
    if min(width, depth) < 4:
        return
    y = setback + dice.uniform(-0.5, 0.8) + depth / 2
    site.put(site.detached(lot.frame.moved(0.2, y).turned(90), depth, width, flat_share), 0.1)
    walk = lot.frame.box(1.1, setback + 1, 0.6, setback / 2 - 0.4)
    site.paint(walk, town.concrete, "concrete", "top")
    back = lot.depth_m - (y + depth / 2)
    if dice.chance(town.garage) and back > 8:
        size = dice.uniform(5.6, 6.8)
        x = dice.uniform(-0.5, 0.5) * max(0.0, lot.width_m - size - 1)
        place = lot.frame.moved(x, lot.depth_m - size / 2 - 0.9)
        if dice.chance(0.35):
            garage = site.flat(place, [box(size, size)], site.level(2.8), 0)
        else:
            garage = site.house(place, "hip" if dice.chance(0.5) else "gable", size, size * 0.98, site.pitched(2.8))
        site.put(garage, 0.2)
    else:
        pad = lot.frame.moved(0, lot.depth_m - 3.6)
        decoy(site, pad, min(6.5, lot.width_m - 1.5), 6.4, town.flat + town.pitched)
        if dice.chance(0.6):
            site.put(car(pad.turned(90), dice), 0.2)
    if back > 14 and dice.chance(town.decoy):
        decoy(site, lot.frame.moved(0, y + depth / 2 + 2.4), min(5.5, lot.width_m - 2), 4.2, town.pitched)


def perimeter(site: Site) -> None:
    """Closed block: houses wall to wall along all four streets around courtyards."""
    dice, plot = site.dice, site.plot
    wing = min(dice.uniform(12, 15.5), site.breadth_m * 0.3)
    yard = inset(plot, [wing] * 4)
    if dice.chance(0.55):
        site.paint(plot, dice.tone(site.town.concrete), "concrete")
    else:
        site.lawn(plot)
    height = dice.uniform(13, 19)
    gap_side = int(dice.integers(4)) if dice.chance(0.3) else -1
    for side in range(4):
        ends = [side, (side + 1) % 4]
        _street_front(site, plot[ends], yard[ends], height, side == gap_side)
    _courtyard(site, yard)


def _street_front(site: Site, outer: Points, inner: Points, height: float, gap: bool) -> None:
    """Houses of one side, between its line on the street and its line on the courtyard, each (2, 2) metres."""
    dice = site.dice
    count = max(1, round(float(np.hypot(*(outer[1] - outer[0]))) / dice.uniform(15, 22)))
    cuts = np.linspace(0, 1, count + 1)
    cuts[1:-1] += dice.uniform(-0.2, 0.2, count - 1) / count
    missing = int(dice.integers(1, count - 1)) if gap and count > 2 else -1
    for index, (start, end) in enumerate(pairwise(cuts)):
        shares = np.array([[start], [end]])
        front, back = (line[0] + (line[1] - line[0]) * shares for line in (outer, inner))
        quad = np.concatenate([front, back[::-1]])
        if index != missing:
            site.scenery.solids.append(site.town_house(quad, height * dice.uniform(0.88, 1.1)))
            if dice.chance(0.45):
                _side_wing(site, quad, height)


def _side_wing(site: Site, quad: Points, height: float) -> None:
    """Rear wing that leaves a town house for the courtyard, where there is room."""
    dice = site.dice
    width, reach = dice.uniform(6, 9), dice.uniform(6, 0.32 * site.breadth_m)
    frame = LocalAxes.along(quad[3], quad[2]).at((quad[2] + quad[3]) / 2).moved(0, reach / 2)
    if not site.is_free((frame.box(width + 5, reach - 1, 0, 1), frame.box(width, 5, 0, reach / 2))):
        return
    if dice.chance(0.5):
        wing = site.flat(frame, [box(width, reach + 0.6, 0, -0.2)], site.level(height * 0.7), 0.6)
    else:
        wing = site.house(frame.turned(90), "gable", reach + 0.6, width, site.pitched(height * 0.8))
    site.scenery.solids.append(wing)


def _courtyard(site: Site, yard: Points) -> None:
    """Low workshops, paved corners, parked cars and trees inside a closed block."""
    dice, town = site.dice, site.town
    room = min(site.upright[1:]) * 0.5
    if room > 15 and dice.chance(0.5):
        workshop = box(dice.uniform(8, room), dice.uniform(6, room * 0.7))
        cover = site.level(dice.uniform(3.5, 7))
        site.put(site.flat(site.spot(0.2), [workshop], cover, 1.5), 2.0)
    for _ in dice.count(1.4):
        decoy(site, site.spot(0.5), dice.uniform(4, 9), dice.uniform(3, 7), town.pitched + town.flat)
    for _ in dice.count(2.5):
        site.put(car(site.spot(0.45).turned(90.0 * dice.integers(2)), dice))
    site.plant(yard, room * room / 28)


def estate(site: Site) -> None:
    """Parallel slabs of flats on a lawn, with parking between them."""
    dice, town = site.dice, site.town
    site.lawn(site.plot)
    middle, length, breadth = site.upright
    depth, height = dice.uniform(11, 14), dice.uniform(9, 20)
    pitched = dice.chance(0.5)
    color = dice.tone(*(town.pitched if pitched else town.flat))
    count = max(1, int(length // dice.uniform(30, 42)))
    bay = length / count
    for index in range(count):
        frame = middle.moved((index + 0.5) * bay - length / 2, 0).turned(90)
        long_side = min(dice.uniform(34, 62), breadth - 4)
        if long_side >= 14:
            _slab(site, frame, long_side, depth, height, color if pitched else None)
        if index < count - 1 and bay - depth > 13 and dice.chance(0.6):
            parking(site, frame.moved(0, -bay / 2), min(long_side, 40.0), 10)
    for _ in dice.count(2):
        decoy(site, site.spot(0.8), dice.uniform(5, 14), dice.uniform(4, 9), town.flat + town.pitched)
    site.plant(site.plot, length * breadth / 210)


def _slab(site: Site, frame: LocalAxes, length: float, depth: float, height: float, color: RGB | None) -> None:
    """One slab: pitched in a given colour, or flat, plain or in two staggered halves."""
    if color is not None:
        cover = site.pitched(height)._replace(color=color)
        shape = "hip" if site.dice.chance(0.5) else "gable"
        site.put(site.house(frame, shape, length, depth, cover))
        return
    shift = depth * 0.25 if site.dice.chance(0.5) else 0.0
    halves = [box(length / 2 + 0.2, depth, s * length / 4, s * shift) for s in (-1, 1)]
    site.put(site.flat(frame, halves if shift else [box(length, depth)], site.level(height), 1.0))


def commerce(site: Site) -> None:
    """Large flat hall, or a row of shops, behind its parking lot."""
    dice = site.dice
    site.paint(site.plot, tinted(site.town.asphalt, dice.uniform(0.9, 1.15)), "asphalt")
    frame, length, breadth = site.upright
    length, breadth = length * 0.96, breadth * 0.94
    share = dice.uniform(0.34, 0.52)
    side = dice.side()
    hall = frame.moved(side * length * (0.5 - share / 2), 0)
    width = length * share
    parts = [box(width, breadth * 0.62, 0, -breadth * 0.19)]
    if dice.chance(0.6):
        parts.append(box(width * 0.45, breadth * 0.4, -width * 0.27, breadth * 0.3))
    site.put(site.flat(hall, parts, site.level(dice.uniform(5, 9)), 0.5))
    rest = length * (1 - share) - 6
    parking(site, frame.moved(-side * (length / 2 - rest / 2), 0), rest, breadth)
    for _ in dice.count(1.5):
        spot = hall.moved(width * 0.25, breadth * 0.3).moved(*dice.uniform(-8, 8, 2))
        site.put(truck(spot.turned(dice.pick((0, 90))), dice), 0.5)
    site.plant(site.plot, 7, overhang=0.0)


def industry(site: Site) -> None:
    """Sheds, stacks of containers, lorries, and slabs where sheds have been."""
    dice, town = site.dice, site.town
    if dice.chance(0.4):
        site.paint(site.plot, town.soil, "soil")
    else:
        site.paint(site.plot, tinted(town.concrete, 0.86), "concrete")
    frame, length, breadth = site.upright
    bays = max(2, int(length // 42))
    width, depth = length / bays - 7, breadth - 8
    for bay in range(bays):
        spot = frame.moved((bay + 0.5) * length / bays - length / 2, 0)
        use = dice.random()
        if use < 0.55:
            _shed(site, spot, width * dice.uniform(0.7, 0.98), depth * dice.uniform(0.45, 0.95))
        elif use < 0.8:
            _container_yard(site, spot, width, depth)
        else:
            decoy(site, spot, width * dice.uniform(0.5, 0.9), depth * dice.uniform(0.3, 0.7), town.flat)
            for _ in range(3):
                place = spot.moved(*(dice.uniform(-0.4, 0.4, 2) * (width, depth))).turned(dice.pick((0, 90)))
                site.put(truck(place, dice), 0.5)
    site.plant(site.plot, 5, overhang=0.0)


def _shed(site: Site, spot: LocalAxes, width: float, depth: float) -> None:
    if min(width, depth) < 6:
        return
    height = site.dice.uniform(5, 9)
    if site.dice.chance(0.45):
        site.put(replace(site.detached(spot, width, depth, 0.0), height_m=height))
    else:
        site.put(site.flat(spot, [box(width, depth)], site.level(height), 0.4))


def _container_yard(site: Site, spot: LocalAxes, width: float, depth: float) -> None:
    for x in np.arange(-width / 2 + 7, width / 2 - 5, 14.0):
        for y in np.arange(-depth / 2 + 2, depth / 2 - 2, 2.7):
            if site.dice.chance(0.55):
                site.put(container(spot.moved(x + site.dice.uniform(-0.5, 0.5), y), site.dice), 0.05)


def park(site: Site) -> None:
    """Lawn with paths, a pond or a square, and many trees."""
    dice, town = site.dice, site.town
    site.lawn(site.plot)
    path = tinted(town.soil, 1.15)
    for _ in range(3):
        way = strip(site.at(dice.random(), 0), site.at(dice.random(), 1), 2.4)
        site.paint(way, path, "soil", "top")
    site.paint(strip(site.at(0, 0.5), site.at(1, dice.random()), 2.8), path, "soil", "top")
    if dice.chance(0.5):
        pond = _blob(site, dice.uniform(0.1, 0.2) * site.breadth_m)
        site.paint(pond, (74, 96, 92), "water", "detail")
    else:
        size = dice.uniform(8, 16)
        decoy(site, site.spot(0.5), size, size * 0.7, town.flat + town.pitched)
    site.plant(site.plot, site.length_m * site.breadth_m / 110)


def _blob(site: Site, radius: float) -> Points:
    """Round outline with a few waves around the middle of the block."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    waves = sum(site.dice.normal(0, 0.13) * np.cos(n * angles + site.dice.uniform(0, 6.3)) for n in (1, 2, 3, 4))
    outline = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (radius * (1 + np.asarray(waves)))[:, None]
    return site.upright[0].points(outline * np.array([1.25, 1.0]))


def sports(site: Site) -> None:
    """Pitch, baseball field or tennis courts, with a club house."""
    dice = site.dice
    site.lawn(site.plot)
    frame, length, breadth = site.upright
    use = dice.random()
    if use < 0.45:
        pitch(site, frame.moved(-length * 0.1, 0), min(100.0, length * 0.7), min(62.0, breadth * 0.8))
    elif use < 0.7 and site.town.baseball:
        turned = frame.moved(-length * 0.1, 0).turned(90.0 * dice.integers(4))
        diamond(site, turned, min(80.0, breadth * 0.85))
    else:
        for x in np.arange(-length / 2 + 14, length * 0.22, 20.0):
            for y in (0.0,) if breadth < 80 else (-breadth * 0.24, breadth * 0.24):
                court(site, frame.moved(x, y))
    site.put(site.detached(frame.moved(length * 0.4, 0).turned(90), min(24.0, breadth * 0.5), 11, 0.5))
    parking(site, frame.moved(length * 0.4, breadth * 0.36), min(24.0, length * 0.2), breadth * 0.2)
    for across in ((0.0, 0.07), (1 - 0.07, 1.0)):
        site.plant(site.quad((0, 1), across), length / 9)


def woods(site: Site) -> None:
    """Closed forest, now and then with a cabin in a clearing."""
    dice = site.dice
    site.paint(site.outline, site.town.forest_floor, "forest", "ground")
    if dice.chance(0.6):
        spot = site.spot(0.6)
        site.put(site.detached(spot, dice.uniform(9, 15), dice.uniform(7, 10), 0.05))
        site.lawn(spot.points(disc(dice.uniform(13, 20))))
    site.plant(site.plot, site.length_m * site.breadth_m / site.town.woods_m2, overhang=-0.2)


def meadow(site: Site) -> None:
    """Strips of grass and crops with a barn and a hedge here and there."""
    dice = site.dice
    cuts = np.sort(np.concatenate([[0, 1], dice.random(int(dice.integers(1, 5)))]))
    for start, end in pairwise(cuts):
        ripe = dice.chance(0.12)
        color = (166, 150, 104) if ripe else tinted(dice.tone(*site.town.grass), dice.uniform(0.92, 1.15))
        site.paint(site.quad((start, end), (0, 1)), color, "crop")
        rows = max(1, int((end - start) * site.length_m // 7))
        for line in np.linspace(start, end, rows + 1)[1:-1]:
            site.paint(strip(site.at(line, 0), site.at(line, 1), 2.6), tinted(color, 0.95), "crop")
    if dice.chance(0.35):
        spot = site.spot(0.7).turned(dice.uniform(-30, 30))
        site.put(site.detached(spot, dice.uniform(10, 20), dice.uniform(7, 10), 0.0))
    for _ in dice.count(0.8):
        decoy(site, site.spot(0.8), dice.uniform(4, 12), dice.uniform(3, 7), site.town.pitched)
    site.plant(site.plot, 5)
    site.plant(site.quad((0, 1), (0.97, 1.0)), site.length_m / 14)


def snowfield(site: Site) -> None:
    """Meadow with what is left of the snow."""
    meadow(site)
    for _ in range(int(site.dice.integers(2, 5))):
        blob = _blob(site, site.dice.uniform(0.12, 0.3) * site.breadth_m)
        shift = site.dice.uniform(-0.25, 0.25, 2) * site.breadth_m
        site.paint(blob + shift, (232, 236, 242), "snow")


def lake(site: Site) -> None:
    """Small lake with a wooded shore."""
    site.lawn(site.plot)
    shore = _blob(site, 0.36 * site.breadth_m)
    site.paint(shore, (58, 78, 80), "water", "top")
    middle = site.upright[0].origin
    for share in np.linspace(0, 1, 60):
        point = shore[int(share * len(shore)) % len(shore)]
        outwards = (point - middle) * site.dice.uniform(1.08, 1.3) + middle
        site.plant(np.tile(outwards, (4, 1)), 1.2)


KINDS: dict[str, Callable[[Site], None]] = {
    kind.__name__: kind
    for kind in (houses, terraces, perimeter, estate, commerce, industry, park, sports, woods, meadow, snowfield, lake)
}
