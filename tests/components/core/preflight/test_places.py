"""Places that cannot be asked, read or written, in a real store and on disk."""

from __future__ import annotations

import json
import os
import secrets
import socket
from functools import partial
from pathlib import Path

import pytest

from components.core import storage
from components.core.errors import DataError, StorageError
from components.core.geometry import Size
from components.core.models import CONFIG_FILE, WEIGHTS_FILE
from components.core.network.description import ModelConfig
from components.core.preflight.models import described_model
from components.core.preflight.named_faults import NamedFaults
from components.core.preflight.places import NamedPlace, askable, check_file, place_for_rasters
from components.core.storage import check_file_writable, check_writable
from components.core.storage.mounted import MOUNTS_VARIABLE
from tests.builders import bitmap_meta
from tests.full_disk import leave_free
from tests.s3_server import S3Server
from tests.waiting import until

KEYS = ("images", "masks", "output", "local")


def faults_of(*places: NamedPlace) -> tuple[list[str], list[str]]:
    """What is found wrong, and the keys of the places that can be asked."""
    faults = NamedFaults({key: key for key in KEYS})
    asked = askable(faults, places)
    return faults.found, [place.key for place in asked]


def three(root: str, local: Path) -> list[NamedPlace]:
    return [
        NamedPlace("images", f"{root}/images"),
        NamedPlace("output", f"{root}/output"),
        NamedPlace("local", str(local)),
    ]


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what a pod mounts; both are empty, as for a ConfigMap and a Secret that are not there."""
    for name in ("storage", "credentials"):
        (tmp_path / "mounts" / name).mkdir(parents=True)
    monkeypatch.setenv(MOUNTS_VARIABLE, str(tmp_path / "mounts"))
    return tmp_path / "mounts"


def test_places_that_answer_can_be_asked_whether_anything_is_there_or_not(
    s3_environment: S3Server, tmp_path: Path
) -> None:
    assert faults_of(*three(s3_environment.new_folder(), tmp_path)) == ([], ["local", "images", "output"])


def test_uris_are_told_one_by_one(s3_environment: S3Server) -> None:
    found, asked = faults_of(NamedPlace("images", "gs://a/b"), NamedPlace("masks", "s3:///x"), NamedPlace("local", ""))
    assert [fault.split(";")[0] for fault in found] == [
        "images: gs://a/b: the scheme 'gs' is not known",
        "masks: s3:///x: the bucket is missing",
        "local: '': a URI is empty",
    ]
    assert asked == []


def test_a_store_that_is_down_is_told_once_for_all_that_lies_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_environment: S3Server
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("STORAGE_CONNECT_WAIT_SECONDS", "0.3")
    (fault,), asked = faults_of(*three("s3://bucket", tmp_path), NamedPlace("masks", "s3://other/masks"))
    assert fault.startswith(f"images, output, masks: s3://bucket/images at {endpoint}: cannot list it: ")
    assert "cannot be reached" in fault and "check AWS_ENDPOINT_URL" in fault
    assert asked == ["local"]


def test_credentials_that_the_store_does_not_accept_are_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_environment: S3Server
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    (fault,), asked = faults_of(*three(s3_environment.new_folder(), tmp_path))
    assert fault.startswith("images, output: s3://")
    assert "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in fault and "wrong-secret" not in fault
    assert asked == ["local"]


def test_a_missing_bucket_is_told_for_what_lies_in_it_alone(s3_environment: S3Server, tmp_path: Path) -> None:
    there = s3_environment.new_folder()
    found, asked = faults_of(*three("s3://no-such-bucket", tmp_path), NamedPlace("masks", there))
    (fault,) = found
    assert fault.startswith("images, output: s3://no-such-bucket/images at ")
    assert "the bucket does not exist" in fault and "create it, or correct the URI" in fault
    assert asked == ["local", "masks"]


def test_a_bucket_that_cannot_be_is_told(s3_environment: S3Server) -> None:
    assert faults_of(NamedPlace("images", "s3://B"))[0][0].startswith("images: s3://B/: ")


def test_settings_that_make_no_sense_are_told_once(
    s3_environment: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "store:9000/path")
    found, asked = faults_of(*three("s3://bucket", tmp_path))
    (fault,) = found
    assert fault.startswith("images, output: environment: AWS_ENDPOINT_URL='store:9000/path' must be http://host:port")
    assert asked == ["local"]


def test_a_pod_without_its_config_map_is_told_how_to_get_it(
    pod: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "FOOTPRINTS_DATA_ROOT"):
        monkeypatch.delenv(name, raising=False)
    (fault,), asked = faults_of(*three("s3://bucket", tmp_path))
    assert fault.startswith("images, output: no setting names the object store, as the ConfigMap footprints-st")
    assert f"({pod / 'storage'} is empty)" in fault and "kubectl apply" in fault
    assert asked == ["local"]
    with pytest.raises(StorageError, match=r"data_root: is empty and FOOTPRINTS_DATA_ROOT is not set; .*kubectl apply"):
        place_for_rasters("")


def test_a_pod_whose_variables_name_the_store_needs_no_config_map(
    pod: Path, tmp_path: Path, s3_environment: S3Server
) -> None:
    assert faults_of(*three(s3_environment.new_folder(), tmp_path))[0] == []


def test_a_pod_without_its_secret_is_told_how_to_get_it(
    pod: Path, tmp_path: Path, s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pod / "storage" / "AWS_ENDPOINT_URL").write_text(s3_environment.endpoint_url)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    found, asked = faults_of(*three(s3_environment.new_folder(), tmp_path))
    assert len(found) == 1 and found[0].startswith("images, output: ")
    assert "the store refuses unsigned requests" in found[0]
    assert "the Secret mlpipeline-minio-artifact, or what node_pools.yaml names in its place, is not in" in found[0]
    assert str(pod / "credentials") in found[0] and "manifests/README.md" in found[0]
    assert asked == ["local"]


def test_elsewhere_the_data_root_is_as_given_or_as_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTPRINTS_DATA_ROOT", "s3://bucket/data")
    assert place_for_rasters("") == "s3://bucket/data"
    assert place_for_rasters("mine") == "mine"
    monkeypatch.delenv("FOOTPRINTS_DATA_ROOT")
    with pytest.raises(StorageError) as caught:
        place_for_rasters("")
    assert "kubectl" not in str(caught.value)


def test_writing_leaves_nothing_behind(s3_environment: S3Server, tmp_path: Path) -> None:
    place = s3_environment.new_folder()
    check_writable(f"{place}/deep/below")
    assert not list(storage.list_objects(place))
    check_writable(str(tmp_path / "new" / "folder"))
    assert not list(tmp_path.iterdir())


def test_who_may_only_read_cannot_write(s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    place = s3_environment.new_folder()
    storage.write_bytes(f"{place}/image.tif", b"1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_environment.reader_access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_environment.reader_secret_key)
    assert faults_of(NamedPlace("images", place)) == ([], ["images"])
    with pytest.raises(StorageError, match=r"cannot write it: the store refuses access .*identity may do this"):
        check_writable(place)


def test_a_file_is_no_folder_to_write_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError, match=f"^{place}: cannot write it: Not a directory; a part"):
            check_writable(str(place))


def test_a_file_can_be_written_beside_others_or_over_one(s3_environment: S3Server, tmp_path: Path) -> None:
    (tmp_path / "report.html").touch()
    for place in (tmp_path / "report.html", tmp_path / "new" / "report.html", f"{s3_environment.new_folder()}/r.html"):
        check_file_writable(place)
    for place, rule in ((tmp_path, "Is a directory; name a file"), (tmp_path / "report.html" / "r", "Not a directory")):
        with pytest.raises(StorageError, match=f"cannot write it: {rule}"):
            check_file_writable(place)


def test_a_store_that_lets_nobody_remove_anything_takes_what_is_only_written(s3_environment: S3Server) -> None:
    bucket = f"kept-{secrets.token_hex(4)}"
    place = f"{s3_environment.make_bucket(bucket)}/deep"
    no_deletion = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:DeleteObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/*"],
    }
    s3_environment.client.set_bucket_policy(bucket, json.dumps({"Version": "2012-10-17", "Statement": [no_deletion]}))
    until(lambda: is_refused(f"{place}/.footprints-check"))

    for _ in range(2):
        check_writable(place)
        with pytest.raises(StorageError, match=r"cannot delete it: the store refuses access"):
            check_writable(place, removes=True)

    assert [found.uri for found in storage.list_objects(place)] == [f"{place}/.footprints-check"], "one at most"


def is_refused(uri: str) -> bool:
    """Whether a store lets nobody remove an object."""
    try:
        storage.delete(uri)
    except StorageError:
        return True
    return False


def test_a_link_is_followed_and_one_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for place in (tmp_path / "link", tmp_path / "link" / "new"):
        check_writable(place)
        check_file_writable(place / "report.html")
    (tmp_path / "astray").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    for name in ("astray", "circle"):
        for place in (tmp_path / name, tmp_path / name / "new"):
            with pytest.raises(
                StorageError, match=f"^{place}: cannot write it: {tmp_path / name} is a link that leads"
            ):
                check_writable(place)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["astray", "circle", "link", "real"]


def test_nothing_but_a_file_is_replaced_by_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for place in (tmp_path / "pipe", tmp_path / "link", Path(os.devnull)):
        for write in (check_file_writable, partial(storage.write_bytes, data=b"1")):
            with pytest.raises(StorageError, match=f"^{place}: cannot write it: is a device, a pipe or a socket; name"):
                write(place)
    assert (tmp_path / "pipe").is_fifo() and Path(os.devnull).is_char_device()


def test_a_file_is_there_or_not(s3_environment: S3Server, tmp_path: Path) -> None:
    for place in (str(tmp_path), s3_environment.new_folder()):
        storage.write_bytes(f"{place}/weights.pth", b"1")
        check_file(f"{place}/weights.pth")
        with pytest.raises(StorageError, match="there is no such file"):
            check_file(f"{place}/weight.pth")


def test_a_model_is_described_where_it_lies(s3_environment: S3Server, tmp_path: Path) -> None:
    config = ModelConfig.of("vgg16_bn_slim8", bitmap_meta("", "bg", "roof").classes, "bg", "neutral", Size(32, 48))
    for place in (str(tmp_path), s3_environment.new_folder()):
        with pytest.raises(DataError, match=rf"model: {place} holds no config\.json and no model\.safetensors"):
            described_model(place)
        storage.write_bytes(f"{place}/{CONFIG_FILE}", config.model_dump_json().encode())
        with pytest.raises(DataError, match=r"holds no model\.safetensors; give a folder that train_unet wrote"):
            described_model(place)
        storage.write_bytes(f"{place}/{WEIGHTS_FILE}", b"never read")
        assert described_model(place) == config
        storage.write_bytes(f"{place}/{CONFIG_FILE}", b"{}")
        with pytest.raises(DataError, match=rf"{place}/config\.json: format_version is None"):
            described_model(place)


def test_a_full_disk_is_found_and_named(small_disk: Path) -> None:
    leave_free(small_disk, 0)
    with pytest.raises(StorageError, match=f"No space left on device on the disk of {small_disk}; free some space"):
        check_writable(str(small_disk / "new" / "folder"))
    leave_free(small_disk, 1 << 20)
    check_writable(str(small_disk / "new" / "folder"))
