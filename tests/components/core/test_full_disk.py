"""Every writer on disks of every size: an error that says so, or a whole file; never anything else under its name.

The sizes go through those at which the last block, the directory or the last page of a file no longer fits.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import pytest
import shapely
import torch

from components.core import storage
from components.core.collection.plan import DetectionSettings, Plan, write_plan
from components.core.errors import StorageError
from components.core.footprints.gdal_files import VectorLayer, write_flatgeobuf, write_geopackage, write_pmtiles
from components.core.footprints.geography import WGS84
from components.core.footprints.records import MAP_SCHEMA
from components.core.geometry import Size
from components.core.imagery.cog import write_cog
from components.core.imagery.writing import RasterProfile, raster_writer
from components.core.network.description import ModelConfig
from components.core.network.model_artifact import save_model
from components.core.network.unetv2 import UNetV2
from components.core.project import write_manifest
from components.core.project.materialize import materialize
from components.core.reporting.page import write_page
from components.core.storage.atomic_directory import staged_directory
from components.publish_footprints.layers import USUAL_FORMATS, LayerWriter
from components.sample_scenes.sample_scenes import Request, write_scene
from components.train_unet.checkpoint_store import CheckpointStore
from tests.builders import CRS, TRANSFORM, bitmap_meta, noise, scene_item
from tests.full_disk import FILLER, PAGE_BYTES, largest_file, leave_free
from tests.s3_server import S3Server

Write = Callable[[str], object]

RASTER = Size(700, 600)
PIXELS = noise(RASTER, bands=1)
CLASSES = bitmap_meta().classes
MODEL = ModelConfig.of("vgg16_bn_slim8", (CLASSES[0], CLASSES[0]), CLASSES[0].title, "neutral", Size(96, 128))

END_BYTES = 1024
"""In the last bytes of a file, and around them, every `STEP_BYTES`th size is tried; before, some."""

STEP_BYTES = 96
EARLIER = 6


@pytest.fixture(scope="module")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is made ready on a disk with room: two parts of a raster, and the images of a project."""
    folder = tmp_path_factory.mktemp("materials")
    for name, rows in (("upper", slice(0, 300)), ("lower", slice(300, 700))):
        part = PIXELS[:, rows]
        with raster_writer(folder / f"{name}.tif", RasterProfile(Size(*part.shape[1:]), compress="zstd")) as writer:
            writer.write(part)
    scene_item(folder, "austin", Size(200, 200))
    return folder


def raster(compress: str | None, bands: int = 1) -> Callable[[Path], Write]:
    profile = RasterProfile(RASTER, bands, crs=CRS, transform=TRANSFORM, compress=compress)

    def write(uri: str) -> None:
        with raster_writer(uri, profile) as writer:
            writer.write(np.repeat(PIXELS, bands, axis=0))

    return lambda _: write


def cog(materials: Path) -> Write:
    parts = [materials / "upper.tif", materials / "lower.tif"]
    return lambda uri: write_cog(uri, parts, RasterProfile(RASTER, crs=CRS, transform=TRANSFORM))


def footprints() -> pa.Table:
    corners = 1e-3 * np.arange(120)
    shapes = shapely.to_wkb(shapely.box(corners, 0, corners + 5e-4, 1e-3)).tolist()
    columns: dict[str, list[Any]] = {field.name: [1] * len(shapes) for field in MAP_SCHEMA}
    text = {name: [f"{name} {i}" for i in range(len(shapes))] for name in ("id", "class", "status", "source")}
    return pa.Table.from_pydict(columns | text | {"geometry": shapes}, MAP_SCHEMA)


def vector_file(write_file: Callable[..., None]) -> Callable[[Path], Write]:
    def write(uri: str) -> None:
        with storage.staged_file(uri) as file:
            layer = VectorLayer("layer", MAP_SCHEMA, WGS84, {"coordinates": "WGS 84"})
            write_file(file, layer, footprints().to_batches(20))

    return lambda _: write


def layers(_: Path) -> Write:
    def write(place: str) -> None:
        with staged_directory(place) as aside:
            layer = LayerWriter(aside, CRS, {"coordinates": "metres"})
            layer.add(footprints())
            layer.close(USUAL_FORMATS)

    return write


def project(materials: Path) -> Write:
    item = scene_item(materials, "austin", Size(200, 200))
    items = [replace(item, name=f"austin{i}") for i in range(5)]
    return lambda place: write_manifest(place, bitmap_meta(), items)


def real_files(materials: Path) -> Write:
    item = scene_item(materials, "austin", Size(200, 200))
    return lambda place: materialize(place, bitmap_meta(), [item])


def model(_: Path) -> Write:
    torch.manual_seed(0)
    network = UNetV2(2, MODEL.encoder)
    return lambda place: save_model(Path(place), network, MODEL, {"metrics.json": {"iou": 0.5}})


def checkpoint(_: Path) -> Write:
    content = {"network": {"weight": torch.arange(9_000.0)}, "history": {"rows": [1, 2]}}
    return lambda place: CheckpointStore(place).save(content)


def plan(_: Path) -> Write:
    made = Plan("images", "out", "model", "digest", "recipe", DetectionSettings("{}"), (), 0, run="run")
    return lambda place: write_plan(place, made)


def sample(_: Path) -> Write:
    request = Request(("austin",), 1, Size(200, 200), tiled=True)

    def write(place: str) -> None:
        with staged_directory(place) as aside:
            for name in ("images", "gt"):
                (aside / name).mkdir()
            write_scene(request.scenes[0], request, aside)

    return write


