import re
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import ConfigError
from components.core.reporting.graph import graph_picture, query_graph
from components.core.reporting.graph_plan import Curve, GraphEdge, GraphLayer, GraphPlan, Node, _plan, plan_graph
from tests.components.core.reporting.looking import faults_of, image_of, text_of

TOWNS = ("austin", "chicago", "kitsap", "tyrol-w", "vienna")


def five_towns() -> tuple[list[GraphLayer], list[GraphEdge]]:
    """The shape of the tutorial's first query: a branch of five layers for each of five towns."""
    layers, edges = [GraphLayer("data", "data", "INRIA/*")], []
    for number, town in enumerate(TOWNS, start=1):
        ids = [f"{kind}{number}" for kind in ("if", "tag", "split", "train", "test")]
        layers += [
            GraphLayer(ids[0], "if", f"name matches ^{town}[0-9]+$"),
            GraphLayer(ids[1], "tag", f"add {town}"),
            GraphLayer(ids[2], "if", "probability 0.14"),
            GraphLayer(ids[3], "tag", "add trainval"),
            GraphLayer(ids[4], "tag", "add test"),
        ]
        edges += [
            GraphEdge("data", ids[0], "$sample", 180),
            GraphEdge(ids[0], ids[1], f"${number}", 36),
            GraphEdge(ids[0], None, "null", 144),
            GraphEdge(ids[1], ids[2], f"$tag_{number}", 36),
            GraphEdge(ids[2], ids[3], f"$to_train{number}", 5),
            GraphEdge(ids[2], ids[4], f"$to_val{number}", 31),
            GraphEdge(ids[3], "save", f"$train{number}", 5),
            GraphEdge(ids[4], "save", f"$val{number}", 31),
        ]
    return [*layers, GraphLayer("save", "supervisely", "INRIA_TAGGED")], edges


@st.composite
def queries(draw: st.DrawFn) -> tuple[list[GraphLayer], list[GraphEdge]]:
    """Random graphs without loops, with edges over several ranks and dropped streams."""
    count = draw(st.integers(1, 12))
    text = st.text("abc $^_[]+ ", max_size=40)
    layers = [
        GraphLayer(str(i), draw(st.sampled_from(("if", "tag", "sliding_window"))), draw(text)) for i in range(count)
    ]
    edges = []
    for source in range(count):
        for target in draw(st.sets(st.integers(source + 1, count), max_size=3)):
            number = draw(st.none() | st.integers(0, 10**7))
            edges.append(GraphEdge(str(source), None if target == count else str(target), draw(text), number))
    return layers, edges


def node_box(node: Node) -> tuple[float, float, float, float]:
    return node.left, node.top, node.left + node.width, node.top + node.height


def label_box(curve: Curve, plan: GraphPlan) -> tuple[float, float, float, float]:
    half_width, half_height = (curve.label_width / 2, 9) if plan.is_downward else (2, 15)
    return (
        curve.label.x - half_width,
        curve.label.y - half_height,
        curve.label.x + half_width,
        curve.label.y + half_height,
    )


