"""A training run's inputs that are in order, and what is wrong with others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.check_inputs.check_inputs import check_inputs
from components.check_inputs.inputs import TrainingInputs
from components.core.errors import InputsError
from components.core.geometry import Size
from components.core.imagery.bands import COLOURS
from components.core.models import CONFIG_FILE, WEIGHTS_FILE
from components.core.network.description import ModelConfig
from tests.builders import bitmap_meta

TOWNS = ("austin1", "austin2", "chicago3", "vienna12")


def put_imagery(root: Path, *names: str) -> Path:
    """Folders of images and masks that hold files of these names; what is in them does not matter here."""
    for folder in ("images", "gt"):
        (root / folder).mkdir(parents=True)
        for name in names or TOWNS:
            (root / folder / f"{name}.tif").touch()
    return root


def put_model(folder: Path, *titles: str, encoder: str = "vgg16_bn", **keys: Any) -> Path:
    """A model's folder, its weights empty; keys are of its description."""
    classes = bitmap_meta("", *(titles or ("bg", "untitled"))).classes
    described = ModelConfig.of(encoder, classes, "bg", "neutral", Size(32, 32), bands=keys.pop("bands", COLOURS))
    folder.mkdir()
    (folder / CONFIG_FILE).write_text(described.model_copy(update=keys).model_dump_json())
    (folder / WEIGHTS_FILE).touch()
    return folder


def in_order(root: Path, **others: Any) -> TrainingInputs:
    """Inputs with nothing wrong, but for what others say; documents may be parsed."""
    if not (root / "imagery").exists():
        put_imagery(root / "imagery")
    good = TrainingInputs(images_uri=str(root / "imagery"), data_root=str(root / "data"))
    texts = {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in others.items()}
    return replace(good, **{name: others[name] if name == "image_tags" else text for name, text in texts.items()})


def wrong(inputs: TrainingInputs) -> list[str]:
    """What is wrong; at least one thing."""
    with pytest.raises(InputsError) as caught:
        check_inputs(inputs)
    return list(caught.value.faults)
