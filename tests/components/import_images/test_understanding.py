"""What an import makes of pixels that are easily misread: turned, in another order, inverted, with odd values."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp

from components.core import storage
from components.core.errors import ConfigError, TooManySkippedError
from components.core.geometry import Size
from components.core.imagery import read_validity
from components.core.imagery.reading import describe
from components.core.imagery.recipe import Recipe
from components.core.project import Item, open_project
from components.import_images import image_survey
from components.import_images.import_images import ImportResult, import_images
from tests.builders import CRS, TRANSFORM, block_mask, noise, write_raster, write_tiled
from tests.s3_server import S3Server

SIZE = Size(120, 160)


def run(root: Path, images: str = "", **options: object) -> tuple[ImportResult, Item]:
    """Import one scene in `root`/in or elsewhere; gives the report and the item."""
    settings: dict[str, Any] = {"data_root": str(root / "data"), "workers": 1, **options}
    report = import_images(images or str(root / "in"), "", root / "project", **settings)
    (item,) = open_project(root / "project")
    return report, item


def image_of(item: Item) -> np.ndarray:
    assert item.image is not None
    return item.image.pixels()


def valid_of(item: Item) -> np.ndarray:
    assert item.image is not None
    return read_validity(item.image.uri, Recipe.whole(item.size))


def reflectances() -> np.ndarray:
    """(3, H, W) float32 from 0 to 1: as imagery has them, and never quite 0."""
    return np.random.default_rng(0).gamma(6, 0.05, (3, SIZE.height, SIZE.width)).astype(np.float32)


def percentiles(pixels: np.ndarray) -> list[float]:
    return np.quantile(pixels, [0.005, 0.995], method="inverted_cdf").tolist()


def stretch_of(item: Item) -> list[float]:
    return [item.extra["scaling"]["low"], item.extra["scaling"]["high"]]


@pytest.mark.parametrize("sampled", [image_survey.SAMPLED, 2000])
@pytest.mark.parametrize("hot", [1e30, -3e38, 1e-30, np.inf])
def test_a_hot_pixel_does_not_set_the_scaling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hot: float, sampled: int
) -> None:
    monkeypatch.setattr(image_survey, "SAMPLED", sampled)
    pixels = reflectances()
    expected = percentiles(pixels)
    pixels[1, 5, 5] = hot
    write_tiled(tmp_path / "in" / "a.tif", pixels)

    _, item = run(tmp_path)

    assert stretch_of(item) == pytest.approx(expected, abs=1e-3)
    assert valid_of(item).sum() == SIZE.area - (not np.isfinite(hot))


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [
        ("float32", -9999),
        ("float32", -3.4028234663852886e38),
        ("float32", 1e20),
        ("float64", -123456),
        ("uint16", 65535),
        ("int16", -32768),
        ("int16", -9999),
        ("int32", -9999),
        ("uint32", 4294967295),
    ],
)
def test_an_undeclared_fill_is_left_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, dtype: str, fill: float
) -> None:
    scale = 1 if dtype.startswith("float") else 1000
    pixels = (reflectances() * scale).astype(dtype)
    pixels[:, :, :8] = fill
    pixels[0, 60, 100] = fill  # in one band alone it may be anything
    write_tiled(tmp_path / "in" / "a.tif", pixels)

    _, item = run(tmp_path)

    assert stretch_of(item) == pytest.approx(percentiles(pixels[:, :, 8:]), rel=5e-3)
    assert (valid_of(item) == (np.arange(SIZE.width) >= 8)).all()
    message = f"a: 5.0% of its values are {fill:g}, far from all others: they count as nodata"
    assert message in caplog.text
    caplog.clear()
    report, again = run(tmp_path)
    assert (report.reused, again) == (1, item)
    assert message in caplog.text, "it is said of a scene that an earlier run rewrote, too"


def test_dark_and_saturated_pixels_are_no_fill(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pixels = (reflectances() * 3000).astype(np.uint16)
    pixels[:, :40] = 0
    pixels[:, 80:, :60] = 9000  # roofs in the sun
    write_tiled(tmp_path / "in" / "a.tif", pixels)

    _, item = run(tmp_path)

    assert stretch_of(item) == [0, 9000]
    assert "no data" not in caplog.text
    assert not describe(item.image.uri).is_masked  # type: ignore[union-attr]


@pytest.mark.parametrize("scaling", ["percentile", "0,1"])
def test_nan_is_no_data(tmp_path: Path, scaling: str) -> None:
    pixels = reflectances()
    pixels[:, :, :50] = np.nan
    pixels[2, :10] = np.nan
    write_tiled(tmp_path / "in" / "a.tif", pixels)

    _, item = run(tmp_path, scaling=scaling)

    expected = np.ones((SIZE.height, SIZE.width), np.bool_)
    expected[:, :50] = expected[:10] = False
    assert (valid_of(item) == expected).all()


def nir_as_alpha(path: Path, side: int) -> np.ndarray:
    pixels = noise(Size(side, side), bands=4)
    pixels[3] = np.maximum(pixels[3], 1)
    pixels[3, : side // 2, : side // 2] = 0
    write_tiled(path, pixels, tile=256, interpretation=(*COLOURS, ColorInterp.alpha))
    return pixels


COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


@pytest.mark.parametrize("side", [200, 1500])
def test_near_infrared_that_is_tagged_alpha_is_no_mask(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, side: int
) -> None:
    pixels = nir_as_alpha(tmp_path / "in" / "a.tif", side)

    report, item = run(tmp_path)

    assert report.kept == 1
    assert (image_of(item) == pixels[:3]).all()
    assert not describe(item.image.uri).is_masked  # type: ignore[union-attr]
    assert valid_of(item).all()
    assert "a: band 4 is tagged alpha, but" in caplog.text


def test_near_infrared_beside_16_bits_is_no_mask_either(tmp_path: Path) -> None:
    pixels = noise(SIZE, bands=4, dtype="uint16")
    pixels[3, :50] = 0
    interpretation = (*COLOURS, ColorInterp.alpha)
    write_tiled(tmp_path / "in" / "a.tif", pixels, photometric="rgb", interpretation=interpretation)
    _, item = run(tmp_path)
    assert describe(item.image.uri).bands == 3  # type: ignore[union-attr]
    assert valid_of(item).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("bands", ["1,2,3,4", ""])
def test_an_alpha_band_behind_near_infrared_is_a_mask(tmp_path: Path, dtype: str, bands: str) -> None:
    pixels = noise(SIZE, bands=5, dtype=dtype)
    pixels[4] = np.iinfo(dtype).max
    pixels[4, :50] = 0
    interpretation = (*COLOURS, ColorInterp.undefined, ColorInterp.alpha)
    write_tiled(tmp_path / "in" / "a.tif", pixels, photometric="rgb", alpha="no", interpretation=interpretation)
    _, item = run(tmp_path, bands=bands)
    assert item.image is not None and describe(item.image.uri).is_masked
    assert (valid_of(item) == (np.arange(SIZE.height) >= 50)[:, np.newaxis]).all()


def test_an_alpha_band_with_soft_edges_is_a_mask(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pixels = noise(Size(1500, 1500), bands=4)
    pixels[3] = 255
    pixels[3, :, :300] = 0
    pixels[3, :, 300] = 130
    write_tiled(tmp_path / "in" / "a.tif", pixels, tile=256, interpretation=(*COLOURS, ColorInterp.alpha))

    _, item = run(tmp_path)

    assert (valid_of(item) == (np.arange(1500) >= 300)).all()
    assert "alpha" not in caplog.text


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("blue", "green", "red", "nir"), [2, 1, 0]),
        (("Coastal Blue", "Blue", "Green", "Yellow", "Red", "Red Edge", "NIR"), [4, 2, 1]),
        (("coastal_blue", "blue", "green_i", "green", "yellow", "red", "rededge", "nir"), [5, 3, 1]),
        (("B4 (Red)", "B3 (Green)", "B2 (Blue)"), [0, 1, 2]),
        (("red", "red edge", "nir"), [0, 1, 2]),
        (("B2", "B3", "B4", "B8"), [0, 1, 2]),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_bands_are_put_in_order_by_their_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, names: tuple[str, ...], order: list[int], dtype: str
) -> None:
    caplog.set_level(logging.INFO)
    pixels = noise(SIZE, bands=len(names), dtype=dtype)
    write_tiled(tmp_path / "in" / "a.tif", pixels)
    with rasterio.open(tmp_path / "in" / "a.tif", "r+") as out:
        out.descriptions = names

    _, item = run(tmp_path, scaling="full")

    shown = pixels[order] if dtype == "uint8" else np.floor(pixels[order] / 257 + 0.5)
    assert (image_of(item) == shown).all()
    numbers = ", ".join(str(index + 1) for index in order)
    assert f"1 of 1 images: red, green and blue are bands {numbers} of {len(names)}, by their " in caplog.text
    assert "colours" not in item.extra


def test_the_user_says_which_bands(tmp_path: Path) -> None:
    pixels = noise(SIZE, bands=4)
    write_tiled(tmp_path / "in" / "a.tif", pixels)
    _, plain = run(tmp_path)
    report, turned = run(tmp_path, bands="3, 2,1")
    assert (image_of(turned) == pixels[[2, 1, 0]]).all()
    assert (report.rewritten, turned.image != plain.image) == (1, True)
    report, infrared = run(tmp_path, bands="4,1,2")
    assert infrared.extra == {"colours": "bands 4, 1, 2"}
    assert (image_of(infrared) == pixels[[3, 0, 1]]).all()
    assert (report.rewritten, infrared.image != turned.image) == (1, True), "other bands are another file"
    _, grey = run(tmp_path, bands="4")
    assert (image_of(grey) == pixels[[3, 3, 3]]).all()
    assert grey.extra == {"colours": "grey"}
    assert run(tmp_path, bands="3,2,1")[0].reused == 1
    with pytest.raises(TooManySkippedError, match="has 4 bands, and bands asks for 5,2,1; give numbers up to 4"):
        run(tmp_path, bands="5,2,1")


@pytest.mark.parametrize("bands", ["0,1,2", "1,2", "1,2,3,4,", "red", "1,,2", "3;2;1", ","])
def test_bands_that_are_none_are_refused(tmp_path: Path, bands: str) -> None:
    write_tiled(tmp_path / "in" / "a.tif", noise(SIZE))
    with pytest.raises(ConfigError, match=r"bands: '.*' cannot be parsed; give the numbers"):
        run(tmp_path, bands=bands)


@pytest.mark.parametrize(("dtype", "scale"), [("uint8", 1), ("uint16", 257)])
def test_where_the_least_value_is_white_pixels_are_inverted(tmp_path: Path, dtype: str, scale: int) -> None:
    pixels = noise(SIZE, bands=1)
    write_tiled(tmp_path / "in" / "a.tif", pixels.astype(dtype) * scale, photometric="miniswhite")
    _, item = run(tmp_path, scaling="full")
    assert (image_of(item) == 255 - pixels).all()


@pytest.mark.parametrize(
    ("dtype", "value", "nodata", "said"),
    [
        ("float32", np.nan, None, "none of its pixels holds data"),
        ("uint16", 7, 7, "none of its pixels holds data"),
        ("float32", 0.25, None, "nearly constant image (0.25)"),
        ("uint16", 1000, None, "nearly constant image (1000)"),
    ],
)
def test_an_image_that_shows_nothing_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, dtype: str, value: float, nodata: float | None, said: str
) -> None:
    pixels = np.full((3, SIZE.height, SIZE.width), value, dtype)
    write_tiled(tmp_path / "in" / "a.tif", pixels, nodata=nodata)
    for _ in range(2):  # when it is rewritten, and when that is used again
        caplog.clear()
        run(tmp_path)
        assert f"a: {said}" in caplog.text


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_the_log_says_which_images_were_turned(tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str) -> None:
    caplog.set_level(logging.INFO)
    write_turned(tmp_path / "in" / f"a{suffix}", 3)
    run(tmp_path)
    assert "1 of 1 images: red, green and blue are bands 1, 2, 3 of 3, by their tags; turned upright" in caplog.text


def write_turned(path: Path, orientation: int, size: Size = SIZE) -> np.ndarray:
    """A picture that viewers turn; gives what they show, as (H, W, 3)."""
    rows, columns = np.mgrid[: size.height, : size.width]
    stored = np.stack([rows, columns, (rows * columns) % 200], axis=2).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[274] = orientation
    picture = Image.fromarray(stored)
    options: dict[str, Any] = {"tiffinfo": {274: orientation}} if path.suffix == ".tif" else {"exif": exif}
    picture.save(path, **options, **({"quality": 100, "subsampling": 0} if path.suffix == ".jpg" else {}))
    turned = {1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1], 5: stored.swapaxes(0, 1)}
    turned |= {6: np.rot90(stored, -1), 7: stored[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(stored)}
    return turned[orientation]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_brought_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    expected = write_turned(tmp_path / "in" / f"a{suffix}", orientation, Size(100, 70))
    _, item = run(tmp_path)
    assert (item.size.height, item.size.width) == expected.shape[:2]
    difference = np.abs(np.moveaxis(image_of(item), 0, 2).astype(int) - expected)
    assert difference.max() <= (6 if suffix == ".jpg" else 0)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_a_picture_of_several_tiles_is_turned(tmp_path: Path, suffix: str) -> None:
    expected = write_turned(tmp_path / "in" / f"a{suffix}", 6, Size(700, 1300))
    _, item = run(tmp_path)
    assert describe(item.image.uri).size == Size(1300, 700)  # type: ignore[union-attr]
    assert np.abs(np.moveaxis(image_of(item), 0, 2).astype(int) - expected).mean() < 2


def test_a_mask_of_the_upright_picture_fits_and_one_of_the_stored_pixels_does_not(tmp_path: Path) -> None:
    write_turned(tmp_path / "in" / "images" / "a.jpg", 6)
    upright = Size(SIZE.width, SIZE.height)
    write_raster(tmp_path / "in" / "masks" / "a.png", block_mask(upright).astype(np.uint8))
    _, item = run(tmp_path)
    assert (item.size, len(item.objects)) == (upright, 1)
    write_raster(tmp_path / "in" / "masks" / "a.png", block_mask(SIZE).astype(np.uint8))
    with pytest.raises(TooManySkippedError, match=r"has 120×160 px, its image .* 160×120 px when it is turned"):
        run(tmp_path)
    write_turned(tmp_path / "in" / "masks" / "a.png", 6)
    with pytest.raises(TooManySkippedError, match="orientation tag that turns it; save it upright"):
        run(tmp_path)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_picture_keeps_its_place(tmp_path: Path, orientation: int) -> None:
    expected = write_turned(tmp_path / "in" / "a.jpg", orientation)
    (tmp_path / "in" / "a.jgw").write_text("0.5\n0\n0\n-0.5\n500000.25\n5299999.75\n")
    _, item = run(tmp_path)
    assert item.image is not None and item.image.transform is not None
    for row, column in ((0, 0), (5, 30), (70, 100)):
        stored_row, stored_column = (int(value) for value in expected[row, column, :2])
        x, y = item.image.transform @ (column + 0.5, row + 0.5)
        found = (round((5_300_000 - y) / 0.5 - 0.5), round((x - 500_000) / 0.5 - 0.5))
        assert found == pytest.approx((stored_row, stored_column), abs=3)  # JPEG's colours


def test_an_orientation_that_is_none_is_passed_over(tmp_path: Path) -> None:
    write_turned(tmp_path / "in" / "a.png", 6)
    content = (tmp_path / "in" / "a.png").read_bytes()
    for cut in (b"eXIf" + b"\xff" * 10, b"eXIfII*\x00\xff\xff\xff\xff"):
        at = content.index(b"eXIf")
        (tmp_path / "in" / "a.png").write_bytes(content[:at] + cut + content[at + len(cut) :])
        _, item = run(tmp_path)
        assert item.size == SIZE


def test_a_changed_file_beside_an_image_is_a_changed_image(tmp_path: Path) -> None:
    write_raster(tmp_path / "in" / "a.png", noise(SIZE))
    world = "0.5\n0\n0\n-0.5\n{}\n5299999.75\n"
    (tmp_path / "in" / "a.pgw").write_text(world.format(500_000.25))
    _, before = run(tmp_path)
    assert run(tmp_path)[0].reused == 1
    (tmp_path / "in" / "a.pgw").write_text(world.format(500_100.25))

    report, after = run(tmp_path)

    assert report.rewritten == 1
    assert before.image is not None and after.image is not None
    assert before.image.transform is not None and after.image.transform is not None
    assert (after.image.transform.c - before.image.transform.c) == 100
    assert describe(after.image.uri).transform == after.image.transform


def test_what_is_said_beside_images_counts_in_object_storage_as_on_disk(
    tmp_path: Path, s3_environment: S3Server
) -> None:
    write_raster(tmp_path / "in" / "a.tif", noise(SIZE), tile=16)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(tmp_path / "in" / "a.tif", "r+") as out:
        out.write_mask(block_mask(SIZE).astype(np.uint8) * 255)
    (tmp_path / "in" / "a.tfw").write_text("0.3\n0\n0\n-0.3\n500000.15\n5299999.85\n")
    (tmp_path / "in" / "a.prj").write_text(rasterio.crs.CRS.from_string(CRS).to_wkt(version="WKT1_ESRI"))
    bucket = s3_environment.new_folder()
    for file in (tmp_path / "in").iterdir():
        storage.put_file(file, f"{bucket}/{file.name}")

    for images in (str(tmp_path / "in"), bucket):
        report, item = run(tmp_path, images)
        assert report.rewritten == 1, "who reads by URI later sees the mask"
        assert item.image is not None
        assert (item.image.crs, item.image.transform) == (CRS, TRANSFORM)
        assert (valid_of(item) == block_mask(SIZE)).all()


def test_a_crs_without_a_transform_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_tiled(tmp_path / "in" / "a.tif", noise(SIZE), transform=rasterio.Affine.identity())
    _, item = run(tmp_path)
    assert item.image is not None and item.image.transform is None
    assert "1 of 1 images have a CRS and no transform" in caplog.text


NAMED = ("red", "green", "blue", "nir")


def test_bands_that_are_asked_for_are_kept_behind_the_colours_each_scaled_by_itself(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    shape = (SIZE.height, SIZE.width)
    colours = random.integers(200, 3000, (3, *shape)).astype(np.float32)
    heights, nir = (random.uniform(0, most, shape).astype(np.float32) for most in (30, 9000))
    heights[4, 4] = np.nan
    colours[:, :20, :10] = np.nan
    uri = write_raster(tmp_path / "in" / "a.tif", np.stack([*colours[::-1], heights, nir]))
    with rasterio.open(uri, "r+") as dataset:
        for number, name in enumerate(("blue", "green", "red", "height", "NIR"), 1):
            dataset.set_band_description(number, name)
    _, item = run(tmp_path, bands="3,2,1,5,4", scaling="percentile")
    assert item.image is not None and item.extra["colours"] == "bands 3, 2, 1, 5, 4"
    seen = replace(item.image, bands=(*NAMED, "height")).pixels()
    for band, values in ((3, nir), (4, heights)):
        low, high = np.nanquantile(values, [0.005, 0.995])
        expected = np.clip((values - low) / (high - low) * 255, 0, 255)
        known = np.isfinite(values)
        assert np.abs(seen[band][known] - expected[known]).max() <= 2
    low, high = np.nanquantile(colours, [0.005, 0.995])
    known = np.isfinite(colours[0])
    assert np.abs(seen[:3, known] - np.clip((colours[:, known] - low) / (high - low) * 255, 0, 255)).max() <= 2
    assert np.array_equal(valid_of(item), known)  # a height that is missing takes no pixel away
    again = replace(item.image, bands=(*NAMED[:3], "height")).pixels()
    assert np.array_equal(again[3], seen[4])


def test_a_tiled_image_whose_bands_are_in_order_stays_where_it_is_with_all_of_them(tmp_path: Path) -> None:
    pixels = noise(SIZE, bands=4)
    uri = write_tiled(tmp_path / "in" / "a.tif", pixels)
    for bands in ("", "1,2,3,4"):
        _, item = run(tmp_path / bands.replace(",", "") / "run", str(tmp_path / "in"), bands=bands)
        assert item.image is not None and item.image.uri == uri
        assert np.array_equal(replace(item.image, bands=NAMED).pixels(), pixels)


def test_bytes_that_are_rewritten_keep_the_bands_that_are_asked_for(tmp_path: Path) -> None:
    pixels = noise(SIZE, bands=5)
    write_raster(tmp_path / "in" / "a.tif", pixels)
    _, item = run(tmp_path, bands="1,2,3,5")
    assert item.image is not None
    assert np.array_equal(replace(item.image, bands=NAMED).pixels(), pixels[[0, 1, 2, 4]])
    assert np.array_equal(image_of(item), pixels[:3])
