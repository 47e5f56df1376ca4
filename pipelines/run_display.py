"""Progress of a local run for a person: a line for each stage, with its time and last message, and its warnings."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TextIO

CLEAR_LINE = "\r\x1b[K"
NAME_WIDTH = 20
QUIET_SECONDS = 60.0
"""Without a terminal, a stage that is still running gets a progress line whenever this many seconds have passed."""


@dataclass
class StageLine:
    """The line of one stage.

    Attributes:
        name: Of the stage.
        started: When it began.
        last: Its last message.
        shown: When its last progress line was written.
    """

    name: str
    started: float = field(default_factory=time.monotonic)
    last: str = ""
    shown: float = field(default_factory=time.monotonic)

    def text(self, outcome: str = "") -> str:
        """The line."""
        seconds = time.monotonic() - self.started
        return f"{self.name:<{NAME_WIDTH}}  {seconds:7.1f} s  {outcome or self.last}".rstrip()


class RunDisplay:
    """Writes the lines; stages may run side by side, each in a thread of its own.

    On a terminal the stage that spoke last is shown while it works, in a line that is overwritten.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._lock = threading.Lock()
        self._is_terminal = self._stream.isatty()

    def begin(self, name: str) -> StageLine:
        """A stage begins."""
        line = StageLine(name)
        self._show(line)
        return line

    def say(self, line: StageLine, text: str) -> None:
        """A stage has reported its progress."""
        line.last = text
        if self._is_terminal:
            self._show(line)
        elif time.monotonic() - line.shown >= QUIET_SECONDS:
            line.shown = time.monotonic()
            self._print(f"{line.text()} …")

    def warn(self, line: StageLine, text: str) -> None:
        """A stage has a warning."""
        self._print(f"{line.name:<{NAME_WIDTH}}  warning: {text}")

    def end(self, line: StageLine, succeeded: bool) -> None:
        """A stage has ended."""
        self._print(line.text("" if succeeded else "failed"))

    def _show(self, line: StageLine) -> None:
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            with self._lock:
                self._stream.write(CLEAR_LINE + line.text()[:width])
                self._stream.flush()

    def _print(self, text: str) -> None:
        with self._lock:
            self._stream.write(f"{CLEAR_LINE if self._is_terminal else ''}{text}\n")
            self._stream.flush()
