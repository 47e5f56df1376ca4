"""A piece of a scene being drawn: colours, materials, shadows and the building mask of one window."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from components.core.geometry import Window
from components.sample_scenes.light import Sun
from components.sample_scenes.scenery import RGB, Material, Patch, Points, Solid, Tree
from components.sample_scenes.trees import SPECIES, crown, crown_radius_px

SUBPIXEL_BITS = 4


class Canvas:
    """Four rasters of one window; what lies outside of it is cut off."""

    def __init__(self, window: Window, gsd_m: float, sun: Sun, ground: RGB) -> None:
        """Cover the window with grass."""
        self.window, self.gsd_m, self.sun = window, gsd_m, sun
        self._longest_shadow = float(np.abs(sun.shadow_per_m).max())
        size = (window.height, window.width)
        self.rgb = np.empty((*size, 3), dtype=np.uint8)
        self.rgb[:] = ground
        self.material = np.full(size, Material.GRASS, dtype=np.uint8)
        self.shade = np.zeros(size, dtype=np.uint8)
        self.mask = np.zeros(size, dtype=np.uint8)

    def reaches(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Whether a rectangle in metres touches the window."""
        window, gsd_m = self.window, self.gsd_m
        return (
            left < (window.right + 1) * gsd_m
            and right > (window.left - 1) * gsd_m
            and top < (window.bottom + 1) * gsd_m
            and bottom > (window.top - 1) * gsd_m
        )

    def paint(self, patch: Patch) -> None:
        """Paint a flat patch."""
        if self._touches(patch.points):
            pixels = [self._fixed(patch.points)]
            cv2.fillPoly(self.rgb, pixels, patch.color, shift=SUBPIXEL_BITS)
            cv2.fillPoly(self.material, pixels, int(patch.material), shift=SUBPIXEL_BITS)

    def build(self, solid: Solid) -> None:
        """Cast the shadow of a solid over what is there, then draw its top."""
        throw = self.sun.shadow_per_m * solid.height_m
        left, top, right, bottom = solid.bounds
        if not self.reaches(
            left + min(0.0, throw[0]), top + min(0.0, throw[1]), right + max(0.0, throw[0]), bottom + max(0.0, throw[1])
        ):
            return
        for part in solid.parts:
            swept = np.concatenate([part, part + throw]).astype(np.float32)
            hull = cv2.convexHull(swept)[:, 0].astype(np.float64)
            cv2.fillPoly(self.shade, [self._fixed(hull)], 255, shift=SUBPIXEL_BITS)
        for part in solid.parts:
            pixels = [self._fixed(part)]
            cv2.fillPoly(self.shade, pixels, 0, shift=SUBPIXEL_BITS)
            if solid.is_building:
                cv2.fillPoly(self.mask, pixels, 255, shift=SUBPIXEL_BITS)
        for face in solid.faces:
            pixels = [self._fixed(face.points)]
            cv2.fillPoly(self.rgb, pixels, face.color, shift=SUBPIXEL_BITS)
            cv2.fillPoly(self.material, pixels, int(face.material), shift=SUBPIXEL_BITS)

    def cast(self, tree: Tree) -> None:
        """Cast the shadow of a tree."""
        span = tree.radius_m + tree.height_m * self._longest_shadow
        if not self.reaches(tree.x - span, tree.y - span, tree.x + span, tree.y + span):
            return
        species = SPECIES[tree.species]
        reach = max(0.0, tree.height_m - tree.radius_m) * self.sun.shadow_per_m
        middle = np.array([tree.x, tree.y])
        ends = self._fixed(np.stack([middle + 0.4 * reach, middle + reach]))
        radius = tree.radius_m / self.gsd_m
        start, end = (int(ends[0, 0]), int(ends[0, 1])), (int(ends[1, 0]), int(ends[1, 1]))
        dark = round(255 * species.shadow)
        if species.pointed:
            across = np.array([-reach[1], reach[0]]) / max(float(np.hypot(*reach)), 1e-9) * tree.radius_m
            spike = self._fixed(np.stack([middle + across, middle - across, middle + reach]))
            cv2.fillPoly(self.shade, [spike], dark, shift=SUBPIXEL_BITS)
        else:
            thickness = max(1, round(2 * radius * 0.9))
            cv2.line(self.shade, start, end, dark, thickness, shift=SUBPIXEL_BITS)

    def grow(self, tree: Tree) -> None:
        """Draw the crown of a tree."""
        radius = crown_radius_px(tree.radius_m / self.gsd_m)
        picture, mask = crown(tree.species, radius, tree.variant, self.sun)
        side = picture.shape[0]
        top = round(tree.y / self.gsd_m) - radius - 1
        left = round(tree.x / self.gsd_m) - radius - 1
        place = Window(top, left, side, side)
        seen = place.intersection(self.window)
        if seen is None:
            return
        rows, cols = seen.shift(-top, -left).slices
        target = seen.shift(-self.window.top, -self.window.left).slices
        hides = mask[rows, cols]
        cv2.copyTo(picture[rows, cols], hides, self.rgb[target])
        self.shade[target][hides > 0] //= 4
        self.material[target][hides > 0] = Material.FOREST

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        """Metres to fixed-point pixels of the canvas, where a pixel's middle is a whole number."""
        origin = (self.window.left + 0.5, self.window.top + 0.5)
        return np.round((points / self.gsd_m - origin) * (1 << SUBPIXEL_BITS)).astype(np.int32)

    def _touches(self, points: Points) -> bool:
        left, top = points.min(axis=0)
        right, bottom = points.max(axis=0)
        return self.reaches(float(left), float(top), float(right), float(bottom))
