"""How many cores keep one GPU busy: everything around the network, from the plan to the layer, on one core."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from components.core.collection.plan import DetectionSettings, read_plan
from components.core.collection.shard_results import finish_shard
from components.core.geometry import Size
from components.core.imagery import Crop
from components.core.project import open_project
from components.core.project.history import read_history
from components.import_images.planned import import_planned
from components.infer_windows.infer_windows import infer_windows
from components.infer_windows.windows import WindowGrid, plan_windows
from components.plan_imagery.plan_imagery import plan_imagery
from components.publish_collection.publish_collection import publish_collection
from components.split_masks.split_masks import split_masks
from tests.benchmarks.building_masks import building_mask, rough
from tests.benchmarks.harness import Measurement, one_core
from tests.benchmarks.inference_memory import no_network
from tests.builders import write_tiled
from tests.detection.bright_model import save_bright_model
from tests.predicting import run_scene

NAME = "detection"

SIZE = Size(5000, 5000)
SCENES = 4
MEGAPIXELS = SCENES * SIZE.area / 1e6
INPUT_PX = 64

GPU_MEGAPIXELS = 25 / 0.2
"""A second: what one H100 takes through the tutorial's network, as the design estimates it."""

MOST_CORES = 8
MOST_IDLE_SECONDS = 60
DARK, BRIGHT = 40, 220

WINDOW, OVERLAP, BATCH = Size(512, 512), Size(128, 128), 16
CONFIG = json.dumps({"gpu_devices": [], "batch_size": BATCH})
"""The tutorial's windows of 512 px with 128 px of overlap."""


def run(repeats: int) -> list[Measurement]:
    """Detect scenes of 1 521 rough buildings each; the network's answers are ready when inference is timed."""
    with tempfile.TemporaryDirectory() as name, one_core():
        folder = Path(name)
        _write_scenes(folder / "in")
        model = save_bright_model(folder / "model", side_px=INPUT_PX)
        found = [_detect(folder, model, repeat) for repeat in range(min(repeats, 3) + 1)][1:]
    stages = {stage: [times[stage] for times in found] for stage in found[0]}
    idle, remade = stages.pop("nothing new"), stages.pop("made again")
    around = [sum(times[stage] for stage in stages) for times in found]
    notes = {"scenes": SCENES, "size": str(SIZE), "buildings": 1521, "windows": "512/128"}
    return [
        *(
            Measurement(
                f"{stage}, one core", "megapixels/s", tuple(MEGAPIXELS / value for value in values), notes=notes
            )
            for stage, values in stages.items()
        ),
        Measurement("all around the network, one core", "megapixels/s", tuple(MEGAPIXELS / value for value in around)),
        Measurement.at_most(
            f"cores for a GPU of {GPU_MEGAPIXELS:g} megapixels/s",
            "cores",
            [GPU_MEGAPIXELS * value / MEGAPIXELS for value in around],
            MOST_CORES,
        ),
        Measurement.at_most("a run with nothing new", "s", idle, MOST_IDLE_SECONDS),
        Measurement(
            "footprints made again with another tolerance, one core",
            "megapixels/s",
            tuple(MEGAPIXELS / value for value in remade),
        ),
    ]


def _write_scenes(folder: Path) -> None:
    for seed in range(SCENES):
        roofs = rough(building_mask(SIZE, seed), 20 * seed, seed)
        pixels = np.where(roofs, np.uint8(BRIGHT), np.uint8(DARK))
        write_tiled(folder / f"town_{seed}.tif", np.stack([pixels] * 3), crs=f"EPSG:{32631 + seed}")


def _detect(folder: Path, model: Path, repeat: int) -> dict[str, float]:
    """Seconds of each stage, of a second run with nothing to do, and of a third one with another tolerance."""
    place = folder / f"run_{repeat}"
    times: dict[str, float] = {}
    settings = DetectionSettings(inference_config=CONFIG, min_area_m2=5.0)

    def plan(name: str, **changed: str) -> Path:
        wanted, redo = replace(settings, **changed), "all" if changed else "changed"
        plan_imagery(str(folder / "in"), str(place / "out"), str(model), place / name, settings=wanted, redo=redo)
        return place / name

    started = time.perf_counter()
    planned = plan("plan")
    times["plan_imagery"] = time.perf_counter() - started
    started = time.perf_counter()
    import_planned(read_plan(planned), "1/1", place / "project", data_root=str(place / "data"), workers=1)
    times["import_images"] = time.perf_counter() - started
    infer_windows(
        place / "project",
        None,
        place / "predictions",
        model_uri=str(model),
        data_root=str(place / "data"),
        config=CONFIG,
        image_tags=(),
    )
    times["infer_windows without the network"] = _seconds_around_network(place)
    split_masks(place / "predictions", place / "split")
    times["split_masks"] = read_history(place / "split")[-1].seconds
    started = time.perf_counter()
    finish_shard(read_plan(planned), place / "split", model, place / "part", workers=1)
    times["finish_scenes"] = time.perf_counter() - started
    started = time.perf_counter()
    publish_collection(planned, [place / "part"], place / "summary.json", report=place / "report.html", workers=1)
    times["publish_collection"] = time.perf_counter() - started
    started = time.perf_counter()
    publish_collection(plan("again"), [], place / "summary.json", report=place / "report.html", workers=1)
    times["nothing new"] = time.perf_counter() - started
    started = time.perf_counter()
    publish_collection(plan("more", tolerance="2 px"), [], place / "summary.json", report=place / "r.html", workers=1)
    times["made again"] = time.perf_counter() - started
    return times


def _seconds_around_network(place: Path) -> float:
    """Seconds of inference where the network's answers are there at once."""
    total = 0.0
    for item in open_project(place / "project"):
        image = item.image
        assert image is not None
        plan = plan_windows(WindowGrid.of(SIZE, WINDOW, OVERLAP), BATCH, 2)
        answers = [no_network(image.then(Crop(window)).pixels()[np.newaxis]) for window in plan.grid.windows()]
        ready = iter([np.concatenate(answers[first : first + BATCH]) for first in range(0, len(answers), BATCH)])
        del answers
        started = time.perf_counter()
        run_scene(image, plan, lambda _, ready=ready: next(ready), str(place / "m.tif"), str(place / "c.tif"))
        total += time.perf_counter() - started
    return total
