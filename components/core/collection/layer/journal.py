"""The layer as it was: partitions are kept aside before they are replaced, until it is written down what changed.

A run that is killed leaves them there. Whoever updates the layer next goes on with the oldest copy of each partition,
so that what is written down at last is the same as if nobody had been killed.

Before an update touches anything it notes which partitions it will write or delete, and which of these are there; a
partition that is there is copied before it is touched. So one that was noted and has no copy was not touched, and one
that was first noted as missing had nothing.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from components.core import storage
from components.core.collection.layer.index import Bounds, around
from components.core.collection.layer.tables import read_columns
from components.core.collection.ledger import Collection
from components.core.errors import DataError
from components.core.json_text import parse_json

log = logging.getLogger(__name__)

FOLDER = "changes/open"
NOTE, COPY = ".json", ".parquet"


@dataclass(frozen=True, slots=True)
class FormerPartition:
    """A partition that was written or deleted since changes were written down.

    Attributes:
        scene: Whose it is.
        bounds: Around what it showed, and shows now.
        copy: URI of what it was; empty where there was none.
    """

    scene: str
    bounds: Bounds
    copy: str

    def rows(self, columns: list[str]) -> pa.Table | None:
        """What it showed; None where there was nothing, or nothing that can be read."""
        if not self.copy:
            return None
        try:
            return read_columns(self.copy, columns)
        except (pa.ArrowException, ValueError) as error:
            log.warning("%s: was no partition (%s); its buildings count as new", self.scene, error)
            return None


class LayerJournal:
    """The copies of a collection, and what updates noted."""

    def __init__(self, collection: Collection) -> None:
        """See what is there.

        Raises:
            DataError: If a note is broken.
            StorageError: If it cannot be read.
        """
        self._collection = collection
        self._notes: list[str] = []
        self._bounds: dict[str, Bounds] = {}
        self._missing: set[str] = set()
        self._copies: set[str] = set()
        for found in storage.list_objects(collection.place(FOLDER), recursive=False):
            suffix = storage.suffix_of(found.uri)
            if suffix == COPY:
                self._copies.add(storage.stem_of(found.uri))
            elif suffix == NOTE:
                self._read(found.uri)

    def _read(self, place: str) -> None:
        try:
            content = parse_json(storage.read_bytes(place))
            for scene, (bounds, is_there) in content.items():
                west, south, east, north = map(float, bounds)
                self._take(scene, (west, south, east, north), bool(is_there))
        except (ValueError, TypeError, AttributeError) as error:
            raise DataError(
                f"{place}: is not a note of an update of the layer ({error}); delete it, and what that update changed "
                "is not told"
            ) from error
        self._notes.append(place)

    def _take(self, scene: str, bounds: Bounds, is_there: bool) -> None:
        before = self._bounds.get(scene, bounds)
        self._bounds[scene] = around(before, bounds)
        if not is_there and scene not in self._copies:
            self._missing.add(scene)

    @property
    def name(self) -> str:
        """When the first update that is noted began, for people, and a word by which it differs from all others."""
        return min(map(storage.stem_of, self._notes))

    def begin(self, partitions: Mapping[str, tuple[Bounds, bool]]) -> None:
        """Note what an update is about to write or delete.

        Args:
            partitions: By scene the bounds of what was and will be there, and whether there is a partition.

        Raises:
            StorageError: If the note cannot be written.
        """
        place = self._collection.place(
            FOLDER, f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S-%fZ}-{secrets.token_hex(4)}{NOTE}"
        )
        content = {scene: [list(bounds), is_there] for scene, (bounds, is_there) in sorted(partitions.items())}
        storage.write_bytes(place, (json.dumps(content) + "\n").encode())
        self._notes.append(place)
        for scene, (bounds, is_there) in partitions.items():
            self._take(scene, bounds, is_there)

    def keep(self, scene: str) -> None:
        """Copy a partition that is about to be written or deleted, unless an older state of it is known.

        Raises:
            StorageError: If it cannot be read, or the copy cannot be written.
        """
        place = self._collection.partition(scene)
        if scene in self._missing or scene in self._copies or not storage.exists(place):
            return
        storage.write_bytes(self._copy(scene), storage.read_bytes(place))
        self._copies.add(scene)

    def touched(self) -> list[FormerPartition]:
        """What was written or deleted, from west to east."""
        scenes = [scene for scene in self._bounds if scene in self._missing or scene in self._copies]
        former = [
            FormerPartition(scene, self._bounds[scene], self._copy(scene) if scene not in self._missing else "")
            for scene in scenes
        ]
        return sorted(former, key=lambda entry: (entry.bounds[0], entry.scene))

    def forget(self) -> None:
        """Delete the copies and the notes: what changed is written down.

        Raises:
            StorageError: If that fails.
        """
        for place in (*self._notes, *map(self._copy, sorted(self._copies))):
            storage.delete(place)

    def _copy(self, scene: str) -> str:
        return self._collection.place(FOLDER, f"{scene}{COPY}")
