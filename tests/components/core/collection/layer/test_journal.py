"""What is kept of the layer before it changes, whoever is killed, and whoever else is at work."""

from __future__ import annotations

from pathlib import Path

from components.core import storage
from components.core.collection.layer.journal import FOLDER, LayerJournal
from components.core.collection.ledger import Collection

WEST, EAST = (0.0, 0.0, 1.0, 1.0), (5.0, 0.0, 6.0, 1.0)


def put(collection: Collection, scene: str, content: bytes = b"old") -> None:
    storage.write_bytes(collection.partition(scene), content)


def touched(collection: Collection) -> dict[str, bytes | None]:
    """By scene what it was; None for nothing."""
    found = LayerJournal(collection).touched()
    return {entry.scene: Path(entry.copy).read_bytes() if entry.copy else None for entry in found}


def names(collection: Collection) -> list[str]:
    folder = Path(collection.place(FOLDER))
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def test_the_oldest_state_counts_whoever_comes_later(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    put(collection, "a")
    first = LayerJournal(collection)
    first.begin({"a": (EAST, True), "b": (WEST, False), "z": (WEST, True), "y": (WEST, False)})
    first.keep("a")
    first.keep("b")
    put(collection, "a", b"newer")
    put(collection, "b", b"newer")  # and killed: neither z nor y was touched
    assert touched(collection) == {"b": None, "a": b"old"}

    second = LayerJournal(collection)
    second.begin({"a": (WEST, True), "b": (EAST, True)})
    second.keep("a")
    second.keep("b")
    storage.delete(collection.partition("b"))
    assert touched(collection) == {"a": b"old", "b": None}, "from west to east by the bounds of all notes"


def test_a_partition_that_came_and_went_is_told_as_nothing_and_forgotten(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    LayerJournal(collection).begin({"a": (WEST, False)})
    LayerJournal(collection).begin({"a": (WEST, True)})
    assert touched(collection) == {"a": None}
    LayerJournal(collection).forget(["a"])
    assert names(collection) == []


def test_a_partition_that_was_deleted_is_known_by_its_copy_alone(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    put(collection, "a")
    journal = LayerJournal(collection)
    journal.begin({"a": (WEST, True)})
    journal.keep("a")
    storage.delete(collection.partition("a"))
    LayerJournal(collection).begin({"a": (WEST, False)})
    assert touched(collection) == {"a": b"old"}


def test_what_another_update_has_still_to_do_stays_noted_by_another_name(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    other = LayerJournal(collection)
    put(collection, "c")
    other.begin({"a": (WEST, False), "b": (EAST, False), "c": (EAST, True)})
    put(collection, "a", b"new")

    teller = LayerJournal(collection)
    told, name = [entry.scene for entry in teller.touched()], teller.name
    assert told == ["a"]
    teller.forget(told)
    other.keep("c")
    put(collection, "b", b"new")
    put(collection, "c", b"new")

    assert touched(collection) == {"b": None, "c": b"old"}
    assert LayerJournal(collection).name > name, "its file does not replace the first one"


def test_what_another_update_copied_while_one_listed_stays(tmp_path: Path) -> None:
    """A listing is no snapshot: it may have the copy of an update, and not the note that came before that."""
    collection = Collection(str(tmp_path))
    put(collection, "a", b"before")
    other = LayerJournal(collection)
    other.begin({"a": (WEST, True)})
    other.keep("a")
    (note,) = Path(collection.place(FOLDER)).glob("*.json")
    hidden = note.rename(tmp_path / "hidden")
    journal = LayerJournal(collection)
    hidden.rename(note)

    journal.begin({"b": (WEST, False)})

    put(collection, "a", b"now")
    assert touched(collection) == {"a": b"before"}


def test_a_copy_that_no_note_knows_is_not_taken_for_what_was_there(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    put(collection, "a", b"now")
    storage.write_bytes(collection.place(FOLDER, "a.parquet"), b"told before")
    assert touched(collection) == {}
    journal = LayerJournal(collection)
    journal.begin({"a": (WEST, True)})
    journal.keep("a")
    assert touched(collection) == {"a": b"now"}
