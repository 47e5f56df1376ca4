"""Things that are no building although some look like one: vehicles, containers, tarps, pools, courts, paved yards."""

from __future__ import annotations

import numpy as np

from components.sample_scenes.light import Sun
from components.sample_scenes.scenery import (
    RGB,
    Face,
    Frame,
    Layer,
    Material,
    Patch,
    Scenery,
    Solid,
    box,
    disc,
    tinted,
)

CARS: tuple[RGB, ...] = (
    (232, 232, 232),
    (206, 208, 210),
    (150, 152, 156),
    (92, 94, 98),
    (42, 42, 46),
    (150, 42, 38),
    (44, 66, 122),
    (176, 164, 140),
)
CONTAINERS: tuple[RGB, ...] = (
    (150, 76, 56),
    (62, 92, 140),
    (92, 120, 92),
    (188, 184, 176),
    (176, 120, 58),
    (110, 108, 106),
)
TARPS: tuple[RGB, ...] = ((58, 104, 170), (206, 206, 204), (120, 128, 96), (146, 104, 80))


def vehicle(frame: Frame, length: float, width: float, height: float, color: RGB, sun: Sun, cab: float) -> Solid:
    """Box on wheels along x, with a windscreen `cab` metres from its front."""
    faces = [
        Face(frame.points(box(length, width)), tinted(color, 0.82), Material.SMOOTH),
        Face(frame.points(box(length - 0.5, width - 0.4)), color, Material.SMOOTH),
        Face(frame.points(box(0.7, width - 0.35, length / 2 - cab)), (40, 46, 54), Material.SMOOTH),
    ]
    if length < 6:
        faces.append(Face(frame.points(box(0.5, width - 0.4, 0.6 - length / 2)), (52, 58, 66), Material.SMOOTH))
    return Solid((frame.points(box(length, width)),), tuple(faces), height, is_building=False)


def car(frame: Frame, sun: Sun, rng: np.random.Generator) -> Solid:
    """Car along x, now and then a van."""
    color = CARS[int(rng.integers(len(CARS)))]
    if rng.random() < 0.1:
        return vehicle(frame, 5.6, 2.1, 2.1, color, sun, 0.9)
    return vehicle(frame, float(rng.uniform(4.1, 4.9)), 1.85, 1.45, color, sun, 1.5)


def truck(frame: Frame, sun: Sun, rng: np.random.Generator) -> Solid:
    """Lorry or trailer along x."""
    color = (226, 226, 224) if rng.random() < 0.6 else CONTAINERS[int(rng.integers(len(CONTAINERS)))]
    return vehicle(frame, float(rng.uniform(9, 15)), 2.6, 3.4, color, sun, 1.8)


def container(frame: Frame, rng: np.random.Generator) -> Solid:
    """Shipping container along x, with the ribs of its lid."""
    color = CONTAINERS[int(rng.integers(len(CONTAINERS)))]
    length = 12.2 if rng.random() < 0.6 else 6.1
    outline = frame.points(box(length, 2.5))
    faces = [Face(outline, color, Material.METAL)]
    faces += [
        Face(frame.points(box(0.3, 2.3, x)), tinted(color, 0.88), Material.METAL)
        for x in np.arange(-length / 2 + 0.8, length / 2 - 0.4, 1.6)
    ]
    return Solid((outline,), tuple(faces), 2.6, is_building=False)


