"""Atomic writes of directories: filled under another name, then moved into place. Files: `storage.staged_file`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from components.core.errors import StorageError
from components.core.storage.atomic import local_errors, sync, verify_written
from components.core.storage.traffic import Traffic, counters
from components.core.storage.workspaces import NEW, OLD, clear_dead, workspace

FINISHED_AT_ONCE = 8
"""Files that the disk is asked to hold at once, since it does several in the time of one."""


@contextmanager
def staged_directory(directory: Path | str) -> Iterator[Path]:
    """Give an empty directory to fill; it takes the place of `directory` when the block ends well.

    What stood there before stays until then, and stays for good where the block fails. Every file is seen to be whole
    (`components.core.storage.integrity`) and on the disk before.

    Raises:
        StorageError: If the place is anything but a directory or cannot be written, or a file in it is not whole.
    """
    target = Path(directory)
    if target.exists() and not target.is_dir():
        raise StorageError(f"{target}: is not a directory, and one is to be written there; name another place")
    with ExitStack() as stack:
        with local_errors("write", target):
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                clear_dead(target.parent)  # it may wait in the workspace of a run that was killed
            folder = stack.enter_context(workspace(target.parent, target.name))
            for name in (NEW, OLD):
                (folder / name).mkdir()
            staged = folder / NEW / target.name
            staged.mkdir()
            staged.chmod(0o755)  # a later step may be another user
        with local_errors("write", target, target.parent):
            yield staged
            size_bytes = _finish_all(staged, target)
            _exchange(staged, target, folder / OLD / target.name)
            sync(target.parent)
    counters.add(Traffic(local_written_bytes=size_bytes))


def _finish_all(staged: Path, target: Path) -> int:
    """See that every file is whole and on the disk; gives their bytes."""
    folders, files = [], []
    for folder, _, names in os.walk(staged):
        folders.append(Path(folder))
        files += [Path(folder) / name for name in names]

    def finished(file: Path) -> int:
        verify_written(file, target / file.relative_to(staged))
        sync(file)
        return file.stat().st_size

    if len(files) > FINISHED_AT_ONCE:
        from multiprocessing.pool import ThreadPool  # not for projects of a few files

        with ThreadPool(FINISHED_AT_ONCE) as pool:
            sizes = pool.map(finished, files)
    else:
        sizes = [finished(file) for file in files]
    for made in folders:
        sync(made)
    return sum(sizes)


def _exchange(new: Path, target: Path, old: Path) -> None:
    """Put a directory in the place of another one, which is back where that fails."""
    if not target.exists():
        new.rename(target)
        return
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise
