"""What a run of detection found, for tests of what is published of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from affine import Affine
from pyproj import Transformer

from components.core.collection.collect_parts import CompleteScene, collect_parts
from components.core.collection.finish_scene import SceneFinisher
from components.core.collection.ledger import Collection, Mark
from components.core.collection.plan import Plan, read_plan
from components.core.collection.stac import MaskClass
from components.core.geometry import Size
from components.core.project import open_project
from tests.builders import write_tiled
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import Detection, town, write_town

STARTED = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
CLASSES = (MaskClass(0, "bg", "#000000"), MaskClass(1, "untitled", "#56e236"))
SIZE = Size(160, 140)
HOUSE, SHED = (20, 30, 30, 24), (100, 100, 12, 20)


@dataclass(frozen=True)
class Detected:
    """What a run found, to be published anywhere.

    Attributes:
        folder: Of all of it.
        detection: The run.
        split: The split project of its one shard.
        parts: What the shard left when it had finished its scenes.
    """

    folder: Path
    detection: Detection
    split: Path
    parts: tuple[Path, ...]

    @property
    def plan(self) -> Plan:
        return read_plan(self.folder / "plan")

    def finisher(self, output: Path, earlier: dict[str, Mark] | None = None, **settings: Any) -> SceneFinisher:
        """Finishes its scenes in a collection elsewhere."""
        plan = replace(self.plan, output_uri=str(output), settings=replace(self.plan.settings, **settings))
        return SceneFinisher(plan, (open_project(self.split),), earlier or {}, CLASSES, STARTED)

    def scene(self, key: str) -> CompleteScene:
        """One of its scenes by its key."""
        scenes = collect_parts(self.plan, [open_project(self.split)], ()).scenes
        (found,) = (scene for scene in scenes if scene.planned.key == key)
        return found


def detected_towns(folder: Path) -> Detected:
    """Two towns, one of them with its 70th column on the 180th meridian, and an image that is too small."""
    write_town(folder / "in" / "town_2026-05-01.tif", SIZE, HOUSE, SHED)
    east, north = Transformer.from_crs("EPSG:4326", "EPSG:32760", always_xy=True).transform(180, -17)
    fiji = Affine.translation(east - 35, north) @ Affine.scale(0.5, -0.5)
    write_tiled(folder / "in" / "fiji.tif", town(SIZE, HOUSE, (60, 80, 20, 30)), crs="EPSG:32760", transform=fiji)
    write_town(folder / "in" / "tiny.tif", Size(20, 20))
    model = save_bright_model(folder / "model")
    run = Detection(str(folder / "in"), str(model), str(folder / "out"), str(folder / "data"))
    parts = run.detect(folder)
    return Detected(folder, run, run.split(folder, "1/1"), tuple(parts))


def files(collection: Collection) -> dict[str, bytes]:
    """All files of a collection by their places."""
    root = Path(collection.output_uri)
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
