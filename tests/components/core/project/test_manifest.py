from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.figures import Bitmap, RasterMask, Shape
from components.core.geometry import FlipAxis, Size, Window
from components.core.hashing import digest
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Crop, Flip, Recipe
from components.core.project import (
    ClassInfo,
    ImageRef,
    Item,
    ManifestProject,
    Object,
    ProjectMeta,
    manifest_writer,
    open_project,
    write_manifest,
)
from components.core.project import manifest as manifest_module
from components.core.storage import counted
from tests import strategies
from tests.builders import CRS, TRANSFORM, bitmap_meta, files_below

SIZE = Size(24, 24)
META = ProjectMeta(
    "INRIA",
    tuple(ClassInfo.with_own_color(f"a {shape} ü", shape) for shape in Shape),
    ("austin", "train"),
    ("checked",),
)
EXTRA = {"unknown": [1, {"deep": None}], "überhaupt": "ja"}

tags = st.lists(st.sampled_from(["austin", "train", "train", "ö"]), max_size=4).map(tuple)
extras = st.sampled_from([{}, EXTRA])


@st.composite
def items(draw: st.DrawFn, number: int = 0) -> Item:
    image = None
    if draw(st.booleans()):
        georeference = draw(st.sampled_from([(None, None), (CRS, TRANSFORM), (None, TRANSFORM)]))
        recipe = Recipe(Window(3, 4, SIZE.height, SIZE.width), draw(st.booleans()), draw(st.booleans()))
        image = ImageRef("s3://bucket/a b.tif", Size(90, 80), recipe, *georeference)
    found = draw(st.lists(strategies.figures(SIZE), max_size=3))
    if draw(st.booleans()):
        recipe = Recipe(draw(strategies.windows(SIZE))).then(Flip(FlipAxis.UP_DOWN))
        value = draw(st.sampled_from([None, 0, 7]))
        found.append(Bitmap(0, 0, RasterMask(MaskRaster("s3://bucket/gt.tif", value), recipe, 3)))
    objects = tuple(
        Object(f"a {figure.shape} ü", figure, draw(tags), draw(st.sampled_from(["", "x"])), draw(extras))
        for figure in found
    )
    rasters = draw(st.sampled_from([{}, {"probability": "s3://b/p.tif", "confidence": "c.tif"}]))
    return Item("ds", f"item{number}", SIZE, image, draw(tags), "über", objects, rasters, draw(extras))


def raster_masks(item: Item) -> list[tuple[object, ...]]:
    masks = [entry.figure.mask for entry in item.objects if isinstance(entry.figure, Bitmap)]
    return [(mask.raster, mask.recipe, mask.area) for mask in masks if isinstance(mask, RasterMask)]


def inline(item: Item) -> Item:
    """Without the objects whose comparison would read a raster."""
    kept = [e for e in item.objects if not (isinstance(e.figure, Bitmap) and isinstance(e.figure.mask, RasterMask))]
    return item.with_objects(kept)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(items(), max_size=3))
def test_the_manifest_gives_back_what_it_was_given(drawn: list[Item]) -> None:
    written = [replace(item, name=f"item{number}") for number, item in enumerate(drawn)]
    with tempfile.TemporaryDirectory() as folder:
        assert write_manifest(Path(folder) / "project", META, written) == len(written)
        project = open_project(Path(folder) / "project")
        read = list(project)
        again = Path(folder) / "again"
        write_manifest(again, project.meta, read)
        assert files_below(again) == files_below(Path(folder) / "project")
        assert [project.label(i) for i in range(len(project))] == [item.key for item in written]
        assert [inline(project.item(i)) for i in range(len(project))] == [inline(item) for item in written]
        assert list(project.item_tags()) == [item.tags for item in written]
    assert project.meta == META
    assert [inline(item) for item in read] == [inline(item) for item in written]
    assert [raster_masks(item) for item in read] == [raster_masks(item) for item in written]


