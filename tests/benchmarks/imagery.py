"""Accuracy on real imagery, beside segmentation_models_pytorch: `python -m tests.benchmarks.imagery --data FOLDER`.

The folder holds a folder for each data set, with `images` and `masks` in it. Each network is trained on part of a set,
for as many epochs as a budget of CPU seconds allows, and scored on the rest: the same crops, windows, seeds, split
queries and scores for all. Figures go to build/bench/imagery.json; one set, one network and one seed are a row there.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core.cli import argument_parser, configure_logging
from components.core.documents.named import merged
from components.crop_augment.crop_augment import crop_augment
from components.evaluate.evaluate import evaluate
from components.import_images.import_images import import_images
from components.infer_windows.infer_windows import infer_windows
from components.split_masks.split_masks import split_masks
from components.split_tagging.split_tagging import split_tagging
from components.train_unet.train_unet import train
from pipelines.documents import laptop_documents, laptop_query
from tests.benchmarks.bench_accuracy import ALONE, PLAIN
from tests.benchmarks.harness import Measurement, machine, save, table

NAME = "imagery"
TECHNIQUES = "techniques"


@dataclass(frozen=True, slots=True)
class DataSet:
    """What is learnt from and what is measured on.

    Attributes:
        name: Of the folder.
        learnt: Pattern of the names of images that are trained on.
        tested: The same of those that are measured on; what fits neither is left out.
    """

    name: str
    learnt: str
    tested: str


SETS = (
    DataSet("banepa", r"_22024[1-5]$", r"_22024[78]$"),
    DataSet("inria_crops", r"^austin", r"^chicago"),
    DataSet("vegas", r"img(1265|1385|1488)$", r"img(2144|225)$"),
)
"""Banepa's sixth row of tiles keeps the two parts apart."""

SMP = {"head_scale": 1.0, "encoder_weights": "none"}
NETWORKS: dict[str, dict[str, Any]] = {
    "UNetV2Small": {},
    "smp.Unet resnet34": {"architecture": "smp.Unet", "encoder": "resnet34", **SMP},
    "smp.Unet vgg16_bn": {"architecture": "smp.Unet", "encoder": "vgg16_bn", **SMP},
}
"""The laptop's, and two others by the same training config; all start from random weights."""

QUERIES = ("split_masks", "split_masks_confident", "split_masks_watershed")

SCORES = ("iou", "object_f1", "boundary_iou", "polis_px")

TAG_ALL: list[dict[str, Any]] = [
    {"action": "data", "src": ["INRIA/*"], "dst": "$all", "settings": {"classes_mapping": "default"}},
    {"action": "tag", "src": ["$all"], "dst": "$tagged", "settings": {"tag": "trainval", "action": "add"}},
    {"action": "supervisely", "src": ["$tagged"], "dst": "INRIA_TAGGED", "settings": {}},
]


def prepared(data: Path, entry: DataSet, folder: Path) -> None:
    """Import a set's two parts into projects `train` and `test`, and cut crops of the first into `crops`."""
    for part, pattern in (("train", entry.learnt), ("test", entry.tested)):
        for kind in ("images", "masks"):
            place = folder / part / kind
            place.mkdir(parents=True)
            for file in sorted((data / entry.name / kind).iterdir()):
                if re.search(pattern, file.stem):
                    shutil.copy(file, place / file.name)
        images, masks = (str(folder / part / kind) for kind in ("images", "masks"))
        import_images(images, masks, folder / f"{part}_project", data_root=str(folder / "data"), workers=1)
    split_tagging(folder / "train_project", folder / "tagged", query=json.dumps(TAG_ALL))
    crop_augment(folder / "tagged", folder / "crops", query=json.dumps(laptop_documents().crop_augment))


def epochs_within(crops: Path, config: dict[str, Any], budget_s: float) -> int:
    """As many epochs as fit into a budget of CPU seconds, by the time that one takes and a second one adds."""
    one, two = (_seconds_of(crops, config | {"epochs": epochs, "val_every": epochs}) for epochs in (1, 2))
    return max(1, 1 + int((budget_s - one) / max(two - one, 0.01)))


def _seconds_of(crops: Path, config: dict[str, Any]) -> float:
    with tempfile.TemporaryDirectory() as place:
        began = time.process_time()
        train(crops, Path(place) / "model", config=config)
        return time.process_time() - began


def scores_of(folder: Path, config: dict[str, Any]) -> dict[str, float]:
    """Train, predict, and score by each query; scores are named "query: score"."""
    documents = laptop_documents()
    with tempfile.TemporaryDirectory(dir=folder) as place:
        model, found, split = (Path(place) / name for name in ("model", "found", "split"))
        began = time.process_time()
        trained = train(folder / "crops", model, config=config)
        cpu_s = time.process_time() - began
        root = str(Path(place) / "data")
        infer_windows(folder / "test_project", model, found, data_root=root, config=documents.inference, image_tags=[])
        told = trained.metrics["calibration"]
        result = {"CPU s": cpu_s, "epochs": float(config["epochs"])}
        result |= {f"validation: {kind} error": told[kind]["error"] for kind in ("plain", "calibrated") if kind in told}
        for query in QUERIES:
            split_masks(found, split / query, query=json.dumps(laptop_query(query)))
            scalars = evaluate(split / query, folder / "test_project", workers=1).scalars()
            result |= {f"{query}: {name}": scalars[name] for name in SCORES if name in scalars}
    return result


def _configs(options: argparse.Namespace, crops: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is trained, by name: networks for as long as the budget says, or techniques for the same few epochs."""
    if options.techniques:
        for what, config in ALONE.items():
            yield f"alone: {what}", merged(PLAIN, config) | {"onnx": False}
        return
    for network in options.networks:
        config = merged(laptop_documents().training, NETWORKS[network]) | {"onnx": False}
        epochs = epochs_within(crops, config, options.budget)
        yield network, config | {"epochs": epochs, "val_every": max(1, epochs // 4)}


def main() -> int:
    """Measure what is asked for; gives the exit status."""
    parser = argument_parser("python -m tests.benchmarks.imagery", "Measure accuracy on real imagery.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--sets", nargs="*", default=[entry.name for entry in SETS], help="of these sets alone")
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), help="these networks alone")
    parser.add_argument(
        "--techniques", action="store_true", help="in place of networks each technique of the laptop's config by itself"
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many trainings of each")
    parser.add_argument("--budget", type=float, default=120.0, help="CPU seconds of a training")
    options = parser.parse_args()
    configure_logging()
    measured, host, name = [], machine(), TECHNIQUES if options.techniques else NAME
    for entry in SETS:
        if entry.name not in options.sets:
            continue
        with tempfile.TemporaryDirectory() as place:
            prepared(options.data, entry, Path(place))
            for network, config in _configs(options, Path(place) / "crops"):
                rows = [scores_of(Path(place), config | {"seed": seed}) for seed in range(options.seeds)]
                for score in rows[0]:
                    values = tuple(row.get(score, float("nan")) for row in rows)
                    notes = {"seeds": options.seeds, "budget_s": options.budget}
                    measured.append(Measurement(f"{entry.name}, {network}, {score}", "", values, notes=notes))
                save(name, measured, host)
    file = save(name, measured, host)
    sys.stdout.write(f"\n{name}: {host['processor']}, {host['cores']} cores → {file}\n{table(measured)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
