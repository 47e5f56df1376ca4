"""Processes that are killed at a chosen moment."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


def killed_at(event: int, work: Callable[[], object]) -> bool:
    """Do some work in a process that ends without further ado before its n-th change of a file's name.

    Every file appears by being renamed, and disappears by being removed.

    Returns:
        Whether it came that far.
    """
    child = os.fork()
    if child == 0:
        count = 0

        def end(name: str, arguments: tuple[object, ...]) -> None:
            nonlocal count
            if name in ("os.rename", "os.remove"):
                count += 1
                if count == event:
                    os._exit(9)

        sys.addaudithook(end)
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 9
