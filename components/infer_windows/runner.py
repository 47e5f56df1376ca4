"""Scenes on their way through the stage: one after the other without a gap, however one ends and the next begins.

Three threads form a pipeline: one reads windows, one runs the network, and the caller's blends and writes. While the
last rows of a scene are written, the next one is read and inferred. A scene that fails does so
by itself: its error takes the place of what is missing, and the next one follows.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from components.core.documents.inference import InferenceConfig
from components.core.errors import DataError, FootprintsError, StorageError
from components.core.figures.centre_rule import Rings
from components.core.imagery.bands import COLOURS
from components.core.imagery.reading import check_bands
from components.core.project import ImageRef, Item
from components.core.project.class_rasters import ClassExtent
from components.core.project.parts import row_parts, wanted_rows
from components.core.project.wanted_area import wanted_area
from components.core.scene_errors import scene_errors
from components.infer_windows.batches import PixelBuffers, WindowBatch, read_batches
from components.infer_windows.outputs import SceneFiles, scene_files
from components.infer_windows.predictor import Predictor
from components.infer_windows.prefetch import prefetch
from components.infer_windows.region_reader import read_regions
from components.infer_windows.regions import RegionPlan
from components.infer_windows.scene_plan import ScenePlan, plan_scene
from components.infer_windows.writer import rewrite_scene, write_scene


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What all scenes of a run share.

    Attributes:
        config: How the network is applied.
        channels: How many classes the network knows.
        batch_size: Windows that go through it at once.
        model: Digest of the model.
        data_root: Folder or URI prefix for rasters.
        arithmetic: How the network's sums are made where that is not as it was at first, which enters keys.
        max_item_pixels: The most pixels of an item; 0 for no limit.
        thresholds: For each class but the background, the probability above which a pixel may have it; none where the
            most probable class counts.
        bands: Names of the bands that the network sees.
    """

    config: InferenceConfig
    channels: int
    batch_size: int
    model: str
    data_root: str
    arithmetic: str = ""
    max_item_pixels: int = 0
    thresholds: tuple[float, ...] = ()
    bands: tuple[str, ...] = COLOURS


@dataclass(slots=True)
class SceneInference:
    """One scene.

    Attributes:
        item: The whole scene.
        image: Its pixels.
        plan: How it is cut.
        files: For each of its row parts where the results go.
        extents: For each of them what the mask holds, once that is known.
        reused: Whether an earlier run had finished it.
        area: What of it is wanted; None for all.
        inferred: Whether an earlier run had kept what the network says of it.
        skipped_windows: How many windows hold no data.
        given_up: Whether the rest of it is not wanted any more.
    """

    item: Item
    image: ImageRef
    plan: ScenePlan
    files: Sequence[SceneFiles]
    extents: Sequence[tuple[ClassExtent, ...]]
    reused: bool
    area: tuple[Rings, ...] | None = None
    inferred: bool = False
    skipped_windows: int = 0
    given_up: bool = False

    @property
    def pixels(self) -> int:
        """Of the rows that are wanted."""
        return sum(files.part.rows.height for files in self.files) * self.item.size.width

    @property
    def classified_pixels(self) -> int:
        """Those that have a class, once that is known."""
        return sum(extent.area for part in self.extents for extent in part)


def prepare(item: Item, settings: RunSettings) -> SceneInference:
    """Decide how a scene is done, and see whether that was done before.

    Raises:
        DataError: If it has no image, the mode cannot be used on it, or its raster does not exist or lacks a band.
        StorageError: If the place of its raster or of the results cannot be reached.
    """
    if item.image is None:
        raise DataError("has no image; import the project with its images")
    rows = wanted_rows(item)
    check_bands(item.image.uri, settings.bands)
    image = replace(item.image, bands=settings.bands)
    plan = plan_scene(item, image, settings.config.mode, settings.batch_size, settings.channels, rows)
    parts = row_parts(item.size, rows, settings.max_item_pixels)
    files = scene_files(item, image, settings.model, settings.config, settings.data_root, parts, settings.arithmetic)
    found = [extents for extents in (part.finished() for part in files) if extents is not None]
    reused = len(found) == len(files)
    inferred = not reused and all(part.has_probabilities() for part in files)
    return SceneInference(item, image, plan, files, found if reused else [], reused, wanted_area(item), inferred)


