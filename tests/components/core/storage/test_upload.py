import hashlib
import io
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.storage.upload import WatchedSource, is_md5_etag


def md5(data: bytes) -> "hashlib._Hash":
    return hashlib.md5(data, usedforsecurity=False)


@given(st.binary(max_size=60), st.integers(1, 20), st.integers(1, 70))
def test_the_etag_does_not_depend_on_how_it_is_read(data: bytes, part_size_bytes: int, read_bytes: int) -> None:
    watched = WatchedSource(io.BytesIO(data), len(data), part_size_bytes, "a.bin")
    passed = b"".join(iter(lambda: watched.read(read_bytes), b""))
    assert passed == data
    parts = [data[start : start + part_size_bytes] for start in range(0, len(data), part_size_bytes)]
    if len(parts) > 1:
        digests = b"".join(md5(part).digest() for part in parts)
        assert watched.etag() == f"{md5(digests).hexdigest()}-{len(parts)}"
    else:
        assert watched.etag() == md5(data).hexdigest()


def test_an_upload_in_parts_shows_progress(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    size_bytes = 3 << 20
    watched = WatchedSource(io.BytesIO(bytes(size_bytes)), size_bytes, 1 << 20, "scene.tif")
    while watched.read(100_000):
        pass
    assert "3 MiB of scene.tif" in caplog.text


def test_etags_of_encrypted_objects_are_not_compared() -> None:
    etag = md5(b"content").hexdigest()
    assert is_md5_etag(etag, {"ETag": etag})
    assert is_md5_etag(f"{etag}-3", {})
    assert not is_md5_etag(etag, {"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "1"})
    assert not is_md5_etag("some-other-etag", {})
