"""The cache of whole objects: fetched once, bounded, shared by processes, never in anybody's way."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from components.core.errors import StorageError
from components.core.storage import cache, counted, write_bytes
from components.core.storage.atomic import atomic_write
from components.core.storage.cache import IN_USE_S, FileCache, cached_file
from tests.s3_server import S3Server

SIZE = 100_000


@pytest.fixture
def folder(tmp_path: Path, s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that holds three objects of `SIZE`."""
    monkeypatch.setenv("STORAGE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("STORAGE_CACHE_BYTES", str(3 * SIZE + 10))
    monkeypatch.setattr(cache, "_known", {})
    return tmp_path / "cache"


@pytest.fixture
def objects(s3_environment: S3Server) -> list[str]:
    """Five objects whose bytes are their number."""
    root = s3_environment.new_folder()
    for number in range(5):
        write_bytes(f"{root}/scene.{number}/town.tif", bytes([number]) * SIZE)
    return [f"{root}/scene.{number}/town.tif" for number in range(5)]


def entries(folder: Path) -> dict[str, int]:
    return {path.name: path.read_bytes()[0] for path in folder.glob("[!.]*.tif")}


def age(*paths: Path | None) -> None:
    """Let entries look unused for as long as their place asks for; the first is the oldest."""
    for index, path in enumerate(paths):
        assert path is not None
        then = time.time() - IN_USE_S - 100 + index
        os.utime(path, (then, then))


def forget() -> None:
    """As another process would ask."""
    cache._known.clear()


def fetch(uri: str) -> tuple[str, int]:
    """The copy's name, and what of it came from the store; for processes."""
    forget()
    with counted() as moved:
        path = cached_file(uri)
    return str(path), moved.traffic.remote_read_bytes


def test_an_object_is_fetched_once_for_all_who_ask(folder: Path, objects: list[str]) -> None:
    path, read = fetch(objects[3])
    assert read == SIZE and Path(path).read_bytes() == bytes([3]) * SIZE
    assert Path(path).suffix == ".tif" and Path(path).name.startswith("town-")
    assert fetch(objects[3]) == (path, 0)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(fetch, [objects[3]] * 4) == [(path, 0)] * 4


def test_processes_that_ask_at_once_share_one_download(
    folder: Path, objects: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    big = objects[0].replace("town", "big")
    write_bytes(big, bytes(20 << 20))
    monkeypatch.setenv("STORAGE_CACHE_BYTES", str(50 << 20))
    with multiprocessing.get_context("fork").Pool(4) as pool:
        found = pool.map(fetch, [big] * 4, chunksize=1)
    assert len({path for path, _ in found}) == 1
    assert sum(read for _, read in found) == 20 << 20
    assert [path.suffix for path in folder.iterdir() if path.name != ".lock"] == [".tif"]


def test_a_replaced_object_is_another_entry(folder: Path, objects: list[str]) -> None:
    first = cached_file(objects[0])
    write_bytes(objects[0], b"\7" * SIZE)
    forget()
    second = cached_file(objects[0])
    assert first != second
    assert second is not None and second.read_bytes()[0] == 7


def test_the_least_recently_used_entry_makes_room(folder: Path, objects: list[str]) -> None:
    held = [cached_file(uri) for uri in objects[:3]]
    age(*held)
    forget()
    assert cached_file(objects[0]) == held[0], "which makes it the last one used"
    assert cached_file(objects[3]) is not None
    assert sorted(entries(folder).values()) == [0, 2, 3]


def test_what_is_in_use_stays_and_the_newcomer_is_not_cached(folder: Path, objects: list[str]) -> None:
    held = [cached_file(uri) for uri in objects[:3]]
    with counted() as moved:
        assert cached_file(objects[3]) is None
        assert cached_file(objects[3]) is None
    assert moved.traffic.remote_read_bytes == 0
    assert sorted(entries(folder).values()) == [0, 1, 2]
    age(*held)
    forget()
    assert cached_file(objects[3]) is not None


def test_an_open_copy_survives_its_removal(folder: Path, objects: list[str]) -> None:
    held = [cached_file(uri) for uri in objects[:3]]
    assert held[0] is not None
    with held[0].open("rb") as reader:
        age(*held)
        cached_file(objects[3])
        assert not held[0].exists()
        assert reader.read() == bytes(SIZE)
    again = cached_file(objects[0])
    assert again == held[0] and again.read_bytes() == bytes(SIZE)


def test_the_bound_holds_for_many_processes(folder: Path, objects: list[str]) -> None:
    with multiprocessing.get_context("fork").Pool(5) as pool:
        found = pool.map(fetch, objects * 4, chunksize=1)
    held = entries(folder)
    assert 1 <= len(held) <= 3
    assert {Path(path).name for path, _ in found if path != "None"} == held.keys()
    assert sum(read for _, read in found) == len(held) * SIZE, "nothing was fetched twice"


def die_while_fetching(uri: str) -> None:
    def get_half(_uri: str, target: Path) -> None:
        with atomic_write(target) as partial:
            partial.write_bytes(bytes(SIZE // 2))
            os.kill(os.getpid(), signal.SIGKILL)

    cache.get_file = get_half  # type: ignore[assignment]
    cached_file(uri)


def test_what_a_killed_process_left_is_cleared_up_and_never_seen(folder: Path, objects: list[str]) -> None:
    process = multiprocessing.get_context("fork").Process(target=die_while_fetching, args=(objects[0],))
    process.start()
    process.join()
    assert len(list(folder.glob(".town-*.part"))) == len(list(folder.glob("*.reserved"))) == 1
    assert entries(folder) == {}
    assert cached_file(objects[1]) is not None
    assert sorted(path.suffix for path in folder.iterdir()) == ["", ".tif"]
    first = cached_file(objects[0])
    assert first is not None and first.read_bytes() == bytes(SIZE)


def test_a_fetch_under_way_counts_as_its_whole_size(folder: Path, objects: list[str]) -> None:
    held = cached_file(objects[0])
    bounded = FileCache(folder, 2 * SIZE, "http://elsewhere")
    lock = cache._reserve(folder / f"other-{SIZE}.tif")
    assert lock is not None
    assert not bounded._make_room(folder / f"new-{SIZE}.tif")
    cache._give_up(lock, folder / f"other-{SIZE}.tif")
    assert bounded._make_room(folder / f"new-{SIZE}.tif")
    assert held is not None and held.exists()


def test_a_full_disk_leaves_objects_where_they_are(
    folder: Path, objects: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "KEPT_FREE_BYTES", 1 << 60)
    assert cached_file(objects[0]) is None


def test_no_cache_is_wanted(folder: Path, objects: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_CACHE_BYTES", "0")
    assert cached_file(objects[0]) is None
    assert not folder.exists()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda patch, _: patch.setenv("STORAGE_CACHE_BYTES", "20 GiB"), "STORAGE_CACHE_BYTES='20 GiB' must be"),
        (lambda patch, path: patch.setenv("STORAGE_CACHE_DIR", str(path / "file")), "cannot use it"),
        (lambda patch, _: patch.setattr(os, "getuid", lambda: 12345), "belongs to another user"),
        (lambda patch, _: patch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret"), "check AWS_ACCESS_KEY_ID"),
    ],
)
def test_errors_say_what_to_do(
    folder: Path,
    objects: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[pytest.MonkeyPatch, Path], None],
    message: str,
) -> None:
    (tmp_path / "file").touch()
    folder.mkdir()
    spoil(monkeypatch, tmp_path)
    with pytest.raises(StorageError, match=message):
        cached_file(objects[0])


def test_an_object_that_is_not_there_is_said(folder: Path, objects: list[str]) -> None:
    with pytest.raises(StorageError, match=r"gone\.tif at http.*there is no such object"):
        cached_file(objects[0].replace("town", "gone"))
