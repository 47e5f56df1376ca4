from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from components.core.geometry import Size
from components.core.reporting.webmap import section
from components.core.reporting.webmap.content import DrawnBuildings, MapContent
from components.core.reporting.webmap.encoding import MOST_CHARACTERS, script_json
from components.core.reporting.webmap.leaflet import leaflet_script, leaflet_style
from components.core.reporting.webmap.planes import PlaneKind
from components.core.reporting.webmap.section import map_section
from tests.components.core.reporting.looking import faults_of, page_of, tags_of, text_of
from tests.components.core.reporting.webmap.contents import NEW, data_of, row_of, shape_of, towns

MEGABYTE = 1_000_000
HOSTILE = "</script><script>alert(1)</script><!--\"'&\u2028\u2029\\</ScRiPt >\x00"


def page(*maps: MapContent) -> str:
    found = map_section("Map", "What is seen.", maps)
    assert found is not None
    return page_of(found)


def test_a_page_holds_outlines_rows_and_imagery_and_needs_nothing_else() -> None:
    content = towns(["west", "east"])

    html = page(content)

    assert not faults_of(html)
    data = data_of(html)
    assert [entry["name"] for entry in data["scenes"]] == ["west", "east"]
    assert len(data["pictures"]) == 2 and all(found["uri"].startswith("data:image/jpeg") for found in data["pictures"])
    buildings = [
        (shape, row)
        for scene in content.scenes
        for entry in scene.buildings
        for shape, row in zip(entry.shapes, entry.rows, strict=True)
    ]
    assert len(data["buildings"]) == len(buildings) == 8
    for place, (shape, row) in enumerate(buildings):
        assert row_of(data, place) == row
        assert shapely.hausdorff_distance(shape_of(data, place), shape) < 0.25
    for word in ("What is seen.", "new 6", "gone 2", "A still picture of west"):
        assert word in text_of(html)
    assert "outline before" not in text_of(html)
    assert page(content) == html


def test_holes_and_parts_stay() -> None:
    content = towns(["west"])
    (scene,) = content.scenes
    assert scene.place is not None
    holed = shapely.Polygon([(0, 0), (40, 0), (40, 40), (0, 40)], [[(10, 10), (10, 20), (20, 20), (20, 10)]])
    shapes = scene.place.shapes(
        np.array(
            [holed, shapely.MultiPolygon([holed, shapely.box(60, 60, 70, 70)]), shapely.box(5, 5, 9, 9)], dtype=object
        )
    )
    rows = [{"id": str(number)} for number in range(3)]
    drawn = replace(scene, buildings=(DrawnBuildings("new", 3, shapes, rows),))

    data = data_of(page(replace(content, scenes=(drawn,))))

    for place, shape in enumerate(shapes):
        assert shapely.symmetric_difference(shape_of(data, place), shape).area < 1e-6


def test_no_name_ends_the_data_or_becomes_an_element() -> None:
    content = towns([HOSTILE, "east"])
    scene = content.scenes[0]
    assert scene.place is not None
    rows = [{HOSTILE: HOSTILE, "long": "x" * 10_000, "number": 0.1, "nothing": None, "none": float("nan")}]
    drawn = DrawnBuildings("new", 1, scene.buildings[0].shapes[:1], rows)
    kinds = (replace(NEW, title=HOSTILE, note=HOSTILE),)
    hostile = replace(
        content, kinds=kinds, scenes=(replace(scene, buildings=(drawn,)),), title=HOSTILE, notes=(HOSTILE,)
    )

    html = page(hostile, replace(hostile, plane=PlaneKind.GROUND))

    assert not faults_of(html)
    assert tags_of(html).count("script") == 4
    data = data_of(html)
    assert data["scenes"][0]["name"] == data["kinds"][0]["title"] == data["title"] == HOSTILE
    row = row_of(data, 0)
    assert (
        "none" not in row and row[HOSTILE] == HOSTILE and row["number"] == 0.1 and len(row["long"]) == MOST_CHARACTERS
    )


@pytest.mark.parametrize("text", [HOSTILE, "\ud800", "é", ""])
def test_texts_come_back_as_they_were(text: str) -> None:
    import json

    told = script_json({text: [text]})
    assert json.loads(told) == {text: [text]} and told.isascii() and not set(told) & set("<>&'")


def test_a_page_stays_small_however_much_there_is_and_says_so() -> None:
    content = towns([f"town {number}" for number in range(24)], Size(400, 400), new=800, gone=10, corners=64)

    html = page(content)

    assert len(html) < 12 * MEGABYTE
    data = data_of(html)
    assert len(str(data["buildings"])) < 2 * section.BUILDING_BYTES
    drawn = len(data["buildings"])
    assert 0 < drawn < 24 * 810
    gone = [kind for kind, _, _ in data["buildings"] if data["kinds"][kind]["key"] == "gone"]
    assert len(gone) == 240 and "gone 240" in text_of(html)
    assert f"{drawn:,} of 19,440 buildings are drawn".replace(",", "\N{NARROW NO-BREAK SPACE}") in html
    assert {scene["drawn"] for scene in data["scenes"]} != {0}


def test_pictures_shrink_until_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    content = towns(["west", "east"], Size(500, 500))
    monkeypatch.setattr(section, "PICTURE_BYTES", 60_000)
    pictures = data_of(page(content))["pictures"]
    assert len(pictures) == 2 and sum(len(found["uri"]) for found in pictures) <= 60_000
    monkeypatch.setattr(section, "PICTURE_BYTES", 100)
    html = page(content)
    assert data_of(html)["pictures"] == [] and "imagery" not in text_of(html)


def test_without_a_scene_there_is_no_map() -> None:
    assert map_section("Map", "", [MapContent(PlaneKind.PIXELS, "", (NEW,), ())]) is None


def test_leaflet_comes_with_its_licence_and_without_files_beside_it() -> None:
    assert "Redistribution and use in source and binary forms" in leaflet_script()
    assert "</script" not in leaflet_script().lower() and "sourceMappingURL" not in leaflet_script()
    assert ".leaflet-container" in leaflet_style() and "url(" not in leaflet_style()
