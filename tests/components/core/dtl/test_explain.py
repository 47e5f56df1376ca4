"""A query explained: its graph as text and as a drawing, its layers in words, its faults where they are."""

from __future__ import annotations

import io
import json
import random
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from components.core.documents.named import READY_MADE
from components.core.dtl.explain import explain
from components.core.dtl.graph import build_query
from components.core.dtl.text_graph import NODE, text_graph
from components.core.errors import ConfigError
from components.core.figures import Shape
from components.core.project import ClassInfo, ProjectMeta
from tests.components.core.dtl.test_command_line import call
from tests.queries import choose, data, drawing, layer, save, tag
from tests.random_queries import random_query

META = ProjectMeta("WORLD", tuple(ClassInfo.with_own_color(str(shape), shape) for shape in Shape), ("old",))


def test_a_graph_that_parts_and_joins() -> None:
    query = build_query(
        [
            data(),
            layer("flip", "$all", "$flipped", axis="vertical"),
            choose("$all $flipped", ["$train", "$val"], probability=0.5),
            tag("$train", "$tagged", "train"),
            tag("$val", "$tagged", "val"),
            choose("$tagged", ["$good", "null"], min_objects_count=1),
            save("$good $all"),
        ]
    )
    assert [row for row, _ in text_graph(query)] == [
        "●",
        "├─●",
        "├─●",
        "│ ├─╮",
        "│ ● │",
        "│ │ ●",
        "│ ├─╯",
        "│ ●",
        "●─╯",
    ]


def test_every_layer_stands_once_in_its_row_and_below_what_it_reads() -> None:
    for number in range(200):
        query = build_query(random_query(random.Random(number), META, ("one",), most=12))
        rows = list(text_graph(query))
        assert [layer for _, layer in rows if layer] == list(query.order)
        assert all(lanes.count(NODE) == (layer is not None) for lanes, layer in rows)
        assert rows[-1][1] is None or len(rows[-1][0].rstrip()) == len(rows[-1][0])


@pytest.mark.parametrize("name", READY_MADE)
def test_ready_made_queries_are_explained(name: str) -> None:
    explanation = explain(name)
    assert explanation.query is not None and not explanation.faults
    text = explanation.text()
    assert all(f"\n{entry.place} {entry.action.name}: " in text for entry in explanation.query.layers)
    assert all(setting.about for entry in explanation.layers for setting in entry.settings if "window" in setting.key)


def test_words_of_layers() -> None:
    layers = [
        data(),
        drawing(choose("$all", ["$1", "null"], probability=0.5, group_by="source"), "split", 3),
        layer("sliding_window", "$1", "$2", window={"width": 8, "height": 9}, min_overlap={"x": 0, "y": 0}),
        layer("noise", "$2", "$3", mean=0, std=1),
        save("$3"),
    ]
    text = " ".join(explain(json.dumps(layers)).text().split())
    assert text.startswith("INRIA → RESULT, 5 layers ● query[0] data: INRIA/* → $all ●")
    for words in (
        "query[1] if: $all → $1, discarded To the first destination",
        "Items go to $1 where this is true, and others are discarded. True with a chance of `probability`",
        "keyed by its own seed 3, the name 'split', and the name of the image that the item came from.",
        '- condition.group_by: "source" – What goes one way together',
        "- window.width: 8 – Size of the window, in pixels.",
        '- small_images: "refuse" (unless given) – What becomes of images smaller',
        "keyed by the run's seed, the action and its destinations ('noise $3'), and the item's name.",
    ):
        assert words in text


FAULTY = [data(), layer("flip", "$all", "$1", axis="up"), tag("$1", "$2", ""), 3, {"action": "none"}, save("$2")]


def test_faults_stand_at_their_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "query.json"
    file.write_text(json.dumps(FAULTY), encoding="utf-8")
    assert call("--explain", file, "--drawing", tmp_path / "drawing.html") == 2
    said = capsys.readouterr()
    blocks = said.out.split("\n\n")
    assert "faults in a query of 6 layers" in blocks[0]
    assert [("FAULT" in block) for block in blocks[1:]] == [False, True, True, True, True, False]
    assert blocks[2].startswith("query[1] flip\n") and "query[1].settings.axis" in blocks[2]
    assert f"{file}: query[1].settings.axis: " in said.err
    assert not (tmp_path / "drawing.html").exists()


def test_a_fault_of_the_whole_query_is_told_beside_its_layers() -> None:
    explanation = explain(json.dumps([data(), tag("$all", "$1", "t")]))
    assert explanation.query is None and "no `supervisely` layer" in explanation.faults[0]
    assert [entry.faults for entry in explanation.layers] == [(), ()]
    apart = explain(json.dumps([data(), tag("$x", "$1", "t"), save("$1")]))
    assert apart.layers[1].faults == apart.faults


def test_what_is_no_query_is_refused() -> None:
    with pytest.raises(ConfigError, match="is a JSON dict"):
        explain("{}")


def test_drawings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--explain", "crop_augment", "--drawing", tmp_path / "a.svg") == 0
    drawn = ET.parse(tmp_path / "a.svg").getroot()
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {text for node in drawn.iter() for text in [(node.text or "").strip()] if text}
    assert {"sliding_window", "$crops", "INRIA_train"} <= texts
    assert not any("items" in text for text in texts), "it did not run"
    assert call("--explain", "crop_augment", "--drawing", tmp_path / "a.html") == 0
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<svg" in page and "query[2] sliding_window: $sample1 → $crops" in page and "http://www.w3.org" in page
    assert "<code>probability</code>" in page and "`" not in page
    assert "INRIA_TAGGED → INRIA_train, 10 layers" in capsys.readouterr().out
    assert call("--drawing", tmp_path / "b.svg") == 2
    assert call("--explain", "crop_augment", "--drawing", tmp_path / "c.png") == 2
    assert "c.png: drawings are SVG or HTML; call it *.svg or *.html" in capsys.readouterr().err
    assert not (tmp_path / "c.png").exists()


def test_a_terminal_that_knows_no_arrows(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert call("--explain", "crop_augment") == 0
    sys.stdout.flush()
    assert written.getvalue().startswith(b"INRIA_TAGGED \\u2192 INRIA_train, 10 layers")
