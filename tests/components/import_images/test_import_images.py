from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp

from components.core.documents.imagery import TrainingImages
from components.core.errors import ConfigError, DataError, FootprintsError, StorageError, TooManySkippedError
from components.core.figures import Bitmap, RasterMask, Shape, tight_window
from components.core.geometry import Size
from components.core.imagery.reading import describe, read_rgb
from components.core.project import Item, open_project
from components.core.project.history import read_history
from components.import_images.import_images import ImportResult, import_images
from tests.builders import CRS, TRANSFORM, block_mask, files_below, noise, whole, write_raster, write_scene, write_tiled
from tests.odd_files import aux_with, vrt_of

SIZE = Size(60, 90)


def run(root: Path, **options: object) -> tuple[ImportResult, list[Item]]:
    """Import `root`/in with one worker; gives the report and the items."""
    settings = {"data_root": str(root / "data"), "workers": 1, **options}
    report = import_images(str(root / "in"), "", root / "project", **settings)  # type: ignore[arg-type]
    return report, list(open_project(root / "project"))


def mask_of(item: Item) -> np.ndarray:
    canvas = np.zeros((item.size.height, item.size.width), np.uint8)
    for entry in item.objects:
        entry.figure.draw(canvas, 1)
    return canvas.astype(np.bool_)


def image_of(item: Item) -> np.ndarray:
    assert item.image is not None
    return item.image.pixels()


def test_a_tiled_scene_stays_where_it_is(tmp_path: Path) -> None:
    pixels, mask = write_scene(tmp_path / "in", "austin1", SIZE)
    report, (item,) = run(tmp_path)
    assert (item.key, item.size, item.tags, item.extra) == ("ds/austin1", SIZE, (), {})
    assert item.image is not None
    assert item.image.uri == str(tmp_path / "in" / "images" / "austin1.tif")
    assert (item.image.crs, item.image.transform) == (CRS, TRANSFORM)
    (found,) = item.objects
    assert found.class_title == "untitled"
    assert isinstance(found.figure, Bitmap) and isinstance(found.figure.mask, RasterMask)
    assert found.figure.mask.raster.uri == str(tmp_path / "in" / "gt" / "austin1.tif")
    assert found.figure.window == tight_window(mask)
    assert found.figure.area == mask.sum()
    assert (mask_of(item) == mask).all()
    assert (image_of(item) == pixels).all()
    assert not (tmp_path / "data").exists()
    assert (report.items, report.objects, report.kept, report.rewritten) == (1, 1, 2, 0)
    assert report.megapixels == pytest.approx(SIZE.area / 1e6)


def test_the_project_says_what_it_holds(tmp_path: Path) -> None:
    write_scene(tmp_path / "in", "a", SIZE)
    run(tmp_path, project_name="TOWNS", dataset="aerial", class_title="building")
    project = open_project(tmp_path / "project")
    assert (project.meta.name, project.meta.titles) == ("TOWNS", ("building",))
    assert project.meta.classes[0].shape is Shape.BITMAP
    assert project.label(0) == "aerial/a"


FORMATS = {
    "strips.tif": {"crs": CRS, "transform": TRANSFORM},
    "deflated.tif": {"compress": "deflate", "crs": CRS, "transform": TRANSFORM},
    "picture.png": {},
    "large_tiles.TIFF": {"tile": 4096, "compress": "deflate", "crs": CRS, "transform": TRANSFORM},
}


@pytest.mark.parametrize("name", FORMATS)
def test_others_are_rewritten_for_windowed_reading(tmp_path: Path, name: str) -> None:
    size = Size(700, 600)
    pixels, mask = noise(size), block_mask(size)
    georeferenced = "crs" in FORMATS[name]
    write_raster(tmp_path / "in" / "img" / name, pixels, **FORMATS[name])
    write_raster(tmp_path / "in" / "masks" / name, mask.astype(np.uint8), **FORMATS[name])
    report, (item,) = run(tmp_path)
    assert item.image is not None
    info = describe(item.image.uri)
    assert info.is_tiled and info.size == size and info.tile == Size(512, 512)
    assert Path(item.image.uri).parent == tmp_path / "data" / "imagery"
    assert Path(item.image.uri).name.startswith(f"{Path(name).stem}-")
    assert (item.image.crs, item.image.transform) == ((CRS, TRANSFORM) if georeferenced else (None, None))
    assert (info.crs, info.transform) == (item.image.crs, item.image.transform)
    assert (image_of(item) == pixels).all()
    assert (mask_of(item) == mask).all()
    assert (report.rewritten, report.reused, report.kept) == (2, 0, 0)


