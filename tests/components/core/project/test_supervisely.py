from __future__ import annotations

import base64
import json
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.figures import Bitmap, InlineMask, Point, Polygon, Rectangle, vertices
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery.reading import read_rgb
from components.core.imagery.recipe import Crop, Flip
from components.core.project import Item, open_project, write_manifest
from components.core.project.materialize import Files, materialize
from components.core.project.supervisely_figures import MOST_PNG_BYTES, pack_png, unpack_png
from tests import strategies
from tests.builders import CRS, bitmap_meta, noise, scene_item, whole, write_raster
from tests.components.core.project.test_manifest import META, SIZE, inline, items


def annotation(**changes: object) -> dict[str, object]:
    pixels = np.array([[True, False], [True, True]])
    mask = {
        "bitmap": {"origin": [3, 1], "data": pack_png(pixels)},
        "type": "bitmap",
        "classTitle": "untitled",
        "description": "a roof",
        "tags": ["checked", "checked"],
        "points": {"interior": [], "exterior": []},
        "labelerLogin": "somebody",
    }
    return {
        "tags": ["austin", "test", "austin"],
        "description": "von oben",
        "objects": [mask],
        "size": {"width": 10, "height": 8},
        "customBigData": {"kept": [1, 2.5, None]},
    } | changes


def folder_project(root: Path, data: object, meta: object = None) -> Path:
    """A project of one annotation in the folder format."""
    (root / "ds" / "ann").mkdir(parents=True)
    (root / "meta.json").write_text(json.dumps(bitmap_meta().as_json() if meta is None else meta))
    text = data if isinstance(data, str) else json.dumps(data)
    (root / "ds" / "ann" / "austin1.json").write_text(text)
    return root


def test_an_annotation_is_read_row_first(tmp_path: Path) -> None:
    (item,) = open_project(folder_project(tmp_path / "INRIA", annotation()))
    assert (item.key, item.size, item.image) == ("ds/austin1", Size(8, 10), None)
    assert item.tags == ("austin", "test", "austin"), "repeats are kept"
    assert item.extra == {"customBigData": {"kept": [1, 2.5, None]}}
    (found,) = item.objects
    assert found.figure == Bitmap(1, 3, InlineMask(np.array([[True, False], [True, True]])))
    assert (found.tags, found.description) == (("checked", "checked"), "a roof")
    assert found.extra == {"labelerLogin": "somebody"}


def test_an_annotation_comes_back_as_it_was(tmp_path: Path) -> None:
    project = open_project(folder_project(tmp_path / "INRIA", annotation()))
    materialize(tmp_path / "out", project.meta, project)
    assert json.loads((tmp_path / "out" / "ds" / "ann" / "austin1.json").read_text()) == annotation()
    assert json.loads((tmp_path / "out" / "meta.json").read_text()) == project.meta.as_json()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(items(), min_size=1, max_size=3))
