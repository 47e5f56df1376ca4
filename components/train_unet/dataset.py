"""Items of a project as training windows: image and mask in bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from components.core.documents.training import ALL_ITEMS, WHERE
from components.core.errors import DataError, FootprintsError, StorageError
from components.core.figures import Polygon
from components.core.figures.vector import fill_by_centres
from components.core.geometry import Size
from components.core.imagery.bands import COLOURS
from components.core.imagery.images import read_image
from components.core.network.classes import NEUTRAL_INDEX
from components.core.project import Item, Object, Project
from components.core.project.local_copies import with_local_copies
from components.core.scene_errors import scene_errors, stops_all
from components.core.skip_budget import SkipBudget, Skipped
from components.train_unet.bare_ground import NO_GROUND, BareGround
from components.train_unet.padding import pad
from components.train_unet.sampling import PADDING

UInt8 = npt.NDArray[np.uint8]


class UnreadableItem(NamedTuple):
    """An item that could not be read.

    Attributes:
        skipped: Its label, and why.
        image: URI of the image that it is cut from; empty where that is not known.
    """

    skipped: Skipped
    image: str = ""

    @property
    def label(self) -> str:
        """Of the item."""
        return self.skipped.name

    @property
    def cause(self) -> str:
        """What is broken, as far as is known: the image, or the item itself."""
        return self.image or self.label

    def as_row(self) -> tuple[str, str, str]:
        """Label, reason and image, as checkpoints keep them."""
        return self.label, self.skipped.reason, self.image

    def as_json(self) -> dict[str, str]:
        """The same, as the model's `metrics.json` has it."""
        return dict(zip(("label", "reason", "image"), self.as_row(), strict=True))

    @classmethod
    def of_row(cls, label: str, reason: str, image: str = "") -> UnreadableItem:
        """What `as_row` gave; older checkpoints know of no image."""
        return cls(Skipped(label, reason), image)


class Sample(NamedTuple):
    """One training window.

    Attributes:
        image: (C, H, W) uint8, the bands that the network sees.
        mask: (H, W) uint8 class indices, 255 for neutral pixels.
        unreadable: Items that were tried before this one and could not be read.
    """

    image: Tensor
    mask: Tensor
    unreadable: tuple[UnreadableItem, ...] = ()


