"""Pixels of a scene: drawn by fixed tiles of the ground, handed out by row band.

A tile depends on its own place alone, so a band is the same pixels whatever its height, and memory is sized by a band
and one row of tiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from components.core.geometry import Size, Window, row_bands
from components.core.hashing import hash_integer
from components.sample_scenes.blocks import furnish
from components.sample_scenes.canvas import Canvas
from components.sample_scenes.scene import Scene
from components.sample_scenes.scenery import Scenery
from components.sample_scenes.streets import Lattice
from components.sample_scenes.textures import weather

TILE = 512
MARGIN = 4
BLUR_PX = 0.57
NOISE = 2.6
KEPT_CELLS = 256

Pixels = NDArray[np.uint8]


class Renderer:
    """Draws one scene at one ground sample distance."""

    def __init__(self, scene: Scene, size: Size, gsd_m: float) -> None:
        """Prepare the scene's streets.

        Args:
            scene: which scene.
            size: of the whole scene in pixels.
            gsd_m: ground sample distance in metres.
        """
        self.scene, self.size, self.gsd_m = scene, size, gsd_m
        self.lattice = Lattice(scene)
        self.cell = lru_cache(maxsize=KEPT_CELLS)(self._cell)

    def bands(self, height: int) -> Iterator[tuple[Window, Pixels, Pixels]]:
        """The scene from top to bottom.

        Args:
            height: rows of a band.

        Yields:
            The band's window, its (H, W, 3) uint8 RGB pixels and its (H, W) uint8 mask of 0 and 255.
        """
        drawn_row, rgb_row, mask_row = -1, np.empty(0, np.uint8), np.empty(0, np.uint8)
        for band in row_bands(self.size, height):
            rgb = np.empty((band.height, band.width, 3), dtype=np.uint8)
            mask = np.empty((band.height, band.width), dtype=np.uint8)
            for row in range(band.top // TILE, (band.bottom - 1) // TILE + 1):
                if row != drawn_row:
                    drawn_row, (rgb_row, mask_row) = row, self._tile_row(row)
                top, bottom = max(band.top, row * TILE), min(band.bottom, (row + 1) * TILE)
                source = slice(top - row * TILE, bottom - row * TILE)
                rgb[top - band.top : bottom - band.top] = rgb_row[source]
                mask[top - band.top : bottom - band.top] = mask_row[source]
            yield band, rgb, mask

    def _tile_row(self, row: int) -> tuple[Pixels, Pixels]:
        height = min(TILE, self.size.height - row * TILE)
        rgb = np.empty((height, self.size.width, 3), dtype=np.uint8)
        mask = np.empty((height, self.size.width), dtype=np.uint8)
        for col in range(-(-self.size.width // TILE)):
            width = min(TILE, self.size.width - col * TILE)
            place = slice(col * TILE, col * TILE + width)
            rgb[:, place], mask[:, place] = self.tile(row, col, Size(height, width))
        return rgb, mask

    def tile(self, row: int, col: int, size: Size) -> tuple[Pixels, Pixels]:
        """One tile of the ground, cut to `size` at the scene's edge: (H, W, 3) uint8 RGB and (H, W) uint8 mask."""
        window = Window(row * TILE - MARGIN, col * TILE - MARGIN, size.height + 2 * MARGIN, size.width + 2 * MARGIN)
        canvas = self._draw(window)
        key = hash_integer(self.scene.seed, "sample_scenes", self.scene.name, "texture")
        lit = weather(canvas.rgb, canvas.material, canvas.shade, window, self.gsd_m, key)
        blurred = np.asarray(cv2.GaussianBlur(lit, (0, 0), BLUR_PX), dtype=np.float32)
        inside = (slice(MARGIN, MARGIN + size.height), slice(MARGIN, MARGIN + size.width))
        town = self.scene.town
        seen = (blurred[inside] - np.float32(110)) * np.float32(town.contrast) + np.float32(110)
        seen += np.asarray(town.haze, dtype=np.float32)
        noise = self.scene.generator("sensor", str(row), str(col))
        seen += noise.standard_normal(seen.shape, dtype=np.float32) * np.float32(NOISE)
        return np.clip(np.rint(seen), 0, 255).astype(np.uint8), canvas.mask[inside]

    def _draw(self, window: Window) -> Canvas:
        palette = self.scene.town.palette
        canvas = Canvas(window, self.gsd_m, self.scene.sun, palette.grass[0])
        metres = [value * self.gsd_m for value in (window.left, window.top, window.right, window.bottom)]
        cells = [self.cell(row, col) for row, col in self.lattice.cells(*metres)]
        for patch in sorted((p for cell in cells for p in cell.patches), key=lambda patch: patch.layer):
            canvas.paint(patch)
        for solid in sorted((s for cell in cells for s in cell.solids), key=lambda solid: solid.height_m):
            canvas.build(solid)
        trees = sorted((t for cell in cells for t in cell.trees), key=lambda tree: tree.height_m)
        for tree in trees:
            canvas.cast(tree)
        for tree in trees:
            canvas.grow(tree)
        return canvas

    def _cell(self, row: int, col: int) -> Scenery:
        scenery = self.lattice.street_scenery(row, col)
        furnish(scenery, self.scene, self.lattice.block(row, col))
        return scenery
