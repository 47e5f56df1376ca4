"""Operations on pixels in a manifest: a column of its own, there only where it is needed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.core.errors import DataError
from components.core.figures import Bitmap
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery.operations import GaussianBlur, Noise, Resize, Rotate
from components.core.imagery.recipe import Crop, Flip
from components.core.project import ImageRef, Item, Object, ProjectMeta, manifest, open_project, write_manifest
from components.core.project.passthrough import pass_through
from components.core.project.rows import OPERATIONS, SCHEMA, item_of_row, row_of_item

META = ProjectMeta("P")
IMAGE = ImageRef.whole("a.tif", Size(40, 60))
PLAIN = Item("ds", "plain", Size(10, 20), IMAGE.then(Crop(Window(1, 2, 10, 20))).then(Flip(FlipAxis.UP_DOWN)))


def operated(name: str) -> Item:
    image = IMAGE.then(Resize(20, 30, 0.5, 0.5)).then(Rotate(30.0)).then(GaussianBlur(1.5)).then(Noise(0.0, 3.0, 9))
    image = image.then(Crop(Window(1, 1, 12, 13))).then(Flip(FlipAxis.LEFT_RIGHT))
    return Item("ds", name, image.recipe.size, image)


def test_items_come_back_as_they_were(tmp_path: Path) -> None:
    items = [PLAIN, operated("one"), replace(PLAIN, name="other"), replace(PLAIN, name="none", image=None)]
    write_manifest(tmp_path / "p", META, items)
    project = open_project(tmp_path / "p")
    assert list(project) == items
    assert [project.item(index) for index in range(4)] == items
    assert json.loads((tmp_path / "p" / "meta.json").read_text())["version"] == 2


def test_without_operations_nothing_changes(tmp_path: Path) -> None:
    write_manifest(tmp_path / "p", META, [PLAIN])
    assert json.loads((tmp_path / "p" / "meta.json").read_text())["version"] == 1
    assert pq.read_schema(tmp_path / "p" / "items-00000.parquet").equals(SCHEMA)
    assert OPERATIONS not in row_of_item(PLAIN)


def test_operations_may_begin_in_any_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "GROUP_ROWS", 3)
    items = [replace(PLAIN, name=f"plain{index}") for index in range(7)]
    items[5:5] = [operated("one")]
    items += [replace(PLAIN, name=f"last{index}") for index in range(4)]
    write_manifest(tmp_path / "p", META, items)
    project = open_project(tmp_path / "p")
    assert list(project) == items
    assert isinstance(project, manifest.ManifestProject)
    first, second = project.parts
    assert pq.read_schema(first).equals(SCHEMA)
    assert pq.read_schema(second).names == [*SCHEMA.names, OPERATIONS]
    tables = list(project.tables())
    assert [pass_through(table) for table in tables] == [True, False, False, False]
    with manifest.manifest_writer(tmp_path / "again", META) as writer:
        for table in tables:
            writer.add_rows(table)
    assert list(open_project(tmp_path / "again")) == items


def test_large_masks_close_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "GROUP_BYTES", 100)
    bitmap = Bitmap.of_pixels(np.ones((20, 20), np.bool_))
    assert bitmap is not None
    items = [Item("ds", f"a{index}", Size(20, 20), objects=(Object("house", bitmap),)) for index in range(5)]
    write_manifest(tmp_path / "p", META, items)
    project = open_project(tmp_path / "p")
    assert isinstance(project, manifest.ManifestProject)
    assert [len(table) for table in project.tables()] == [2, 2, 1], "50 bytes a mask"
    assert list(project) == items


def broken(operations: object) -> dict[str, object]:
    return {**row_of_item(operated("one")), OPERATIONS: operations}


@pytest.mark.parametrize(
    ("operations", "fault"),
    [
        ("no JSON", "Expecting value"),
        ('{"version": 9, "operations": []}', "version 9"),
        ('{"version": 1, "operations": [{"name": "run", "code": "…"}]}', "'run' is not an operation"),
        ('{"version": 1, "operations": [{"name": "gaussian", "sigma": 1}]}', "made of the window"),
        ('{"version": 1, "operations": [{"name": "resize", "height": 9, "width": 9, "down": 1, "right": 1}]}', "not 9"),
        (7, "no text"),
    ],
)
def test_broken_operations_are_refused(operations: object, fault: str) -> None:
    with pytest.raises(DataError, match=f"item 'ds/one': its row in the project is broken.*{fault}"):
        item_of_row(broken(operations))


def test_operations_need_an_image() -> None:
    with pytest.raises(DataError, match="of no image"):
        item_of_row({**row_of_item(operated("one")), "image": None})


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path / "p", META, [operated("one")])
    meta = tmp_path / "p" / "meta.json"
    meta.write_text(meta.read_text().replace('"version": 2', '"version": 3'))
    with pytest.raises(DataError, match="version 3 is neither 1 nor 2"):
        open_project(tmp_path / "p")
