"""Networks that a training run may ask for: optional packages, a model in use to compare with, further bands."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from components.check_inputs.check_inputs import check_inputs
from components.core.champion import Champion
from tests.components.check_inputs.given import in_order, put_model, wrong
from tests.pipelines.packages import run_shut_in

NEEDS_SMP = {"architecture": "smp.Unet", "encoder": "resnet34", "encoder_weights": "none"}


def test_what_the_images_are_built_without_is_said_before_a_gpu_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = in_order(tmp_path, train_config=NEEDS_SMP)
    for extras in ("smp", "other,smp"):
        monkeypatch.setenv("FOOTPRINTS_EXTRAS", extras)
        check_inputs(given)
    monkeypatch.setenv("FOOTPRINTS_EXTRAS", "")
    assert wrong(given) == [
        "train_config: architecture: smp.* needs segmentation-models-pytorch, and these images are built without it; "
        "build them with `make images EXTRAS=smp`, or use UNetV2"
    ]


def test_where_a_package_is_not_installed_the_light_step_says_how_to_get_it(tmp_path: Path) -> None:
    given = in_order(tmp_path, train_config=NEEDS_SMP)
    command = ["components.check_inputs", "--images-uri", given.images_uri, "--data-root", given.data_root]
    done = run_shut_in("cpu", *command, "--train-config", given.train_config)
    assert done.returncode == 2, done.stderr
    assert (
        "smp.* needs segmentation-models-pytorch, which is not installed; install it, or the project with"
        in done.stderr
    )


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({"encoder": "resnet35"}, "train_config: encoder: 'resnet35' is not known; segmentation-models-pytorch "),
        ({"architecture": "smp.Pan"}, "train_config: architecture: 'smp.Pan' is not known; segmentation-models-pyt"),
        ({"encoder_weights": "ssd"}, "train_config: encoder_weights: 'ssd' is no name of weights of 'resnet34', whi"),
        ({"encoder_weights": "/no/file.pth"}, "train_config: /no/file.pth: there is no such file;"),
    ],
)
def test_names_of_an_optional_package_are_checked_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], fault: str
) -> None:
    monkeypatch.setenv("FOOTPRINTS_EXTRAS", "smp")
    (found,) = wrong(in_order(tmp_path, train_config=NEEDS_SMP | config))
    assert found.startswith(fault)


def test_a_promotion_is_checked_before_anything_is_trained(tmp_path: Path) -> None:
    """The config by itself, the pointer and the model that it names, and whether that knows the same classes."""
    pointer = tmp_path / "models" / "current.json"
    config = {"pointer_uri": str(pointer)}
    check_inputs(in_order(tmp_path, promote_config=config))

    def faults(**keys: Any) -> str:
        return "\n".join(wrong(in_order(tmp_path, promote_config={**config, **keys})))

    assert "promote_config: min_gains: unknown key" in faults(min_gains=1)
    pointer.parent.mkdir()
    pointer.write_text("{")
    assert "promote_config: " in faults() and "put back an earlier version" in faults()

    named = Champion(model_uri=str(tmp_path / "gone"), model="0" * 64, promoted="")
    pointer.write_bytes(named.as_bytes())
    assert "holds no config.json and no model.safetensors" in faults()
    put_model(tmp_path / "other", "bg", "roof")
    pointer.write_bytes(named.model_copy(update={"model_uri": str(tmp_path / "other")}).as_bytes())
    assert "names a model of the classes ['bg', 'roof'], and the new model's are ['bg', 'untitled']" in faults()
    put_model(tmp_path / "same")
    pointer.write_bytes(named.model_copy(update={"model_uri": str(tmp_path / "same")}).as_bytes())
    check_inputs(in_order(tmp_path, promote_config=config, initial_model_uri=str(pointer)))


def put_champion(folder: Path, **keys: Any) -> dict[str, str]:
    """A promotion config whose pointer names a model of such a description."""
    model = put_model(folder / "model", **keys)
    pointer = folder / "current.json"
    pointer.write_bytes(Champion(model_uri=str(model), model="0" * 64, promoted="").as_bytes())
    return {"pointer_uri": str(pointer)}


ONE_SIZE = {"architecture": "smp.Unet", "encoder": "tu-swin_tiny_patch4_window7_224"}


@pytest.mark.parametrize(
    ("keys", "others", "said"),
    [
        (
            {},
            {"inference_config": {"runtime": "onnx"}},
            "promote_config, inference_config: model: {} holds no model.onnx;",
        ),
        (
            {},
            {"inference_config": {"threshold": "best"}},
            "inference_config, promote_config: threshold: 'best': the model in use knows no thresholds, as it was",
        ),
        (
            ONE_SIZE,
            {"inference_config": {"mode": {"scales": [1.0, 2.0]}}},
            "inference_config, promote_config: mode.scales: [1.0, 2.0]: at 2 the network would see windows of 64×64 px "
            "in place of 32×32 px, and 'smp.Unet' with the encoder 'tu-swin_tiny_patch4_window7_224' takes no other",
        ),
        (
            {"bands": ("red", "green", "blue", "nir")},
            {"bands": "3,2,1"},
            "bands: '3,2,1' keeps 3 bands of the images, and the model in use names 4: red, green, blue, nir; give the",
        ),
        (
            {"bands": ("red", "green", "blue", "nir")},
            {"images_uri": "", "makes_scenes": True},
            "promote_config: pointer_uri: the model in use sees ['red', 'green', 'blue', 'nir'], more than the run's",
        ),
    ],
    ids=["no such file", "no thresholds", "one size", "bands that are not kept", "bands of no scene"],
)
def test_what_the_model_in_use_cannot_be_tested_with_is_said_before_anything_is_trained(
    tmp_path: Path, keys: dict[str, Any], others: dict[str, Any], said: str
) -> None:
    given = in_order(tmp_path, promote_config=put_champion(tmp_path, **keys))
    check_inputs(given)
    texts = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in others.items()}
    (fault,) = wrong(dataclasses.replace(given, **texts))
    assert fault.startswith(said.format(tmp_path / "model"))


def test_what_the_model_in_use_can_be_tested_with_is_in_order(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = put_champion(tmp_path, bands=NIR["bands"], thresholds={"untitled": 0.4}, encoder="vgg11_bn")
    (tmp_path / "model" / "model.onnx").touch()
    inference = {"runtime": "onnx", "threshold": "best"}
    check_inputs(in_order(tmp_path, promote_config=config, inference_config=inference, train_config=NIR))
    assert not caplog.records
    check_inputs(in_order(tmp_path, promote_config=config, inference_config=inference))
    assert (
        "promote_config: the model in use sees the bands red, green, blue, nir, and train_config names red, green, blue"
        in caplog.text
    )


def test_scales_are_refused_where_the_encoder_is_known_to_take_one_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTPRINTS_EXTRAS", "smp")
    config = ONE_SIZE | {"encoder_weights": "none", "input_size": {"height": 224, "width": 224}}
    check_inputs(in_order(tmp_path, train_config=config, inference_config={"mode": {"scales": [1.0, 1.05]}}))
    scaled = {"mode": {"scales": [0.75, 1.0]}}
    (fault,) = wrong(in_order(tmp_path, train_config=config, inference_config=scaled))
    assert fault.startswith(
        "inference_config, train_config: mode.scales: [0.75, 1.0]: at 0.75 the network would see windows of 160×160 px "
        "in place of 224×224 px, and 'smp.Unet' with the encoder 'tu-swin_tiny_patch4_window7_224' takes no other "
        "size; use [1.0], or a model of another encoder"
    )
    check_inputs(in_order(tmp_path, train_config=NEEDS_SMP, inference_config=scaled))


NIR: dict[str, Any] = {"bands": ["red", "green", "blue", "nir"], "encoder_weights": "none"}


def test_the_import_keeps_as_many_bands_as_the_network_sees(tmp_path: Path) -> None:
    for bands in ("", "3,2,1,4"):
        check_inputs(in_order(tmp_path, train_config=NIR, bands=bands))
    assert wrong(in_order(tmp_path, train_config=NIR, bands="3,2,1")) == [
        "bands: '3,2,1' keeps 3 bands of the images, and train_config names 4: red, green, blue, nir; give the number "
        "of each, in this order"
    ]
    own = dataclasses.replace(in_order(tmp_path, train_config=NIR), images_uri="", makes_scenes=True)
    (fault,) = wrong(own)
    assert fault.startswith("train_config: bands: ['red', 'green', 'blue', 'nir'] are more than the run's own scenes")
