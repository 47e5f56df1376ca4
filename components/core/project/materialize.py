"""Real files for whoever wants them: the Supervisely folder format with real crops."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from components.core.errors import DataError
from components.core.hashing import short_name
from components.core.project.item import Item
from components.core.project.meta import ProjectMeta
from components.core.project.supervisely import json_of_item
from components.core.storage.atomic_directory import staged_directory

KEPT_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp"))
"""Image files that are copied as they are when an item shows all of one."""

MOST_NAME_BYTES = 250
"""Of UTF-8, in an item's files: file systems allow 255, endings included."""


def materialize(directory: Path | str, meta: ProjectMeta, items: Iterable[Item], images: bool = True) -> int:
    """Write items in the Supervisely folder format; it appears at `directory` when it is whole.

    Args:
        directory: The project's folder.
        meta: Of the project.
        items: Its items.
        images: Whether to write the pixels too: PNG, or the source file where an item shows all of it.

    Returns:
        The number of items.

    Raises:
        DataError: If pixels cannot be read.
    """
    count = 0
    with staged_directory(directory) as aside:
        text = json.dumps(meta.as_json(), indent=1, ensure_ascii=False)
        (aside / "meta.json").write_text(text + "\n", encoding="utf-8")
        for item in items:
            _write_item(item, aside, images)
            count += 1
    return count


def _write_item(item: Item, directory: Path, images: bool) -> None:
    annotation = directory / item.dataset / "ann" / f"{short_name(item.name, MOST_NAME_BYTES)}.json"
    annotation.parent.mkdir(parents=True, exist_ok=True)
    annotation.write_text(json.dumps(json_of_item(item), ensure_ascii=False), encoding="utf-8")
    if images and item.image is not None:
        folder = directory / item.dataset / "img"
        folder.mkdir(exist_ok=True)
        _write_image(item, folder)


def _write_image(item: Item, folder: Path) -> None:
    image = item.image
    if image is None:
        return
    source, name = Path(image.uri), short_name(item.name, MOST_NAME_BYTES)
    if image.is_whole and source.suffix.lower() in KEPT_SUFFIXES and source.is_file():
        shutil.copyfile(source, folder / f"{name}{source.suffix.lower()}")
        return
    import cv2

    target = folder / f"{name}.png"
    bgr = np.ascontiguousarray(np.moveaxis(image.pixels()[::-1], 0, 2))
    is_encoded, png = cv2.imencode(".png", bgr)
    if not is_encoded:
        raise DataError(f"{item.name}: an image of {bgr.shape[0]}×{bgr.shape[1]} px cannot be made a PNG")
    # What OpenCV writes itself may be cut off without an error.
    target.write_bytes(png.tobytes())