def run_scenes(
    scenes: Iterable[tuple[str, Callable[[], SceneInference]]], predictor: Predictor, thresholds: Sequence[float] = ()
) -> Generator[tuple[str, Callable[[], SceneInference]]]:
    """Put scenes through the network, in order.

    Args:
        scenes: Each by its name and a function that prepares it.
        predictor: The network.
        thresholds: As in `RunSettings`.

    Returns:
        Each scene as its name and a function that ends it: it blends and writes what the network says, and gives the
        finished job.

    Raises:
        DataError: (the function) If the scene cannot be done.
        StorageError: (the function) If it cannot be read or its results cannot be written.
    """
    buffers = PixelBuffers()
    predicted = _predicted(_read(scenes, buffers), predictor, buffers)
    with closing(prefetch(predicted, depth=1)) as steps:
        for (_, label), own in groupby(steps, key=lambda step: (step.number, step.label)):
            yield label, partial(_finished, own, thresholds)


@dataclass(frozen=True, slots=True)
class _Step:
    """What comes of one scene: first the job, then its batches; or an error in the place of either.

    Attributes:
        number: Of the scene in the run.
        label: Its name.
        job: Of the scene; None where it could not be prepared.
        content: What came.
    """

    number: int
    label: str
    job: SceneInference | None
    content: SceneInference | WindowBatch | FootprintsError


def _read(scenes: Iterable[tuple[str, Callable[[], SceneInference]]], buffers: PixelBuffers) -> Generator[_Step]:
    for number, (label, prepared) in enumerate(scenes):
        job = None
        try:
            with scene_errors(label):
                job = prepared()
                yield _Step(number, label, job, job)
                for batch in () if job.reused or job.inferred else _batches_of(job, buffers):
                    yield _Step(number, label, job, batch)
                    if job.given_up:
                        break
        except (DataError, StorageError) as error:
            yield _Step(number, label, job, error)


def _batches_of(job: SceneInference, buffers: PixelBuffers) -> Generator[WindowBatch]:
    if isinstance(job.plan, RegionPlan):
        return read_regions(job.image, job.plan, buffers, job.area)
    return read_batches(job.image, job.plan, buffers, job.area)


def _predicted(read: Generator[_Step], predictor: Predictor, buffers: PixelBuffers) -> Generator[_Step]:
    with closing(prefetch(read, depth=1)) as steps:
        for step in steps:
            if isinstance(step.content, WindowBatch) and step.job is not None and not step.job.given_up:
                _predict(predictor, step.content, buffers)
            yield step


def _predict(predictor: Predictor, batch: WindowBatch, buffers: PixelBuffers) -> None:
    """Apply the network to a batch, unless no window of it holds data; its pixels are given back.

    Where the network fails, that is all scenes' and no fault of the one at hand.
    """
    if batch.pixels is None:
        return
    try:
        batch.probabilities = predictor(batch.pixels)
    except FootprintsError:
        raise
    except Exception as error:
        raise FootprintsError(f"the network's forward pass failed: {type(error).__name__}: {error}") from error
    buffers.give_back(batch.pixels)
    batch.pixels = None


def _finished(steps: Iterator[_Step], thresholds: Sequence[float]) -> SceneInference:
    job = _content(next(steps))
    if not isinstance(job, SceneInference):
        raise TypeError(f"a scene begins with {type(job).__name__}")
    if job.reused:
        return job
    try:
        parts = [files.part for files in job.files]
        if job.inferred:
            job.extents = rewrite_scene(job.image, parts, thresholds)
        else:
            is_limited = job.area is not None
            job.extents = write_scene(job.image, job.plan, _batches(job, steps), parts, thresholds, is_limited)
        for files, extents in zip(job.files, job.extents, strict=True):
            files.finish(extents)
    except BaseException:
        job.given_up = True
        raise
    return job


def _batches(job: SceneInference, steps: Iterator[_Step]) -> Iterator[WindowBatch]:
    for step in steps:
        batch = _content(step)
        if isinstance(batch, WindowBatch):
            job.skipped_windows += batch.run.count(False)
            yield batch


def _content(step: _Step) -> SceneInference | WindowBatch:
    if isinstance(step.content, FootprintsError):
        raise step.content
    return step.content
