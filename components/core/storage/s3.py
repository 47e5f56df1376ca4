"""S3-compatible object storage as a store."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from minio.datatypes import Object
from minio.error import MinioException, S3Error
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from components.core.backoff import Backoff
from components.core.errors import StorageError
from components.core.storage.atomic import atomic_write, local_errors
from components.core.storage.client import S3Client, check_bucket, client_for
from components.core.storage.listing import in_key_order
from components.core.storage.objects import StoredObject, folder
from components.core.storage.retry import TRANSIENT_ERRORS
from components.core.storage.s3_errors import explain
from components.core.storage.settings import MEBIBYTE, S3Settings
from components.core.storage.traffic import Traffic, counters
from components.core.storage.upload import WatchedSource, is_md5_etag, md5, mebibytes_bar
from components.core.storage.uris import Uri, name_of, parse_uri

# A store that restarted may have forgotten the upload, or have kept only a part of what it was sent.
RESTART_CODES = frozenset(
    {"NoSuchUpload", "InvalidPart", "InvalidPartOrder", "IncompleteBody", "BadDigest", "RequestTimeout"}
)
CHANGED_CODES = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
"""Answers to a write under a condition where another one came first."""

MOST_PARTS = 10_000


class S3Store:
    """One S3-compatible store.

    Requests wait for a store that is away (see S3Settings.wait_s); what is wrong for good fails at once.
    """

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings

    def list(self, prefix_uri: str, recursive: bool = True) -> Iterator[StoredObject]:
        """See Store.list."""
        place = self._place(prefix_uri, needs_key=False)

        def fetch(prefix: str, delimiter: str, token: str | None) -> tuple[list[Object], str | None]:
            with self._explained("list", place):
                return self._client.list_page(place.bucket, prefix, delimiter, token)

        for entry in in_key_order(fetch, place.folder_key, recursive):
            uri = str(Uri(place.bucket, entry.object_name or ""))
            yield folder(uri) if entry.is_dir else _stored(uri, entry)

    def stat(self, uri: str) -> StoredObject | None:
        """See Store.stat."""
        place = self._place(uri)
        found = self._head(place)
        return None if found is None else _stored(str(place), found)

    def get(self, uri: str, local_path: Path) -> None:
        """See Store.get."""
        with atomic_write(Path(local_path), durable=False) as partial:
            chunks = self._download(self._place(uri))
            with local_errors("write", local_path), partial.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)

    def put(self, local_path: Path, uri: str) -> None:
        """See Store.put; large files go in parts, with a progress bar."""
        path = Path(local_path)
        with local_errors("read", path):
            size_bytes = path.stat().st_size
            self._upload(self._place(uri), lambda: path.open("rb"), size_bytes)

    def read_bytes(self, uri: str) -> bytes:
        """See Store.read_bytes."""
        return b"".join(self._download(self._place(uri)))

    def read_range(self, uri: str, offset: int, length: int) -> bytes:
        """See Store.read_range."""
        place, backoff = self._place(uri), Backoff(self.settings.wait_s)
        while True:
            try:
                data = self._range(place, offset, length)
                break
            except TRANSIENT_ERRORS as error:
                if not backoff.wait(str(place), type(error).__name__):
                    raise explain(error, self.settings, "read", place) from None
        counters.add(Traffic(remote_read_bytes=len(data)))
        return data

    def write_bytes(self, uri: str, data: bytes) -> None:
        """See Store.write_bytes."""
        self._upload(self._place(uri), lambda: io.BytesIO(data), len(data))

    def replace_bytes(self, uri: str, data: bytes, seen: bytes | None) -> bool:
        """See Store.replace_bytes; the store decides, by the header If-Match or If-None-Match.

        A request that is sent again, since the answer to the first was lost, is refused and finds its own object there;
        where another one has come after it meanwhile, it counts as not written, though it was.
        """
        place = self._place(uri)
        found = self._head(place)
        if (None if found is None else self.read_bytes(uri)) != seen:
            return False
        condition = {"If-None-Match": "*"} if found is None else {"If-Match": f'"{_stored(uri, found).etag}"'}
        with self._explained("write", place):
            try:
                self._client.put_if(place.bucket, place.key, data, condition)
            except S3Error as error:
                if error.code not in CHANGED_CODES:
                    raise
                return self._head(place) is not None and self.read_bytes(uri) == data
        return True

    def delete(self, uri: str) -> None:
        """See Store.delete."""
        place = self._place(uri)
        with self._explained("delete", place):
            self._client.remove_object(place.bucket, place.key)

    @property
    def _client(self) -> S3Client:
        return client_for(self.settings)

    @contextmanager
    def _explained(self, action: str, place: Uri) -> Iterator[None]:
        try:
            yield
        except (MinioException, HTTPError) as error:
            # Without the chain: a traceback of the client's own may show what it was sent.
            raise explain(error, self.settings, action, place) from None

    def _place(self, uri: str, needs_key: bool = True) -> Uri:
        place = parse_uri(uri)
        if not place.is_remote:
            raise StorageError(f"{place}: a local path is not in object storage; use store_for(uri)")
        if needs_key and not place.key:
            raise StorageError(f"{place}: the key is missing; write s3://{place.bucket}/key")
        check_bucket(place)
        return place

    def _head(self, place: Uri) -> Object | None:
        with self._explained("read", place):
            try:
                return self._client.stat_object(place.bucket, place.key)
            except S3Error as error:
                # An answer to HEAD has no body to say which of the two is missing.
                if error.code != "NoSuchKey" or not self._bucket_exists(place.bucket):
                    raise _missing_bucket(error, place) from None
                return None

    def _bucket_exists(self, bucket: str) -> bool:
        try:
            return self._client.bucket_exists(bucket)
        except S3Error:
            return True

    def _download(self, place: Uri) -> Iterator[bytes]:
        """Stream an object in chunks; go on where the connection broke, and verify the whole."""
        backoff, digest, received = Backoff(self.settings.wait_s), md5(), 0
        response = self._open(place, 0, None)
        headers = dict(response.headers)
        etag, size_bytes = headers.get("ETag", "").strip('"'), int(headers["Content-Length"])
        is_digest = is_md5_etag(etag, headers) and "-" not in etag  # of several parts, whose sizes are not known here
        bar = mebibytes_bar(size_bytes, name_of(place.key)) if size_bytes > self.settings.part_size_bytes else iter(())
        while True:
            try:
                for chunk in response.stream(MEBIBYTE):
                    received += len(chunk)
                    if is_digest:
                        digest.update(chunk)
                    counters.add(Traffic(remote_read_bytes=len(chunk)))
                    backoff.reset()
                    next(bar, None)
                    yield chunk
                next(bar, None)
                break
            except TRANSIENT_ERRORS as error:
                if not backoff.wait(str(place), type(error).__name__):
                    raise explain(error, self.settings, "read", place) from None
            finally:
                response.close()
                response.release_conn()
            response = self._open(place, received, etag)
        if received != size_bytes or (is_digest and digest.hexdigest() != etag):
            raise StorageError(
                f"{place} at {self.settings.endpoint_url}: the {received} bytes received are not the "
                f"{size_bytes} bytes of ETag {etag}; read it again, and rewrite it if this persists"
            )

    def _open(self, place: Uri, offset: int, etag: str | None) -> BaseHTTPResponse:
        with self._explained("read", place):
            return self._client.get_object(place.bucket, place.key, offset=offset, request_headers=_if_still(etag))

    def _range(self, place: Uri, offset: int, length: int) -> bytes:
        with self._explained("read", place):
            try:
                response = self._client.get_object(place.bucket, place.key, offset=offset, length=length)
            except S3Error as error:
                if error.code == "InvalidRange":  # it ends before
                    return b""
                raise
        try:
            return response.read()
        finally:
            response.close()
            response.release_conn()

    def _upload(self, place: Uri, open_source: Callable[[], BinaryIO], size_bytes: int) -> None:
        part_size_bytes = max(self.settings.part_size_bytes, -(-size_bytes // MOST_PARTS))
        backoff = Backoff(self.settings.wait_s)
        while True:
            failure = ""
            with open_source() as source, self._explained("write", place):
                watched = WatchedSource(source, size_bytes, part_size_bytes, name_of(place.key))
                try:
                    self._client.put_object(
                        place.bucket, place.key, cast(BinaryIO, watched), size_bytes, part_size=part_size_bytes
                    )
                except S3Error as error:
                    if error.code not in RESTART_CODES:
                        raise
                    failure = f"{error.code}; "
            wrong = self._difference(place, watched.etag(), size_bytes)
            if wrong is None:
                return
            if not backoff.wait(str(place), failure + wrong):
                raise StorageError(
                    f"{place} at {self.settings.endpoint_url}: cannot write it: {failure}{wrong}; "
                    "see the store's own log, and write it again"
                )

    def _difference(self, place: Uri, etag: str, size_bytes: int) -> str | None:
        found = self._head(place)
        if found is None:
            return "it is not there after the upload"
        if found.size != size_bytes:
            return f"it has {found.size} bytes after an upload of {size_bytes}"
        comparable = is_md5_etag(found.etag or "", dict(found.metadata or {}))
        if comparable and found.etag != etag:
            return f"its ETag is {found.etag} after an upload of {etag}"
        return None


def _if_still(etag: str | None) -> dict[str, Any] | None:
    return {"If-Match": f'"{etag}"'} if etag else None


def _missing_bucket(error: S3Error, place: Uri) -> S3Error:
    if error.code != "NoSuchKey":
        return error
    return error.copy("NoSuchBucket", f"bucket {place.bucket} does not exist")


def _stored(uri: str, found: Object) -> StoredObject:
    return StoredObject(
        uri=uri, size_bytes=found.size or 0, etag=(found.etag or "").strip('"'), modified=found.last_modified
    )
