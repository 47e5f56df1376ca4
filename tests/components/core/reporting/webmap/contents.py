"""Maps for tests."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import shapely

from components.core.geometry import Size
from components.core.reporting.webmap.content import DrawnBuildings, MapContent, MapKind, MapScene
from components.core.reporting.webmap.planes import PixelPlace, PlacedPicture, PlaneKind, side_by_side
from tests.builders import noise

SIZE = Size(120, 160)

NEW = MapKind("new", "new", "#009e73", note="It was not there before.")
GONE = MapKind("gone", "gone", "#d55e00")
BEFORE = MapKind("before", "outline before", "#f0e442", 0.0, is_dashed=True, is_echo=True)


def boxes(count: int, place: PixelPlace, seed: int = 0, corners: int = 4) -> np.ndarray:
    """Buildings in a scene, of so many corners."""
    random = np.random.default_rng(seed)
    sides = random.uniform(4, 20, count)
    lefts, tops = random.uniform(0, 1, (2, count)) * [[place.size.width - 20], [place.size.height - 20]]
    if corners == 4:
        shapes: np.ndarray = shapely.box(lefts, tops, lefts + sides, tops + sides)
    else:
        shapes = shapely.buffer(shapely.points(lefts + 10, tops + 10), sides / 2, quad_segs=corners // 4)
    return place.shapes(shapes)


def rows_of(count: int, scene: str) -> list[dict[str, Any]]:
    """A row a building."""
    return [
        {"id": f"{scene}-{index}", "class": "building", "area, m²": index / 2, "image": scene} for index in range(count)
    ]


def town(name: str, place: PixelPlace, *, new: int = 3, gone: int = 1, seed: int = 0, corners: int = 4) -> MapScene:
    """A scene with imagery and buildings."""
    pixels = np.moveaxis(noise(place.size, seed), 0, 2)
    picture = PlacedPicture(place.box, np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]))
    buildings = tuple(
        DrawnBuildings(
            kind.key, count, boxes(count, place, seed + shift, corners), rows_of(count, f"{name}/{kind.key}")
        )
        for kind, count, shift in ((NEW, new, 1), (GONE, gone, 2))
    )
    return MapScene(name, place, picture, buildings)


def towns(names: list[str], size: Size = SIZE, **options: int) -> MapContent:
    """Several of them side by side."""
    places = side_by_side([size] * len(names))
    scenes = tuple(
        town(name, place, seed=seed, **options) for seed, (name, place) in enumerate(zip(names, places, strict=True))
    )
    return MapContent(PlaneKind.PIXELS, "Towns", (BEFORE, NEW, GONE), scenes)


def data_of(html: str, number: int = 1) -> dict[str, Any]:
    """What a page holds for its map."""
    (text,) = re.findall(rf'<script type="application/json" id="map-{number}-data">(.*?)</script>', html, flags=re.S)
    found: dict[str, Any] = json.loads(text)
    return found


def row_of(data: dict[str, Any], place: int) -> dict[str, Any]:
    """The row of a building of `data_of`, without what is empty."""
    found = {}
    for column in data["columns"]:
        value = column["values"][place]
        found[column["title"]] = column["texts"][value] if "texts" in column and value is not None else value
    return {title: value for title, value in found.items() if value is not None}


def shape_of(data: dict[str, Any], place: int) -> shapely.Geometry:
    """The outline of a building of `data_of`, on the plane."""
    _, scene, polygons = data["buildings"][place]
    about = data["scenes"][scene]
    corner = np.array(about["bounds"][:2])

    def ring(steps: list[int]) -> np.ndarray:
        return np.cumsum(np.array(steps).reshape(-1, 2), axis=0) * about["step"] + corner

    return shapely.MultiPolygon([(ring(rings[0]), [ring(hole) for hole in rings[1:]]) for rings in polygons])
