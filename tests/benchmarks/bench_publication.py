"""What is left for the one step that publishes 1 000 scenes, where their shards finished them and where it has to.

CPU seconds, which other programs on the machine change less than they change time; one process on one core does all.

Before shards finished scenes, publication of the same split project took 38.6 CPU seconds (32.7–40.5; by the clock
42.1, 39.6–72.7), and after it 5.9 (5.7–6.4; by the clock 7.0, 6.7–7.4): three runs of each in turn, on two cores of an
AMD EPYC with Python 3.11.7, rasterio 1.4.4, GDAL 3.10.3 and pyarrow 26.0.1.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from components.core.collection.plan import DetectionSettings, read_plan
from components.core.collection.shard_results import finish_shard, write_part
from components.core.geometry import Size
from components.core.project import open_project
from components.core.project.history import read_history
from components.publish_collection.publish_collection import publish_collection
from tests.benchmarks.harness import Measurement, one_core
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import Box, Detection, write_town

NAME = "publication"

SCENES, ROW = 1000, 40
SIZE = Size(512, 512)
BUILDINGS = 24
MEGAPIXELS = SCENES * SIZE.area / 1e6
CONFIG = json.dumps({"gpu_devices": [], "batch_size": 16})
"""The tutorial's windows of 512 px: each scene is one."""

MOST_REPEATS = 3
MOST_SHARE = 0.3


def run(repeats: int) -> list[Measurement]:
    """Publish the same scenes again and again, each time into an empty collection."""
    with tempfile.TemporaryDirectory() as name, one_core():
        folder = Path(name)
        detection = _detected(folder)
        taken = [_published(folder, detection) for _ in range(min(repeats, MOST_REPEATS))]
    shards, layer, both = zip(*taken, strict=True)
    notes = {"scenes": SCENES, "size": str(SIZE), "megapixels": MEGAPIXELS, "buildings": SCENES * BUILDINGS}
    return [
        Measurement(f"{SCENES} scenes finished by their shard", "CPU s", shards, notes=notes),
        Measurement(f"{SCENES} scenes published that a shard finished", "CPU s", layer, notes=notes),
        Measurement(f"{SCENES} scenes published that no shard finished", "CPU s", both, notes=notes),
        Measurement.at_most(
            "publishing the former, to publishing the latter",
            "",
            [new / old for new, old in zip(layer, both, strict=True)],
            MOST_SHARE,
        ),
    ]


def _detected(folder: Path) -> Detection:
    """Scenes side by side, planned, put through a small network and split, in one shard."""
    draw = np.random.default_rng(0)
    for number in range(SCENES):
        row, column = divmod(number, ROW)
        boxes = [_roof(place, draw) for place in range(BUILDINGS)]
        file = folder / "in" / f"town_{number:04}.tif"
        write_town(file, SIZE, *boxes, east_px=column * SIZE.width, south_px=row * SIZE.height)
    model = save_bright_model(folder / "model", side_px=128)
    detection = Detection(
        str(folder / "in"),
        str(model),
        str(folder / "out"),
        str(folder / "data"),
        DetectionSettings(inference_config=CONFIG),
    )
    detection.plan(folder / "plan")
    detection.split(folder, "1/1")
    return detection


def _roof(place: int, draw: np.random.Generator) -> Box:
    """One roof of a grid, whole pixels of the network's input large."""
    row, column = divmod(place, 6)
    height, width = 4 * draw.integers(4, 12, 2)
    return 100 * row + 40, 80 * column + 20, int(height), int(width)


def _published(folder: Path, detection: Detection) -> tuple[float, float, float]:
    """CPU seconds of finishing scenes in the shard, of publication after that, and of publication without."""
    plan, split = read_plan(folder / "plan"), folder / "split"
    output, part = Path(detection.output), folder / "part"

    def publish() -> None:
        counts = publish_collection(folder / "plan", [part], folder / "summary.json", workers=1)
        assert (counts["scenes_published"], counts["layer_scenes"]) == (SCENES, SCENES)

    shard = _seconds(lambda: finish_shard(plan, split, Path(detection.model), part, workers=1))
    layer = _seconds(publish)
    shutil.rmtree(output)
    shutil.rmtree(part)
    write_part(part, open_project(split), read_history(split), ())
    both = _seconds(publish)
    shutil.rmtree(output)
    shutil.rmtree(part)
    return shard, layer, both


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
