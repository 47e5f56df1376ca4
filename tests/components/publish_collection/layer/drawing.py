"""What hypothesis draws for the layer: overlapping scenes of small buildings."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.components.publish_collection.layer.small_collections import Building, SmallScene

GROUND = 8

CAPTURED = ("", "2025-06-01", "2026-06-01", "2026-06-01T10:00:00Z")

whole = st.integers(0, GROUND - 1)


@st.composite
def scenes(draw: st.DrawFn, name: str) -> SmallScene:
    """A scene on the common ground, with buildings that hardly overlap each other; no pair shares just half."""
    x, y = draw(whole), draw(whole)
    width, height = draw(st.integers(1, GROUND - x)), draw(st.integers(1, GROUND - y))
    cells = st.tuples(st.integers(x, x + width - 1), st.integers(y, y + height - 1))
    places = draw(st.lists(cells, unique=True, max_size=10))
    shapes = st.tuples(st.sampled_from((0.6, 1.0, 1.7)), st.sampled_from((0.7, 1.0)), st.booleans())
    certain = st.sampled_from((None, 0.25, 0.75))
    buildings = []
    for number, (left, bottom) in enumerate(places):
        wide, high, cut = draw(shapes)
        name_of = draw(st.sampled_from((f"{name}{number}", f"{number}{name}")))
        buildings.append(Building(name_of, left, bottom, min(wide, x + width - left), high, cut, draw(certain)))
    version = draw(st.sampled_from(("aa", "ab")))
    return SmallScene(name, x, y, width, height, tuple(buildings), draw(st.sampled_from(CAPTURED)), version)


@st.composite
def collections(draw: st.DrawFn, most: int = 5) -> list[SmallScene]:
    """Scenes of different names."""
    names = draw(st.lists(st.sampled_from("abcdefg"), unique=True, max_size=most))
    return [draw(scenes(name)) for name in names]
