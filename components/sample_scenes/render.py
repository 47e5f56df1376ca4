"""Pixels of a scene, drawn by fixed tiles of the ground and handed out by row of tiles.

A tile depends on its own place alone, so memory is sized by one row of tiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from components.core.geometry import Size, Window, row_bands
from components.core.hashing import hash_integer
from components.sample_scenes.blocks import furnish, kind_of
from components.sample_scenes.shapes import RGB, Face, Level, Points, Scenery, Solid, Sun, Tree, tinted
from components.sample_scenes.streets import Lattice
from components.sample_scenes.towns import SPECIES, TEXTURES, SampleScene

TILE = 512
MARGIN = 4
SUBPIXEL_BITS = 4
BLUR_PX = 0.57
NOISE = 2.6
KEPT_CELLS = 256

NOISE_M = (0.3, 1.1, 11.0)
"""Distance of the nodes of fine, mid and coarse noise."""

SHADOW_RGB = (0.40, 0.44, 0.53)
"""What is left of the light in a full shadow."""

LEVELS = {level: index for index, level in enumerate(get_args(Level))}
MATERIALS = {material: index for index, material in enumerate(TEXTURES)}
_TEXTURES = np.zeros((256, 6), dtype=np.float32)
_TEXTURES[: len(MATERIALS)] = list(TEXTURES.values())

Pixels = NDArray[np.uint8]


class Canvas:
    """Four rasters of one window; what lies outside of it is cut off."""

    def __init__(self, window: Window, gsd_m: float, sun: Sun, ground: RGB) -> None:
        """Cover the window with grass."""
        self.window, self.gsd_m, self.sun = window, gsd_m, sun
        size = (window.height, window.width)
        self.rgb = np.full((*size, 3), ground, dtype=np.uint8)
        self.material = np.full(size, MATERIALS["grass"], dtype=np.uint8)
        self.shade, self.mask = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)

    def draw(self, cells: Sequence[Scenery]) -> None:
        """Draw scenery: the ground by level, then what stands on it from the lowest to the highest."""
        for face in sorted((face for cell in cells for face in cell.ground), key=lambda face: LEVELS[face.level]):
            self._paint(face)
        for solid in sorted((solid for cell in cells for solid in cell.solids), key=lambda solid: solid.height_m):
            self.build(solid)
        trees = sorted((tree for cell in cells for tree in cell.trees), key=lambda tree: tree.height_m)
        for tree in trees:
            self._cast(tree)
        for tree in trees:
            self._grow(tree)

    def build(self, solid: Solid) -> None:
        """Cast the shadow of a solid over what is there, then draw its top."""
        throw = self.sun.shadow_per_m * solid.height_m
        left, top, right, bottom = solid.bounds
        x, y = throw.tolist()
        if not self._reaches(left + min(0.0, x), top + min(0.0, y), right + max(0.0, x), bottom + max(0.0, y)):
            return
        for part in solid.parts:
            hull = cv2.convexHull(np.concatenate([part, part + throw]).astype(np.float32))
            self._fill(self.shade, hull[:, 0].astype(np.float64), 255)
        for part in solid.parts:
            self._fill(self.shade, part, 0)
            if solid.is_building:
                self._fill(self.mask, part, 255)
        for face in solid.faces:
            self._paint(face)

    def _reaches(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Whether a rectangle in metres touches the window."""
        window, gsd_m = self.window, self.gsd_m
        return (
            left < (window.right + 1) * gsd_m
            and right > (window.left - 1) * gsd_m
            and top < (window.bottom + 1) * gsd_m
            and bottom > (window.top - 1) * gsd_m
        )

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        """Metres to fixed-point pixels of the canvas, where a pixel's middle is a whole number."""
        origin = (self.window.left + 0.5, self.window.top + 0.5)
        return np.round((points / self.gsd_m - origin) * (1 << SUBPIXEL_BITS)).astype(np.int32)

    def _fill(self, raster: Pixels, points: Points, value: int) -> None:
        cv2.fillPoly(raster, [self._fixed(points)], value, shift=SUBPIXEL_BITS)

    def _paint(self, face: Face) -> None:
        pixels = [self._fixed(face.points)]
        cv2.fillPoly(self.rgb, pixels, face.color, shift=SUBPIXEL_BITS)
        cv2.fillPoly(self.material, pixels, MATERIALS[face.material], shift=SUBPIXEL_BITS)

    def _cast(self, tree: Tree) -> None:
        """Cast the shadow of a tree."""
        span = tree.radius_m + tree.height_m * float(np.abs(self.sun.shadow_per_m).max())
        if not self._reaches(tree.x - span, tree.y - span, tree.x + span, tree.y + span):
            return
        species = SPECIES[tree.species]
        reach = max(0.0, tree.height_m - tree.radius_m) * self.sun.shadow_per_m
        middle = np.array([tree.x, tree.y])
        dark = round(255 * species.shadow)
        if species.pointed:
            across = np.array([-reach[1], reach[0]]) / max(float(np.hypot(*reach)), 1e-9) * tree.radius_m
            self._fill(self.shade, np.stack([middle + across, middle - across, middle + reach]), dark)
        else:
            start, end = self._fixed(np.stack([middle + 0.4 * reach, middle + reach])).tolist()
            thickness = max(1, round(2 * (tree.radius_m / self.gsd_m) * 0.9))
            cv2.line(self.shade, start, end, dark, thickness, shift=SUBPIXEL_BITS)

    def _grow(self, tree: Tree) -> None:
        """Draw the crown of a tree."""
        radius = crown_radius_px(tree.radius_m / self.gsd_m)
        picture, mask = crown(tree.species, radius, tree.variant, self.sun)
        top, left = round(tree.y / self.gsd_m) - radius - 1, round(tree.x / self.gsd_m) - radius - 1
        seen = Window(top, left, *mask.shape).intersection(self.window)
        if seen is not None:
            source = seen.shift(-top, -left).slices
            target = seen.shift(-self.window.top, -self.window.left).slices
            hides = mask[source]
            cv2.copyTo(picture[source], hides, self.rgb[target])
            self.shade[target][hides > 0] //= 4
            self.material[target][hides > 0] = MATERIALS["forest"]


