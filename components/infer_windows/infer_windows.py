"""A trained network applied to the scenes of a project, window by window."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from components.core.errors import ConfigError, DataError
from components.core.figures import Bitmap, RasterMask, Rectangle
from components.core.geometry import Window, sliding_windows
from components.core.imagery import MaskRaster, Recipe
from components.core.models import model_digest
from components.core.network.model_artifact import load_model
from components.core.progress import progress
from components.core.project import ImageRef, Item, Object, Project, manifest_writer, open_project
from components.core.project.selecting import Shard, choose_items
from components.infer_windows.bad_scenes import BadScene, BadScenes
from components.infer_windows.classes import ClassPlan, plan_classes
from components.infer_windows.config import DEFAULT_FILE, WHERE, InferenceConfig, load_config
from components.infer_windows.outputs import SceneFiles, absolute, scene_files
from components.infer_windows.predictor import NetworkPredictor, choose_device, default_batch_size
from components.infer_windows.scene import ClassExtent, WindowPlan, predict_scene

log = logging.getLogger(__name__)

MEGA = 1_000_000

MASK_ROLE = "classes"
CONFIDENCE_ROLE = "confidence"


@dataclass(frozen=True, slots=True)
class InferenceReport:
    """What an inference did.

    Attributes:
        scenes: Items in the output project.
        reused: Those of them that an earlier run had finished.
        megapixels: Of the scenes that went through the network.
        seconds: From the first scene to the last.
        network_seconds: Spent inside the network.
        bad: Scenes left out, each with its reason.
    """

    scenes: int
    reused: int
    megapixels: float
    seconds: float
    network_seconds: float
    bad: tuple[BadScene, ...]

    def counts(self) -> dict[str, float]:
        """The numbers, for metrics."""
        return {
            "scenes": self.scenes,
            "reused": self.reused,
            "bad": len(self.bad),
            "megapixels": round(self.megapixels, 6),
            "seconds": round(self.seconds, 3),
            "megapixels_per_second": round(self.megapixels / self.seconds, 3) if self.seconds else 0.0,
        }


def infer_windows(
    project: Path | str,
    model: Path | str,
    predictions: Path | str,
    *,
    data_root: str,
    config: str | Path | dict[str, Any] | InferenceConfig = DEFAULT_FILE,
    image_tags: Sequence[str] = ("test",),
    shard: str = "1/1",
    project_name: str = "inf_INRIA_test_part",
    max_bad: int = 0,
) -> InferenceReport:
    """Find the model's classes in the images of a project.

    For each image a mask of class indices and a confidence (uint8, probability of that class × 255, rounded) go to
    `data_root`, tiled GeoTIFFs on the image's grid; the output project refers to them. Scenes that an earlier run
    finished with the same image, model and settings are not done again.

    Args:
        project: Directory of the input project.
        model: The model's folder.
        predictions: Directory of the output project; it appears when it is whole.
        data_root: Folder or URI prefix for rasters; they lie in `predictions` there.
        config: The inference config: JSON text, a file, the parsed document or the checked settings.
        image_tags: Items that carry one of these tags are taken; all items where there is no tag.
        shard: Which part of those items, as plan_shards gives it: "2/5" is the second of five.
        project_name: Name of the output project, which queries use.
        max_bad: How many scenes may be left out because they are broken or smaller than the window.

    Returns:
        What was done.

    Raises:
        ConfigError: If the config or a parameter breaks a rule.
        DataError: If the project or the model cannot be used, or no item carries a wanted tag.
        TooManyBadItemsError: If more scenes are left out than `max_bad`; no project is written.
    """
    settings = load_config(config)
    for name, value in (("data_root", data_root), ("project_name", project_name)):
        if not value:
            raise ConfigError(f"{name}: is empty; give one")
    source = open_project(project)
    rows = Shard.parse(shard).rows(source, choose_items(source, image_tags))
    loaded = load_model(Path(model))
    device = choose_device(settings.gpu_devices)
    run = _Run(
        config=settings,
        classes=plan_classes(source.meta, loaded.config.class_infos, settings, project_name),
        predictor=NetworkPredictor(loaded.network, loaded.config.size, device, settings.precision),
        channels=len(loaded.config.classes),
        batch_size=settings.batch_size or default_batch_size(device),
        model=model_digest(Path(model)),
        data_root=absolute(data_root),
    )
    report = _infer_items(source, rows, run, predictions, BadScenes(max_bad, len(rows)))
    log.info(
        "%d scenes, %d of them done before, %.1f megapixels in %.1f s, %.1f s of it in the network",
        report.scenes,
        report.reused,
        report.megapixels,
        report.seconds,
        report.network_seconds,
    )
    return report


@dataclass(frozen=True, slots=True)
class _Run:
    """What all scenes of a run share."""

    config: InferenceConfig
    classes: ClassPlan
    predictor: NetworkPredictor
    channels: int
    batch_size: int
    model: str
    data_root: str


def _infer_items(
    source: Project, rows: Sequence[int], run: _Run, predictions: Path | str, bad: BadScenes
) -> InferenceReport:
    scenes = reused = pixels = 0
    started = time.perf_counter()
    with manifest_writer(predictions, run.classes.meta) as writer:
        for row in progress(rows, what="scenes"):
            with bad.tolerated(source.label(row)):
                scene = _infer_item(source.item(row), run)
                writer.add(scene.item)
                scenes += 1
                reused += scene.reused
                pixels += 0 if scene.reused else scene.item.size.area
    seconds = time.perf_counter() - started
    return InferenceReport(scenes, reused, pixels / MEGA, seconds, run.predictor.seconds, tuple(bad.scenes))


@dataclass(frozen=True, slots=True)
class _Scene:
    """A finished scene, and whether an earlier run had finished it."""

    item: Item
    reused: bool


def _infer_item(item: Item, run: _Run) -> _Scene:
    image = item.image
    if image is None:
        raise DataError("has no image; import the project with its images")
    windows = windows_of(image, run.config)
    files = scene_files(item, image, run.model, run.config, run.data_root)
    extents = files.finished()
    reused = extents is not None
    if extents is None:
        plan = WindowPlan(windows, run.batch_size, run.channels)
        extents = predict_scene(image, plan, run.predictor, files.mask, files.confidence)
        files.finish(extents)
    return _Scene(_annotated(item, run.classes, files, windows, extents), reused)


def windows_of(image: ImageRef, config: InferenceConfig) -> list[Window]:
    """The windows that slide over an image, in row-major order.

    Raises:
        DataError: If the image is smaller than the window.
    """
    size, window = image.recipe.size, config.mode.window
    for side, length, limit in (("height", window.height, size.height), ("width", window.width, size.width)):
        if length > limit:
            raise DataError(
                f"{WHERE}: mode.window.{side}: {length} exceeds the {side} {limit} of the image; use at most {limit}"
            )
    return sliding_windows(size, window.size, config.mode.min_overlap.size)


def _annotated(
    item: Item, classes: ClassPlan, files: SceneFiles, windows: Sequence[Window], extents: Sequence[ClassExtent]
) -> Item:
    """The item with the objects that are kept, the windows where they are wanted, and what was found."""
    objects = [
        replace(entry, class_title=classes.existing[entry.class_title])
        for entry in item.objects
        if entry.class_title in classes.existing
    ]
    if classes.window is not None:
        objects += [Object(classes.window, Rectangle(w.top, w.left, w.bottom, w.right)) for w in windows]
    for extent in extents:
        if extent.value in classes.predicted:
            mask = RasterMask(MaskRaster(files.mask, extent.value), Recipe(extent.box), extent.area)
            objects.append(Object(classes.predicted[extent.value], Bitmap(extent.box.top, extent.box.left, mask)))
    rasters = {**item.rasters, MASK_ROLE: files.mask, CONFIDENCE_ROLE: files.confidence}
    return replace(item, objects=tuple(objects), rasters=rasters)