def test_jpeg_is_rewritten_as_it_decodes(tmp_path: Path) -> None:
    uri = write_raster(tmp_path / "in" / "images" / "a.jpg", noise(SIZE))
    _, (item,) = run(tmp_path)
    assert (image_of(item) == read_rgb(uri, whole(noise(SIZE)))).all()


@pytest.mark.parametrize(
    ("suffix", "bands"), [*((".png", count) for count in (1, 2, 3, 4)), *((".tif", count) for count in (1, 2, 3, 4, 5))]
)
def test_grey_rgb_and_more_bands_become_colours(tmp_path: Path, suffix: str, bands: int) -> None:
    pixels = noise(SIZE, bands=bands)
    write_raster(tmp_path / "in" / "images" / f"a{suffix}", pixels)
    _, (item,) = run(tmp_path)
    expected = pixels[:3] if bands >= 3 else np.repeat(pixels[:1], 3, axis=0)
    assert (image_of(item) == expected).all()
    alpha = suffix == ".png" and bands in (2, 4)  # noise is not an alpha band, whatever a TIFF tags it
    assert describe(item.image.uri).bands == (3 if bands >= 3 else 1) + alpha  # type: ignore[union-attr]


def test_bands_that_say_their_colour_are_put_in_order(tmp_path: Path) -> None:
    pixels = noise(SIZE, bands=4)
    said = (ColorInterp.undefined, ColorInterp.blue, ColorInterp.green, ColorInterp.red)
    write_tiled(tmp_path / "in" / "images" / "a.tif", pixels, interpretation=said)
    _, (item,) = run(tmp_path)
    assert (image_of(item) == pixels[[3, 2, 1]]).all()


def test_a_palette_becomes_its_colours(tmp_path: Path) -> None:
    indices = noise(SIZE, bands=1)[0] % 2
    colours = np.array([(255, 0, 7), (3, 200, 90)], np.uint8)
    table = {index: (*map(int, colour), 255) for index, colour in enumerate(colours)}
    write_raster(tmp_path / "in" / "images" / "a.png", indices, colormap=table)
    _, (item,) = run(tmp_path)
    assert (image_of(item) == np.moveaxis(colours[indices], 2, 0)).all()


def test_16_bits_are_scaled_as_stated(tmp_path: Path) -> None:
    pixels = noise(SIZE, dtype="uint16")
    write_tiled(tmp_path / "in" / "images" / "a.tif", pixels, crs=CRS, transform=TRANSFORM)
    _, (full,) = run(tmp_path, scaling="full")
    assert full.extra == {"scaling": {"mode": "full", "low": 0.0, "high": 65535.0, "dtype": "uint16"}}
    assert (image_of(full) == np.floor(pixels / 257 + 0.5)).all()
    report, (again,) = run(tmp_path, scaling="full")
    assert (again, report.reused) == (full, 1), "the statement survives a run that finds the file"
    report, (other,) = run(tmp_path, scaling="1000,2000")
    assert (other.image != full.image, report.rewritten) == (True, 1), "another scaling is another file"
    assert other.extra["scaling"]["high"] == 2000.0
    assert (image_of(other)[pixels >= 2000] == 255).all()


