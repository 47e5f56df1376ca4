"""The detection pipeline's stages one after the other in this process, as the pipeline wires them, on small imagery."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
from affine import Affine

from components.core import storage
from components.core.collection.parts import fetched_parts, remove_parts
from components.core.collection.plan import DetectionSettings, Plan, read_plan, shard_names
from components.core.geometry import Size
from components.core.hashing import digest
from components.detect_scenes.detect_scenes import detect_scenes
from components.import_images.planned import import_planned
from components.infer_windows.infer_windows import infer_windows
from components.plan_imagery.plan_imagery import plan_imagery
from components.publish_collection.publish_collection import publish_collection
from components.split_masks.split_masks import split_masks
from tests.builders import write_tiled

CRS = "EPSG:32633"
GSD_M = 0.5
WINDOW_PX = 64
CONFIG = json.dumps(
    {
        "mode": {
            "source": "sliding_window",
            "window": {"width": WINDOW_PX, "height": WINDOW_PX},
            "min_overlap": {"x": 16, "y": 16},
        },
        "gpu_devices": [],
    }
)

SETTINGS = DetectionSettings(inference_config=CONFIG)

Box = tuple[int, int, int, int]
"""Top, left, height, width of a bright roof, in pixels."""

SIZE = Size(300, 260)
HOUSE = (20, 30, 40, 24)
SHED = (200, 100, 12, 20)
HALL = (100, 150, 60, 50)
PLACE = Affine(GSD_M, 0, 500_000, 0, -GSD_M, 5_300_000)


@dataclass(frozen=True)
class Detection:
    """A collection that is kept up to date.

    Attributes:
        images: Prefix of the imagery.
        model: Folder of the model.
        output: Prefix of the collection.
        data_root: For rasters.
        settings: How scenes are detected.
        options: Of plan_imagery.
    """

    images: str
    model: str
    output: str
    data_root: str
    settings: DetectionSettings = SETTINGS
    options: tuple[tuple[str, Any], ...] = ()

    def run(self, *, max_bad: int = 0, item_pixels: int = 0, **options: str) -> dict[str, float]:
        """Run once; gives the counts."""
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            return self.publish(work, self.detect(work, item_pixels), max_bad=max_bad, **options)

    def detect(self, work: Path, item_pixels: int = 0) -> list[Path]:
        """Plan and detect; gives what the shards left."""
        plan = self.plan(work / "plan")
        for shard in shard_names(plan.shards):
            self.do_shard(work, shard, item_pixels)
        return self.parts(work)

    def do_shard(self, work: Path, shard: str, item_pixels: int = 0) -> None:
        """Do one shard of the plan in `work`."""
        detect_scenes(work / "plan", shard, data_root=self.data_root, max_item_pixels=item_pixels, workers=1)

    def parts(self, work: Path) -> list[Path]:
        """What the shards of the plan in `work` left."""
        with fetched_parts(read_plan(work / "plan")) as parts:
            return [shutil.copytree(part, work / "parts" / part.name) for part in parts]

    def split(self, work: Path, shard: str) -> Path:
        """What a shard of the plan in `work` is before its scenes are finished: a split project."""
        project, predictions, split = (work / name for name in ("project", "predictions", "split"))
        import_planned(read_plan(work / "plan"), shard, project, data_root=self.data_root, workers=1)
        infer_windows(
            project,
            self.model,
            predictions,
            data_root=self.data_root,
            config=self.settings.inference_config,
            image_tags=(),
            max_bad=None,
            allow_empty=True,
        )
        split_masks(predictions, split, max_bad=None, allow_empty=True)
        return split

    def publish(self, work: Path, parts: Sequence[Path], *, max_bad: int = 0, **options: str) -> dict[str, float]:
        """Publish what was detected; gives the counts. `options` are those of publish_collection."""
        counts = publish_collection(
            work / "plan",
            parts,
            work / "summary.json",
            report=work / "report.html",
            max_bad=max_bad,
            workers=1,
            **options,  # type: ignore[arg-type]
        )
        remove_parts(read_plan(work / "plan"))
        return counts

    def plan(self, folder: Path) -> Plan:
        """Plan alone."""
        return plan_imagery(self.images, self.output, self.model, folder, settings=self.settings, **dict(self.options))

    def with_options(self, **options: Any) -> Detection:
        """The same with other options of plan_imagery."""
        return replace(self, options=tuple(options.items()))

    def files(self) -> dict[str, bytes]:
        """What must not depend on how the collection came to be.

        The ledger, the scenes' files, the layer, the coverage, and the changes, which are named by when a run began.
        """
        found = {}
        for entry in storage.list_objects(self.output):
            name = entry.uri.removeprefix(self.output).lstrip("/")
            if name.startswith(("ledger/", "scenes/", "layer", "coverage")) and not name.endswith("item.json"):
                found[name] = storage.read_bytes(entry.uri)
            elif name.startswith("changes/"):
                content = storage.read_bytes(entry.uri)
                found[f"changes/{digest(content)}"] = content
        return found


def town(size: Size, *boxes: Box) -> npt.NDArray[np.uint8]:
    """(3, H, W) uint8: dark ground with bright roofs."""
    pixels = np.full((3, size.height, size.width), 40, np.uint8)
    for top, left, height, width in boxes:
        pixels[:, top : top + height, left : left + width] = 220
    return pixels


def write_town(file: Path, size: Size, *boxes: Box, east_px: int = 0, south_px: int = 0) -> None:
    """Write a town, so many pixels east and south of where others lie."""
    transform = Affine.translation(500_000, 5_300_000) @ Affine.scale(GSD_M, -GSD_M)
    write_tiled(file, town(size, *boxes), crs=CRS, transform=transform @ Affine.translation(east_px, south_px))


def layer(detection: Detection) -> geopandas.GeoDataFrame:
    return geopandas.read_parquet(Path(detection.output) / "layer")


def write_three(folder: Path) -> None:
    write_town(folder / "west.tif", SIZE, HOUSE, SHED)
    write_town(folder / "east" / "east_2026-11-20.tif", SIZE, HALL, east_px=1000)
    write_town(folder / "south.tif", SIZE, south_px=1000)
