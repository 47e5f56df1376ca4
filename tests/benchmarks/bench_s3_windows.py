"""How fast several readers get 512² windows out of a real S3 server on this machine, beside local disk."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.pool import Pool
from pathlib import Path
from unittest import mock

import numpy as np

from components.core.geometry import Size, Window, row_bands, sliding_windows
from components.core.imagery import RasterProfile, local_copy, raster_writer, read_rgb
from components.core.storage import put_file
from components.core.storage.settings import CACHE_FOLDER_VARIABLE
from tests.benchmarks.harness import Measurement
from tests.s3_server import S3Server

NAME = "s3_windows"

SCENES = 4
SCENE = Size(5000, 5000)
WINDOW = Size(512, 512)
FLIPS = 4
READERS = 4
HALF = 0.5

SETTINGS = {
    "warm": "local, page cache, each window once",
    "cold": "local, disk, each window once",
    "window": "S3, each window once, read by window",
    "fetched": "S3, each window once, scenes fetched to the cache meanwhile",
    "warm epoch": f"local, page cache, an epoch of training (each window {FLIPS} times)",
    "cold epoch": "local, disk, an epoch of training",
    "first": "S3, a training's first epoch, scenes fetched to the cache meanwhile",
    "second": "S3, a training's second epoch",
}

RATIOS = {
    "of these, S3 by window over page cache": ("window", "warm"),
    "of these, S3 by window over disk": ("window", "cold"),
    "of these, first epoch over page cache": ("first", "warm epoch"),
    "of these, first epoch over disk": ("first", "cold epoch"),
    "of these, second epoch over page cache": ("second", "warm epoch"),
}

Task = tuple[str, Window]
Place = Callable[[str], str]


def run(repeats: int) -> list[Measurement]:
    """Read windows as the tutorial cuts them, in random order: each once, and each four times as its flips do.

    Local files are read from the page cache, and from the disk itself after the page cache let go of them. Copies are
    written to memory that was in use before: a virtual machine's host may hand out fresh memory more slowly than a
    store sends, which would measure the host.
    """
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as server:
        scenes = [_scene(Path(folder) / f"town{index}.tif", index) for index in range(SCENES)]
        remote = [f"{server.new_folder()}/{Path(scene).name}" for scene in scenes]
        for scene, uri in zip(scenes, remote, strict=True):
            put_file(Path(scene), uri)
        rates: dict[str, list[float]] = {name: [] for name in SETTINGS}
        for counts in (False, *[True] * repeats):  # by turns, since the machine's other load changes
            for name, rate in _turn(scenes, remote, str(Path(folder) / "cache")):
                if counts:
                    rates[name].append(rate)
    return _measurements(rates)


def _turn(scenes: Sequence[str], remote: Sequence[str], cached: str) -> Iterator[tuple[str, float]]:
    """Every setting once, from an empty cache and to an empty cache."""
    yield "warm", _rate(scenes, 1, cached, itself)
    _leave_page_cache(scenes)
    yield "cold", _rate(scenes, 1, cached, itself)
    yield "window", _rate(remote, 1, cached, itself)
    yield "fetched", _rate(remote, 1, cached, local_copy)
    shutil.rmtree(cached)
    yield "warm epoch", _rate(scenes, FLIPS, cached, itself)
    _leave_page_cache(scenes)
    yield "cold epoch", _rate(scenes, FLIPS, cached, itself)
    yield "first", _rate(remote, FLIPS, cached, local_copy)
    yield "second", _rate(remote, FLIPS, cached, local_copy)
    shutil.rmtree(cached)


def _leave_page_cache(files: Sequence[str]) -> None:
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # what is not on the disk yet would stay
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def _measurements(rates: dict[str, list[float]]) -> list[Measurement]:
    notes = {"readers": READERS, "scenes": SCENES, "scene": str(SCENE), "order": "shuffled", "server": "SeaweedFS"}
    what = f"windows {WINDOW}, {READERS} readers"
    return [
        *(
            Measurement(f"{what}: {SETTINGS[name]}", "windows/s", tuple(values), notes=notes)
            for name, values in rates.items()
        ),
        *(
            Measurement.at_least(
                text, "×", [one / other for one, other in zip(rates[part], rates[whole], strict=True)], HALF, **notes
            )
            for text, (part, whole) in RATIOS.items()
        ),
    ]


@contextmanager
def _server(folder: Path) -> Iterator[S3Server]:
    server = S3Server(folder / "store")
    with mock.patch.dict(os.environ, server.environment):
        try:
            server.restart()
            yield server
        finally:
            server.kill()


def _scene(file: Path, seed: int) -> str:
    random = np.random.default_rng(seed)
    with raster_writer(file, RasterProfile(SCENE, bands=3)) as writer:
        for band in row_bands(SCENE, 512):
            writer.write(random.integers(0, 256, (3, band.height, band.width), np.uint8))
    return str(file)


def itself(uri: str) -> str:
    """Read a raster where it is."""
    return uri


def _rate(scenes: Sequence[str], times: int, cached: str, place: Place) -> float:
    """Windows a second over all readers, their start left out."""
    windows = sliding_windows(SCENE, WINDOW, Size(0, 0))
    tasks = [(scene, window) for scene in scenes for window in windows] * times
    order = np.random.default_rng(0).permutation(len(tasks)).tolist()
    with _readers(cached) as pool:
        started = time.perf_counter()
        parts = [([tasks[index] for index in order[reader::READERS]], place) for reader in range(READERS)]
        pool.starmap(read_all, parts, chunksize=1)
        return len(tasks) / (time.perf_counter() - started)


@contextmanager
def _readers(cached: str) -> Iterator[Pool]:
    variables = mock.patch.dict(os.environ, {CACHE_FOLDER_VARIABLE: cached})
    with variables, multiprocessing.get_context("spawn").Pool(READERS) as pool:
        while len(set(pool.map(be_there, range(READERS), chunksize=1))) < READERS:
            pass
        yield pool


def be_there(_index: int) -> int:
    """Import what reading needs, and keep others from finding this process idle."""
    time.sleep(0.2)
    return os.getpid()


def read_all(tasks: Sequence[Task], place: Place) -> float:
    """Read windows in this process; gives their mean value, so that none is left unread."""
    return statistics.fmean(int(read_rgb(place(uri), window)[0, 0, 0]) for uri, window in tasks)