class TrainingBatch(NamedTuple):
    """Some training windows.

    Attributes:
        image: (N, C, H, W) uint8, the bands that the network sees.
        mask: (N, H, W) uint8 class indices, 255 for neutral pixels.
        unreadable: Items that could not be read.
    """

    image: Tensor
    mask: Tensor
    unreadable: tuple[UnreadableItem, ...]


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
        bare_ground: BareGround = NO_GROUND,
        bands: tuple[str, ...] = COLOURS,
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
            bare_ground: Windows without objects, at the positions that follow those of the items.
            bands: Names of what is read of the images.
        """
        self.project = project
        self.rows = rows
        self.mask_values = mask_values
        self.size = size
        self.replacements = replacements
        self.other_images = other_images
        self.pads = pads
        self.bare_ground = bare_ground
        self.bands = bands

    def __len__(self) -> int:
        """Number of chosen items; bare ground is none."""
        return len(self.rows)

    def __getitem__(self, position: int) -> Sample:
        """Read one window; an item that fails is reported in the sample, not raised."""
        if position == PADDING:
            return self._neutral(())
        if position >= len(self):
            return self._ground(self.bare_ground.item(position - len(self)))
        unreadable: list[UnreadableItem] = []
        for row in self._candidates(position, unreadable):
            place = ""
            try:
                with scene_errors(self.project.label(row)):
                    item = self.project.item(row)
                    place = _image_of(item)
                    image, mask = self._read(with_local_copies(item))
                return Sample(torch.from_numpy(image), torch.from_numpy(mask), tuple(unreadable))
            except (DataError, StorageError) as error:
                if stops_all(error):
                    raise
                reason = str(error) if place in str(error) else f"{place}: {error}"
                unreadable.append(UnreadableItem(Skipped(self.project.label(row), reason), place))
        return self._neutral(tuple(unreadable))

    def _ground(self, item: Item) -> Sample:
        try:
            with scene_errors(item.key):
                image, mask = self._read(with_local_copies(item))
        except (DataError, StorageError) as error:
            if stops_all(error):
                raise
            place = _image_of(item)
            return self._neutral((UnreadableItem(Skipped(item.key, f"{place}: {error}"), place),))
        return Sample(torch.from_numpy(image), torch.from_numpy(mask))

    def _candidates(self, position: int, unreadable: Sequence[UnreadableItem]) -> Iterator[int]:
        """Rows of the item at a position and of those to try in its place, while one after the other fails."""
        others = 0
        for attempt in range(len(self) if self.other_images else min(self.replacements + 1, len(self))):
            row = int(self.rows[(position + attempt) % len(self)])
            if attempt > self.replacements:
                if self.image_of_row(row) in {entry.image for entry in unreadable}:
                    continue
                others += 1
            if others > self.other_images:
                return
            yield row

    def image_of_row(self, row: int) -> str | None:
        """URI of the image that a row of the project is cut from; None where the row cannot be read."""
        try:
            return _image_of(self.project.item(row))
        except FootprintsError:
            return None

    def _neutral(self, unreadable: tuple[UnreadableItem, ...]) -> Sample:
        height, width = self.size.height, self.size.width
        mask = torch.full((height, width), NEUTRAL_INDEX, dtype=torch.uint8)
        return Sample(torch.zeros(len(self.bands), height, width, dtype=torch.uint8), mask, unreadable)

    def _read(self, item: Item) -> tuple[UInt8, UInt8]:
        if item.image is None:
            raise DataError(f"item {item.key}: has no image; import the project with its images")
        image = read_image(item.image.uri, item.image.recipe, bands=self.bands)
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
        tuple(entry for sample in samples for entry in sample.unreadable),
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
    for (title, by_centres), entries in groupby(item.objects, lambda entry: (entry.class_title, _by_centres(entry))):
        if title not in mask_values:
            known = ", ".join(mask_values)
            raise DataError(f"item {item.key}: class {title!r} is not in the project's meta; known: {known}")
        if by_centres:
            polygons = [entry.figure for entry in entries if isinstance(entry.figure, Polygon)]
            fill_by_centres(polygons, canvas, mask_values[title])
            continue
        for entry in entries:
            entry.figure.draw(canvas, mask_values[title])
    return canvas


def _by_centres(entry: Object) -> bool:
    return isinstance(entry.figure, Polygon) and entry.figure.by_centres


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
        advice = "; where whole images go to training or to validation, few may all go one way: use another seed"
        raise DataError(
            f"{WHERE}: dataset_tags.{phase}: no item of project {project.meta.name!r} ({project.place}, {len(project)} "
            f"items) carries {tag!r}; tags there: {present}; name one of them or {ALL_ITEMS!r}, or tag items"
            + (advice if phase == "val" else "")
        )
    return rows


class TrainingBudget:
    """Counts the items of a dataset that could not be read, each once, and the images that they are cut from.

    Attributes:
        allowed: How many items may be unreadable, whatever their images.
        phase: "train" or "val".
        images: Counts the images, whichever number of items is cut from them; other datasets may share it.
        items: Counts the items, of which never all may be skipped.
        unreadable: These items, by label.
    """

    def __init__(self, allowed: int, phase: str, images: SkipBudget) -> None:
        """Allow that many in the dataset of `phase`, "train" or "val"."""
        self.allowed = allowed
        self.phase = phase
        self.images = images
        self.items = SkipBudget(None, noun=f"{phase} item")
        self.unreadable: dict[str, UnreadableItem] = {}

    def restore(self, unreadable: Iterable[UnreadableItem]) -> None:
        """Take up what was counted before."""
        for entry in unreadable:
            if self._count(entry):
                self.images.count(_image_skipped(entry))

    def add(self, unreadable: Iterable[UnreadableItem]) -> list[UnreadableItem]:
        """Count items; of those of one image the log names the image alone.

        Returns:
            Those not seen before.

        Raises:
            TooManySkippedError: If more items than allowed cannot be read, and they are cut from more images than may
                be skipped; or if no item can be read.
        """
        new = [entry for entry in unreadable if entry.label not in self.unreadable]
        for entry in new:
            if self._count(entry):
                self.images.add(_image_skipped(entry))
        self.items.check()
        count = len(self.unreadable)
        if count > self.allowed:
            self.images.check(f"{WHERE}: allow_corrupted_samples.{self.phase} allows {self.allowed} items, not {count}")
        return new

    def _count(self, entry: UnreadableItem) -> bool:
        """Count an item; whether its image has not been counted."""
        if entry.label not in self.unreadable:
            self.unreadable[entry.label] = entry
            self.items.count(entry.skipped)
        return entry.cause not in {skipped.name for skipped in self.images.skipped}


def _image_skipped(entry: UnreadableItem) -> Skipped:
    return Skipped(entry.cause, entry.skipped.reason)
