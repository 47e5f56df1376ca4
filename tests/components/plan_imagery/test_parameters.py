"""What planning is asked for: errors that name value, rule and fix, and settings in one form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from components.core.errors import FootprintsError
from tests.components.plan_imagery.sites import SETTINGS, Site


@pytest.fixture
def local(tmp_path: Path) -> Site:
    return Site(str(tmp_path / "site"), tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"redo": "some"}, "redo: 'some' is not known; use changed .* or all"),
        ({"shard_megapixels": 0.0}, "shard_megapixels: 0.0 is not a size above 0"),
        ({"shard_megapixels": float("nan")}, "shard_megapixels: nan is not a size above 0"),
        ({"max_shards": 0}, "max_shards: 0 is below 1; use 1"),
        ({"max_shards": 400}, r"max_shards: 400 is above \d+, and a run of more may outgrow what Argo holds \(1 MiB\)"),
        ({"captured_pattern": "("}, r"captured_pattern: '\(' is not a regular expression"),
        ({"captured_pattern": r"(?P<year>\d+)"}, r"lacks \(\?P<month>…\), \(\?P<day>…\); add"),
        ({"settings": replace(SETTINGS, inference_config="{")}, "inference_config: not JSON"),
        ({"settings": replace(SETTINGS, inference_config="[]")}, r"inference_config: is JSON, but not an object"),
        ({"settings": replace(SETTINGS, split_masks_query="{}")}, r"split_masks_query: is JSON, but not a list"),
        ({"settings": replace(SETTINGS, class_title="")}, "class_title: is empty"),
        ({"settings": replace(SETTINGS, tolerance="1 ft")}, "tolerance: '1 ft' is not a distance of 0 or more"),
        ({"settings": replace(SETTINGS, min_area_m2=-1.0)}, "min_area_m2: -1.0 is not a number of 0 or more"),
        ({"model_uri": "/nowhere/model"}, "model: /nowhere/model holds no config.json and no model.safetensors"),
    ],
)
def test_parameters_are_checked(local: Site, options: dict[str, object], words: str) -> None:
    local.put_image("west.tif")
    with pytest.raises(FootprintsError, match=words):
        local.plan(**options)
    assert not (local.work / "plan").exists()


def test_a_detector_is_the_model_and_every_setting(local: Site) -> None:
    local.put_image("west.tif")
    file = local.work / "inference.json"
    file.write_text('{\n "batch_size": 4\n}')

    plan = local.plan()

    assert local.plan(settings=replace(SETTINGS, inference_config=str(file))) == plan
    assert local.plan(settings=replace(SETTINGS, min_area_m2=0)) == plan
    changes: list[dict[str, object]] = [
        {"confidence": True},
        {"inference_config": ""},
        {"min_area_m2": 5.0},
        {"split_masks_query": "[]"},
    ]
    others = [local.plan(settings=replace(SETTINGS, **change)) for change in changes]
    others.append(local.plan(model_uri=local.put_model(b"other", "other")))
    assert len({plan.detector, *(other.detector for other in others)}) == 6