@pytest.mark.parametrize(
    ("name", "values", "options"),
    [
        ("a.png", block_mask(SIZE).astype(np.uint8), {}),
        ("a.png", np.stack([block_mask(SIZE).astype(np.uint8) * 9] * 3), {}),
        ("a.tif", block_mask(SIZE).astype(np.uint16) * 40_000, {}),
        ("a.tif", np.where(block_mask(SIZE), 0.25, np.nan).astype(np.float32), {}),
        ("a.tif", block_mask(SIZE).astype(np.uint8) * 3, {"tile": 16}),
        ("a.tif", block_mask(SIZE).astype(np.uint8), {"tile": 16, "nodata": 0}),
        (
            "a.png",
            np.stack([block_mask(SIZE).astype(np.uint8), np.full((SIZE.height, SIZE.width), 255, np.uint8)]),
            {"interpretation": (ColorInterp.gray, ColorInterp.alpha)},
        ),
    ],
    ids=["0/1", "RGB", "uint16", "float with NaN", "tiled", "nodata", "opaque alpha"],
)
def test_any_mask_value_above_0_is_the_object(
    tmp_path: Path, name: str, values: np.ndarray, options: dict[str, object]
) -> None:
    write_tiled(tmp_path / "in" / "images" / "a.tif", noise(SIZE))
    write_raster(tmp_path / "in" / "gt" / name, values, **options)
    _, (item,) = run(tmp_path)
    (found,) = item.objects
    assert (mask_of(item) == block_mask(SIZE)).all()
    assert found.figure.area == block_mask(SIZE).sum()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(1, 1100), st.integers(1, 40), st.sampled_from([None, 256]), st.integers(0, 3))
def test_box_and_area_do_not_depend_on_how_a_mask_is_stored(
    tmp_path: Path, seed: int, height: int, width: int, tile: int | None, blocks: int
) -> None:
    shutil.rmtree(tmp_path)
    size = Size(height, width)
    mask = block_mask(size, seed, blocks)
    write_tiled(tmp_path / "in" / "images" / "a.tif", np.zeros((1, height, width), np.uint8))
    write_raster(tmp_path / "in" / "gt" / "a.tif", mask.astype(np.uint8), tile=tile, compress="deflate")
    if not mask.any():
        with pytest.raises(DataError, match="no image has an object: not one of 1 masks holds a pixel of building"):
            run(tmp_path)
        return
    _, (item,) = run(tmp_path)
    assert len(item.objects) == 1
    assert [entry.figure.window for entry in item.objects] == [box for box in [tight_window(mask)] if box]  # type: ignore[attr-defined]
    assert sum(entry.figure.area for entry in item.objects) == mask.sum()
    assert (mask_of(item) == mask).all()


def test_what_has_no_partner_is_listed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_scene(tmp_path / "in", "both", SIZE)
    write_tiled(tmp_path / "in" / "images" / "alone.tif", noise(SIZE))
    write_tiled(tmp_path / "in" / "gt" / "astray.tif", noise(SIZE, bands=1))
    report, items = run(tmp_path, options=TrainingImages(allow_unpaired=True))
    assert [(item.name, len(item.objects)) for item in items] == [("alone", 0), ("both", 1)]
    assert (report.unpaired_images, report.unpaired_masks) == (("alone",), ("astray",))
    assert "1 images have no mask and count as ground without building: alone" in caplog.text
    assert "1 masks have no image and are ignored: astray" in caplog.text


