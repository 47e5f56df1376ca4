"""Real files for whoever wants them: the Supervisely folder format with real crops."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.hashing import short_name
from components.core.project.item import ImageRef, Item
from components.core.project.meta import ProjectMeta
from components.core.project.supervisely import json_of_item
from components.core.storage.atomic_directory import staged_directory

if TYPE_CHECKING:
    from components.core.project.renders import Render  # OpenCV, for those who draw

UInt8 = npt.NDArray[np.uint8]

KEPT_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp"))
"""Image files that are copied as they are when an item shows all of one."""

MOST_NAME_BYTES = 250
"""Of UTF-8, in an item's files: file systems allow 255, endings included."""


@dataclass(frozen=True, slots=True)
class Files:
    """Which files are written of each item.

    Attributes:
        images: The pixels: PNG, or the source file where an item shows all of it.
        annotations: What is known of them.
        renders: Further pictures by the folder that they go to.
    """

    images: bool = True
    annotations: bool = True
    renders: Mapping[str, Render] = field(default_factory=dict)


def materialize(directory: Path | str, meta: ProjectMeta, items: Iterable[Item], files: Files | None = None) -> int:
    """Write items in the Supervisely folder format; it appears at `directory` when it is whole.

    Args:
        directory: The project's folder.
        meta: Of the project.
        items: Its items.
        files: Which of each item; images and annotations unless given.

    Returns:
        The number of items.

    Raises:
        DataError: If pixels cannot be read.
    """
    count = 0
    with staged_directory(directory) as staged:
        text = json.dumps(meta.as_json(), indent=1, ensure_ascii=False)
        (staged / "meta.json").write_text(text + "\n", encoding="utf-8")
        for item in items:
            _write_item(item, staged, files or Files())
            count += 1
    return count


def _write_item(item: Item, directory: Path, files: Files) -> None:
    dataset, name = directory / item.dataset, short_name(item.name, MOST_NAME_BYTES)
    if files.annotations:
        text = json.dumps(json_of_item(item), ensure_ascii=False)
        (_folder(dataset, "ann") / f"{name}.json").write_text(text, encoding="utf-8")
    if files.images and item.image is not None:
        _write_image(item, item.image, _folder(dataset, "img"), name)
    if files.renders:
        pixels = _pixels_of(item)
        for folder, render in files.renders.items():
            _write_png(_folder(dataset, folder) / f"{name}.png", render(item, pixels), item)


def _folder(dataset: Path, name: str) -> Path:
    folder = dataset / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _pixels_of(item: Item) -> UInt8:
    """(H, W, 3) uint8 RGB; black without an image."""
    if item.image is None:
        return np.zeros((item.size.height, item.size.width, 3), np.uint8)
    return np.ascontiguousarray(np.moveaxis(item.image.pixels(), 0, 2))


def _write_image(item: Item, image: ImageRef, folder: Path, name: str) -> None:
    source = Path(image.uri)
    if image.is_whole and source.suffix.lower() in KEPT_SUFFIXES and source.is_file():
        shutil.copyfile(source, folder / f"{name}{source.suffix.lower()}")
        return
    _write_png(folder / f"{name}.png", _pixels_of(item), item)


def _write_png(target: Path, rgb: UInt8, item: Item) -> None:
    import cv2

    is_encoded, png = cv2.imencode(".png", np.ascontiguousarray(rgb[..., ::-1]))
    if not is_encoded:
        raise DataError(f"{item.name}: an image of {rgb.shape[0]}×{rgb.shape[1]} px cannot be made a PNG")
    # What OpenCV writes itself may be cut off without an error.
    target.write_bytes(png.tobytes())