def test_the_folder_format_gives_back_what_reading_makes_of_it(drawn: list[Item]) -> None:
    """Reading brings figures into form; what is in form survives both formats, in either order."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        bare = [replace(inline(item), name=f"item{i}", image=None, rasters={}) for i, item in enumerate(drawn)]
        materialize(root / "first", META, bare)
        in_form = list(open_project(root / "first"))
        write_manifest(root / "manifest", META, in_form)
        materialize(root / "second", META, open_project(root / "manifest"))
        assert list(open_project(root / "second")) == in_form
        for item, read in zip(bare, in_form, strict=True):
            expected = [entry.with_figure(part) for entry in item.objects for part in entry.figure.normalise(SIZE)]
            assert read == item.with_objects(expected)


@given(strategies.sizes(40).flatmap(strategies.masks))
def test_packed_masks_come_back(pixels: np.ndarray) -> None:
    assert (unpack_png(pack_png(pixels), "bitmap") == pixels).all()


@pytest.mark.parametrize("channels", [1, 4])
def test_masks_of_other_makers_are_read(channels: int) -> None:
    pixels = np.zeros((5, 7, channels), np.uint8)
    pixels[1:3, 2:5, channels - 1] = 255
    _, png = cv2.imencode(".png", pixels)
    text = base64.b64encode(zlib.compress(png.tobytes())).decode()
    assert (unpack_png(text, "bitmap") == (pixels[:, :, channels - 1] > 0)).all()


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


def of_bitmap(data: object) -> dict[str, object]:
    return annotation(objects=[{"classTitle": "untitled", "bitmap": {"origin": [0, 0], "data": data}}])


HUGE_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (30_000).to_bytes(4, "big") + (100_000).to_bytes(4, "big") + b"\1\0\0\0\0"

RGB_PNG = cv2.imencode(".png", np.zeros((2, 2, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{", r"austin1\.json: is not JSON"),
        ("[]", r"austin1\.json: an annotation is a JSON object, not list"),
        (annotation(size=None), "size: None does not hold"),
        (annotation(size={"width": 3}), "does not hold whole numbers"),
        (annotation(size={"width": 3, "height": 0}), "size: 0×3 holds no pixel"),
        (annotation(objects=[3]), r"objects\[0\]: an object is a JSON object"),
        (annotation(objects=[{"classTitle": "car"}]), r"objects\[0\].classTitle: 'car' is not a class of meta.json"),
        (annotation(objects=[{"classTitle": "untitled"}]), r"objects\[0\].bitmap: None is not an object with `origin`"),
        (of_bitmap("%%%"), r"objects\[0\].bitmap.data: is not base64"),
        (of_bitmap(packed(b"no image")), "data: is not a PNG"),
        (of_bitmap(packed(RGB_PNG)), "three colour channels"),
        (of_bitmap(base64.b64encode(zlib.compress(RGB_PNG)[:-6]).decode()), r"\.data: is not base64 of zlib of a PNG"),
        (
            of_bitmap(packed(bytes(MOST_PNG_BYTES + 1))),
            r"\.data: unpacks to more than 64 MiB; keep such masks as rasters",
        ),
        (of_bitmap(packed(HUGE_PNG)), r"\.data: is a PNG of 100000×30000 px, and an object has 268435456 at most"),
    ],
)
def test_broken_annotations_are_explained(tmp_path: Path, data: object, words: str) -> None:
    project = open_project(folder_project(tmp_path / "INRIA", data))
    assert project.label(0) == "ds/austin1"
    with pytest.raises(DataError, match=words):
        project.item(0)


@pytest.mark.parametrize(
    ("shape", "points", "expected"),
    [
        ("rectangle", [[1, 2], [5, 4]], [Rectangle(2, 1, 4, 5)]),
        ("rectangle", [[5, 4], [1, 2]], [Rectangle(2, 1, 4, 5)]),
        ("point", [[10, 3]], [Point(3, 10)]),
        ("point", [], []),
        ("polygon", [[0, 0], [4, 0], [4, 3]], [Polygon(vertices([(0, 0), (0, 4), (3, 4)]))]),
    ],
)
def test_the_class_decides_how_points_are_read(
    tmp_path: Path, shape: str, points: list[list[int]], expected: list[object]
) -> None:
    meta = {"classes": [{"title": "a", "shape": shape, "color": "#000000"}]}
    entry = {"classTitle": "a", "type": "whatever", "points": {"exterior": points, "interior": []}}
    (item,) = open_project(folder_project(tmp_path / "p", annotation(objects=[entry]), meta))
    assert [found.figure for found in item.objects] == expected


def test_images_without_an_annotation_are_items(tmp_path: Path) -> None:
    root = folder_project(tmp_path / "INRIA", annotation())
    write_raster(root / "ds" / "img" / "vienna2.PNG", noise(Size(5, 6)))
    (root / "ds" / "img" / "notes.txt").write_text("no image")
    found = list(open_project(root))
    assert [item.name for item in found] == ["austin1", "vienna2"]
    assert (found[1].size, found[1].objects) == (Size(5, 6), ())


def test_real_crops_are_written(tmp_path: Path) -> None:
    item = scene_item(tmp_path, "austin1", Size(60, 80))
    window = Window(5, 7, 20, 30)
    crops = [
        Item(
            "ds",
            f"crop{axis}",
            window.size,
            item.image.then(Crop(window)).then(Flip(axis)),  # type: ignore[union-attr]
            objects=tuple(
                entry.with_figure(part.flip(axis, window.size))
                for entry in item.objects
                for part in entry.figure.crop(window)
            ),
        )
        for axis in FlipAxis
    ]
    assert materialize(tmp_path / "out", bitmap_meta(), crops) == 2
    for crop, read in zip(sorted(crops, key=lambda item: item.name), open_project(tmp_path / "out"), strict=True):
        assert read.image is not None and crop.image is not None
        assert (read.image.pixels() == crop.image.pixels()).all()
        assert read.objects == crop.objects
        assert isinstance(read.objects[0].figure.mask, InlineMask)  # type: ignore[attr-defined]
        assert read.image.crs == CRS
        assert read.image.item_transform == crop.image.item_transform


def test_a_whole_picture_is_copied(tmp_path: Path) -> None:
    pixels = noise(Size(9, 9))
    source = write_raster(tmp_path / "in" / "ds" / "img" / "a.jpg", pixels)
    (tmp_path / "in" / "meta.json").write_text(json.dumps(bitmap_meta().as_json()))
    project = open_project(tmp_path / "in")
    materialize(tmp_path / "out", project.meta, project)
    assert (tmp_path / "out" / "ds" / "img" / "a.jpg").read_bytes() == Path(source).read_bytes()
    materialize(tmp_path / "bare", project.meta, project, Files(images=False))
    assert not (tmp_path / "bare" / "ds" / "img").exists()


def test_a_picture_that_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    item = scene_item(tmp_path / "in", "austin1", Size(30, 30))
    (tmp_path / "in" / "images" / "austin1.tif").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"austin1\.tif: cannot be opened"):
        materialize(tmp_path / "out", bitmap_meta(), [item])
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_digest_follows_annotations(tmp_path: Path) -> None:
    one = open_project(folder_project(tmp_path / "1" / "INRIA", annotation()))
    same = open_project(folder_project(tmp_path / "2" / "INRIA", annotation()))
    other = open_project(folder_project(tmp_path / "3" / "INRIA", annotation(tags=[])))
    assert one.digest() == same.digest() != other.digest()


def test_pixels_of_a_read_project(tmp_path: Path) -> None:
    pixels = noise(Size(8, 10))
    root = folder_project(tmp_path / "INRIA", annotation())
    uri = write_raster(root / "ds" / "img" / "austin1.png", pixels)
    (item,) = open_project(root)
    assert item.image is not None
    assert (item.image.pixels() == read_rgb(uri, whole(pixels))).all()
