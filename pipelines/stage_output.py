"""What the stages of a local run say while they run: all of it to a log, what people want to know to a display.

Kubeflow's local runner prints; its lines tell which stage runs, and how it ended.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from components.core import errors
from pipelines.run_display import RunDisplay, StageLine

ANSI_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
STARTED = re.compile(r"[\d:.]+ - INFO - Executing task '(.+)'")
ENDED = re.compile(r"[\d:.]+ - (?:INFO|ERROR) - Task '.+' finished with status (SUCCESS|FAILURE)")
TRACEBACK = "Traceback (most recent call last):"
NUMBERED = re.compile(r"\d+\. .+")
EXCEPTION = re.compile(r"((?:\w+\.)*)([A-Z]\w*)(?:: (.*))?")

NO_MESSAGE = "without a message of its own, possibly killed (out of memory)"

EXECUTOR = re.compile(r"\s*\[KFP Executor [\d\-:, ]+ (DEBUG|INFO|WARNING|ERROR|CRITICAL)\]: (.*)")
RUNNERS_OWN = ("Looking for component", "Loading KFP component", "Got executor_input", "Wrote executor output file")
"""What the runner's executor says of itself."""


@dataclass
class _Stage:
    """The messages of one stage.

    Attributes:
        name: Of its component, such as "import-images".
        line: How it is shown.
        error: The error that its last traceback ended with.
        status: "SUCCESS" or "FAILURE", once it is known.
        in_traceback: Whether the error of a traceback is still to come.
        in_error: Whether the line before was of the error, which goes on where it lists several faults.
    """

    name: str
    line: StageLine
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
    """Writes output to a log and listens to it; stages that run side by side speak in threads of their own."""

    def __init__(self, log: TextIO, display: RunDisplay) -> None:
        self._log = log
        self._display = display
        self._stages: list[_Stage] = []
        self._voice = _Voice()
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        """Take text, write the lines that it completes to the log, and listen to them."""
        *lines, self._voice.rest = (self._voice.rest + text).split("\n")
        for line in lines:
            plain = ANSI_COLOURS.sub("", line)
            with self._lock:
                self._log.write(f"{plain}\n")
                self._log.flush()
            self._hear(plain)
        return len(text)

    def end(self) -> None:
        """The run has ended: so have stages that lost the line that says so."""
        for stage in self._stages:
            if not stage.status:
                self._display.end(stage.line, not stage.failed)

    def _hear(self, line: str) -> None:
        if started := STARTED.match(line):
            self._voice.stage = _Stage(started[1], self._display.begin(started[1]))
            self._stages.append(self._voice.stage)
            return
        stage = self._voice.stage
        if stage is None:
            return
        if ended := ENDED.match(line):
            stage.status = ended[1]
            self._display.end(stage.line, ended[1] == "SUCCESS")
        elif said := EXECUTOR.match(line):
            self._pass_on(stage.line, *said.groups())
        elif line.strip() == TRACEBACK:
            stage.in_traceback = True
        elif stage.in_traceback and (found := EXCEPTION.fullmatch(line.strip())):
            stage.in_traceback, stage.in_error = False, True
            stage.error = _message(*found.groups(default=""))
        elif stage.in_error and NUMBERED.fullmatch(line.strip()):
            stage.error += f"\n{line.strip()}"
        else:
            stage.in_error = False

    def _pass_on(self, line: StageLine, level: str, text: str) -> None:
        if level in ("WARNING", "ERROR", "CRITICAL"):
            self._display.warn(line, text)
        elif level == "INFO" and not text.startswith(RUNNERS_OWN):
            self._display.say(line, text)

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
def listening(log: Path) -> Iterator[StageOutput]:
    """Write what is printed in the block to a log, and show what people want to know of it."""
    with log.open("w", encoding="utf-8") as file:
        output = StageOutput(file, RunDisplay())
        try:
            with redirect_stdout(output):
                yield output
        finally:
            output.end()
