"""What an upload reads, watched: a progress bar, and the ETag that the store must come to."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from typing import BinaryIO

from components.core.progress import progress
from components.core.storage.settings import MEBIBYTE

_MD5_ETAG = re.compile(r"[0-9a-f]{32}(-[0-9]+)?")
_KEY_ENCRYPTIONS = ("x-amz-server-side-encryption-customer-algorithm", "x-amz-server-side-encryption-aws-kms-key-id")


def md5() -> hashlib._Hash:
    """The digest that S3's ETags are made of; it guards against accidents only."""
    return hashlib.md5(usedforsecurity=False)


def is_md5_etag(etag: str, headers: dict[str, str]) -> bool:
    """Whether an ETag is made of MD5 digests, which it is unless the store encrypts with a key of the owner's."""
    names = {name.lower() for name in headers}
    return _MD5_ETAG.fullmatch(etag) is not None and not names & set(_KEY_ENCRYPTIONS)


class WatchedSource:
    """A file being uploaded: passes its bytes on, shows progress when it has parts, and computes its ETag."""

    def __init__(self, source: BinaryIO, size_bytes: int, part_size_bytes: int, name: str) -> None:
        self._source = source
        self._part_size_bytes = part_size_bytes
        self._read_bytes = 0
        self._digests: list[bytes] = []
        self._part = md5()
        self._size_bytes = size_bytes
        self._multipart = size_bytes > part_size_bytes
        self._bar = mebibytes_bar(size_bytes, name) if self._multipart else iter(())
        self._shown = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._source.read(size)
        view = memoryview(data)
        while view:
            room = self._part_size_bytes - self._read_bytes % self._part_size_bytes
            self._part.update(view[:room])
            self._read_bytes += len(view[:room])
            view = view[room:]
            if self._read_bytes % self._part_size_bytes == 0:
                self._end_part()
        self._show()
        return data

    def etag(self) -> str:
        """The ETag of the whole: its MD5, or for several parts the MD5 of their MD5s and their number."""
        if not self._multipart:
            return self._digests[0].hex() if self._digests else self._part.hexdigest()
        if self._read_bytes % self._part_size_bytes:
            self._end_part()
        whole = md5()
        whole.update(b"".join(self._digests))
        return f"{whole.hexdigest()}-{len(self._digests)}"

    def _end_part(self) -> None:
        self._digests.append(self._part.digest())
        self._part = md5()

    def _show(self) -> None:
        while self._shown * MEBIBYTE < self._read_bytes:
            next(self._bar, None)
            self._shown += 1
        if self._read_bytes == self._size_bytes:
            next(self._bar, None)


def mebibytes_bar(size_bytes: int, name: str) -> Iterator[int]:
    """A progress bar to be advanced once for each MiB begun."""
    count = math.ceil(size_bytes / MEBIBYTE)
    return iter(progress(range(count), count, f"MiB of {name}"))
