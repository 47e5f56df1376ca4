"""Our engine agrees with recorded cases, and the comparison is able to disagree."""

from __future__ import annotations

import base64
import json
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from components.core.errors import ConfigError, DataError
from tests.conformance.__main__ import main
from tests.conformance.case import AGREES, DIFFERS, NOT_OFFERED, Case, find_cases, judge
from tests.conformance.comparing import Rules
from tests.conformance.drawing import bitmap, mask_of, write_case
from tests.conformance.make_cases import ALL, CASES, make_cases
from tests.queries import data, layer, save

Edit = Callable[[dict[str, Any]], None]

RECORDED = os.environ.get("CONFORMANCE_CASES", "")
"""A folder of further cases."""


def all_cases() -> list[Case]:
    return find_cases(CASES) + (find_cases(Path(RECORDED)) if RECORDED else [])


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    verdict = judge(case)
    if verdict.word == NOT_OFFERED:
        pytest.skip(f"actions not offered: {', '.join(verdict.notes)}")
    assert not verdict.is_failure, verdict.line()


def test_the_cases_are_those_that_the_script_makes(tmp_path: Path) -> None:
    make_cases(tmp_path)
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")}
    assert made == {path.relative_to(CASES) for path in CASES.rglob("*.*")}
    for name in (path for path in made if path.name in ("query.json", "case.json", "meta.json")):
        assert (tmp_path / name).read_bytes() == (CASES / name).read_bytes(), name
    assert len(find_cases(CASES)) == len(ALL)


def edited(tmp_path: Path, case: str, file: str, edit: Edit) -> Case:
    """A copy of a case with one JSON file changed."""
    folder = shutil.copytree(CASES / case, tmp_path / case)
    path = folder / file
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return Case.read(folder)


def set_key(key: str, value: object) -> Edit:
    return lambda content: content.update({key: value})


def in_object(index: int, key: str, value: object) -> Edit:
    return lambda content: content["objects"][index].update({key: value})


def move_vertex(by: float) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        content["objects"][0]["points"]["exterior"][0][0] += by

    return edit


def shift_bitmap(content: dict[str, Any]) -> None:
    content["objects"][0]["bitmap"]["origin"][0] += 1


def other_bitmap(content: dict[str, Any]) -> None:
    content["objects"][0]["bitmap"]["data"] = bitmap("house", mask_of("##", ".#", "#."))["bitmap"]["data"]


ANN = "expected/P__ds/ann/a.json"

