"""Images that go away while they are looked at, and stores that do."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core import storage
from components.core.collection.plan import DetectionReason, PlannedScene
from components.core.errors import StorageError
from components.core.skip_budget import Skipped
from components.plan_imagery.capture_date import DatePattern
from components.plan_imagery.headers import THREADS, read_headers
from components.plan_imagery.sources import SourceImage, find_images
from tests.components.plan_imagery.sites import Site
from tests.s3_server import S3Server


def listed(site: Site) -> list[tuple[SourceImage, DetectionReason]]:
    return [(image, DetectionReason.NEW) for image in find_images(site.images_uri, site.output_uri)]


def test_an_image_that_was_deleted_meanwhile_is_skipped(s3_environment: S3Server, tmp_path: Path) -> None:
    site = Site(s3_environment.new_folder(), tmp_path)
    site.put_image("east.tif")
    gone = site.put_image("west.tif")
    todo = listed(site)
    storage.delete(gone)

    east, west = read_headers(todo, DatePattern())

    assert isinstance(east, PlannedScene)
    assert west == Skipped("west.tif", f"{gone}: was deleted while the imagery was listed; the next run retires it")


def test_a_store_that_cannot_be_reached_is_no_images_fault(
    s3_environment: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(s3_environment.new_folder(), tmp_path)
    site.put_image("east.tif")
    todo = listed(site)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not the store's key")

    with pytest.raises(StorageError, match=r"east\.tif"):
        list(read_headers(todo, DatePattern()))


def test_more_images_than_wait_at_a_time_come_in_order(tmp_path: Path) -> None:
    site = Site(str(tmp_path / "site"), tmp_path)
    site.put_image("0000.tif")
    original = storage.read_bytes(f"{site.images_uri}/0000.tif")
    for number in range(1, 6 * THREADS):
        storage.write_bytes(f"{site.images_uri}/{number:04}.tif", original if number % 7 else b"broken")
    todo = listed(site)

    results = list(read_headers(todo, DatePattern()))

    names = [result.key if isinstance(result, PlannedScene) else result.name for result in results]
    assert names == [image.key for image, _ in todo]
    assert [isinstance(result, Skipped) for result in results] == [
        number > 0 and number % 7 == 0 for number in range(6 * THREADS)
    ]
