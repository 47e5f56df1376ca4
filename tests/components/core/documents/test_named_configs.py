"""Training configs by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.core.documents.named import TRAINING_CONFIGS, merged
from components.core.documents.training import load_config


@pytest.mark.parametrize("name", TRAINING_CONFIGS)
def test_a_name_stands_for_a_config_wherever_one_is_given(name: str, tmp_path: Path) -> None:
    whole = load_config(TRAINING_CONFIGS[name].file)
    (tmp_path / "mine.json").write_text(json.dumps({"base": name}))
    for source in (name, {"base": name}, json.dumps({"base": name}), tmp_path / "mine.json"):
        assert load_config(source) == whole


def test_a_config_is_merged_over_the_named_one_at_every_depth() -> None:
    named = load_config("robust")
    own = load_config({"base": "robust", "lr": 0.5, "augmentation": {"color": 0.3}})
    assert (own.lr, own.augmentation.color) == (0.5, 0.3)
    kept = named.model_dump() | {"lr": 0.5, "augmentation": named.augmentation.model_dump() | {"color": 0.3}}
    assert own.model_dump() == kept


def test_the_two_are_not_the_same() -> None:
    assert load_config("robust") != load_config("tutorial")


@pytest.mark.parametrize(
    ("over", "result"),
    [({}, {"a": {"b": 1, "c": 2}}), ({"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}), ({"a": 4, "d": {}}, {"a": 4, "d": {}})],
)
def test_values_replace_values(over: dict[str, Any], result: dict[str, Any]) -> None:
    document = {"a": {"b": 1, "c": 2}}
    assert merged(document, over) == result
    assert document == {"a": {"b": 1, "c": 2}}
