"""Every stage with its rasters in object storage: the same results as on local disk, also where the store dies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from components.core.errors import FootprintsError, StorageError
from components.core.figures import Bitmap
from components.core.geometry import Size
from components.core.project import Item, open_project
from components.core.storage import Traffic, cache, counted, list_objects, put_tree, read_bytes, stat
from components.evaluate.evaluate import evaluate
from components.import_images.import_images import ImportResult, import_images
from components.infer_windows.infer_windows import InferenceResult, infer_windows
from components.publish_footprints.publish_footprints import publish
from components.split_masks.split_masks import split_masks
from components.split_tagging.split_tagging import split_tagging
from components.train_unet.dataset import Sample, WindowDataset
from components.train_unet.train_unet import train
from tests.builders import CLASS, block_mask, files_below, noise, write_raster, write_scene
from tests.components.infer_windows.small import SOFT, save_pair_model
from tests.components.train_unet.projects import TINY
from tests.s3_server import S3Server
from tests.waiting import HeldWork, Hold

SIZE = Size(600, 640)
SCENES = 3
WINDOW = {"mode": {"window": {"height": 300, "width": 320}, "min_overlap": {"x": 0, "y": 0}}, "gpu_devices": []}


class Place:
    """A data root, local or remote, and the projects of one run beside it."""

    def __init__(self, imagery: str, data_root: str, folder: Path) -> None:
        self.imagery, self.data_root, self.folder = imagery, data_root, folder

    def run_import(self) -> ImportResult:
        return import_images(self.imagery, "", self.folder / "INRIA", data_root=self.data_root, workers=1)

    def run_inference(self, model: Path) -> InferenceResult:
        found = self.folder / "found"
        source = self.folder / "INRIA"
        return infer_windows(source, model, found, data_root=self.data_root, config=WINDOW, image_tags=[])

    def items(self, name: str) -> list[Item]:
        return list(open_project(self.folder / name))


@pytest.fixture(scope="module")
def imagery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scenes of which some must be rewritten and one stays where it is."""
    root = tmp_path_factory.mktemp("imagery")
    for index in range(SCENES):
        write_raster(root / "images" / f"austin{index}.tif", noise(SIZE, index))
        write_raster(root / "gt" / f"austin{index}.tif", block_mask(SIZE, index).astype("uint8"))
    write_scene(root, "vienna9", SIZE, 9)
    return root


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that sees windows at a tenth of their size, so that it finds spots in noise, and no dust."""
    return save_pair_model(tmp_path_factory.mktemp("model") / "model", SOFT, side_px=32)


@pytest.fixture(scope="module")
def local(imagery: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Everything on local disk, run up to the inference."""
    folder = tmp_path_factory.mktemp("local")
    place = Place(str(imagery), str(folder / "data"), folder)
    place.run_import()
    place.run_inference(model)
    return place


