"""A faulty query is refused with the path to the fault, its value, the rule and the fix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.core.documents.tutorial import CROP_AUGMENT_QUERY, SPLIT_MASKS_QUERY, SPLIT_TAGGING_QUERY
from components.core.dtl.graph import build_query
from components.core.dtl.query import read_query
from components.core.errors import ConfigError
from tests.queries import choose, data, layer, save, tag, windows

TUTORIAL = [SPLIT_TAGGING_QUERY, CROP_AUGMENT_QUERY, SPLIT_MASKS_QUERY]


def message(*layers: Any) -> str:
    """Of the error that a query ends with."""
    with pytest.raises(ConfigError) as caught:
        build_query(list(layers))
    return str(caught.value)


def one(faulty: Any) -> str:
    """The message about one layer between a good `data` and a good save layer."""
    return message(data(), faulty, save("$all"))


def if_with(**condition: Any) -> str:
    return one(choose("$all", ["$1", "$2"], **condition))


TAG = tag("$all", "$1", "t")
NOISE = layer("noise", "$all", "$1", mean=0, std=1)

LAYER_FAULTS = {
    "no object": (5, "query[1]: 5 is not a JSON object"),
    "action missing": ({k: v for k, v in TAG.items() if k != "action"}, "query[1].action: is missing"),
    "settings missing": ({k: v for k, v in TAG.items() if k != "settings"}, "query[1].settings: is missing"),
    "unknown action": (
        layer("mirror", "$all", "$1"),
        "query[1].action: 'mirror' is not an action; actions are ",
    ),
    "unknown key": (
        {**TAG, "setings": {}},
        "query[1].setings: unknown key; known keys: action, src, dst, settings, name, seed (perhaps 'settings')",
    ),
    "unknown setting": (
        layer("tag", "$all", "$1", tag="t", action="add", colour=1),
        "settings.colour: unknown key; known keys: tag, action",
    ),
    "unknown inner setting": (
        layer("sliding_window", "$all", "$1", window={"width": 4, "hight": 4}, min_overlap={"x": 0, "y": 0}),
        "query[1].settings.window.hight: unknown key; known keys: width, height (perhaps 'height')",
    ),
    "source of wrong type": ({**TAG, "src": "$all"}, 'query[1].src: "$all": input should be a valid list'),
    "destination of wrong type": ({**TAG, "dst": 3}, "query[1].dst: 3: input should be a valid string"),
    "no source": (tag("", "$1", "t"), "query[1].src: is empty; name what the layer reads"),
    "null as source": (tag("$all null", "$1", "t"), "query[1].src[1]: `null` discards and cannot be read"),
    "bare source": (tag("all", "$1", "t"), "query[1].src[0]: 'all' is not a name; names start with `$`"),
    "bare destination": (tag("$all", "1", "t"), "query[1].dst: '1' is not a name; names start with `$`"),
    "only a $": (tag("$all", "$", "t"), "query[1].dst: '$' is not a name"),
    "two destinations": ({**TAG, "dst": ["$1", "$2"]}, "query[1].dst: 'tag' has 1 destination, and 2 are given"),
    "one destination": ({**choose("$all", [], tags=[]), "dst": "$1"}, "'if' has 2 destinations, and 1 are given"),
    "three destinations": (choose("$all", ["$1", "$2", "$3"], tags=[]), "'if' has 2 destinations, and 3 are given"),
    "empty tag": (tag("$all", "$1", ""), 'query[1].settings.tag: "": string should have at least 1 character'),
    "unknown tag action": (tag("$all", "$1", "t", "remove"), "settings.action: \"remove\": input should be 'add' or"),
    "unknown axis": (layer("flip", "$all", "$1", axis="up"), 'query[1].settings.axis: "up": input should be \'vert'),
    "no window": (windows("$all", "$1", 0, 4), "query[1].settings.window.height: 0: input should be greater than"),
    "window as text": (
        layer("sliding_window", "$all", "$1", window={"width": "4", "height": 4}, min_overlap={"x": 0, "y": 0}),
        'window.width: "4": input should be a valid integer',
    ),
    "overlap of the whole width": (
        windows("$all", "$1", 5, 4, columns=4),
        "query[1].settings: min_overlap.x of 4 leaves no stride in width 4; use at most 3",
    ),
    "overlap over the height": (
        windows("$all", "$1", 5, 4, rows=9),
        "min_overlap.y of 9 leaves no stride in height 5; use at most 4",
    ),
    "name of a layer that draws nothing": (
        TAG | {"name": "x"},
        "query[1].name: is for layers that decide by chance, and 'tag' does not; take it out",
    ),
    "seed of a layer that draws nothing with its settings": (
        {**choose("$all", ["$1", "$2"], tags=["a"]), "seed": 3},
        "query[1].seed: is for layers that decide by chance, and 'if' does not with these settings; take it out",
    ),
    "empty name": (NOISE | {"name": ""}, 'query[1].name: "": string should have at least 1 character'),
    "seed below 0": (NOISE | {"seed": -1}, "query[1].seed: -1: input should be greater than or equal to 0"),
    "seed as text": (NOISE | {"seed": "1"}, 'query[1].seed: "1": input should be a valid integer'),
    "no classes to split": (layer("split_masks", "$all", "$1"), "query[1].settings.classes: is missing"),
    "class without a title": (
        layer("data", "INRIA/*", "$1", classes_mapping={"house": "", "__other__": "__default__"}),
        "query[1].settings.classes_mapping: class 'house' would be called ''; give a title, ",
    ),
    "class called like the others": (
        layer("data", "INRIA/*", "$1", classes_mapping={"house": "__other__"}),
        "query[1].settings.classes_mapping: class 'house' would be called '__other__'; give a title, ",
    ),
}


@pytest.mark.parametrize("name", LAYER_FAULTS)
def test_a_faulty_layer(name: str) -> None:
    faulty, expected = LAYER_FAULTS[name]
    assert expected in one(faulty)


def test_a_name_is_of_one_layer() -> None:
    layers = [data(), *(NOISE | {"dst": f"${number}", "name": name} for number, name in enumerate("abab"))]
    assert message(*layers, save("$0 $1 $2 $3")) == (
        "query[3].name: 'a' is the name of query[1] too; give another (action `noise`); "
        "query[4].name: 'b' is the name of query[2] too; give another (action `noise`)"
    )


CONDITION_FAULTS = {
    "none": ({}, ": {} must hold exactly one of probability, regex_names, "),
    "two": ({"tags": ["a"], "min_area": 3}, ': {"tags": ["a"], "min_area": 3} must hold exactly one of probability, '),
    "unknown": ({"chance": 0.5}, ': {"chance": 0.5} must hold exactly one of'),
    "further key": ({"tags": ["a"], "colour": 1}, ".colour: unknown key; known keys: tags"),
    "misspelt key": (
        {"probability": 0.5, "groupby": "source"},
        ".groupby: unknown key; known keys: probability, group_by (perhaps 'group_by')",
    ),
    "above 1": ({"probability": 1.5}, ".probability: 1.5: input should be less than or equal to 1"),
    "below 0": ({"probability": -0.1}, ".probability: -0.1: input should be greater than or equal to 0"),
    "probability as text": ({"probability": "0.5"}, '.probability: "0.5": input should be a valid number'),
    "group_by": ({"probability": 0.5, "group_by": "town"}, ".group_by: \"town\": input should be 'item' or 'source'"),
    "broken pattern": ({"regex_names": ["a", "("]}, ".regex_names[1]: '(' is not a regular expression: missing )"),
    "pattern outside a list": ({"regex_names": "a"}, '.regex_names: "a": input should be a valid list'),
    "tag of wrong type": ({"tags": [3]}, ".tags[0]: 3: input should be a valid string"),
    "no dataset": ({"project_datasets": ["P"]}, ".project_datasets[0]: 'P' is not of the form project/dataset"),
    "half a pixel": ({"min_height": 1.5}, ".min_height: 1.5: input should be a valid integer"),
    "fewer than none": ({"min_objects_count": -1}, ".min_objects_count: -1: input should be greater than or equal"),
    "area of which classes": ({"sum_object_area": 3}, ".classes: is missing; add it"),
}


@pytest.mark.parametrize("name", CONDITION_FAULTS)
def test_a_faulty_condition(name: str) -> None:
    condition, expected = CONDITION_FAULTS[name]
    assert f"query[1].settings.condition{expected}" in if_with(**condition)


def test_faults_of_the_ends() -> None:
    assert message() == message(save("$all"))
    assert message(save("$all")).startswith("query: has no `data` layer; begin with")
    assert message(data()) == "query: has no `supervisely` layer; exactly one saves the result"
    two = message(data(), save("$all"), save("$all", "S"))
    assert two == "query: has 2 layers that save (query[1], query[2]); exactly one saves the result"


@pytest.mark.parametrize("source", ["INRIA", "INRIA/", "/ds", "*/ds", "INRIA/ds/a", "$all"])
def test_a_data_layer_reads_projects(source: str) -> None:
    assert message(data(source), save("$all")) == (
        f"query[0].src[0]: '{source}' is not of the form Project/dataset or Project/* (action `data`)"
    )


@pytest.mark.parametrize("name", ["$result", "null", "", "a/b"])
def test_the_save_layer_names_a_project(name: str) -> None:
    assert message(data(), save("$all", name)).startswith(f"query[1].dst: '{name}' is not a project name; give a bare")


def test_a_name_that_nobody_writes() -> None:
    told = message(data(), TAG, save("$1 $2"))
    assert told == "query[2].src[1]: no layer writes '$2'; names are $1, $all (action `supervisely`)"


def test_loops() -> None:
    itself = message(data(), tag("$all $1", "$1", "t"), save("$1"))
    assert itself == "query[1]: is fed from its own result (loop query[1]); read another name (action `tag`)"
    three = message(data(), tag("$all $3", "$1", "t"), tag("$1", "$2", "t"), tag("$2", "$3", "t"), save("$1"))
    loop = "query[1] → query[3] → query[2]"
    assert three == f"query[1]: is fed from its own result (loop {loop}); read another name (action `tag`)"


def test_pieces_without_connection() -> None:
    apart = message(data(), save("$all"), data("B/*", "$b"), tag("$b", "$c", "t"))
    assert apart.startswith("query[2]: has no connection with query[0]; a query is one graph")


def test_layers_may_stand_in_any_order() -> None:
    query = build_query([save("$2"), tag("$1", "$2", "b"), tag("$all", "$1", "a"), data()])
    assert [entry.index for entry in query.order] == [3, 2, 1, 0]
    assert query.output_name == "RESULT" and query.project_names == ["INRIA"]


def test_text_that_is_no_query(tmp_path: Path) -> None:
    def refused(text: str | Path) -> str:
        with pytest.raises(ConfigError) as caught:
            read_query(text)
        return str(caught.value)

    assert refused("[{]").startswith("query: is not JSON (Expecting property name")
    assert refused('{"action": "data"}') == "query: is a JSON dict, and a query is a list of layers"
    missing = tmp_path / "missing.json"
    rule = "cannot be read (No such file or directory); give a file, the JSON text itself, or the name of a ready-made"
    assert refused(missing).startswith(f"{missing}: {rule} query: split_tagging, ")
    broken = tmp_path / "broken.json"
    broken.write_text("[", encoding="utf-8")
    assert refused(str(broken)).startswith(f"{broken}: is not JSON (")
    broken.write_bytes(b'["\xff"]')
    assert refused(str(broken)).startswith(f"{broken}: is not UTF-8 (")
    assert refused("[" * 100_000) == "query: is not JSON (lists and objects are nested too deep); fix it there"
    assert refused("a\0b").startswith(r"'a\x00b': is neither JSON nor the path of a file (")


def test_a_query_may_be_saved_by_an_editor_that_marks_its_encoding(tmp_path: Path) -> None:
    file = tmp_path / "query.json"
    for encoding in ("utf-8-sig", "utf-16"):
        file.write_text(json.dumps([data()]), encoding=encoding)
        assert read_query(file) == [data()]


@pytest.mark.parametrize("as_text", [True, False])
def test_a_query_is_a_file_or_the_text_itself(tmp_path: Path, as_text: bool) -> None:
    layers = [data(), save("$all")]
    file = tmp_path / "query.json"
    file.write_text(json.dumps(layers), encoding="utf-8")
    assert read_query("\n " + json.dumps(layers) if as_text else file) == layers