def parking(scenery: Scenery, frame: Frame, width: float, depth: float, sun: Sun, rng: np.random.Generator) -> None:
    """Parking lot centred on the frame: asphalt, bays in rows along x, cars in a share of them."""
    gray = int(rng.integers(92, 128))
    ground = (gray, gray, gray)
    scenery.patches.append(Patch(frame.points(box(width, depth)), ground, Material.ASPHALT, Layer.YARD))
    bays = int((width - 2) // 2.7)
    full = float(rng.uniform(0.15, 0.75))
    row = -depth / 2 + 3.0
    while row + 2.6 < depth / 2 and bays > 0:
        for bay in range(bays + 1):
            x = -bays * 1.35 + bay * 2.7
            line = frame.points(box(0.16, 4.8, x, row))
            scenery.patches.append(Patch(line, tinted(ground, 1.5), Material.SMOOTH, Layer.TOP))
            if bay < bays and rng.random() < full:
                stall = frame.moved(x + 1.35 + rng.uniform(-0.2, 0.2), row + rng.uniform(-0.3, 0.3))
                scenery.solids.append(car(stall.turned(90 if rng.random() < 0.5 else -90), sun, rng))
        row += 8.6


def pool(scenery: Scenery, frame: Frame, rng: np.random.Generator) -> None:
    """Swimming pool with its paved rim."""
    width, depth = float(rng.uniform(6, 10)), float(rng.uniform(3.5, 5))
    rim = frame.points(box(width + 3, depth + 3))
    scenery.patches.append(Patch(rim, (198, 188, 172), Material.CONCRETE, Layer.TOP))
    if rng.random() < 0.5:
        water = frame.points(box(width, depth))
    else:
        water = frame.points(disc(1.0) * np.array([width / 2, depth / 2]))
    scenery.patches.append(Patch(water, (72, 168, 192), Material.WATER, Layer.DETAIL))


def decoy(
    scenery: Scenery, frame: Frame, extent: tuple[float, float], colors: tuple[RGB, ...], rng: np.random.Generator
) -> None:
    """Deck, slab or tarp on the ground in a roof's colour: straight edges, but level and without a shadow."""
    width, depth = extent
    tarp = rng.random() < 0.22
    color = TARPS[int(rng.integers(len(TARPS)))] if tarp else colors[int(rng.integers(len(colors)))]
    material = Material.SMOOTH if tarp else (Material.CONCRETE, Material.SHINGLE, Material.GRAVEL)[int(rng.integers(3))]
    scenery.patches.append(Patch(frame.points(box(width, depth)), color, material, Layer.TOP))
    if not tarp and rng.random() < 0.5:
        for x in np.arange(-width / 2 + 1, width / 2, float(rng.uniform(1.0, 2.4))):
            joint = frame.points(box(0.2, depth, x))
            scenery.patches.append(Patch(joint, tinted(color, 0.88), material, Layer.DETAIL))


def court(scenery: Scenery, frame: Frame, rng: np.random.Generator) -> None:
    """Tennis court with its lines."""
    outer, inner = (((104, 130, 96), (150, 96, 76)), ((156, 98, 74), (166, 104, 78)), ((92, 124, 100), (72, 100, 140)))[
        int(rng.integers(3))
    ]
    scenery.patches.append(Patch(frame.points(box(18, 36)), outer, Material.CONCRETE, Layer.TOP))
    scenery.patches.append(Patch(frame.points(box(11, 24)), inner, Material.CONCRETE, Layer.TOP))
    white = (230, 230, 226)
    for line in (box(0.2, 24, -5.4), box(0.2, 24, 5.4), box(11, 0.2, 0, -11.9), box(11, 0.2, 0, 11.9), box(11, 0.25)):
        scenery.patches.append(Patch(frame.points(line), white, Material.SMOOTH, Layer.DETAIL))


def pitch(scenery: Scenery, frame: Frame, length: float, breadth: float) -> None:
    """Football pitch along x: mowing stripes and lines."""
    green = (86, 130, 64)
    stripes = 10
    for index in range(stripes):
        x = (index + 0.5) * length / stripes - length / 2
        patch = frame.points(box(length / stripes, breadth, x))
        scenery.patches.append(Patch(patch, tinted(green, 1.08 if index % 2 else 0.95), Material.GRASS, Layer.TOP))
    white = (224, 228, 220)
    lines = [box(length - 3, 0.25, 0, s * (breadth / 2 - 1.5)) for s in (-1, 1)]
    lines += [box(0.25, breadth - 3, x) for x in (1.5 - length / 2, 0.0, length / 2 - 1.5)]
    lines += [box(0.25, breadth * 0.5, s * (length / 2 - length * 0.16)) for s in (-1, 1)]
    for line in lines:
        scenery.patches.append(Patch(frame.points(line), white, Material.SMOOTH, Layer.DETAIL))


def diamond(scenery: Scenery, frame: Frame, size: float) -> None:
    """Baseball field: sand in a corner of a lawn."""
    angles = np.radians(np.linspace(0, 90, 14))
    arc = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for radius, color, material in ((1.0, (96, 134, 70), Material.GRASS), (0.42, (178, 146, 110), Material.SOIL)):
        fan = np.concatenate([np.zeros((1, 2)), arc * radius * size]) - size / 2
        scenery.patches.append(Patch(frame.points(fan), color, material, Layer.TOP))
    infield = box(size * 0.24, size * 0.24, size * 0.15 - size / 2, size * 0.15 - size / 2)
    scenery.patches.append(Patch(frame.points(infield), (100, 138, 72), Material.GRASS, Layer.DETAIL))
