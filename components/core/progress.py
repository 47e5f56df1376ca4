"""Progress that reads well on a terminal and in a pod's log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)

LINE_SECONDS = 5.0


def progress(
    iterable: Iterable[T], total: int | None = None, what: str = "items", size: Callable[[T], int] | None = None
) -> Iterator[T]:
    """Pass the elements through and show how far the work is.

    A bar on a terminal; elsewhere one plain log line every few seconds and one at the end.

    Args:
        iterable: The elements.
        total: How many there are; taken from `iterable` where it has a length.
        what: The noun of the count, such as "scenes".
        size: How many of these an element is; one unless given.

    Returns:
        The same elements, one by one.
    """
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    if sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(total=total, desc=what, unit="", dynamic_ncols=True) as bar:
            for element in iterable:
                yield element
                bar.update(size(element) if size else 1)
        return
    started = reported = time.monotonic()
    count = 0
    for element in iterable:
        yield element
        count += size(element) if size else 1
        now = time.monotonic()
        if now - reported >= LINE_SECONDS and count != total:
            reported = now
            log.info("%s of %s %s, %.0f s", count, "?" if total is None else total, what, now - started)
    log.info("%s %s, %.1f s", count, what, time.monotonic() - started)
