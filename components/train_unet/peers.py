"""Processes of one training that torchrun started, on one machine or several, and what they tell each other.

Gradients go another way (`training.fit`). Here go a few words, through the store at which the processes find each
other: what the first one decided, that it has finished, and why one of them failed, so that all end with that.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, NamedTuple

from torch import distributed
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from components.core import errors
from components.core.cli import BAD_INPUT
from components.core.errors import FootprintsError
from components.train_unet.launch import Launch
from components.train_unet.stopping import EXIT_CODE

JOIN_S = 600.0
"""How long the processes wait for the last one to be there."""

WORD_S = 1800.0
"""How long one waits for what another one has to say; an operation on all of them lasts no longer either."""

HEARD_S = 60.0
"""How long a process that ends waits for the others to hear of it: the first one may take the store with it."""

GRACE_S = 60.0
"""How long a process that hears of a failure may take to notice it by itself: one on GPUs may wait for ever."""

ASK_EVERY_S = 0.2

FAILURE, DONE, HEARD = "failure", "done", "heard"
"""Keys of the store."""

STOPPED = "SystemExit"

log = logging.getLogger(__name__)


class Failure(NamedTuple):
    """Why a process ended, as it tells the others.

    Attributes:
        rank: Its number.
        host: Its machine.
        kind: Name of the error's class.
        message: The error's.
    """

    rank: int
    host: str
    kind: str
    message: str

    def as_error(self, world: int) -> BaseException:
        """What the others end with."""
        if self.kind == STOPPED:
            return SystemExit(EXIT_CODE)
        where = f"process {self.rank} of {world}, on {self.host}"
        kind = getattr(errors, self.kind, None)
        if kind is None:
            return RuntimeError(f"{where}: {self.kind}: {self.message}; its log has the rest")
        error: FootprintsError = kind(f"{where}: {self.message}")
        return error


class _Followed(BaseException):
    """Leaves the block of `Peers` in a process that has nothing to do any more."""


class Peers:
    """The processes that train together, of which this is one; or this one alone.

    To be entered with `with`. All processes call its methods in the same order.

    Attributes:
        rank: Number of this process.
        world: How many there are.
        local_rank: Number of this process on its machine.
        is_launched: Whether somebody else started it as one of several, be there but one.
        address: Host and port at which they find each other; empty for one alone.
    """

    def __init__(self, launch: Launch | None = None) -> None:
        """Reach nobody yet; `launch` is None for a process alone."""
        self.is_launched = launch is not None
        self.rank, self.world, self.local_rank = (launch.rank, launch.world, launch.local_rank) if launch else (0, 1, 0)
        self.address = launch.address if launch else ""
        self._store: Any = None
        self._turn = 0
        self._over = threading.Event()
        self._watch: threading.Thread | None = None
        self._heard: Failure | None = None
        self._hearing = threading.Lock()

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes what the training leaves."""
        return self.rank == 0

    @property
    def name(self) -> str:
        """What messages call this process."""
        return f"process {self.rank} of {self.world}, on {socket.gethostname()}"

    def __enter__(self) -> Peers:
        """Find the others.

        Raises:
            FootprintsError: If they are not there in time.
        """
        if self.world == 1:
            return self
        try:
            joined = next(iter(rendezvous("env://", timeout=timedelta(seconds=JOIN_S))))
        except RuntimeError as error:
            raise FootprintsError(
                f"{self.name}: the others are not to be found at {self.address} ({_first_line(error)}); see that "
                f"all {self.world} are started with the same MASTER_ADDR and MASTER_PORT, which must be reachable"
            ) from error
        self._store = PrefixStore("footprints", joined[0])
        self._watch = threading.Thread(target=self._listen, args=(self._store.clone(),), daemon=True)
        self._watch.start()
        if self.is_first:
            log.info("%s processes train together; the first one writes", self.world)
        else:
            logging.getLogger().setLevel(logging.WARNING)  # what all have to say, the first one says
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """Wait until the first process has finished, or tell the others why this one fails.

        Raises:
            FootprintsError: As the process that failed, where that is another one.
            RuntimeError: If another process failed for no reason that a user can mend.
        """
        if self._store is None:
            return isinstance(error, _Followed)
        try:
            if error is None or isinstance(error, _Followed):
                self._finish()
                return True
            told = self._tell(error)
        finally:
            self._over.set()
            if distributed.is_initialized() and distributed.get_backend() == "gloo":
                distributed.destroy_process_group()
        if told is not error:
            raise told from error
        return False

    def leave_to_first(self) -> None:
        """Leave the block of `with` in all processes but the first: the rest is for it alone to do."""
        if not self.is_first:
            raise _Followed

    def agree(self, value: str) -> str:
        """What the first process says; the others' values do not count."""
        return self.gather(value)[0]

    def gather(self, value: str) -> list[str]:
        """What each process says.

        Raises:
            FootprintsError: If one fails, with its message, or is silent for too long.
        """
        if self._store is None:
            return [value]
        self._turn += 1
        keys = [f"{self._turn}/{rank}" for rank in range(self.world)]
        self._store.set(keys[self.rank], value)
        for rank, key in enumerate(keys):
            if not self._wait(lambda key=key: self._store.check([key]), WORD_S):  # type: ignore[misc]
                raise FootprintsError(f"{self.name}: process {rank} has not been heard of for {WORD_S:.0f} seconds")
        return [self._store.get(key).decode() for key in keys]

    def _wait(self, is_there: Callable[[], bool], longest_s: float) -> bool:
        """Whether something comes about in time.

        Raises:
            FootprintsError: If a process fails meanwhile, with its message.
        """
        deadline = time.monotonic() + longest_s
        while True:
            if self._heard is not None:
                raise self._heard.as_error(self.world)
            try:
                if is_there():
                    return True
            except RuntimeError as error:
                raise self._without_store(error).as_error(self.world) from error
            if time.monotonic() > deadline:
                return False
            time.sleep(ASK_EVERY_S)

    def _finish(self) -> None:
        if self.is_first:
            with suppress(RuntimeError):  # of a store that is gone, and with it those who would hear
                self._store.set(DONE, "")
                self._wait_until_heard()
        else:
            self._wait(lambda: self._store.check([DONE]), float("inf"))
            self._store.add(HEARD, 1)

    def _wait_until_heard(self, lost: int = 0) -> None:
        """Let the others, but for so many, hear what is in the store, as long as they can be expected to."""
        deadline = time.monotonic() + HEARD_S
        while self._store.add(HEARD, 0) < self.world - 1 - lost and time.monotonic() < deadline:
            time.sleep(ASK_EVERY_S)

    def _tell(self, error: BaseException) -> BaseException:
        """Tell the others of an error, and give the one to end with: theirs, if this one only follows from it."""
        mine, is_own = self._failure_of(error)
        try:
            first = Failure(*json.loads(self._store.compare_set(FAILURE, "", json.dumps(mine))))
            if first == mine:
                self._wait_until_heard(lost=int(_is_lost_connection(error)))
            else:
                self._hear(first, self._store)
        except RuntimeError as lost:
            first = self._heard or self._without_store(lost)
        if is_own:
            return error
        return first.as_error(self.world) if first != mine or _is_lost_connection(error) else error

    def _failure_of(self, error: BaseException) -> tuple[Failure, bool]:
        """How an error is told, and whether it says itself what is wrong."""
        host = socket.gethostname()
        if isinstance(error, FootprintsError | SystemExit | KeyboardInterrupt):
            return Failure(self.rank, host, type(error).__name__, str(error)), True
        if _is_lost_connection(error):
            return self._lost("the connection to another process broke", error), False
        return Failure(self.rank, host, type(error).__name__, _first_line(error)), False

    def _without_store(self, error: BaseException) -> Failure:
        return self._lost(f"the store of the processes at {self.address} does not answer", error)

    def _lost(self, what: str, error: BaseException) -> Failure:
        message = (
            f"{what}, as after a kill or the loss of a machine ({_first_line(error)}); start the training again: it "
            "goes on from its last checkpoint"
        )
        return Failure(self.rank, socket.gethostname(), FootprintsError.__name__, message)

    def _hear(self, failure: Failure, store: Any) -> None:
        """Take note of another process's failure, and let it know, once."""
        with self._hearing:
            if self._heard is None:
                store.add(HEARD, 1)
                self._heard = failure

    def _listen(self, store: Any) -> None:
        """Hear of another process's failure, and end this one where it does not do so itself."""
        while self._heard is None:
            if self._over.wait(ASK_EVERY_S):
                return
            try:
                if store.check([FAILURE]):
                    failure = Failure(*json.loads(store.get(FAILURE)))
                    if failure.rank == self.rank:
                        return
                    self._hear(failure, store)
            except RuntimeError as error:
                self._heard = self._without_store(error)
        if not self._over.wait(GRACE_S):
            error_ = self._heard.as_error(self.world)
            sys.stderr.write(f"{error_}\n")
            sys.stderr.flush()
            os._exit(EXIT_CODE if isinstance(error_, SystemExit) else BAD_INPUT)


ALONE = Peers()
"""A process that trains on its own, or starts the others itself."""


def _is_lost_connection(error: BaseException) -> bool:
    """Whether an operation on all processes failed for the lack of one."""
    return isinstance(error, distributed.DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error))


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
