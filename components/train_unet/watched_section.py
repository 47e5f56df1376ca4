"""The watched validation windows as a part of the report: a row each, from left to right as the training went on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.core.reporting import palette
from components.core.reporting.encode import Pixels, data_uri
from components.core.reporting.page import Section, render
from components.core.reporting.palette import rgb
from components.core.reporting.view import tinted
from components.train_unet.watched import WatchedWindows

MOST = 0.7
"""Share of the colour where the network is certain of an object."""


def watched_section(watched: WatchedWindows) -> Section:
    """Show how the network learnt to see some windows.

    Args:
        watched: At least one window after at least one validation.
    """
    captions = ["window", "truth", *(f"epoch {epoch:g}" for _, epoch, _ in watched.stages)]
    rows = []
    for index, (image, mask) in enumerate(zip(watched.images.numpy(), watched.masks.numpy(), strict=True)):
        pixels = np.ascontiguousarray(np.moveaxis(image, 0, 2))
        seen = [shaded(pixels, found[index].numpy()) for _, _, found in watched.stages]
        pictures = [pixels, tinted(pixels, mask == 1, palette.TRUTH), *seen]
        rows.append([(caption, data_uri(picture)) for caption, picture in zip(captions, pictures, strict=True)])
    body = render("watched.html.j2", __package__, rows=rows)
    lead = "The same validation windows after some validations: the stronger the colour, the surer of an object."
    return Section("As the network learnt", lead, (), body)


def shaded(pixels: Pixels, probability: npt.NDArray[np.uint8]) -> Pixels:
    """(H, W, 3) uint8 RGB with a colour laid over it by (H, W) uint8 probability × 255."""
    share = (probability.astype(np.float32) * (MOST / 255))[:, :, None]
    color = rgb(palette.PREDICTION).as_array()
    return (pixels * (1 - share) + color * share + 0.5).astype(np.uint8)