WRONG: dict[str, tuple[str, str, Edit]] = {
    "tag": ("pieces", ANN, set_key("tags", ["t", "t"])),
    "description": ("pieces", ANN, set_key("description", "new")),
    "further key": ("pieces", ANN, set_key("weather", "rain")),
    "size": ("flips", ANN, set_key("size", {"height": 7, "width": 13})),
    "object missing": ("pieces", ANN, lambda content: content["objects"].append(content["objects"][0])),
    "object too many": ("pieces", ANN, lambda content: content["objects"].pop()),
    "object's class": ("pieces", ANN, in_object(0, "classTitle", "wood")),
    "object's tag": ("pieces", ANN, in_object(0, "tags", ["lost"])),
    "object's description": ("pieces", ANN, in_object(0, "description", "new")),
    "object's further key": ("pieces", ANN, in_object(0, "rank", 1)),
    "bitmap's place": ("pieces", ANN, shift_bitmap),
    "bitmap's pixel": ("pieces", ANN, other_bitmap),
    "polygon": ("vectors_cut", ANN, move_vertex(0.01)),
    "line": ("vectors_cut", ANN, lambda content: content["objects"][1]["points"]["exterior"][0].reverse()),
    "point": ("vectors_cut", ANN, in_object(2, "points", {"exterior": [[4, 5.01]], "interior": []})),
    "class": (
        "pieces",
        "expected/meta.json",
        lambda meta: meta["classes"].append({"title": "tree", "shape": "bitmap"}),
    ),
    "shape": ("vectors_cut", "expected/meta.json", lambda meta: meta["classes"][3].update(shape="line")),
    "listed tag": ("routing", "expected/meta.json", set_key("tags_images", [])),
    "skipped": ("small_image", "case.json", set_key("skipped", [])),
    "also skipped": ("small_image", "case.json", set_key("skipped", [{"image": "P/ds/small"}, {"image": "P/ds/fits"}])),
    "refused": ("pieces", "case.json", set_key("outcome", "config_error")),
    "not refused": ("loop", "case.json", set_key("outcome", "ok")),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_expectation_is_noticed(tmp_path: Path, name: str) -> None:
    verdict = judge(edited(tmp_path, *WRONG[name]))
    assert verdict.word == DIFFERS and verdict.is_failure


def turn_ring(content: dict[str, Any]) -> None:
    ring = content["objects"][0]["points"]["exterior"]
    content["objects"][0]["points"]["exterior"] = [*ring[2:], *ring[:3]][::-1]


def pad_bitmap(content: dict[str, Any]) -> None:
    """Turn the 1-bit PNG into one with an empty row and column around."""
    padded = np.zeros((5, 4), np.uint8)
    padded[1:4, 1:3] = mask_of("#.", ".#", "#.") * np.uint8(255)
    packed = base64.b64encode(zlib.compress(cv2.imencode(".png", padded)[1].tobytes())).decode()
    content["objects"][0]["bitmap"] = {"origin": [0, 0], "data": packed}


RIGHT: dict[str, tuple[str, str, Edit]] = {
    "order of objects": ("pieces", ANN, lambda content: content["objects"].reverse()),
    "order of classes": ("vectors_cut", "expected/meta.json", lambda meta: meta["classes"].reverse()),
    "colour": ("pieces", "expected/meta.json", lambda meta: meta["classes"][0].update(color="#000000")),
    "a hair's breadth": ("vectors_cut", ANN, move_vertex(0.0009)),
    "start, direction and closing point of a ring": ("vectors_cut", ANN, turn_ring),
    "margins of a bitmap": ("pieces", ANN, pad_bitmap),
    "direction of a line": ("vectors_cut", ANN, lambda content: content["objects"][1]["points"]["exterior"].reverse()),
}


@pytest.mark.parametrize("name", RIGHT)
def test_another_way_to_write_the_same_is_no_difference(tmp_path: Path, name: str) -> None:
    verdict = judge(edited(tmp_path, *RIGHT[name]))
    assert verdict.word == AGREES, verdict.line()


@pytest.mark.parametrize(
    ("images", "change", "word"),
    [
        ("exact", 1, DIFFERS),
        ("close", 1, AGREES),
        ("close", 2, DIFFERS),
        ("none", 99, AGREES),
    ],
)
def test_pixels(tmp_path: Path, images: str, change: int, word: str) -> None:
    case = edited(tmp_path, "flips", "case.json", set_key("images", images))
    file = case.folder / "expected" / "P__ds" / "img" / "a.png"
    cv2.imwrite(str(file), cv2.imread(str(file)) + np.uint8(change))
    assert judge(case).word == word


def test_few_values_may_be_far_off_in_close_images(tmp_path: Path) -> None:
    case = edited(tmp_path, "flips", "case.json", set_key("images", "close"))
    file = case.folder / "expected" / "P__ds" / "img" / "a.png"
    pixels = cv2.imread(str(file))
    pixels[0, 0, 0] += 20  # 1 of 90 values is more than 1 %
    cv2.imwrite(str(file), pixels)
    assert judge(case).word == DIFFERS


@pytest.mark.parametrize("gone", ["P__ds/ann/a_0000000001.json", "P__ds/img/a.png", "P__ds"])
def test_missing_files_of_the_expectation(tmp_path: Path, gone: str) -> None:
    folder = shutil.copytree(CASES / "flips", tmp_path / "flips")
    path = folder / "expected" / gone
    if path.is_dir():
        path.rename(path.with_name("P__other"))
    else:
        path.unlink()
    word = AGREES if "/img/" in gone else DIFFERS  # images are compared where they are expected
    assert judge(Case.read(folder)).word == word


def test_names_may_go_on_but_not_begin_otherwise(tmp_path: Path) -> None:
    folder = shutil.copytree(CASES / "pieces", tmp_path / "pieces")
    annotation = folder / "expected" / "P__ds" / "ann" / "a.json"
    annotation.rename(annotation.with_name("b.json"))
    verdict = judge(Case.read(folder))
    assert verdict.word == DIFFERS and "name: expected one that begins with 'b'" in verdict.notes[0]


def test_what_a_case_ignores_is_left_out(tmp_path: Path) -> None:
    words = ["name_suffix", "class_color", "objects:house", "tag:t"]
    case = edited(tmp_path, "pieces", "case.json", set_key("ignore", words))
    annotation = case.folder / ANN
    content = json.loads(annotation.read_text(encoding="utf-8"))
    content["objects"], content["tags"] = content["objects"][-1:], []
    annotation.write_text(json.dumps(content), encoding="utf-8")
    assert judge(case).word == AGREES
    content["objects"] = []
    annotation.write_text(json.dumps(content), encoding="utf-8")
    assert judge(case).word == DIFFERS, "objects of the other class still count"


def test_unknown_words_are_refused() -> None:
    with pytest.raises(ConfigError, match="'colour' is not a word"):
        Rules(ignore=frozenset(["colour"]))
    with pytest.raises(ConfigError, match="'fuzzy' is not one of exact, close, none"):
        Rules(images="fuzzy")


def test_an_unknown_action_is_refused_as_it_was(tmp_path: Path) -> None:
    query = [data("P/*"), layer("polish", "$all", "$1"), save("$1")]
    write_case(tmp_path / "polish", "…", query, outcome="config_error")
    (tmp_path / "polish" / "input").mkdir()
    assert judge(Case.read(tmp_path / "polish")).word == AGREES


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(CASES / "pieces", tmp_path / "good" / "1_pieces")
    write_case(tmp_path / "good" / "2_polish", "…", [data("P/*"), layer("polish", "$all", "$1"), save("$1")])
    assert main([str(tmp_path / "good")]) == 0
    good, polish, summary = capsys.readouterr().out.splitlines()
    assert good.split() == ["agrees", "1_pieces"]
    assert polish.split("(") == ["not offered        2_polish ", "because of polish)"]
    assert summary == "1 of 1 cases agree; 1 use actions not offered"

    bad = edited(tmp_path / "bad", *WRONG["tag"])
    assert main([str(tmp_path / "bad"), "--case", "pie"]) == 1
    assert "differs" in capsys.readouterr().out
    edited_again = json.loads((bad.folder / "case.json").read_text(encoding="utf-8")) | {"quirk": "better otherwise"}
    (bad.folder / "case.json").write_text(json.dumps(edited_again), encoding="utf-8")
    assert main([str(tmp_path / "bad")]) == 0, "a quirk may differ"
    assert "quirk, differs" in capsys.readouterr().out

    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "bad"), "--case", "nobody"])
    assert main([str(tmp_path / "none")]) == 2
    assert "holds no case" in capsys.readouterr().err
    (tmp_path / "broken" / "x").mkdir(parents=True)
    (tmp_path / "broken" / "x" / "case.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="does not describe a case"):
        find_cases(tmp_path / "broken")