def content(_: Path) -> Write:
    return lambda uri: storage.write_bytes(uri, bytes(range(256)) * 50)


def page(_: Path) -> Write:
    return lambda uri: write_page(uri, "<p>footprints</p>\n" * 700)


FILES: dict[str, Callable[[Path], Write]] = {
    "plain.tif": raster(None, bands=3),
    "deflate.tif": raster("deflate"),
    "zstd.tif": raster("zstd"),
    "cog.tif": cog,
    "layer.gpkg": vector_file(write_geopackage),
    "layer.fgb": vector_file(write_flatgeobuf),
    "layer.pmtiles": vector_file(write_pmtiles),
    "bytes.json": content,
    "page.html": page,
}
LOCAL: dict[str, Callable[[Path], Write]] = FILES | {
    "layers": layers,
    "project": project,
    "real_files": real_files,
    "model": model,
    "checkpoints": checkpoint,
    "plan": plan,
    "sample": sample,
}


def read(place: Path) -> dict[str, Any]:
    """What lies at a place: bytes by name, and rows where bytes hold times."""
    files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
    return {str(file.relative_to(place)): _content(file) for file in files}


def _content(file: Path) -> bytes | int:
    return len(pyogrio.read_arrow(file, file.stem)[1]) if file.suffix == ".gpkg" else file.read_bytes()


def largest(place: Path) -> int:
    return max(sizes_of(place))


def sizes(whole: int) -> Iterator[int]:
    yield from (whole * part // EARLIER for part in range(EARLIER))
    yield from range(max(0, whole - END_BYTES), whole + END_BYTES, STEP_BYTES)
    yield 4 * whole + (1 << 20)  # what is needed meanwhile may be more


def remove(place: Path) -> None:
    shutil.rmtree(place) if place.is_dir() else place.unlink()


@pytest.mark.parametrize("name", LOCAL)
def test_where_a_file_may_not_grow_on_nothing_broken_is_left(tmp_path: Path, materials: Path, name: str) -> None:
    write = LOCAL[name](materials)
    reference, target = tmp_path / "reference" / name, tmp_path / "out" / name
    write(str(reference))
    expected, outcomes = read(reference), set()
    for size_bytes in sizes(largest(reference)):
        try:
            with largest_file(size_bytes):
                write(str(target))
        except StorageError as error:
            outcomes.add("told")
            assert name in str(error) and "cannot write it" in str(error) and ".part" not in str(error)
            assert list(tmp_path.glob("out/*")) == [], size_bytes
        else:
            outcomes.add("written")
            assert read(target) == expected, size_bytes
            remove(target)
    assert outcomes == {"told", "written"}


@pytest.mark.parametrize("name", LOCAL)
def test_on_a_full_disk_nothing_broken_is_left(small_disk: Path, tmp_path: Path, materials: Path, name: str) -> None:
    write = LOCAL[name](materials)
    reference, target = tmp_path / name, small_disk / name
    write(str(reference))
    expected, outcomes = read(reference), set()
    whole = sum(-(-len_of // PAGE_BYTES) for len_of in sizes_of(reference)) * PAGE_BYTES
    for size_bytes in pages(whole):
        leave_free(small_disk, size_bytes)
        try:
            write(str(target))
        except StorageError as error:
            outcomes.add("told")
            assert f"No space left on device on the disk of {small_disk}" in str(error), size_bytes
            assert [entry.name for entry in small_disk.iterdir()] == [FILLER], size_bytes
        else:
            outcomes.add("written")
            assert read(target) == expected, size_bytes
    assert outcomes == {"told", "written"}


@pytest.mark.parametrize("name", [name for name in FILES if name != "bytes.json"])
def test_where_temporary_files_have_no_room_nothing_broken_is_uploaded(
    small_disk: Path,
    tmp_path: Path,
    materials: Path,
    s3_environment: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    write = FILES[name](materials)
    reference, uri = tmp_path / name, f"{s3_environment.new_folder()}/{name}"
    write(str(reference))
    expected, outcomes = read(reference), set()
    for size_bytes in pages(-(-reference.stat().st_size // PAGE_BYTES) * PAGE_BYTES):
        leave_free(small_disk, size_bytes)
        with monkeypatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(small_disk))
            try:
                write(uri)
            except StorageError as error:
                outcomes.add("told")
                assert f"for temporary files {small_disk}; free some there, or set TMPDIR" in str(error), size_bytes
                assert not storage.exists(uri)
            else:
                outcomes.add("written")
            assert [entry.name for entry in small_disk.iterdir()] == [FILLER], size_bytes
        if storage.exists(uri):
            storage.get_file(uri, tmp_path / "back" / name)
            assert read(tmp_path / "back" / name) == expected, size_bytes
            storage.delete(uri)
    assert outcomes == {"told", "written"}


def sizes_of(place: Path) -> list[int]:
    return [file.stat().st_size for file in (place.rglob("*") if place.is_dir() else [place])]


def pages(whole: int) -> Iterator[int]:
    """Free bytes of a disk: some of what is needed, then page by page around it, then plenty."""
    yield from (whole * part // EARLIER // PAGE_BYTES * PAGE_BYTES for part in range(EARLIER))
    yield from range(max(0, whole - 3 * PAGE_BYTES), whole + 4 * PAGE_BYTES, PAGE_BYTES)
    yield 4 * whole + (1 << 20)
