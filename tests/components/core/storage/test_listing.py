"""Key order, whatever order the store lists in."""

import tracemalloc
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from minio.datatypes import Object

from components.core.storage import join_uri, write_bytes
from components.core.storage.client import client_for
from components.core.storage.listing import in_key_order
from components.core.storage.settings import S3Settings
from tests.s3_server import S3Server

NAMES = st.text(alphabet="a-.0 é", min_size=1, max_size=3)
TREES = st.lists(st.lists(NAMES, min_size=1, max_size=3), max_size=25)

Order = Callable[[str], object]


def bytewise(key: str) -> object:
    return key.encode()


def by_folder_names(key: str) -> object:
    return [name.encode() for name in key.split("/")]


class Pages:
    """Lists as a store does: a page at a time, in the store's own order."""

    def __init__(self, keys: list[str], page_keys: int, order: Order) -> None:
        self.keys, self.page_keys, self.order, self.requests = keys, page_keys, order, 0

    def __call__(self, prefix: str, delimiter: str, token: str | None) -> tuple[list[Object], str | None]:
        self.requests += 1
        below = {key for key in self.keys if key.startswith(prefix)}
        if delimiter:
            ends = {key: key.find("/", len(prefix)) + 1 for key in below}
            below = {key[: ends[key]] or key for key in below}
        names = sorted(below, key=lambda key: self.order(key.rstrip("/") if self.order is by_folder_names else key))
        start = int(token or 0)
        page = names[start : start + self.page_keys]
        after = start + len(page)
        return [Object("bucket", name) for name in page], str(after) if after < len(names) else None


def keys_of(tree: list[list[str]]) -> list[str]:
    """File keys of a tree, in which no file has the name of a folder."""
    return sorted({"/".join([f"d{name}" for name in path[:-1]] + [path[-1]]) for path in tree})


@given(TREES, st.integers(1, 5), st.sampled_from([bytewise, by_folder_names]), st.booleans())
def test_keys_come_once_and_in_order(tree: list[list[str]], page_keys: int, order: Order, in_folder: bool) -> None:
    prefix = "root/" * in_folder
    keys = [prefix + key for key in keys_of(tree)]
    pages = Pages([*keys, "rooting.txt"] if in_folder else keys, page_keys, order)
    assert [found.object_name for found in in_key_order(pages, prefix, recursive=True)] == keys
    level = sorted({prefix + (key[: key.find("/") + 1] or key) for key in keys_of(tree)})
    assert [found.object_name for found in in_key_order(pages, prefix, recursive=False)] == level


def test_the_first_key_costs_two_pages() -> None:
    pages = Pages([f"{number:06}" for number in range(20_000)], 100, bytewise)
    assert next(in_key_order(pages, "", recursive=True)).object_name == "000000"
    assert pages.requests == 2


def peak_bytes(count: int) -> int:
    """The most that a listing of one folder holds at a time, of a store that holds nothing."""

    def fetch(_prefix: str, _delimiter: str, token: str | None) -> tuple[list[Object], str | None]:
        start = int(token or 0)
        end = min(start + 500, count)
        return [Object("bucket", f"{number:07}") for number in range(start, end)], str(end) if end < count else None

    tracemalloc.start()
    try:
        assert sum(1 for _ in in_key_order(fetch, "", recursive=True)) == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_keys() -> None:
    peak_bytes(2_000)
    assert peak_bytes(60_000) < 2 * peak_bytes(2_000)  # all keys would take thirty times as much


def test_folder_markers_are_left_out() -> None:
    pages = Pages(["a/", "a/b.tif", "a/c/"], 1000, bytewise)
    assert [found.object_name for found in in_key_order(pages, "a/", recursive=True)] == ["a/b.tif"]


def test_a_real_store_goes_on_from_page_to_page(s3_environment: S3Server) -> None:
    root = s3_environment.new_folder()
    keys = ["a.txt", "a/b.tif", "a/c.tif", "a-/d.tif", "a-b.tif", "a/e-f/g.tif", "a/e.tif", "ab/h.tif", "b é.tif"]
    for key in keys:
        write_bytes(join_uri(root, key), b"1")
    client = client_for(S3Settings.from_environment())
    bucket, _, folder = root.removeprefix("s3://").partition("/")
    for page_keys in (1, 2, 3, 5):

        def fetch(
            prefix: str, delimiter: str, token: str | None, size: int = page_keys
        ) -> tuple[list[Object], str | None]:
            return client.list_page(bucket, prefix, delimiter, token, max_keys=size)

        found = [entry.object_name for entry in in_key_order(fetch, f"{folder}/", recursive=True)]
        assert found == [f"{folder}/{key}" for key in sorted(keys)]