def tiny_items(count: int) -> list[Item]:
    image = ImageRef.whole("a.tif", Size(5000, 5000))
    return [
        Item("ds", f"crop{i}", Size(1, 1), image.then(Crop(Window(i % 5000, i // 5000, 1, 1))), ("train",) * (i % 3))
        for i in range(count)
    ]


def test_opening_a_large_project_reads_footers_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 20_000
    monkeypatch.setattr(manifest_module, "PART_ROWS", 5_120)
    write_manifest(tmp_path / "large", bitmap_meta(), tiny_items(count))
    groups: list[tuple[str, int]] = []
    read = pq.ParquetFile.read_row_group

    def counted(self: pq.ParquetFile, index: int, *args: object, **options: object) -> object:
        groups.append((str(self.metadata), index))
        return read(self, index, *args, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    project = open_project(tmp_path / "large")
    assert isinstance(project, ManifestProject)
    assert len(project.parts) == 4
    assert len(project) == count
    assert groups == [], "nothing was loaded"
    for index in (0, 1023, 1024, 5119, 5120, count - 1):
        assert project.item(index).name == f"crop{index}"
    assert len(groups) == 5, "one row group for each that was asked for"
    streamed = iter(project)
    assert next(streamed).name == "crop0"
    assert len(groups) == 6, "a stream begins with its first row group alone"


def test_many_objects_close_a_row_group_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_module, "GROUP_OBJECTS", 10)
    bitmap = Bitmap.of_pixels(np.ones((2, 2), np.bool_))
    assert bitmap is not None
    crowded = [Item("ds", f"{i}", Size(4, 4), objects=(Object("untitled", bitmap),) * 4) for i in range(7)]
    write_manifest(tmp_path / "p", bitmap_meta(), crowded)
    footer = pq.read_metadata(tmp_path / "p" / "items-00000.parquet")
    assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == [3, 3, 1]
    assert list(open_project(tmp_path / "p")) == crowded


def test_an_empty_project_is_a_project(tmp_path: Path) -> None:
    assert write_manifest(tmp_path / "p", META, []) == 0
    project = open_project(tmp_path / "p")
    assert (len(project), list(project), list(project.item_tags()), project.meta) == (0, [], [], META)
    with pytest.raises(IndexError, match="item 0 of 0"):
        project.item(0)


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    several = tiny_items(3)
    write_manifest(tmp_path / "a", META, several)
    write_manifest(tmp_path / "b", META, several)
    write_manifest(tmp_path / "c", META, [*several[:2], replace(several[2], tags=("other",))])
    one, same, other = (open_project(tmp_path / name).digest() for name in "abc")
    assert one == same != other


def test_the_digest_reads_every_file_once_and_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_module, "PART_ROWS", 2)
    monkeypatch.setattr(manifest_module, "GROUP_ROWS", 2)
    write_manifest(tmp_path / "p", META, tiny_items(5))
    files = [tmp_path / "p" / "meta.json", *sorted((tmp_path / "p").glob("items-*.parquet"))]
    whole = digest(*(file.read_bytes() for file in files))
    assert len(files) == 4
    monkeypatch.setattr(manifest_module, "CHUNK_BYTES", 100)
    project = open_project(tmp_path / "p")
    with counted() as moved:
        assert project.digest() == project.digest() == whole
    assert moved.traffic.local_read_bytes == sum(file.stat().st_size for file in files)


def test_meta_may_change_while_items_are_added(tmp_path: Path) -> None:
    with manifest_writer(tmp_path / "p", META) as writer:
        writer.add(tiny_items(1)[0])
        writer.meta = writer.meta.with_image_tag("late")
    assert open_project(tmp_path / "p").meta.tags_images == ("austin", "train", "late")


def test_an_error_leaves_the_old_project(tmp_path: Path) -> None:
    write_manifest(tmp_path / "p", META, tiny_items(2))
    before = files_below(tmp_path)
    with pytest.raises(RuntimeError), manifest_writer(tmp_path / "p", META) as writer:
        writer.add(tiny_items(1)[0])
        raise RuntimeError
    assert files_below(tmp_path) == before


def broken_meta(change: object) -> object:
    def break_it(directory: Path) -> None:
        file = directory / "meta.json"
        data = json.loads(file.read_text())
        change(data)  # type: ignore[operator]
        file.write_text(json.dumps(data))

    return break_it


def cut_part(directory: Path) -> None:
    file = directory / "items-00000.parquet"
    file.write_bytes(file.read_bytes()[:-20])


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda d: (d / "meta.json").unlink(), "meta.json: is missing, so this is not a project"),
        (lambda d: (d / "meta.json").write_text("{"), "meta.json: is not JSON"),
        (lambda d: (d / "items-00000.parquet").unlink(), "says 2 items and the parts hold 0"),
        (cut_part, "items-00000.parquet: its footer cannot be read"),
        (broken_meta(lambda data: data.update(version=99)), "version 99 is neither 1 nor 2"),
        (broken_meta(lambda data: data.pop("classes")), "a list `classes` is missing"),
        (broken_meta(lambda data: data.update(classes=[{"title": "a"}])), r"classes\[0\].shape: None is not one of"),
        (broken_meta(lambda data: data.update(classes=[7])), r"classes\[0\]: a class needs a title"),
        (broken_meta(lambda data: data["classes"][0].update(color="red")), r"classes\[0\].color: 'red'"),
        (broken_meta(lambda data: data.update(classes=data["classes"] * 2)), "is listed twice"),
    ],
)
def test_broken_manifests_are_explained(tmp_path: Path, break_it: object, words: str) -> None:
    write_manifest(tmp_path / "p", META, tiny_items(2))
    break_it(tmp_path / "p")  # type: ignore[operator]
    with pytest.raises(DataError, match=words):
        open_project(tmp_path / "p")


