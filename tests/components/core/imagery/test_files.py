"""What lies among images and is none: counted and named, unless it belongs there."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core.errors import DataError
from components.core.imagery.files import IgnoredFiles
from components.core.imagery.pairs import find_pairs
from components.core.storage.local import broken_links
from components.plan_imagery.sources import find_images

CUSTOMARY = (".hidden.jp2", "a.tfw", "a.TIF.aux.xml", "a.tif.ovr", "a.tif.msk", "a.prj", "notes.txt", "a.JSON")

CONVERT = "of other formats, which are not read: convert images to GeoTIFF (gdal_translate town.jp2 town.tif)"

GIVE = "that are not searched: give a folder of images by itself, or move its images up"


def make(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return str(folder)


def broken(folder: Path, name: str) -> None:
    (folder / name).symlink_to(folder / "gone")


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return sorted(record.message for record in caplog.records)


def test_an_import_names_what_it_passes_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    images = make(tmp_path / "images", "a.tif", "b.jp2", "c.VRT", "more/d.tif", ".cache/e.tif", *CUSTOMARY)
    masks = make(tmp_path / "masks", "a.tif", *(f"m{number}.ecw" for number in range(5)))
    broken(tmp_path / "images", "link.tif")
    find_pairs(images, masks).log_passed_over()
    assert said(caplog) == [
        f"{images}: ignored: 1 folders (more/) {GIVE}",
        f"{images}: ignored: 1 links (link.tif) that are broken or circular: fix or remove them",
        f"{images}: ignored: 2 files (b.jp2, c.VRT) {CONVERT}",
        f"{masks}: ignored: 5 files (m0.ecw, m1.ecw, m2.ecw …) {CONVERT}",
    ]


def test_folders_that_are_used_are_not_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = make(tmp_path / "in", "img/a.tif", "gt/a.tif", "gt/b.tif")
    find_pairs(root).log_passed_over()
    find_pairs(f"{root}/img", f"{root}/gt").log_passed_over()
    assert said(caplog) == []


def test_a_detection_names_what_it_passes_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    images = make(tmp_path / "in", "a.tif", "deep/b.jp2", "deep/c.tif", "out/scenes/m.vrt", ".trash/d.img", *CUSTOMARY)
    broken(tmp_path / "in" / "deep", "link.tif")
    broken(tmp_path / "in" / "out", "link.tif")
    assert [found.key for found in find_images(images, f"{images}/out")] == ["a.tif", "deep/c.tif"]
    assert [line.split(": ")[1:3] for line in said(caplog)] == [
        ["ignored", "1 files (deep/b.jp2) of other formats, which are not read"],
        ["ignored", "1 links (deep/link.tif) that are broken or circular"],
    ]


def test_links_that_lead_somewhere_are_not_broken(tmp_path: Path) -> None:
    make(tmp_path, "a.tif", "deep/b.tif")
    (tmp_path / "link.tif").symlink_to(tmp_path / "a.tif")
    (tmp_path / "folder").symlink_to(tmp_path / "deep")
    assert list(broken_links(str(tmp_path))) == []
    broken(tmp_path / "deep", "c.tif")
    assert list(broken_links(str(tmp_path / "deep"), recursive=False)) == [str(tmp_path / "deep" / "c.tif")]
    assert list(broken_links(str(tmp_path), recursive=False)) == []
    assert list(broken_links("s3://bucket/in")) == list(broken_links(str(tmp_path / "none"))) == []


def test_links_that_lead_in_a_circle_keep_nothing_else_from_being_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images = make(tmp_path, "a.tif", "deep/b.tif", "other/c.tif")
    (tmp_path / "circle.tif").symlink_to("circle.tif")
    (tmp_path / "deep" / "up").symlink_to("..")
    (tmp_path / "deep" / "itself").symlink_to(".")
    (tmp_path / "deep" / "beside").symlink_to("../other")
    assert [found.key for found in find_images(images, "")] == [
        "a.tif",
        "deep/b.tif",
        "deep/beside/c.tif",
        "other/c.tif",
    ]
    links = ["circle.tif", "deep/itself", "deep/up"]
    assert list(broken_links(images)) == [str(tmp_path / link) for link in links]
    assert "3 links (circle.tif, deep/itself, deep/up) that are broken or circular" in caplog.text


def test_a_folder_is_not_its_own_masks(tmp_path: Path) -> None:
    images = make(tmp_path / "images", "a.tif")
    with pytest.raises(DataError, match="images: is given as the folder of images and of masks"):
        find_pairs(images, f"{images}/")


def test_nothing_passed_over_is_nothing_said(caplog: pytest.LogCaptureFixture) -> None:
    found = IgnoredFiles()
    for name in CUSTOMARY:
        found.add_file(name)
    found.log("in")
    assert said(caplog) == []
