"""Where the date of capture is looked for, and what is not a date."""

from __future__ import annotations

from pathlib import Path

import pytest
import rasterio

from components.core.errors import ConfigError
from components.plan_imagery.capture_date import capture_date, date_pattern
from tests.components.plan_imagery.sites import Site


def day_in(key: str, pattern: str = "") -> str:
    return capture_date({}, {}, key, date_pattern(pattern))


@pytest.mark.parametrize(
    ("key", "day"),
    [
        ("2026-11-22/town.tif", "2026-11-22"),
        ("town_20261122.tif", "2026-11-22"),
        ("town_2026_11_22_west.tif", "2026-11-22"),
        ("2026/11/22/town.tif", "2026-11-22"),
        ("20261122T101112_town.tif", "2026-11-22"),
        ("2026-02-30/town_2026-03-01.tif", "2026-03-01"),
        ("120261122/town.tif", ""),
        ("202611223.tif", ""),
        ("2026-1122.tif", ""),
        ("20261322.tif", ""),
        ("town7.tif", ""),
    ],
)
def test_dates_in_keys(key: str, day: str) -> None:
    assert day_in(key) == day


def test_a_pattern_of_ones_own() -> None:
    german = r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d+)"
    assert day_in("flug 1.9.2026.tif", german) == "2026-09-01"
    assert day_in("flug 1.9.26.tif", german) == "", "a year has four digits"
    assert day_in("2026-11-22.tif", german) == ""
    assert day_in("2026-11-22.tif", "none") == ""


@pytest.mark.parametrize(
    ("acquired", "time"),
    [
        ("2026-11-22 10:11:12", "2026-11-22T10:11:12Z"),
        ("2026-11-22T10:11:12Z", "2026-11-22T10:11:12Z"),
        ("2026-11-22T10:11:12+02:00", "2026-11-22T08:11:12Z"),
        ("2026-11-22", "2026-11-22"),
        ("0000-00-00 00:00:00", "2024-01-01"),
        ("noon", "2024-01-01"),
    ],
)
def test_acquisition_comes_before_names_and_names_before_the_time_of_the_file(acquired: str, time: str) -> None:
    tags = {"TIFFTAG_DATETIME": "2025:05:04 03:02:01"}
    assert capture_date({"ACQUISITIONDATETIME": acquired}, tags, "2024-01-01.tif", date_pattern("")) == time
    assert capture_date({}, tags, "town.tif", date_pattern("")) == "2025-05-04T03:02:01"
    assert capture_date({}, tags, "2024-01-01.tif", date_pattern("none")) == "2025-05-04T03:02:01"


def test_a_pattern_that_was_asked_for_comes_before_all_metadata() -> None:
    imagery, tags = {"ACQUISITIONDATETIME": "2026-11-22"}, {"TIFFTAG_DATETIME": "2025:05:04 03:02:01"}
    asked = date_pattern(r"_(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)")
    assert capture_date(imagery, tags, "town_20240101.tif", asked) == "2024-01-01"
    assert capture_date(imagery, tags, "town.tif", asked) == "2026-11-22", "where it finds nothing, metadata tell"


def test_a_time_that_is_none_is_passed_over() -> None:
    assert capture_date({}, {"TIFFTAG_DATETIME": "0000:00:00 00:00:00"}, "town.tif", date_pattern("")) == ""


def test_a_pattern_that_never_ends_ends_the_plan() -> None:
    endless = r"^(a|a)+(?P<year>\d+)(?P<month>\d+)(?P<day>\d+)$"
    with pytest.raises(ConfigError, match=r"matching the pattern '\^\(a\|a\)\+.*with 'aaaa"):
        day_in("a" * 60 + ".tif", endless)


def test_metadata_are_read_from_images(tmp_path: Path) -> None:
    site = Site(str(tmp_path / "site"), tmp_path)
    for key in ("a_2024-01-01.tif", "b.tif", "c_2024-01-01.tif"):
        site.put_image(key)
    with rasterio.open(f"{site.images_uri}/a_2024-01-01.tif", "r+") as dataset:
        dataset.update_tags(ns="IMAGERY", ACQUISITIONDATETIME="2026-11-22 10:11:12")
    with rasterio.open(f"{site.images_uri}/b.tif", "r+") as dataset:
        dataset.update_tags(TIFFTAG_DATETIME="2025:05:04 03:02:01")

    assert [scene.captured for scene in site.plan().scenes] == [
        "2026-11-22T10:11:12Z",
        "2025-05-04T03:02:01",
        "2024-01-01",
    ]
    assert site.plan(captured_pattern="none").scenes[2].captured == ""
