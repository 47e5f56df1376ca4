"""Trainings on more than colours: what only a fourth band tells reaches the network, in training and inference."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from safetensors.torch import save_file

from components.core.collection.stac import model_item
from components.core.documents.inference import load_config as load_inference
from components.core.documents.start import check_start
from components.core.documents.training import load_config
from components.core.dtl.actions.crop import crop_item
from components.core.errors import ConfigError, TooManySkippedError
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery.recipe import Flip
from components.core.network.description import read_config
from components.core.network.encoders import encoder_spec
from components.core.network.model_artifact import load_model
from components.core.network.unetv2 import UNetV2
from components.core.network.vgg import VggEncoder
from components.core.network.weights import load_encoder_state
from components.core.project import ImageRef, Item, open_project, write_manifest
from components.core.project.parts import Rows
from components.infer_windows.batches import PixelBuffers, read_batches
from components.infer_windows.infer_windows import infer_windows
from components.infer_windows.scene_plan import plan_scene
from components.train_unet.augmentation import Change, augmented
from components.train_unet.dataset import WindowDataset, rows_with_tag
from components.train_unet.train_unet import train
from tests.builders import CLASS, bitmap_meta, mask_object, write_tiled
from tests.components.train_unet.projects import SIDE, TINY

NAMES = ("red", "green", "blue", "nir")
BANDS: dict[str, Any] = {"bands": list(NAMES)}
VALUES = {CLASS: 1, "neutral": 255}
GROUND, ROOF = 40, 200

INFERENCE = {
    "mode": {"window": {"height": SIDE, "width": SIDE}, "min_overlap": {"x": 0, "y": 0}},
    "gpu_devices": [],
}


def hidden_project(root: Path, crops: int = 6, further: int = 1) -> Path:
    """Crops of a scene of grey noise, in which the last band alone tells buildings; some mirrored."""
    size = Size(2 * SIDE, crops * SIDE)
    random = np.random.default_rng(0)
    mask = np.zeros((size.height, size.width), np.bool_)
    for index in range(crops):
        mask[8 : 30 + index, index * SIDE + 6 : (index + 1) * SIDE - 12] = True
    pixels = random.integers(0, 256, (3 + further, size.height, size.width), np.uint8)
    pixels[-1] = np.where(mask, ROOF, GROUND)
    image = ImageRef.whole(write_tiled(root / "scene.tif", pixels, photometric="rgb", alpha="no"), size)
    masks = write_tiled(root / "mask.tif", mask.view(np.uint8) * np.uint8(255))
    scene = Item("ds", "scene", size, image, objects=(mask_object(masks, mask),))
    items = []
    for index in range(crops):
        crop = crop_item(scene, Window(0, index * SIDE, SIDE, SIDE))
        if index % 2:
            figures = [entry.with_figure(entry.figure.flip(FlipAxis.LEFT_RIGHT, crop.size)) for entry in crop.objects]
            assert crop.image is not None
            crop = replace(crop, image=crop.image.then(Flip(FlipAxis.LEFT_RIGHT)), objects=tuple(figures))
        items.append(replace(crop, name=f"crop{index}", tags=("train" if index < crops - 2 else "val",)))
    write_manifest(root / "project", bitmap_meta("cut", tags=("train", "val")), items)
    return root / "project"


def test_the_loader_gives_windows_whose_fourth_band_is_the_truth(tmp_path: Path) -> None:
    project = open_project(hidden_project(tmp_path))
    data = WindowDataset(project, rows_with_tag(project, "train", "train"), VALUES, Size(SIDE, SIDE), bands=NAMES)
    for position in range(len(data)):
        sample = data[position]
        assert sample.unreadable == () and sample.image.shape == (4, SIDE, SIDE)
        assert torch.equal(sample.image[3], torch.where(sample.mask == 1, ROOF, GROUND).to(torch.uint8))
        assert 0 < int((sample.mask == 1).sum()) < SIDE * SIDE
    colours = WindowDataset(project, data.rows, VALUES, Size(SIDE, SIDE))
    assert torch.equal(colours[1].image, data[1].image[:3])


def test_windows_at_inference_hold_the_band_in_tiled_and_untiled_scenes(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (4, 100, 150), np.uint8)
    mode = load_inference(INFERENCE).mode
    for tile in (16, None):
        uri = write_tiled(tmp_path / f"scene{tile}.tif", pixels, tile=tile, photometric="rgb", alpha="no")
        image = replace(ImageRef.whole(uri, Size(100, 150)), bands=NAMES)
        item = Item("ds", "scene", Size(100, 150), image)
        plan = plan_scene(item, image, mode, 2, 2, Rows(0, 100))
        found = [batch.pixels.copy() for batch in read_batches(image, plan, PixelBuffers()) if batch.pixels is not None]
        windows = np.concatenate(found)
        assert windows.shape[1:] == (4, SIDE, SIDE)
        assert np.array_equal(windows[0], pixels[:, :SIDE, :SIDE])
        assert np.array_equal(windows[-1], pixels[:, -SIDE:, -SIDE:])


@pytest.mark.parametrize("architecture", [{}, {"architecture": "smp.FPN", "encoder": "resnet18"}], ids=["vgg", "smp"])
def test_a_training_on_four_bands_gives_a_model_that_says_so_and_is_used(
    tmp_path: Path, architecture: dict[str, str]
) -> None:
    side = {"input_size": {"height": 64, "width": 64}} if architecture else {}
    project = hidden_project(tmp_path)
    config = TINY | BANDS | architecture | side | {"epochs": 1, "augmentation": {"color": 0.5, "mirror": True}}
    train(project, tmp_path / "model", config=config)
    described = json.loads((tmp_path / "model" / "config.json").read_text())
    assert described["bands"] == list(NAMES)
    assert described["normalisation"]["mean"] == pytest.approx([0.485, 0.456, 0.406, 0.449])
    assert described["normalisation"]["std"] == pytest.approx([0.229, 0.224, 0.225, 0.226])
    assert load_model(tmp_path / "model").network.bands == 4
    said = model_item(tmp_path / "model", str(tmp_path / "model"), "ab")
    assert said["properties"]["mlm:input"][0]["bands"] == list(NAMES)
    assert said["properties"]["mlm:input"][0]["input"]["shape"][1] == len(said["assets"]["weights"]["bands"]) == 4
    infer_windows(
        project, tmp_path / "model", tmp_path / "found",
        data_root=str(tmp_path / "data"), config=INFERENCE, image_tags=(),
    )  # fmt: skip
    assert len(open_project(tmp_path / "found")) == 6


def test_a_network_that_looks_at_the_fourth_band_alone_finds_what_it_tells(tmp_path: Path) -> None:
    project = hidden_project(tmp_path)
    train(project, tmp_path / "model", config=TINY | BANDS | {"epochs": 1, "lr": 1e-12})
    file = tmp_path / "model" / "model.safetensors"
    network = UNetV2(2, TINY["encoder"], 4)
    state = _fourth_band_only(network)
    save_file(state, file)
    infer_windows(
        project, tmp_path / "model", tmp_path / "found",
        data_root=str(tmp_path / "data"), config=INFERENCE, image_tags=(),
    )  # fmt: skip
    inputs, outputs = open_project(project), open_project(tmp_path / "found")
    for row in range(len(inputs)):
        truth = np.zeros((SIDE, SIDE), np.uint8)
        found = np.zeros((SIDE, SIDE), np.uint8)
        for entry in inputs.item(row).objects:
            entry.figure.draw(truth, 1)
        for entry in outputs.item(row).objects:
            if entry.class_title.startswith(CLASS):
                entry.figure.draw(found, 1)
        assert np.array_equal(found, truth)


def _fourth_band_only(network: UNetV2) -> dict[str, torch.Tensor]:
    """Weights by which the class is whether the fourth band is bright: one channel is passed on as it is."""
    for name, value in network.named_parameters():
        value.data.zero_()
        if name.endswith("1.weight") and value.dim() == 1:
            value.data.fill_(1)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.fill_(1)
    first = network.encoder.features[0]
    first.weight.data[0, 3, 1, 1] = 1
    second = network.encoder.features[3]
    second.weight.data[0, 0, 1, 1] = 1
    last = network.decoder[-1].convolutions
    skip = last[0][0].weight.shape[1] - last[0][0].weight.shape[0]
    last[0][0].weight.data[0, -skip, 1, 1] = 1
    for stage in (last[1], last[2]):
        stage[0].weight.data[0, 0, 1, 1] = 1
    network.head.weight.data[1, 0, 0, 0] = 100
    network.head.bias.data[1] = -1
    return {name: value.contiguous() for name, value in network.state_dict().items()}


def test_imagery_without_the_band_is_named_before_it_is_inferred(tmp_path: Path) -> None:
    train(hidden_project(tmp_path), tmp_path / "model", config=TINY | BANDS | {"epochs": 1})
    pixels = np.zeros((3, SIDE, SIDE), np.uint8)
    image = ImageRef.whole(write_tiled(tmp_path / "rgb.tif", pixels), Size(SIDE, SIDE))
    write_manifest(tmp_path / "colours", bitmap_meta("p"), [Item("ds", "rgb", Size(SIDE, SIDE), image)])
    with pytest.raises(
        TooManySkippedError, match=r"rgb.tif: has 3 bands, and the network sees 4: red, green, blue, nir"
    ):
        infer_windows(
            tmp_path / "colours", tmp_path / "model", tmp_path / "found",
            data_root=str(tmp_path / "data"), config=INFERENCE, image_tags=(),
        )  # fmt: skip


def test_a_training_on_bands_that_images_lack_names_the_image(tmp_path: Path) -> None:
    project = hidden_project(tmp_path, further=1)
    with pytest.raises(TooManySkippedError, match=r"scene.tif: has 4 bands, and the network sees 5"):
        train(project, tmp_path / "model", config=TINY | {"bands": [*NAMES, "height"], "epochs": 1})


def test_kernels_of_colours_stay_and_further_bands_get_their_mean() -> None:
    torch.manual_seed(2)
    colours, wide = VggEncoder(encoder_spec("vgg16_bn_slim8")), VggEncoder(encoder_spec("vgg16_bn_slim8"), 5)
    load_encoder_state(wide, colours.state_dict(), "w.pth")
    given, found = colours.features[0].weight, wide.features[0].weight
    assert torch.equal(found[:, :3], given)
    for band in (3, 4):
        assert torch.allclose(found[:, band], given.mean(1))
    again = VggEncoder(encoder_spec("vgg16_bn_slim8"), 5)
    load_encoder_state(again, wide.state_dict(), "w.pth")
    assert torch.equal(again.features[0].weight, found)


def test_recolouring_leaves_further_bands_and_mirroring_takes_them_along() -> None:
    image = torch.randint(0, 256, (2, 5, 8, 8), dtype=torch.uint8)
    mask = torch.zeros(2, 8, 8, dtype=torch.uint8)
    changes = [Change(gains=(0.5, 1.2, 0.9), contrast=0.7), Change(mirrored=True, gains=(0.9, 0.9, 0.9))]
    made, _ = augmented(image, mask, changes)
    assert torch.equal(made[0, 3:], image[0, 3:]) and torch.equal(made[1, 3:], image[1, 3:].flip(-1))
    colours, _ = augmented(image[:, :3], mask, changes)
    assert torch.equal(made[:, :3], colours)


def test_a_config_of_colours_says_nothing_of_bands_and_another_is_checked() -> None:
    assert "bands" not in load_config(TINY).model_dump() and load_config(TINY).bands == list(NAMES[:3])
    with pytest.raises(ConfigError, match=r"train.config: bands: .*do not begin with red, green and blue"):
        load_config(TINY | {"bands": ["nir", "red", "green"]})


def test_a_training_starts_from_a_model_of_its_own_bands(tmp_path: Path) -> None:
    train(hidden_project(tmp_path), tmp_path / "model", config=TINY | BANDS | {"epochs": 1})
    initial = read_config(tmp_path / "model")
    check_start(load_config(TINY | BANDS), None, initial)
    with pytest.raises(
        ConfigError, match=r"bands: \['red', 'green', 'blue'\] are not the initial model's; use \['red', "
    ):
        check_start(load_config(TINY), None, initial)


def test_a_raster_of_colours_stays_what_it_was(tmp_path: Path) -> None:
    train(hidden_project(tmp_path), tmp_path / "model", config=TINY | {"epochs": 1})
    assert "bands" not in json.loads((tmp_path / "model" / "config.json").read_text())
    with rasterio.open(tmp_path / "scene.tif") as dataset:
        assert dataset.count == 4