@pytest.fixture
def remote(imagery: Path, tmp_path: Path, mortal_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The same imagery in the store, nothing run yet."""
    monkeypatch.setenv("STORAGE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_known", {})
    folder = mortal_s3.new_folder()
    put_tree(imagery, f"{folder}/imagery")
    return Place(f"{folder}/imagery", f"{folder}/data", tmp_path)


def assert_same(place: Place, other: Place, name: str) -> None:
    ours, theirs = place.items(name), other.items(name)
    assert len(ours) == len(theirs) == SCENES + 1
    for mine, yours in zip(ours, theirs, strict=True):
        assert shown(mine) == shown(yours)


def shown(item: Item) -> tuple[Any, ...]:
    """All that an item says, pixels instead of URIs."""
    assert item.image is not None
    figures = [entry.figure for entry in item.objects]
    masks = [(f.top, f.left, f.mask.pixels().tobytes()) for f in figures if isinstance(f, Bitmap)]
    titles = [entry.class_title for entry in item.objects]
    image = item.image
    return item.key, item.tags, image.recipe, image.crs, image.transform, image.pixels().tobytes(), titles, masks


def sizes(place: Place) -> dict[str, int]:
    return {found.uri: found.size_bytes for found in list_objects(place.data_root)}


def raster_bytes(place: Place) -> int:
    """Size of all images and masks that the imported project refers to."""
    uris = {item.image.uri for item in place.items("INRIA") if item.image}
    uris |= {entry.figure.mask.raster.uri for item in place.items("INRIA") for entry in item.objects}  # type: ignore[attr-defined]
    return sum(found.size_bytes for found in map(stat, uris) if found is not None)


def test_all_stages_give_what_they_give_on_local_disk(local: Place, remote: Place, model: Path) -> None:
    assert remote.run_import().scalars() == local.run_import().scalars() | {"rewritten": 2 * SCENES, "reused": 0}
    assert_same(local, remote, "INRIA")
    remote.run_inference(model)
    assert_same(local, remote, "found")
    results = []
    for place in (local, remote):
        split_masks(place.folder / "found", place.folder / "split", workers=1)
        measured = evaluate(place.folder / "split", place.folder / "INRIA", workers=1)
        published = f"{place.data_root}/published"
        publish(place.folder / "split", place.folder / "footprints", output_uri=published, workers=1)
        copies = {name: read_bytes(f"{published}/{name}") for name in ("summary.json", "footprints.geojson")}
        assert copies.items() <= files_below(place.folder / "footprints").items()
        results.append((measured.as_json(), copies))
    assert_same(local, remote, "split")
    assert results[0] == results[1]


def test_tagging_moves_kilobytes(remote: Place) -> None:
    remote.run_import()
    with counted() as moved:
        split_tagging(remote.folder / "INRIA", remote.folder / "tagged", workers=1)
    assert moved.traffic.remote_read_bytes == moved.traffic.remote_written_bytes == 0
    assert 1000 < moved.traffic.local_read_bytes < 100_000
    assert 1000 < moved.traffic.local_written_bytes < 100_000


def test_training_reads_each_scene_once_and_learns_the_same(local: Place, remote: Place) -> None:
    remote.run_import()
    tags = {"train": "__all__", "val": "__all__"}
    config = TINY | {"dataset_tags": tags, "data_workers": {"train": 2, "val": 1}}
    histories = []
    for place in (local, remote):
        with counted() as moved:
            result = train(place.folder / "INRIA", place.folder / "model", config=config)
        histories.append(result.history)
    assert histories[0] == histories[1]
    assert moved.traffic.remote_read_bytes == raster_bytes(remote)
    windows = (SCENES + 1) * 2 * TINY["epochs"]
    assert moved.traffic.local_read_bytes > windows * 3 * SIZE.height * SIZE.width, "loaders' reading counts too"


def read_more_than(size_bytes: int) -> Callable[[Traffic], bool]:
    return lambda moved: moved.remote_read_bytes > size_bytes


def finish(work: HeldWork, server: S3Server, place: Place) -> None:
    """Kill the store, start it again and let the work end; no object may be seen in part on the way."""
    server.kill()
    work.go_on_until_it_waits()
    assert work.is_going_on
    server.restart()
    seen = set()
    while work.is_going_on:
        seen |= sizes(place).items()
    assert work.errors == []
    assert seen <= sizes(place).items()


def test_an_import_goes_on_when_the_store_comes_back(
    local: Place, remote: Place, mortal_s3: S3Server, held: Hold
) -> None:
    finish(held(remote.run_import, read_more_than(3 * SIZE.area * 3 // 2)), mortal_s3, remote)
    assert_same(local, remote, "INRIA")


def test_an_import_that_gave_up_is_taken_up_again(
    local: Place, remote: Place, mortal_s3: S3Server, monkeypatch: pytest.MonkeyPatch, held: Hold
) -> None:
    monkeypatch.setenv("STORAGE_WAIT_SECONDS", "1")
    work = held(remote.run_import, read_more_than(3 * SIZE.area * 3 // 2))
    mortal_s3.kill()
    work.end()
    assert isinstance(work.errors[0], StorageError) and "STORAGE_WAIT_SECONDS" in str(work.errors[0])
    assert not (remote.folder / "INRIA").exists()
    mortal_s3.restart()
    before = sizes(remote)
    assert before, "what was finished is there"
    assert remote.run_import().reused == len(before)
    assert before.items() <= sizes(remote).items()
    assert_same(local, remote, "INRIA")


def test_inference_goes_on_when_the_store_comes_back(
    local: Place, remote: Place, model: Path, mortal_s3: S3Server, held: Hold
) -> None:
    remote.run_import()
    work = held(lambda: remote.run_inference(model), read_more_than(3 * SIZE.area * 3 // 2))
    finish(work, mortal_s3, remote)
    assert_same(local, remote, "found")


def test_inference_that_gave_up_is_taken_up_again(
    local: Place, remote: Place, model: Path, mortal_s3: S3Server, monkeypatch: pytest.MonkeyPatch, held: Hold
) -> None:
    remote.run_import()
    monkeypatch.setenv("STORAGE_WAIT_SECONDS", "1")

    def has_finished_one(_: Traffic) -> bool:
        return any("/predictions/" in uri and uri.endswith(".json") for uri in sizes(remote))

    work = held(lambda: remote.run_inference(model), has_finished_one)
    mortal_s3.kill()
    work.end()
    assert isinstance(work.errors[0], FootprintsError) and mortal_s3.endpoint_url in str(work.errors[0])
    assert not (remote.folder / "found").exists()
    mortal_s3.restart()
    assert remote.run_inference(model).reused >= 1
    assert_same(local, remote, "found")


def test_training_goes_on_when_the_store_comes_back(
    local: Place, remote: Place, mortal_s3: S3Server, held: Hold
) -> None:
    remote.run_import()
    datasets = [
        WindowDataset(open_project(place.folder / "INRIA"), np.arange(SCENES + 1), {CLASS: 1}, SIZE)
        for place in (local, remote)
    ]
    samples: list[Sample] = []
    work = held(
        lambda: samples.extend(datasets[1][index] for index in range(SCENES + 1)), read_more_than(3 * SIZE.area)
    )
    finish(work, mortal_s3, remote)
    for index, sample in enumerate(samples):
        expected = datasets[0][index]
        assert sample.unreadable == ()
        assert torch.equal(sample.image, expected.image) and torch.equal(sample.mask, expected.mask)
    with counted() as moved:
        again = [datasets[1][index] for index in range(SCENES + 1)]
    assert moved.traffic.remote_read_bytes == 0
    assert all(torch.equal(one.image, other.image) for one, other in zip(samples, again, strict=True))
