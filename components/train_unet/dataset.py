"""Items of a project as training windows: image and mask in bytes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from components.core.documents.training import ALL_ITEMS, WHERE
from components.core.errors import DataError, FootprintsError, StorageError, TooManyBadItemsError
from components.core.geometry import Size
from components.core.imagery.images import read_image
from components.core.network.classes import NEUTRAL_INDEX
from components.core.project import Item, Project
from components.core.project.local_copies import with_local_copies
from components.core.scene_errors import scene_errors, stops_all
from components.train_unet.padding import pad
from components.train_unet.sampling import PADDING

log = logging.getLogger(__name__)

UInt8 = npt.NDArray[np.uint8]


class Failure(NamedTuple):
    """An item that could not be read, and why.

    Attributes:
        label: Of the item.
        reason: Why.
        image: URI of the image that it is cut from; empty where that is not known.
    """

    label: str
    reason: str
    image: str = ""


class Sample(NamedTuple):
    """One training window.

    Attributes:
        image: (3, H, W) uint8 RGB.
        mask: (H, W) uint8 class indices, 255 for neutral pixels.
        failures: Items that failed before this one could be read.
    """

    image: Tensor
    mask: Tensor
    failures: tuple[Failure, ...] = ()


class TrainingBatch(NamedTuple):
    """Some training windows.

    Attributes:
        image: (N, 3, H, W) uint8 RGB.
        mask: (N, H, W) uint8 class indices, 255 for neutral pixels.
        failures: Items that could not be read.
    """

    image: Tensor
    mask: Tensor
    failures: tuple[Failure, ...]


class WindowDataset(Dataset[Sample]):
    """The items of a project that carry a tag, read at the moment of use."""

    def __init__(
        self,
        project: Project,
        rows: npt.NDArray[np.int64],
        mask_values: Mapping[str, int],
        size: Size,
        replacements: int = 0,
        other_images: int = 0,
        pads: bool = False,
    ) -> None:
        """Prepare to read.

        Args:
            project: Where the items are.
            rows: (N,) indices of the chosen items in the project.
            mask_values: Value of a mask's pixels by class title.
            size: Height and width that images are brought to.
            replacements: How many of the following items may be tried in place of one that fails.
            other_images: Of how many other images than those that failed items may be tried after them. In the end,
                and for a filled position, the window is neutral throughout.
            pads: Whether smaller images are padded, which keeps their scale, and not stretched.
        """
        self.project = project
        self.rows = rows
        self.mask_values = mask_values
        self.size = size
        self.replacements = replacements
        self.other_images = other_images
        self.pads = pads

    def __len__(self) -> int:
        """Number of chosen items."""
        return len(self.rows)

    def __getitem__(self, position: int) -> Sample:
        """Read one window; an item that fails is reported in the sample, not raised."""
        if position == PADDING:
            return self._neutral(())
        failures: list[Failure] = []
        for row in self._candidates(position, failures):
            place = ""
            try:
                with scene_errors(self.project.label(row)):
                    item = self.project.item(row)
                    place = _image_of(item)
                    image, mask = self._read(with_local_copies(item))
                return Sample(torch.from_numpy(image), torch.from_numpy(mask), tuple(failures))
            except (DataError, StorageError) as error:
                if stops_all(error):
                    raise
                reason = str(error) if place in str(error) else f"{place}: {error}"
                failures.append(Failure(self.project.label(row), reason, place))
        return self._neutral(tuple(failures))

    def _candidates(self, position: int, failures: Sequence[Failure]) -> Iterator[int]:
        """Rows of the item at a position and of those to try in its place, while one after the other fails."""
        others = 0
        for attempt in range(len(self) if self.other_images else min(self.replacements + 1, len(self))):
            row = int(self.rows[(position + attempt) % len(self)])
            if attempt > self.replacements:
                if self._image_of_row(row) in {failure.image for failure in failures}:
                    continue
                others += 1
            if others > self.other_images:
                return
            yield row

    def _image_of_row(self, row: int) -> str | None:
        try:
            return _image_of(self.project.item(row))
        except FootprintsError:
            return None

    def _neutral(self, failures: tuple[Failure, ...]) -> Sample:
        height, width = self.size.height, self.size.width
        mask = torch.full((height, width), NEUTRAL_INDEX, dtype=torch.uint8)
        return Sample(torch.zeros(3, height, width, dtype=torch.uint8), mask, failures)

    def _read(self, item: Item) -> tuple[UInt8, UInt8]:
        if item.image is None:
            raise DataError(f"item {item.key}: has no image; import the project with its images")
        image = read_image(item.image.uri, item.image.recipe)
        mask = draw_mask(item, self.mask_values)
        if self.pads:
            image, mask = pad(image, mask, self.size)
        if Size(*mask.shape) != self.size:
            return stretch_image(image, self.size), stretch_mask(mask, self.size)
        return np.ascontiguousarray(image), mask


def _image_of(item: Item) -> str:
    return "" if item.image is None else item.image.uri


def collate(samples: Sequence[Sample]) -> TrainingBatch:
    """Stack windows to a batch."""
    return TrainingBatch(
        torch.stack([sample.image for sample in samples]),
        torch.stack([sample.mask for sample in samples]),
        tuple(failure for sample in samples for failure in sample.failures),
    )


def draw_mask(item: Item, mask_values: Mapping[str, int]) -> UInt8:
    """Draw an item's objects in order, so that later ones win.

    Args:
        item: The item.
        mask_values: Value of each class's pixels by title.

    Returns:
        (H, W) uint8 of the item's size; 0 where no object is.

    Raises:
        DataError: If an object's class is not listed.
    """
    canvas = np.zeros((item.size.height, item.size.width), np.uint8)
    for entry in item.objects:
        if entry.class_title not in mask_values:
            known = ", ".join(mask_values)
            raise DataError(
                f"item {item.key}: class {entry.class_title!r} is not in the project's meta; known: {known}"
            )
        entry.figure.draw(canvas, mask_values[entry.class_title])
    return canvas


def stretch_image(image: UInt8, size: Size) -> UInt8:
    """Stretch (C, H, W) uint8 bands to `size`, bilinear between pixel centres."""
    shape = (size.width, size.height)
    bands = [cv2.resize(np.ascontiguousarray(band), shape, interpolation=cv2.INTER_LINEAR) for band in image]
    return np.stack(bands).astype(np.uint8, copy=False)


def stretch_mask(mask: UInt8, size: Size) -> UInt8:
    """Stretch a (H, W) uint8 mask to `size` by the nearest pixel, at floor((i + 0.5) · source / target)."""
    rows = ((np.arange(size.height) + 0.5) * mask.shape[0] / size.height).astype(np.int64)
    columns = ((np.arange(size.width) + 0.5) * mask.shape[1] / size.width).astype(np.int64)
    return np.ascontiguousarray(mask[rows][:, columns])


def rows_with_tag(project: Project, tag: str, phase: str) -> npt.NDArray[np.int64]:
    """Indices of the items that carry an image tag.

    Args:
        project: The project.
        tag: The tag; `__all__` takes every item.
        phase: "train" or "val", for the message.

    Returns:
        (N,) int64, ascending; never empty.

    Raises:
        DataError: If no item carries the tag; the message lists the tags that there are.
    """
    if tag == ALL_ITEMS:
        rows = np.arange(len(project), dtype=np.int64)
    else:
        rows = np.fromiter((row for row, tags in enumerate(project.item_tags()) if tag in tags), np.int64)
    if not len(rows):
        counts = Counter(name for tags in project.item_tags() for name in set(tags))
        present = ", ".join(f"{name!r} ({count})" for name, count in sorted(counts.items())) or "none"
        raise DataError(
            f"{WHERE}: dataset_tags.{phase}: no item of project {project.meta.name!r} ({project.place}, {len(project)} "
            f"items) carries {tag!r}; tags there: {present}; name one of them or {ALL_ITEMS!r}, or tag items"
        )
    return rows


class FailureBudget:
    """Counts the items of a dataset that could not be read, each once.

    Attributes:
        allowed: How many may fail.
        phase: "train" or "val".
        failures: Those that did, by label.
        images: How many images may be the cause, whichever number of items is cut from them; in this dataset and in
            those whose budgets share `broken`.
        broken: URIs of the images that items failed of.
        total: How many items the dataset has, of which never all may fail; 0 where that is not known.
    """

    def __init__(self, allowed: int, phase: str, images: int = 0, broken: set[str] | None = None) -> None:
        """Allow that many in the dataset of `phase`, "train" or "val"."""
        self.allowed = allowed
        self.phase = phase
        self.images = images
        self.broken: set[str] = set() if broken is None else broken
        self.failures: dict[str, Failure] = {}
        self.total = 0

    def restore(self, failures: Iterable[Failure]) -> None:
        """Take up failures that were counted before."""
        for failure in failures:
            self.failures.setdefault(failure.label, failure)
            self.broken.add(failure.image or failure.label)

    def add(self, failures: Sequence[Failure]) -> list[Failure]:
        """Count failures.

        Returns:
            Those not seen before.

        Raises:
            TooManyBadItemsError: If more items failed than are allowed, and they are cut from more images than that;
                the message names them.
        """
        new = [failure for failure in failures if failure.label not in self.failures]
        for failure in new:
            if (failure.image or failure.label) not in self.broken:
                log.warning("left out, with what else shows its broken part: %s: %s", failure.label, failure.reason)
            self.restore([failure])
        is_all = 0 < self.total == len(self.failures)
        if is_all or (len(self.failures) > self.allowed and len(self.broken) > self.images):
            shown = "; ".join(f"{failure.label}: {failure.reason}" for failure in list(self.failures.values())[:5])
            raise TooManyBadItemsError(
                f"{WHERE}: allow_corrupted_samples.{self.phase}: {len(self.failures)} items cannot be read and "
                f"{self.allowed} may: {shown}; mend or replace the files, or set max_bad to {len(self.broken)} to go "
                "on without the images that they are cut from, but never without all"
            )
        return new
