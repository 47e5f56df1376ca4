"""The same import from and to a real S3 server."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core.errors import TooManySkippedError
from components.core.geometry import Size
from components.core.project import open_project
from components.core.storage import list_objects, put_tree
from components.import_images.import_images import import_images
from tests.builders import block_mask, noise, write_raster, write_scene
from tests.s3_server import S3Server

SIZE = Size(60, 90)


def test_imagery_in_a_bucket_is_imported_from_there(tmp_path: Path, s3_environment: S3Server) -> None:
    folder = s3_environment.new_folder()
    tiled, mask = write_scene(tmp_path / "in", "austin1", SIZE)
    write_raster(tmp_path / "in" / "images" / "vienna1.png", noise(SIZE, 1))
    write_raster(tmp_path / "in" / "gt" / "vienna1.png", block_mask(SIZE, 1).astype("uint8"))
    put_tree(tmp_path / "in", f"{folder}/in")
    for rewritten, reused in ((2, 0), (0, 2)):
        report = import_images(f"{folder}/in", "", tmp_path / "project", data_root=f"{folder}/data", workers=1)
        assert (report.items, report.kept, report.rewritten, report.reused) == (2, 2, rewritten, reused)
    kept, other = open_project(tmp_path / "project")
    assert kept.image is not None and other.image is not None
    assert kept.image.uri == f"{folder}/in/images/austin1.tif"
    assert (kept.image.pixels() == tiled).all()
    assert kept.objects[0].figure.area == mask.sum()
    assert (other.image.pixels() == noise(SIZE, 1)).all()
    stored = [found.uri for found in list_objects(f"{folder}/data")]
    assert sorted(stored) == sorted([other.image.uri, other.objects[0].figure.mask.raster.uri])  # type: ignore[attr-defined]


def test_a_broken_object_is_a_bad_scene(tmp_path: Path, s3_environment: S3Server) -> None:
    folder = s3_environment.new_folder()
    write_scene(tmp_path / "in", "austin1", SIZE)
    write_scene(tmp_path / "in", "chicago1", SIZE)
    (tmp_path / "in" / "gt" / "austin1.tif").write_bytes(b"no mask at all")
    put_tree(tmp_path / "in", f"{folder}/in")
    with pytest.raises(TooManySkippedError, match=r"gt/austin1\.tif: cannot be opened"):
        import_images(f"{folder}/in", "", tmp_path / "project", data_root=f"{folder}/data", workers=1)
    report = import_images(f"{folder}/in", "", tmp_path / "project", data_root=f"{folder}/data", workers=1, max_bad=1)
    assert [bad.name for bad in report.skipped] == ["austin1"]
