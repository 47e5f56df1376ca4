"""Thresholds as configs give them, and what they change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from components.core.documents.inference import load_config
from components.core.documents.thresholds import thresholds_of
from components.core.errors import ConfigError
from components.core.figures import Shape
from components.core.geometry import Size
from components.core.network.description import ModelConfig
from components.core.network.model_artifact import load_model, save_model
from components.core.project import ClassInfo, write_manifest
from components.core.project.predicted_classes import PredictedClass, predicted_class
from components.infer_windows.predictor import NetworkPredictor
from tests.components.infer_windows.small import CONFIG, SOFT, WINDOW_PX, infer, raster, save_pair_model

CLASS_INFOS = tuple(ClassInfo(title, Shape.BITMAP, "#000000") for title in ("bg", "house", "road"))


def model_of(**thresholds: float) -> ModelConfig:
    described = ModelConfig.of("vgg16_bn_slim8", CLASS_INFOS, "bg", "neutral", Size(16, 16))
    return described.model_copy(update={"thresholds": thresholds})


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, ()), (0.3, (0.3, 0.3)), ({"road": 0.2}, (0.5, 0.2)), ("best", (0.45, 0.5))],
)
def test_the_configs_word_as_numbers(given: object, expected: tuple[float, ...]) -> None:
    assert thresholds_of(load_config({"threshold": given}), model_of(house=0.45)) == expected


def test_thresholds_that_do_not_go_with_the_model_are_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"threshold: 'tree' is not a class of the model; its classes: 'house', 'road'"
    ):
        thresholds_of(load_config({"threshold": {"tree": 0.5}}), model_of())
    with pytest.raises(ConfigError, match="threshold: 'bg' is not a class of the model but its background"):
        thresholds_of(load_config({"threshold": {"bg": 0.5}}), model_of())
    with pytest.raises(ConfigError, match=r"threshold: 'best': the model knows no thresholds.*give a number"):
        thresholds_of(load_config({"threshold": "best"}), model_of())


@pytest.mark.parametrize("given", [0, 1, 1.5, "half", {"house": 0}, {"house": "best"}, [0.5], True])
def test_a_threshold_is_a_probability(given: object) -> None:
    with pytest.raises(ConfigError, match="threshold"):
        load_config({"threshold": given})


def test_a_threshold_moves_the_mask_and_gives_files_of_their_own(project: Path, tmp_path: Path) -> None:
    model = save_pair_model(tmp_path / "soft", SOFT)
    masks = {}
    for threshold in (None, 0.5, 0.3):
        _, _, (item, *_) = infer(project, model, config=CONFIG | {"threshold": threshold})
        masks[threshold] = item.rasters["classes"], raster(item.rasters["classes"])
    assert len({name for name, _ in masks.values()}) == 3
    assert np.array_equal(masks[None][1], masks[0.5][1])
    assert (masks[0.3][1] >= masks[0.5][1]).all() and (masks[0.3][1] > masks[0.5][1]).any()


@pytest.mark.parametrize(("threshold", "known"), [(None, 0.5), (0.3, 0.3)])
def test_an_item_knows_which_class_its_objects_are_and_from_which_probability_on(
    project: Path, tmp_path: Path, threshold: float | None, known: float
) -> None:
    model = save_pair_model(tmp_path / "soft", SOFT)
    for _ in ("the network", "what it said before"):
        _, _, items = infer(project, model, config=CONFIG | {"threshold": threshold})
        titles = [entry.title for entry in load_model(model).config.classes]
        for item in items:
            found = [predicted_class(item, f"{title}_dl") for title in titles]
            assert found == [PredictedClass(0, 1 - known), PredictedClass(1, known)]


def test_an_image_that_is_inferred_again_keeps_nothing_of_the_network_before(project: Path, tmp_path: Path) -> None:
    model = save_pair_model(tmp_path / "soft", SOFT)
    _, meta, items = infer(project, model)
    assert all("probability" in item.rasters for item in items)
    write_manifest(tmp_path / "first", meta, items)
    _, _, again = infer(tmp_path / "first", model, config=CONFIG | {"probabilities": False})
    assert not any("probability" in item.rasters for item in again)


def test_a_temperature_makes_probabilities_milder(project: Path, tmp_path: Path) -> None:
    plain, milder = save_pair_model(tmp_path / "plain", SOFT), save_pair_model(tmp_path / "milder", SOFT)
    loaded = load_model(milder)
    save_model(milder, loaded.network, loaded.config.model_copy(update={"temperature": 2.0}), {})
    (_, before), (_, after) = (
        (raster(item.rasters["classes"]), raster(item.rasters["confidence"]) / 255)
        for item in (infer(project, model)[2][0] for model in (plain, milder))
    )
    assert (after <= before).mean() > 0.9, "but where windows disagree"
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, WINDOW_PX, WINDOW_PX), np.uint8)
    sharp, mild = (
        NetworkPredictor(load_model(plain).network, Size(WINDOW_PX, WINDOW_PX), torch.device("cpu"), "float32", **given)
        for given in ({}, {"temperature": load_model(milder).config.temperature})
    )
    logits = np.log(sharp(pixels))
    powers = np.exp((logits - logits.max(1, keepdims=True)) / 2)
    assert np.allclose(mild(pixels), powers / powers.sum(1, keepdims=True), atol=1e-5)
