"""Windows of a project: the right items, the right pixels, and failures within their budget."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from components.core.errors import DataError, TooManySkippedError
from components.core.figures import Bitmap, Polygon, Shape, vertices
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery.operations import Colour, Noise, Rotate
from components.core.imagery.recipe import Crop, Flip
from components.core.project import ClassInfo, ImageRef, Item, Object, ProjectMeta, open_project, write_manifest
from components.core.skip_budget import SkipBudget, Skipped
from components.train_unet.dataset import (
    Sample,
    TrainingBudget,
    UnreadableItem,
    WindowDataset,
    collate,
    draw_mask,
    rows_with_tag,
    stretch_image,
    stretch_mask,
)
from components.train_unet.leak import mirrored_items
from components.train_unet.padding import pad
from components.train_unet.sampling import PADDING
from tests.builders import CLASS, mask_object, noise, write_scene, write_tiled
from tests.components.train_unet.projects import SIDE, block_project

WHY = ("torn", "gone", "odd")
VALUES = {"bg": 0, CLASS: 1, "road": 2, "neutral": 255}


def dataset_of(project: Path, tag: str = "__all__", side: int = SIDE, replacements: int = 0) -> WindowDataset:
    """All items of a tag at a size."""
    opened = open_project(project)
    return WindowDataset(opened, rows_with_tag(opened, tag, "train"), VALUES, Size(side, side), replacements)


def test_crops_and_flips_of_a_scene_show_the_scenes_pixels(tmp_path: Path) -> None:
    size = Size(600, 700)
    pixels, mask = write_scene(tmp_path, "austin1", size)
    window = Window(100, 50, 256, 256)
    whole = mask_object(str(tmp_path / "gt" / "austin1.tif"), mask)
    image = ImageRef.whole(str(tmp_path / "images" / "austin1.tif"), size).then(Crop(window))
    items = []
    for name, axes in {"plain": (), "lr": (FlipAxis.LEFT_RIGHT,), "both": tuple(FlipAxis)}.items():
        seen, figures = image, whole.figure.crop(window)
        for axis in axes:
            seen, figures = seen.then(Flip(axis)), [figure.flip(axis, window.size) for figure in figures]
        items.append(Item("ds", name, window.size, seen, objects=tuple(map(whole.with_figure, figures))))
    write_manifest(tmp_path / "p", ProjectMeta("p", (ClassInfo(CLASS, Shape.BITMAP, "#ffffff"),)), items)
    dataset = dataset_of(tmp_path / "p", side=256)
    truth = pixels[(slice(None), *window.slices)], mask[window.slices].astype(np.uint8)
    for sample, flips in zip((dataset[i] for i in range(3)), ((), (-1,), (-1, -2)), strict=True):
        assert sample.image.dtype == sample.mask.dtype == torch.uint8
        assert np.array_equal(sample.image.numpy(), np.flip(truth[0], flips) if flips else truth[0])
        assert np.array_equal(sample.mask.numpy(), np.flip(truth[1], flips) if flips else truth[1])


def test_items_with_operations_are_trained_on_as_others(tmp_path: Path) -> None:
    size = Size(60, 70)
    write_scene(tmp_path, "austin1", size)
    image = ImageRef.whole(str(tmp_path / "images" / "austin1.tif"), size)
    turned = image.then(Rotate(20.0)).then(Noise(0.0, 5.0, 1))
    windows = [Window(top, 10, 40, 40) for top in (10, 20, 30)]
    items = [Item("ds", f"w{window.top}", window.size, turned.then(Crop(window))) for window in windows]
    items.append(Item("ds", "dark", Size(40, 40), items[0].image.then(Colour((0.5, 0, 0, 0, 0.5, 0, 0, 0, 0.5)))))  # type: ignore[union-attr]
    write_manifest(tmp_path / "p", ProjectMeta("p"), items)
    dataset = dataset_of(tmp_path / "p", side=40)
    whole = turned.pixels()
    for index, window in enumerate(windows):
        sample = dataset[index]
        assert not sample.unreadable
        assert np.array_equal(sample.image.numpy(), whole[(slice(None), *window.slices)])
    assert np.array_equal(dataset[3].image.numpy(), dataset[0].image.numpy() // 2)
    train, val = dataset_of(tmp_path / "p", side=40), dataset_of(tmp_path / "p", side=40)
    train.rows, val.rows = np.array([0, 1]), np.array([2, 3])
    assert mirrored_items(train, val) == 1, "the dark copy shows what a training item shows, the third window does not"


def test_later_objects_win_whatever_their_shape() -> None:
    square = np.ones((4, 4), np.bool_)
    objects = (
        Object(CLASS, Bitmap.of_pixels(square, 1, 1)),  # type: ignore[arg-type]
        Object("road", Polygon(vertices([(3, 3), (3, 6), (6, 6), (6, 3)]))),
        Object("neutral", Bitmap.of_pixels(square[:1, :1], 1, 1)),  # type: ignore[arg-type]
        Object("bg", Bitmap.of_pixels(square[:1, :1], 6, 6)),  # type: ignore[arg-type]
    )
    mask = draw_mask(Item("ds", "a", Size(8, 8), objects=objects), VALUES)
    assert (mask[1, 1], mask[2, 2], mask[4, 4], mask[6, 6], mask[0, 0]) == (255, 1, 2, 0, 0)


def test_small_images_are_padded_by_their_mirror_image_which_is_neutral(tmp_path: Path) -> None:
    opened = open_project(block_project(tmp_path, 1, 0, side=20))
    rows = rows_with_tag(opened, "train", "train")
    sample = WindowDataset(opened, rows, VALUES, Size(48, 32), pads=True)[0]
    whole = WindowDataset(opened, rows, VALUES, Size(20, 20))[0]
    assert np.array_equal(sample.image[:, 14:34, 6:26], whole.image)
    assert np.array_equal(sample.image[:, 13, 6:26], whole.image[:, 1])
    assert np.array_equal(sample.mask[14:34, 6:26], whole.mask)
    assert (sample.mask == 255).sum() == 48 * 32 - 20 * 20
    stretched = WindowDataset(opened, rows, VALUES, Size(48, 32))[0]
    assert not (stretched.mask == 255).any()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (5, 70), (32, 32), (33, 20)])
def test_padding_brings_any_size_up_to_the_inputs(height: int, width: int) -> None:
    image, mask = noise(Size(height, width)), np.zeros((height, width), np.uint8)
    padded, neutral = pad(image, mask, Size(32, 32))
    assert padded.shape == (3, max(height, 32), max(width, 32)) == (3, *neutral.shape)
    assert (neutral == 0).sum() == height * width
    assert set(np.unique(padded)) <= set(np.unique(image))


def test_an_object_of_an_unknown_class_is_refused() -> None:
    entry = Object("tree", Bitmap.of_pixels(np.ones((1, 1), np.bool_)))  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"item ds/a: class 'tree' is not in the project's meta; known: bg, untitled"):
        draw_mask(Item("ds", "a", Size(2, 2), objects=(entry,)), VALUES)


def test_stretching_takes_the_nearest_mask_pixel_and_blends_the_image() -> None:
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert stretch_mask(mask, Size(2, 8)).tolist() == [[0, 0, 1, 1, 2, 2, 3, 3], [8, 8, 9, 9, 10, 10, 11, 11]]
    image = np.array([[[0, 100]], [[50, 50]], [[200, 0]]], np.uint8)
    assert stretch_image(image, Size(1, 4)).tolist() == [[[0, 25, 75, 100]], [[50, 50, 50, 50]], [[200, 150, 50, 0]]]


def test_items_of_another_size_are_stretched(tmp_path: Path) -> None:
    project = block_project(tmp_path, 1, 0, side=40)
    plain, stretched = dataset_of(project, side=40)[0], dataset_of(project, side=80)[0]
    assert stretched.image.shape == (3, 80, 80) and stretched.mask.shape == (80, 80)
    assert torch.equal(stretched.mask[::2, ::2], plain.mask)
    expected = cv2.resize(plain.image[1].numpy(), (80, 80), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(stretched.image[1].numpy(), expected)


def test_tags_choose_items(tmp_path: Path) -> None:
    project = open_project(block_project(tmp_path, 3, 2))
    assert rows_with_tag(project, "train", "train").tolist() == [0, 1, 2]
    assert rows_with_tag(project, "val", "val").tolist() == [3, 4]
    assert rows_with_tag(project, "__all__", "val").tolist() == [0, 1, 2, 3, 4]


def test_no_item_of_a_tag_names_the_tags_there_are(tmp_path: Path) -> None:
    project = open_project(block_project(tmp_path, 3, 2))
    with pytest.raises(
        DataError, match=r"dataset_tags.val: no item of project 'blocks' .*, 5 items\) carries 'test'; tags there: "
        r"'train' \(3\), 'val' \(2\); name one of them or '__all__'"
    ):  # fmt: skip
        rows_with_tag(project, "test", "val")


def spoil(project: Path, *indices: int) -> None:
    """Truncate the images of some items."""
    for index in indices:
        path = project.parent / f"block{index}.tif"
        path.write_bytes(path.read_bytes()[:200])


def test_a_broken_training_item_is_reported_and_the_next_one_taken(tmp_path: Path) -> None:
    project = block_project(tmp_path, 4, 0)
    spoil(project, 1, 2)
    dataset = dataset_of(project, replacements=2)
    sample = dataset[1]
    assert torch.equal(sample.image, dataset[3].image)
    assert [entry.label for entry in sample.unreadable] == ["ds/block1", "ds/block2"]
    assert "block1.tif" in sample.unreadable[0].skipped.reason


def test_items_of_other_images_take_the_place_of_those_of_broken_ones(tmp_path: Path) -> None:
    size = Size(SIDE, 4 * SIDE)
    items = []
    for index in range(3):
        image = ImageRef.whole(write_tiled(tmp_path / f"{index}.tif", noise(size, index)), size)
        crops = [Window(0, left, SIDE, SIDE) for left in range(0, size.width, SIDE)]
        items += [Item("ds", f"{index}_{crop.left}", crop.size, image.then(Crop(crop))) for crop in crops]
    write_manifest(tmp_path / "p", ProjectMeta("p"), items)
    for index in (0, 1):
        (tmp_path / f"{index}.tif").write_bytes(b"torn")

    def sample(others: int) -> Sample:
        opened = open_project(tmp_path / "p")
        rows = rows_with_tag(opened, "__all__", "train")
        return WindowDataset(opened, rows, VALUES, Size(SIDE, SIDE), other_images=others)[1]

    assert [entry.label for entry in sample(2).unreadable] == ["ds/0_48", "ds/1_0"]
    assert sample(2).image.tolist() == noise(size, 2)[:, :, :SIDE].tolist()
    assert len(sample(1).unreadable) == 2 and sample(1).mask.unique().tolist() == [255]
    assert sample(1).unreadable[0].image == str(tmp_path / "0.tif")


def test_a_broken_item_without_replacement_is_neutral_throughout(tmp_path: Path) -> None:
    project = block_project(tmp_path, 2, 0)
    spoil(project, 0)
    sample = dataset_of(project)[0]
    assert sample.mask.unique().tolist() == [255]
    assert len(sample.unreadable) == 1
    assert dataset_of(project)[PADDING].unreadable == ()


def test_an_item_without_an_image_is_a_failure(tmp_path: Path) -> None:
    write_manifest(tmp_path / "p", ProjectMeta("p"), [Item("ds", "bare", Size(SIDE, SIDE))])
    assert "has no image" in dataset_of(tmp_path / "p")[0].unreadable[0].skipped.reason


def test_the_budget_counts_each_item_once_and_names_them_when_spent() -> None:
    budget = TrainingBudget(2, "val", SkipBudget(0))
    torn, gone, odd = (UnreadableItem(Skipped(f"ds/{name}", why)) for name, why in zip("abc", WHY, strict=True))
    assert budget.add([torn]) == [torn]
    assert budget.add([torn, gone]) == [gone]
    with pytest.raises(
        TooManySkippedError,
        match=r"^3 images skipped, and max_bad allows 0: ds/a: torn; ds/b: gone; ds/c: odd; fix .*"
        r"; train\.config: allow_corrupted_samples\.val allows 2 items, not 3$",
    ):
        budget.add([odd])


def test_the_items_of_one_image_count_as_one_image_for_both_phases(caplog: pytest.LogCaptureFixture) -> None:
    images = SkipBudget(1)
    train, val = TrainingBudget(0, "train", images), TrainingBudget(0, "val", images)
    for number in range(3):
        train.add([UnreadableItem(Skipped(f"ds/{number}", "/a.tif: is torn"), "/a.tif")])
    val.add([UnreadableItem(Skipped("ds/3", "/a.tif: is torn"), "/a.tif")])
    assert caplog.messages == ["skipped: /a.tif: is torn"]
    with pytest.raises(TooManySkippedError, match=r"^2 images skipped, and max_bad allows 1: /a\.tif: .*; /b\.tif: "):
        val.add([UnreadableItem(Skipped("ds/4", "/b.tif: is torn"), "/b.tif")])


def test_what_was_counted_before_counts_on_and_is_not_named_again(caplog: pytest.LogCaptureFixture) -> None:
    torn = UnreadableItem(Skipped("ds/a", "torn"), "/a.tif")
    budget = TrainingBudget(0, "train", SkipBudget(1))
    budget.restore([UnreadableItem.of_row(*torn.as_row())])
    assert budget.add([torn]) == [] and caplog.messages == []
    with pytest.raises(TooManySkippedError, match=r"^2 images skipped"):
        budget.add([UnreadableItem.of_row("ds/b", "gone")])


def test_loader_processes_give_what_this_process_gives(tmp_path: Path) -> None:
    pixels = noise(Size(512, 512))
    write_tiled(tmp_path / "a.tif", pixels)
    image = ImageRef.whole(str(tmp_path / "a.tif"), Size(512, 512))
    crops = [
        Item("ds", f"{top}", Size(64, 512), image.then(Crop(Window(top, 0, 64, 512)))) for top in range(0, 512, 64)
    ]
    write_manifest(tmp_path / "p", ProjectMeta("p"), crops)
    dataset = dataset_of(tmp_path / "p", side=64)
    here = [dataset[index] for index in range(len(dataset))]  # also opens the raster before the processes fork
    loader = DataLoader(dataset, batch_size=2, num_workers=2, collate_fn=collate)
    assert torch.equal(torch.cat([batch.image for batch in loader]), torch.stack([sample.image for sample in here]))
