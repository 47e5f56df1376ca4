"""Hidden folders that results are made in, each locked by the process that fills it.

A process that is killed leaves its folder behind. A later one that works in the same place removes it, and knows by the
lock that nobody fills it any more: the system takes the lock back with the process. A lock says nothing of processes on
other machines that share the file system, so a folder's name tells which kernel and which mount made it. Of another's
folder, as of one on a file system without locks, nobody can say whether it is in use; it goes when nothing in it has
changed for `UNTOUCHED_S`.

Folders that releases without locks left stay for good: their names ended in eight random letters and digits, as
`.INRIA.20260101` does, which somebody may have put aside by hand, and nothing in them tells the one from the other.

A folder in which a directory waits that had made way for its successor gives it back where no successor came.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from components.core.hashing import digest

log = logging.getLogger(__name__)

UNTOUCHED_S = 7 * 24 * 3600.0
"""After so long without a change a folder of another machine counts as left by a process that died."""

EXCHANGE_S = 60.0
"""The two renames that exchange a directory take no longer, on any file system."""

OLD = "old"
"""Folder in a workspace that holds, under its name, the directory that makes way for the new one."""

NEW = "new"
"""Folder in a workspace in which a directory is made."""

SCRATCH = "footprints-"
"""What the names of workspaces among the temporary files begin with, after the dot."""

TAG_CHARACTERS = 8
RANDOM_CHARACTERS = 24
NAME_BYTES = 160
"""Of the result's name that a folder's name repeats: file systems allow 255 in all."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_NAME = re.compile(r"\..*\.(?P<tag>[0-9a-f]{8})[0-9a-f]{24}\.part(\..*)?", re.DOTALL)


def is_partial(name: str) -> bool:
    """Whether a name is that of a folder, or a file, in which something is still being written."""
    return _NAME.fullmatch(name) is not None


@contextmanager
def workspace(parent: Path, name: str) -> Iterator[Path]:
    """Give an empty hidden folder that is gone when the block ends; removes what dead processes left beside it.

    Args:
        parent: Folder that gets it, on the file system that the result belongs to.
        name: Of the result; a part of the folder's.

    Raises:
        OSError: If it cannot be made.
    """
    _clear_once(str(parent.absolute()))
    folder, lock = _locked_folder(parent, name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _release(lock)


def is_scratch(path: Path) -> bool:
    """Whether a path lies in a workspace among the temporary files."""
    return any(name.startswith(f".{SCRATCH}") and is_partial(name) for name in path.parts)


def visible(path: Path) -> Path:
    """The place at which the user will find what is made at a path in a workspace; other paths stay as they are."""
    if is_scratch(path):
        return path
    for index, name in enumerate(path.parts):
        if is_partial(name):
            below = path.parts[index + 1 :]
            return Path(*path.parts[:index], *(below[1:] if below[:1] in ((NEW,), (OLD,)) else below))
    return path


def _locked_folder(parent: Path, name: str) -> tuple[Path, int]:
    short = os.fsdecode(os.fsencode(name)[:NAME_BYTES])
    while True:
        folder = parent / f".{short}.{_tag(parent)}{secrets.token_hex(RANDOM_CHARACTERS // 2)}.part"
        folder.mkdir(mode=0o700)
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # whoever clears up came in between and took it for a dead one's
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue  # the same, and it is about to be removed
        except OSError:
            return folder, lock  # no locks here; its age will tell
        if os.fstat(lock).st_nlink and folder.exists():
            return folder, lock
        os.close(lock)


def _release(lock: int) -> None:
    with suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_UN)  # also for processes that were forked meanwhile and hold it open
    os.close(lock)


def _tag(folder: Path) -> str:
    """Names the kernel and the mount, within which locks are seen by everybody."""
    return digest(_boot_id(), str(folder.stat().st_dev))[:TAG_CHARACTERS]


@lru_cache(maxsize=1)
def _boot_id() -> str:
    try:
        return BOOT_ID.read_text()
    except OSError:
        return secrets.token_hex(8)  # this process alone


@lru_cache(maxsize=4096)
def _clear_once(parent: str) -> None:
    clear_dead(Path(parent))


def clear_dead(parent: Path) -> int:
    """Remove the folders, and the files of earlier releases, that processes which died left in a folder.

    What cannot be removed stays, since nobody needs it gone.

    Returns:
        How many were removed.
    """
    removed = 0
    with suppress(OSError):
        tag = _tag(parent)
        with os.scandir(parent) as entries:
            names = [entry.name for entry in entries if is_partial(entry.name)]
        for name in names:
            with suppress(OSError):
                removed += _cleared(parent / name, tag)
    if removed:
        log.info("%s: removed %d unfinished results of runs that were killed", parent, removed)
    return removed


def _cleared(path: Path, tag: str) -> bool:
    status = path.lstat()
    if status.st_uid != os.getuid():
        return False
    if not path.is_dir() or path.is_symlink():
        if not _is_older(path, UNTOUCHED_S):
            return False
        path.unlink()
        return True
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_locked = True
    except BlockingIOError:
        os.close(lock)
        return False
    except OSError:
        is_locked = False
    try:
        found = _NAME.fullmatch(path.name)
        is_dead = is_locked and found is not None and found["tag"] == tag
        if is_dead or _is_older(path, EXCHANGE_S):
            _give_back(path)
        if not (is_dead or _is_older(path, UNTOUCHED_S)):
            return False
        shutil.rmtree(path)
        return True
    finally:
        _release(lock)


def _give_back(folder: Path) -> None:
    """Put a directory that made way for another one back, if the other one never took its place."""
    waiting = folder / OLD
    if not waiting.is_dir():
        return
    for old in waiting.iterdir():
        target = folder.parent / old.name
        if not target.exists():
            old.rename(target)
            log.warning("%s: restored its previous state, as a run was killed while replacing it", target)


def _is_older(path: Path, seconds: float) -> bool:
    """Whether neither a path nor anything in it has changed for so long."""
    newest = path.lstat().st_mtime
    for folder, _, files in os.walk(path):
        for name in (".", *files):
            with suppress(FileNotFoundError):
                newest = max(newest, (Path(folder) / name).lstat().st_mtime)
    return time.time() - newest > seconds
