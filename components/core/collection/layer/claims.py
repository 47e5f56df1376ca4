"""Who else updates the layer meanwhile: each update leaves a note when it begins.

`layer.json` is looked at before it is written for the last time, and between the two another update may begin and end.
The notes tell it afterwards: one that was not there when an update began is of another that was at work meanwhile. They
stay until a later update has seen them from its beginning to its end.
"""

from __future__ import annotations

import secrets

from components.core import storage
from components.core.collection.ledger import Collection

FOLDER = "updates"


class UpdateClaim:
    """The note of an update under way."""

    def __init__(self, collection: Collection) -> None:
        """Leave it.

        Raises:
            StorageError: If it cannot be written.
        """
        self._folder = collection.place(FOLDER)
        self._before = self._notes()
        self._own: set[str] = set()
        self.renew()

    def _notes(self) -> set[str]:
        return {found.uri for found in storage.list_objects(self._folder)}

    def renew(self) -> None:
        """Leave another, for those that saw the first one from their beginning."""
        note = storage.join_uri(self._folder, f"{secrets.token_hex(8)}.json")
        storage.write_bytes(note, b"{}\n")
        self._own.add(str(storage.parse_uri(note)))

    def is_shared(self) -> bool:
        """Whether another update began since."""
        return bool(self._notes() - self._before - self._own)

    def end(self) -> None:
        """Remove the notes that were there from the beginning; all updates that they tell of are known by then."""
        for note in self._before:
            storage.delete(note)
