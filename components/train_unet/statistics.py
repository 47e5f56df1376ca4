"""What detection compares new imagery with: the values of training pixels, and how sure the network is."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch

from components.core.drift import (
    BANDS,
    CONFIDENCE_EDGES,
    PIXEL_BINS,
    Counts,
    Reference,
    SeenImage,
    TrainingStatistics,
    confidence_counts,
    pixel_counts,
)
from components.core.errors import DataError, StorageError
from components.core.geometry import Window
from components.core.imagery.images import read_image, read_validity
from components.core.imagery.reading import describe
from components.core.network.segmentation import SegmentationNetwork
from components.core.project import ImageRef
from components.core.project.local_copies import with_local_copies
from components.core.scene_errors import scene_errors, stops_all
from components.train_unet.afterwards import read_samples, trained_network
from components.train_unet.dataset import WindowDataset
from components.train_unet.devices import DevicePlan
from components.train_unet.sampling import evenly_spread

TRAINING_WINDOWS = 512
VALIDATION_WINDOWS = 128
"""How many are looked at, at most."""


def training_statistics(
    network: SegmentationNetwork, train: WindowDataset, val: WindowDataset, plan: DevicePlan, temperature: float = 1.0
) -> TrainingStatistics:
    """Look at some windows of a training, spread evenly over its items.

    Args:
        network: The trained one, on the CPU and in evaluation mode, as it is again afterwards.
        train: Whose pixels are counted, without data that is none; windows of bare ground are not among them.
        val: On which the network says how sure it is.
        plan: Where it computes.
        temperature: What its logits are divided by in inference.
    """
    return TrainingStatistics(
        Reference.of_images(_pixels_by_image(train), PIXEL_BINS, BANDS),
        Reference.of_images(_confidences_by_image(network, val, plan, temperature), len(CONFIDENCE_EDGES) - 1),
    )


class _Seen:
    """Adds up windows of images."""

    def __init__(self) -> None:
        self._counts: dict[str, Counts] = {}
        self._windows: dict[str, set[Window]] = {}

    def add(self, image: ImageRef, counts: Counts) -> None:
        self._counts[image.uri] = self._counts.get(image.uri, 0) + counts
        self._windows.setdefault(image.uri, set()).add(image.recipe.window)

    def images(self) -> dict[str, SeenImage]:
        return {uri: SeenImage(counts, _different(self._windows[uri])) for uri, counts in self._counts.items()}


def _different(windows: Collection[Window]) -> int:
    """How many different pixels windows show at most: they may overlap."""
    height = max(window.bottom for window in windows) - min(window.top for window in windows)
    width = max(window.right for window in windows) - min(window.left for window in windows)
    return min(height * width, sum(window.size.area for window in windows))


def _pixels_by_image(dataset: WindowDataset) -> dict[str, SeenImage]:
    seen = _Seen()
    for position in evenly_spread(len(dataset), TRAINING_WINDOWS):
        row = int(dataset.rows[position])
        try:
            with scene_errors(dataset.project.label(row)):
                item = dataset.project.item(row)
                image = with_local_copies(item).image
                if image is None or item.image is None:
                    continue
                valid = read_validity(image.uri, image.recipe) if describe(image.uri).is_masked else None
                counts = pixel_counts(np.ascontiguousarray(read_image(image.uri, image.recipe)), valid)
        except (DataError, StorageError) as error:
            if stops_all(error):
                raise
            continue  # the training has named it
        seen.add(item.image, counts)
    return seen.images()


def _confidences_by_image(
    network: SegmentationNetwork, dataset: WindowDataset, plan: DevicePlan, temperature: float
) -> dict[str, SeenImage]:
    """Of as many windows as any training's memory holds."""
    seen = _Seen()
    with trained_network(network, plan) as logits:
        for position, sample in read_samples(dataset, iter(evenly_spread(len(dataset), VALIDATION_WINDOWS))):
            image = dataset.project.item(int(dataset.rows[position])).image
            if image is None:
                continue
            shares = torch.softmax(logits(sample.image[None]) / temperature, dim=1)
            seen.add(image, confidence_counts(shares.amax(dim=1).mul(255).round().to(torch.uint8).cpu().numpy()))
    return seen.images()
