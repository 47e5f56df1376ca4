"""The minio client of one store, with what its public methods leave out: one page of a listing."""

from __future__ import annotations

import os
from functools import lru_cache

from minio import Minio
from minio.datatypes import Object, parse_list_objects
from minio.helpers import check_bucket_name

from components.core.errors import StorageError
from components.core.storage.retry import RetryingPool
from components.core.storage.settings import S3Settings
from components.core.storage.uris import Uri

PAGE_KEYS = 1000


class S3Client(Minio):
    """A minio client that waits for its store and lists page by page."""

    def list_page(
        self, bucket: str, prefix: str, delimiter: str, token: str | None, max_keys: int = PAGE_KEYS
    ) -> tuple[list[Object], str | None]:
        """One page of ListObjectsV2.

        Args:
            bucket: The bucket.
            prefix: What the keys begin with.
            delimiter: "/" for one level, "" for everything.
            token: Where the page before ended; None for the first page.
            max_keys: The most entries of the page.

        Returns:
            The objects and common prefixes, in no certain order, and the next token; None after the last page.
        """
        query = {
            "list-type": "2",
            "encoding-type": "url",
            "max-keys": str(max_keys),
            "prefix": prefix,
            "delimiter": delimiter,
        }
        if token is not None:
            query["continuation-token"] = token
        response = self._execute("GET", bucket, query_params=dict(query))
        entries, truncated, next_token, _ = parse_list_objects(response)
        return entries, next_token if truncated else None

    def put_if(self, bucket: str, key: str, data: bytes, condition: dict[str, str]) -> None:
        """Write an object in one request, if a condition on what is there holds.

        Args:
            bucket: The bucket.
            key: Of the object.
            data: Its content.
            condition: The header If-Match with an ETag, or If-None-Match with "*" for no object.
        """
        self._execute("PUT", bucket, key, body=data, headers=dict(condition))


def check_bucket(place: Uri, strict: bool = False) -> None:
    """See that a place's bucket has a name that buckets can have.

    Args:
        place: In object storage.
        strict: By the rules for new buckets.

    Raises:
        StorageError: It has not.
    """
    try:
        check_bucket_name(place.bucket, strict=strict)
    except ValueError as error:
        raise StorageError(f"{place}: {error}; use 3 to 63 small letters, digits, dots and hyphens") from None


def client_for(settings: S3Settings) -> S3Client:
    """The client of a store; one for each process, because connections do not survive a fork.

    Raises:
        StorageError: The endpoint or the region is not one that the client can use.
    """
    return _client_of_process(settings, os.getpid())


@lru_cache(maxsize=8)
def _client_of_process(settings: S3Settings, process_id: int) -> S3Client:
    try:
        client = S3Client(
            settings.endpoint,
            access_key=settings.access_key,
            secret_key=settings.secret_key,
            session_token=settings.session_token,
            secure=settings.secure,
            region=settings.region,
            http_client=RetryingPool(settings),
        )
    except ValueError as error:
        text = f"{settings.endpoint_url}: {error}; correct AWS_ENDPOINT_URL or AWS_REGION"
        raise StorageError(settings.redacted(text)) from None
    if settings.path_style:
        client.disable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
    else:
        client.enable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
    return client
