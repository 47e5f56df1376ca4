from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from components.core.collection.layer.index import (
    CollectionLayer,
    ImageGrid,
    Partition,
    layer_or_none,
    mark_of,
    read_layer,
    write_layer,
)
from components.core.collection.ledger import Collection, Mark
from components.core.errors import DataError


def _part(scene: str, footprints: int) -> Partition:
    return Partition(
        scene=scene,
        mark=f"{scene}.aa.bb",
        duplicates=1,
        dropped="cafe",
        last_dropped=1.5e9,
        footprints=footprints,
        area_m2=0.1 * footprints,
        joined=1,
        joins="beef",
        bounds=(16.0, 48.0, 16.1, 48.1),
        captured="2026",
        grid=GRID if scene == "a-1" else None,
    )


GRID = ImageGrid("EPSG:32633", (0.3, 0.0, 500_000.0, 0.0, -0.3, 5_300_000.0), 30, 40, 1.5, True, 20.0)
LAYER = CollectionLayer("/imagery", False, {"ö-2": _part("ö-2", 2), "a-1": _part("a-1", 1)}, ((1.0, 2.0, 3.0, 4.0),))


def test_the_description_comes_back_and_has_totals(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    assert read_layer(collection) is None

    write_layer(collection, LAYER)

    assert read_layer(collection) == LAYER
    content = json.loads((tmp_path / "layer.json").read_bytes())
    assert (content["scenes"], content["footprints"], content["area_m2"], content["duplicates"]) == (2, 3, 0.3, 2)
    assert [part["scene"] for part in content["partitions"]] == ["a-1", "ö-2"]


def test_it_is_the_same_text_in_whatever_order_it_was_made() -> None:
    turned = CollectionLayer(
        LAYER.images_uri, LAYER.join_tiles, dict(reversed(LAYER.partitions.items())), LAYER.unsettled
    )

    assert turned.as_json() == LAYER.as_json()
    assert LAYER.as_json().count(b'{"scene"') == len(LAYER.as_json().splitlines()) - 16


def test_an_empty_layer_has_a_description_too(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    write_layer(collection, CollectionLayer())

    assert read_layer(collection) == CollectionLayer()


@pytest.mark.parametrize("content", ["", "[]", '{"images_uri": "", "unsettled": [], "partitions": [{}]}'])
def test_a_broken_description_is_refused_with_its_place_or_made_anew(tmp_path: Path, content: str) -> None:
    collection = Collection(str(tmp_path))
    (tmp_path / "layer.json").write_text(content)

    with pytest.raises(DataError, match=r"layer\.json.*rebuilt"):
        read_layer(collection)
    assert layer_or_none(collection) is None


def test_a_stem_names_its_marker() -> None:
    mark = Mark("town-0123", "aa", "bb")

    assert mark_of(mark.stem) == mark


@pytest.mark.parametrize(
    ("footprints", "duplicates", "joins", "last", "moment", "shows"),
    [
        (1, 0, "", None, 2e9, True),
        (0, 0, "", None, -math.inf, False),
        (0, 0, "beef", None, 2e9, True),
        (0, 1, "", None, -math.inf, True),
        (0, 1, "", None, 0.0, False),
        (0, 1, "", 5.0, 5.0, True),
        (0, 1, "", 5.0, 5.1, False),
    ],
)
def test_a_settled_scene_shows_nothing(
    footprints: int, duplicates: int, joins: str, last: float | None, moment: float, shows: bool
) -> None:
    part = replace(_part("a-1", footprints), duplicates=duplicates, joins=joins, last_dropped=last)
    assert part.shows_anything_from(moment) is shows
