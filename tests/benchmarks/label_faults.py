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
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyogrio
import shapely

from components.core.cli import argument_parser, configure_logging
from components.core.documents.labels import load_labels
from components.core.footprints.geography import PixelGrid, reprojected
from components.core.hashing import uniform
from components.core.project import open_project
from components.crop_augment.crop_augment import crop_augment
from components.evaluate.evaluate import evaluate
from components.evaluate.label_check.check import FILE, LabelCheck
from components.evaluate.label_check.doubts import LEAST_AREA_M2
from components.evaluate.label_check.geopackage import SUGGESTIONS
from components.import_images.import_images import import_images
from components.infer_windows.infer_windows import infer_windows
from components.split_masks.split_masks import split_masks
from components.split_tagging.split_tagging import split_tagging
from components.train_unet.train_unet import train
from pipelines.documents import laptop_documents
from tests.benchmarks.harness import Measurement, machine, save, table
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
        faults: By kind, the places: of a label without a building where it stands, of others where they belong.
        shifts: (M, 2) metres east and north by which those of the kind "shifted" were moved away.
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
        "shifted": shapes[moved],
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


def checked(project: Path, model: Path, folder: Path) -> tuple[LabelCheck, pa.Table]:
    """What a model doubts of a project's labels, and the suggestions, their geometries in `CRS`."""
    documents = laptop_documents()
    found, split, out = folder / "found", folder / "split", folder / "out"
    infer_windows(project, model, found, data_root=str(folder / "data"), config=documents.inference, image_tags=[])
    split_masks(found, split, query=json.dumps(documents.split_masks))
    labels = evaluate(split, project, out, workers=1).labels
    if labels is None:
        raise RuntimeError("labels were not judged")
    meta, table = pyogrio.read_arrow(out / FILE, layer=SUGGESTIONS)
    shapes = reprojected(shapely.from_wkb(table["geom"].to_numpy()), meta["crs"], CRS)
    return labels, table.set_column(
        table.schema.get_field_index("geom"), "geom", pa.array(shapely.to_wkb(shapes).tolist(), pa.binary())
    )


def ground_of(project: Path) -> shapely.Geometry:
    """What the images of a project show, in `CRS`."""
    boxes = []
    for item in open_project(project):
        grid = PixelGrid.of_item(item)
        if grid is not None:
            box = np.array([shapely.box(0, 0, item.size.width, item.size.height)], dtype=object)
            boxes.append(reprojected(grid.to_map(box), grid.crs, CRS)[0])
    return shapely.union_all(boxes)


def scores(kind: str, labels: SpoiltLabels, ground: shapely.Geometry, listed: pa.Table) -> dict[str, float]:
    """How well what was spoilt in one way was found.

    A suggestion is right if it and a fault of its kind share half of the smaller of both; faults are those that can be
    seen by half, and are as large as what is judged at all.
    """
    places = labels.faults[kind]
    counts = (shapely.area(places) >= LEAST_AREA_M2) & (
        shapely.area(shapely.intersection(places, ground)) >= shapely.area(places) / 2
    )
    places, shifts = places[counts], labels.shifts[counts] if kind == "shifted" else np.zeros((0, 2))
    rows = [row for row in listed.to_pylist() if row["kind"] == kind and not row["whole_scene"]]
    tree = shapely.STRtree(places)
    found, right, errors = set(), [], []
    for row in sorted(rows, key=lambda row: -row["score"]):
        shape = shapely.from_wkb(row["geom"])
        hit = [
            place
            for place in tree.query(shape).tolist()
            if 2 * shape.intersection(places[place]).area >= min(shape.area, places[place].area)
        ]
        found |= set(hit)
        right.append(bool(hit))
        if hit and kind == "shifted":
            errors.append(math.hypot(*(shifts[hit[0]] + (row["shift_east_m"], row["shift_north_m"]))))
    result = {"faults": float(len(places)), "listed": float(len(rows))}
    if len(places):
        result["recall"] = len(found) / len(places)
    if rows and len(places):
        result["precision"] = sum(right) / len(rows)
        result["precision of as many as faults"] = sum(right[: len(places)]) / len(right[: len(places)])
    if errors:
        result["error of the shift, median, m"] = float(np.median(errors))
    return result


def shift_scores(check: LabelCheck, moved: tuple[float, float]) -> dict[str, float]:
    """How many scenes are told to be moved, and how far off what is told is."""
    wrong = [
        math.hypot(moved[0] + scene.shift_m[0], moved[1] + scene.shift_m[1])
        for scene in check.shifted
        if scene.shift_m is not None
    ]
    result = {"scenes": float(check.scenes), "scenes told to be moved": float(len(check.shifted))}
    return result | ({"error of the shift, median, m": float(np.median(wrong))} if wrong else {})


CASES: dict[str, tuple[Spoiling, Spoiling, str]] = {
    "some spoilt, held out": (SOME, SOME, HELD_OUT),
    "some spoilt, learnt from": (SOME, SOME, LEARNT),
    "all moved, learnt from others": (SOME, ALL, HELD_OUT),
    "all moved, learnt from such": (ALL, ALL, HELD_OUT),
    "as they are": (SOME, Spoiling(), HELD_OUT),
}
"""What is learnt from, what is judged, and of which images."""


def measured(data: Path, seed: int, epochs: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Figures of every case, by its name and the kind."""
    shapes = labels_of(data)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models, learnt = {}, {}
        for number, spoiling in enumerate(dict.fromkeys(first for first, _, _ in CASES.values())):
            learnt[spoiling] = spoilt(shapes, spoiling, 2 * seed)
            place = folder / f"learnt{number}"
            models[spoiling] = trained(imported(data, LEARNT, learnt[spoiling], place), place, epochs, seed)
        for number, (case, (first, then, pattern)) in enumerate(CASES.items()):
            labels = learnt[first] if pattern == LEARNT else spoilt(shapes, then, 2 * seed + 1)
            place = folder / f"case{number}"
            project = imported(data, pattern, labels, place)
            check, listed = checked(project, models[first], place)
            ground = ground_of(project)
            for kind in labels.faults:
                yield f"{case}, {kind}", scores(kind, labels, ground, listed)
            yield f"{case}, scenes", shift_scores(check, then.all_moved)


def main() -> int:
    """Measure; gives the exit status."""
    parser = argument_parser(
        "python -m tests.benchmarks.label_faults", "Measure what is found of labels spoilt on purpose."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set `banepa`")
    parser.add_argument("--seeds", type=int, default=3, help="how many times: other faults, another training")
    parser.add_argument("--epochs", type=int, default=10, help="of each training")
    options = parser.parse_args()
    configure_logging()
    host = machine()
    found: dict[str, list[float]] = {}
    for seed in range(options.seeds):
        for what, figures in measured(options.data, seed, options.epochs):
            for name, value in figures.items():
                found.setdefault(f"{what}: {name}", []).append(value)
        notes = {"seeds": seed + 1, "epochs": options.epochs}
        rows = [Measurement(what, "", tuple(values), notes=notes) for what, values in found.items()]
        file = save(NAME, rows, host)
        sys.stdout.write(f"\n{NAME}: {host['processor']}, {host['cores']} cores → {file}\n{table(rows)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
