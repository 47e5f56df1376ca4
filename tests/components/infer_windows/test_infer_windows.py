"""The stage from project and model to predictions, with a real if untrained network."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch

from components.core import storage
from components.core.cli import run_main
from components.core.errors import ConfigError, DataError, StorageError, TooManyBadItemsError
from components.core.figures import Bitmap, Rectangle, tight_window
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import Crop, Flip
from components.core.network.model_artifact import ModelConfig, load_model, save_model
from components.core.network.unetv2 import UNetV2
from components.core.project import ImageRef, Item, ProjectMeta, manifest_writer, open_project, write_manifest
from components.core.project.history import LeftOut, StageRun, read_history
from components.infer_windows.__main__ import main, parser
from components.infer_windows.config import load_config
from components.infer_windows.infer_windows import InferenceReport, infer_windows, windows_of
from tests.builders import CRS, TRANSFORM, bitmap_meta, files_below, noise, scene_item, write_tiled
from tests.s3_server import S3Server

SIZE = Size(100, 120)
CONFIG: dict[str, Any] = {
    "mode": {"window": {"height": 48, "width": 48}, "min_overlap": {"x": 16, "y": 16}},
    "gpu_devices": [],
}
ENCODER = "vgg16_bn_slim8"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network whose two classes are about as frequent."""
    folder = tmp_path_factory.mktemp("model") / "model"
    torch.manual_seed(0)
    network = UNetV2(2, ENCODER).eval()
    with torch.inference_mode():
        logits = network(torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8))
    network.head.bias.data -= logits.mean(dim=(0, 2, 3))
    classes = (bitmap_meta("", "bg").classes[0], bitmap_meta().classes[0])
    save_model(folder, network, ModelConfig.of(ENCODER, classes, "bg", "neutral", Size(32, 32)), {})
    return folder


