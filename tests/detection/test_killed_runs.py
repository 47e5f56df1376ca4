"""Runs that are killed at any moment, and runs beside each other: the collection ends as if none had been disturbed."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import signal
import time
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from components.core.geometry import Size
from tests.components.publish_collection.layer.killing import killed_at
from tests.detection.detecting import Detection, write_town

KILLS, KILLS_A_COPY = 50, 5
SIZE = Size(160, 140)
HOUSE, MOVED, SHED, HALL = (20, 30, 30, 24), (22, 31, 30, 24), (100, 100, 12, 20), (80, 20, 50, 40)


@pytest.fixture(scope="module")
def server() -> ForkServerContext:
    """Starts processes that have everything imported, so that they can be killed at work and not before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.detection.detecting"])
    return context


def write_first(folder: Path) -> None:
    for index in range(4):
        write_town(folder / f"town_{index}.tif", SIZE, HOUSE, SHED, east_px=100 * index)


def write_next(folder: Path) -> None:
    """One new, one replaced that shows a house a little elsewhere, one gone; all of them overlap their neighbours."""
    write_town(folder / "town_0.tif", SIZE, MOVED, HALL)
    write_town(folder / "town_4.tif", SIZE, HALL, east_px=400)
    (folder / "town_2.tif").unlink(missing_ok=True)


def time_a_run(server: ForkServerContext, detection: Detection) -> float:
    """Seconds of a run in a process of its own."""
    process = server.Process(target=detection.run)
    started = time.monotonic()
    process.start()
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - started


def kill_a_run(server: ForkServerContext, detection: Detection, seconds: float) -> bool:
    """Kill a run after so many seconds, unless it ended before; gives whether it was killed."""
    process = server.Process(target=detection.run)
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def test_killed_runs_lose_nothing(detection: Detection, tmp_path: Path, server: ForkServerContext) -> None:
    images = Path(detection.images)
    write_first(images)
    first = replace(detection, output=str(tmp_path / "first"), data_root=str(tmp_path / "first-data"))
    first.run()
    write_next(images)
    undisturbed = replace(first, output=str(tmp_path / "undisturbed"), data_root=str(tmp_path / "undisturbed-data"))
    shutil.copytree(first.output, undisturbed.output)
    time_a_run(server, undisturbed)
    span = max(time_a_run(server, _copy(undisturbed, first, tmp_path / f"timing-{number}")) for number in range(2))
    dice = random.Random(0)
    killed: list[bool] = []
    for number in range(KILLS // KILLS_A_COPY):
        disturbed = _copy(undisturbed, first, tmp_path / f"disturbed-{number}")
        killed += [kill_a_run(server, disturbed, dice.uniform(0, span)) for _ in range(KILLS_A_COPY)]
        disturbed.run()
        assert disturbed.files() == undisturbed.files(), f"after {len(killed)} kills"
    assert any(killed)


def _copy(detection: Detection, first: Detection, place: Path) -> Detection:
    """A collection in the state of the first run, in a place of its own."""
    shutil.copytree(first.output, place / "out")
    return replace(detection, output=str(place / "out"), data_root=str(place / "data"))


def test_two_runs_at_once_do_nothing_twice_and_lose_nothing(
    detection: Detection, tmp_path: Path, server: ForkServerContext
) -> None:
    write_first(Path(detection.images))
    alone = replace(detection, output=str(tmp_path / "alone"), data_root=str(tmp_path / "alone-data"))
    alone.run()
    processes = [server.Process(target=detection.run) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0, 0]
    assert detection.files() == alone.files()
    assert detection.run()["scenes_published"] == 0


@pytest.mark.parametrize("event", [3, 8, 17, 19, 21, 24, 26, 30, 34, 37, 42, 50])
def test_a_step_that_is_killed_and_tried_again_keeps_the_ids(detection: Detection, tmp_path: Path, event: int) -> None:
    images = Path(detection.images)
    write_first(images)
    detection.run()
    write_next(images)
    undisturbed = _copy(detection, detection, tmp_path / "undisturbed")
    undisturbed.run()
    (tmp_path / "work").mkdir()
    parts = detection.detect(tmp_path / "work")

    assert killed_at(event, lambda: detection.publish(tmp_path / "work", parts))
    counts = detection.publish(tmp_path / "work", parts)

    assert detection.files() == undisturbed.files()
    assert counts["scenes_published"] == 2
