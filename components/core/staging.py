"""Directories appear only when they are whole: filled aside, then moved into place. Files: `storage.staged_file`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.core.errors import StorageError
from components.core.storage.traffic import Traffic, counters


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
        size_bytes = sum(path.stat().st_size for path in aside.rglob("*") if path.is_file())
        old = None
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent)) / "old"
            target.rename(old)
        try:
            aside.rename(target)
        except OSError:
            if old is not None:
                old.rename(target)
            raise
        finally:
            if old is not None:
                shutil.rmtree(old.parent, ignore_errors=True)
        counters.add(Traffic(local_written_bytes=size_bytes))
    except OSError as error:
        raise StorageError(
            f"{target}: cannot be written ({error.strerror or error}); see that the disk has room for it"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
