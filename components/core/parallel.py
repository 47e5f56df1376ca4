"""Work spread over processes, results in order."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from components.core.errors import ConfigError, FootprintsError

if TYPE_CHECKING:
    from concurrent.futures import Future

log = logging.getLogger(__name__)

Task = TypeVar("Task")
Result = TypeVar("Result")

ALONE_SECONDS = 1.0
"""Work that ends within this time is not worth starting processes for; to start them takes about twice as long."""

WAITING = 4
"""So many tasks a process are given out at a time."""

LOST = "its process was killed even when it ran alone, possibly out of memory; give this step more memory"
"""Why a task has no result, for those who make one in its place."""


def worker_count(workers: int, tasks: int) -> int:
    """How many processes to use.

    Args:
        workers: As asked; 0 means one for each core that this process may use.
        tasks: How much there is to do; more workers than tasks are never used.

    Raises:
        ConfigError: If `workers` is negative.
    """
    if workers < 0:
        raise ConfigError(f"workers: {workers} is negative; use 0 for one per core, or a number of processes")
    return max(1, min(workers or _cores(), tasks))


def _cores() -> int:
    """Cores that this process may use; macOS tells only how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parallel_map(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    workers: int,
    lost: Callable[[Task], Result] | None = None,
) -> Iterator[Result]:
    """As `ordered_map`, for a function that is picklable itself; it is sent to each process once."""
    return ordered_map(_itself, (work,), tasks, workers, lost)


def _itself(work: Callable[[Task], Result]) -> Callable[[Task], Result]:
    return work


def ordered_map(
    start: Callable[..., Callable[[Task], Result]],
    arguments: tuple[Any, ...],
    tasks: Sequence[Task],
    workers: int,
    lost: Callable[[Task], Result] | None = None,
) -> Iterator[Result]:
    """Apply a function to every task, in order, in several processes once that pays.

    The first tasks run in this process; what is left after a second goes to workers where that should save more
    time than it takes to start them. Only a few results wait at a time, so that memory does not grow with the number
    of tasks. Where a process is killed, as for its memory, the tasks that may have been at work are done again, each
    alone in one process: that takes the least, and shows which of them is to blame.

    Args:
        start: Makes the function; called once a process, importable.
        arguments: Of `start`.
        tasks: Picklable; each may be done again.
        workers: Processes; 1 for this one alone.
        lost: What stands for the result of a task whose process was killed though it worked alone.

    Yields:
        The results, in the order of the tasks.

    Raises:
        FootprintsError: As the function does, or if a process ended before its result and `lost` is not given.
    """
    function = start(*arguments)
    began = time.monotonic()
    done = 0
    while done < len(tasks) and not _processes_pay(time.monotonic() - began, done, len(tasks) - done, workers):
        yield function(tasks[done])
        done += 1
    if done < len(tasks):
        yield from _in_pools(start, arguments, tasks[done:], workers, lost)


def _processes_pay(seconds: float, done: int, left: int, workers: int) -> bool:
    """Whether `workers` processes should do what is `left`, when what is `done` took a number of seconds."""
    if workers <= 1 or left < 2 or seconds < ALONE_SECONDS:
        return False
    saved = seconds / done * left * (1 - 1 / min(workers, left)) if done else float("inf")
    return saved > 2 * ALONE_SECONDS


def _in_pools(
    start: Callable[..., Callable[[Task], Result]],
    arguments: tuple[Any, ...],
    tasks: Sequence[Task],
    workers: int,
    lost: Callable[[Task], Result] | None,
) -> Iterator[Result]:
    """Use one pool as long as no process of it is killed, and another one after that."""
    from concurrent.futures.process import BrokenProcessPool  # not for work that one process does

    done = alone_until = 0
    while done < len(tasks):
        is_alone = done < alone_until
        some = tasks[done:alone_until] if is_alone else tasks[done:]
        try:
            for result in _in_pool(start, arguments, some, 1 if is_alone else workers):
                done += 1
                yield result
        except BrokenProcessPool as error:
            if not is_alone:
                log.warning("a worker process ended early, possibly out of memory; its tasks are run again, one by one")
                alone_until = done + WAITING * workers
            elif lost is None:
                raise FootprintsError(f"a worker process ended early: {LOST}") from error
            else:
                done += 1
                yield lost(tasks[done - 1])


def _in_pool(
    start: Callable[..., Callable[[Task], Result]], arguments: tuple[Any, ...], tasks: Sequence[Task], workers: int
) -> Iterator[Result]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    waiting: deque[Future[Result]] = deque()
    pool = ProcessPoolExecutor(min(workers, len(tasks)), get_context("spawn"), _start_worker, (start, arguments))
    try:
        for task in tasks:
            waiting.append(pool.submit(_run_task, task))
            if len(waiting) >= WAITING * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_function: Callable[[Any], Any] | None = None


def _start_worker(start: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
    global _function
    _function = start(*arguments)


def _run_task(task: Any) -> Any:
    if _function is None:
        raise RuntimeError("the worker was not started")
    return _function(task)
