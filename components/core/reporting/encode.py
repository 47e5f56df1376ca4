"""Pixels as text inside a page."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import numpy.typing as npt
from markupsafe import Markup

JPEG_QUALITY = 88

Pixels = npt.NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""


def jpeg_bytes(pixels: Pixels) -> bytes:
    """(H, W, 3) uint8 RGB as a JPEG file whose colours are as sharp as its lightness."""
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        JPEG_QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[:, :, ::-1]), options)
    return data.tobytes()


def data_uri(pixels: Pixels) -> Markup:
    """(H, W, 3) uint8 RGB as the `src` of an image that needs no file."""
    text = base64.b64encode(jpeg_bytes(pixels)).decode("ascii")
    return Markup(f"data:image/jpeg;base64,{text}")  # noqa: S704
