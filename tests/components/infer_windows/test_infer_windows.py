"""The stage from project and model to predictions, with a real network whose weights are set by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch

from components.core import storage
from components.core.command.run import stage_main
from components.core.documents.inference import load_config
from components.core.errors import ConfigError, DataError
from components.core.figures import Rectangle, tight_window
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import Crop, Flip
from components.core.network.architectures import architecture_spec
from components.core.network.description import ModelConfig
from components.core.network.model_artifact import load_model, save_model
from components.core.project import ImageRef, Item, manifest_writer, open_project
from components.core.project.history import StageRun, read_history
from components.core.skip_budget import Skipped
from components.infer_windows.windows import grid_of
from tests.builders import CRS, TRANSFORM, bitmap_meta, noise, scene_item, write_tiled
from tests.components.infer_windows.small import (
    CONFIDENCE_ERROR,
    CONFIG,
    SIZE,
    SOFT,
    WINDOW_PX,
    arguments,
    bitmaps,
    infer,
    raster,
    save_pair_model,
    write_project,
)
from tests.s3_server import S3Server

ROUNDING = 100 * float(np.finfo(np.float32).eps)
"""By how much a share may differ where the same sums are made in another order."""


def test_tagged_scenes_become_masks_and_figures(project: Path, model: Path) -> None:
    report, meta, items = infer(project, model)

    assert (meta.name, meta.titles) == ("inf_INRIA_test_part", ("bg_dl", "untitled_dl"))
    assert meta.tags_images == ("austin", "test", "trainval", "tyrol-w")
    assert [(item.key, item.tags) for item in items] == [
        ("ds/austin1", ("austin", "test")),
        ("ds/tyrol-w3", ("tyrol-w", "test")),
    ]
    assert (report.scenes, report.reused, report.skipped) == (2, 0, ())
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


@pytest.mark.parametrize("window", [Size(WINDOW_PX, WINDOW_PX), Size(64, 72)], ids=["as it is", "stretched"])
def test_the_mask_is_the_argmax_of_averaged_softmaxes(project: Path, tmp_path: Path, window: Size) -> None:
    model = save_pair_model(tmp_path / "soft", SOFT)
    mode = CONFIG["mode"] | {"window": {"height": window.height, "width": window.width}}

    _, _, items = infer(project, model, config=CONFIG | {"mode": mode})

    image = items[0].image
    assert image is not None
    sums = np.zeros((2, SIZE.height, SIZE.width))
    counts = np.zeros((SIZE.height, SIZE.width))
    network = load_model(model).network
    with torch.inference_mode():
        for place in grid_of(SIZE, load_config(CONFIG | {"mode": mode}).mode).windows():
            pixels = torch.from_numpy(image.then(Crop(place)).pixels().astype(np.float32))[None]
            small = torch.nn.functional.interpolate(pixels, (WINDOW_PX, WINDOW_PX), mode="bilinear")
            shares = torch.nn.functional.interpolate(
                network(small).softmax(1), (window.height, window.width), mode="bilinear"
            )
            sums[(slice(None), *place.slices)] += shares[0].numpy()
            counts[place.slices] += 1
    means = sums / counts
    values, confidence = (raster(items[0].rasters[role]) for role in ("classes", "confidence"))
    chosen = np.take_along_axis(means, values[np.newaxis], axis=0)[0]
    assert (chosen >= means.max(axis=0) - 2 * ROUNDING).all()
    assert np.abs(confidence - chosen * 255).max() <= CONFIDENCE_ERROR


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


def test_the_history_goes_on_with_what_was_done_and_skipped(tmp_path: Path, model: Path) -> None:
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
    assert run.skipped == (Skipped("ds/b", "has no image; import the project with its images"),)


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
    assert report.scalars()["no_data_megapixels"] == pytest.approx(0.009)
    assert report.skipped_windows == 3 * 3
    assert infer(tmp_path / "project", model, image_tags=[])[0].reused == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data_root": ""}, "data_root: is empty"),
        ({"project_name": ""}, "project_name: is empty"),
        ({"max_bad": -1}, "max_bad: -1 is negative"),
        ({"config": {"mode": {"source": "tiles"}}}, "mode.source: 'tiles': is not a mode"),
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
        assert np.array_equal(first, raster(item.rasters["classes"]))


def test_the_command_line_does_the_same(
    project: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = stage_main("infer_windows", arguments(project, model, tmp_path))

    assert status == 0
    assert (tmp_path / "metrics.json").read_text() == capsys.readouterr().out
    assert '"scenes": 3' in (tmp_path / "metrics.json").read_text()
    assert len(open_project(tmp_path / "inf")) == 3


def test_the_command_line_explains_an_error_in_one_line(
    project: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = stage_main("infer_windows", [*arguments(project, model, tmp_path), "nowhere"])

    assert status == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("python -m components.infer_windows: image_tags: none")
    assert not (tmp_path / "metrics.json").exists()


def test_scales_that_the_network_cannot_take_are_refused_before_the_first_window(project: Path, tmp_path: Path) -> None:
    encoder, side = "tu-efficientformerv2_s0", Size(224, 224)
    classes = bitmap_meta("", "bg", "untitled").classes
    network = architecture_spec("smp.Unet").build(2, encoder)
    described = ModelConfig.of(encoder, classes, "bg", "neutral", side, "smp.Unet")
    save_model(tmp_path / "model", network, described, {})
    config = CONFIG | {"mode": CONFIG["mode"] | {"scales": [1.0, 1.5]}}
    with pytest.raises(
        ConfigError, match=r"mode.scales: \[1.0, 1.5\]: at 1.5 the network would see windows of 320×320 p"
    ):
        infer(project, tmp_path / "model", config=config)
    assert not (tmp_path / "data" / "predictions").exists()
