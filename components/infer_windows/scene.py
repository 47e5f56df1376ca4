"""One scene: read ahead, through the network, blended, decided and written, each step beside the others.

Three threads hand on what they finished: one reads windows, one runs the network, and the caller's blends, decides
and writes. Memory is a few batches and the open rows, whatever the scene's height.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.figures import tight_window
from components.core.geometry import Window
from components.core.imagery import Crop, RasterProfile, raster_writer
from components.core.project import ImageRef
from components.infer_windows.ahead import ahead
from components.infer_windows.blending import BAND_ROWS, Float32, blend

UInt8 = npt.NDArray[np.uint8]

CONFIDENCE_TAGS = {
    "QUANTITY": "mean probability of the class that the mask names",
    "SCALE": "probability = value / 255",
}
"""What a confidence raster says of itself."""


class Predictor(Protocol):
    """A network in use."""

    def __call__(self, windows: UInt8) -> Float32:
        """Map (N, 3, H, W) uint8 RGB to (N, C, H, W) float32 probabilities, whose sum over C is 1."""
        ...


@dataclass(frozen=True, slots=True)
class ClassExtent:
    """Where a class is in a mask.

    Attributes:
        value: Index of the class, which is its value in the mask.
        box: The smallest window that holds all its pixels.
        area: Number of its pixels.
    """

    value: int
    box: Window
    area: int


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """How a scene is cut and fed to the network.

    Attributes:
        windows: Of one size, in row-major order, together covering the scene.
        batch_size: How many go through the network at once.
        classes: Number of channels that the network gives.
        band_rows: Rows that are finished at once.
    """

    windows: Sequence[Window]
    batch_size: int
    classes: int
    band_rows: int = BAND_ROWS


def predict_scene(
    image: ImageRef, plan: WindowPlan, predictor: Predictor, mask: str, confidence: str
) -> tuple[ClassExtent, ...]:
    """Write the class of every pixel of an image, and how sure the network is of it.

    Args:
        image: What to look at; everything is in the pixels that its recipe shows.
        plan: Windows and batches.
        predictor: The network.
        mask: Where the class indices go: a tiled GeoTIFF, uint8.
        confidence: Where the mean probability of that class goes: a tiled GeoTIFF, uint8, probability × 255 rounded.

    Returns:
        The classes that occur, by value.

    Raises:
        DataError: If a window cannot be read or the network gives something that is no probability.
        StorageError: If a raster cannot be written.
    """
    size = image.recipe.size
    profile = RasterProfile(size, crs=image.crs, transform=image.item_transform, compress="deflate")
    extents = _Extents()
    with (
        closing(ahead(_predicted(image, plan, predictor))) as predicted,
        raster_writer(mask, profile) as mask_writer,
        raster_writer(confidence, replace(profile, tags=CONFIDENCE_TAGS)) as confidence_writer,
    ):
        for band in blend(_single(predicted), size, plan.classes, plan.band_rows):
            values, sureness = decide(band.probabilities)
            extents.add(band.top, values)
            mask_writer.write(values)
            confidence_writer.write(sureness)
    return extents.found()


def _read(image: ImageRef, plan: WindowPlan) -> Generator[tuple[Sequence[Window], UInt8]]:
    for first in range(0, len(plan.windows), plan.batch_size):
        windows = plan.windows[first : first + plan.batch_size]
        yield windows, np.stack([image.then(Crop(window)).pixels() for window in windows])


def _predicted(image: ImageRef, plan: WindowPlan, predictor: Predictor) -> Generator[tuple[Sequence[Window], Float32]]:
    with closing(ahead(_read(image, plan))) as batches:
        for windows, pixels in batches:
            yield windows, predictor(pixels)


def _single(batches: Iterator[tuple[Sequence[Window], Float32]]) -> Iterator[tuple[Window, Float32]]:
    for windows, probabilities in batches:
        yield from zip(windows, probabilities, strict=True)


def decide(probabilities: Float32) -> tuple[UInt8, UInt8]:
    """Choose each pixel's most probable class; of equal ones the first.

    Args:
        probabilities: (C, H, W) float32.

    Returns:
        (H, W) uint8 class indices, and (H, W) uint8 probability of that class × 255, rounded.

    Raises:
        DataError: If a probability is not a number.
    """
    best = probabilities[0].copy()
    values = np.zeros(best.shape, np.uint8)
    for index in range(1, len(probabilities)):
        np.putmask(values, probabilities[index] > best, index)
        np.maximum(best, probabilities[index], out=best)
    if not np.isfinite(best.max()):
        raise DataError(
            "the network gives values that are no numbers; set precision to 'float32' in the inference config, "
            "or train the model again if that does not help"
        )
    best *= 255
    best += 0.5
    return values, best.astype(np.uint8)


class _Extents:
    """Boxes and areas of the classes, gathered band by band."""

    def __init__(self) -> None:
        self._extents: dict[int, ClassExtent] = {}

    def add(self, top: int, values: UInt8) -> None:
        """Take in a (H, W) band whose first row is `top`."""
        areas = np.bincount(values.ravel())
        for value in map(int, np.flatnonzero(areas)):
            box = tight_window(values == value)
            if box is not None:
                old = self._extents.get(value)
                new = ClassExtent(value, box.shift(top, 0), int(areas[value]))
                self._extents[value] = new if old is None else _joined(old, new)

    def found(self) -> tuple[ClassExtent, ...]:
        """The classes that occur, by value."""
        return tuple(self._extents[value] for value in sorted(self._extents))


def _joined(old: ClassExtent, new: ClassExtent) -> ClassExtent:
    box = Window.of_bounds(
        min(old.box.top, new.box.top),
        min(old.box.left, new.box.left),
        max(old.box.bottom, new.box.bottom),
        max(old.box.right, new.box.right),
    )
    return ClassExtent(old.value, box, old.area + new.area)
