"""Bytes are counted wherever they are moved: in this process, its children, and theirs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from components.core.storage import CountedFile, Traffic, counted, counters, staged_file, write_bytes
from components.core.storage.atomic_directory import staged_directory
from components.core.storage.traffic import FOLDER_VARIABLE

READ = Traffic(1, 20, 300, 4000)


def move(_task: object = None) -> None:
    counters.add(READ)


def die_after_moving() -> None:
    move()
    os.kill(os.getpid(), signal.SIGKILL)


def times(count: int) -> Traffic:
    return Traffic(count, 20 * count, 300 * count, 4000 * count)


def test_a_block_counts_its_own_threads_and_nothing_from_before() -> None:
    move()
    with counted() as moved:
        threads = [threading.Thread(target=move) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    move()
    assert moved.traffic == times(8)
    assert moved.megabytes() == {
        "local_read_mb": 0.0,
        "local_written_mb": 0.0,
        "remote_read_mb": 0.002,
        "remote_written_mb": 0.032,
    }


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_workers_count(method: str) -> None:
    before = counters.snapshot()
    with counted() as moved:
        with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
            list(pool.map(move, range(10)))
        move()
    assert moved.traffic == counters.snapshot() - before == times(11)


def test_a_killed_process_and_a_program_started_anew_count() -> None:
    with counted() as moved:
        killed = multiprocessing.get_context("fork").Process(target=die_after_moving)
        killed.start()
        killed.join()
        here = "from tests.components.core.storage.test_traffic import move, multiprocessing\n"
        forks = "p = multiprocessing.get_context('fork').Process(target=move)\np.start()\np.join()\nmove()"
        subprocess.run([sys.executable, "-c", here + forks], check=True)
    assert killed.exitcode == -signal.SIGKILL
    assert moved.traffic == times(3)


def test_blocks_nest_and_leave_the_environment_as_it_was() -> None:
    with counted() as outer:
        move()
        with counted() as inner, ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
            pool.submit(move).result()
        assert FOLDER_VARIABLE in os.environ
    assert (inner.traffic, outer.traffic) == (times(1), times(2))
    assert FOLDER_VARIABLE not in os.environ


def test_a_child_that_outlives_the_block_does_no_harm(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    with counted() as moved:
        ended = context.Event()
        child = context.Process(target=lambda: (ended.wait(), move()))
        child.start()
    ended.set()
    child.join()
    assert child.exitcode == 0
    assert moved.traffic == Traffic()


def test_finished_outputs_count_and_failed_ones_do_not(tmp_path: Path) -> None:
    with counted() as moved:
        with staged_directory(tmp_path / "folder") as aside:
            (aside / "a").write_bytes(bytes(1000))
            (aside / "below").mkdir()
            (aside / "below" / "b").write_bytes(bytes(100))
        with staged_file(tmp_path / "file") as aside:
            aside.write_bytes(bytes(10))
        write_bytes(tmp_path / "object", b"1")
        with pytest.raises(RuntimeError), staged_directory(tmp_path / "failed") as aside:
            (aside / "a").write_bytes(bytes(7000))
            raise RuntimeError
    assert moved.traffic == Traffic(local_written_bytes=1111)


def test_a_counted_file_counts_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(range(200)))
    with counted() as moved, CountedFile(tmp_path / "file") as file:
        file.seek(50)
        assert file.read(20) == bytes(range(50, 70))
        assert len(file.read()) == 130
    assert moved.traffic == Traffic(local_read_bytes=150)
