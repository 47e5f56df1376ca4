"""Object listings in key order, page by page, whatever order the store keeps.

S3 lists keys in the order of their bytes. SeaweedFS, which Kubeflow bundles, walks folders by name instead:
"a/b.tif" before "a.tif", although "." sorts before "/". Both list one level in the order of its names, and that
order differs from the order of keys only where one folder's name begins another name, which takes a buffer of a
page to fix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from minio.datatypes import Object

FetchPage = Callable[[str, str, str | None], tuple[list[Object], str | None]]


def in_key_order(fetch: FetchPage, prefix: str, recursive: bool) -> Iterator[Object]:
    """Stream the keys below a prefix in the order of their UTF-8 bytes.

    A folder whose whole content fits in one page costs one request; a larger one is read level by level.

    Args:
        fetch: Gives one page for (prefix, delimiter, token), and the next token.
        prefix: Empty, or ends with "/".
        recursive: Descend into the folders instead of giving them as entries.

    Returns:
        Objects, without the empty ones that consoles make to mark a folder; folders where not recursive.
    """
    if recursive:
        entries, token = fetch(prefix, "", None)
        if token is None:
            yield from sorted((entry for entry in entries if not _key(entry).endswith("/")), key=_key)
            return
    for entry in _one_level(fetch, prefix):
        if recursive and entry.is_dir:
            yield from in_key_order(fetch, _key(entry), recursive)
        else:
            yield entry


def _one_level(fetch: FetchPage, prefix: str) -> Iterator[Object]:
    waiting: list[Object] = []
    token: str | None = None
    while True:
        entries, token = fetch(prefix, "/", token)
        waiting.extend(entry for entry in entries if _key(entry) != prefix)
        waiting.sort(key=_key)
        # Names still to come sort after the last one seen, so keys up to that name can no longer be overtaken.
        last_name = max((_key(entry).rstrip("/") for entry in entries), default="")
        ready = [entry for entry in waiting if token is None or _key(entry) <= last_name]
        waiting = waiting[len(ready) :]
        yield from ready
        if token is None:
            return


def _key(entry: Object) -> str:
    return entry.object_name or ""
