"""Prefetching: a thread that produces while its consumer is busy with what came before."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import Full, Queue
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.1


def prefetch(source: Generator[T], depth: int = 2) -> Generator[T]:
    """Run a generator in a thread of its own, at most `depth` results ahead.

    The order stays, an error inside `source` is raised here, and closing the result ends the thread and `source`.

    Args:
        source: What to run.
        depth: Results that may wait.

    Returns:
        The same elements.
    """
    waiting: Queue[tuple[T] | BaseException | None] = Queue(maxsize=depth)
    stop = threading.Event()

    def offer(result: tuple[T] | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                waiting.put(result, timeout=POLL_SECONDS)
            except Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            if all(offer((element,)) for element in source):
                offer(None)
        except BaseException as error:
            offer(error)
        finally:
            source.close()

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        yield from _taken(waiting)
    finally:
        stop.set()
        thread.join()


def _taken(waiting: Queue[tuple[T] | BaseException | None]) -> Iterator[T]:
    while (result := waiting.get()) is not None:
        if isinstance(result, BaseException):
            raise result
        yield result[0]
