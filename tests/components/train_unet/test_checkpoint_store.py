"""Checkpoints of a training in their folder: what is broken is named, and what stands before it is used."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch

from components.core import storage
from components.core.errors import StorageError
from components.train_unet.checkpoint_store import KEPT, CheckpointStore
from tests.full_disk import leave_free
from tests.s3_server import S3Server


class Evil:
    """Makes a folder where it is unpickled as it asks for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def content(step: int) -> dict[str, Any]:
    return {"step": step, "network": {"weight": torch.arange(5_000.0) * step}, "validated": 0}


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    """With three checkpoints written."""
    store = CheckpointStore(tmp_path / "work", {"project": "blocks"})
    for step in (10, 20, 30):
        store.save(content(step))
    return store


def read(store: CheckpointStore, scratch: Path) -> int | None:
    """The step of the newest checkpoint, as a process finds it that knows the folder alone."""
    found = CheckpointStore(store.place).newest(scratch)
    return None if found is None else found.content["step"]


def test_the_last_few_are_kept_and_the_newest_is_read(store: CheckpointStore, tmp_path: Path) -> None:
    names = sorted(file.name for file in Path(store.place).iterdir())
    assert names == ["000002.ckpt", "000002.json", "000003.ckpt", "000003.json"]
    assert KEPT == 2
    found = store.newest(tmp_path)
    assert found is not None
    assert torch.equal(found.content["network"]["weight"], content(30)["network"]["weight"])
    store.remove()
    assert not Path(store.place).exists()
    assert store.newest(tmp_path) is None


def test_object_storage_holds_them_too(s3_environment: S3Server, tmp_path: Path) -> None:
    store = CheckpointStore(f"{s3_environment.new_folder()}/work")
    assert read(store, tmp_path) is None
    for step in (10, 20, 30):
        store.save(content(step))
    assert read(store, tmp_path) == 30
    assert len(list(storage.list_objects(store.place))) == 2 * KEPT
    storage.write_bytes(f"{store.place}/000003.ckpt", b"")
    assert read(store, tmp_path) == 20
    store.remove()
    assert list(storage.list_objects(store.place)) == []


def with_digest(file: Path) -> None:
    """Write the digest that belongs to an archive, as whoever means harm would."""
    data = file.read_bytes()
    note = json.loads(file.with_suffix(".json").read_text())
    note |= {"bytes": len(data), "sha256": sha256(data).hexdigest()}
    file.with_suffix(".json").write_text(json.dumps(note))


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def put_evil_in(file: Path) -> None:
    torch.save(content(30) | {"plateau": Evil(file.with_name("ran"))}, file)
    with_digest(file)


def put_in(other: object) -> Callable[[Path], None]:
    def put(file: Path) -> None:
        torch.save(other, file)
        with_digest(file)

    return put


def put_text_in(file: Path) -> None:
    file.write_text("no archive")
    with_digest(file)


def without_digest(file: Path) -> None:
    file.with_suffix(".json").unlink()


def empty_the_digest(file: Path) -> None:
    os.truncate(file.with_suffix(".json"), 0)


def of_another_release(file: Path) -> None:
    note = json.loads(file.with_suffix(".json").read_text())
    file.with_suffix(".json").write_text(json.dumps(note | {"format": 99}))


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "empty": (lambda file: os.truncate(file, 0), r"it has 0 bytes, and [\d,]+ were written"),
    "truncated": (lambda file: os.truncate(file, file.stat().st_size - 1), r"it has [\d,]+ bytes, and [\d,]+ were"),
    "corrupt": (flip_a_bit, "its SHA-256 is not that of what was written"),
    "gone": (Path.unlink, "its digest alone is there"),
    "a pickle that runs code": (put_evil_in, "it holds more than tensors and plain values: .*mkdir.* could run code"),
    "something else": (put_in([1, 2]), "it holds something else than a training writes"),
    "no archive": (put_text_in, "it is broken"),
    "unfinished": (without_digest, "there is no digest of it"),
    "empty digest": (
        lambda file: os.truncate(file.with_suffix(".json"), 0),
        "its digest in 000003.json cannot be read",
    ),
    "of another release": (of_another_release, "its format is 99, and this release reads 1"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_one_is_named_and_the_one_before_it_is_used(
    store: CheckpointStore, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    harm, reason = BROKEN[kind]
    newest = Path(store.place) / "000003.ckpt"
    harm(newest)

    assert read(store, tmp_path) == 20

    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    before, _, after = warning.partition(f"the checkpoint {newest} cannot be used: ")
    assert not before and after.endswith("; the one before it takes its place")
    assert re.search(reason, after)
    assert not newest.with_name("ran").exists(), "it ran code"


def test_where_all_are_broken_there_is_none(
    store: CheckpointStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("000002.ckpt", "000003.ckpt"):
        flip_a_bit(Path(store.place) / name)
    assert read(store, tmp_path) is None
    assert [record.getMessage().count("cannot be used") for record in caplog.records] == [1, 1]


def test_broken_ones_do_not_take_the_place_of_whole_ones(store: CheckpointStore, tmp_path: Path) -> None:
    flip_a_bit(Path(store.place) / "000003.ckpt")
    again = CheckpointStore(store.place)
    assert again.newest(tmp_path) is not None
    again.save(content(40))
    flip_a_bit(Path(store.place) / "000004.ckpt")
    assert read(store, tmp_path) == 20, "two whole ones were kept"


def test_files_of_others_stay(store: CheckpointStore) -> None:
    notes = Path(store.place) / "notes.txt"
    notes.write_text("mine")
    store.save(content(40))
    store.remove()
    assert [file.name for file in Path(store.place).iterdir()] == ["notes.txt"]


def test_on_a_full_disk_the_one_before_stays(small_disk: Path, tmp_path: Path) -> None:
    leave_free(small_disk, 1 << 20)
    store = CheckpointStore(small_disk / "work")
    store.save(content(10))
    large = content(20) | {"more": torch.zeros(300_000)}
    with pytest.raises(StorageError, match=f"cannot write it.*No space left on device on the disk of {small_disk}"):
        store.save(large)
    assert sorted(file.name for file in Path(store.place).iterdir()) == ["000001.ckpt", "000001.json"]
    assert read(store, tmp_path) == 10
