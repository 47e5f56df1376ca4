"""The inference config: the tutorial's document, the defaults and the messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.core.documents.inference import InferenceConfig, load_config
from components.core.documents.tutorial import INFERENCE_CONFIG
from components.core.errors import ConfigError
from components.core.geometry import Size


def test_the_tutorials_document_says_the_defaults() -> None:
    assert load_config(INFERENCE_CONFIG) == InferenceConfig()
    assert set(json.loads(INFERENCE_CONFIG.read_text())) == {"mode", "gpu_devices", "model_classes", "existing_objects"}


def test_what_is_left_out_keeps_its_default_at_every_depth() -> None:
    config = load_config('{"mode": {"window": {"height": 300}}, "model_classes": {"add_suffix": "_x"}}')

    assert config.mode.window.size == Size(300, 512)
    assert (config.model_classes.add_suffix, config.model_classes.save_classes) == ("_x", "__all__")


@pytest.mark.parametrize("mode", ["full_image", "roi", "bboxes"])
def test_other_modes_are_refused_by_name_and_not_for_their_keys(mode: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({"mode": {"source": mode, "bounds": {}, "padding": {}}})

    assert str(caught.value) == (
        f"inference.config: mode.source: '{mode}' is not offered in this release; use 'sliding_window'"
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"mode": {"windw": {}}}, "mode.windw: unknown key; known keys: source, window, min_overlap, save, class_name"),
        ({"modes": {}}, "modes: unknown key; known keys: mode, gpu_devices"),
        ({"mode": {"window": {"width": 0}}}, "mode.window.width: 0:"),
        ({"mode": {"window": {"width": "512"}}}, "mode.window.width: '512':"),
        ({"mode": {"source": "tiles"}}, "mode.source: 'tiles':"),
        ({"mode": {"min_overlap": {"x": 512}}}, "mode.min_overlap.x: 512 leaves no stride for a window width of 512; "),
        ({"mode": {"window": {"height": 100}}}, "mode.min_overlap.y: 128 leaves no stride .* use at most 99"),
        ({"gpu_devices": [-1]}, "gpu_devices: .* indices must be 0 or more"),
        ({"model_classes": {"save_classes": "untitled"}}, "model_classes.save_classes"),
        ({"batch_size": 0}, "batch_size: 0:"),
        ({"mode": {"blend": {"method": "max"}}}, "mode.blend.method: 'max':"),
        (
            {"mode": {"blend": {"discard_border": 65}}},
            "discard_border: 65 leaves gaps between .* 128 px; use at most 64",
        ),
        ({"mode": {"min_overlap": {"x": 8}, "blend": {"discard_border": 5}}}, "discard_border: 5 .* use at most 4"),
        ({"mode": {"flips": "all"}}, "mode.flips: 'all':"),
        ({"mode": {"pad": "zero"}}, "mode.pad: 'zero':"),
        ([], "inference.config: "),
    ],
)
def test_a_broken_document_is_refused_with_the_place(document: Any, message: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(document))

    with pytest.raises(ConfigError, match=message) as caught:
        load_config(file)
    assert str(caught.value).startswith(f"{file}: inference.config: ")
