"""One scene: its image and mask made ready for windowed reading, and the item that speaks of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import rasterio

from components.core import storage
from components.core.errors import DataError
from components.core.figures import Bitmap, RasterMask, tight_window
from components.core.geometry import Size, Window
from components.core.imagery.masks import MaskRaster
from components.core.imagery.opening import open_raster
from components.core.imagery.pairs import Pair
from components.core.imagery.reading import RasterInfo, info_of, palette_of
from components.core.imagery.recipe import Recipe
from components.core.imagery.scaling import Scaling
from components.core.imagery.writing import RasterProfile, raster_writer
from components.core.keyed import digest
from components.core.project import ImageRef, Item, Object
from components.core.project.parts import Rows, with_wanted_rows
from components.core.storage import StoredObject
from components.import_images.rasters import (
    Pixels,
    bands_of,
    check_extent,
    colour_bands,
    declares_gaps,
    read_rows,
    read_validity,
    value_bands,
)
from components.import_images.scaling import Stretch, stretch_of

REWRITING = "1"
"""Part of the digest: another number where the same input gives another file."""

SCALING_TAG = "FOOTPRINTS_SCALING"

KEY_CHARACTERS = 12


class Outcome(StrEnum):
    """What became of a raster."""

    KEPT = "kept"
    REWRITTEN = "rewritten"
    REUSED = "reused"


@dataclass(frozen=True, slots=True)
class SceneTask:
    """What one worker does.

    Attributes:
        pair: Image and mask.
        data_root: Where rewritten rasters go.
        scaling: How more than 8 bits become 8.
        dataset: Of the item.
        class_title: Of the object.
        keep_untiled: Whether 8-bit images that are not tiled stay where they are, too.
        rows: Rows that are wanted of it; None for all.
    """

    pair: Pair
    data_root: str
    scaling: Scaling
    dataset: str
    class_title: str
    keep_untiled: bool = False
    rows: Rows | None = None


@dataclass(frozen=True, slots=True)
class ReadyScene:
    """An imported scene."""

    item: Item
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class BadScene:
    """A scene that cannot be imported, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class _MaskScan:
    """What a mask holds: the box around its set pixels, and their number."""

    box: Window | None
    area: int


def import_scene(task: SceneTask) -> ReadyScene | BadScene:
    """Import one scene; what is wrong with its files is its result, what is wrong with the storage is raised."""
    try:
        return _import(task)
    except DataError as error:
        return BadScene(task.pair.name, str(error))


def _import(task: SceneTask) -> ReadyScene:
    pair = task.pair
    with _opened(pair.image.uri) as (dataset, info):
        mask_size = None if pair.mask is None else _size_of(pair.mask.uri)
        if pair.mask is not None and mask_size != info.size:
            raise DataError(
                f"{pair.mask.uri}: the mask has {mask_size} px, its image {pair.image.uri} {info.size} px; give a mask "
                "of the image's size"
            )
        uri, stretch, image_outcome = _ready_image(dataset, info, task)
    objects: tuple[Object, ...] = ()
    outcomes = [image_outcome]
    if pair.mask is not None:
        mask_uri, scan, mask_outcome = _ready_mask(pair.mask, task)
        outcomes.append(mask_outcome)
        if scan.box is not None:
            mask = RasterMask(MaskRaster(mask_uri), Recipe(scan.box), scan.area)
            objects = (Object(task.class_title, Bitmap(scan.box.top, scan.box.left, mask)),)
    item = Item(
        dataset=task.dataset,
        name=pair.name,
        size=info.size,
        image=ImageRef.whole(uri, info.size, info.crs, info.transform),
        objects=objects,
        extra={"scaling": asdict(stretch)} if stretch else {},
    )
    return ReadyScene(item if task.rows is None else with_wanted_rows(item, task.rows), tuple(outcomes))


@contextmanager
def _opened(uri: str) -> Iterator[tuple[rasterio.DatasetReader, RasterInfo]]:
    with open_raster(uri) as dataset:
        yield dataset, info_of(dataset)


def _size_of(uri: str) -> Size:
    with _opened(uri) as (_, info):
        return info.size


def _place_of(source: StoredObject, task: SceneTask, kind: str, *settings: str) -> str:
    """Where the rewritten form of a file belongs: the name holds a digest of all that decides its content."""
    key = digest(REWRITING, kind, source.uri, str(source.size_bytes), source.etag, *settings)[:KEY_CHARACTERS]
    return storage.join_uri(task.data_root, kind, f"{task.pair.name}-{key}.tif")


