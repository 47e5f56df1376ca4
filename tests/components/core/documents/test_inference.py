"""The inference config: the tutorial's document, the defaults and the messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.core.documents.inference import InferenceConfig, load_config
from components.core.documents.inference_modes import BboxesMode, RoiMode, SlidingWindowMode
from components.core.documents.tutorial import INFERENCE_CONFIG
from components.core.errors import ConfigError
from components.core.geometry import Size


def test_the_tutorials_document_says_the_defaults() -> None:
    assert load_config(INFERENCE_CONFIG) == InferenceConfig()
    assert set(json.loads(INFERENCE_CONFIG.read_text())) == {"mode", "gpu_devices", "model_classes", "existing_objects"}


def test_what_is_left_out_keeps_its_default_at_every_depth() -> None:
    config = load_config('{"mode": {"window": {"height": 300}}, "model_classes": {"add_suffix": "_x"}}')

    assert isinstance(config.mode, SlidingWindowMode) and config.mode.window.size == Size(300, 512)
    assert (config.model_classes.add_suffix, config.model_classes.save_classes) == ("_x", "__all__")


SIDES = {"left": "100px", "top": "0px", "right": "12.5%", "bottom": "50px"}


@pytest.mark.parametrize(
    "mode",
    [
        {"source": "full_image"},
        {"source": "roi", "bounds": SIDES, "save": True, "class_name": "inference_roi"},
        {
            "source": "bboxes",
            "from_classes": ["car", "tree"],
            "padding": SIDES,
            "save": True,
            "add_suffix": "_input_bbox",
        },
        {"source": "bboxes", "from_classes": "__all__"},
    ],
)
def test_documents_of_the_2018_engine_are_read_as_they_are(mode: dict[str, Any]) -> None:
    document = json.loads(INFERENCE_CONFIG.read_text()) | {"mode": mode}

    config = load_config(document)

    assert config.mode.model_dump(include=set(mode)) == mode
    assert config.model_dump(exclude={"mode"}) == InferenceConfig().model_dump(exclude={"mode"})


def test_modes_have_the_defaults_of_the_2018_engine() -> None:
    roi, boxes = load_config({"mode": {"source": "roi"}}).mode, load_config({"mode": {"source": "bboxes"}}).mode

    none = dict.fromkeys(("left", "top", "right", "bottom"), "0px")
    assert isinstance(roi, RoiMode) and isinstance(boxes, BboxesMode)
    assert (roi.bounds.model_dump(), roi.save, roi.class_name) == (none, False, "inference_roi")
    assert (boxes.padding.model_dump(), boxes.save, boxes.add_suffix) == (none, False, "_input_bbox")
    assert boxes.from_classes == "__all__"


def test_all_that_is_wrong_is_told_at_once() -> None:
    bounds = {"left": "60%", "right": "40%", "top": "50%", "bottom": "50%"}
    with pytest.raises(ConfigError) as caught:
        load_config({"mode": {"source": "roi", "bounds": bounds}, "batch_size": 0})

    places = ["mode.bounds: left 60% and right 40%", "mode.bounds: top 50% and bottom 50%", "batch_size: 0"]
    assert [place in fault for place, fault in zip(places, caught.value.faults, strict=True)] == [True] * 3


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"mode": {"windw": {}}}, "mode.windw: unknown key; known keys: source, window, min_overlap, save, class_name"),
        ({"modes": {}}, "modes: unknown key; known keys: mode, gpu_devices"),
        ({"mode": {"window": {"width": 0}}}, "mode.window.width: 0:"),
        ({"mode": {"window": {"width": "512"}}}, "mode.window.width: '512':"),
        (
            {"mode": {"source": "tiles"}},
            "mode.source: 'tiles': is not a mode; use 'sliding_window' or 'full_image' or 'roi'",
        ),
        ({"mode": {"source": ["roi"]}}, r"mode.source: \['roi'\]: is not a mode"),
        ({"mode": {"source": None}}, "mode.source: None: is not a mode"),
        ({"mode": None}, "mode: None: input should be a valid dict"),
        ({"mode": {"source": "full_image", "save": True}}, "mode.save: unknown key; known keys: source, flips, scales"),
        (
            {"mode": {"source": "roi", "window": {}}},
            "mode.window: unknown key; known keys: source, flips, scales, bounds, save",
        ),
        ({"mode": {"source": "roi", "bounds": {"let": "1px"}}}, r"mode.bounds.let: unknown key; .*perhaps 'left'"),
        ({"mode": {"source": "roi", "bounds": {"left": 10}}}, "mode.bounds.left: 10: input should be a valid string"),
        ({"mode": {"source": "roi", "bounds": {"left": "-1px"}}}, "mode.bounds.left: '-1px': '-1px' is not a length"),
        ({"mode": {"source": "roi", "bounds": {"top": "100%"}}}, "mode.bounds: top 100% and bottom 0px leave nothing"),
        ({"mode": {"source": "roi", "class_name": ""}}, "mode.class_name: '':"),
        ({"mode": {"source": "bboxes", "from_classes": "car"}}, "mode.from_classes"),
        ({"mode": {"source": "bboxes", "from_classes": []}}, "mode.from_classes"),
        (
            {"mode": {"source": "bboxes", "padding": {"left": "5 px"}}},
            "mode.padding.left: '5 px': '5 px' is not a length",
        ),
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
