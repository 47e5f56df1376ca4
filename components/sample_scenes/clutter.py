"""Things that are no building although some look like one: vehicles, containers, tarps, pools, courts, paved yards."""

from __future__ import annotations

import numpy as np

from components.sample_scenes.buildings import Builder
from components.sample_scenes.shapes import RGB, Face, LocalAxes, Material, Solid, box, disc, tinted
from components.sample_scenes.towns import THINGS, Dice

COURTS = ((104, 130, 96), (150, 96, 76)), ((156, 98, 74), (166, 104, 78)), ((92, 124, 100), (72, 100, 140))
DECKS: tuple[Material, ...] = ("concrete", "shingle", "gravel")


def vehicle(frame: LocalAxes, length: float, width: float, height: float, color: RGB, cab: float) -> Solid:
    """Box on wheels along x, with a windscreen `cab` metres from its front."""
    outline = frame.box(length, width)
    faces = [
        Face(outline, tinted(color, 0.82)),
        Face(frame.box(length - 0.5, width - 0.4), color),
        Face(frame.box(0.7, width - 0.35, length / 2 - cab), (40, 46, 54)),
    ]
    if length < 6:
        faces.append(Face(frame.box(0.5, width - 0.4, 0.6 - length / 2), (52, 58, 66)))
    return Solid((outline,), tuple(faces), height)


def car(frame: LocalAxes, dice: Dice) -> Solid:
    """Car along x, now and then a van."""
    color = dice.pick(THINGS["cars"])
    if dice.chance(0.1):
        return vehicle(frame, 5.6, 2.1, 2.1, color, 0.9)
    return vehicle(frame, dice.uniform(4.1, 4.9), 1.85, 1.45, color, 1.5)


def truck(frame: LocalAxes, dice: Dice) -> Solid:
    """Lorry or trailer along x."""
    color = (226, 226, 224) if dice.chance(0.6) else dice.pick(THINGS["containers"])
    return vehicle(frame, dice.uniform(9, 15), 2.6, 3.4, color, 1.8)


def container(frame: LocalAxes, dice: Dice) -> Solid:
    """Shipping container along x, with the ribs of its lid."""
    color = dice.pick(THINGS["containers"])
    length = 12.2 if dice.chance(0.6) else 6.1
    ribs = [frame.box(0.3, 2.3, x) for x in np.arange(-length / 2 + 0.8, length / 2 - 0.4, 1.6)]
    faces = [Face(frame.box(length, 2.5), color, "metal")]
    faces += [Face(rib, tinted(color, 0.88), "metal") for rib in ribs]
    return Solid((faces[0].points,), tuple(faces), 2.6)


def parking(site: Builder, frame: LocalAxes, width: float, depth: float) -> None:
    """Parking lot centred on the frame: asphalt, bays in rows along x, cars in a share of them."""
    dice = site.dice
    gray = int(dice.integers(92, 128))
    site.paint(frame.box(width, depth), (gray, gray, gray), "asphalt")
    bays = int((width - 2) // 2.7)
    full = dice.uniform(0.15, 0.75)
    row = -depth / 2 + 3.0
    while row + 2.6 < depth / 2 and bays > 0:
        for bay in range(bays + 1):
            x = -bays * 1.35 + bay * 2.7
            site.paint(frame.box(0.16, 4.8, x, row), tinted((gray, gray, gray), 1.5), level="top")
            if bay < bays and dice.chance(full):
                stall = frame.moved(x + 1.35 + dice.uniform(-0.2, 0.2), row + dice.uniform(-0.3, 0.3))
                site.scenery.solids.append(car(stall.turned(90 * dice.side()), dice))
        row += 8.6


def pool(site: Builder, frame: LocalAxes) -> None:
    """Swimming pool with its paved rim."""
    width, depth = site.dice.uniform(6, 10), site.dice.uniform(3.5, 5)
    site.paint(frame.box(width + 3, depth + 3), (198, 188, 172), "concrete", "top")
    water = box(width, depth) if site.dice.chance(0.5) else disc(1.0) * np.array([width / 2, depth / 2])
    site.paint(frame.points(water), (72, 168, 192), "water", "detail")


def decoy(site: Builder, frame: LocalAxes, width: float, depth: float, colors: tuple[RGB, ...]) -> None:
    """Deck, slab or tarp on the ground in a roof's colour: straight edges, but level and without a shadow."""
    dice = site.dice
    tarp = dice.chance(0.22)
    color = dice.pick(THINGS["tarps"] if tarp else colors)
    material = "smooth" if tarp else dice.pick(DECKS)
    site.paint(frame.box(width, depth), color, material, "top")
    if not tarp and dice.chance(0.5):
        for x in np.arange(-width / 2 + 1, width / 2, dice.uniform(1.0, 2.4)):
            site.paint(frame.box(0.2, depth, x), tinted(color, 0.88), material, "detail")


def court(site: Builder, frame: LocalAxes) -> None:
    """Tennis court with its lines."""
    outer, inner = site.dice.pick(COURTS)
    site.paint(frame.box(18, 36), outer, "concrete", "top")
    site.paint(frame.box(11, 24), inner, "concrete", "top")
    for line in ((0.2, 24, -5.4), (0.2, 24, 5.4), (11, 0.2, 0, -11.9), (11, 0.2, 0, 11.9), (11, 0.25)):
        site.paint(frame.box(*line), (230, 230, 226), level="detail")


def pitch(site: Builder, frame: LocalAxes, length: float, breadth: float) -> None:
    """Football pitch along x: mowing stripes and lines."""
    stripe = length / 10
    for index in range(10):
        green = tinted((86, 130, 64), 1.08 if index % 2 else 0.95)
        site.paint(frame.box(stripe, breadth, (index + 0.5) * length / 10 - length / 2), green, "grass", "top")
    lines = [box(length - 3, 0.25, 0, side * (breadth / 2 - 1.5)) for side in (-1, 1)]
    lines += [box(0.25, breadth - 3, x) for x in (1.5 - length / 2, 0.0, length / 2 - 1.5)]
    lines += [box(0.25, breadth * 0.5, side * (length / 2 - length * 0.16)) for side in (-1, 1)]
    for line in lines:
        site.paint(frame.points(line), (224, 228, 220), level="detail")


def diamond(site: Builder, frame: LocalAxes, size: float) -> None:
    """Baseball field: sand in a corner of a lawn."""
    angles = np.radians(np.linspace(0, 90, 14))
    sector = np.concatenate([np.zeros((1, 2)), np.stack([np.cos(angles), np.sin(angles)], axis=1)])
    site.paint(frame.points(sector * 1.0 * size - size / 2), (96, 134, 70), "grass", "top")
    site.paint(frame.points(sector * 0.42 * size - size / 2), (178, 146, 110), "soil", "top")
    middle = size * 0.15 - size / 2
    site.paint(frame.box(size * 0.24, size * 0.24, middle, middle), (100, 138, 72), "grass", "detail")
