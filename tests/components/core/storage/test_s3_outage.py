"""The store goes away in the middle of the work, and comes back or does not."""

import os
from concurrent.futures import ThreadPoolExecutor
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
    gdal_with_retry,
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
from tests.waiting import HANGS_S, Hold

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
def scene(tmp_path: Path) -> Path:
    """A file of many parts."""
    path = tmp_path / "scene.bin"
    path.write_bytes(os.urandom(1 << 20) * (SIZE_BYTES >> 20))
    return path


def test_an_upload_goes_on_after_a_restart(mortal_s3: S3Server, scene: Path, held: Hold) -> None:
    uri = join_uri(mortal_s3.new_folder(), "scene.bin")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    upload = held(lambda: put_file(scene, uri), lambda moved: moved.remote_written_bytes > MIDDLE_BYTES)
    assert list(mortal_s3.client.list_objects(bucket, key)) == []
    mortal_s3.kill()
    upload.go_on_until_it_waits()
    assert upload.is_going_on

    mortal_s3.restart()
    seen = set()
    while upload.is_going_on:
        seen |= {found.size for found in mortal_s3.client.list_objects(bucket, key)}

    assert upload.errors == []
    assert seen <= {SIZE_BYTES}
    found = stat(uri)
    assert found is not None and found.size_bytes == SIZE_BYTES
    assert read_bytes(uri) == scene.read_bytes()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_reading_goes_on_after_a_restart(mortal_s3: S3Server, scene: Path, tmp_path: Path, held: Hold) -> None:
    uri, target = join_uri(mortal_s3.new_folder(), "scene.bin"), tmp_path / "back.bin"
    put_file(scene, uri)
    raster_uri = join_uri(mortal_s3.new_folder(), "raster.tif")
    with staged_file(raster_uri) as local, rasterio.open(local, "w", **RASTER) as writer:
        writer.write(np.full((1, 64, 64), 7, np.uint8))

    def read_raster() -> int:
        with rasterio.Env(**gdal_environment(raster_uri)), rasterio.open(gdal_path(raster_uri)) as dataset:
            return int(dataset.read(1, window=Window(16, 32, 16, 16)).sum())

    before = counters.snapshot().remote_read_bytes
    download = held(lambda: get_file(uri, target), lambda moved: moved.remote_read_bytes > MIDDLE_BYTES)
    mortal_s3.kill()
    assert not target.exists()
    with pytest.raises(RasterioIOError):
        read_raster()
    download.go_on_until_it_waits()
    assert download.is_going_on
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(gdal_with_retry, raster_uri, read_raster)
        mortal_s3.restart()
        assert reading.result(HANGS_S) == 7 * 16 * 16
    download.end()

    assert download.errors == []
    assert target.read_bytes() == scene.read_bytes()
    # What had come before the break was not asked for again.
    assert counters.snapshot().remote_read_bytes - before < SIZE_BYTES + MIDDLE_BYTES


def test_a_store_that_stays_away_is_an_error(
    mortal_s3: S3Server, scene: Path, monkeypatch: pytest.MonkeyPatch, held: Hold
) -> None:
    monkeypatch.setenv("STORAGE_WAIT_SECONDS", "2")
    root = mortal_s3.new_folder()
    write_bytes(join_uri(root, "a.bin"), b"1")
    upload = held(
        lambda: put_file(scene, join_uri(root, "scene.bin")), lambda moved: moved.remote_written_bytes > MIDDLE_BYTES
    )
    mortal_s3.kill()
    upload.end()
    assert isinstance(upload.errors[0], StorageError)
    assert f"{root}/scene.bin at {mortal_s3.endpoint_url}: cannot write it" in str(upload.errors[0])
    assert "STORAGE_WAIT_SECONDS" in str(upload.errors[0])

    mortal_s3.restart()
    assert [found.uri for found in list_objects(root)] == [f"{root}/a.bin"]
