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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import TypeAlias

import pyarrow as pa

from components.core import storage
from components.core.collection.layer.index import Bounds, around
from components.core.collection.layer.partitions import scenes_with_partition
from components.core.collection.layer.tables import read_columns
from components.core.collection.ledger import Collection
from components.core.errors import DataError
from components.core.json_text import parse_json

log = logging.getLogger(__name__)

FOLDER = "changes/open"
NOTE, COPY = ".json", ".parquet"

Noted: TypeAlias = Mapping[str, tuple[Bounds, bool]]
"""By scene the bounds of what was and will be there, and whether there is a partition."""


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
    """What updates noted, oldest first, and the copies.

    Of several notes of one partition the oldest says whether there was one.
    """

    def __init__(self, collection: Collection) -> None:
        """See what is there.

        Raises:
            DataError: If a note is broken.
            StorageError: If it cannot be read.
        """
        self._collection = collection
        self._missing: set[str] = set()
        self._notes, self._copies = self._there()

    def _there(self) -> tuple[dict[str, Noted], set[str]]:
        """The notes by their places, and the scenes of which there are copies."""
        notes: dict[str, Noted] = {}
        copies: set[str] = set()
        for found in storage.list_objects(self._collection.place(FOLDER), recursive=False):
            suffix = storage.suffix_of(found.uri)
            if suffix == COPY:
                copies.add(storage.stem_of(found.uri))
            elif suffix == NOTE:
                notes[found.uri] = _read(found.uri)
        return notes, copies

    @property
    def name(self) -> str:
        """When the first update that is noted began, for people, and a word by which it differs from all others."""
        return min(map(storage.stem_of, self._notes))

    def begin(self, partitions: Noted) -> None:
        """Note what an update is about to write or delete.

        A copy that no note knows is left of a run that was killed when it had told it, and deleted. Notes come before
        copies: where one seems to lack, they are read once more, as another update may have begun meanwhile.

        Args:
            partitions: By scene the bounds of what was and will be there, and whether there is a partition.

        Raises:
            StorageError: If that fails.
        """
        if self._copies - self._noted():
            self._notes = self._there()[0]
            for scene in self._copies - self._noted():
                storage.delete(self._copy(scene))
            self._copies &= self._noted()
        self._note(partitions)
        self._missing = {scene for scene, states in self._states().items() if not states[0]}

    def _noted(self) -> set[str]:
        return {scene for noted in self._notes.values() for scene in noted}

    def _note(self, partitions: Noted) -> None:
        name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S-%fZ}-{secrets.token_hex(4)}"
        place = self._collection.place(FOLDER, f"{name}{NOTE}")
        content = {scene: [list(bounds), is_there] for scene, (bounds, is_there) in sorted(partitions.items())}
        storage.write_bytes(place, (json.dumps(content) + "\n").encode())
        self._notes[place] = partitions

    def keep(self, scene: str) -> None:
        """Copy a partition that is about to be written or deleted, unless an older state of it is known.

        Raises:
            StorageError: If it cannot be read, or the copy cannot be written.
        """
        place = self._collection.partition(scene)
        if scene not in self._missing and scene not in self._copies and storage.exists(place):
            storage.write_bytes(self._copy(scene), storage.read_bytes(place))
            self._copies.add(scene)

    def touched(self) -> list[FormerPartition]:
        """What was written or deleted, from west to east.

        Raises:
            StorageError: If the layer cannot be listed.
        """
        there = set(scenes_with_partition(self._collection)) if self._notes else set()
        found = []
        for scene, states in self._states().items():
            if states[0] and scene in self._copies:
                found.append(FormerPartition(scene, self._bounds(scene), self._copy(scene)))
            elif not states[0] and (scene in there or any(states)):
                found.append(FormerPartition(scene, self._bounds(scene), ""))
        return sorted(found, key=lambda entry: (entry.bounds[0], entry.scene))

    def _states(self) -> dict[str, list[bool]]:
        """For each scene whether it had a partition, note by note."""
        states: dict[str, list[bool]] = {}
        for _, partitions in sorted(self._notes.items()):
            for scene, (_, is_there) in partitions.items():
                states.setdefault(scene, []).append(is_there)
        return states

    def _bounds(self, scene: str) -> Bounds:
        return reduce(around, (noted[scene][0] for noted in self._notes.values() if scene in noted))

    def forget(self, told: Iterable[str]) -> None:
        """Delete what is written down; what another update has noted and not done yet stays, by a new name.

        Args:
            told: Scenes whose changes are written down.

        Raises:
            StorageError: If that fails.
        """
        done = set(told)
        for place, partitions in sorted(self._notes.items()):
            left = {scene: noted for scene, noted in partitions.items() if scene not in done}
            if left:
                self._note(left)
            storage.delete(place)
            del self._notes[place]
        for scene in sorted(self._copies & done):
            storage.delete(self._copy(scene))
        self._copies -= done

    def _copy(self, scene: str) -> str:
        return self._collection.place(FOLDER, f"{scene}{COPY}")


def _read(place: str) -> Noted:
    noted: dict[str, tuple[Bounds, bool]] = {}
    try:
        for scene, (bounds, is_there) in parse_json(storage.read_bytes(place)).items():
            west, south, east, north = map(float, bounds)
            noted[scene] = (west, south, east, north), bool(is_there)
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"{place}: is not a note of an update of the layer ({error}); delete it, and what that update changed is "
            "not told"
        ) from error
    return noted