def write_project(root: Path, items: list[Item]) -> Path:
    tags = tuple(sorted({tag for item in items for tag in item.tags}))
    write_manifest(root / "project", bitmap_meta(tags=tags), items)
    return root / "project"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three scenes, two of them for the test."""
    names = ("austin1", "austin2", "tyrol-w3")
    tags = (("austin", "test"), ("austin", "trainval"), ("tyrol-w", "test"))
    scenes = zip(names, tags, strict=True)
    return write_project(tmp_path, [scene_item(tmp_path, name, SIZE, i, own) for i, (name, own) in enumerate(scenes)])


def infer(project: Path, model: Path | None, **options: Any) -> tuple[InferenceReport, ProjectMeta, list[Item]]:
    root = project.parent
    options = {"data_root": str(root / "data"), "config": CONFIG} | options
    report = infer_windows(project, model, root / "inf", **options)
    result = open_project(root / "inf")
    return report, result.meta, list(result)


def raster(uri: str) -> np.ndarray:
    with rasterio.open(uri) as dataset:
        return dataset.read(1)


def bitmaps(item: Item) -> dict[str, Bitmap]:
    return {entry.class_title: entry.figure for entry in item.objects if isinstance(entry.figure, Bitmap)}


def test_tagged_scenes_become_masks_and_figures(project: Path, model: Path) -> None:
    report, meta, items = infer(project, model)

    assert (meta.name, meta.titles) == ("inf_INRIA_test_part", ("bg_dl", "untitled_dl"))
    assert meta.tags_images == ("austin", "test", "trainval", "tyrol-w")
    assert [(item.key, item.tags) for item in items] == [
        ("ds/austin1", ("austin", "test")),
        ("ds/tyrol-w3", ("tyrol-w", "test")),
    ]
    assert (report.scenes, report.reused, report.bad) == (2, 0, ())
    assert report.megapixels == pytest.approx(2 * 0.012)
    assert report.seconds >= report.network_seconds > 0
    for item in items:
        values, confidence = raster(item.rasters["classes"]), raster(item.rasters["confidence"])
        assert Path(item.rasters["classes"]).parent == project.parent / "data" / "predictions"
        assert Path(item.rasters["classes"]).name.startswith(f"{item.name}-")
        assert values.shape == confidence.shape == (SIZE.height, SIZE.width)
        assert confidence.min() >= 127  # the more probable of two classes
        found = bitmaps(item)
        for value, title in enumerate(("bg_dl", "untitled_dl")):
            box = tight_window(values == value)
            assert box is not None and found[title].window == box
            assert found[title].area == np.count_nonzero(values == value)
            assert np.array_equal(found[title].mask.pixels(), (values == value)[box.slices])
        with rasterio.open(item.rasters["classes"]) as dataset:
            assert (dataset.crs.to_string(), dataset.transform) == (CRS, TRANSFORM)


def test_the_mask_is_the_argmax_of_averaged_softmaxes(project: Path, model: Path) -> None:
    _, _, items = infer(project, model)

    image = items[0].image
    assert image is not None
    sums = np.zeros((2, SIZE.height, SIZE.width))
    counts = np.zeros((SIZE.height, SIZE.width))
    network = load_model(model).network
    with torch.inference_mode():
        for window in windows_of(image, load_config(CONFIG)):
            pixels = torch.from_numpy(image.then(Crop(window)).pixels().astype(np.float32))[None]
            small = torch.nn.functional.interpolate(pixels, (32, 32), mode="bilinear")
            shares = torch.nn.functional.interpolate(network(small).softmax(1), (48, 48), mode="bilinear")
            sums[(slice(None), *window.slices)] += shares[0].numpy()
            counts[window.slices] += 1
    clear = np.abs(sums[0] - sums[1]) / counts > 1e-4
    assert clear.mean() > 0.9
    assert np.array_equal(raster(items[0].rasters["classes"])[clear], (sums[1] > sums[0])[clear])
    assert np.abs(raster(items[0].rasters["confidence"]) - (sums / counts).max(axis=0) * 255).max() < 0.51


def test_no_tag_takes_every_item_and_an_unknown_one_lists_those_there_are(project: Path, model: Path) -> None:
    assert infer(project, model, image_tags=[])[0].scenes == 3

    with pytest.raises(DataError) as caught:
        infer(project, model, image_tags=["val"])
    assert "image_tags: none of the 3 items of project 'INRIA'" in str(caught.value)
    assert "tags there: 'austin' (2), 'test' (2), 'trainval' (1), 'tyrol-w' (1); name one of them" in str(caught.value)


def test_existing_objects_and_windows_are_kept_where_they_are_wanted(project: Path, model: Path) -> None:
    before = open_project(project).item(0)
    config = CONFIG | {
        "mode": CONFIG["mode"] | {"save": True, "class_name": "window"},
        "model_classes": {"save_classes": ["untitled"]},
        "existing_objects": {"save_classes": ["untitled"], "add_suffix": "_gt"},
    }

    _, meta, items = infer(project, model, config=config)

    assert meta.titles == ("untitled_gt", "untitled_dl", "window")
    objects = items[0].objects
    assert objects[0] == replace(before.objects[0], class_title="untitled_gt")
    windows = [entry.figure for entry in objects if entry.class_title == "window"]
    assert windows[:2] == [Rectangle(0, 0, 48, 48), Rectangle(0, 32, 48, 80)]
    assert len(windows) == 3 * 4 and windows[-1] == Rectangle(52, 72, 100, 120)
    assert [entry.class_title for entry in objects[-1:]] == ["untitled_dl"]


def test_a_crop_is_predicted_on_its_own_grid(tmp_path: Path, model: Path) -> None:
    whole = scene_item(tmp_path, "austin1", SIZE)
    assert whole.image is not None
    shown = whole.image.then(Crop(Window(10, 30, 70, 60))).then(Flip(FlipAxis.UP_DOWN))
    crop = Item("ds", "austin1_crop", shown.recipe.size, shown)

    _, _, (item,) = infer(write_project(tmp_path, [crop]), model, image_tags=[])

    values = raster(item.rasters["classes"])
    assert values.shape == (70, 60)
    assert sum(figure.area for figure in bitmaps(item).values()) == values.size
    with rasterio.open(item.rasters["classes"]) as dataset:
        assert dataset.transform == shown.item_transform


def test_finished_scenes_are_not_done_again(project: Path, model: Path) -> None:
    _, _, first = infer(project, model)
    written = {path: path.stat().st_mtime_ns for path in (project.parent / "data").rglob("*.tif")}

    report, _, again = infer(project, model)

    assert again == first
    assert (report.scenes, report.reused, report.megapixels) == (2, 2, 0)
    assert {path: path.stat().st_mtime_ns for path in (project.parent / "data").rglob("*.tif")} == written


def test_what_decides_on_the_result_is_done_again(project: Path, model: Path, tmp_path: Path) -> None:
    infer(project, model)
    wider = {"mode": CONFIG["mode"] | {"window": {"height": 48, "width": 64}}}
    assert infer(project, model, config=CONFIG | wider)[0].reused == 0
    assert infer(project, model, config=CONFIG | {"model_classes": {"add_suffix": "_x"}})[0].reused == 2

    loaded = load_model(model)
    loaded.network.head.bias.data += 0.01
    save_model(tmp_path / "other", loaded.network, loaded.config, {})
    assert infer(project, tmp_path / "other")[0].reused == 0

    scene_item(tmp_path, "austin1", SIZE, seed=7)
    assert infer(project, model)[0].reused == 1


def test_a_record_that_breaks_off_or_lacks_its_raster_is_done_again(project: Path, model: Path) -> None:
    _, _, items = infer(project, model)
    masks = [Path(item.rasters["classes"]) for item in items]

    masks[0].with_suffix(".json").write_text('{"key": "')
    masks[1].unlink()

    assert infer(project, model)[0].reused == 0
    assert infer(project, model)[2] == items


def test_bad_scenes_are_left_out_up_to_a_limit(tmp_path: Path, model: Path) -> None:
    good, broken, small = (scene_item(tmp_path, *entry) for entry in (("a", SIZE), ("b", SIZE), ("c", Size(40, 90))))
    assert broken.image is not None
    raster_file = Path(broken.image.uri)
    raster_file.write_bytes(raster_file.read_bytes()[:300_000])
    project = write_project(tmp_path, [good, broken, small])

    report, _, items = infer(project, model, image_tags=[], max_bad=2)

    assert [item.name for item in items] == ["a"]
    assert [scene.name for scene in report.bad] == ["ds/b", "ds/c"]
    assert "b.tif: rows" in report.bad[0].reason
    assert report.bad[1].reason == (
        "inference.config: mode.window.height: 48 exceeds the height 40 of the image; use at most 40"
    )
    assert report.counts()["bad"] == 2


def test_one_bad_scene_too_many_ends_the_run_without_a_project(tmp_path: Path, model: Path) -> None:
    items = [scene_item(tmp_path, "a", SIZE), scene_item(tmp_path, "c", Size(90, 40))]
    project = write_project(tmp_path, items)

    with pytest.raises(TooManyBadItemsError, match=r"1 of 2 scenes .* max_bad allows 0 .* ds/c: .*width: 48 exceeds"):
        infer(project, model, image_tags=[])
    assert not (tmp_path / "inf").exists()

    only_bad = write_project(tmp_path, items[1:])
    with pytest.raises(TooManyBadItemsError, match="but never all"):
        infer(only_bad, model, image_tags=[], max_bad=5)


def test_a_raster_that_is_gone_and_an_item_without_one_are_named(tmp_path: Path, model: Path) -> None:
    gone = scene_item(tmp_path, "a", SIZE)
    assert gone.image is not None
    Path(gone.image.uri).unlink()
    items = [gone, Item("ds", "b", SIZE), scene_item(tmp_path, "c", SIZE)]

    report, _, _ = infer(write_project(tmp_path, items), model, image_tags=[], max_bad=2)

    assert "a.tif: there is no such raster" in report.bad[0].reason
    assert "has no image" in report.bad[1].reason


def test_rasters_may_lie_in_object_storage(tmp_path: Path, model: Path, s3_environment: S3Server) -> None:
    local = scene_item(tmp_path, "austin1", SIZE)
    folder = s3_environment.new_folder()
    assert local.image is not None
    storage.put_file(Path(local.image.uri), f"{folder}/austin1.tif")
    remote = replace(local, image=replace(local.image, uri=f"{folder}/austin1.tif"), objects=())
    project = write_project(tmp_path, [remote])

    _, _, (item,) = infer(project, model, image_tags=[], data_root=folder)

    assert item.rasters["classes"].startswith(f"{folder}/predictions/austin1-")
    _, _, (beside,) = infer(write_project(tmp_path, [local]), model, image_tags=[])
    for title, figure in bitmaps(item).items():
        assert np.array_equal(figure.mask.pixels(), bitmaps(beside)[title].mask.pixels())
    assert infer(write_project(tmp_path, [remote]), model, image_tags=[], data_root=folder)[0].reused == 1


def test_all_scenes_that_are_too_small_are_named_before_any_is_done(tmp_path: Path, model: Path) -> None:
    sizes = {"a": SIZE, "b": Size(40, 90), "c": SIZE, "d": Size(90, 40)}
    project = write_project(tmp_path, [scene_item(tmp_path, name, size) for name, size in sizes.items()])

    with pytest.raises(TooManyBadItemsError) as caught:
        infer(project, model, image_tags=[], max_bad=1)

    assert str(caught.value) == (
        "2 of 4 scenes cannot be used, and max_bad allows 1 (but never all): "
        "ds/b: inference.config: mode.window.height: 48 exceeds the height 40 of the image; use at most 40; "
        "ds/d: inference.config: mode.window.width: 48 exceeds the width 40 of the image; use at most 40"
    )
    assert not (tmp_path / "data").exists()
    padded = {"config": CONFIG | {"mode": CONFIG["mode"] | {"pad": "reflect"}}}
    assert infer(project, model, image_tags=[], **padded)[0].bad == ()


def test_an_empty_project_is_passed_on_where_that_is_allowed(tmp_path: Path, model: Path) -> None:
    project = write_project(tmp_path, [])

    with pytest.raises(DataError, match="holds no item"):
        infer(project, model, image_tags=[])
    unloadable = tmp_path / "unloadable"
    unloadable.mkdir()
    (unloadable / "config.json").write_bytes((model / "config.json").read_bytes())
    (unloadable / "model.safetensors").write_bytes(b"never read")
    report, meta, items = infer(project, unloadable, image_tags=[], allow_empty=True)

    assert (report.scenes, report.seconds > 0, items) == (0, True, [])
    assert meta.titles == ("bg_dl", "untitled_dl")


def test_all_scenes_may_be_bad_where_that_is_allowed(tmp_path: Path, model: Path) -> None:
    project = write_project(tmp_path, [scene_item(tmp_path, "c", Size(90, 40)), Item("ds", "d", SIZE)])

    report, _, items = infer(project, model, image_tags=[], max_bad=2, allow_empty=True)

    assert items == [] and [scene.name for scene in report.bad] == ["ds/c", "ds/d"]
    with pytest.raises(TooManyBadItemsError, match="2 of 2 scenes cannot be used, and max_bad allows 1: "):
        infer(project, model, image_tags=[], max_bad=1, allow_empty=True)


def test_the_history_goes_on_with_what_was_done_and_left_out(tmp_path: Path, model: Path) -> None:
    before = StageRun("import_images", 2, 0.024, 1.5)
    items = [scene_item(tmp_path, "a", SIZE), Item("ds", "b", SIZE)]
    with manifest_writer(tmp_path / "project", bitmap_meta()) as writer:
        writer.history = (before,)
        for item in items:
            writer.add(item)

    infer(tmp_path / "project", model, image_tags=[], max_bad=1)

    first, run = read_history(tmp_path / "inf")
    assert first == before
    assert (run.stage, run.scenes, run.megapixels) == ("infer_windows", 1, 0.012)
    assert run.left_out == (LeftOut("ds/b", "has no image; import the project with its images"),)


def test_a_model_may_lie_in_object_storage(project: Path, model: Path, s3_environment: S3Server) -> None:
    place = f"{s3_environment.new_folder()}/model"
    storage.put_tree(model, place)

    assert infer(project, model)[0].reused == 0
    assert infer(project, None, model_uri=place)[0].reused == 2
    assert infer(project, None, model_uri=str(model))[0].reused == 2
    for given, uri, what in ((model, place, "both"), (None, "", "none")):
        with pytest.raises(ConfigError, match=f"model, model_uri: {what} is given"):
            infer(project, given, model_uri=uri)


def test_pixels_without_data_are_no_object_and_are_counted(tmp_path: Path, model: Path) -> None:
    pixels = np.maximum(noise(SIZE), 1)
    pixels[:, :, 30:] = 0
    uri = write_tiled(tmp_path / "a.tif", pixels, nodata=0)
    item = Item("ds", "a", SIZE, ImageRef.whole(uri, SIZE, CRS, TRANSFORM))

    report, _, (found,) = infer(write_project(tmp_path, [item]), model, image_tags=[])

    values = raster(found.rasters["classes"])
    assert (values[:, 30:] == 255).all() and (values[:, :30] < 2).all()
    assert sum(figure.area for figure in bitmaps(found).values()) == 100 * 30
    assert report.counts()["no_data_megapixels"] == pytest.approx(0.009)
    assert report.skipped_windows == 3 * 3
    assert infer(tmp_path / "project", model, image_tags=[])[0].reused == 1


def test_a_record_from_before_data_could_be_missing_counts_only_where_it_cannot(tmp_path: Path, model: Path) -> None:
    pixels = np.maximum(noise(SIZE), 1)
    for name, nodata in (("a", None), ("b", 0)):
        write_tiled(tmp_path / f"{name}.tif", pixels, **({} if nodata is None else {"nodata": nodata}))
    images = {name: ImageRef.whole(str(tmp_path / f"{name}.tif"), SIZE, CRS, TRANSFORM) for name in "ab"}
    project = write_project(tmp_path, [Item("ds", name, SIZE, image) for name, image in images.items()])
    infer(project, model, image_tags=[])
    for record in (tmp_path / "data" / "predictions").glob("*.json"):
        content = json.loads(record.read_text())
        del content["masked"]
        record.write_text(json.dumps(content))

    assert infer(project, model, image_tags=[])[0].reused == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data_root": ""}, "data_root: is empty"),
        ({"project_name": ""}, "project_name: is empty"),
        ({"max_bad": -1}, "max_bad: -1 is negative"),
        ({"config": {"mode": {"source": "roi"}}}, "not offered in this release"),
    ],
)
def test_broken_parameters_are_refused(project: Path, model: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        infer(project, model, **options)
    assert not (project.parent / "inf").exists() and not (project.parent / "data").exists()


def test_a_model_with_broken_weights_is_no_bad_scene(project: Path, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for file in model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes()[: 1000 if file.suffix == ".safetensors" else None])

    with pytest.raises(DataError, match=r"model\.safetensors cannot be read"):
        infer(project, folder, max_bad=3)


def test_the_result_does_not_depend_on_the_batch_size(project: Path, model: Path) -> None:
    one = [raster(item.rasters["classes"]) for item in infer(project, model, config=CONFIG | {"batch_size": 1})[2]]
    data = str(project.parent / "other")
    many = infer(project, model, data_root=data, config=CONFIG | {"batch_size": 5})[2]

    for first, item in zip(one, many, strict=True):
        assert np.mean(first != raster(item.rasters["classes"])) < 1e-3


def arguments(project: Path, model: Path, root: Path) -> list[str]:
    text = '{"mode": {"window": {"height": 48, "width": 48}, "min_overlap": {"x": 16, "y": 16}}, "gpu_devices": []}'
    places = {"project": project, "model": model, "data-root": root / "data", "predictions": root / "inf"}
    flags = [part for name, value in places.items() for part in (f"--{name}", str(value))]
    return [*flags, "--metrics", str(root / "metrics.json"), "--config", text, "--image-tags"]


def test_the_command_line_does_the_same(
    project: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run_main(main, parser(), arguments(project, model, tmp_path))

    assert status == 0
    assert (tmp_path / "metrics.json").read_text() == capsys.readouterr().out
    assert '"scenes": 3' in (tmp_path / "metrics.json").read_text()
    assert len(open_project(tmp_path / "inf")) == 3


def test_the_command_line_explains_an_error_in_one_line(
    project: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run_main(main, parser(), [*arguments(project, model, tmp_path), "nowhere"])

    assert status == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("python -m components.infer_windows: image_tags: none")
    assert not (tmp_path / "metrics.json").exists()


def test_a_killed_run_loses_at_most_the_scene_in_work(tmp_path: Path, model: Path) -> None:
    items = [scene_item(tmp_path, f"town{seed}", Size(300, 300), seed) for seed in range(8)]
    project = write_project(tmp_path, items)
    killed, calm = tmp_path / "killed", tmp_path / "calm"
    command = [sys.executable, "-m", "components.infer_windows", *arguments(project, model, killed)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (records := list((killed / "data" / "predictions").glob("*.json"))):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert not (killed / "inf").exists()
    finished = len(list((killed / "data" / "predictions").glob("*.json")))
    assert len(records) <= finished < len(items)
    for path in (killed / "data" / "predictions").glob("town*.tif"):
        assert raster(str(path)).shape == (300, 300)
    assert run_main(main, parser(), arguments(project, model, killed)) == 0
    assert run_main(main, parser(), arguments(project, model, calm)) == 0

    assert f'"reused": {finished}' in (killed / "metrics.json").read_text()
    after = {name: data for name, data in files_below(killed / "data").items() if "/." not in name}
    assert after == files_below(calm / "data")


def test_a_place_that_cannot_be_written_is_no_bad_scene(project: Path, model: Path) -> None:
    (project.parent / "file").write_bytes(b"in the way")

    with pytest.raises(StorageError, match="file"):
        infer(project, model, data_root=str(project.parent / "file" / "data"), max_bad=9)
