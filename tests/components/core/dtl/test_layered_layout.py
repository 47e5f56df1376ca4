from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.dtl.layered_layout import Arrow, Layout, layered


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[float], list[Arrow]]:
    """Boxes of any extent, and arrows from each to later ones."""
    count = draw(st.integers(1, 14))
    extents = draw(st.lists(st.floats(10, 200), min_size=count, max_size=count))
    arrows = [
        Arrow(source, target, draw(st.floats(-0.5, 0.5)) * extents[source])
        for source in range(count - 1)
        for target in draw(st.sets(st.integers(source + 1, count - 1), max_size=3))
    ]
    return extents, arrows


def check_apart(extents: list[float], arrows: list[Arrow], layout: Layout) -> None:
    """In each rank, boxes and the arrows that pass it overlap nowhere."""
    spans: dict[int, list[tuple[float, float]]] = {}
    for rank, centre, extent in zip(layout.ranks, layout.centres, extents, strict=True):
        spans.setdefault(rank, []).append((centre - extent / 2, centre + extent / 2))
    for arrow, passing in zip(arrows, layout.passing, strict=True):
        passed = range(layout.ranks[arrow.source] + 1, layout.ranks[arrow.target])
        for rank, place in zip(passed, passing, strict=True):
            spans[rank].append((place, place))
    for row in spans.values():
        assert min(row)[0] >= -1e-6 and max(end for _, end in row) <= layout.extent + 1e-6
        assert all(end < begin for (_, end), (begin, _) in pairwise(sorted(row)))


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_nothing_overlaps_and_arrows_lead_to_later_ranks(graph: tuple[list[float], list[Arrow]]) -> None:
    extents, arrows = graph
    layout = layered(extents, arrows)
    assert all(layout.ranks[arrow.source] < layout.ranks[arrow.target] for arrow in arrows)
    check_apart(extents, arrows, layout)


def test_a_chain_is_straight() -> None:
    layout = layered([50, 90, 20], [Arrow(0, 1), Arrow(1, 2)])
    assert layout.ranks == (0, 1, 2)
    assert layout.centres == pytest.approx([45, 45, 45]) and layout.extent == pytest.approx(90)


def test_a_box_lies_below_the_stream_that_it_reads() -> None:
    layout = layered([100, 20, 20], [Arrow(0, 1, -25.0), Arrow(0, 2, 25.0)])
    assert layout.centres[1:] == pytest.approx([layout.centres[0] - 25, layout.centres[0] + 25], abs=0.1)


def test_branches_that_cross_as_written_are_reordered() -> None:
    layout = layered([30] * 4, [Arrow(0, 3), Arrow(1, 2)])
    assert (layout.centres[0] < layout.centres[1]) == (layout.centres[3] < layout.centres[2])


def test_a_source_lies_just_before_what_reads_it() -> None:
    assert layered([30] * 4, [Arrow(0, 2), Arrow(1, 3), Arrow(2, 3)]).ranks == (0, 1, 1, 2)


def test_nothing_is_laid_out_too() -> None:
    assert layered([], []) == Layout((), (), (), 0.0)