def crown_radius_px(radius_px: float) -> int:
    """Radius rounded to the sizes that are kept: every pixel when small, coarser when large."""
    step = max(1, int(radius_px // 12))
    return max(1, round(radius_px / step) * step)


@lru_cache(maxsize=2048)
def crown(species: str, radius_px: int, variant: int, sun: Sun) -> tuple[Pixels, Pixels]:
    """One of the crowns of a species, lit by the sun from one side.

    Returns:
        (2r + 3, 2r + 3, 3) uint8 RGB and (2r + 3, 2r + 3) uint8 mask, 255 where the crown hides the ground.
    """
    rng = np.random.default_rng(hash_integer(0, "crown", species, str(radius_px), str(variant)))
    kind = SPECIES[species]
    side, middle = 2 * radius_px + 3, radius_px + 1
    color = kind.colors[variant % len(kind.colors)]
    picture = np.full((side, side, 3), tinted(color, 0.6), dtype=np.uint8)
    mask = np.zeros((side, side), dtype=np.uint8)

    def bough() -> None:
        """Leafless bough that radiates from the trunk and lets the ground shine through."""
        angle, length = rng.random() * 2 * np.pi, radius_px * rng.uniform(0.5, 1.0)
        bend = angle + rng.normal(0, 0.35)
        halfway = middle + 0.55 * length * np.array([np.cos(angle), np.sin(angle)])
        end = middle + length * np.array([np.cos(bend), np.sin(bend)])
        points = np.round(np.stack([np.full(2, middle), halfway, end])).astype(np.int32)
        cv2.polylines(picture, [points], False, tinted(color, rng.uniform(0.62, 1.3)), 1)
        cv2.polylines(mask, [points], False, 255, 1)

    def clump(distance: float, angle: float) -> None:
        """Round clump of leaves, brighter towards the sun and the top."""
        direction = np.array([np.cos(angle), np.sin(angle)])
        place = np.round(middle + direction * (distance * max(0.0, radius_px - size * 0.8))).astype(int).tolist()
        lift = (1 - distance) * (0.5 if kind.pointed else 0.15)
        factor = 0.88 + 0.36 * (float(direction @ sun.towards) * distance) + lift + rng.normal(0, 0.1)
        radius = max(1, round(size * rng.uniform(0.6, 1.1)))
        cv2.circle(picture, place, radius, tinted(color, factor), cv2.FILLED)
        cv2.circle(mask, place, radius, 255, cv2.FILLED)

    if kind.density < 0.7:
        for _ in range(10 + 3 * radius_px):
            bough()
    else:
        count = 14 + 5 * radius_px if kind.pointed else 12 + 7 * radius_px
        size = max(1.0, radius_px * (0.22 if kind.pointed else 0.3))
        distances = np.sort(np.sqrt(rng.random(count)))[::-1]
        for distance, angle in zip(distances, rng.random(count) * 2 * np.pi, strict=True):
            clump(distance, angle)
    return picture, mask


def value_noise(window: Window, gsd_m: float, spacing_m: float, key: int) -> NDArray[np.float32]:
    """Smooth noise between the nodes of a lattice of `spacing_m` metres over the whole scene.

    A node's value depends on the key and its own place.

    Returns:
        (H, W) float32, mostly within -1 and 1.
    """
    step = gsd_m / max(spacing_m, gsd_m)
    first_row, first_col = int(np.floor(window.top * step)) - 1, int(np.floor(window.left * step)) - 1
    rows = np.arange(first_row, int(np.ceil(window.bottom * step)) + 3)
    cols = np.arange(first_col, int(np.ceil(window.right * step)) + 3)
    matrix = np.array([(step, 0, window.left * step - first_col), (0, step, window.top * step - first_row)])
    noise = cv2.warpAffine(
        _hashed(rows, cols, key),
        matrix,
        (window.width, window.height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(noise, dtype=np.float32)


def _hashed(rows: NDArray[np.int64], cols: NDArray[np.int64], key: int) -> NDArray[np.float32]:
    """Uniform values in [-1, 1) of lattice nodes: (rows, cols) float32, by a multiply-xorshift hash."""
    mixed = (rows.astype(np.uint64)[:, None] * np.uint64(0x9E3779B97F4A7C15)) ^ (
        cols.astype(np.uint64)[None, :] * np.uint64(0xC2B2AE3D27D4EB4F)
    )
    mixed ^= np.uint64(key & 0xFFFFFFFFFFFFFFFF)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return ((mixed >> np.uint64(40)).astype(np.float32) / np.float32(1 << 23)) - np.float32(1)


def weather(canvas: Canvas, key: int) -> NDArray[np.float32]:
    """Lay texture and shadow over what is painted: (H, W, 3) float32 RGB in the range of uint8, not clipped."""
    gain: Any = np.float32(1)
    for octave, spacing_m in enumerate(NOISE_M):
        noise = value_noise(canvas.window, canvas.gsd_m, spacing_m, key + octave)
        gain = gain + noise * cv2.LUT(canvas.material, _TEXTURES[:, octave].copy())
    tint = cv2.LUT(cv2.merge([canvas.material] * 3), _TEXTURES[:, None, 3:].copy())
    depth = cv2.blur(canvas.shade, (3, 3)).astype(np.float32) / np.float32(255)
    lit = np.empty(canvas.rgb.shape, dtype=np.float32)
    for channel, floor in enumerate(SHADOW_RGB):
        surface = canvas.rgb[..., channel] * gain + noise * tint[..., channel]
        lit[..., channel] = surface * (1 - depth * np.float32(1 - floor))
    return lit


class Renderer:
    """Draws one scene at one ground sample distance."""

    def __init__(self, scene: SampleScene, size: Size, gsd_m: float) -> None:
        """Prepare the streets of a scene of so many pixels."""
        self.scene, self.size, self.gsd_m = scene, size, gsd_m
        self.lattice = Lattice(scene)
        self.cell = lru_cache(maxsize=KEPT_CELLS)(self._cell)

    def rows(self) -> Iterator[tuple[Window, Pixels, Pixels]]:
        """The scene from top to bottom.

        Yields:
            The window of a row of tiles, its (H, W, 3) uint8 RGB pixels and its (H, W) uint8 mask of 0 and 255.
        """
        for row, band in enumerate(row_bands(self.size, TILE)):
            widths = [min(TILE, band.width - left) for left in range(0, band.width, TILE)]
            tiles = [self.tile(row, col, Size(band.height, width)) for col, width in enumerate(widths)]
            rgb, mask = (np.concatenate(part, axis=1) for part in zip(*tiles, strict=True))
            yield band, rgb, mask

    def tile(self, row: int, col: int, size: Size) -> tuple[Pixels, Pixels]:
        """One tile of the ground, cut to `size` at the scene's edge: (H, W, 3) uint8 RGB and (H, W) uint8 mask."""
        window = Window(row * TILE - MARGIN, col * TILE - MARGIN, size.height + 2 * MARGIN, size.width + 2 * MARGIN)
        inside = Window(MARGIN, MARGIN, size.height, size.width).slices
        town = self.scene.town
        canvas = Canvas(window, self.gsd_m, self.scene.sun, town.grass[0])
        metres = [value * self.gsd_m for value in (window.left, window.top, window.right, window.bottom)]
        canvas.draw([self.cell(*place) for place in self.lattice.cells(*metres)])
        seen = cv2.GaussianBlur(weather(canvas, self.scene.key("texture")), (0, 0), BLUR_PX)[inside]
        seen = (seen - np.float32(110)) * np.float32(town.contrast) + np.float32(110)
        seen += np.asarray(town.haze, dtype=np.float32)
        dice = self.scene.dice("sensor", row, col)
        seen += dice.standard_normal(seen.shape, dtype=np.float32) * np.float32(NOISE)
        return np.clip(np.rint(seen), 0, 255).astype(np.uint8), canvas.mask[inside]

    def _cell(self, row: int, col: int) -> Scenery:
        site = self.lattice.site(row, col)
        furnish(site, kind_of(self.scene, row, col))
        return site.scenery
