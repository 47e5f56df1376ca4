"""A training's curves while it runs: TensorBoard's event files in the data root, and an MLflow run if there is one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytorch_lightning as pl

from components.core import storage
from components.core.errors import FootprintsError
from components.core.storage import join_uri, name_of
from components.train_unet.history import Row
from components.train_unet.metrics import Measures
from components.train_unet.mlflow_run import MlflowRun

EVENTS = "events.out.tfevents."
"""How TensorBoard's files are called."""

log = logging.getLogger(__name__)


class Tracker(Protocol):
    """Somewhere that curves are shown."""

    def log_rows(self, rows: Sequence[Row]) -> None:
        """Add points, in order.

        Raises:
            FootprintsError: If that cannot be done.
        """

    def close(self) -> None:
        """Give back what it holds."""


class TensorBoardTracker:
    """Event files in a folder, on disk or in object storage; TensorBoard reads both.

    Each try of a training writes a file with all points from the beginning; those of earlier tries are removed, so that
    no point is there twice.
    """

    def __init__(self, place: str, scratch: Path) -> None:
        """Write to `scratch` first, then to `place`."""
        from tensorboardX.event_file_writer import EventsWriter  # needs protobuf, whose import takes a while

        self._place = place
        self._writer = EventsWriter(str(scratch / "events"))
        (self._file,) = scratch.iterdir()
        there = storage.list_objects(place, recursive=False)
        self._earlier = [found.uri for found in there if name_of(found.uri).startswith(EVENTS)]

    def log_rows(self, rows: Sequence[Row]) -> None:
        """Add points, in order.

        Raises:
            StorageError: If the place cannot be written.
        """
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import scalar

        for row in rows:
            points = {f"{name}/{row.phase}": getattr(row, name) for name in Measures._fields}
            if row.phase == "train":
                points["lr"] = row.lr
            for tag, value in points.items():
                self._writer.write_event(Event(wall_time=time.time(), step=row.step, summary=scalar(tag, value)))
        self._writer.flush()
        storage.put_file(self._file, join_uri(self._place, self._file.name))
        while self._earlier:
            storage.delete(self._earlier.pop())

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class MlflowTracker:
    """The metrics of an MLflow run, and the config as its parameters."""

    def __init__(self, run: MlflowRun, config: Mapping[str, Any]) -> None:
        """Send the config.

        Raises:
            StorageError: If the server does not take it.
        """
        self._run = run
        run.log_params(config)

    def log_rows(self, rows: Sequence[Row]) -> None:
        """Add points, in order.

        Raises:
            StorageError: If the server does not take them.
        """
        self._run.log_rows(rows)

    def close(self) -> None:
        """Nothing is held."""


class RunTracking(pl.Callback):
    """Shows the curves at each validation. A tracker that fails is named in the log and left; the training goes on."""

    def __init__(self, events: str, config: Mapping[str, Any], scratch: Path) -> None:
        """Open nothing yet: the process that computes may be another.

        Args:
            events: Folder or URI for TensorBoard's event files; empty for none.
            config: The training's, for an MLflow run.
            scratch: Local folder for the files while they grow.
        """
        self._events = events
        self._config = config
        self._scratch = scratch
        self._trackers: list[Tracker] | None = None
        self._sent = 0

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Send the points since the last time; at first all, those of earlier tries included."""
        if not trainer.is_global_zero:
            return
        if self._trackers is None:
            self._trackers = [*self._opened(self._tensorboard), *self._opened(self._mlflow)]
        rows = pl_module.history.rows[self._sent :]
        self._sent += len(rows)
        self._trackers = [tracker for tracker in self._trackers if self._is_sent(tracker, rows)]

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Give back what trackers hold."""
        for tracker in self._trackers or ():
            tracker.close()
        self._trackers = None

    def _opened(self, open_tracker: Callable[[], Tracker | None]) -> list[Tracker]:
        try:
            tracker = open_tracker()
        except (FootprintsError, OSError) as error:
            log.warning("no curves are sent while the training runs: %s", error)
            return []
        return [] if tracker is None else [tracker]

    def _tensorboard(self) -> Tracker | None:
        if not self._events:
            return None
        folder = self._scratch / "events"
        folder.mkdir()
        tracker = TensorBoardTracker(self._events, folder)
        log.info("curves: tensorboard --logdir %s", self._events)
        return tracker

    def _mlflow(self) -> Tracker | None:
        run = MlflowRun.of_environment()
        if run is None:
            return None
        tracker = MlflowTracker(run, self._config)
        log.info("curves: run %s of %s", run.run_id, run.server)
        return tracker

    @staticmethod
    def _is_sent(tracker: Tracker, rows: Sequence[Row]) -> bool:
        try:
            tracker.log_rows(rows)
        except (FootprintsError, OSError) as error:
            log.warning("no more curves are sent: %s", error)
            tracker.close()
            return False
        return True
