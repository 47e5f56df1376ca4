"""GDAL reads windows from the same places, with the same settings."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from components.core.errors import StorageError
from components.core.storage import (
    delete,
    gdal_environment,
    gdal_path,
    gdal_with_retry,
    join_uri,
    put_file,
    write_bytes,
)
from tests.s3_server import S3Server

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

WINDOW = Window(col_off=100, row_off=300, width=64, height=32)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (512, 512), dtype=np.uint8)


@pytest.fixture
def raster(tmp_path: Path, pixels: np.ndarray) -> Path:
    """A tiled GeoTIFF on local disk."""
    path = tmp_path / "raster.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=512,
        width=512,
        count=1,
        dtype="uint8",
        tiled=True,
        blockxsize=128,
        blockysize=128,
    ) as writer:
        writer.write(pixels, 1)
    return path


def read(uri: str) -> np.ndarray:
    with rasterio.Env(**gdal_environment(uri)), rasterio.open(gdal_path(uri)) as dataset:
        return dataset.read(1, window=WINDOW)


def expected(pixels: np.ndarray) -> np.ndarray:
    return pixels[300:332, 100:164]


@pytest.mark.parametrize("name", ["raster.tif", "ünï/ra ster+1%20.tif"])
def test_a_window_from_the_store(s3_environment: S3Server, raster: Path, pixels: np.ndarray, name: str) -> None:
    uri = join_uri(s3_environment.new_folder(), name)
    put_file(raster, uri)
    assert gdal_path(uri) == "/vsis3/" + uri.removeprefix("s3://")
    np.testing.assert_array_equal(read(uri), expected(pixels))


def test_a_window_over_tls(
    s3_environment: S3Server, raster: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_environment.tls_endpoint_url)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(s3_environment.ca_bundle))
    uri = join_uri(s3_environment.new_folder(), "raster.tif")
    put_file(raster, uri)
    np.testing.assert_array_equal(read(uri), expected(pixels))


def test_a_window_from_local_disk(raster: Path, pixels: np.ndarray) -> None:
    assert gdal_path(f"file://{raster}") == str(raster)
    np.testing.assert_array_equal(gdal_with_retry(raster, lambda: read(str(raster))), expected(pixels))


def test_wrong_credentials_are_said(s3_environment: S3Server, raster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = join_uri(s3_environment.new_folder(), "raster.tif")
    put_file(raster, uri)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    with pytest.raises(StorageError, match="check AWS_ACCESS_KEY_ID") as caught:
        gdal_with_retry(uri, lambda: read(uri))
    assert "wrong-secret" not in str(caught.value)


def test_a_vanished_raster_is_said(s3_environment: S3Server, raster: Path) -> None:
    uri = join_uri(s3_environment.new_folder(), "raster.tif")
    put_file(raster, uri)
    delete(uri)
    with pytest.raises(StorageError, match=r"raster\.tif at http.*no such object"):
        gdal_with_retry(uri, lambda: read(uri))


def test_what_is_no_raster_stays_gdals_error(s3_environment: S3Server) -> None:
    uri = join_uri(s3_environment.new_folder(), "text.tif")
    write_bytes(uri, b"not a raster")
    with pytest.raises(RasterioIOError, match="not recognized"):
        gdal_with_retry(uri, lambda: read(uri))
