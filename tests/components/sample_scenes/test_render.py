"""Pixels: the same whatever the band, the worker or the scale, and the mask just where the roofs are."""

from functools import lru_cache

import cv2
import numpy as np
import pytest

from components.core.geometry import Size
from components.sample_scenes.render import TILE, Renderer
from components.sample_scenes.towns import TOWNS, SampleScene

GSD_M = 0.3
BUILT_SHARE = {
    "austin": (0.06, 0.25),
    "chicago": (0.14, 0.36),
    "kitsap": (0.01, 0.12),
    "tyrol-w": (0.04, 0.22),
    "vienna": (0.22, 0.55),
}


def draw(scene: SampleScene, size: Size, gsd_m: float = GSD_M) -> tuple[np.ndarray, np.ndarray]:
    rows = list(Renderer(scene, size, gsd_m).rows())
    assert [band.top for band, _, _ in rows] == list(range(0, size.height, TILE))
    return np.concatenate([rgb for _, rgb, _ in rows]), np.concatenate([mask for _, _, mask in rows])


@lru_cache(maxsize=16)
def scene_of(town: str, height: int = 512, width: int = 512) -> tuple[np.ndarray, np.ndarray]:
    return draw(SampleScene(town, 1, 3), Size(height, width))


def test_a_tile_does_not_depend_on_what_was_drawn_before() -> None:
    size, part = Size(2 * TILE, TILE + 80), Size(100, 80)
    used = Renderer(SampleScene("chicago", 2, 5), size, GSD_M)
    used.tile(0, 0, part)
    rgb, mask = used.tile(1, 1, part)
    fresh_rgb, fresh_mask = Renderer(SampleScene("chicago", 2, 5), size, GSD_M).tile(1, 1, part)
    np.testing.assert_array_equal(rgb, fresh_rgb)
    np.testing.assert_array_equal(mask, fresh_mask)


@pytest.mark.parametrize(
    "other", [SampleScene("austin", 2, 3), SampleScene("austin", 1, 4), SampleScene("vienna", 1, 3)]
)
def test_other_number_seed_or_town_is_another_scene(other: SampleScene) -> None:
    rgb, mask = draw(SampleScene("austin", 1, 3), Size(200, 200))
    other_rgb, other_mask = draw(other, Size(200, 200))
    assert (rgb != other_rgb).mean() > 0.5
    assert (mask != other_mask).any()


@pytest.mark.parametrize("town", TOWNS)
def test_built_share_fits_the_town(town: str) -> None:
    shares = [(draw(SampleScene(town, n, 3), Size(320, 320), gsd_m=1.2)[1] > 0).mean() for n in (1, 2)]
    low, high = BUILT_SHARE[town]
    assert low < np.mean(shares) < high


@pytest.mark.parametrize("town", TOWNS)
def test_pixels_are_rgb_and_masks_are_0_and_255(town: str) -> None:
    rgb, mask = scene_of(town)
    assert rgb.dtype == mask.dtype == np.uint8
    assert rgb.shape == (512, 512, 3) and mask.shape == (512, 512)
    assert set(np.unique(mask)) == {0, 255}
    assert rgb.std() > 20


def _contrast_along_outline(rgb: np.ndarray, mask: np.ndarray) -> float:
    """Mean brightness gradient of the image where the mask has its outline."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    slope = np.hypot(cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1))
    outline = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    return float(slope[outline].mean())


@pytest.mark.parametrize("town", TOWNS)
def test_mask_lies_on_the_edges_of_the_image(town: str) -> None:
    rgb, mask = scene_of(town)
    aligned = _contrast_along_outline(rgb, mask)
    for rows, cols in ((6, 0), (0, 6), (-6, 0), (0, -6)):
        assert aligned > 1.2 * _contrast_along_outline(rgb, np.roll(mask, (rows, cols), (0, 1)))


def test_scene_is_laid_out_in_metres() -> None:
    scene = SampleScene("chicago", 1, 3)
    _, fine = draw(scene, Size(440, 440), gsd_m=0.3)
    _, coarse = draw(scene, Size(220, 220), gsd_m=0.6)
    reduced = cv2.resize(fine, (220, 220), interpolation=cv2.INTER_AREA) > 127
    built = coarse > 0
    assert (reduced & built).sum() / (reduced | built).sum() > 0.85


def test_closed_blocks_leave_courtyards_as_holes() -> None:
    _, mask = draw(SampleScene("vienna", 1, 3), Size(400, 400), gsd_m=0.8)
    outlines, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    holes = [outline for outline, links in zip(outlines, hierarchy[0], strict=True) if links[3] >= 0]
    assert sum(cv2.contourArea(hole) * 0.8**2 > 100 for hole in holes) >= 3
