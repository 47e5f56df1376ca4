"""A scene's rows: the same whether it comes whole or in parts, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.figures import Bitmap, InlineMask
from components.core.figures.connected_components import connected_components
from components.core.footprints.generalize import Generalization
from components.core.footprints.records import MAP_SCHEMA, PIXEL_SCHEMA, FootprintRules, scene_schema
from components.core.footprints.tolerance import Tolerance
from components.core.footprints.validity import MOST_RINGS
from components.core.footprints.vectorize import scene_footprints
from components.core.geometry import Size
from components.core.project import ImageRef, Item, Object
from components.core.project.parts import Rows, part_item
from tests.builders import CRS, TRANSFORM, block_mask, write_tiled

SIZE = Size(64, 48)
RULES = FootprintRules(min_area_m2=1.0)


def objects_of(mask: np.ndarray) -> tuple[Object, ...]:
    return tuple(Object("untitled_dl", part) for part in connected_components(InlineMask(mask.copy())))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Item, np.ndarray]:
    """A scene with single pixels and holes, and its confidence."""
    random = np.random.default_rng(0)
    mask = block_mask(SIZE, 5, blocks=7) ^ (random.random((SIZE.height, SIZE.width)) < 0.02)
    confidence = random.integers(0, 256, mask.shape, np.uint8)
    raster = write_tiled(tmp_path_factory.mktemp("scene") / "confidence.tif", confidence)
    image = ImageRef.whole("austin1.tif", SIZE, CRS, TRANSFORM)
    return Item("ds", "austin1", SIZE, image, objects=objects_of(mask), rasters={"confidence": raster}), confidence


def in_parts(scene: Item, confidence: np.ndarray, bounds: list[int], folder: Path) -> Iterator[Item]:
    """The scene's items as inference and splitting make them."""
    mask = np.zeros((SIZE.height, SIZE.width), np.uint8)
    for entry in scene.objects:
        entry.figure.draw(mask, 1)
    for top, bottom in pairwise(bounds):
        raster = write_tiled(folder / f"{top}_{bottom}.tif", confidence[top:bottom])
        yield replace(
            part_item(scene, Rows(top, bottom)),
            objects=objects_of(mask[top:bottom] > 0),
            rasters={"confidence": raster},
        )


def lattice(rows: int, columns: int) -> np.ndarray:
    """A part with a hole in every second pixel of every second row, and stairs of pixels that touch at corners."""
    mask = np.ones((2 * rows + 1, 2 * columns + 1), np.bool_)
    mask[1::2, 1::2] = False
    stairs = np.zeros_like(mask)
    stairs[np.arange(10), np.arange(10)] = True
    return np.concatenate([mask, stairs])


@pytest.mark.parametrize("regularise", [False, True])
def test_an_intricate_object_keeps_its_exact_outline(regularise: bool) -> None:
    mask = lattice(33, 33)
    size = Size(*mask.shape)
    item = Item("ds", "noise", size, ImageRef.whole("noise.tif", size, CRS, TRANSFORM), objects=objects_of(mask))

    rows = table_of(
        scene_footprints([item], "noise", FootprintRules(tolerance=Tolerance(3.0), regularise=regularise), CRS)
    )

    (shape,) = shapely.from_wkb(rows["geometry"].to_pylist())
    assert shape.is_valid
    assert sum(1 + len(part.interiors) for part in shapely.get_parts(shape)) > MOST_RINGS
    assert shape.area == pytest.approx(mask.sum() * abs(TRANSFORM.determinant))


@settings(max_examples=20, deadline=None)
@given(
    cuts=st.sets(st.integers(1, SIZE.height - 1), max_size=8),
    batch=st.integers(1, 40),
    regularise=st.booleans(),
    seed=st.integers(0, 99),
)
def test_neighbours_are_drawn_together_whatever_parts_and_batches(
    cuts: set[int], batch: int, regularise: bool, seed: int
) -> None:
    """Houses that touch, in parts: those that a seam cuts have no pixel of others beside it there."""
    random = np.random.default_rng(seed)
    labels = np.zeros((SIZE.height, SIZE.width), np.int64)
    tops = [2, *sorted(random.integers(8, SIZE.height - 6, 3)), SIZE.height - 2]
    for row, (top, bottom) in enumerate(pairwise(tops)):
        for column, (left, right) in enumerate(pairwise((2, 14 + row, 30, 31 + 4 * row, SIZE.width - 2))):
            labels[top:bottom, left:right] = 1 + 4 * row + column
    seams = [cut for cut in sorted(cuts) if not (labels[cut - 1] != labels[cut]).any()]
    labels[[cut - 1 for cut in seams]] = 0
    image = ImageRef.whole("town.tif", SIZE, CRS, TRANSFORM)
    scene = Item("ds", "town", SIZE, image, objects=labelled_objects(labels))
    parts = [
        replace(part_item(scene, Rows(top, bottom)), objects=labelled_objects(labels[top:bottom]))
        for top, bottom in pairwise([0, *seams, SIZE.height])
    ]
    rules = FootprintRules(regularise=regularise)
    whole, found = (table_of(scene_footprints(*given, "town", rules, CRS, batch)) for given in ([[scene]], [parts]))
    assert found.drop_columns(["geometry", "outline_px"]).equals(whole.drop_columns(["geometry", "outline_px"]))
    shapes, others = (shapely.from_wkb(table["geometry"].to_numpy()) for table in (whole, found))
    assert shapely.hausdorff_distance(shapes, others).max(initial=0) < 1e-6
    assert shapely.coverage_is_valid(shapes)
    assert shapely.union_all(shapes).area == pytest.approx(np.count_nonzero(labels) * abs(TRANSFORM.determinant), 0.06)
    assert found["status"].null_count == (0 if regularise else found.num_rows)


