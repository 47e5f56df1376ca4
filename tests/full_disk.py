"""Disks that are full after so many bytes: a small file system where the test may mount one, else the largest file."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE_BYTES = 4096
SMALL_DISK_BYTES = 24 << 20
FILLER = ".filler"


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size; Python ignores the signal, and writing fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="session")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of some megabytes in memory."""
    place = tmp_path_factory.mktemp("small_disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_BYTES}", "tmpfs", str(place)]
    mount = shutil.which("mount")
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here; the sweeps over the largest size of a file stand for it")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def leave_free(disk: Path, size_bytes: int) -> None:
    """Fill a small disk but for so many bytes, in whole pages; everything else on it is removed."""
    for entry in disk.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    filler = disk / FILLER
    filler.touch()
    free = shutil.disk_usage(disk).free
    with filler.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free - size_bytes))
