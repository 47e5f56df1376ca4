"""Regular outlines beside the truth: areas, overlap, angles, common walls, and what it takes.

Beside them stands buildingregulariser, where it is installed: `pip install buildingregulariser==0.2.5`, which is no
part of the project. `REGULARISATION="scene.tif labels.geojson"` measures real buildings, too: a raster, of which only
the place counts, and their outlines.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import shapely

from components.core.figures.run_lengths import joined
from components.core.footprints.generalize import Generalization
from components.core.footprints.geography import Geometries
from components.core.footprints.shapes import ShapeRings
from components.core.footprints.slivers import corner_angles
from components.core.footprints.touching import touching_pairs
from components.core.geometry import Size
from tests.benchmarks.footprint_truth import Shown, labelled, shown, town
from tests.benchmarks.harness import Measurement, one_core

NAME = "regularisation"

OTHER = "buildingregulariser"
TOWN = Size(3000, 3000)
TOLERANCE_PX = 1.0
STRAY = 1.0
ROUND_CORNERS, BLUNT = 16, 150.0
LEAST_WALL_PX = 8.0
END_PX = 3.0
NEAR_PX = 2.0
SQUARE = np.array([[1.0, 0.0], [0.0, -1.0]])

Floats = npt.NDArray[np.float64]
Method = Callable[[Shown, Sequence[Sequence[int]]], Geometries]


def run(repeats: int) -> list[Measurement]:
    """A made town and real ones, exactly as pixels show them and as a network does, by each way."""
    sets = {"a made town": (town(TOWN, 0), TOWN)}
    if given := os.environ.get("REGULARISATION", ""):
        raster, labels = given.split()
        sets[Path(labels).name] = labelled(raster, labels)
    measured = []
    with one_core():
        for name, (truth, size) in sets.items():
            for is_rough in (False, True):
                what = f"{name}, {'as a network shows it' if is_rough else 'exactly'}"
                measured += _compared(what, shown(truth, size, is_rough), repeats)
    return measured


def methods() -> dict[str, Method]:
    """The ways to draw outlines, by name."""
    found: dict[str, Method] = {
        "simplified": lambda seen, groups: _ours(seen, groups, regularise=False),
        "regularised": lambda seen, groups: _ours(seen, groups, regularise=True),
    }
    if importlib.util.find_spec(OTHER) is not None:
        found[f"{OTHER} {version(OTHER)}"] = lambda seen, _: _theirs(seen, {})
        found[f"{OTHER}, neighbours aligned"] = lambda seen, _: _theirs(seen, {"neighbor_alignment": True})
    return found


def _ours(seen: Shown, groups: Sequence[Sequence[int]], regularise: bool) -> Geometries:
    return Generalization(TOLERANCE_PX, regularise).drawn(seen.exact, SQUARE, groups).shapes


def _theirs(seen: Shown, settings: dict[str, Any]) -> Geometries:
    """With the tolerance that it advises, two to three pixels."""
    from buildingregulariser import regularize_geodataframe

    frame = geopandas.GeoDataFrame({"number": range(len(seen.exact))}, geometry=list(seen.exact), crs="EPSG:32633")
    settings = {"simplify_tolerance": 2.0, "parallel_threshold": 2.0, "num_cores": 1} | settings
    found = regularize_geodataframe(frame, **settings)
    shapes = np.array([shapely.Polygon()] * len(seen.exact), dtype=object)
    for number, parts in found.groupby("number"):
        shapes[int(number)] = shapely.union_all(parts.geometry.to_numpy())
    return shapes


def _compared(what: str, seen: Shown, repeats: int) -> list[Measurement]:
    pairs = touching_pairs(seen.bitmaps)
    roots = joined(len(seen.bitmaps), pairs[:, 0], pairs[:, 1])
    groups = [np.flatnonzero(roots == root).tolist() for root in np.unique(roots)]
    measured = []
    for name, method in methods().items():
        taken = []
        for _ in range(repeats):
            started = time.perf_counter()
            shapes = method(seen, groups)
            taken.append(1000 * (time.perf_counter() - started) / len(shapes))
        figures = quality(seen, shapes, pairs)
        notes = {"buildings": len(shapes), "touching_pairs": len(pairs)} | figures
        measured.append(Measurement(f"{what}: {name}", "ms a building", tuple(taken), notes=notes))
    return measured


def quality(seen: Shown, shapes: Geometries, pairs: npt.NDArray[np.int64]) -> dict[str, float]:
    """How good outlines are.

    Returns:
        `area_error` and `pixel_area_error`: medians against the truth and the pixels, and `worst_pixel_area_error`;
        `iou`: mean with the truth; `regular_corners`: share within 1° of a multiple of 45°, circles apart;
        `corners`: of one, mean;
        `gap` and `overlap`: between those that touched, in square pixels for 100 pixels of common wall;
        `invalid`: how many.
    """
    valid = shapely.make_valid(shapes)
    areas, true, exact = (shapely.area(each) for each in (valid, seen.truth, seen.exact))
    common = shapely.area(shapely.intersection(valid, seen.truth))
    angles, ring = corner_angles(ShapeRings.of(shapes[~shapely.is_empty(shapes)]).rings)
    corners = angles[~_of_circles(angles, ring)]
    errors = np.abs(areas - exact) / exact
    gap, overlap = _between(seen.exact, valid, pairs)
    return {
        "area_error": float(np.median(np.abs(areas - true) / true)),
        "pixel_area_error": float(np.median(errors)),
        "worst_pixel_area_error": float(errors.max()),
        "iou": float(np.mean(common / (areas + true - common))),
        "regular_corners": float(np.mean(np.abs((corners + 22.5) % 45 - 22.5) <= STRAY)),
        "corners": len(angles) / len(shapes),
        "gap": gap,
        "overlap": overlap,
        "invalid": int(np.count_nonzero(~shapely.is_valid(shapes))),
    }


def _of_circles(angles: Floats, ring: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """(K,) which corners are of rings with many, all of them blunt."""
    counts = np.bincount(ring)
    starts = np.flatnonzero(np.diff(ring, prepend=-1))
    sharpest = np.minimum.reduceat(angles, starts)
    is_circle: npt.NDArray[np.bool_] = (counts >= ROUND_CORNERS) & (sharpest >= BLUNT)
    return is_circle[ring]


def _between(exact: Geometries, shapes: Geometries, pairs: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Gap and overlap along common walls in square pixels for 100 pixels, but for their ends, where others begin."""
    gap = overlap = length = 0.0
    for one, other in pairs.tolist():
        wall = shapely.line_merge(shapely.intersection(exact[one], exact[other]))
        if wall.length < LEAST_WALL_PX:
            continue
        strip = wall.buffer(NEAR_PX) - shapely.boundary(exact[one] | exact[other]).buffer(NEAR_PX + END_PX)
        both = shapes[one] | shapes[other]
        gap += (strip & (exact[one] | exact[other])).difference(both).area
        overlap += shapes[one].intersection(shapes[other]).area
        length += wall.length
    return (100 * gap / length, 100 * overlap / length) if length else (0.0, 0.0)