def test_a_place_without_a_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: there is no such directory"):
        open_project(tmp_path / "nowhere")


def test_a_damaged_row_group_is_named_when_it_is_read(tmp_path: Path) -> None:
    write_manifest(tmp_path / "p", META, tiny_items(2000))
    file = tmp_path / "p" / "items-00000.parquet"
    data = bytearray(file.read_bytes())
    data[4 : len(data) // 2] = bytes(len(data) // 2 - 4)
    file.write_bytes(data)
    project = open_project(tmp_path / "p")
    with pytest.raises(DataError, match=r"items-00000\.parquet: row group 0 cannot be read"):
        project.item(0)


def test_merging_metas() -> None:
    one = ProjectMeta("a", (ClassInfo("x", Shape.BITMAP, "#000000"),), ("t",), ("o",))
    two = ProjectMeta("b", (ClassInfo("y", Shape.LINE, "#ffffff"), *one.classes), ("u", "t"), ())
    merged = one.merged(two)
    assert (merged.name, merged.titles) == ("a", ("x", "y"))
    assert (merged.tags_images, merged.tags_objects) == (("t", "u"), ("o",))
    with pytest.raises(DataError, match="'x' is a bitmap in project 'a' and a point in 'c'"):
        one.merged(ProjectMeta("c", (ClassInfo("x", Shape.POINT, "#000000"),)))


@pytest.mark.parametrize(
    "uri", ["/vsicurl/http://host/a.tif", "GTIFF_DIR:1:/etc/a.tif", "<VRTDataset/>", "http://host/a.tif"]
)
@pytest.mark.parametrize("place", ["image", "mask", "rasters"])
def test_an_item_that_leads_elsewhere_is_refused_when_it_is_read(tmp_path: Path, uri: str, place: str) -> None:
    item = Item("ds", "a", SIZE)
    if place == "image":
        item = replace(item, image=ImageRef.whole(uri, SIZE))
    elif place == "mask":
        mask = RasterMask(MaskRaster(uri), Recipe(Window.of_size(SIZE)), 5)
        item = item.with_objects([Object(META.titles[0], Bitmap(0, 0, mask))])
    else:
        item = replace(item, rasters={"classes": uri})
    write_manifest(tmp_path / "p", META, [replace(item, name="b", image=None, objects=(), rasters={}), item])
    project = open_project(tmp_path / "p")
    assert project.label(1) == "ds/a"
    assert project.item(0).name == "b"
    with pytest.raises(DataError, match=r"a raster of a project's item: .*give a local path"):
        project.item(1)
