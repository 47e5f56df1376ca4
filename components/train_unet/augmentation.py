"""Training windows mirrored, turned, scaled and recoloured where the network computes, before it sees them.

What is done to the n-th window of a training depends on the seed and n alone: a training that goes on from a checkpoint
does the same to it, however many processes share the batches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from components.core.documents.training import Augmentation
from components.core.hashing import hash_integer

QUARTERS = 4

BAND_SHARE = 0.5
"""Of the change of brightness: what each band may change by itself."""

LARGEST = 255

COLORS = 3


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to one window.

    Attributes:
        mirrored: Whether it is mirrored left to right, first.
        quarters: Quarter turns against the clock, then.
        zoom: Above 1 it is enlarged, below 1 made smaller.
        row: Where in the window the part lies that an enlarged one shows: -1 at the top, 1 at the bottom.
        column: The same: -1 at the left, 1 at the right.
        gains: What red, green and blue are multiplied by; further bands are no colours and stay.
        contrast: What their differences from the window's mean are multiplied by.
    """

    mirrored: bool = False
    quarters: int = 0
    zoom: float = 1.0
    row: float = 0.0
    column: float = 0.0
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 1.0


def draw_change(settings: Augmentation, seed: int, number: int) -> Change:
    """Draw what is done to the window of a number in the training.

    Args:
        settings: What may be done.
        seed: Of the training.
        number: Of the window, in the order in which the training takes them.
    """
    random = np.random.Generator(np.random.PCG64(hash_integer(seed, "augmentation", str(number))))
    mirrored, quarters = bool(random.integers(2)), int(random.integers(QUARTERS))
    zoom = math.exp(random.uniform(-1, 1) * math.log1p(settings.scale))
    row, column, brightness, contrast, *bands = random.uniform(-1, 1, 7)
    gain = 1 + settings.color * brightness
    red, green, blue = (float(gain * (1 + BAND_SHARE * settings.color * band)) for band in bands)
    return Change(
        settings.mirror and mirrored,
        quarters if settings.turn else 0,
        zoom,
        float(row),
        float(column),
        (red, green, blue),
        float(1 + settings.color * contrast),
    )


def augmented(image: Tensor, mask: Tensor, changes: Sequence[Change]) -> tuple[Tensor, Tensor]:
    """Change each window of a batch.

    Args:
        image: (N, C, H, W) uint8, red, green and blue first; H and W equal where windows are turned.
        mask: (N, H, W) uint8 class indices.
        changes: N of them.

    Returns:
        The same shapes and types.
    """
    image = torch.stack([_placed(window, change) for window, change in zip(image, changes, strict=True)])
    mask = torch.stack([_placed(window, change) for window, change in zip(mask, changes, strict=True)])
    if any(change.zoom != 1 for change in changes):
        image, mask = _zoomed(image, mask, changes)
    if any(change.contrast != 1 or change.gains != (1, 1, 1) for change in changes):
        image = _recolored(image, changes)
    return image, mask


def _placed(window: Tensor, change: Change) -> Tensor:
    if change.mirrored:
        window = window.flip(-1)
    return torch.rot90(window, change.quarters, (-2, -1)) if change.quarters else window


def _zoomed(image: Tensor, mask: Tensor, changes: Sequence[Change]) -> tuple[Tensor, Tensor]:
    """Bilinear for colours, the nearest pixel for classes; beyond the border lies the window's mirror image."""
    rows = [[[1 / c.zoom, 0, c.column * _free(c.zoom)], [0, 1 / c.zoom, c.row * _free(c.zoom)]] for c in changes]
    matrices = torch.tensor(rows, dtype=torch.float32, device=image.device)
    places = functional.affine_grid(matrices, [*image.shape], align_corners=False)
    colors = functional.grid_sample(image.float(), places, "bilinear", "reflection", align_corners=False)
    classes = functional.grid_sample(mask[:, None].float(), places, "nearest", "reflection", align_corners=False)
    return colors.round().to(torch.uint8), classes[:, 0].to(torch.uint8)


def _free(zoom: float) -> float:
    """How far the middle of what is shown may move, in half windows."""
    return max(0.0, 1 - 1 / zoom)


def _recolored(image: Tensor, changes: Sequence[Change]) -> Tensor:
    gains = torch.tensor([change.gains for change in changes], dtype=torch.float32, device=image.device)
    contrast = torch.tensor([change.contrast for change in changes], dtype=torch.float32, device=image.device)
    colors = image[:, :COLORS].float()
    means = colors.mean((1, 2, 3), keepdim=True)
    changed = (means + (colors - means) * contrast[:, None, None, None]) * gains[:, :, None, None]
    changed = changed.round_().clamp_(0, LARGEST).to(torch.uint8)
    return changed if image.shape[1] == COLORS else torch.cat([changed, image[:, COLORS:]], dim=1)
