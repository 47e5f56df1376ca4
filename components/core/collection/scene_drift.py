"""How far a scene is from the training of the model that detected it, taken from a few windows of it."""

from __future__ import annotations

import logging

import numpy as np

from components.core.drift import (
    TrainingStatistics,
    confidence_counts,
    pixel_counts,
    sample_windows,
)
from components.core.errors import DataError, StorageError
from components.core.imagery.images import read_image
from components.core.imagery.reading import read_band
from components.core.imagery.recipe import Crop
from components.core.project import Item
from components.core.project.predictions import CONFIDENCE_ROLE, MASK_ROLE
from components.core.scene_errors import scene_errors

log = logging.getLogger(__name__)

NO_CLASS = 255
"""Value of a mask where the image holds no data, or the network was not to look."""


class SceneDrift:
    """Adds up what the items of one scene show.

    Attributes:
        statistics: Of the training.
    """

    def __init__(self, statistics: TrainingStatistics) -> None:
        self.statistics = statistics
        self._pixels = np.zeros_like(statistics.pixels.counts)
        self._confidence = np.zeros_like(statistics.confidence.counts)

    def add(self, item: Item) -> None:
        """Look at a few windows of an item's image, mask and confidence.

        What cannot be read is left out: it is no reason not to publish the scene.
        """
        mask, confidence, image = item.rasters.get(MASK_ROLE), item.rasters.get(CONFIDENCE_ROLE), item.image
        if mask is None or confidence is None or image is None:
            return
        try:
            with scene_errors(item.key):
                for window in sample_windows(item.size):
                    valid = read_band(mask, window) != NO_CLASS
                    pixels = read_image(image.uri, image.recipe.then(Crop(window)))
                    self._pixels += pixel_counts(pixels, valid)
                    self._confidence += confidence_counts(read_band(confidence, window)[valid])
        except (DataError, StorageError) as error:
            log.info("%s: is not compared with the training: %s", item.key, error)

    def distances(self) -> dict[str, float] | None:
        """How far the scene is off; None where nothing could be looked at."""
        return self.statistics.distances(self._pixels, self._confidence) or None
