"""The bucket of a data root is created once, and other people's lifecycle rules stay."""

import logging
import subprocess
import sys
import uuid

import pytest
from minio.commonconfig import ENABLED, Filter
from minio.error import S3Error
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, Expiration, LifecycleConfig, Rule

from components.core.errors import ConfigError, StorageError
from components.core.storage.bucket import RULE_ID, BucketChange, ensure_bucket
from components.core.storage.client import S3Client
from tests.s3_server import S3Server


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> str:
    """The name of a bucket that is there; its rules change from test to test."""
    return s3_server.make_bucket(f"bucket-{uuid.uuid4().hex[:8]}").removeprefix("s3://")


def set_rules(server: S3Server, bucket: str, *rules: Rule) -> None:
    if rules:
        server.client.set_bucket_lifecycle(bucket, LifecycleConfig(list(rules)))
    else:
        server.client.delete_bucket_lifecycle(bucket)


def rules_of(server: S3Server, bucket: str) -> dict[str, Rule]:
    config = server.client.get_bucket_lifecycle(bucket)
    return {rule.rule_id or "": rule for rule in config.rules} if config else {}


def abort_rule(rule_id: str, days: int, prefix: str = "") -> Rule:
    return Rule(
        ENABLED,
        rule_filter=Filter(prefix=prefix),
        rule_id=rule_id,
        abort_incomplete_multipart_upload=AbortIncompleteMultipartUpload(days_after_initiation=days),
    )


def days_of(rule: Rule) -> int | None:
    return rule.abort_incomplete_multipart_upload and rule.abort_incomplete_multipart_upload.days_after_initiation


def test_command_creates_the_bucket_and_its_rule_once(s3_environment: S3Server) -> None:
    name = f"new-{uuid.uuid4().hex[:8]}"
    command = [sys.executable, "-m", "components.core.storage.bucket", "--data-root", f"s3://{name}/data"]
    first = subprocess.run(command, capture_output=True, text=True)
    second = subprocess.run(command, capture_output=True, text=True)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert f"s3://{name}: created" in first.stderr and "lifecycle rule set" in first.stderr
    assert f"s3://{name}: is there already" in second.stderr and "left as they are" in second.stderr
    assert {name: days_of(rule) for name, rule in rules_of(s3_environment, name).items()} == {RULE_ID: 7}


def test_other_rules_stay(s3_environment: S3Server, bucket: str) -> None:
    expiring = Rule(ENABLED, rule_filter=Filter(prefix="tmp/"), rule_id="expire", expiration=Expiration(days=3))
    set_rules(s3_environment, bucket, expiring, abort_rule("narrow", 1, "tmp/"))
    assert ensure_bucket(f"s3://{bucket}") == BucketChange(created=False, rule_set=True)
    rules = rules_of(s3_environment, bucket)
    assert set(rules) == {"expire", "narrow", RULE_ID}
    assert rules["expire"].expiration is not None and rules["expire"].expiration.days == 3
    assert ensure_bucket(f"s3://{bucket}") == BucketChange(created=False, rule_set=False)


def test_changed_days_replace_the_rule(s3_environment: S3Server, bucket: str) -> None:
    set_rules(s3_environment, bucket, abort_rule(RULE_ID, 3))
    assert ensure_bucket(f"s3://{bucket}", abort_uploads_after_days=9).rule_set
    assert {name: days_of(rule) for name, rule in rules_of(s3_environment, bucket).items()} == {RULE_ID: 9}


def test_a_rule_of_the_same_effect_is_enough(s3_environment: S3Server, bucket: str) -> None:
    set_rules(s3_environment, bucket, abort_rule("operator", 30))
    assert not ensure_bucket(f"s3://{bucket}").rule_set
    assert set(rules_of(s3_environment, bucket)) == {"operator"}


def test_zero_days_leave_the_rules_alone(s3_environment: S3Server, bucket: str) -> None:
    set_rules(s3_environment, bucket)
    assert not ensure_bucket(f"s3://{bucket}", abort_uploads_after_days=0).rule_set
    assert rules_of(s3_environment, bucket) == {}


def answering(code: str) -> S3Error:
    return S3Error(None, code, "no", "resource", "request", "host")  # type: ignore[arg-type]


def test_a_bucket_made_at_the_same_moment_is_there(
    s3_environment: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server itself answers BucketAlreadyOwnedByYou to the second creation.
    monkeypatch.setattr(S3Client, "bucket_exists", lambda client, name: False)
    assert not ensure_bucket(f"s3://{bucket}", abort_uploads_after_days=0).created


@pytest.mark.parametrize("code", ["NotImplemented", "MalformedXML"])
def test_a_store_without_such_rules_is_said_and_borne(
    s3_environment: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    def refuse(*_: object) -> None:
        raise answering(code)

    monkeypatch.setattr(S3Client, "get_bucket_lifecycle", refuse)
    with caplog.at_level(logging.WARNING):
        assert not ensure_bucket(f"s3://{bucket}").rule_set
    assert f"has no rules that abort uploads ({code})" in caplog.text


def test_a_refusal_to_set_the_rule_is_an_error(
    s3_environment: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise answering("AccessDenied")

    monkeypatch.setattr(S3Client, "get_bucket_lifecycle", refuse)
    with pytest.raises(StorageError, match=rf"s3://{bucket}.*cannot set the lifecycle of it.*AccessDenied"):
        ensure_bucket(f"s3://{bucket}")


def test_wrong_credentials_are_named_but_not_shown(s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-wrong-secret-of-someone")
    with pytest.raises(StorageError, match="check AWS_ACCESS_KEY_ID") as caught:
        ensure_bucket("s3://not-there-yet")
    assert "a-wrong-secret-of-someone" not in str(caught.value)
    assert not s3_environment.client.bucket_exists("not-there-yet")


@pytest.mark.parametrize("uri", ["/data/root", "s3://Upper_Case/data", "s3://ab"])
def test_a_place_that_can_be_no_bucket_is_refused(uri: str) -> None:
    with pytest.raises(StorageError, match=r"give s3://bucket/key|3 to 63 small letters"):
        ensure_bucket(uri)


@pytest.mark.parametrize("days", [-1, 3651])
def test_days_out_of_range_are_refused(days: int) -> None:
    with pytest.raises(ConfigError, match=f"abort_uploads_after_days: {days} must be from 0"):
        ensure_bucket("s3://bucket", abort_uploads_after_days=days)
