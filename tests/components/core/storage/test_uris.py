from pathlib import Path

import pytest

from components.core.errors import StorageError
from components.core.storage import (
    absolute_uri,
    gdal_path,
    is_remote,
    join_uri,
    name_of,
    parent_of,
    parse_uri,
    stem_of,
    suffix_of,
)


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


@pytest.mark.parametrize(
    "text",
    [
        "/vsicurl/http://host/a.tif",
        "/vsizip//data/a.zip/a.tif",
        "/vsigzip//data/a.tif.gz",
        "/vsimem/a.tif",
        "//vsicurl/http/a.tif",
        "/./vsicurl/a.tif",
        "file:///vsizip/a.zip/a.tif",
        "GTIFF_DIR:1:/data/a.tif",
        "DERIVED_SUBDATASET:LOGAMPLITUDE:/data/a.tif",
        'NETCDF:"/data/a.nc":band',
        "vrt:///data/a.tif",
        '<VRTDataset rasterXSize="1" rasterYSize="1"><SRS>http://host</SRS></VRTDataset>',
        " <GDAL_WMS/>",
        "/data/a\0b.tif",
        "http://host/a.tif",
    ],
)
def test_what_leads_elsewhere_is_no_place(text: str) -> None:
    with pytest.raises(StorageError, match=r"give a local path"):
        parse_uri(text)
    with pytest.raises(StorageError, match=r"give a local path"):
        absolute_uri(text)


@pytest.mark.parametrize("text", ["/data/GTIFF_DIR:1:/a.tif", "data/vsicurl/a.tif", "/data/vsizip/a<b>.tif", "a.tif"])
def test_a_file_may_be_called_whatever_it_likes(text: str) -> None:
    assert parse_uri(text).path == Path(text)
    assert gdal_path(text) == str(Path(text).absolute())


def test_a_relative_path_leads_elsewhere_from_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    with pytest.raises(StorageError, match="leads elsewhere"):
        gdal_path("vsicurl/a.tif")


def test_a_folder_whose_name_is_no_text_is_refused() -> None:
    with pytest.raises(StorageError, match=r"/data/caf\\xe9: its name is not valid UTF-8; rename the folder"):
        absolute_uri("/data/caf\udce9")
