"""Does the list of places where labels seem wrong find what was spoilt? `python -m tests.benchmarks.label_faults`.

Labels of Banepa are spoilt on purpose: some are taken away, some moved by 3 m in directions of their own, some put
where no building is known; or all of them are moved by 3 m in one direction. A network that has learnt from spoilt
labels of one part of the town says what it doubts of the spoilt labels of another part, and of its own. What is wrong
in the labels from the start counts as falsely doubted, so that precision is a lower bound. Figures go to
build/bench/label_faults.json.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyogrio
import shapely

from components.core.documents.labels import load_labels
from components.core.footprints.geography import reprojected
from components.core.hashing import uniform
from components.crop_augment.crop_augment import crop_augment
from components.import_images.import_images import import_images
from components.infer_windows.infer_windows import infer_windows
from components.split_masks.split_masks import split_masks
from components.split_tagging.split_tagging import split_tagging
from components.train_unet.train_unet import train
from pipelines.documents import laptop_documents
from tests.benchmarks.imagery import TAG_ALL

NAME = "label_faults"

LABELS = "banepa/scene/banepa_buildings_wgs84.geojson"

CRS = "EPSG:32645"
"""Metres on the ground of Banepa."""

LEARNT, HELD_OUT = r"_22024[1-5]$", r"_22024[78]$"
"""Names of images; the row of tiles between them keeps the parts apart."""

SHIFT_M = 3.0

Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Spoiling:
    """What is done to labels.

    Attributes:
        deleted: Share of labels that are taken away.
        moved: Share that are moved by `SHIFT_M`, each in a direction of its own.
        invented: Share of labels that get a copy where no building is known.
        all_moved: How far all are moved, metres east and north.
    """

    deleted: float = 0.0
    moved: float = 0.0
    invented: float = 0.0
    all_moved: tuple[float, float] = (0.0, 0.0)


SOME = Spoiling(deleted=0.05, moved=0.05, invented=0.03)
ALL = Spoiling(deleted=0.05, all_moved=(SHIFT_M * math.cos(math.radians(30)), SHIFT_M * math.sin(math.radians(30))))


@dataclass(frozen=True)
class SpoiltLabels:
    """Labels with faults that are known.

    Attributes:
        shapes: (N,) polygons in `CRS`.
        faults: By kind, the places: of a missing one its outline, of others where they stand now.
        shifts: (M, 2) metres east and north by which those of the kind "shifted" were moved.
    """

    shapes: Geometries
    faults: Mapping[str, Geometries]
    shifts: npt.NDArray[np.float64]


def spoilt(shapes: Geometries, spoiling: Spoiling, seed: int = 0) -> SpoiltLabels:
    """Spoil labels; each one's fate depends on the seed and its number alone."""
    fates = np.array([uniform(seed, "fate", str(number)) for number in range(len(shapes))])
    turns = np.array([uniform(seed, "turn", str(number)) for number in range(len(shapes))]) * 2 * math.pi
    deleted = fates < spoiling.deleted
    moved = ~deleted & (fates < spoiling.deleted + spoiling.moved)
    copied = fates >= 1 - spoiling.invented
    shifts = np.where(moved[:, None], SHIFT_M * np.stack([np.cos(turns), np.sin(turns)], 1), spoiling.all_moved)
    changed = _moved(shapes, shifts)
    invented = _elsewhere(shapes, np.flatnonzero(copied), seed)
    faults = {
        "missing": shapes[deleted],
        "shifted": changed[moved],
        "unsupported": _moved(invented, np.tile(spoiling.all_moved, (len(invented), 1))),
    }
    left = np.concatenate([changed[~deleted], faults["unsupported"]])
    return SpoiltLabels(left, faults, shifts[moved])


def _moved(shapes: Geometries, shifts: npt.NDArray[np.float64]) -> Geometries:
    counts = shapely.get_num_coordinates(shapes)
    points = shapely.get_coordinates(shapes) + np.repeat(shifts, counts, axis=0)
    result: Geometries = shapely.set_coordinates(shapes.copy(), points)
    return result


def _elsewhere(shapes: Geometries, chosen: npt.NDArray[np.int64], seed: int) -> Geometries:
    """Copies of some at places free of all others by two metres; those that find none in fifty tries are left out."""
    tree, west_south_east_north = shapely.STRtree(shapes), shapely.total_bounds(shapes)
    low, high = np.split(west_south_east_north, 2)
    found = []
    for number in chosen.tolist():
        middle = shapely.get_coordinates(shapely.centroid(shapes[number]))[0]
        for attempt in range(50):
            share = [uniform(seed, "place", str(number), str(attempt), axis) for axis in "xy"]
            (copy,) = _moved(shapes[number : number + 1], (low + share * (high - low) - middle)[None])
            if not len(tree.query(copy, predicate="dwithin", distance=2.0)):
                found.append(copy)
                break
    return np.array(found, dtype=object)


def labels_of(data: Path) -> Geometries:
    """(N,) polygons in `CRS`."""
    _, table = pyogrio.read_arrow(data / LABELS, columns=[])
    shapes = shapely.from_wkb(table.column(table.num_columns - 1).to_numpy())
    result: Geometries = reprojected(shapely.force_2d(shapes), "EPSG:4326", CRS)
    return result


def write_labels(file: Path, shapes: Geometries) -> str:
    """A GeoPackage of polygons."""
    table = pa.table({"geometry": pa.array(shapely.to_wkb(shapes).tolist(), pa.binary())})
    pyogrio.write_arrow(
        table, file, layer="labels", driver="GPKG", geometry_name="geometry", geometry_type="Unknown", crs=CRS
    )
    return str(file)


def imported(data: Path, pattern: str, labels: SpoiltLabels, folder: Path) -> Path:
    """A project of the images whose names fit, with labels."""
    images = folder / "images"
    images.mkdir(parents=True)
    for file in sorted((data / "banepa/images").iterdir()):
        if re.search(pattern, file.stem):
            shutil.copy(file, images / file.name)
    config = load_labels({"labels_uri": write_labels(folder / "labels.gpkg", labels.shapes)})
    project = folder / "project"
    import_images(
        str(images), "", project, data_root=str(folder / "data"), labels=config, allow_unpaired=True, workers=1
    )
    return project


def trained(project: Path, folder: Path, epochs: int, seed: int) -> Path:
    """The laptop's model of a project."""
    documents = laptop_documents()
    split_tagging(project, folder / "tagged", query=json.dumps(TAG_ALL))
    crop_augment(folder / "tagged", folder / "crops", query=json.dumps(documents.crop_augment))
    config: dict[str, Any] = documents.training | {"onnx": False, "epochs": epochs, "seed": seed}
    train(folder / "crops", folder / "model", config=config)
    return folder / "model"


def predicted(project: Path, model: Path, folder: Path) -> Path:
    """What a model finds in a project, an object each."""
    documents = laptop_documents()
    found, split = folder / "found", folder / "split"
    infer_windows(project, model, found, data_root=str(folder / "data"), config=documents.inference, image_tags=[])
    split_masks(found, split, query=json.dumps(documents.split_masks))
    return split
