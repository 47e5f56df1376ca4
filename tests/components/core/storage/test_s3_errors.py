"""What is wrong for good is said at once, and never with a credential."""

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from components.core.errors import StorageError
from components.core.storage import (
    delete,
    get_file,
    join_uri,
    list_objects,
    put_file,
    read_bytes,
    read_range,
    staged_file,
    stat,
    write_bytes,
)
from tests.ports import refusing_port
from tests.s3_server import S3Server


def put_small(uri: str, folder: Path) -> None:
    (folder / "small.bin").write_bytes(b"1")
    put_file(folder / "small.bin", uri)


def put_parts(uri: str, folder: Path) -> None:
    (folder / "large.bin").write_bytes(bytes(11 << 20))
    put_file(folder / "large.bin", uri)


def stage(uri: str, folder: Path) -> None:
    with staged_file(uri) as local:
        local.write_bytes(b"1")


ACTIONS: dict[str, Callable[[str, Path], object]] = {
    "list": lambda uri, folder: list(list_objects(uri)),
    "stat": lambda uri, folder: stat(uri),
    "read": lambda uri, folder: read_bytes(uri),
    "range": lambda uri, folder: read_range(uri, 0, 9),
    "get": lambda uri, folder: get_file(uri, folder / "got.bin"),
    "write": lambda uri, folder: write_bytes(uri, b"1"),
    "put": put_small,
    "put_parts": put_parts,
    "stage": stage,
}


@pytest.fixture(params=list(ACTIONS))
def fails(
    request: pytest.FixtureRequest, s3_environment: S3Server, tmp_path: Path, patience: list[float]
) -> Callable[..., str]:
    """Run one action that must fail, and give the message; no credential in it or in its traceback.

    The action waits for nothing, or as long as `waits_s` says; or it may wait, where a server may end the connection
    before its answer is read.
    """

    def run(uri: str, waits_s: float | None = None, *, may_wait: bool = False) -> str:
        with pytest.raises(StorageError) as caught:
            ACTIONS[request.param](uri, tmp_path)
        assert may_wait or set(patience) == (set() if waits_s is None else {waits_s})
        shown = "".join(traceback.format_exception(caught.value))
        for secret in (s3_environment.access_key, s3_environment.secret_key, "wrong-secret", "unknown-key"):
            assert secret not in shown.replace(f'"{secret}"', "")
        assert not (tmp_path / "got.bin").exists()
        return str(caught.value)

    return run


def test_wrong_secret(fails: Callable[..., str], s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    uri = join_uri(s3_environment.new_folder(), "a.bin")
    message = fails(uri)
    assert uri in message
    assert s3_environment.endpoint_url in message
    assert "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in message


def test_unknown_access_key(
    fails: Callable[..., str], s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unknown-key")
    assert "check AWS_ACCESS_KEY_ID" in fails(join_uri(s3_environment.new_folder(), "a.bin"))


def test_no_credentials(fails: Callable[..., str], s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    message = fails(join_uri(s3_environment.new_folder(), "a.bin"))
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in message


def test_missing_bucket(fails: Callable[..., str], s3_environment: S3Server) -> None:
    message = fails("s3://no-such-bucket/folder/a.bin")
    assert "s3://no-such-bucket/folder/a.bin" in message
    assert s3_environment.endpoint_url in message
    assert "the bucket does not exist" in message
    assert "create it" in message


def test_nobody_at_the_endpoint(fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_CONNECT_WAIT_SECONDS", "0.3")
    with refusing_port() as port:
        endpoint = f"http://127.0.0.1:{port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        message = fails("s3://bucket/a.bin", waits_s=0.3)
    assert endpoint in message
    assert "s3://bucket/a.bin" in message
    assert "check AWS_ENDPOINT_URL" in message


def test_an_endpoint_name_that_does_not_exist(fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.invalid:9000")
    monkeypatch.setenv("STORAGE_CONNECT_WAIT_SECONDS", "60")
    message = fails("s3://bucket/a.bin")
    assert "http://store.invalid:9000" in message
    assert "host name is not known" in message


def test_plain_http_to_a_tls_port(
    fails: Callable[..., str], s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_environment.tls_endpoint_url.replace("https", "http"))
    assert "http or https" in fails("s3://bucket/a.bin", may_wait=True)


def test_tls_to_a_plain_port(
    fails: Callable[..., str], s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_environment.endpoint_url.replace("http", "https"))
    assert "check http or https in AWS_ENDPOINT_URL" in fails("s3://bucket/a.bin")


def test_a_certificate_that_nobody_vouches_for(
    fails: Callable[..., str], s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_environment.tls_endpoint_url)
    assert "AWS_CA_BUNDLE" in fails("s3://bucket/a.bin")


def test_a_bucket_name_that_cannot_be(fails: Callable[..., str]) -> None:
    assert "3 to 63" in fails("s3://b/a.bin")


def test_tls_with_the_bundle(s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_environment.tls_endpoint_url)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(s3_environment.ca_bundle))
    uri = join_uri(s3_environment.new_folder(), "a.bin")
    write_bytes(uri, b"content")
    assert read_bytes(uri) == b"content"


def test_a_key_that_vanishes(s3_environment: S3Server, tmp_path: Path) -> None:
    root = s3_environment.new_folder()
    for name in ("a.bin", "b.bin"):
        write_bytes(join_uri(root, name), b"1")
    uris = [found.uri for found in list_objects(root)]
    delete(uris[1])
    with pytest.raises(StorageError, match=r"b\.bin at http.*no such object.*deleted since"):
        get_file(uris[1], tmp_path / "b.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_asked_for_where_a_bucket_stands(s3_environment: S3Server) -> None:
    with pytest.raises(StorageError, match=r"key is missing; write s3://test-bucket/key"):
        write_bytes("s3://test-bucket", b"1")
