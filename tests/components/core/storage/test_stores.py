"""One contract, run over both stores."""

import hashlib
import os
import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from minio.error import S3Error

from components.core.errors import StorageError
from components.core.storage import (
    S3Settings,
    counters,
    delete,
    exists,
    get_file,
    get_tree,
    is_folder,
    join_uri,
    list_objects,
    parse_uri,
    put_file,
    put_tree,
    read_bytes,
    read_range,
    replace_bytes,
    staged_file,
    stat,
    store_for,
    write_bytes,
)
from components.core.storage.client import S3Client, client_for
from components.core.storage.local import LocalStore
from components.core.storage.s3 import S3Store
from tests.s3_server import S3Server

MIB = 1 << 20
AWKWARD = [
    "a.tif",
    "a/b.tif",
    "a/b-c.tif",
    "a/b.d/e.tif",
    "a-b.tif",
    "a0.tif",
    "a b/x+y&z=1%20#.tif",
    "Z.tif",
    "ünï/ç.tif",
]


@pytest.fixture(params=["local", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty folder in one of the stores."""
    if request.param == "local":
        yield str(tmp_path / "store")
    else:
        server: S3Server = request.getfixturevalue("s3_environment")
        yield server.new_folder()


def below(root: str, recursive: bool = True) -> list[str]:
    return [found.uri.removeprefix(f"{root}/") for found in list_objects(root, recursive)]


def test_each_uri_finds_its_store(root: str) -> None:
    assert isinstance(store_for(root), S3Store if root.startswith("s3://") else LocalStore)


def test_bytes_come_back(root: str) -> None:
    uri = join_uri(root, "deep/er/a.bin")
    write_bytes(uri, b"content")
    assert read_bytes(uri) == b"content"
    assert exists(uri)


def test_an_object_is_replaced_only_by_who_has_seen_what_it_holds(root: str) -> None:
    uri = join_uri(root, "deep/er/current.json")
    assert not replace_bytes(uri, b"second", b"first") and not exists(uri)
    assert replace_bytes(uri, b"first", None)
    assert not replace_bytes(uri, b"second", None) and not replace_bytes(uri, b"third", b"second")
    assert read_bytes(uri) == b"first"
    assert replace_bytes(uri, b"second", b"first")
    assert below(root) == ["deep/er/current.json"] and read_bytes(uri) == b"second"


def test_of_many_who_replace_an_object_none_loses_what_another_wrote(root: str) -> None:
    """Each adds its own number to a list, and tries again where another one came first."""
    uri, count = join_uri(root, "list"), 8

    def add(number: int) -> None:
        while True:
            seen = read_bytes(uri) if exists(uri) else None
            if replace_bytes(uri, (seen or b"") + b"%d " % number, seen):
                return

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(add, range(count)))
    assert sorted(map(int, read_bytes(uri).split())) == list(range(count))


def test_a_write_that_comes_between_the_look_and_the_write_wins(s3_environment: S3Server) -> None:
    """The store itself refuses the later one: what was seen is no longer there."""
    uri = join_uri(s3_environment.new_folder(), "current.json")
    write_bytes(uri, b"seen")
    place = parse_uri(uri)
    etag = stat(uri).etag
    write_bytes(uri, b"another's")
    with pytest.raises(S3Error) as refused:
        client_for(S3Settings.from_environment()).put_if(place.bucket, place.key, b"own", {"If-Match": f'"{etag}"'})
    assert refused.value.code == "PreconditionFailed" and read_bytes(uri) == b"another's"
    with pytest.raises(S3Error) as refused:
        client_for(S3Settings.from_environment()).put_if(place.bucket, place.key, b"own", {"If-None-Match": "*"})
    assert refused.value.code == "PreconditionFailed" and read_bytes(uri) == b"another's"


def test_who_wrote_is_told_so_though_another_one_came_right_after(
    s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = join_uri(s3_environment.new_folder(), "current.json")
    put_if = S3Client.put_if

    def put_and_be_followed(self: S3Client, *arguments: Any) -> Any:
        result = put_if(self, *arguments)
        write_bytes(uri, b"another's")
        return result

    monkeypatch.setattr(S3Client, "put_if", put_and_be_followed)
    assert replace_bytes(uri, b"own", None) and read_bytes(uri) == b"another's"


def test_a_request_that_is_sent_again_finds_what_it_wrote(
    s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to the first was lost: the second one is refused by the store, since the first was written."""
    uri = join_uri(s3_environment.new_folder(), "current.json")
    put_if = S3Client.put_if

    def put_twice(self: S3Client, *arguments: Any) -> Any:
        put_if(self, *arguments)
        return put_if(self, *arguments)

    monkeypatch.setattr(S3Client, "put_if", put_twice)
    assert replace_bytes(uri, b"own", None) and read_bytes(uri) == b"own"


@pytest.mark.parametrize(("offset", "length"), [(0, 4), (3, 2), (5, 100), (7, 1), (200, 3)])
def test_a_range_is_read_alone(root: str, offset: int, length: int) -> None:
    uri = join_uri(root, "a.bin")
    write_bytes(uri, b"content")
    before = counters.snapshot()
    assert read_range(uri, offset, length) == b"content"[offset : offset + length]
    moved = counters.snapshot() - before
    assert moved.local_read_bytes + moved.remote_read_bytes == len(b"content"[offset : offset + length])


def test_files_come_back(root: str, tmp_path: Path) -> None:
    source, target, uri = tmp_path / "source.bin", tmp_path / "new" / "target.bin", join_uri(root, "a.bin")
    source.write_bytes(os.urandom(100_000))
    put_file(source, uri)
    get_file(uri, target)
    assert target.read_bytes() == source.read_bytes()
    assert [path.name for path in target.parent.iterdir()] == ["target.bin"]


def test_stat_knows_size_time_and_version(root: str) -> None:
    uri = join_uri(root, "a.bin")
    write_bytes(uri, b"first")
    first = stat(uri)
    before = datetime.now(UTC)
    write_bytes(uri, b"second")
    after = datetime.now(UTC)
    second = stat(uri)
    assert first is not None and second is not None and second.modified is not None
    assert (first.uri, first.size_bytes, second.size_bytes) == (uri, 5, 6)
    assert first.etag != second.etag
    second_s = timedelta(seconds=1)  # to which a store may cut its times
    assert before - second_s <= second.modified <= after + second_s
    assert [found.etag for found in list_objects(root)] == [second.etag]


def test_what_is_not_there(root: str) -> None:
    write_bytes(join_uri(root, "folder/a.bin"), b"1")
    assert stat(join_uri(root, "none.bin")) is None
    assert not exists(join_uri(root, "folder"))
    assert is_folder(join_uri(root, "folder"))
    assert not is_folder(join_uri(root, "none"))
    assert below(join_uri(root, "none")) == []
    with pytest.raises(StorageError, match=r"none\.bin.*(no such object|No such file).*check"):
        read_bytes(join_uri(root, "none.bin"))


def test_a_failed_get_leaves_nothing(root: str, tmp_path: Path) -> None:
    write_bytes(join_uri(root, "a.bin"), b"1")
    with pytest.raises(StorageError):
        get_file(join_uri(root, "none.bin"), tmp_path / "target" / "none.bin")
    assert list((tmp_path / "target").iterdir()) == []


def test_delete_twice(root: str) -> None:
    uri = join_uri(root, "a.bin")
    write_bytes(uri, b"1")
    delete(uri)
    delete(uri)
    assert below(root) == []


def test_overwrite_replaces(root: str) -> None:
    uri = join_uri(root, "a.bin")
    write_bytes(uri, b"a long first content")
    write_bytes(uri, b"short")
    assert read_bytes(uri) == b"short"


def test_an_empty_object(root: str, tmp_path: Path) -> None:
    uri = join_uri(root, "empty.bin")
    write_bytes(uri, b"")
    get_file(uri, tmp_path / "empty.bin")
    assert read_bytes(uri) == b""
    assert (tmp_path / "empty.bin").read_bytes() == b""
    found = stat(uri)
    assert found is not None and found.size_bytes == 0


def test_large_files_go_in_parts(root: str, tmp_path: Path) -> None:
    source, uri = tmp_path / "large.bin", join_uri(root, "large.bin")
    source.write_bytes(os.urandom(11 * MIB + 17))
    put_file(source, uri)
    get_file(uri, tmp_path / "back.bin")
    assert hashlib.sha256((tmp_path / "back.bin").read_bytes()).digest() == hashlib.sha256(source.read_bytes()).digest()
    found = stat(uri)
    assert found is not None and found.size_bytes == 11 * MIB + 17
    if uri.startswith("s3://"):
        assert found.etag.endswith("-3")


def test_a_listing_is_in_key_order(root: str) -> None:
    for key in AWKWARD:
        write_bytes(join_uri(root, key), key.encode())
    assert below(root) == sorted(AWKWARD)
    for key in AWKWARD:
        assert read_bytes(join_uri(root, key)) == key.encode()


def test_one_level_has_folders_as_entries(root: str) -> None:
    for key in AWKWARD:
        write_bytes(join_uri(root, key), b"1")
    assert below(root, recursive=False) == sorted({key[: key.find("/") + 1] or key for key in AWKWARD})
    assert [found.is_folder for found in list_objects(join_uri(root, "a"), recursive=False)] == [False, True, False]


def test_a_listing_ends_at_the_folder(root: str) -> None:
    write_bytes(join_uri(root, "img/a.tif"), b"1")
    write_bytes(join_uri(root, "img2/b.tif"), b"1")
    assert below(join_uri(root, "img")) == ["a.tif"]
    assert below(join_uri(root, "img/a.tif")) == []


def test_a_tree_goes_and_comes_back(root: str, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for key in AWKWARD:
        (source / key).parent.mkdir(parents=True, exist_ok=True)
        (source / key).write_text(key)
    assert put_tree(source, root, last="Z.tif") == len(AWKWARD)
    assert get_tree(root, target) == len(AWKWARD)
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()) == sorted(
        AWKWARD
    )
    assert (target / "ünï/ç.tif").read_text() == "ünï/ç.tif"


def test_a_tree_says_what_it_lacks(root: str, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("1")
    with pytest.raises(StorageError, match="no object is below it"):
        get_tree(root, tmp_path / "target")
    with pytest.raises(StorageError, match="not an empty folder"):
        get_tree(root, tmp_path / "full")
    with pytest.raises(StorageError, match="not a folder"):
        put_tree(tmp_path / "none", root)
    with pytest.raises(StorageError, match=r"has no file 'meta\.json'"):
        put_tree(tmp_path / "full", root, last="meta.json")
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
    assert below(root) == []


def test_a_staged_file_appears_at_the_end(root: str) -> None:
    uri = join_uri(root, "out/mask.bin")
    with staged_file(uri) as local:
        assert local.name == "mask.bin"
        local.write_bytes(b"half")
        assert not exists(uri)
        assert below(root) == []
        local.write_bytes(b"whole")
    assert read_bytes(uri) == b"whole"
    assert not local.exists()


def test_a_failure_publishes_nothing(root: str) -> None:
    uri = join_uri(root, "mask.bin")
    write_bytes(uri, b"before")
    with pytest.raises(ZeroDivisionError), staged_file(uri) as local:
        local.write_bytes(b"half")
        raise ZeroDivisionError
    assert read_bytes(uri) == b"before"
    assert below(root) == ["mask.bin"]
    assert not local.exists()


def test_a_missing_source_is_named(root: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none\.bin: cannot read it"):
        put_file(tmp_path / "none.bin", join_uri(root, "a.bin"))
    assert below(root) == []


def test_bytes_are_counted(root: str) -> None:
    uri, size = join_uri(root, "a.bin"), 50_000
    before = counters.snapshot()
    write_bytes(uri, b"1" * size)
    written = counters.snapshot() - before
    before = counters.snapshot()
    read_bytes(uri)
    read = counters.snapshot() - before
    if uri.startswith("s3://"):
        assert (written.remote_written_bytes, read.remote_read_bytes) == (size, size)
        assert (written.local_written_bytes, read.local_read_bytes) == (0, 0)
    else:
        assert (written.local_written_bytes, read.local_read_bytes) == (size, size)
        assert (written.remote_written_bytes, read.remote_read_bytes) == (0, 0)


def test_a_listing_streams_beyond_a_page(root: str) -> None:
    keys = [
        f"{folder}/{name}{i}" for folder in ("a", "a-b", "ab") for name in string.ascii_lowercase for i in range(15)
    ]
    keys += ["a.txt", "ab.txt"]
    local = LocalStore()
    if root.startswith("s3://"):
        client, (bucket, _, prefix) = store_for(root)._client, root.removeprefix("s3://").partition("/")
        for key in keys:
            client.put_object(bucket, f"{prefix}/{key}", _Empty(), 0)
    else:
        for key in keys:
            local.write_bytes(join_uri(root, key), b"")
    assert below(root) == sorted(keys)
    listing = list_objects(root)
    assert next(listing).uri.endswith("a-b/a0")


class _Empty:
    def read(self, size: int = -1) -> bytes:
        return b""
