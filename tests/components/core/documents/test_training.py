"""The training config: defaults, merging, and errors that name the place."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.core.documents.training import load_config
from components.core.documents.tutorial import TRAIN_CONFIG
from components.core.errors import ConfigError

TUTORIAL: dict[str, Any] = {
    "lr": 0.001,
    "epochs": 5,
    "val_every": 1,
    "batch_size": {"val": 3, "train": 3},
    "input_size": {"width": 512, "height": 512},
    "gpu_devices": [0, 1, 2],
    "data_workers": {"val": 3, "train": 3},
    "dataset_tags": {"val": "val", "train": "train"},
    "special_classes": {"neutral": "neutral", "background": "bg"},
    "weights_init_type": "transfer_learning",
}


OWN: dict[str, Any] = {
    "pad": "none",
    "architecture": "UNetV2",
    "encoder": "vgg16_bn",
    "encoder_weights": "imagenet",
    "lr_schedule": "plateau",
    "calibrate": False,
    "warmup": 0.0,
    "optimizer": "adam",
    "weight_decay": 0.0,
    "gradient_clip": 0.0,
    "ema_decay": 0.0,
    "recompute_statistics": 0,
    "head_scale": 1.0,
    "augmentation": {"mirror": False, "turn": False, "color": 0.0, "scale": 0.0},
    "negatives": 0.0,
    "early_stopping": 0,
    "seed": 0,
    "precision": "auto",
    "onnx": True,
}
"""Keys that the tutorial's system does not have, with defaults that change nothing of what it does."""


def test_the_default_is_the_tutorials_document() -> None:
    assert json.loads(TRAIN_CONFIG.read_text()) == TUTORIAL


def test_the_tutorials_document_is_valid_as_it_is() -> None:
    loaded = load_config(TRAIN_CONFIG).model_dump(mode="json")
    assert {key: loaded[key] for key in TUTORIAL} == TUTORIAL


def test_defaults_are_those_of_the_reference() -> None:
    loaded = load_config("{}").model_dump(mode="json")
    assert {key: loaded.pop(key) for key in OWN} == OWN
    assert loaded == {
        "dataset_tags": {"train": "train", "val": "val"},
        "batch_size": {"train": 1, "val": 1},
        "data_workers": {"train": 0, "val": 0},
        "allow_corrupted_samples": {"train": 0, "val": 0},
        "special_classes": {"background": "bg", "neutral": "neutral"},
        "input_size": {"height": 128, "width": 128},
        "epochs": 2,
        "val_every": 0.5,
        "lr": 0.1,
        "lr_decreasing": {"patience": 1000, "lr_divisor": 5.0},
        "loss_weights": {"bce": 1.0, "dice": 1.0, "boundary": 0.0, "boundary_px": 2},
        "weights_init_type": "transfer_learning",
        "validate_with_model_eval": True,
        "gpu_devices": [0],
    }


def test_a_users_config_is_merged_at_every_depth(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"lr": 1, "batch_size": {"train": 8}, "lr_decreasing": {"patience": 3}}')
    for source in (tmp_path / "mine.json", str(tmp_path / "mine.json"), (tmp_path / "mine.json").read_text()):
        loaded = load_config(source)
        assert (loaded.lr, loaded.batch_size.train, loaded.batch_size.val) == (1.0, 8, 1)
        assert (loaded.lr_decreasing.patience, loaded.lr_decreasing.lr_divisor, loaded.epochs) == (3, 5.0, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"batch_size": {"trian": 3}}', "train.config: batch_size.trian: unknown key; known keys: train, val"),
        ('{"learning_rate": 3}', "train.config: learning_rate: unknown key; known keys: dataset_tags, batch_size,"),
        ('{"input_size": {"width": 500}}', "input_size.width: 500 is not a multiple of 16; use 496 or 512"),
        ('{"input_size": {"height": 0}}', "input_size.height: 0 is not a multiple of 16; use 16"),
        ('{"special_classes": {"neutral": "bg"}}', "special_classes: .* background and neutral must differ"),
        ('{"epochs": 0}', "epochs: 0: input should be greater than or equal to 1"),
        ('{"epochs": "5"}', "epochs: '5': input should be a valid integer"),
        ('{"val_every": 0}', "val_every: 0: input should be greater than 0"),
        ('{"lr": Infinity}', "not JSON: Infinity is not a JSON number"),
        ('{"lr_decreasing": {"lr_divisor": 1}}', "lr_decreasing.lr_divisor: 1: input should be greater than 1"),
        ('{"loss_weights": {"bce": 0, "dice": 0}}', "loss_weights: .* leaves no loss"),
        ('{"ema_decay": 1}', "ema_decay: 1: input should be less than 1"),
        ('{"negatives": 1.0}', "negatives: 1.0: input should be less than 1"),
        ('{"optimizer": "sgd"}', "optimizer: 'sgd': input should be 'adam' or 'adamw'"),
        ('{"weight_decay": 0.01}', "weight_decay: 0.01 is for AdamW, and optimizer is 'adam'; use 'adamw'"),
        (
            '{"augmentation": {"turn": true}, "input_size": {"width": 256}}',
            "augmentation.turn: a window of 128×256 px does not fit itself when it is turned; use an input_size",
        ),
        ('{"base": "robots"}', "train.config: base: 'robots' is not known; use one of tutorial, robust"),
        ('{"weights_init_type": "random"}', "weights_init_type: 'random': .* 'transfer_learning' or 'continue_tr"),
        ('{"gpu_devices": [0, 0]}', r"gpu_devices: \[0, 0\]: device indices must be 0 or more and differ"),
        ('{"gpu_devices": [0, "1"]}', r"gpu_devices\[1\]: '1': input should be a valid integer"),
        ('{"encoder": "resnet"}', "train.config: encoder: 'resnet' is not known; use one of vgg11_bn"),
        ('{"lr": 0.1,}', "train.config: not JSON: .* line 1 column"),
        ("[]", r"train.config: \[\]: input should be a valid dictionary"),
        ("", "train.config: is empty"),
        ("gone.json", "gone.json: train.config: is neither JSON nor a readable file"),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(text)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(ConfigError, match=r"epochs: -1: .*; train.config: seeed: unknown key"):
        load_config('{"seeed": 1, "epochs": -1}')


def test_a_fault_is_told_with_the_file_it_stands_in(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"input_size": {"width": 100, "height": 96}}')
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert str(caught.value).startswith(f"{file}: train.config: input_size")
