"""Windows without objects, found in the masks of the images that training items are cut from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from components.core.dtl.actions.crop import crop_item
from components.core.dtl.actions.flip import flip_item
from components.core.errors import ConfigError
from components.core.figures import Bitmap, RasterMask
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Recipe
from components.core.project import ImageRef, Item, Object, open_project, write_manifest
from components.train_unet.bare_ground import BareGround, find_bare_ground
from components.train_unet.dataset import WindowDataset
from components.train_unet.sampling import Backgrounds, RoundSampler, Share
from tests.builders import CLASS, bitmap_meta, mask_object, noise, write_tiled

SCENE, CROP = Size(64, 96), Size(32, 32)

BUILDINGS = Window(0, 0, 20, 20), Window(40, 70, 10, 10)


def scene(root: Path, name: str, seed: int = 0) -> Item:
    """A scene with a building in its upper left and one at its lower right."""
    uri = write_tiled(root / f"{name}.tif", noise(SCENE, seed))
    mask = np.zeros((SCENE.height, SCENE.width), np.bool_)
    for window in BUILDINGS:
        mask[window.slices] = True
    masks = write_tiled(root / f"{name}_mask.tif", mask.view(np.uint8) * np.uint8(255))
    return Item("ds", name, SCENE, ImageRef.whole(uri, SCENE), objects=(mask_object(masks, mask),))


def crop(item: Item, top: int, left: int, tag: str = "train") -> Item:
    window = Window(top, left, CROP.height, CROP.width)
    return replace(crop_item(item, window), name=f"{item.name}_{top}_{left}", tags=(tag,))


def ground_of(root: Path, *items: Item) -> BareGround:
    """Of items, of which those tagged `train` are for training."""
    write_manifest(root / "project", bitmap_meta("crops", CLASS, "neutral"), items)
    project = open_project(root / "project")
    return find_bare_ground(project, [row for row, item in enumerate(project) if "train" in item.tags])


def corners(ground: BareGround) -> set[tuple[int, int]]:
    """First row and column of each window."""
    return {(top, left) for _, top, left in ground.places.tolist()}


BARE = {(0, 32), (0, 48), (0, 64), (16, 32), (32, 0), (32, 16), (32, 32)}
"""Windows of 32 px, 16 apart, that no building reaches into: these end at row 20 and column 20, and start at 40 and 70,
in blocks that (16, 16) and (0, 16) share with the first, and (16, 48) with the second."""


def test_windows_that_no_building_reaches_into_are_found(tmp_path: Path) -> None:
    ground = ground_of(tmp_path, crop(scene(tmp_path, "a"), 0, 0))
    assert corners(ground) == BARE
    assert ground.size == CROP


def test_mirrored_crops_tell_the_same(tmp_path: Path) -> None:
    mirrored = flip_item(flip_item(crop(scene(tmp_path, "a"), 0, 0), FlipAxis.LEFT_RIGHT), FlipAxis.UP_DOWN)
    assert corners(ground_of(tmp_path, mirrored)) == BARE


def test_what_is_held_out_is_not_touched(tmp_path: Path) -> None:
    item = scene(tmp_path, "a")
    ground = ground_of(tmp_path, crop(item, 0, 0), crop(item, 32, 32, "val"))
    assert corners(ground) == {(0, 32), (0, 48), (0, 64), (32, 0)}


def test_images_of_other_items_alone_give_none(tmp_path: Path) -> None:
    ground = ground_of(tmp_path, crop(scene(tmp_path, "a"), 0, 0), crop(scene(tmp_path, "b"), 0, 0, "val"))
    assert {image.uri for image in ground.images} == {str(tmp_path / "a.tif")}


def test_what_nobody_labelled_is_not_bare(tmp_path: Path) -> None:
    def of_value(values: npt.NDArray[np.uint8], value: int, title: str) -> Object:
        rows, columns = np.nonzero(values == value)
        box = Window.of_bounds(rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        mask = RasterMask(MaskRaster(str(tmp_path / "coded.tif"), value), Recipe(box), int((values == value).sum()))
        return Object(title, Bitmap(box.top, box.left, mask))

    values = np.full((SCENE.height, SCENE.width), 7, np.uint8)
    values[BUILDINGS[0].slices], values[BUILDINGS[1].slices] = 255, 255
    values[:16, 80:] = 1
    values[60:, :8] = 3  # which no object has, and is not what most pixels are
    write_tiled(tmp_path / "coded.tif", values)
    whole = replace(scene(tmp_path, "a"), objects=(of_value(values, 255, CLASS), of_value(values, 1, "neutral")))
    ground = ground_of(tmp_path, crop(whole, 0, 0), crop(whole, 0, 64, "other"))
    assert corners(ground) == {(0, 32), (16, 32), (32, 16), (32, 32)}


def test_masks_that_do_not_cover_the_image_tell_nothing(tmp_path: Path) -> None:
    item = crop(scene(tmp_path, "a"), 0, 0)
    inline = Bitmap.of_pixels(np.ones((4, 4), np.bool_))
    assert inline is not None
    with pytest.raises(ConfigError, match=r"negatives: there is no window of 32×32 px .* not rasters that cover"):
        ground_of(tmp_path, item.with_objects([Object(CLASS, inline)]))


def test_images_full_of_objects_are_told(tmp_path: Path) -> None:
    item = scene(tmp_path, "a")
    full = np.ones((SCENE.height, SCENE.width), np.bool_)
    masks = write_tiled(tmp_path / "full.tif", full.view(np.uint8))
    with pytest.raises(ConfigError, match=r"negatives: there is no window .* without objects .* smaller crops"):
        ground_of(tmp_path, crop(item.with_objects([mask_object(masks, full)]), 0, 0))


def test_a_window_is_read_as_its_image_shows_it(tmp_path: Path) -> None:
    item = crop(scene(tmp_path, "a", seed=3), 0, 0)
    ground = ground_of(tmp_path, item)
    project = open_project(tmp_path / "project")
    dataset = WindowDataset(project, np.array([0]), {CLASS: 1}, CROP, bare_ground=ground)
    position = ground.places.tolist().index([0, 32, 16])
    sample = dataset[1 + position]
    assert sample.image.numpy().tolist() == noise(SCENE, 3)[:, 32:64, 16:48].tolist()
    assert not sample.mask.any() and not sample.unreadable
    assert len(dataset) == 1


def test_a_window_of_a_broken_image_is_counted_and_neutral(tmp_path: Path) -> None:
    ground = ground_of(tmp_path, crop(scene(tmp_path, "a"), 0, 0))
    dataset = WindowDataset(open_project(tmp_path / "project"), np.array([0]), {CLASS: 1}, CROP, bare_ground=ground)
    (tmp_path / "a.tif").write_bytes(b"broken")
    sample = dataset[1]
    assert sample.mask.eq(255).all()
    (failed,) = sample.unreadable
    assert failed.image == str(tmp_path / "a.tif")


@pytest.mark.parametrize(("share", "taken"), [(0.0, 0), (0.2, 5), (0.5, 20), (0.9, 30)])
def test_a_share_counts_all_windows_of_an_epoch(share: float, taken: int) -> None:
    assert Backgrounds.of_share(30, 20, share).taken == taken


def test_each_epoch_takes_all_items_and_other_ground() -> None:
    grounds = Backgrounds(there=50, taken=5)
    orders = [grounds.order(20, 1, epoch).tolist() for epoch in range(4)]
    for order in orders:
        assert len(set(order)) == 25 and set(order) >= set(range(20)) and max(order) < 70
    assert len({tuple(sorted(order)) for order in orders}) == 4
    assert grounds.order(20, 1, 2).tolist() == orders[2]
    assert grounds.order(20, 2, 2).tolist() != orders[2]


def test_processes_share_the_windows_of_an_epoch() -> None:
    grounds = Backgrounds(there=50, taken=5)
    seen = [
        position
        for rank in range(2)
        for batch in RoundSampler(20, 4, 1, range(4), Share(rank, 2), grounds)
        for position in batch
    ]
    assert set(seen) == set(grounds.order(20, 1, 0).tolist())
    assert len(seen) == 26


def test_without_ground_the_order_is_what_it_was() -> None:
    plain = list(RoundSampler(20, 4, 1, range(10), Share()))
    assert list(RoundSampler(20, 4, 1, range(10), Share(), Backgrounds())) == plain
