"""Work over processes: in order, and with errors that come through."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.core import parallel
from components.core.errors import ConfigError, DataError, FootprintsError
from components.core.parallel import parallel_map, worker_count


@dataclass(frozen=True)
class Tenfold:
    """Ten times a number; refuses one."""

    bad: int = -1

    def __call__(self, number: int) -> tuple[int, int]:
        if number == self.bad:
            raise DataError(f"{number} is bad")
        return 10 * number, os.getpid()


def die(number: int) -> int:
    if number:
        os._exit(1)
    return number


def die_at_some(number: int) -> int:
    if number in (3, 4, 17):
        os._exit(1)
    return 10 * number


@dataclass(frozen=True)
class DieOnce:
    """Dies at the first try, as where several processes together need too much memory."""

    folder: Path

    def __call__(self, number: int) -> int:
        if number == 5 and not (self.folder / "died").exists():
            (self.folder / "died").touch()
            os._exit(1)
        return number


@pytest.fixture()
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ALONE_SECONDS", 0.0)


@pytest.mark.usefixtures("at_once")
def test_results_come_in_order_from_other_processes() -> None:
    results = list(parallel_map(Tenfold(), range(20), 2))
    assert [number for number, _ in results] == list(range(0, 200, 10))
    assert os.getpid() not in {process for _, process in results}


@pytest.mark.parametrize(("alone_s", "workers"), [(0.0, 1), (math.inf, 2)], ids=["one worker", "short work"])
def test_one_worker_and_short_work_stay_in_this_process(
    monkeypatch: pytest.MonkeyPatch, alone_s: float, workers: int
) -> None:
    monkeypatch.setattr(parallel, "ALONE_SECONDS", alone_s)
    assert {process for _, process in parallel_map(Tenfold(), range(5), workers)} == {os.getpid()}


@pytest.mark.parametrize(
    ("seconds", "done", "left", "workers", "expected"),
    [
        (0.9, 1, 1000, 8, False),
        (1.0, 10, 100, 2, True),
        (1.0, 10, 40, 2, False),
        (1.0, 10, 41, 2, True),
        (1.0, 10, 28, 4, True),
        (1.0, 10, 100, 1, False),
        (99.0, 1, 1, 8, False),
    ],
)
def test_processes_are_started_where_they_save_more_than_they_cost(
    seconds: float, done: int, left: int, workers: int, expected: bool
) -> None:
    assert parallel._processes_pay(seconds, done, left, workers) is expected


@pytest.mark.usefixtures("at_once")
def test_errors_come_through() -> None:
    with pytest.raises(DataError, match="3 is bad"):
        list(parallel_map(Tenfold(bad=3), range(20), 2))
    with pytest.raises(FootprintsError, match="a worker process ended early"):
        list(parallel_map(die, range(20), 2))


@pytest.mark.usefixtures("at_once")
def test_a_task_that_kills_its_process_is_known_and_keeps_no_other_from_its_result() -> None:
    results = list(parallel_map(die_at_some, range(20), 2, lambda number: -number))
    assert results == [-number if number in (3, 4, 17) else 10 * number for number in range(20)]


@pytest.mark.usefixtures("at_once")
def test_what_a_killed_process_did_is_done_again_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert list(parallel_map(DieOnce(tmp_path), range(20), 2)) == list(range(20))
    assert "a worker process ended early, possibly out of memory; its tasks are run again" in caplog.text


def test_workers_are_cores_and_never_more_than_tasks() -> None:
    assert worker_count(0, 1000) == len(os.sched_getaffinity(0))
    assert worker_count(8, 3) == 3
    assert worker_count(0, 0) == 1
    with pytest.raises(ConfigError, match="workers: -1 is negative"):
        worker_count(-1, 3)
