"""How tests wait: for something that must come, never for a time to pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest

from components.core.storage import Traffic, counters
from components.core.storage.retry import Backoff

HANGS_S = 600.0
"""What takes so long hangs, on any machine. No test says with it how fast something is."""

POLL_S = 0.001


def until(reached: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + HANGS_S
    while not reached():
        assert time.monotonic() < deadline, "it hangs"
        time.sleep(POLL_S)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The patience, in seconds, of every wait for a store or a server as it begins; none where nobody waits."""
    waits: list[float] = []
    wait = Backoff.wait

    def noted(backoff: Backoff, place: str, failure: object) -> bool:
        waits.append(backoff._limit_s)
        return wait(backoff, place, failure)

    monkeypatch.setattr(Backoff, "wait", noted)
    return waits


class HeldWork:
    """Work in a thread of its own that is held in the middle until a test lets it go.

    Attributes:
        errors: What ended it, if anything did.
    """

    def __init__(self, work: Callable[[], object], held: threading.Event, patience: list[float]) -> None:
        self.errors: list[Exception] = []
        self.free = threading.Event()
        self._work = work
        self._held = held
        self._patience = patience
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # shown by the test, in its own thread
            self.errors.append(error)

    @property
    def is_going_on(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start, and come back when it is held."""
        self._thread.start()
        until(lambda: self._held.is_set() or not self.is_going_on)
        assert self._held.is_set(), f"it ended before it was held: {self.errors}"

    def go_on_until_it_waits(self) -> None:
        """Let it go, and come back when it waits for the store, or gave up."""
        before = len(self._patience)
        self.free.set()
        until(lambda: len(self._patience) > before or not self.is_going_on)

    def end(self) -> None:
        """Let it go on to its end."""
        self.free.set()
        self._thread.join(HANGS_S)
        assert not self.is_going_on, "it hangs"


class Hold(Protocol):
    """Starts some work, and comes back when it is held; see `held`."""

    def __call__(self, work: Callable[[], object], when: Callable[[Traffic], bool]) -> HeldWork: ...


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, patience: list[float]) -> Iterator[Hold]:
    """Start some work in a thread, and hold it and its threads as soon as `when` says so of the bytes it moved.

    Whatever is done then happens in the middle of the work, however fast the machine is.
    """
    started: list[HeldWork] = []

    def hold(work: Callable[[], object], when: Callable[[Traffic], bool]) -> HeldWork:
        owner, before, add = threading.current_thread(), counters.snapshot(), counters.add
        is_held, looking = threading.Event(), threading.local()
        result = HeldWork(work, is_held, patience)
        started.append(result)

        def add_and_stop(traffic: Traffic) -> None:
            add(traffic)
            if threading.current_thread() is owner or result.free.is_set() or hasattr(looking, "now"):
                return
            looking.now = True  # to look may move bytes, too
            if is_held.is_set() or when(counters.snapshot() - before):
                is_held.set()
                result.free.wait(HANGS_S)
            del looking.now

        monkeypatch.setattr(counters, "add", add_and_stop)
        result.start()
        return result

    yield hold
    for work in started:
        work.free.set()
