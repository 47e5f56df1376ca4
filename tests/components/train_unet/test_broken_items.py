"""Items that cannot be read while a training runs: which are skipped, counted and named, however often it goes on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from components.core.errors import TooManySkippedError
from components.core.figures import Bitmap
from components.core.geometry import Size, Window
from components.core.imagery.recipe import Crop
from components.core.project import ImageRef, Item, Object, write_manifest
from components.train_unet import train_unet
from components.train_unet.devices import DevicePlan
from components.train_unet.sampling import epoch_order
from components.train_unet.train_unet import train
from tests.builders import CLASS, bitmap_meta, block_mask, noise, write_raster
from tests.components.train_unet.projects import SIDE, TINY, block_project
from tests.components.train_unet.trained import (
    killed_after,
)
from tests.odd_files import break_middle


def test_broken_items_within_the_budget_are_reported_and_beyond_it_named(tmp_path: Path) -> None:
    project = block_project(tmp_path)
    for index in (2, 13):
        (tmp_path / f"block{index}.tif").write_bytes(b"torn")
    allowed = {"allow_corrupted_samples": {"train": 1, "val": 1}}
    result = train(project, tmp_path / "m", config=TINY | allowed)
    assert sorted(entry["label"] for entry in result.metrics["corrupted_samples"]) == ["ds/block13", "ds/block2"]
    with pytest.raises(
        TooManySkippedError, match=r"block2\.tif: .* allow_corrupted_samples.train allows 0 items, not 1"
    ):
        train(project, tmp_path / "n", config=TINY | {"allow_corrupted_samples": {"val": 1}})
    with pytest.raises(
        TooManySkippedError, match=r"block13\.tif: .* allow_corrupted_samples.val allows 0 items, not 1"
    ):
        train(project, tmp_path / "n", config=TINY | {"allow_corrupted_samples": {"train": 1}})
    assert not (tmp_path / "n").exists()


def crop_project(root: Path, images: int = 5, broken: tuple[int, ...] = ()) -> Path:
    """Tiled images that are cut into crops, of which the last image's validate; in some the middle is broken."""
    items = []
    for index in range(images):
        size = Size(4 * SIDE, 4 * SIDE)
        pixels, mask = noise(size, index), block_mask(size, index)
        uri = write_raster(root / f"town{index}.tif", pixels, tile=SIDE, compress="deflate", interleave="pixel")
        if index in broken:
            break_middle(Path(uri), 400)
        for window in windows_of_size(size):
            bitmap = Bitmap.of_pixels(mask[window.slices])
            found = () if bitmap is None else (Object(CLASS, bitmap),)
            tags = ("val",) if index == images - 1 else ("train",)
            image = ImageRef.whole(uri, size).then(Crop(window))
            items.append(Item("ds", f"town{index}_{window.top}_{window.left}", window.size, image, tags, objects=found))
    write_manifest(root / "project", bitmap_meta("towns", tags=("train", "val")), items)
    return root / "project"


def windows_of_size(size: Size) -> list[Window]:
    return [Window(top, left, SIDE, SIDE) for top in range(0, size.height, SIDE) for left in range(0, size.width, SIDE)]


def test_items_of_as_many_broken_images_as_allowed_are_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project = crop_project(tmp_path, broken=(1, 3))
    with pytest.raises(TooManySkippedError, match=r"^2 images skipped, .* allows 1: .*town[13]\.tif: .* at least 2 to"):
        train(project, tmp_path / "m", config=TINY, max_bad=1)

    result = train(project, tmp_path / "m", config=TINY, max_bad=2)

    failed = result.metrics["corrupted_samples"]
    assert {Path(entry["image"]).name for entry in failed} == {"town1.tif", "town3.tif"}
    assert all(Path(entry["image"]).name in entry["reason"] for entry in failed)
    assert len(failed) < 16, "only what shows the broken part is skipped"
    warnings = [record.message for record in caplog.records if record.message.startswith("skipped: ")]
    assert len([message for message in warnings if "town1.tif" in message]) <= 2, "one an image and training"


