"""The map of an evaluation: what it shows is what was counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import Transformer

from components.core.class_titles import NEUTRAL_CLASS
from components.core.figures import Bitmap
from components.core.geometry import Size
from components.core.project import ImageRef, Item, Object, open_project, write_manifest
from components.evaluate import map_section
from components.evaluate.evaluate import evaluate
from components.evaluate.map_section import evaluation_map
from tests.builders import bitmap_meta, noise, write_tiled
from tests.components.core.reporting.looking import faults_of, page_of, text_of
from tests.components.core.reporting.webmap.contents import data_of, row_of, shape_of

SIZE = Size(200, 260)
PLACE = Affine(0.5, 0, 500_000, 0, -0.5, 5_300_000)
TRUE = [(10, 10, 30, 40), (60, 20, 30, 30), (120, 100, 50, 60), (150, 200, 20, 20)]
FOUND = [(10, 12, 30, 40), (120, 100, 50, 55), (60, 200, 30, 30), (170, 10, 12, 12)]
SILENT = (160, 0, 40, 40)


def bitmap(box: tuple[int, int, int, int]) -> Bitmap:
    top, left, height, width = box
    found = Bitmap.of_pixels(np.ones((height, width), np.bool_), top, left)
    assert found is not None
    return found


def write_projects(folder: Path, places: dict[str, Affine | None]) -> tuple[Path, Path]:
    """Truth and predictions: two are right, one is false, one on unlabelled ground; two of the truth are missed."""
    true, predicted = [], []
    for number, (name, place) in enumerate(places.items()):
        uri = write_tiled(folder / f"{number}.tif", noise(SIZE, number))
        image = ImageRef.whole(uri, SIZE, None if place is None else "EPSG:32633", place)
        truth = (*(Object("untitled", bitmap(box)) for box in TRUE), Object(NEUTRAL_CLASS, bitmap(SILENT)))
        true.append(Item("ds", name, SIZE, image, (f"town{number % 2}",), objects=truth))
        predicted.append(replace(true[-1], objects=tuple(Object("untitled_dl", bitmap(box)) for box in FOUND)))
    tags = ("town0", "town1")
    write_manifest(folder / "truth", bitmap_meta("T", "untitled", NEUTRAL_CLASS, tags=tags), true)
    write_manifest(folder / "predicted", bitmap_meta("P", "untitled_dl", tags=tags), predicted)
    return folder / "predicted", folder / "truth"


def page(folder: Path, places: dict[str, Affine | None]) -> str:
    predicted, truth = write_projects(folder, places)
    result = evaluate(predicted, truth, workers=1)
    found = evaluation_map(result, open_project(predicted), open_project(truth), 1)
    assert found is not None
    objects = result.overall.counts.objects
    assert (objects.truth, objects.predicted, objects.matched) == tuple(len(places) * n for n in (4, 3, 2))
    return page_of(found)


def kinds_of(html: str, number: int = 1) -> Counter[str]:
    data = data_of(html, number)
    return Counter(data["kinds"][kind]["key"] for kind, _, _ in data["buildings"])


def test_the_map_shows_what_was_counted(tmp_path: Path) -> None:
    html = page(tmp_path, {"a": PLACE, "b": PLACE @ Affine.translation(300, 0)})

    assert not faults_of(html)
    assert kinds_of(html) == {"found": 4, "right": 4, "missed": 4, "false": 2}
    for text in ("truth, found 4", "prediction, right 4", "truth, missed 4", "prediction, false 2"):
        assert text in text_of(html)


def test_buildings_lie_where_their_scene_does_with_the_row_that_they_have(tmp_path: Path) -> None:
    data = data_of(page(tmp_path, {"a": PLACE}))

    assert data["plane"] == "ground"
    to_map = Transformer.from_crs("EPSG:32633", "EPSG:3857", always_xy=True)
    for place, (kind, _, _) in enumerate(data["buildings"]):
        row = row_of(data, place)
        is_truth = data["kinds"][kind]["key"] in ("found", "missed")
        top, left = map(int, row["row, column"].split(", "))
        (box,) = (box for box in (TRUE if is_truth else FOUND) if box[:2] == (top, left))
        assert row["class"] == ("untitled" if is_truth else "untitled_dl") and row["image"] == "ds/a"
        assert row["area, px"] == box[2] * box[3]
        assert row["area, m²"] == pytest.approx(box[2] * box[3] / 4, rel=0.01)
        corner = np.array((left, top)) * (0.5, -0.5) + (500_000, 5_300_000)
        west, _, _, north = shape_of(data, place).bounds
        assert np.abs(np.array(to_map.transform(*corner)) - (west, north)).max() < 0.5
    matched = [row_of(data, place).get("IoU of the match") for place in range(len(data["buildings"]))]
    assert sorted(value for value in matched if value is not None) == [0.905, 0.905, 0.917, 0.917]


def test_scenes_without_a_place_stand_on_a_plane_of_their_own(tmp_path: Path) -> None:
    html = page(tmp_path, {"a": PLACE, "b": None, "c": None})

    assert data_of(html, 1)["plane"] == "ground" and data_of(html, 2)["plane"] == "pixels"
    assert kinds_of(html, 2) == {"found": 4, "right": 4, "missed": 4, "false": 2}
    data = data_of(html, 2)
    assert [scene["name"] for scene in data["scenes"]] == ["ds/b", "ds/c"]
    sizes = {shapely.box(*shape_of(data, place).bounds).area for place in range(len(data["buildings"]))}
    assert sizes == {float(height * width) for _, _, height, width in TRUE + FOUND[:3]}
    assert "These scenes have no georeference" in text_of(html)


def test_of_many_scenes_some_of_every_town_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_section, "MOST_SCENES", 2)

    html = page(tmp_path, dict.fromkeys("abcdef", PLACE))

    assert len(data_of(html)["scenes"]) == 2
    assert {"abcdef".index(scene["name"][-1]) % 2 for scene in data_of(html)["scenes"]} == {0, 1}
    assert "2 of 6 scenes are shown" in text_of(html)


def test_a_scene_whose_imagery_is_gone_has_outlines_alone(tmp_path: Path) -> None:
    predicted, truth = write_projects(tmp_path, {"a": PLACE})
    result = evaluate(predicted, truth, workers=1)
    (tmp_path / "0.tif").unlink()

    found = evaluation_map(result, open_project(predicted), open_project(truth), 1)

    assert found is not None
    html = page_of(found)
    assert data_of(html)["pictures"] == [] and sum(kinds_of(html).values()) == 7
