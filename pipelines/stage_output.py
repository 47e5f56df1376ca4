"""What the stages of a local run say while they run: which of them failed, and each one's own message."""

from __future__ import annotations

import io
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TextIO

from components.core import errors

ANSI_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
STARTED = re.compile(r"[\d:.]+ - INFO - Executing task '(.+)'")
ENDED = re.compile(r"[\d:.]+ - (?:INFO|ERROR) - Task '.+' finished with status (SUCCESS|FAILURE)")
TRACEBACK = "Traceback (most recent call last):"
NUMBERED = re.compile(r"\d+\. .+")
EXCEPTION = re.compile(r"((?:\w+\.)*)([A-Z]\w*)(?:: (.*))?")

NO_MESSAGE = "without a message of its own, perhaps killed for want of memory; its output stands above"


@dataclass
class _Stage:
    """What one stage has said.

    Attributes:
        name: Of its component, such as "import-images".
        error: The error that its last traceback ended with.
        status: "SUCCESS" or "FAILURE", once it is known.
        in_traceback: Whether the error of a traceback is still to come.
        in_error: Whether the line before was of the error, which goes on where it lists several faults.
    """

    name: str
    error: str = ""
    status: str = ""
    in_traceback: bool = False
    in_error: bool = False

    @property
    def failed(self) -> bool:
        """Whether it failed; stages that run beside others may lose the line that says so."""
        return self.status == "FAILURE" or (bool(self.error) and not self.status)


class _Voice(threading.local):
    """A thread's unfinished line, and the stage that it runs."""

    rest: str = ""
    stage: _Stage | None = None


class StageOutput(io.TextIOBase):
    """Passes output on and listens to it; stages that run side by side speak in threads of their own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stages: list[_Stage] = []
        self._voice = _Voice()

    def write(self, text: str) -> int:
        """Pass text on, and listen to the lines that it completes."""
        self._stream.write(text)
        *lines, self._voice.rest = (self._voice.rest + text).split("\n")
        for line in lines:
            self._hear(ANSI_COLOURS.sub("", line))
        return len(text)

    def flush(self) -> None:
        """Pass on what waits."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether a person reads along."""
        return self._stream.isatty()

    def _hear(self, line: str) -> None:
        if started := STARTED.match(line):
            self._voice.stage = _Stage(started[1])
            self._stages.append(self._voice.stage)
            return
        stage = self._voice.stage
        if stage is None:
            return
        if ended := ENDED.match(line):
            stage.status = ended[1]
        elif line.strip() == TRACEBACK:
            stage.in_traceback = True
        elif stage.in_traceback and (found := EXCEPTION.fullmatch(line.strip())):
            stage.in_traceback, stage.in_error = False, True
            stage.error = _message(*found.groups(default=""))
        elif stage.in_error and NUMBERED.fullmatch(line.strip()):
            stage.error += f"\n{line.strip()}"
        else:
            stage.in_error = False

    def failures(self) -> str:
        """The stages that failed, each with its message; empty where none did."""
        failed = [
            f"{stage.name} failed{f': {stage.error}' if stage.error else f' {NO_MESSAGE}'}"
            for stage in self._stages
            if stage.failed
        ]
        return "; ".join(dict.fromkeys(failed))


def _message(module: str, kind: str, text: str) -> str:
    """An error's message; one that was not raised on purpose is told by its kind, too."""
    return text if module == f"{errors.__name__}." and text else f"{kind}: {text}".removesuffix(": ")


@contextmanager
def listening() -> Iterator[StageOutput]:
    """Listen to what is printed in the block."""
    output = StageOutput(sys.stdout)
    with redirect_stdout(output):
        yield output
