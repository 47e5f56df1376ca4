"""Outputs appear only when they are whole: written aside, then moved into place."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.core.errors import StorageError


@contextmanager
def staged_directory(directory: Path | str) -> Iterator[Path]:
    """Give an empty directory to fill; it takes the place of `directory` when the block ends well.

    What stood there before stays until then, and stays for good where the block fails.

    Raises:
        StorageError: If the place is a file or cannot be written.
    """
    target = Path(directory)
    if target.is_file():
        raise StorageError(f"{target}: is a file, and a directory is to be written there; name another place")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise StorageError(f"{target}: cannot be written ({error.strerror}); name a place that can be") from error
    aside.chmod(0o755)
    try:
        yield aside
        old = None
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent)) / "old"
            target.rename(old)
        aside.rename(target)
        if old is not None:
            shutil.rmtree(old.parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


@contextmanager
def staged_file(file: Path | str) -> Iterator[Path]:
    """Give a path to write; it takes the place of `file` when the block ends well.

    Raises:
        StorageError: If the place cannot be written.
    """
    target = Path(file)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise StorageError(f"{target}: cannot be written ({error.strerror}); name a place that can be") from error
    try:
        aside = folder / target.name
        yield aside
        aside.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
