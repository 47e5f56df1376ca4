"""The development store's own command line starts a store that the bucket Job's own command line gets on with."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.manifests.rendering import Manifest, one, rendered
from tests.ports import free_ports
from tests.s3_server import weed_program
from tests.waiting import HANGS_S

INNER_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")


def container_of(kind: str, name: str) -> Manifest:
    pod = one(rendered("overlays/dev-object-store"), kind, name)["spec"]["template"]["spec"]
    container: Manifest = pod["containers"][0]
    return container


@pytest.fixture(scope="module")
def credentials() -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": "development", "AWS_SECRET_ACCESS_KEY": "made-for-this-test"}


@pytest.fixture(scope="module")
def store_url(tmp_path_factory: pytest.TempPathFactory, credentials: dict[str, str]) -> Iterator[str]:
    """The store as the StatefulSet starts it, on free ports and with its folders in a temporary one."""
    folder = tmp_path_factory.mktemp("store")
    (folder / "data").mkdir()
    (folder / "tmp").mkdir()
    s3_port, s3_grpc, *inner = free_ports(2 + len(INNER_PORTS))
    container = container_of("StatefulSet", "footprints-object-store")
    assert container["command"] == ["weed"]
    arguments = [argument.replace("=/data", f"={folder / 'data'}") for argument in container["args"]]
    arguments = [re.sub(r"^-s3\.port=\d+$", f"-s3.port={s3_port}", argument) for argument in arguments]
    arguments += [f"-s3.port.grpc={s3_grpc}", f"-s3.localSocket={folder / 'tmp' / 's3'}"]
    arguments += [f"-filer.localSocket={folder / 'tmp' / 'filer'}"]
    arguments += [f"-{name}={port}" for name, port in zip(INNER_PORTS, inner, strict=True)]
    variables = credentials | {"PATH": os.environ["PATH"], "HOME": str(folder / "tmp")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([weed_program(), *arguments], env=variables, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{s3_port}"
    try:
        wait_until_healthy(url, container, process, folder / "log")
        yield url
    finally:
        process.kill()
        process.wait()


def wait_until_healthy(url: str, container: Manifest, process: subprocess.Popen[bytes], log: Path) -> None:
    """Ask what the startup probe asks."""
    probe = container["startupProbe"]["httpGet"]
    deadline = time.monotonic() + HANGS_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}{probe['path']}", timeout=2) as answer:
                assert answer.status == 200
                return
        except (URLError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(f"the development store does not start: {log.read_text()[-2000:]}")


def run_bucket_job(url: str, credentials: dict[str, str]) -> subprocess.CompletedProcess[str]:
    container = container_of("Job", "footprints-bucket")
    settings = one(rendered("overlays/dev-object-store"), "ConfigMap", "footprints-storage")["data"]
    arguments = [
        argument.replace("$(FOOTPRINTS_DATA_ROOT)", settings["FOOTPRINTS_DATA_ROOT"]) for argument in container["args"]
    ]
    program, *module = container["command"]
    assert program == "python"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "STORAGE_"))}
    environment |= settings | credentials | {"AWS_ENDPOINT_URL_S3": url, "STORAGE_CONNECT_WAIT_SECONDS": "20"}
    return subprocess.run([sys.executable, *module, *arguments], capture_output=True, text=True, env=environment)


def test_the_bucket_job_gets_on_with_the_store(store_url: str, credentials: dict[str, str]) -> None:
    first, second = (run_bucket_job(store_url, credentials) for _ in range(2))
    assert first.returncode == 0 and "s3://building-footprints: created" in first.stderr, first.stderr
    assert second.returncode == 0 and "is there already" in second.stderr, second.stderr


def test_the_store_refuses_others(store_url: str, credentials: dict[str, str]) -> None:
    refused = run_bucket_job(store_url, credentials | {"AWS_SECRET_ACCESS_KEY": "another"})
    assert refused.returncode == 2 and "check AWS_ACCESS_KEY_ID" in refused.stderr, refused.stderr


def test_only_s3_is_reachable_from_other_pods() -> None:
    arguments = container_of("StatefulSet", "footprints-object-store")["args"]
    assert [argument for argument in arguments if "bind" in argument] == ["-ip.bind=127.0.0.1", "-s3.ip.bind=0.0.0.0"]
    assert {"-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"} <= set(arguments)