def overlap(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def check_plan(plan: GraphPlan, layers: list[GraphLayer], edges: list[GraphEdge]) -> None:
    boxes = [node_box(node) for node in plan.nodes] + [label_box(curve, plan) for curve in plan.curves]
    assert not [pair for pair in combinations(boxes, 2) if overlap(*pair)]
    assert [node.layer for node in plan.nodes] == layers
    assert [curve.edge for curve in plan.curves] == edges
    places = {node.layer.id: node_box(node) for node in plan.nodes}
    for curve in plan.curves:
        check_ends(curve, places, plan.is_downward)
    for box in boxes:
        assert box[0] >= 0 and box[1] >= 0 and box[2] <= plan.width and box[3] <= plan.height


def check_ends(curve: Curve, places: dict[str, tuple[float, float, float, float]], is_downward: bool) -> None:
    """An edge leaves the far side of its source and ends on the near side of its target."""
    left, top, right, bottom = places[curve.edge.source]
    start, end = curve.points[0], curve.points[-1]
    if is_downward:
        assert start.y == pytest.approx(bottom) and left <= start.x <= right
    else:
        assert start.x == pytest.approx(right) and top <= start.y <= bottom
    if curve.edge.target is not None:
        left, top, right, bottom = places[curve.edge.target]
        if is_downward:
            assert end.y == pytest.approx(top) and left <= end.x <= right
        else:
            assert end.x == pytest.approx(left) and top <= end.y <= bottom


@pytest.mark.parametrize("is_downward", [False, True])
def test_five_branches_overlap_nowhere_and_every_edge_is_drawn(is_downward: bool) -> None:
    layers, edges = five_towns()

    check_plan(_plan(layers, edges, is_downward), layers, edges)


def test_identical_branches_keep_the_order_of_the_query() -> None:
    plan = plan_graph(*five_towns())

    tops = [node.top for node in plan.nodes if node.layer.id.startswith("split")]
    assert not plan.is_downward
    assert tops == sorted(tops)


@settings(max_examples=40, deadline=None)
@given(queries(), st.booleans())
def test_any_query_overlaps_nowhere_and_every_edge_is_drawn(
    query: tuple[list[GraphLayer], list[GraphEdge]], is_downward: bool
) -> None:
    layers, edges = query

    check_plan(_plan(layers, edges, is_downward), layers, edges)


def test_svg_shows_every_count_and_name() -> None:
    svg = query_graph(*five_towns())

    assert svg.count("<path") == len(five_towns()[1]) + 1  # and the arrow's head
    assert svg.count('class="edge dropped"') == 5
    text = text_of(svg)
    for expected in ("$to_train3 5", "$to_val3 31", "null 144", "$sample 180", "INRIA_TAGGED", "^tyrol-w[0-9]+$"):
        assert expected in text
    assert not faults_of(svg)


def test_a_deep_query_runs_downward_and_a_large_count_is_grouped() -> None:
    layers = [GraphLayer(str(i), "flip", "vertical") for i in range(12)]
    edges = [GraphEdge(str(i), str(i + 1), "$crops", 1_234_567) for i in range(11)]

    plan = plan_graph(layers, edges)

    assert plan.is_downward and plan.width < 400
    assert "1 234 567" in text_of(query_graph(layers, edges))


def test_same_query_gives_same_text() -> None:
    assert query_graph(*five_towns()) == query_graph(*five_towns())


def test_names_are_escaped_and_shortened() -> None:
    evil = '<img src="http://evil/x">&' + "x" * 400
    svg = query_graph([GraphLayer("a", evil, evil), GraphLayer("b", "tag")], [GraphEdge("a", "b", evil, 1)])

    assert "<img" not in svg and "&lt;img" in svg
    assert not re.findall(r"(?:href|src)=\"http", svg)
    assert float(re.search(r'width="(\d+)"', svg).group(1)) < 900


def test_unknown_counts_are_left_out() -> None:
    layers = [GraphLayer("a", "data"), GraphLayer("b", "supervisely", "out")]
    picture = graph_picture(layers, [GraphEdge("a", "b", "$x")])

    assert 'class="count"' not in picture.body
    assert [fact.label for fact in picture.facts] == ["layers"]


def test_items_read_are_counted_once_however_many_read_them() -> None:
    picture = graph_picture(*five_towns(), title="Query")

    assert {fact.label: fact.value for fact in picture.facts} == {
        "layers": "27",
        "items read": "180",
        "items saved": "180",
    }


def test_picture_without_layers_says_so() -> None:
    assert "No layers" in text_of(graph_picture([], []).html())


def test_png_shows_the_kinds_of_layer() -> None:
    pixels = image_of(graph_picture(*five_towns()).draw_png())

    for color in ((0xE8, 0xF0, 0xF8), (0xE5, 0xF4, 0xEE), (0xFD, 0xF5, 0xE3)):
        assert (pixels == color).all(axis=2).sum() > 500


def test_a_loop_is_refused() -> None:
    layers = [GraphLayer("a", "tag"), GraphLayer("b", "tag")]

    with pytest.raises(ConfigError, match="loop"):
        query_graph(layers, [GraphEdge("a", "b", "$x"), GraphEdge("b", "a", "$y")])


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'\$x' refers to layer 'c'"):
        query_graph([GraphLayer("a", "tag")], [GraphEdge("a", "c", "$x")])
