"""Regular expressions that users give: some patterns never end on some names, so every search has a time limit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from components.core.errors import ConfigError

if TYPE_CHECKING:
    import regex

_ANCHORED = re.compile(r"\^([A-Za-z0-9_-]+)(?![A-Za-z0-9_*?{+-])")

SECONDS = 2.0
"""A name takes microseconds; a pattern that backtracks without end takes longer than anybody waits."""


@lru_cache(maxsize=256)
def compiled(text: str) -> regex.Pattern[str]:
    """A pattern, in the syntax of Python's `re`.

    Raises:
        ValueError: If it is not a regular expression.
    """
    import regex  # not for queries without a pattern

    try:
        return regex.compile(text)
    except (regex.error, RecursionError) as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error


def is_found(pattern: str, text: str) -> bool:
    """Whether a pattern is found anywhere in a text.

    Raises:
        ConfigError: If the search does not end in time.
    """
    start, find = _finder(pattern)
    return text.startswith(start) and find(text)


def found_in(pattern: str, texts: Iterable[str]) -> Iterator[bool]:
    """`is_found` in each of many texts."""
    start, find = _finder(pattern)
    return (text.startswith(start) and find(text) for text in texts)


@lru_cache(maxsize=256)
def _finder(pattern: str) -> tuple[str, Callable[[str], bool]]:
    """What each text begins with in which a pattern is found, and what looks at one that does."""
    search = compiled(pattern).search

    def find(text: str) -> bool:
        try:
            return search(text, timeout=SECONDS) is not None
        except TimeoutError as error:
            raise _endless(pattern, text, SECONDS) from error

    return _start(pattern), find


def _start(pattern: str) -> str:
    """What each text begins with in which a pattern is found, where that is easily told; else nothing.

    Most patterns for names begin with "^" and a place, and a search with a time limit takes twenty times as long as a
    look at the first letters.
    """
    if "|" in pattern or "(?" in pattern:
        return ""
    found = _ANCHORED.match(pattern)
    return found[1] if found else ""


def matches(pattern: str, text: str, seconds: float = SECONDS) -> Iterator[regex.Match[str]]:
    """All places where a pattern is found, from left to right.

    Raises:
        ConfigError: If the search does not end in time.
    """
    try:
        yield from compiled(pattern).finditer(text, timeout=seconds)
    except TimeoutError as error:
        raise _endless(pattern, text, seconds) from error


def _endless(pattern: str, text: str, seconds: float) -> ConfigError:
    return ConfigError(
        f"matching the pattern {pattern!r} with {text!r} takes more than {seconds:g} s; avoid nested "
        "repetition, such as (a+)+"
    )
