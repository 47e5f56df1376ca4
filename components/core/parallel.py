"""Work spread over processes, results in order."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from components.core.errors import ConfigError, FootprintsError

if TYPE_CHECKING:
    from concurrent.futures import Future

Task = TypeVar("Task")
Result = TypeVar("Result")

ALONE_SECONDS = 1.0
"""Work that ends within this time is not worth starting processes for; to start them takes about twice as long."""


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


def parallel_map(work: Callable[[Task], Result], tasks: Sequence[Task], workers: int) -> Iterator[Result]:
    """As `ordered_map`, for a function that is picklable itself; it is sent to each process once."""
    return ordered_map(_itself, (work,), tasks, workers)


def _itself(work: Callable[[Task], Result]) -> Callable[[Task], Result]:
    return work


def ordered_map(
    start: Callable[..., Callable[[Task], Result]],
    arguments: tuple[Any, ...],
    tasks: Sequence[Task],
    workers: int,
) -> Iterator[Result]:
    """Apply a function to every task, in order, in several processes once that pays.

    The first tasks run in this process; what is left after a second goes to workers where that should save more
    time than it takes to start them. Only a few results wait at a time, so that memory does not grow with the number
    of tasks.

    Args:
        start: Makes the function; called once a process, importable.
        arguments: Of `start`.
        tasks: Picklable.
        workers: Processes; 1 for this one alone.

    Yields:
        The results, in the order of the tasks.

    Raises:
        FootprintsError: As the function does, or if a process ended before its result.
    """
    function = start(*arguments)
    began = time.monotonic()
    done = 0
    while done < len(tasks) and not _processes_pay(time.monotonic() - began, done, len(tasks) - done, workers):
        yield function(tasks[done])
        done += 1
    if done < len(tasks):
        yield from _in_pool(start, arguments, tasks[done:], workers)


def _processes_pay(seconds: float, done: int, left: int, workers: int) -> bool:
    """Whether `workers` processes should do what is `left`, when what is `done` took so many seconds."""
    if workers <= 1 or left < 2 or seconds < ALONE_SECONDS:
        return False
    saved = seconds / done * left * (1 - 1 / min(workers, left)) if done else float("inf")
    return saved > 2 * ALONE_SECONDS


def _in_pool(
    start: Callable[..., Callable[[Task], Result]], arguments: tuple[Any, ...], tasks: Sequence[Task], workers: int
) -> Iterator[Result]:
    from concurrent.futures import ProcessPoolExecutor  # not for work that one process does
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    waiting: deque[Future[Result]] = deque()
    pool = ProcessPoolExecutor(min(workers, len(tasks)), get_context("spawn"), _start_worker, (start, arguments))
    try:
        for task in tasks:
            waiting.append(pool.submit(_run_task, task))
            if len(waiting) >= 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise FootprintsError("a worker process ended early, perhaps out of memory; use fewer workers") from error
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
