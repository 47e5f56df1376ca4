"""Whole folders, to a store and back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from components.core.errors import StorageError
from components.core.progress import progress
from components.core.storage.atomic import local_errors
from components.core.storage.dispatch import store_for
from components.core.storage.local import LocalStore
from components.core.storage.objects import StoredObject
from components.core.storage.uris import join_uri, parse_uri
from components.core.storage.workspaces import workspace

T = TypeVar("T")

TRANSFERS = 4
BATCH = 256


def put_tree(local_dir: Path, uri: str | Path, last: str | None = None) -> int:
    """Copy every file below a local folder.

    Args:
        local_dir: The folder.
        uri: The folder it becomes; files of the same name are replaced, others stay.
        last: The relative name of a file that goes after all others, so that whoever sees it sees a whole tree.

    Returns:
        How many files were copied.

    Raises:
        StorageError: `local_dir` is not a folder, has no file `last`, or a file cannot be copied.
    """
    root = Path(local_dir)
    if not root.is_dir():
        raise StorageError(f"{root}: not a folder; give the folder to copy")
    if last is not None and not (root / last).is_file():
        raise StorageError(f"{root}: has no file '{last}', which was to be copied last; check how it was made")
    store = store_for(uri)

    def put(source: Path) -> None:
        store.put(source, join_uri(uri, source.relative_to(root).as_posix()))

    files = (Path(found.uri) for found in LocalStore().list(str(root)))
    count = _all_of(put, (file for file in files if last is None or file != root / last), f"files to {uri}")
    if last is not None:
        put(root / last)
    return count + (last is not None)


def get_tree(uri: str | Path, local_dir: Path) -> int:
    """Copy every object below a URI into a local folder, which appears only when whole.

    Args:
        uri: The folder.
        local_dir: A folder that does not exist yet, or is empty.

    Returns:
        How many objects were copied.

    Raises:
        StorageError: Nothing lies below `uri`, `local_dir` holds something, or an object cannot be copied.
    """
    target = Path(local_dir)
    store, root = store_for(uri), parse_uri(uri)
    with ExitStack() as stack:
        with local_errors("write", target):
            if target.exists() and (not target.is_dir() or any(target.iterdir())):
                raise StorageError(f"{target}: is not an empty folder; remove it, or use another one")
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = stack.enter_context(workspace(target.parent, target.name)) / target.name

        def get(found: StoredObject) -> None:
            store.get(found.uri, partial / _below(root.key, found.uri))

        count = _all_of(get, store.list(str(root)), f"files from {uri}")
        if not count:
            raise StorageError(f"{root}: no object is below it; check the URI")
        with local_errors("write", target):
            partial.replace(target)
    return count


def remove_empty_folders(uri: str | Path) -> None:
    """Remove a local folder and those below it, as far as they are empty; in object storage there are none.

    For folders that no layer writes to any more. What cannot be removed stays, since nobody needs it gone.
    """
    place = parse_uri(uri)
    if place.is_remote:
        return
    for folder, _, _ in os.walk(place.path, topdown=False):
        with suppress(OSError):
            Path(folder).rmdir()


def _below(root_key: str, uri: str) -> str:
    place = parse_uri(uri)
    if not place.is_remote:
        return str(place.path.relative_to(root_key))
    return place.key[len(root_key.rstrip("/")) :].lstrip("/")


def _all_of(transfer: Callable[[T], None], items: Iterable[T], what: str) -> int:
    """Apply `transfer` to all items, a few at a time, without holding them all."""
    from multiprocessing.pool import ThreadPool

    moving = iter(progress(items, None, what))
    count = 0
    with ThreadPool(TRANSFERS) as pool:
        while batch := list(islice(moving, BATCH)):
            pool.map(transfer, batch, chunksize=1)
            count += len(batch)
    return count
