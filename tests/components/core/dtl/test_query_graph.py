"""The graph of a query that ran."""

import json
import re
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.dtl.query_graph import (
    COMFORTABLE_PX,
    GraphDrawing,
    LayerBox,
    Stream,
    _drawn,
    draw_graph,
    layer_boxes,
    query_graph,
)
from components.core.dtl.run import QueryRun, execute_query
from tests.components.core.dtl.projects import items, write
from tests.components.core.reporting.looking import faults_of, text_of
from tests.queries import choose, data, save, tag

TOWNS = ("austin", "chicago", "kitsap", "tyrol-w", "vienna")


def ran(tmp_path: Path, *layers: object) -> QueryRun:
    project = write(tmp_path, [*items(11, "austin"), *items(4, "vienna")])
    return execute_query(json.dumps(layers), [project], tmp_path / "out")


def five_towns() -> list[LayerBox]:
    """The shape of the tutorial's first query: a branch of five layers for each of five towns."""
    boxes = [LayerBox("data", "INRIA/*", (Stream("$sample", 180, tuple(range(1, 26, 5))),))]
    for town in TOWNS:
        at = len(boxes)
        boxes += [
            LayerBox("if", f"name matches ^{town}[0-9]+$", (Stream("$1", 36, (at + 1,)), Stream("null", 144, ()))),
            LayerBox("tag", f"+ {town}", (Stream("$tag", 36, (at + 2,)),)),
            LayerBox("if", "probability 0.14", (Stream("$train", 5, (at + 3,)), Stream("$val", 31, (at + 4,)))),
            LayerBox("tag", "+ trainval", (Stream("$train1", 5, (26,)),)),
            LayerBox("tag", "+ test", (Stream("$val1", 31, (26,)),)),
        ]
    return [*boxes, LayerBox("supervisely", "INRIA_TAGGED", ())]


@st.composite
def queries(draw: st.DrawFn) -> list[LayerBox]:
    """Random graphs without loops, with streams over several ranks, read twice or by nobody."""
    count = draw(st.integers(1, 12))
    text = st.text("abc $^_[]+建 ", max_size=40)

    def stream(place: int) -> Stream:
        readers = draw(st.sets(st.integers(place + 1, count - 1), max_size=3)) if place < count - 1 else ()
        return Stream(draw(text), draw(st.integers(0, 10**7)), tuple(sorted(readers)))

    return [
        LayerBox(
            draw(st.sampled_from(("if", "tag", "sliding_window"))),
            draw(text),
            tuple(stream(place) for _ in range(draw(st.integers(0, 3)))),
        )
        for place in range(count)
    ]


def numbers_of(path: str) -> list[tuple[float, float]]:
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def check(drawing: GraphDrawing, boxes: list[LayerBox]) -> None:
    """No boxes overlap, all lie inside, and every stream leads from its port to the near side of its reader."""
    rectangles = [(p.left, p.top, p.left + p.width, p.top + p.height) for p in drawing.boxes]
    for first, second in combinations(rectangles, 2):
        apart = first[2] < second[0] or second[2] < first[0] or first[3] < second[1] or second[3] < first[1]
        assert apart
    for left, top, right, bottom in rectangles:
        assert left >= 0 and top >= 0 and right <= drawing.width and bottom <= drawing.height
    curves = iter(drawing.curves)
    for box, placed, (left, top, right, bottom) in zip(boxes, drawing.boxes, rectangles, strict=True):
        assert placed.box is box
        for stream, (x, y) in zip(box.streams, placed.ports, strict=True):
            far = y == pytest.approx(bottom) if drawing.is_downward else x == pytest.approx(right)
            assert far and left <= x <= right + 0.1 and top <= y <= bottom + 0.1
            for reader in stream.readers:
                curve, target = next(curves), rectangles[reader]
                points = numbers_of(curve.path)
                middle = (target[0] + target[2]) / 2, (target[1] + target[3]) / 2
                end = (middle[0], target[1]) if drawing.is_downward else (target[0], middle[1])
                assert curve.stream is stream
                assert points[0] == pytest.approx((x, y), abs=0.1) and points[-1] == pytest.approx(end, abs=0.1)
    assert next(curves, None) is None


@pytest.mark.parametrize("is_downward", [False, True])
def test_five_branches_overlap_nowhere_and_every_stream_is_drawn(is_downward: bool) -> None:
    boxes = five_towns()
    check(_drawn(boxes, is_downward), boxes)


@settings(max_examples=40, deadline=None)
@given(queries(), st.booleans())
def test_any_query_overlaps_nowhere_and_every_stream_is_drawn(boxes: list[LayerBox], is_downward: bool) -> None:
    check(_drawn(boxes, is_downward), boxes)


def test_identical_branches_keep_the_order_of_the_query() -> None:
    drawing = draw_graph(five_towns())
    tops = [placed.top for placed in drawing.boxes if placed.box.summary.startswith("name")]
    assert not drawing.is_downward and drawing.width <= COMFORTABLE_PX
    assert len(tops) == 5 and tops == sorted(tops)


def test_a_deep_query_runs_downward() -> None:
    boxes = [LayerBox("flip", "vertical", (Stream("$crops", 1_234_567, (place + 1,)),)) for place in range(29)]
    drawing = draw_graph([*boxes, LayerBox("supervisely", "OUT", ())])
    assert drawing.is_downward and drawing.width < 200


def test_text_fits_its_box() -> None:
    box = LayerBox("tag", "+ " + "W" * 45, (Stream("$" + "n" * 400, 1_234_567, ()),))
    width, height = box.extent(is_downward=False)
    assert len(box.lines) == 3 and max(map(len, box.lines)) <= 20
    assert 20 * 11 <= width < 300 and height < 100
    assert box.streams[0].label == "$" + "n" * 16 + "…"


def test_shows_every_layer_and_the_items_in_every_stream(tmp_path: Path) -> None:
    run = ran(
        tmp_path,
        data(),
        choose("$all", ["$austin", "null"], regex_names=["^austin"]),
        tag("$austin", "$tagged", "town"),
        tag("$austin", "$nobody", "unread"),
        save("$tagged", "TOWNS"),
    )
    section = query_graph(run)
    assert {fact.label: fact.value for fact in section.facts} == {
        "layers": "5",
        "items read": "15",
        "items saved": "11",
    }
    text = text_of(section.body)
    for words in ("data INRIA/* ", "$all 15", "$austin 11", "null 4", "+ town", "+ unread", "$nobody 11", "TOWNS"):
        assert words in text
    assert section.body.count('class="curve') == 4 and section.body.count('<circle class="dropped"') == 2
    assert not faults_of(section.body)
    assert section.body == query_graph(run).body


def test_readers_are_found_wherever_they_are_written(tmp_path: Path) -> None:
    run = ran(tmp_path, save("$tagged $all"), tag("$all", "$tagged", "town"), data())
    assert layer_boxes(run.query, run.result) == [
        LayerBox("data", "INRIA/*", (Stream("$all", 15, (2, 1)),)),
        LayerBox("tag", "+ town", (Stream("$tagged", 15, (2,)),)),
        LayerBox("supervisely", "RESULT", ()),
    ]
    assert query_graph(run).facts[2].value == "30"


def test_users_words_are_escaped(tmp_path: Path) -> None:
    evil = '<img/src="http://evil/x">&'
    body = query_graph(ran(tmp_path, data("INRIA/*", f"${evil}"), tag(f"${evil}", "$x", evil), save("$x"))).body
    assert "<img" not in body and "&lt;img" in body
    assert not re.findall(r"(?:href|src)=\"http", body)
