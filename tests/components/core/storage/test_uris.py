from pathlib import Path

import pytest

from components.core.errors import StorageError
from components.core.storage import absolute_uri, is_remote, join_uri, name_of, parent_of, parse_uri, stem_of, suffix_of


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("data/austin7.tif", "data/austin7.tif"),
        ("/data/austin7.tif", "/data/austin7.tif"),
        ("file:///data/a%20b.tif", "/data/a b.tif"),
        ("file://localhost/data/a.tif", "/data/a.tif"),
        ("s3://inria/img/austin7.tif", "s3://inria/img/austin7.tif"),
        ("minio://inria/img/austin7.tif", "s3://inria/img/austin7.tif"),
        ("s3://inria/a%20b.tif", "s3://inria/a%20b.tif"),
        ("s3://inria", "s3://inria/"),
    ],
)
def test_every_form_has_one_canonical_form(text: str, canonical: str) -> None:
    assert str(parse_uri(text)) == canonical
    assert parse_uri(canonical) == parse_uri(text)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("", "give a local path"),
        ("gs://bucket/key", "s3://bucket/key"),
        ("https://host/key", "s3://bucket/key"),
        ("s3:///key", "write s3://bucket/key"),
        ("s3://bucket/a/../b", "write the key out"),
        ("file://elsewhere/data", "file:///path"),
        ("file://", "file:///path"),
    ],
)
def test_what_is_no_uri_says_how_to_write_one(text: str, fix: str) -> None:
    with pytest.raises(StorageError) as caught:
        parse_uri(text)
    assert fix in str(caught.value)
    assert text in str(caught.value)


def test_join_appends_names() -> None:
    assert join_uri("s3://bucket/data/", "img", "town/a b.tif") == "s3://bucket/data/img/town/a b.tif"
    assert join_uri("minio://bucket", "a.tif") == "s3://bucket/a.tif"
    assert join_uri("/data", "img/a.tif") == "/data/img/a.tif"
    assert join_uri("file:///data", "a.tif") == "/data/a.tif"


@pytest.mark.parametrize("part", ["/etc/passwd", "../a", "a/../../b"])
@pytest.mark.parametrize("base", ["s3://bucket/root", "/data"])
def test_join_does_not_leave_its_base(base: str, part: str) -> None:
    with pytest.raises(StorageError, match="must stay below"):
        join_uri(base, part)


@pytest.mark.parametrize("uri", ["s3://bucket/img/austin7.v2.TIF", "/data/img/austin7.v2.TIF", "austin7.v2.TIF"])
def test_names(uri: str) -> None:
    assert name_of(uri) == "austin7.v2.TIF"
    assert stem_of(uri) == "austin7.v2"
    assert suffix_of(uri) == ".TIF"


def test_parent() -> None:
    assert parent_of("s3://bucket/img/a.tif") == "s3://bucket/img"
    assert parent_of("s3://bucket/a.tif") == "s3://bucket/"
    assert parent_of("/data/a.tif") == "/data"
    with pytest.raises(StorageError, match="no parent"):
        parent_of("s3://bucket")


def test_a_folder_has_one_absolute_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_uri("img/") == absolute_uri(f"file://{tmp_path}/img") == f"{tmp_path}/img"
    assert absolute_uri("minio://bucket/img/") == "s3://bucket/img"
    assert absolute_uri("s3://bucket/") == absolute_uri("s3://bucket") == "s3://bucket"
    assert absolute_uri("/") == "/"


def test_remote_or_local() -> None:
    assert is_remote("s3://bucket/key")
    assert is_remote("minio://bucket/key")
    assert not is_remote("file:///data")
    assert not is_remote("data/s3/key")
