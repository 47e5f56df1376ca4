"""Scenes on their way through the stage: one after the other without a gap, however one ends and the next begins.

While the last rows of a scene are written, the next one is read and put through the network. A scene that fails does so
by itself: its error takes the place of what is missing, and the next one follows.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from components.core.documents.inference import WHERE, InferenceConfig, SlidingWindowMode
from components.core.errors import DataError, FootprintsError, StorageError
from components.core.geometry import Size, Window
from components.core.project import ImageRef, Item, Project
from components.core.project.parts import row_parts, wanted_rows
from components.core.scene_faults import own_faults
from components.infer_windows.ahead import ahead
from components.infer_windows.batches import Batch, WindowPlan, read_batches
from components.infer_windows.buffers import Buffers
from components.infer_windows.extents import ClassExtent
from components.infer_windows.grid import Grid
from components.infer_windows.outputs import SceneFiles, scene_files
from components.infer_windows.predictor import NetworkPredictor
from components.infer_windows.scene import apply, plan_windows, write_scene


@dataclass(frozen=True, slots=True)
class Settings:
    """What all scenes of a run share.

    Attributes:
        config: How the network is applied.
        channels: How many classes the network knows.
        batch_size: Windows that go through it at once.
        model: Digest of the model.
        data_root: Folder or URI prefix for rasters.
        max_item_pixels: The most pixels of an item; 0 for no limit.
    """

    config: InferenceConfig
    channels: int
    batch_size: int
    model: str
    data_root: str
    max_item_pixels: int = 0


@dataclass(slots=True)
class Job:
    """One scene.

    Attributes:
        item: The whole scene.
        image: Its pixels.
        plan: How it is cut.
        files: For each of its row parts where the results go.
        extents: For each of them what the mask holds, once that is known.
        reused: Whether an earlier run had finished it.
        skipped_windows: How many windows hold no data.
        given_up: Whether the rest of it is not wanted any more.
    """

    item: Item
    image: ImageRef
    plan: WindowPlan
    files: Sequence[SceneFiles]
    extents: Sequence[tuple[ClassExtent, ...]]
    reused: bool
    skipped_windows: int = 0
    given_up: bool = False


def prepare(item: Item, settings: Settings) -> Job:
    """Decide how a scene is done, and see whether that was done before.

    Raises:
        DataError: If it has no image, is smaller than the window, or its raster does not exist.
        StorageError: If the place of its raster or of the results cannot be asked.
    """
    if item.image is None:
        raise DataError("has no image; import the project with its images")
    rows = wanted_rows(item)
    grid = grid_of(item.image.recipe.size, settings.config.mode)
    parts = row_parts(item.size, rows, settings.max_item_pixels)
    plan = plan_windows(grid, settings.batch_size, settings.channels, rows)
    files = scene_files(item, item.image, settings.model, settings.config, settings.data_root, parts)
    found = [extents for extents in (part.finished() for part in files) if extents is not None]
    reused = len(found) == len(files)
    return Job(item, item.image, plan, files, found if reused else [], reused)


def grid_of(size: Size, mode: SlidingWindowMode) -> Grid:
    """The windows that slide over an image.

    Raises:
        DataError: If the image is smaller than the window.
    """
    reason = too_small(size, mode)
    if reason is not None:
        raise DataError(reason)
    blend = mode.blend
    return Grid.of(
        size,
        mode.window.size,
        mode.min_overlap.size,
        method=blend.method,
        discard_border=blend.discard_border,
        reach=mode.reach,
    )


def windows_of(image: ImageRef, config: InferenceConfig) -> list[Window]:
    """The windows that slide over an image, in row-major order.

    Raises:
        DataError: If the image is smaller than the window.
    """
    return grid_of(image.recipe.size, config.mode).windows()


def too_small(size: Size, mode: SlidingWindowMode) -> str | None:
    """Why an image cannot be done; None where it can."""
    window = mode.window
    for side, length, limit in (("height", window.height, size.height), ("width", window.width, size.width)):
        if length > limit and mode.pad == "none":
            return (
                f"{WHERE}: mode.window.{side}: {length} exceeds the {side} {limit} of the image; use at most {limit}, "
                'or "pad": "reflect" under "mode", which lets windows reach over the image\'s border'
            )
    return None


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
    job: Job | None
    content: Job | Batch | FootprintsError


class Scenes:
    """The scenes of a run, in order.

    Attributes:
        predictor: The network.
    """

    def __init__(self, source: Project, rows: Sequence[int], settings: Settings, predictor: NetworkPredictor) -> None:
        self.predictor = predictor
        self._source = source
        self._rows = rows
        self._settings = settings
        self._buffers = Buffers()

    def run(self) -> Generator[tuple[str, Callable[[], Job]]]:
        """Give each scene as its name and a function that ends it.

        The function blends and writes what the network says, and returns the finished job.

        Raises:
            DataError: (the function) If the scene cannot be done.
            StorageError: (the function) If it cannot be read or its results cannot be written.
        """
        with closing(ahead(self._predicted(), depth=1)) as steps:
            for (_, label), own in groupby(steps, key=lambda step: (step.number, step.label)):
                yield label, partial(_finished, own)

    def _predicted(self) -> Generator[_Step]:
        with closing(ahead(self._read(), depth=1)) as steps:
            for step in steps:
                if isinstance(step.content, Batch) and step.job is not None and not step.job.given_up:
                    self._apply(step.content)
                yield step

    def _apply(self, batch: Batch) -> None:
        """Apply the network; it is all scenes' and no fault of the one at hand where it fails."""
        try:
            apply(self.predictor, batch, self._buffers)
        except FootprintsError:
            raise
        except Exception as error:
            raise FootprintsError(f"the network cannot be applied: {type(error).__name__}: {error}") from error

    def _read(self) -> Generator[_Step]:
        for number, row in enumerate(self._rows):
            label, job = self._source.label(row), None
            try:
                with own_faults(label):
                    job = prepare(self._source.item(row), self._settings)
                    yield _Step(number, label, job, job)
                    for batch in () if job.reused else read_batches(job.image, job.plan, self._buffers):
                        yield _Step(number, label, job, batch)
                        if job.given_up:
                            break
            except (DataError, StorageError) as error:
                yield _Step(number, label, job, error)


def _finished(steps: Iterator[_Step]) -> Job:
    job = _content(next(steps))
    if not isinstance(job, Job):
        raise TypeError(f"a scene begins with {type(job).__name__}")
    if job.reused:
        return job
    try:
        parts = [files.part for files in job.files]
        job.extents = write_scene(job.image, job.plan, _batches(job, steps), parts)
        for files, extents in zip(job.files, job.extents, strict=True):
            files.finish(extents)
    except BaseException:
        job.given_up = True
        raise
    return job


def _batches(job: Job, steps: Iterator[_Step]) -> Iterator[Batch]:
    for step in steps:
        batch = _content(step)
        if isinstance(batch, Batch):
            job.skipped_windows += batch.run.count(False)
            yield batch


def _content(step: _Step) -> Job | Batch:
    if isinstance(step.content, FootprintsError):
        raise step.content
    return step.content