def test_an_image_without_a_mask_is_no_ground_without_buildings(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_scene(tmp_path / "in", name, SIZE)
    (tmp_path / "in" / "gt" / "b.tif").unlink()
    words = r"1 of 3 images skipped, .*images/b\.tif: has no mask of its name; give it, or set allow_unpaired"
    with pytest.raises(TooManySkippedError, match=words):
        run(tmp_path)
    _, items = run(tmp_path, max_bad=1)
    assert [item.name for item in items] == ["a", "c"]


def test_a_run_finds_what_an_earlier_one_wrote(tmp_path: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        write_raster(tmp_path / "in" / "images" / f"{name}.png", noise(SIZE, seed))
        write_raster(tmp_path / "in" / "gt" / f"{name}.png", block_mask(SIZE, seed).astype(np.uint8))
    first, items = run(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.tif")}
    manifest = files_below(tmp_path / "project")
    second, again = run(tmp_path)
    assert (first.rewritten, first.reused, second.rewritten, second.reused) == (4, 0, 0, 4)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.tif")} == before
    assert again == items
    assert files_below(tmp_path / "project") == manifest
    write_raster(tmp_path / "in" / "images" / "b.png", noise(SIZE, 7))
    third, changed = run(tmp_path)
    assert (third.rewritten, third.reused) == (1, 3), "a changed file is another input"
    assert (image_of(changed[1]) == noise(SIZE, 7)).all()


@pytest.mark.parametrize("kept_bytes", [0, 7, -60_000, -1])
def test_a_damaged_file_of_an_earlier_run_is_written_again(tmp_path: Path, kept_bytes: int) -> None:
    write_raster(tmp_path / "in" / "images" / "a.png", noise(SIZE))
    _, (item,) = run(tmp_path)
    assert item.image is not None
    rewritten = Path(item.image.uri)
    rewritten.write_bytes(rewritten.read_bytes()[:kept_bytes])
    report, (again,) = run(tmp_path)
    assert report.rewritten == 1
    assert (image_of(again) == noise(SIZE)).all()


def test_the_manifest_does_not_depend_on_the_workers(tmp_path: Path) -> None:
    for seed, name in enumerate(("vienna2", "austin10", "austin2", "tyrol-w1")):
        write_raster(tmp_path / "in" / "images" / f"{name}.png", noise(SIZE, seed))
        write_raster(tmp_path / "in" / "gt" / f"{name}.tif", block_mask(SIZE, seed).astype(np.uint8))
    manifests = []
    for workers in (1, 2):
        shutil.rmtree(tmp_path / "data", ignore_errors=True)
        run(tmp_path, workers=workers)
        manifests.append((files_below(tmp_path / "project"), files_below(tmp_path / "data")))
    assert manifests[0] == manifests[1]
    names = [item.name for item in open_project(tmp_path / "project")]
    assert names == ["austin10", "austin2", "tyrol-w1", "vienna2"]


def cut(path: Path, share: float = 0.6) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])


def break_image(root: Path) -> None:
    (root / "images" / "a.tif").write_bytes(b"no image at all")


def break_mask(root: Path) -> None:
    (root / "gt" / "a.tif").write_bytes(b"")


def cut_image(root: Path) -> None:
    cut(root / "images" / "a.tif")


def cut_strips(root: Path) -> None:
    cut(Path(write_raster(root / "images" / "a.tif", noise(Size(700, 600)))))
    write_raster(root / "gt" / "a.tif", block_mask(Size(700, 600)).astype(np.uint8))


def cut_mask(root: Path) -> None:
    uri = write_tiled(root / "gt" / "a.tif", noise(SIZE, bands=1), tile=16)
    cut(Path(uri))


def other_size(root: Path) -> None:
    write_tiled(root / "gt" / "a.tif", noise(Size(60, 91), bands=1))


def complex_image(root: Path) -> None:
    write_tiled(root / "images" / "a.tif", noise(SIZE, bands=1).astype(np.complex64))


def complex_mask(root: Path) -> None:
    write_tiled(root / "gt" / "a.tif", noise(SIZE, bands=1).astype(np.complex64))


def swapped_image(root: Path) -> None:
    place = Affine(3e-6, 0, 30.5, 0, -3e-6, 114.3)
    write_tiled(root / "images" / "a.tif", noise(SIZE), crs="EPSG:4326", transform=place)


def colourless_palette(root: Path) -> None:
    write_tiled(root / "images" / "a.tif", noise(SIZE, bands=1), interpretation=[ColorInterp.palette])


def cut_wkt(root: Path) -> None:
    write_raster(root / "images" / "a.tif", noise(SIZE))
    side = aux_with('<SRS>PROJCS["broken</SRS><GeoTransform>500000,1,0,5300000,0,-1</GeoTransform>')
    (root / "images" / "a.tif.aux.xml").write_text(side)


def list_for_an_image(root: Path) -> None:
    (root / "images" / "a.tif").write_text(vrt_of("/etc/passwd"))


def list_for_a_mask(root: Path) -> None:
    (root / "gt" / "a.tif").write_text(vrt_of("/etc/passwd"))


def huge_tile(root: Path) -> None:
    _write_sparse(root / "images" / "a.tif", 20_000, tiled=True, blockxsize=20_000, blockysize=20_000)


def next_to_nothing(root: Path) -> None:
    _write_sparse(root / "gt" / "a.tif", 100_000, tiled=True, blockxsize=512, blockysize=512)


def _write_sparse(file: Path, side: int, **options: object) -> None:
    """A square that takes a few bytes, since no pixel of it is written."""
    profile = {"driver": "GTiff", "height": side, "width": side, "count": 3, "dtype": "uint8", "SPARSE_OK": True}
    with rasterio.open(file, "w", **profile, **options):
        pass


BROKEN = [
    (
        huge_tile,
        r"images/a\.tif: is stored in blocks of 20000×20000 px, each 1\.2 GB when decompressed; write",
    ),
    (next_to_nothing, r"gt/a\.tif: its \d+ bytes decompress to 30\.0 GB, so that it is nearly empty"),
    (swapped_image, r"images/a\.tif: is nowhere on Earth: its latitudes reach 114\.3°"),
    (colourless_palette, r"images/a\.tif: its band is tagged as a palette, and there is no colour table"),
    (cut_wkt, r"images/a\.tif: cannot be opened as a raster: missing .*side files that are whole"),
    (list_for_an_image, r"images/a\.tif: cannot be opened as a raster: it is a text that may name other files"),
    (list_for_a_mask, r"gt/a\.tif: cannot be opened as a raster: it is a text that may name other files"),
    (break_image, r"images/a\.tif: cannot be opened as a raster"),
    (break_mask, r"gt/a\.tif: cannot be opened as a raster"),
    (cut_image, r"images/a\.tif: is truncated: the tile at row 0, column 0 ends at byte"),
    (cut_strips, r"images/a\.tif: rows 0–511, columns 0–599 cannot be read \(.+\); replace the broken file"),
    (cut_mask, r"gt/a\.tif: rows .* cannot be read"),
    (other_size, r"gt/a\.tif: the mask has 60×91 px, its image .*images/a\.tif 60×90 px; give a mask of"),
    (complex_image, r"images/a\.tif: pixels are complex64"),
    (complex_mask, r"gt/a\.tif: pixels are complex64; a mask holds real numbers"),
]


@pytest.mark.parametrize(("damage", "words"), BROKEN, ids=[damage.__name__ for damage, _ in BROKEN])
def test_bad_scenes_are_counted_and_explained(
    tmp_path: Path, damage: object, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b"):
        write_scene(tmp_path / "in", name, SIZE)
    damage(tmp_path / "in")  # type: ignore[operator]
    with pytest.raises(TooManySkippedError, match=f"1 of 2 images skipped, and max_bad allows 0.*: .*{words}"):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name != "in"] in ([], ["data"])
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")], "nothing half-written stays"
    report, items = run(tmp_path, max_bad=1)
    assert [item.name for item in items] == ["b"]
    assert [bad.name for bad in report.skipped] == ["a"]
    assert report.skipped[0].reason in caplog.text


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
@pytest.mark.parametrize("share", [0.5, 0.99])
def test_truncated_pictures_are_found(tmp_path: Path, name: str, share: float) -> None:
    uri = write_raster(tmp_path / "in" / "images" / name, noise(Size(300, 300)))
    cut(Path(uri), share)
    with pytest.raises(TooManySkippedError, match=f"images/{name}: "):
        run(tmp_path)


def test_images_and_masks_may_have_the_longest_names(tmp_path: Path) -> None:
    stems = ["正" * 70, "x" * 251, "y" * 250 + "1", "y" * 250 + "2"]
    expected = {}
    for seed, stem in enumerate(stems):
        expected[stem] = noise(SIZE, seed)
        write_raster(tmp_path / "in" / "images" / f"{stem}.tif", expected[stem])
        mask = block_mask(SIZE, seed).view(np.uint8)
        write_raster(tmp_path / "in" / "gt" / f"{stem}.tif", mask, blockysize=16)
    for reused in (0, 2 * len(stems)):
        report, items = run(tmp_path)
        assert (report.items, report.objects, report.reused, report.skipped) == (len(stems), len(stems), reused, ())
        assert {item.name for item in items} == set(stems)
        assert all((image_of(item) == expected[item.name]).all() for item in items)


def test_a_name_that_is_no_text_is_skipped(tmp_path: Path) -> None:
    write_scene(tmp_path / "in", "a", SIZE)
    for folder in ("images", "gt"):
        file = Path(write_tiled(tmp_path / "in" / folder / "b.tif", noise(SIZE, bands=1)))
        file.rename(file.with_name(os.fsdecode(b"caf\xe9.tif")))
    with pytest.raises(TooManySkippedError, match=r"1 of 2 images .*/caf\\xe9\.tif: its name is not valid UTF-8"):
        run(tmp_path)
    report, items = run(tmp_path, max_bad=1)
    assert [item.name for item in items] == ["a"]
    assert [bad.name for bad in report.skipped] == ["caf\\xe9.tif"]
    assert read_history(tmp_path / "project")[0].skipped[0].name == "caf\\xe9.tif"


def test_a_palette_of_sixteen_bits_becomes_its_colours(tmp_path: Path) -> None:
    indices = noise(SIZE, bands=1, dtype="uint16")
    colours = {index: (index % 251, index // 256, 7, 255) for index in range(1 << 16)}
    write_raster(tmp_path / "in" / "images" / "a.tif", indices, photometric="palette", colormap=colours)
    _, (item,) = run(tmp_path)
    expected = np.stack([indices[0] % 251, indices[0] // 256, np.full_like(indices[0], 7)])
    assert (image_of(item) == expected).all()


def test_a_project_of_bad_scenes_alone_is_none(tmp_path: Path) -> None:
    write_scene(tmp_path / "in", "a", SIZE)
    break_image(tmp_path / "in")
    with pytest.raises(TooManySkippedError, match="1 of 1 image skipped, and max_bad allows 5, but never all: "):
        run(tmp_path, max_bad=5)


def test_many_bad_scenes_are_told_in_part(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(12):
        (tmp_path / "in" / "images").mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / "images" / f"town{number:02}.tif").write_bytes(b"")
    with pytest.raises(TooManySkippedError, match="and 2 more, which the log lists") as caught:
        run(tmp_path)
    assert "town09" in str(caught.value)
    assert "town10" not in str(caught.value)
    assert "skipped: town11" in caplog.text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_bad": -1}, "max_bad: -1 is negative"),
        ({"workers": -2}, "workers: -2 is negative"),
        ({"scaling": "auto"}, "scaling: 'auto'"),
        ({"class_title": ""}, "class_title: is empty"),
        ({"project_name": ""}, "project_name: is empty"),
        ({"data_root": ""}, "data_root: is empty"),
    ],
)
def test_parameters_are_checked(tmp_path: Path, options: dict[str, object], words: str) -> None:
    write_scene(tmp_path / "in", "a", SIZE)
    with pytest.raises(ConfigError, match=words):
        run(tmp_path, **options)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match="in: there is no such folder, or it is empty"):
        run(tmp_path)


def test_a_data_root_that_cannot_be_written_is_not_the_scenes_fault(tmp_path: Path) -> None:
    write_raster(tmp_path / "in" / "images" / "a.png", noise(SIZE))
    (tmp_path / "data").write_text("a file")
    with pytest.raises(FootprintsError, match="data") as caught:
        run(tmp_path, max_bad=1)
    assert not isinstance(caught.value, TooManySkippedError)


@pytest.mark.parametrize("place", ["data", "project"])
def test_a_place_that_cannot_be_written_is_found_before_an_image_is_read(tmp_path: Path, place: str) -> None:
    (tmp_path / "in" / "images").mkdir(parents=True)
    (tmp_path / "in" / "images" / "a.tif").write_text("would fail")
    (tmp_path / place).write_text("a file")
    with pytest.raises(StorageError, match=f"^{tmp_path / place}: cannot write it: Not a directory"):
        run(tmp_path)


def test_counts_are_numbers(tmp_path: Path) -> None:
    write_scene(tmp_path / "in", "a", SIZE)
    report, _ = run(tmp_path)
    counts = json.loads(json.dumps(report.scalars()))
    assert counts["items"] == 1
    assert counts["skipped"] == counts["unpaired_masks"] == 0
