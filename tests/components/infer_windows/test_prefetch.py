"""Working ahead in a thread: order, errors and the end."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from components.infer_windows.prefetch import prefetch


def counted(most: int, made: list[int], ended: threading.Event) -> Generator[int]:
    try:
        for number in range(most):
            made.append(number)
            yield number
    finally:
        ended.set()


def test_gives_the_same_elements_in_order_from_another_thread() -> None:
    threads = set()

    def source() -> Generator[int]:
        for number in range(100):
            threads.add(threading.get_ident())
            yield number

    assert list(prefetch(source(), depth=3)) == list(range(100))
    assert threads and threading.get_ident() not in threads


def test_nests() -> None:
    ended = threading.Event()
    inner = prefetch(counted(20, [], ended))

    assert list(prefetch(number * 2 for number in inner)) == [2 * number for number in range(20)]
    assert ended.is_set()


def test_an_error_inside_is_raised_outside_after_what_came_before() -> None:
    def source() -> Generator[int]:
        yield 1
        raise OSError("the disk is gone")

    taken = prefetch(source())
    assert next(taken) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(taken)


def test_closing_ends_the_source_which_never_ran_far_ahead() -> None:
    made: list[int] = []
    ended = threading.Event()
    taken = prefetch(counted(1000, made, ended), depth=2)

    assert next(taken) == 0
    taken.close()

    assert ended.is_set()
    assert len(made) <= 5  # one taken, two waiting, one in hand, one in the making
    assert "prefetch" not in {thread.name for thread in threading.enumerate()}
