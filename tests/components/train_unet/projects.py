"""Small projects whose bright blocks are buildings: something a network learns in seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from components.core.dtl.actions.crop import crop_item
from components.core.figures import Bitmap
from components.core.geometry import Size, Window
from components.core.project import ImageRef, Item, Object, write_manifest
from tests.builders import CLASS, bitmap_meta, mask_object, write_raster, write_tiled

SIDE = 48

TINY: dict[str, Any] = {
    "encoder": "vgg16_bn_slim8",
    "encoder_weights": "none",
    "input_size": {"height": SIDE, "width": SIDE},
    "batch_size": {"train": 4, "val": 4},
    "epochs": 2,
    "val_every": 1,
    "lr": 0.003,
    "gpu_devices": [],
    "precision": "float32",
    "onnx": False,
}
"""A config that trains in about a second, in the same numbers on every CPU."""


def block_item(root: Path, index: int, tags: tuple[str, ...], side: int = SIDE) -> Item:
    """An item whose one object is brighter than what lies around it."""
    random = np.random.default_rng(index)
    mask = np.zeros((side, side), np.bool_)
    top, left = random.integers(0, side // 2, 2)
    mask[top : top + side // 2, left : left + side // 2] = True
    pixels = random.integers(0, 90, (3, side, side), np.uint8) + 120 * mask.astype(np.uint8)
    uri = write_raster(root / f"block{index}.tif", pixels)
    bitmap = Bitmap.of_pixels(mask)
    assert bitmap is not None
    size = Size(side, side)
    return Item("ds", f"block{index}", size, ImageRef.whole(uri, size), tags, objects=(Object(CLASS, bitmap),))


def covered_item(root: Path, index: int, title: str, side: int = SIDE) -> Item:
    """A training item that one object covers."""
    whole = Bitmap.of_pixels(np.ones((side, side), np.bool_))
    assert whole is not None
    return block_item(root, index, ("train",), side).with_objects([Object(title, whole)])


def cut_project(root: Path, train: int = 10, val: int = 4) -> Path:
    """A project of crops whose masks are windows of a raster, with bare ground between them; gives its directory."""
    size = Size(4 * SIDE, (train + val) * SIDE)
    random = np.random.default_rng(0)
    mask = np.zeros((size.height, size.width), np.bool_)
    for index in range(train + val):
        mask[8 : SIDE // 2 + index, index * SIDE + 8 : (index + 1) * SIDE - 10] = True
    pixels = random.integers(0, 90, (3, size.height, size.width), np.uint8) + 120 * mask.astype(np.uint8)
    image = ImageRef.whole(write_tiled(root / "scene.tif", pixels), size)
    masks = write_tiled(root / "mask.tif", mask.view(np.uint8) * np.uint8(255))
    scene = Item("ds", "scene", size, image, objects=(mask_object(masks, mask),))
    crops = [
        replace(crop_item(scene, Window(0, index * SIDE, SIDE, SIDE)), name=f"crop{index}", tags=(tag,))
        for index, tag in enumerate(["train"] * train + ["val"] * val)
    ]
    write_manifest(root / "project", bitmap_meta("cut", tags=("train", "val")), crops)
    return root / "project"


def block_project(root: Path, train: int = 12, val: int = 4, *titles: str, side: int = SIDE) -> Path:
    """A project of blocks, tagged `train` and `val`; gives its directory."""
    items = [block_item(root, i, ("train",) if i < train else ("val",), side) for i in range(train + val)]
    write_manifest(root / "project", bitmap_meta("blocks", *titles, tags=("train", "val")), items)
    return root / "project"
