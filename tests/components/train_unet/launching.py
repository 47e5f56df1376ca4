"""Trainings of several processes that are started one by one, as torchrun starts them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from components.core.command.run import stage_main
from components.core.errors import DataError
from components.core.project import write_manifest
from components.core.storage import join_uri, put_file, put_tree
from components.train_unet import peers, train_unet
from components.train_unet.checkpointing import Checkpointing
from components.train_unet.module import SegmentationModule
from tests.builders import bitmap_meta
from tests.components.train_unet.projects import block_item
from tests.ports import HOST, free_ports
from tests.waiting import HANGS_S

WORLD = 2


def stored_project(root: Path, place: str, train: int = 12, val: int = 4) -> str:
    """A project of blocks in object storage, rasters included; gives its URI."""
    items = []
    for index in range(train + val):
        item = block_item(root, index, ("train",) if index < train else ("val",))
        assert item.image is not None
        uri = join_uri(place, f"rasters/block{index}.tif")
        put_file(Path(item.image.uri), uri)
        items.append(replace(item, image=replace(item.image, uri=uri)))
    write_manifest(root / "project", bitmap_meta("blocks", tags=("train", "val")), items)
    put_tree(root / "project", join_uri(place, "project"), last="meta.json")
    return join_uri(place, "project")


@dataclass(frozen=True)
class Started:
    """One of several processes.

    Attributes:
        flags: Of its command line.
        folder: Gets what it says, in `out` and `err`, and is where it works.
        variables: Of the environment.
        act: What happens after the training step `step`: a name of `ACTS`; empty for nothing.
        step: See there.
    """

    flags: Sequence[str]
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    act: str = ""
    step: int = 0

    def start(self, server: ForkServerContext) -> BaseProcess:
        """Start it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        process = server.Process(target=_run, args=(self,))
        process.start()
        return process

    @property
    def out(self) -> str:
        """What it said on standard output."""
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        """Its log, and the message it ended with."""
        return (self.folder / "err").read_text()


def launch(rank: int, port: int, world: int = WORLD) -> dict[str, str]:
    """The variables that torchrun sets for a process that is alone on its machine."""
    return {
        "RANK": str(rank),
        "WORLD_SIZE": str(world),
        "LOCAL_RANK": "0",
        "MASTER_ADDR": HOST,
        "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": "lo",
    }


def run_together(server: ForkServerContext, *processes: Started) -> list[int | None]:
    """Start processes that train together, and give how each ended."""
    (port,) = free_ports(1)
    running = [
        replace(process, variables={**launch(rank, port, len(processes)), **process.variables}).start(server)
        for rank, process in enumerate(processes)
    ]
    for process in running:
        process.join()
    return [process.exitcode for process in running]


def _run(started: Started) -> None:
    multiprocessing.set_start_method("fork", force=True)  # of loaders, as everywhere on Linux
    os.environ.update(started.variables)
    os.chdir(started.folder)
    for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), stream.fileno())
    torch.set_num_threads(1)
    if started.act:
        _act_after(started.step, ACTS[started.act])
    sys.exit(stage_main("train_unet", [*started.flags]))


def _act_after(step: int, act: Callable[[], None]) -> None:
    answer = Checkpointing.on_train_batch_end

    def wrapped(saving: Checkpointing, trainer: Any, module: SegmentationModule, *others: Any) -> None:
        if module.steps_done == step:
            act()
        answer(saving, trainer, module, *others)

    Checkpointing.on_train_batch_end = wrapped  # type: ignore[assignment, method-assign]


def _fail() -> None:
    raise DataError("block3: cannot be used; mend it")


def _break() -> None:
    raise KeyError("nobody thought of this")


def _hang() -> None:
    """As an operation on GPUs does whose other half is gone."""
    peers.GRACE_S = 0.0  # type: ignore[misc]
    threading.Event().wait(HANGS_S)


def _fail_to_write(*_: Any) -> None:
    raise DataError("model folder: is full; make room")


def _write_nothing() -> None:
    train_unet.save_model = _fail_to_write  # type: ignore[assignment]


ACTS: dict[str, Callable[[], None]] = {
    "fails": _fail,
    "breaks": _break,
    "hangs": _hang,
    "is terminated": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "is killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "cannot write": _write_nothing,
}
"""What may happen to a process."""
