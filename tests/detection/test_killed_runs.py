"""Runs that are killed at any moment, and runs beside each other: the collection ends as if none had been disturbed."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from components.core.collection.parts import remove_parts
from components.core.collection.plan import read_plan
from components.core.errors import TooManySkippedError
from components.core.geometry import Size
from tests.components.core.collection.layer.killing import is_bytecode, killed_at
from tests.detection.detecting import Detection, write_town

COPIES, KILLS_A_COPY = 10, 5
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


def is_change(name: str, arguments: tuple[object, ...]) -> bool:
    """Whether Python is about to open a file for writing, or to rename or remove one."""
    if is_bytecode(arguments):
        return False
    if name == "open":
        flags = arguments[2]
        return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))
    return name in ("os.rename", "os.remove")


def have_own_temporary_files(detection: Detection) -> None:
    """What others who are killed leave among the common ones is removed by whoever comes next, and would count."""
    folder = Path(f"{detection.output}-temporary")
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)


def run_counted(detection: Detection, file: Path) -> None:
    """Run, and write how many changes of files it took."""
    count = 0

    def note(name: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        count += is_change(name, arguments)

    have_own_temporary_files(detection)
    sys.addaudithook(note)
    detection.run()
    file.write_text(str(count))


def run_killed(detection: Detection, change: int) -> None:
    """Run, and be killed before the n-th change of a file."""
    left = change

    def die(name: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if not is_change(name, arguments):
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    have_own_temporary_files(detection)
    sys.addaudithook(die)
    detection.run()


def exit_code(process: BaseProcess) -> int | None:
    """How a process ends."""
    process.start()
    process.join()
    return process.exitcode


def test_killed_runs_lose_nothing(detection: Detection, tmp_path: Path, server: ForkServerContext) -> None:
    images = Path(detection.images)
    write_first(images)
    first = replace(detection, output=str(tmp_path / "first"), data_root=str(tmp_path / "first-data"))
    first.run()
    write_next(images)
    undisturbed = replace(first, output=str(tmp_path / "undisturbed"), data_root=str(tmp_path / "undisturbed-data"))
    shutil.copytree(first.output, undisturbed.output)
    counted = tmp_path / "changes"
    assert exit_code(server.Process(target=run_counted, args=(undisturbed, counted))) == 0
    changes = int(counted.read_text())
    dice = random.Random(0)
    for number in range(COPIES):
        disturbed = _copy(undisturbed, first, tmp_path / f"disturbed-{number}")
        codes = [
            exit_code(server.Process(target=run_killed, args=(disturbed, dice.randint(1, changes))))
            for _ in range(KILLS_A_COPY)
        ]
        assert codes[0] == -signal.SIGKILL, "a run from the same state makes as many changes"
        assert set(codes) <= {-signal.SIGKILL, 0}, "one that goes on may end before it is killed"
        disturbed.run()
        assert disturbed.files() == undisturbed.files(), f"copy {number}"


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


@pytest.mark.parametrize("event", [1, 3, 4, 6, 9, 11, 14, 20])
def test_a_publication_that_is_killed_and_tried_again_keeps_the_ids(
    detection: Detection, tmp_path: Path, event: int
) -> None:
    undisturbed = _to_be_done_anew(detection, tmp_path)
    parts = detection.detect(tmp_path / "work")

    assert killed_at(event, lambda: detection.publish(tmp_path / "work", parts))
    counts = detection.publish(tmp_path / "work", parts)

    assert detection.files() == undisturbed.files()
    assert counts["scenes_published"] == 2


@pytest.mark.parametrize("event", [3, 9, 10, 13, 14, 18, 20, 22, 23])
def test_a_shard_that_is_killed_and_tried_again_keeps_the_ids(detection: Detection, tmp_path: Path, event: int) -> None:
    """Killed before and after a scene's marker, and before it says which scenes it finished."""
    undisturbed = _to_be_done_anew(detection, tmp_path)
    detection.plan(tmp_path / "work" / "plan")

    assert killed_at(event, lambda: detection.do_shard(tmp_path / "work", "1/1"))
    detection.do_shard(tmp_path / "work", "1/1")
    counts = detection.publish(tmp_path / "work", detection.parts(tmp_path / "work"))

    assert detection.files() == undisturbed.files()
    assert counts["scenes_published"] == 2


def test_a_publication_that_is_killed_while_it_removes_its_parts_and_tried_again_says_the_same(
    detection: Detection, tmp_path: Path
) -> None:
    """All is published then: scenes are found in the ledger, and why one was left out in its note."""
    images, work = Path(detection.images), tmp_path / "work"
    write_first(images)
    write_town(images / "tiny.tif", Size(20, 20), east_px=900)
    detection = detection.with_options(shard_megapixels=0.05)
    work.mkdir()
    parts, plan = detection.detect(work), read_plan(work / "plan")
    left = Path(detection.output) / "parts" / plan.run
    shutil.copytree(left, tmp_path / "left")
    counts = detection.publish(work, parts, max_bad=1)
    files, (note,) = detection.files(), (Path(detection.output) / "failures").iterdir()
    noted = note.read_text()
    kills = 0
    while True:
        shutil.copytree(tmp_path / "left", left, dirs_exist_ok=True)
        if not killed_at(kills + 1, lambda: remove_parts(plan)):
            break
        kills += 1
        shutil.rmtree(work / "parts", ignore_errors=True)
        again = detection.publish(work, detection.parts(work), max_bad=1)

        assert {name: again[name] for name in ("scenes_published", "scenes_failed", "megapixels")} == {
            name: counts[name] for name in ("scenes_published", "scenes_failed", "megapixels")
        }
        assert detection.files() == files and note.read_text() == noted
        assert "exceeds the height 20" in (work / "report.html").read_text()
        assert not left.exists()
    assert kills >= 3 * len(parts), "several files of each part"


def test_scenes_whose_part_is_lost_are_done_and_those_that_are_not_done_have_failed(
    detection: Detection, tmp_path: Path
) -> None:
    write_first(Path(detection.images))
    write_town(Path(detection.images) / "tiny.tif", Size(20, 20), east_px=900)
    detection.detect(tmp_path)

    with pytest.raises(
        TooManySkippedError, match=r"images skipped.*: tiny\.tif: publish_collection: its shard reported neither"
    ):
        detection.publish(tmp_path, [])

    assert detection.files() == replace(detection, output=str(_published_alone(detection, tmp_path))).files()
    assert "<img" in (tmp_path / "report.html").read_text(), "outlines on plain ground"
    assert not (Path(detection.output) / "failures").exists(), "nothing says that the image is to blame"


def _published_alone(detection: Detection, tmp_path: Path) -> Path:
    alone = replace(detection, output=str(tmp_path / "alone"), data_root=str(tmp_path / "alone-data"))
    alone.run(max_bad=1)
    return tmp_path / "alone"


def _to_be_done_anew(detection: Detection, tmp_path: Path) -> Detection:
    """Give a collection imagery that has changed, and tell of a copy of it that nothing disturbed."""
    images = Path(detection.images)
    write_first(images)
    detection.run()
    write_next(images)
    undisturbed = _copy(detection, detection, tmp_path / "undisturbed")
    undisturbed.run()
    (tmp_path / "work").mkdir()
    return undisturbed
