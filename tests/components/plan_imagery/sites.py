"""Imagery, a model and a collection to plan for, on disk or in object storage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.core import storage
from components.core.collection.ledger import Collection, SceneRecord
from components.core.collection.plan import DetectionSettings, Plan
from components.core.documents.imagery import DetectionImages, load_options
from components.core.geometry import Size
from components.core.models import CONFIG_FILE, WEIGHTS_FILE
from components.core.network.description import ModelConfig
from components.plan_imagery.plan_imagery import plan_imagery
from tests.builders import bitmap_meta, noise, write_tiled

SIZE = Size(30, 40)
DESCRIPTION = ModelConfig.of("vgg16_bn_slim8", bitmap_meta("", "bg", "untitled").classes, "bg", "neutral", Size(32, 32))
SETTINGS = DetectionSettings(inference_config='{"batch_size": 4}')


@dataclass
class Site:
    """A place of imagery, and a collection of what was found in it.

    Attributes:
        root: Folder or URI prefix of all of it.
        work: Local folder.
    """

    root: str
    work: Path

    @property
    def images_uri(self) -> str:
        return f"{self.root}/imagery"

    @property
    def output_uri(self) -> str:
        return f"{self.root}/footprints"

    @property
    def collection(self) -> Collection:
        return Collection(self.output_uri)

    def put_model(self, weights: bytes = b"weights", name: str = "model") -> str:
        """A model folder; gives its place."""
        place = f"{self.root}/{name}"
        storage.write_bytes(f"{place}/{CONFIG_FILE}", DESCRIPTION.model_dump_json().encode())
        storage.write_bytes(f"{place}/{WEIGHTS_FILE}", weights)
        return place

    def put_image(self, key: str, size: Size = SIZE, seed: int = 0, **options: Any) -> str:
        """A georeferenced image; gives its place."""
        source = write_tiled(self.work / "made" / key, noise(size, seed, bands=1), **options)
        storage.put_file(Path(source), f"{self.images_uri}/{key}")
        return f"{self.images_uri}/{key}"

    def plan(self, **options: Any) -> Plan:
        """Plan with the defaults of these tests; options of the imagery are given as those of planning."""
        images = {name: options.pop(name) for name in DetectionImages.model_fields if name in options}
        places = {name: options.pop(name, getattr(self, name)) for name in ("images_uri", "output_uri")}
        model_uri = options.pop("model_uri", None) or self.put_model()
        return plan_imagery(
            **places,
            model_uri=model_uri,
            plan_dir=self.work / "plan",
            options=load_options(DetectionImages, images),
            **{"settings": SETTINGS} | options,
        )

    def finish(self, plan: Plan) -> None:
        """Do what a plan says, as far as the ledger can tell: new markers stand before old ones go."""
        for scene in plan.scenes:
            wanted = plan.mark(scene)
            old = [mark for mark in self.collection.marks() if mark.scene == scene.id and mark != wanted]
            self.collection.finish(wanted, record_of(plan, scene.key, scene.uri))
            for mark in old:
                self.collection.retire(mark)
        for mark in plan.retired:
            self.collection.retire(mark)


def record_of(plan: Plan, key: str, uri: str) -> SceneRecord:
    """A marker's content."""
    return SceneRecord(key, uri, "etag", 1, 30, 40, "EPSG:32633", "", plan.model, 0, 0.0, (0.0, 0.0, 1.0, 1.0), {})


def summary(plan: Plan) -> dict[str, object]:
    """What a plan says, in short."""
    whys: dict[str, object] = {scene.key: scene.why.value for scene in plan.scenes}
    numbers = {"done": plan.done, "waiting": plan.waiting, "retired": len(plan.retired), "left": len(plan.skipped)}
    return whys | {name: number for name, number in numbers.items() if number}
