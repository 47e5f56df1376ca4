"""The store goes away in the middle of the work, and comes back or does not."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from components.core.errors import StorageError
from components.core.storage import (
    counters,
    gdal_environment,
    gdal_path,
    gdal_patiently,
    get_file,
    join_uri,
    list_objects,
    put_file,
    read_bytes,
    staged_file,
    stat,
    write_bytes,
)
from tests.s3_server import S3Server

SIZE_BYTES = 96 << 20
MIDDLE_BYTES = 12 << 20
RASTER = {
    "driver": "GTiff",
    "height": 64,
    "width": 64,
    "count": 1,
    "dtype": "uint8",
    "tiled": True,
    "blockxsize": 16,
    "blockysize": 16,
}


@pytest.fixture
def server(s3_environment: S3Server) -> Iterator[S3Server]:
    """The server, running again after the test."""
    yield s3_environment
    if not s3_environment.is_running:
        s3_environment.restart()


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A file of many parts."""
    path = tmp_path / "scene.bin"
    path.write_bytes(os.urandom(1 << 20) * (SIZE_BYTES >> 20))
    return path


def in_background(work: Callable[[], None]) -> tuple[threading.Thread, list[Exception]]:
    """Start a thread; its error, if any, ends up in the list."""
    errors: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # shown by the test, in its own thread
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, errors


def until(reached: Callable[[], bool]) -> None:
    """Wait for the middle of a transfer."""
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_an_upload_goes_on_after_a_restart(server: S3Server, scene: Path) -> None:
    uri = join_uri(server.new_folder(), "scene.bin")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    before = counters.snapshot().remote_written_bytes
    upload, errors = in_background(lambda: put_file(scene, uri))
    until(lambda: counters.snapshot().remote_written_bytes - before > MIDDLE_BYTES)
    assert list(server.client.list_objects(bucket, key)) == []
    server.kill()
    assert counters.snapshot().remote_written_bytes - before < SIZE_BYTES
    assert upload.is_alive()

    server.restart()
    seen = set()
    while upload.is_alive():
        seen |= {found.size for found in server.client.list_objects(bucket, key)}
        upload.join(0.01)

    assert errors == []
    assert seen <= {SIZE_BYTES}
    found = stat(uri)
    assert found is not None and found.size_bytes == SIZE_BYTES
    assert read_bytes(uri) == scene.read_bytes()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_reading_goes_on_after_a_restart(server: S3Server, scene: Path, tmp_path: Path) -> None:
    uri, target = join_uri(server.new_folder(), "scene.bin"), tmp_path / "back.bin"
    put_file(scene, uri)
    raster_uri = join_uri(server.new_folder(), "raster.tif")
    with staged_file(raster_uri) as local, rasterio.open(local, "w", **RASTER) as writer:
        writer.write(np.full((1, 64, 64), 7, np.uint8))

    def read_raster() -> int:
        with rasterio.Env(**gdal_environment(raster_uri)), rasterio.open(gdal_path(raster_uri)) as dataset:
            return int(dataset.read(1, window=Window(16, 32, 16, 16)).sum())

    def read_raster_patiently() -> None:
        sums.append(gdal_patiently(raster_uri, read_raster))

    sums: list[int] = []
    before = counters.snapshot().remote_read_bytes
    download, errors = in_background(lambda: get_file(uri, target))
    until(lambda: counters.snapshot().remote_read_bytes - before > MIDDLE_BYTES)
    server.kill()
    assert not target.exists()
    assert download.is_alive()
    with pytest.raises(RasterioIOError):
        read_raster()
    reading, reading_errors = in_background(read_raster_patiently)

    server.restart()
    download.join(60)
    reading.join(60)

    assert errors == reading_errors == []
    assert sums == [7 * 16 * 16]
    assert target.read_bytes() == scene.read_bytes()
    # What had come before the break was not asked for again.
    assert counters.snapshot().remote_read_bytes - before < SIZE_BYTES + MIDDLE_BYTES


def test_a_store_that_stays_away_is_an_error(server: S3Server, scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_WAIT_SECONDS", "2")
    root = server.new_folder()
    write_bytes(join_uri(root, "a.bin"), b"1")
    before = counters.snapshot().remote_written_bytes
    upload, errors = in_background(lambda: put_file(scene, join_uri(root, "scene.bin")))
    until(lambda: counters.snapshot().remote_written_bytes - before > MIDDLE_BYTES)
    server.kill()
    upload.join(20)
    assert not upload.is_alive()
    assert isinstance(errors[0], StorageError)
    assert f"{root}/scene.bin at {server.endpoint_url}: cannot write it" in str(errors[0])
    assert "STORAGE_WAIT_SECONDS" in str(errors[0])

    server.restart()
    assert [found.uri for found in list_objects(root)] == [f"{root}/a.bin"]
