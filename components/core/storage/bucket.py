"""The bucket of the data root: there, and cleaned of uploads that were never ended.

On the command line: `python -m components.core.storage.bucket --data-root s3://bucket/prefix`.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from minio.commonconfig import ENABLED, Filter
from minio.error import MinioException, S3Error
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, LifecycleConfig, Rule
from urllib3.exceptions import HTTPError

from components.core.cli import argument_parser, run_main
from components.core.errors import ConfigError, StorageError
from components.core.storage.client import S3Client, check_bucket, client_for
from components.core.storage.s3_errors import explain
from components.core.storage.settings import S3Settings
from components.core.storage.uris import Uri, parse_uri

log = logging.getLogger(__name__)

RULE_ID = "abort-unfinished-uploads"
DEFAULT_DAYS = 7
LONGEST_DAYS = 3650
NO_SUCH_FEATURE_CODES = frozenset({"NotImplemented", "MethodNotAllowed", "MalformedXML"})


@dataclass(frozen=True)
class BucketChange:
    """What `ensure_bucket` did.

    Attributes:
        created: The bucket was not there before.
        rule_set: The lifecycle rule was not there before, or was another.
    """

    created: bool
    rule_set: bool


def ensure_bucket(uri: str, abort_uploads_after_days: int = DEFAULT_DAYS) -> BucketChange:
    """Have the bucket of a URI, with a rule that removes the parts of uploads that were never ended.

    What is there already stays as it is, other lifecycle rules among it; so this may be repeated at will.

    Args:
        uri: `s3://bucket` with or without a key.
        abort_uploads_after_days: The age at which an unfinished multipart upload is removed; 0 leaves the bucket's
            rules alone.

    Returns:
        What was changed.

    Raises:
        ConfigError: The number of days is out of range.
        StorageError: The URI is not in object storage, or the store cannot be reached or refuses.
    """
    if not 0 <= abort_uploads_after_days <= LONGEST_DAYS:
        raise ConfigError(
            f"abort_uploads_after_days: {abort_uploads_after_days} must be from 0 (no rule) to {LONGEST_DAYS}"
        )
    place = _bucket_of(uri)
    settings = S3Settings.from_environment()
    client = client_for(settings)
    with _explained(settings, "create", place):
        created = _create(client, place.bucket)
    rule_set = False
    if abort_uploads_after_days:
        with _explained(settings, "set the lifecycle of", place):
            rule_set = _set_rule(client, place.bucket, abort_uploads_after_days)
    return BucketChange(created, rule_set)


def _bucket_of(uri: str) -> Uri:
    place = parse_uri(uri)
    if not place.is_remote:
        raise StorageError(f"{place}: a local path has no bucket; give s3://bucket/key")
    check_bucket(place, strict=True)
    return Uri(place.bucket, "")


@contextmanager
def _explained(settings: S3Settings, action: str, place: Uri) -> Iterator[None]:
    try:
        yield
    except (MinioException, HTTPError) as error:
        raise explain(error, settings, action, place) from None


def _create(client: S3Client, bucket: str) -> bool:
    if client.bucket_exists(bucket):
        return False
    try:
        client.make_bucket(bucket)
    except S3Error as error:
        # Someone else with the same identity was faster.
        if error.code != "BucketAlreadyOwnedByYou":
            raise
        return False
    return True


def _set_rule(client: S3Client, bucket: str, days: int) -> bool:
    try:
        present = client.get_bucket_lifecycle(bucket)
        others = [rule for rule in present.rules if rule.rule_id != RULE_ID] if present else []
        ours = [rule for rule in present.rules if rule.rule_id == RULE_ID] if present else []
        if any(_aborts_all_uploads(rule) for rule in others) or any(_days(rule) == days for rule in ours):
            return False
        rule = Rule(
            ENABLED,
            rule_filter=Filter(prefix=""),
            rule_id=RULE_ID,
            abort_incomplete_multipart_upload=AbortIncompleteMultipartUpload(days_after_initiation=days),
        )
        client.set_bucket_lifecycle(bucket, LifecycleConfig([*others, rule]))
    except S3Error as error:
        if error.code not in NO_SUCH_FEATURE_CODES:
            raise
        log.warning(
            "s3://%s: the store has no rules that abort uploads (%s); remove unfinished uploads another way",
            bucket,
            error.code,
        )
        return False
    return True


def _days(rule: Rule) -> int | None:
    """The age at which an enabled rule aborts any upload of the bucket; None where it does not."""
    abort = rule.abort_incomplete_multipart_upload
    narrowed = rule.rule_filter is not None and (
        rule.rule_filter.prefix or rule.rule_filter.tag or rule.rule_filter.and_operator
    )
    return abort.days_after_initiation if abort and rule.status == ENABLED and not narrowed else None


def _aborts_all_uploads(rule: Rule) -> bool:
    return _days(rule) is not None


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argument_parser(
        "python -m components.core.storage.bucket",
        "Create the bucket of a data root and its rule against unfinished uploads, unless they are there.",
    )
    result.add_argument("--data-root", required=True, help="s3://bucket/prefix; only the bucket matters")
    result.add_argument(
        "--abort-uploads-after-days",
        type=int,
        default=DEFAULT_DAYS,
        help="age at which an unfinished multipart upload is removed; 0 leaves the bucket's rules alone",
    )
    return result


def _main(options: argparse.Namespace) -> None:
    change = ensure_bucket(options.data_root, options.abort_uploads_after_days)
    bucket = f"s3://{parse_uri(options.data_root).bucket}"
    log.info("%s: %s", bucket, "created" if change.created else "is there already")
    log.info("%s: %s", bucket, "lifecycle rule set" if change.rule_set else "lifecycle rules left as they are")


if __name__ == "__main__":
    sys.exit(run_main(_main, parser()))
