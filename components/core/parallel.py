"""Work spread over processes, results in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

ALONE_SECONDS = 1.0
"""Work that ends within this time is not worth starting processes for."""


def ordered_map(
    start: Callable[..., Callable[[Task], Result]],
    arguments: tuple[Any, ...],
    tasks: Sequence[Task],
    workers: int,
) -> Iterator[Result]:
    """Apply a function to every task, in order, in several processes once that pays.

    The first tasks run in this process; what is left after a second goes to workers. Only a few results wait at a
    time, so that memory does not grow with the number of tasks.

    Args:
        start: Makes the function; called once a process, importable.
        arguments: Of `start`.
        tasks: Picklable.
        workers: Processes; 1 for this one alone.

    Yields:
        The results, in the order of the tasks.
    """
    function = start(*arguments)
    began = time.monotonic()
    done = 0
    while done < len(tasks) and (workers <= 1 or time.monotonic() - began < ALONE_SECONDS or len(tasks) - done < 2):
        yield function(tasks[done])
        done += 1
    if done < len(tasks):
        yield from _in_pool(start, arguments, tasks[done:], workers)


def _in_pool(
    start: Callable[..., Callable[[Task], Result]], arguments: tuple[Any, ...], tasks: Sequence[Task], workers: int
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    pool = ProcessPoolExecutor(min(workers, len(tasks)), get_context("spawn"), _start_worker, (start, arguments))
    try:
        for task in tasks:
            waiting.append(pool.submit(_run_task, task))
            if len(waiting) >= 4 * workers:
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