def _finished(uri: str, size: Size) -> dict[str, str] | None:
    """The tags of a file that an earlier run rewrote; None where there is none, or a broken one."""
    if not storage.exists(uri):
        return None
    try:
        with _opened(uri) as (dataset, info):
            return dict(dataset.tags()) if info.size == size else None
    except DataError:
        return None


def _ready_image(
    dataset: rasterio.DatasetReader, info: RasterInfo, task: SceneTask
) -> tuple[str, Stretch | None, Outcome]:
    """Leave an image where it is, or rewrite it."""
    source = task.pair.image
    indexes = colour_bands(dataset)
    if (info.is_tiled or task.keep_untiled) and info.dtype == "uint8" and indexes in ((1,), (1, 2, 3)):
        check_extent(dataset, source.uri, source.size_bytes)
        return source.uri, None, Outcome.KEPT
    has_gaps = declares_gaps(dataset)
    target = _place_of(source, task, "imagery", repr(task.scaling), *(["alpha"] if has_gaps else []))
    tags = _finished(target, info.size)
    if tags is not None:
        text = tags.get(SCALING_TAG)
        return target, Stretch.of_text(text) if text else None, Outcome.REUSED
    stretch = stretch_of(task.scaling, dataset, source.uri, info, indexes)
    palette = palette_of(dataset) if info.has_palette else None
    profile = RasterProfile(
        size=info.size,
        bands=(3 if info.has_palette else len(indexes)) + has_gaps,
        crs=info.crs,
        transform=info.transform,
        alpha=has_gaps,
        tags={SCALING_TAG: stretch.as_text()} if stretch else {},
    )
    with raster_writer(target, profile) as writer:
        for rows in bands_of(info):
            pixels = read_rows(dataset, source.uri, rows, indexes)
            if stretch is not None:
                pixels = stretch.apply(pixels)
            if palette is not None:
                pixels = np.moveaxis(palette[pixels[0]], 2, 0)
            if has_gaps:
                valid = read_validity(dataset, source.uri, rows)
                pixels = np.concatenate([pixels, valid[np.newaxis] * np.uint8(255)])
            writer.write(pixels)
    return target, stretch, Outcome.REWRITTEN


def _ready_mask(source: StoredObject, task: SceneTask) -> tuple[str, _MaskScan, Outcome]:
    """Leave a mask where it is, or rewrite it; read it all in either case."""
    with _opened(source.uri) as (dataset, info):
        indexes = value_bands(dataset)
        if np.dtype(info.dtype).kind not in "iufb":
            raise DataError(f"{source.uri}: pixels are {info.dtype}; a mask holds real numbers")
        scan = _Scanner()
        if info.is_tiled and indexes == (1,):
            for rows in bands_of(info):
                scan.add(rows, _set_pixels(read_rows(dataset, source.uri, rows, indexes)))
            return source.uri, scan.result(), Outcome.KEPT
        target = _place_of(source, task, "masks")
        if _finished(target, info.size) is not None:
            with _opened(target) as (finished, finished_info):
                for rows in bands_of(finished_info):
                    scan.add(rows, _set_pixels(read_rows(finished, target, rows, (1,))))
            return target, scan.result(), Outcome.REUSED
        profile = RasterProfile(size=info.size, crs=info.crs, transform=info.transform, compress="deflate")
        with raster_writer(target, profile) as writer:
            for rows in bands_of(info):
                pixels = _set_pixels(read_rows(dataset, source.uri, rows, indexes))
                scan.add(rows, pixels)
                writer.write(pixels.view(np.uint8) * np.uint8(255))
        return target, scan.result(), Outcome.REWRITTEN


def _set_pixels(values: Pixels) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(H, W) bool of (C, H, W): where any band is above 0."""
    return np.asarray((values > 0).any(axis=0))


class _Scanner:
    """Finds box and area of a mask from its rows, top to bottom."""

    def __init__(self) -> None:
        self._top = self._left = -1
        self._bottom = self._right = -1
        self._area = 0

    def add(self, rows: Window, pixels: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        """Take the pixels of some rows."""
        box = tight_window(pixels)
        if box is None:
            return
        box = box.shift(rows.top, rows.left)
        self._left = box.left if self._top < 0 else min(self._left, box.left)
        self._top = box.top if self._top < 0 else self._top
        self._bottom, self._right = box.bottom, max(self._right, box.right)
        self._area += int(np.count_nonzero(pixels))

    def result(self) -> _MaskScan:
        """Box and area of all rows so far."""
        if self._top < 0:
            return _MaskScan(None, 0)
        return _MaskScan(Window.of_bounds(self._top, self._left, self._bottom, self._right), self._area)