def test_never_all_items_are_skipped(tmp_path: Path) -> None:
    project = block_project(tmp_path, 4, 2)
    for index in (4, 5):
        (tmp_path / f"block{index}.tif").write_bytes(b"torn")
    with pytest.raises(TooManySkippedError, match=r"^2 of 2 val items skipped, and one val item must be left: "):
        train(project, tmp_path / "m", config=TINY, max_bad=9)


def put_unseen(file: Path, data: bytes) -> None:
    """Change a file and neither its size nor its time, as a disk does that gives out: no new training begins."""
    status, aside = file.stat(), file.with_suffix(".aside")
    aside.write_bytes(data)
    os.utime(aside, ns=(status.st_atime_ns, status.st_mtime_ns))
    aside.replace(file)


def test_images_that_break_count_on_when_a_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = block_project(tmp_path)
    config = TINY | {"epochs": 3, "val_every": 1}

    first, second = tmp_path / "block2.tif", tmp_path / "block5.tif"
    whole = first.read_bytes()
    put_unseen(first, bytes(len(whole)))
    with killed_after(4):
        train(project, tmp_path / "m", config=config, work_dir=tmp_path / "work", max_bad=1)
    put_unseen(first, whole)
    put_unseen(second, bytes(second.stat().st_size))
    with pytest.raises(TooManySkippedError, match=r"block2\.tif: .*block5\.tif: .*set max_bad to at least 2"):
        train(project, tmp_path / "m", config=config, work_dir=tmp_path / "work", max_bad=1)


def test_a_training_that_goes_on_goes_on_counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = block_project(tmp_path)
    config = TINY | {"epochs": 3, "val_every": 1, "allow_corrupted_samples": {"train": 1}}
    first, second = tmp_path / "block2.tif", tmp_path / "block5.tif"
    whole = first.read_bytes()

    put_unseen(first, bytes(len(whole)))
    with killed_after(4):
        train(project, tmp_path / "m", config=config, work_dir=tmp_path / "work")
    shutil.copytree(tmp_path / "work", tmp_path / "copy")
    resumed = train(project, tmp_path / "m", config=config, work_dir=tmp_path / "copy")
    assert [entry["label"] for entry in resumed.metrics["corrupted_samples"]] == ["ds/block2"]
    put_unseen(first, whole)
    put_unseen(second, bytes(second.stat().st_size))
    with pytest.raises(TooManySkippedError, match=r"block2\.tif: .*block5\.tif: .*\.train allows 1 items, not 2"):
        train(project, tmp_path / "n", config=config, work_dir=tmp_path / "work")


@pytest.mark.parametrize("allowed", [1, 2])
def test_processes_have_one_budget_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int) -> None:
    plan = DevicePlan("cpu", (0, 0), "32-true", "two processes on the CPU")
    monkeypatch.setattr(train_unet, "plan_devices", lambda *_: plan)
    project = block_project(tmp_path, 12, 4)
    order = epoch_order(12, 0, 0).tolist()
    (one,) = order[:1]
    other = next(item for item in order[1::2] if abs(item - one) not in (0, 1, 2, 10, 11))
    for index in (one, other):  # the first process reads one of them, the second the other
        (tmp_path / f"block{index}.tif").write_bytes(b"torn")
    config = TINY | {"epochs": 1, "batch_size": {"train": 2, "val": 4}, "allow_corrupted_samples": {"train": allowed}}
    if allowed == 1:
        with pytest.raises(TooManySkippedError, match=r"allow_corrupted_samples.train allows 1 items, not 2"):
            train(project, tmp_path / "m", config=config)
        return
    result = train(project, tmp_path / "m", config=config)
    labels = {entry["label"] for entry in result.metrics["corrupted_samples"]}
    assert labels == {f"ds/block{one}", f"ds/block{other}"}
