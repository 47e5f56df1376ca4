"""What a network says of one class, pixel by pixel, from the raster that inference lays beside an item."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.geometry import Window
from components.core.imagery.reading import describe, read_band
from components.core.project import Item
from components.core.project.predicted_classes import PredictedClass, predicted_class
from components.core.project.predictions import PROBABILITY_ROLE
from components.core.project.probabilities import classes_of, of_others

log = logging.getLogger(__name__)

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ClassProbability:
    """The probability of a class.

    Attributes:
        uri: The raster, as large as the item.
        band: Its band.
        is_of_others: Whether that is the probability of all other classes together.
        threshold: Above which one pixels got the class; None where that is not known, or no one number decided.
    """

    uri: str
    band: int
    is_of_others: bool
    threshold: float | None

    def read(self, window: Window) -> UInt8:
        """(H, W) uint8 of a window of the item; see `components.core.project.probabilities`.

        Raises:
            DataError: If the raster cannot be read.
            StorageError: If it cannot be reached.
        """
        values: UInt8 = read_band(self.uri, window, self.band)
        return of_others(values) if self.is_of_others else values


def probability_of(item: Item, title: str) -> ClassProbability | None:
    """Where the probability of a class of an item is.

    Args:
        item: Predictions, split or not.
        title: Of the class.

    Returns:
        None where the item has no such raster or does not say which of the network's classes it is, and where the
        raster is none of the item: that is told in the log, and the item can be evaluated without.

    Raises:
        StorageError: If the raster cannot be reached.
    """
    uri = item.rasters.get(PROBABILITY_ROLE)
    if uri is None:
        return None
    try:
        found = predicted_class(item, title)
        return None if found is None else _checked(item, uri, found)
    except DataError as error:
        warn_of_no_curves(item.key, error)
        return None


def warn_of_no_curves(image: str, error: DataError) -> None:
    """Say why an image does not count in curves."""
    log.warning(
        "%s: cannot read its probabilities; it counts in no threshold curve: %s; infer it again, or let it be",
        image,
        error,
    )


def _checked(item: Item, uri: str, found: PredictedClass) -> ClassProbability:
    info = describe(uri)
    if info.size != item.size or info.dtype != "uint8" or found.index >= classes_of(info.bands):
        raise DataError(
            f"{uri}: has {info.bands} band(s) of {info.dtype} and {info.size} px, not the probabilities of class "
            f"{found.index} of an image of {item.size} px"
        )
    is_of_two = info.bands == 1
    band = 1 if is_of_two else found.index + 1
    return ClassProbability(uri, band, is_of_two and found.index == 0, found.threshold)
