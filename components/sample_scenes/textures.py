"""Texture of surfaces and the camera's faults: noise that depends on the place alone."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from components.core.geometry import Window
from components.sample_scenes.scenery import Material

FINE_M = 0.3
MID_M = 1.1
COARSE_M = 11.0
SHADOW_RGB = (0.40, 0.44, 0.53)


@dataclass(frozen=True)
class Texture:
    """Relative brightness of three octaves of noise, and the colour that the coarsest adds (RGB, signed)."""

    fine: float
    mid: float
    coarse: float
    tint: tuple[float, float, float]


TEXTURES: dict[Material, Texture] = {
    Material.SMOOTH: Texture(0.02, 0.02, 0.02, (0, 0, 0)),
    Material.GRASS: Texture(0.08, 0.11, 0.10, (7, 0, -3)),
    Material.SOIL: Texture(0.05, 0.09, 0.10, (4, 4, 3)),
    Material.ASPHALT: Texture(0.03, 0.04, 0.07, (2, 2, 2)),
    Material.CONCRETE: Texture(0.03, 0.05, 0.07, (2, 1, 0)),
    Material.SHINGLE: Texture(0.05, 0.06, 0.04, (2, 1, 0)),
    Material.TILE: Texture(0.07, 0.06, 0.05, (4, 0, -2)),
    Material.GRAVEL: Texture(0.05, 0.04, 0.06, (2, 2, 2)),
    Material.METAL: Texture(0.02, 0.05, 0.05, (0, 0, 1)),
    Material.CROP: Texture(0.05, 0.06, 0.06, (8, 2, -4)),
    Material.WATER: Texture(0.02, 0.03, 0.04, (-2, 2, 3)),
    Material.FOREST: Texture(0.12, 0.18, 0.10, (4, 2, 0)),
    Material.SNOW: Texture(0.02, 0.03, 0.03, (-2, 0, 2)),
}
_AMPLITUDES = np.zeros((3, 256, 1), dtype=np.float32)
_TINTS = np.zeros((256, 1, 3), dtype=np.float32)
for _material, _texture in TEXTURES.items():
    _AMPLITUDES[:, _material, 0] = _texture.fine, _texture.mid, _texture.coarse
    _TINTS[_material, 0] = _texture.tint


def value_noise(window: Window, gsd_m: float, spacing_m: float, key: int) -> NDArray[np.float32]:
    """Smooth noise between the nodes of a lattice of `spacing_m` metres over the whole scene.

    Args:
        window: pixels wanted.
        gsd_m: ground sample distance in metres.
        spacing_m: distance of the lattice's nodes in metres.
        key: which noise; a node's value depends on this and its own place.

    Returns:
        (H, W) float32, mostly within -1 and 1.
    """
    step = gsd_m / max(spacing_m, gsd_m)
    first_row, first_col = int(np.floor(window.top * step)) - 1, int(np.floor(window.left * step)) - 1
    rows = np.arange(first_row, int(np.ceil(window.bottom * step)) + 3)
    cols = np.arange(first_col, int(np.ceil(window.right * step)) + 3)
    nodes = _hashed(rows, cols, key)
    matrix = np.array(
        [(step, 0, window.left * step - first_col), (0, step, window.top * step - first_row)], dtype=np.float64
    )
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    noise = cv2.warpAffine(nodes, matrix, (window.width, window.height), flags=flags, borderMode=cv2.BORDER_REFLECT)
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


def weather(
    rgb: NDArray[np.uint8],
    material: NDArray[np.uint8],
    shade: NDArray[np.uint8],
    window: Window,
    gsd_m: float,
    key: int,
) -> NDArray[np.float32]:
    """Lay texture and shadow over flat colours.

    Args:
        rgb: (H, W, 3) painted colours.
        material: (H, W) values of `Material`.
        shade: (H, W) darkness of the shadow, 255 for a full one.
        window: where these pixels lie in the scene.
        gsd_m: ground sample distance in metres.
        key: which scene.

    Returns:
        (H, W, 3) float32 RGB in the range of uint8, not clipped.
    """
    fine = value_noise(window, gsd_m, FINE_M, key)
    mid = value_noise(window, gsd_m, MID_M, key + 1)
    coarse = value_noise(window, gsd_m, COARSE_M, key + 2)
    gain = 1 + fine * cv2.LUT(material, _AMPLITUDES[0])
    gain += mid * cv2.LUT(material, _AMPLITUDES[1])
    gain += coarse * cv2.LUT(material, _AMPLITUDES[2])
    tint = cv2.LUT(cv2.merge([material] * 3), _TINTS)
    depth = cv2.blur(shade, (3, 3)).astype(np.float32) / np.float32(255)
    lit = np.empty(rgb.shape, dtype=np.float32)
    for channel, floor in enumerate(SHADOW_RGB):
        surface = rgb[..., channel] * gain + coarse * tint[..., channel]
        lit[..., channel] = surface * (1 - depth * np.float32(1 - floor))
    return lit
