"""SIGTERM: the notice that a node or a pod is about to be taken away."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

EXIT_CODE = 128 + signal.SIGTERM
"""What a process that ends by SIGTERM is known by."""


class StopRequest:
    """Notes a SIGTERM, for the training loop to answer where it can.

    Attributes:
        is_made: Whether it came.
    """

    def __init__(self, passes_on: bool = False) -> None:
        """Make one.

        Args:
            passes_on: Whether the processes that this one started must know, too.
        """
        self.is_made = False
        self.passes_on = passes_on
        self._before: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """What a process that this one starts gets: it has none of its own."""
        return {"is_made": self.is_made, "passes_on": False, "_before": None}

    def __enter__(self) -> StopRequest:
        self._before = signal.getsignal(signal.SIGTERM)
        self.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._before or signal.SIG_DFL)

    def listen(self) -> None:
        """Note the signal from now on, whoever did so before; only a process's first thread hears any."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.is_made = True
        for process in multiprocessing.active_children() if self.passes_on else ():
            with suppress(ProcessLookupError):
                os.kill(process.pid or 0, signal.SIGTERM)
