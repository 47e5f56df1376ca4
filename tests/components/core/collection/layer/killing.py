"""Processes that are killed, or outrun by others, at a chosen moment."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable


def killed_at(event: int, work: Callable[[], object]) -> bool:
    """Do some work in a process that ends without further ado before its n-th change of a file's name.

    Every file appears by being renamed, and disappears by being removed.

    Returns:
        Whether it came that far.
    """
    return interrupted_at(event, work, lambda: os._exit(9)) == 9


def is_bytecode(arguments: tuple[object, ...]) -> bool:
    """Whether an event is of a module's bytecode, which the first who imports it in a checkout writes, and no other."""
    return any("__pycache__" in os.fsdecode(part) for part in arguments if isinstance(part, str | bytes | os.PathLike))


def interrupted_at(event: int, work: Callable[[], object], other: Callable[[], object]) -> int:
    """Do some work in a process that does something else before its n-th change of a file's name, and then goes on.

    Returns:
        The exit code of the process: 0 where it came to an end, 1 where it failed.
    """
    child = os.fork()
    if child == 0:
        left = event

        def interrupt(name: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if name in ("os.rename", "os.remove") and not is_bytecode(arguments):
                left -= 1
                if left == 0:
                    other()

        sys.addaudithook(interrupt)
        code = 1
        try:
            work()
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
