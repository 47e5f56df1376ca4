"""Random chains of actions: figures of every shape move as pixels do, seen from both sides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.figures import Bitmap, Figure, Line, Point, Polygon, Rectangle, Shape, vertices
from components.core.figures.bounds import bounds_of
from components.core.imagery.images import read_validity
from components.core.project import ClassInfo, ImageRef, Item, Object
from tests.builders import noise, write_tiled
from tests.components.core.dtl.projects import META, run, write
from tests.components.core.dtl.test_chains import SIZE, border_of, drawn, queries
from tests.fuzzing.results import check_figure

HOUSE = np.zeros((SIZE.height, SIZE.width), np.bool_)
HOUSE[6:40, 8:50] = True
HOUSE[14:22, 20:30] = False

FIGURES: dict[str, Figure] = {
    "house": Bitmap(6, 8, Bitmap.of_pixels(HOUSE).mask),  # type: ignore[union-attr]
    "field": Polygon(
        vertices([(4.5, 5), (4.5, 60), (44, 60), (44, 12)]),
        (vertices([(15, 20.5), (15, 40), (30, 40), (30, 20.5)]),),
    ),
    "car": Rectangle(9.5, 12.0, 33.0, 47.5),
    "road": Line(vertices([(2, 3), (40, 30.5), (10, 55), (45.5, 62)])),
    "tree": Point(21.0, 33.5),
}

ORIGINALS = {
    "field": shapely.Polygon([(4.5, 5), (4.5, 60), (44, 60), (44, 12)], [[(15, 20.5), (15, 40), (30, 40), (30, 20.5)]]),
    "car": shapely.box(9.5, 12.0, 33.0, 47.5),
    "road": shapely.LineString([(2, 3), (40, 30.5), (10, 55), (45.5, 62)]),
    "tree": shapely.Point(21.0, 33.5),
}
"""By row and column."""


@pytest.fixture(name="projects", scope="module")
def fixture_projects(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """With the rectangle, and without it for chains that turn."""
    root = tmp_path_factory.mktemp("figures")
    image = ImageRef.whole(write_tiled(root / "a.tif", noise(SIZE)), SIZE)
    classes = [ClassInfo(title, figure.shape, "#123456") for title, figure in FIGURES.items() if title != "house"]
    known = [known for known in META.classes if known.title not in FIGURES or known.shape is Shape.BITMAP]
    meta = replace(META, classes=(*known, *classes))
    projects = {}
    for with_car in (True, False):
        kept = (Object(title, figure) for title, figure in FIGURES.items() if with_car or title != "car")
        projects[with_car] = write(root / str(with_car), [Item("ds", "a", SIZE, image, objects=tuple(kept))], meta=meta)
    return projects


def results(projects: dict[bool, Path], layers: list[Any]) -> list[Item]:
    found, report = run(layers, projects[not any(entry["action"] == "rotate" for entry in layers)])
    assert not report.skipped
    return found[:8]


def source_places(entry: Item) -> np.ndarray:
    """(H, W, 2) row and column in the source of the middle of each pixel."""
    assert entry.image is not None
    rows, columns = np.mgrid[: entry.size.height, : entry.size.width] + 0.5
    matrix = entry.image.recipe.affine()
    return np.stack(
        (matrix.d * columns + matrix.e * rows + matrix.f, matrix.a * columns + matrix.b * rows + matrix.c), axis=-1
    )


def seen(entry: Item, title: str) -> np.ndarray:
    """(H, W) bool: pixels whose places in the source the original covers, as far as the item shows the source."""
    places = source_places(entry)
    assert entry.image is not None
    valid = read_validity(entry.image.uri, entry.image.recipe) > 0
    if title == "house":
        rows, columns = np.floor(places).astype(int).transpose(2, 0, 1)
        inside = (rows >= 0) & (columns >= 0) & (rows < SIZE.height) & (columns < SIZE.width)
        return valid & inside & HOUSE[rows.clip(0, SIZE.height - 1), columns.clip(0, SIZE.width - 1)]
    covered = shapely.contains_xy(ORIGINALS[title], places[..., 0].ravel(), places[..., 1].ravel())
    return valid & covered.reshape(valid.shape)


def rim_of(layers: list[Any]) -> int:
    """Pixels that both may differ by at a border: each step rounds for itself, and small ones are scaled up again."""
    return 2 + 2 * sum(entry["action"] in ("resize", "rotate") for entry in layers)


@settings(max_examples=80)
@given(layers=queries())
def test_what_is_drawn_is_what_the_source_shows_there(projects: dict[bool, Path], layers: list[Any]) -> None:
    rim = rim_of(layers)
    for entry in results(projects, layers):
        for title in {entry.class_title for entry in entry.objects} & {"house", "field", "car"}:
            expected, found = seen(entry, title), drawn(entry, title)
            apart = (expected != found) & ~border_of(expected, rim) & ~border_of(found, rim)
            assert not apart.any(), (title, layers)


@settings(max_examples=80)
@given(layers=queries())
def test_what_is_not_drawn_is_not_there(projects: dict[bool, Path], layers: list[Any]) -> None:
    """A figure that was dropped was outside, or too small for a pixel of its own."""
    if any(entry["action"] == "instances_crop" for entry in layers):
        return  # what is cut out by others is not asked for
    rim = rim_of(layers)
    for entry in results(projects, layers):
        there = {kept.class_title for kept in entry.objects}
        for title in {"house", "field"} - there:
            gone = seen(entry, title)
            assert not (gone & ~border_of(gone, rim)).any(), (title, layers)


def moved_back(entry: Item, points: np.ndarray) -> np.ndarray:
    """(N, 2) rows and columns of the source."""
    assert entry.image is not None
    matrix = entry.image.recipe.affine()
    rows, columns = points.T
    return np.stack(
        (matrix.d * columns + matrix.e * rows + matrix.f, matrix.a * columns + matrix.b * rows + matrix.c), axis=1
    )


def points_of(figure: Figure) -> np.ndarray:
    if isinstance(figure, Point):
        return np.array([(figure.row, figure.column)])
    if isinstance(figure, Line):
        return figure.points
    assert isinstance(figure, Polygon)
    return np.concatenate([figure.exterior, *figure.interiors])


@settings(max_examples=80)
@given(layers=queries())
def test_vectors_moved_back_lie_on_what_they_were(projects: dict[bool, Path], layers: list[Any]) -> None:
    """But for what the canvas of an image that is turned or scaled is rounded by, up to a pixel along each side."""
    rounded = sum(entry["action"] in ("resize", "rotate") for entry in layers)
    for entry in results(projects, layers):
        assert entry.image is not None
        scale = max(1.0, abs(entry.image.recipe.affine().determinant) ** 0.5)
        for kept in entry.objects:
            if kept.class_title not in ("field", "road", "tree"):
                continue
            for row, column in moved_back(entry, points_of(kept.figure)).tolist():
                away = ORIGINALS[kept.class_title].distance(shapely.Point(row, column))
                assert away <= 1e-3 + 1.5 * rounded * scale, (kept, away, layers)


@settings(max_examples=80)
@given(layers=queries())
def test_nothing_leaves_the_image_and_nothing_is_empty(projects: dict[bool, Path], layers: list[Any]) -> None:
    for entry in results(projects, layers):
        for kept in entry.objects:
            check_figure(kept.figure, entry.size)
            if kept.class_title in ("road", "field"):
                box = bounds_of(kept.figure)
                assert box.bottom > box.top or box.right > box.left, kept


@settings(max_examples=80)
@given(layers=queries())
def test_areas_scale_as_the_image_does(projects: dict[bool, Path], layers: list[Any]) -> None:
    rim = rim_of(layers)
    for entry in results(projects, layers):
        for title in ("house", "car"):
            area = sum(kept.figure.area for kept in entry.objects if kept.class_title == title)
            expected = seen(entry, title)
            if area:
                border = border_of(expected, rim) | border_of(drawn(entry, title), rim)
                at_edges = entry.size.height + entry.size.width  # half a pixel all around
                assert abs(area - expected.sum()) <= np.count_nonzero(border) + at_edges, (title, layers)


@given(axis=st.sampled_from(["vertical", "horizontal"]))
def test_a_mirror_image_of_a_mirror_image_is_the_image(projects: dict[bool, Path], axis: str) -> None:
    from tests.queries import data, layer, save

    twice = [data(), layer("flip", "$all", "$1", axis=axis), layer("flip", "$1", "$2", axis=axis), save("$2")]
    (found,), (original,) = run(twice, projects[True])[0], run([data(), save("$all")], projects[True])[0]
    assert [drawn(found, title).tolist() for title in FIGURES] == [drawn(original, title).tolist() for title in FIGURES]
    assert found.image == original.image
