"""The JSON Schema of the language says what the engine says, as far as a schema can."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from components.core.documents.named import READY_MADE
from components.core.dtl.actions import ACTIONS
from components.core.dtl.conditions import CONDITIONS
from components.core.dtl.graph import build_query
from components.core.dtl.query import read_query
from components.core.dtl.schema import query_schema, query_schema_text
from components.core.errors import ConfigError
from components.core.figures import Shape
from components.core.project import ClassInfo, ProjectMeta
from tests.components.core.dtl.test_query import CONDITION_FAULTS, LAYER_FAULTS
from tests.conformance.case import Case
from tests.fuzzing.mutations import mutated_json
from tests.queries import choose, data, layer, save, tag
from tests.random_queries import INNER, SAVING, SETTINGS, random_query

CASES = sorted((Path(__file__).parents[3] / "conformance" / "cases").iterdir())

META = ProjectMeta("WORLD", tuple(ClassInfo.with_own_color(str(shape), shape) for shape in Shape), ("old",))

UNSAYABLE = (
    r"no layer writes",
    r"is the name of query\[\d+\] too",
    r"is fed from its own result",
    r"has no connection with",
    r"is above max",
    r"leaves no stride",
    r"is not a regular expression",
    r"is not JSON|is not UTF-8",
)
"""What no schema can say: what one value must be as another one is."""

SCHEMA = query_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def refusal(text: str) -> str:
    """Why the engine refuses a query by itself; empty where it does not."""
    try:
        build_query(read_query(text))
    except ConfigError as error:
        faults = error.faults
        return next((fault for fault in faults if not any(re.search(kind, fault) for kind in UNSAYABLE)), "unsayable")
    return ""


def test_it_is_a_schema_of_the_draft_that_it_names_and_knows_everything() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
    text = query_schema_text()
    assert json.loads(text) == SCHEMA
    assert all(f'"{name}"' in text for name in (*ACTIONS, *CONDITIONS))
    assert {entry["const"] for entry in SCHEMA["$defs"]["layer"]["properties"]["action"]["oneOf"]} == set(ACTIONS)


def test_it_tells_what_every_setting_means() -> None:
    windows = SCHEMA["$defs"]["SlidingWindowSettings"]["properties"]
    assert windows["small_images"]["description"].startswith("What becomes of images smaller")
    assert SCHEMA["$defs"]["BackgroundSettings"]["properties"]["class"]["description"]


@pytest.mark.parametrize("name", READY_MADE)
def test_it_accepts_ready_made_queries(name: str) -> None:
    VALIDATOR.validate(read_query(name))


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_it_accepts_recorded_queries_and_refuses_those_that_were(folder: Path) -> None:
    query = (folder / "query.json").read_text(encoding="utf-8")
    reason = refusal(query)
    assert bool(reason) == (Case.read(folder).outcome == "config_error")
    assert VALIDATOR.is_valid(json.loads(query)) == (reason in ("", "unsayable"))


FAULTS = {name: faulty for name, (faulty, _) in LAYER_FAULTS.items()} | {
    f"condition: {name}": choose("$all", ["$1", "$2"], **condition) for name, (condition, _) in CONDITION_FAULTS.items()
}


@pytest.mark.parametrize("name", FAULTS)
def test_it_refuses_faulty_layers(name: str) -> None:
    layers = [data(), tag("$all", "$1", "t"), FAULTS[name], save("$1")]
    assert VALIDATOR.is_valid([data(), tag("$all", "$1", "t"), save("$1")])
    assert VALIDATOR.is_valid(layers) == (refusal(json.dumps(layers)) == "unsayable")


NEITHER_NOR = {
    "crop": ({}, {"sides": None}, {"sides": {}, "random_part": {"height": {}, "width": {}}}, {"sides": {"left": "5"}}),
    "dataset": ({}, {"name": "a", "rule": "save_original"}, {"name": " "}, {"name": "a/b"}),
    "blur": (
        {"name": "median"},
        {"name": "median", "kernel": 4},
        {"name": "gaussian", "kernel": 3},
        {"name": "gaussian", "sigma": {"min": -1, "max": 2}},
        {"name": "gaussian", "sigma": {"min": 1, "max": 2}, "kernel": 3},
    ),
    "contrast_brightness": ({}, {"contrast": None}, {"contrast": {"min": -1, "max": 1}}),
    "resize": (
        {"width": 0, "height": 1, "aspect_ratio": {"keep": True}},
        {"width": -1, "height": -1, "aspect_ratio": {"keep": True}},
        {"width": -1, "height": 5, "aspect_ratio": {"keep": False}},
    ),
    "drop_noise": ({"classes": [], "min_area": "5", "src_type": "image"},),
    "rename": ({"classes_mapping": {"a": "__ignore__"}}, {"classes_mapping": {"__other__": "a"}}),
    "background": ({"class": "__default__"}, {"class": ""}, {}),
    "objects_filter": tuple(
        {"filter_by": {"polygon_sizes": rule}}
        for size in ({}, {"percent": 5, "width": 3}, {"width": 3}, {"percent": 101})
        for rule in [{"filtering_classes": [], "area_size": size, "comparator": "less", "action": "delete"}]
    ),
}


@pytest.mark.parametrize("action", NEITHER_NOR)
def test_it_refuses_settings_that_do_not_go_together(action: str) -> None:
    for settings in NEITHER_NOR[action]:
        layers = [data(), layer(action, "$all", "$1", **settings), save("$1")]
        assert refusal(json.dumps(layers)) not in ("", "unsayable")
        assert not VALIDATOR.is_valid(layers), settings


def test_masks_need_colours() -> None:
    settings = {"images": True, "annotations": True, "masks_machine": False, "masks_human": True}
    for colors, is_fine in (({}, False), ({"gt_machine_color": {}}, False), ({"gt_human_color": {}}, True)):
        layers = [data(), layer("save_masks", "$all", "R", **settings, **colors)]
        assert VALIDATOR.is_valid(layers) == is_fine == (refusal(json.dumps(layers)) == "")


def test_every_action_can_be_drawn() -> None:
    assert set(SETTINGS) == set(ACTIONS) == {"data", *INNER, *SAVING}


def test_it_agrees_with_the_engine_on_random_queries() -> None:
    """Sensible ones and mutated ones; what the engine alone refuses is of a kind that no schema can tell."""
    accepted = 0
    for number in range(500):
        draw = random.Random(number)
        query: Any = random_query(draw, META, ("one", "two"))
        text = json.dumps(query) if number % 5 == 0 else mutated_json(query, draw)
        try:
            layers = read_query(text)
        except ConfigError:
            continue
        reason = refusal(text)
        accepted += not reason
        assert VALIDATOR.is_valid(layers) == (reason in ("", "unsayable")) or reason == "unsayable", (reason, text)
    assert accepted >= 100