def labelled_objects(labels: np.ndarray) -> tuple[Object, ...]:
    return tuple(
        Object("untitled_dl", one)
        for number in range(1, labels.max(initial=0) + 1)
        for one in connected_components(InlineMask(labels == number))
    )


def table_of(made: Iterator[pa.Table] | object) -> pa.Table:
    return pa.concat_tables(list(made))  # type: ignore[call-overload]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(1, SIZE.height - 1), max_size=8), batch=st.integers(1, 40), on_map=st.booleans())
def test_parts_and_batches_never_change_a_row(
    scene: tuple[Item, np.ndarray], cuts: set[int], batch: int, on_map: bool, tmp_path: Path
) -> None:
    item, confidence = scene
    if not on_map:
        item = replace(item, image=replace(item.image, crs=None))
    whole = scene_footprints([item], "austin1", RULES, CRS)
    rows = table_of(whole)
    parts = in_parts(item, confidence, [0, *sorted(cuts), SIZE.height], tmp_path)
    made = scene_footprints(parts, "austin1", RULES, CRS, batch)
    tables = list(made)
    assert all(0 < table.num_rows <= batch for table in tables)
    found = pa.concat_tables(tables)
    assert found.drop_columns(["geometry"]).equals(rows.drop_columns(["geometry"]))
    shapes = [shapely.from_wkb(table["geometry"].to_numpy()) for table in (rows, found)]
    assert shapely.equals_exact(*shapes, 1e-6).all()
    assert made.left_out == whole.left_out
    assert (made.left_out > 0) == on_map
    assert made.on_map == on_map
    assert (made.size, made.drawing) == (SIZE, Generalization(1.0))
    assert rows.num_rows + whole.left_out == len(item.objects)


def test_rows_come_by_last_row_whatever_the_objects_order(scene: tuple[Item, np.ndarray]) -> None:
    item, _ = scene
    again = replace(item, objects=item.objects[::-1])
    rows, shuffled = (table_of(scene_footprints([one], "austin1", FootprintRules(), CRS)) for one in (item, again))
    assert rows.equals(shuffled)
    assert rows.schema == scene_schema(True)


def test_objects_at_the_border_are_marked() -> None:
    mask = np.zeros((9, 9), np.bool_)
    for row, column in ((0, 4), (4, 0), (4, 8), (8, 4), (4, 4)):
        mask[row, column] = True
    item = Item("ds", "plain", Size(9, 9), objects=objects_of(mask))
    upper, lower = (
        replace(part_item(item, rows), objects=objects_of(mask[rows.top : rows.bottom]))
        for rows in (Rows(0, 5), Rows(5, 9))
    )
    for items in ([item], [upper, lower]):
        rows = table_of(scene_footprints(items, "plain", FootprintRules(tolerance=Tolerance(0)), CRS))
        centres = shapely.centroid(shapely.from_wkb(rows["geometry"].to_numpy()))
        inner = (shapely.get_x(centres) == 4.5) & (shapely.get_y(centres) == 4.5)
        assert rows["touches_edge"].to_pylist() == (~inner).tolist()
        outlines = shapely.from_wkb(rows["outline_px"].to_numpy())
        expected = np.where(inner, None, shapely.from_wkb(rows["geometry"].to_numpy()))
        assert shapely.equals(outlines, expected).tolist() == (~inner).tolist()


def test_other_classes_are_left_alone(scene: tuple[Item, np.ndarray]) -> None:
    item, _ = scene
    other = Object("bg_dl", Bitmap(0, 0, InlineMask(np.ones((3, 3), np.bool_))))
    rows = table_of(scene_footprints([item], "austin1", FootprintRules(), CRS))
    assert table_of(
        scene_footprints([item.with_objects((*item.objects, other))], "austin1", FootprintRules(), CRS)
    ).equals(rows)


def test_a_scene_without_objects_has_no_rows() -> None:
    assert list(scene_footprints([Item("ds", "empty", SIZE)], "empty", FootprintRules(), CRS)) == []
    with pytest.raises(ValueError, match="empty: a scene has at least one item"):
        scene_footprints([], "empty", FootprintRules(), CRS)


def test_a_scene_that_lacks_a_part_is_an_error(scene: tuple[Item, np.ndarray], tmp_path: Path) -> None:
    first, _ = in_parts(*scene, [0, 20, SIZE.height], tmp_path)
    with pytest.raises(DataError, match="austin1: its parts end at row 20 of 64"):
        list(scene_footprints([first], "austin1", RULES, CRS))


def test_schemas_are_those_of_the_layers_and_two_columns_more() -> None:
    for on_map, schema in ((True, MAP_SCHEMA), (False, PIXEL_SCHEMA)):
        more = ("touches_edge", "outline_px")
        assert [name for name in scene_schema(on_map).names if name not in more] == schema.names


def test_regularised_rows_have_right_angles_on_the_map() -> None:
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width]
    along, across = columns + 0.5 * rows - 40, rows - 0.5 * columns - 20
    mask = (np.abs(along) < 18) & (np.abs(across) < 12)
    image = ImageRef.whole("austin1.tif", SIZE, CRS, TRANSFORM)
    item = Item("ds", "austin1", SIZE, image, objects=objects_of(mask))
    table = table_of(scene_footprints([item], "austin1", FootprintRules(regularise=True), CRS))
    (shape,) = shapely.from_wkb(table["geometry"].to_numpy())
    edges = np.diff(shapely.get_coordinates(shape), axis=0)
    assert len(edges) == 4
    assert np.allclose((edges * np.roll(edges, 1, axis=0)).sum(axis=1), 0, atol=1e-3)
    assert table["area_m2"][0].as_py() == pytest.approx(shape.area, rel=0.05), "of the pixels, as ever"
