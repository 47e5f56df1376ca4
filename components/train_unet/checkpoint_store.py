"""Checkpoints of one training in a folder, on disk or in object storage: whole, verified, the last few of them.

A checkpoint is two files of one number. `000007.ckpt` is an archive of `torch.save`; `000007.json` has its size and its
SHA-256, and is written after it. Each appears whole or not at all, so whatever moment a training is killed at, either
both are there or the checkpoint does not count. None is read that its digest does not agree with, and none may hold
anything but tensors and plain values, so that reading it runs no code.

Two runs of one and the same training may share a folder: each of their checkpoints is one of that training's, and where
they write over each other the digest tells.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from components.core import storage
from components.core.errors import StorageError
from components.core.network.weights import load_pickle

FORMAT = 1

KEPT = 2
"""Of the newest; the second stands in for the first where that cannot be used."""

ARCHIVE, NOTE = ".ckpt", ".json"

CHECKPOINT_FILE = re.compile(r"(\d{6,})(\.ckpt|\.json)")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One that was read and verified.

    Attributes:
        place: Where it belongs.
        file: The archive on this machine.
        content: What it holds, on the CPU.
    """

    place: str
    file: Path
    content: dict[str, Any]


class CheckpointStore:
    """The folder of one training's checkpoints."""

    def __init__(self, place: str | Path, about: Mapping[str, str] | None = None) -> None:
        """Choose a folder.

        Args:
            place: Folder or URI of this training alone; it need not exist.
            about: What the training is made of; is kept beside each checkpoint.
        """
        self.place = str(place)
        self.about = dict(about or {})
        self._unusable: set[int] = set()

    def save(self, content: Mapping[str, Any]) -> str:
        """Write a checkpoint, and remove those that it makes superfluous.

        Args:
            content: Tensors and plain values by name.

        Returns:
            Where it lies.

        Raises:
            StorageError: If it cannot be written; those that were there before stay.
        """
        number = max(self._files(), default=0) + 1
        archive = self._uri(number, ARCHIVE)
        try:
            with storage.staged_file(archive) as staged:
                try:
                    torch.save(dict(content), staged)
                except RuntimeError as error:  # of PyTorch's own writer, which knows no numbers of errors
                    raise storage.not_written(archive, staged.parent, str(error).partition("\n")[0]) from error
                written = {"format": FORMAT, "bytes": staged.stat().st_size, "sha256": _sha256(staged)}
            note = json.dumps(written | {"about": self.about}, indent=1) + "\n"
            storage.write_bytes(self._uri(number, NOTE), note.encode())
        except StorageError:
            with suppress(StorageError):
                storage.delete(archive)
            storage.remove_empty_folders(self.place)
            raise
        self._prune()
        return archive

    def newest(self, scratch: Path) -> Checkpoint | None:
        """Read the newest checkpoint that can be used; those that cannot are named in the log.

        Args:
            scratch: Folder for what must be fetched.

        Returns:
            The checkpoint; None where there is none.

        Raises:
            StorageError: If the place cannot be read.
        """
        for number in sorted(self._files(), reverse=True):
            place = self._uri(number, ARCHIVE)
            try:
                return self._read(number, place, scratch)
            except ValueError as error:
                self._unusable.add(number)
                log.warning("the checkpoint %s cannot be used: %s; the one before it takes its place", place, error)
        return None

    def read(self, place: str, scratch: Path) -> Checkpoint:
        """Read the checkpoint that another process of the training has chosen.

        Args:
            place: Where it lies.
            scratch: Folder for what must be fetched.

        Raises:
            StorageError: If it cannot be read, or is not what was written.
        """
        try:
            return self._read(int(storage.stem_of(place)), place, scratch)
        except ValueError as error:
            raise StorageError(
                f"{place}: the training goes on from this checkpoint, which this process cannot use: {error}; give a "
                "work_dir that all processes see, or remove the checkpoint"
            ) from error

    def remove(self) -> None:
        """Remove all of them."""
        remove_files(uri for files in self._files().values() for uri in files.values())
        storage.remove_empty_folders(self.place)

    def _read(self, number: int, place: str, scratch: Path) -> Checkpoint:
        note = self._note(number)
        found = storage.stat(place)
        if found is None:
            raise ValueError("its digest alone is there")
        if found.size_bytes != note["bytes"]:
            raise ValueError(f"it has {found.size_bytes:,} bytes, and {note['bytes']:,} were written")
        file = storage.parse_uri(place).path
        if storage.is_remote(place):
            file = scratch / f"{number}{ARCHIVE}"
            storage.get_file(place, file)
        with storage.local_errors("read", place):
            if _sha256(file) != note["sha256"]:
                raise ValueError("its SHA-256 is not that of what was written")
            content = load_pickle(file)
        if not isinstance(content, dict):
            raise ValueError("it holds something else than a training writes")
        return Checkpoint(place, file, content)

    def _note(self, number: int) -> dict[str, Any]:
        place = self._uri(number, NOTE)
        if not storage.exists(place):
            raise ValueError("there is no digest of it, as after a kill while it was written")
        note = parsed_note(storage.read_bytes(place))
        if not {"bytes", "sha256"} <= note.keys():
            raise ValueError(f"its digest in {storage.name_of(place)} cannot be read")
        if note.get("format") != FORMAT:
            raise ValueError(f"its format is {note.get('format')}, and this release reads {FORMAT}")
        return note

    def _prune(self) -> None:
        files = self._files()
        usable = [number for number in sorted(files) if NOTE in files[number] and number not in self._unusable]
        superfluous = [files[number] for number in files if number < usable[-KEPT:][0]]
        for suffix in (NOTE, ARCHIVE):  # digests first: an archive without one does not count
            remove_files(uris[suffix] for uris in superfluous if suffix in uris)

    def _files(self) -> dict[int, dict[str, str]]:
        """URIs by suffix, of each number."""
        files: dict[int, dict[str, str]] = {}
        for found in storage.list_objects(self.place, recursive=False):
            named = CHECKPOINT_FILE.fullmatch(storage.name_of(found.uri))
            if named and not found.is_folder:
                files.setdefault(int(named[1]), {})[named[2]] = found.uri
        return files

    def _uri(self, number: int, suffix: str) -> str:
        return storage.join_uri(self.place, f"{number:06}{suffix}")


def parsed_note(data: bytes) -> dict[str, Any]:
    """What stands beside a checkpoint; empty where it is broken."""
    with suppress(ValueError):
        note = json.loads(data)
        if isinstance(note, dict):
            return note
    return {}


def remove_files(uris: Iterable[str]) -> None:
    """Remove files that nobody needs; where a store does not let go of them, the log says so."""
    try:
        for uri in uris:
            storage.delete(uri)
    except StorageError as error:
        log.warning("old checkpoints stay: %s", error)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
