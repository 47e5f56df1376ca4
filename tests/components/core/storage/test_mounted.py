"""Settings that a pod mounts as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core import storage
from components.core.errors import StorageError
from components.core.storage.mounted import adopt_mounted_settings, data_root_if_any, data_root_or_default
from tests.s3_server import S3Server

KUBEFLOWS = {
    "AWS_ACCESS_KEY_ID": "kubeflow",
    "AWS_SECRET_ACCESS_KEY": "kubeflow's",
    "AWS_SESSION_TOKEN": "of another store",
    "AWS_REGION": "eu-west-1",
}


def mount(folder: Path, name: str, files: dict[str, str]) -> None:
    """Files as Kubernetes mounts them: links into a folder that a new version replaces in one step."""
    version = folder / name / "..2026_11_27"
    version.mkdir(parents=True)
    (folder / name / "..data").symlink_to(version.name)
    for key, text in files.items():
        (version / key).write_text(text)
        (folder / name / key).symlink_to(Path("..data") / key)


def test_nothing_happens_where_nothing_is_mounted(tmp_path: Path) -> None:
    environ = {"FOOTPRINTS_MOUNTS": str(tmp_path), **KUBEFLOWS}
    adopt_mounted_settings(environ)
    assert environ == {"FOOTPRINTS_MOUNTS": str(tmp_path), **KUBEFLOWS}


def test_an_optional_volume_without_its_object_is_an_empty_folder(tmp_path: Path) -> None:
    mount(tmp_path, "storage", {})
    environ = {"FOOTPRINTS_MOUNTS": str(tmp_path), **KUBEFLOWS}
    adopt_mounted_settings(environ)
    assert environ["AWS_ACCESS_KEY_ID"] == "kubeflow"


def test_the_store_is_the_mounted_one_whole_and_other_variables_stand_in(tmp_path: Path) -> None:
    mount(
        tmp_path,
        "storage",
        {
            "AWS_ENDPOINT_URL_S3": "http://store:9000\n",
            "AWS_CA_BUNDLE": "",
            "STORAGE_WAIT_SECONDS": "7",
            "STORAGE_CACHE_DIR": "/elsewhere",
            "FOOTPRINTS_DATA_ROOT": "s3://b/data",
        },
    )
    mount(tmp_path, "credentials", {"accesskey": "ours", "secretkey": "our secret", "note": "no key of a store"})
    environ = {"FOOTPRINTS_MOUNTS": str(tmp_path), "STORAGE_CACHE_DIR": "/var/cache/footprints/copies", **KUBEFLOWS}

    adopt_mounted_settings(environ)

    assert environ == {
        "FOOTPRINTS_MOUNTS": str(tmp_path),
        "AWS_ENDPOINT_URL_S3": "http://store:9000",
        "AWS_ACCESS_KEY_ID": "ours",
        "AWS_SECRET_ACCESS_KEY": "our secret",
        "STORAGE_WAIT_SECONDS": "7",
        "STORAGE_CACHE_DIR": "/var/cache/footprints/copies",
        "FOOTPRINTS_DATA_ROOT": "s3://b/data",
    }


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    mount(tmp_path, "storage", {})
    (tmp_path / "storage" / "AWS_REGION").write_bytes(b"\xff")
    with pytest.raises(StorageError, match="storage: cannot be read"):
        adopt_mounted_settings({"FOOTPRINTS_MOUNTS": str(tmp_path)})


def test_a_real_store_is_reached_with_mounted_settings_alone(
    tmp_path: Path, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = dict(s3_server.environment)
    keys = {"accesskey": variables.pop("AWS_ACCESS_KEY_ID"), "secretkey": variables.pop("AWS_SECRET_ACCESS_KEY")}
    mount(tmp_path, "storage", variables)
    mount(tmp_path, "credentials", keys)
    for name in (*variables, "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in KUBEFLOWS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FOOTPRINTS_MOUNTS", str(tmp_path))
    s3_server.make_bucket("mounted")

    adopt_mounted_settings()

    storage.write_bytes("s3://mounted/a.txt", b"here")
    assert storage.read_bytes("s3://mounted/a.txt") == b"here"


def test_the_data_root_is_given_or_the_clusters() -> None:
    cluster = {"FOOTPRINTS_DATA_ROOT": "s3://b/data"}
    assert data_root_or_default("s3://mine/data", cluster) == "s3://mine/data"
    assert data_root_or_default(" ", cluster) == "s3://b/data"
    with pytest.raises(StorageError, match="data_root: is empty and FOOTPRINTS_DATA_ROOT is not set; give a folder"):
        data_root_or_default("", {})
    assert [data_root_if_any(given, cluster) for given in ("s3://mine/data", "")] == ["s3://mine/data", "s3://b/data"]
    assert data_root_if_any("", {}) == ""
