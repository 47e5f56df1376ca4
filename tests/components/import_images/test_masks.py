"""What the values of masks mean, in every form that they come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from components.core.errors import ConfigError, DataError, TooManySkippedError
from components.core.figures import Bitmap, RasterMask
from components.core.geometry import Size
from components.core.imagery.mask_values import MaskValues, PixelValues
from components.core.network.classes import NEUTRAL_INDEX, mask_values, model_classes
from components.core.project import Item, open_project
from components.train_unet.dataset import draw_mask
from tests.builders import noise, write_raster, write_tiled
from tests.components.import_images.test_import_images import run

SIZE = Size(120, 160)

BLACK, WHITE, RED, BLUE = (0, 0, 0, 255), (255, 255, 255, 255), (255, 0, 0, 255), (0, 0, 255, 255)

CLEAR = (7, 7, 7, 0)


def truth() -> np.ndarray:
    """(H, W) bool: six buildings."""
    found = np.zeros((SIZE.height, SIZE.width), np.bool_)
    for top in (10, 60):
        for left in (10, 60, 110):
            found[top : top + 30, left : left + 31] = True
    return found


BUILDING = truth()


def byte(value: int = 255) -> np.ndarray:
    return BUILDING.astype(np.uint8) * np.uint8(value)


def rgb(building: tuple[int, ...], ground: tuple[int, ...] = BLACK) -> np.ndarray:
    return np.stack([np.where(BUILDING, building[i], ground[i]) for i in range(3)]).astype(np.uint8)


def with_gap(values: np.ndarray, value: float) -> np.ndarray:
    """The same with the last rows, ground and building alike, set to a value."""
    result = values.copy()
    result[..., 80:, :] = value
    return result


def classes() -> np.ndarray:
    """1 is building; 2 and 3 are other classes."""
    return np.where(BUILDING, 1, np.where(np.arange(SIZE.width) < 80, 2, np.where(np.arange(SIZE.width) < 140, 3, 0)))


def imported(root: Path, values: np.ndarray, name: str = "a.tif", mask_value: str = "", **options: Any) -> Item:
    write_tiled(root / "in" / "images" / "a.tif", noise(SIZE))
    write_raster(root / "in" / "gt" / name, values, **options)
    _, (item,) = run(root, mask_value=mask_value)
    return item


def drawn(item: Item, title: str) -> np.ndarray:
    canvas = np.zeros((item.size.height, item.size.width), np.uint8)
    for entry in item.objects:
        if entry.class_title == title:
            assert isinstance(entry.figure, Bitmap)
            entry.figure.draw(canvas, 1)
            assert entry.figure.area == canvas.sum()
    return canvas.astype(np.bool_)


def jpeg(path: Path, pixels: np.ndarray, quality: int = 75) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])


def blurred() -> np.ndarray:
    """(H, W) uint8: a mask made twice as large and blurred; 128 and more is where buildings are."""
    return cv2.GaussianBlur(byte(), (5, 5), 1.2)


ALPHA = (ColorInterp.gray, ColorInterp.alpha)

FORMS: dict[str, tuple[str, np.ndarray, dict[str, Any]]] = {
    "white palette entry first": ("a.png", (~BUILDING).astype(np.uint8), {"colormap": {0: WHITE, 1: BLACK}}),
    "palette with a black ground": ("a.png", byte(1), {"colormap": {0: BLACK, 1: RED}}),
    "two entries of one colour": ("a.png", np.where(BUILDING, np.arange(SIZE.width) % 2 + 1, 0).astype(np.uint8), {
        "colormap": {0: BLACK, 1: RED, 2: RED}}),
    "palette with a transparent ground": ("a.png", (~BUILDING).astype(np.uint8), {"colormap": {0: RED, 1: CLEAR}}),
    "tiled palette": ("a.tif", (~BUILDING).astype(np.uint8), {"colormap": {0: WHITE, 1: BLACK}, "tile": 64}),
    "one bit, black is 0": ("a.tif", byte(1), {"nbits": 1}),
    "one bit, white is 0": ("a.tif", (~BUILDING).astype(np.uint8), {"nbits": 1, "photometric": "MINISWHITE"}),
    "fax": ("a.tif", (~BUILDING).astype(np.uint8), {
        "nbits": 1, "photometric": "MINISWHITE", "compress": "CCITTFAX4"}),
    "white is 0": ("a.tif", 255 - byte(), {"photometric": "MINISWHITE", "tile": 64}),
    "white is 0 of 16 bits": ("a.tif", 65535 - byte().astype(np.uint16) * 257, {"photometric": "MINISWHITE"}),
    "grey RGB": ("a.png", rgb(WHITE), {}),
    "coloured RGB": ("a.png", rgb(RED), {}),
    "transparent ground": ("a.png", np.stack([np.full_like(byte(), 9), byte()]), {"interpretation": ALPHA}),
    "black on transparent": ("a.png", np.stack([byte(0), byte()]), {"interpretation": ALPHA}),
    "probabilities": ("a.tif", np.where(BUILDING, 0.6, 0.4) + np.float32(0.01) * byte(0) + np.linspace(
        0, 0.09, SIZE.width, dtype=np.float32), {}),
    "tiled probabilities": ("a.tif", np.where(BUILDING, 0.5, 0.01).astype(np.float32) - np.float32(0.01) * (
        np.arange(SIZE.height) % 2 < 0)[:, None] + np.where(np.arange(SIZE.width) % 3, 0, 0.01).astype(np.float32), {
            "tile": 64}),
    "declared 0": ("a.tif", byte(), {"nodata": 0, "tile": 64}),
    "NaN as ground": ("a.tif", np.where(BUILDING, 1, np.nan).astype(np.float32), {}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_mask_of_two_values_needs_no_word_on_which_is_building(tmp_path: Path, form: str) -> None:
    name, values, options = FORMS[form]
    item = imported(tmp_path, values, name, **options)
    assert (drawn(item, "untitled") == BUILDING).all()
    assert [entry.class_title for entry in item.objects] == ["untitled"]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [95, 75, 30])
def test_what_jpeg_smears_is_cut_in_the_middle(
    tmp_path: Path, quality: int, channels: int, caplog: pytest.LogCaptureFixture
) -> None:
    jpeg(tmp_path / "in" / "gt" / "a.jpg", cv2.merge([byte()] * channels), quality)
    write_tiled(tmp_path / "in" / "images" / "a.tif", noise(SIZE))
    _, (item,) = run(tmp_path)
    assert (drawn(item, "untitled") == BUILDING).all()
    assert "mask a: lossy compression has blurred the outlines: 128 or more of 255" in caplog.text


def test_a_tiled_jpeg_is_written_anew(tmp_path: Path) -> None:
    item = imported(tmp_path, byte(), compress="jpeg", tile=64)
    assert (drawn(item, "untitled") == BUILDING).all()


def test_a_lossy_mask_of_small_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooManySkippedError, match=r"a\.jpg: its compression changes values.*save the mask as PNG"):
        imported(tmp_path, classes().astype(np.uint8) * 20, "a.jpg")


def test_outlines_that_resampling_blurred_are_cut_in_the_middle(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    item = imported(tmp_path, blurred(), tile=64)
    assert (drawn(item, "untitled") == (blurred() >= 128)).all()
    assert "resampling has blurred the outlines" in caplog.text


def test_several_values_are_building_with_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    item = imported(tmp_path, classes().astype(np.uint8), tile=64)
    assert (drawn(item, "untitled") == (classes() > 0)).all()
    assert "mask a: values 1, 2, 3: all above 0 count as building; name the building values with mask_value" in (
        caplog.text
    )


def test_ids_of_buildings_are_building(tmp_path: Path) -> None:
    _, ids = cv2.connectedComponents(byte())
    item = imported(tmp_path, ids.astype(np.uint16) * 40)
    assert (drawn(item, "untitled") == BUILDING).all()


@pytest.mark.parametrize(
    ("values", "options", "mask_value", "name"),
    [
        (classes().astype(np.uint8), {}, "1", "a.tif"),
        (classes().astype(np.uint8), {"tile": 64}, "1", "a.tif"),
        (classes().astype(np.float32), {"tile": 64}, "1", "a.tif"),
        (np.where(BUILDING, 0, 4).astype(np.uint8), {"tile": 64}, "0", "a.tif"),
        (np.where(BUILDING, 255, 128).astype(np.uint8), {}, "255", "a.png"),
        (np.where(BUILDING, 255, 128).astype(np.uint8), {}, "#FFFFFF", "a.png"),
        (byte(), {"nodata": 255}, "255", "a.tif"),
        (rgb(BLUE, WHITE), {}, "#0000ff", "a.png"),
        (rgb(WHITE, (9, 9, 9)), {}, "255", "a.png"),
        (np.where(BUILDING, 1, 2).astype(np.uint8), {"colormap": {0: BLACK, 1: BLUE, 2: RED}}, "#0000FF", "a.png"),
        (np.where(BUILDING, 1, 2).astype(np.uint8), {"colormap": {0: BLACK, 1: BLUE, 2: RED}}, "1", "a.png"),
    ],
)
def test_the_value_that_is_named_is_building(
    tmp_path: Path, values: np.ndarray, options: dict[str, Any], mask_value: str, name: str
) -> None:
    item = imported(tmp_path, values, name, mask_value, **options)
    assert (drawn(item, "untitled") == BUILDING).all()
    assert len(item.objects) == 1


def test_a_tiled_mask_of_classes_is_read_where_it_is(tmp_path: Path) -> None:
    values = with_gap(classes().astype(np.uint8), 255)
    item = imported(tmp_path, values, mask_value="1,ignore=255", tile=64)
    masks = [entry.figure.mask for entry in item.objects if isinstance(entry.figure, Bitmap)]
    assert [mask.raster.value for mask in masks if isinstance(mask, RasterMask)] == [1, 255]
    assert not (tmp_path / "data").exists()


GAPS: dict[str, tuple[np.ndarray, str, dict[str, Any]]] = {
    "declared": (with_gap(byte(1), 255), "", {"nodata": 255}),
    "declared, tiled": (with_gap(byte(1), 255), "", {"nodata": 255, "tile": 64}),
    "declared, below 0": (with_gap(byte(1).astype(np.int16), -9), "", {"nodata": -9, "tile": 64}),
    "declared, several classes": (with_gap(np.where(BUILDING, 3, 0).astype(np.uint8), 7), "3", {"nodata": 7}),
    "named": (with_gap(byte(1), 255), "1,ignore=255", {"tile": 64}),
    "named alone": (with_gap(byte(1), 255), "ignore=255", {}),
    "named, float": (with_gap(byte(1).astype(np.float32), 5), "ignore=5", {"tile": 64}),
    "NaN": (with_gap(byte(1).astype(np.float32), np.nan), "", {"tile": 64}),
    "a colour": (with_gap(rgb(RED), 255), "ignore=#FFFFFF", {}),
}


@pytest.mark.parametrize("case", GAPS)
def test_what_nobody_labelled_is_neutral(tmp_path: Path, case: str) -> None:
    values, mask_value, options = GAPS[case]
    for _ in range(2):  # the second run finds what the first wrote
        item = imported(tmp_path, values, mask_value=mask_value, **options)
        gap = np.arange(SIZE.height)[:, None] >= np.full(SIZE.width, 80)
        assert (drawn(item, "untitled") == BUILDING & ~gap).all()
        assert (drawn(item, "neutral") == gap).all()


def test_a_training_neither_learns_nor_measures_what_nobody_labelled(tmp_path: Path) -> None:
    item = imported(tmp_path, with_gap(byte(1), 255), nodata=255)
    meta = open_project(tmp_path / "project").meta
    classes = model_classes(meta.classes, "bg", "neutral")
    assert [entry.title for entry in classes] == ["bg", "untitled"]
    drawing = draw_mask(item, mask_values(classes, "neutral"))
    assert (drawing == with_gap(byte(1), NEUTRAL_INDEX)).all()


def test_the_masks_own_mask_says_what_is_labelled(tmp_path: Path) -> None:
    file = write_tiled(tmp_path / "in" / "gt" / "a.tif", byte())
    gap = np.arange(SIZE.height)[:, None] >= np.full(SIZE.width, 80)
    with rasterio.open(file, "r+") as dataset:
        dataset.write_mask(~gap)
    write_tiled(tmp_path / "in" / "images" / "a.tif", noise(SIZE))
    _, (item,) = run(tmp_path)
    assert (drawn(item, "untitled") == BUILDING & ~gap).all()
    assert (drawn(item, "neutral") == gap).all()


def test_buildings_that_are_all_declared_nodata_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DataError, match="no image has an object"):
        imported(tmp_path, byte(), nodata=255)
    assert "the only value above 0 is 255, which is declared nodata" in caplog.text
    assert "set mask_value=255" in caplog.text


def test_a_palette_without_black_has_its_ground_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    item = imported(tmp_path, byte(1), "a.png", colormap={0: WHITE, 1: RED})
    assert (drawn(item, "untitled") == BUILDING).all()
    assert "no colour of the palette is black: index 0 (#FFFFFF) counts as not building" in caplog.text


def test_several_colours_are_building_with_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = {0: BLACK, 1: RED, 2: BLUE, 3: WHITE}
    item = imported(tmp_path, classes().astype(np.uint8), "a.png", colormap=table)
    assert (drawn(item, "untitled") == (classes() > 0)).all()
    assert "colours #0000FF, #FF0000, #FFFFFF: all but black count as building" in caplog.text


@pytest.mark.parametrize("pixels", [noise(SIZE), noise(SIZE, bands=1), noise(SIZE, bands=1, dtype="uint16")])
def test_a_picture_is_no_mask(tmp_path: Path, pixels: np.ndarray) -> None:
    with pytest.raises(TooManySkippedError, match=r"gt/a\.tif: holds .* that change from pixel to pixel.*an image\?"):
        imported(tmp_path, pixels)


def test_an_image_is_no_mask_of_itself(tmp_path: Path) -> None:
    source = Path(write_tiled(tmp_path / "in" / "images" / "a.tif", byte()))
    (tmp_path / "in" / "gt").mkdir()
    (tmp_path / "in" / "gt" / "a.tif").hardlink_to(source)
    with pytest.raises(TooManySkippedError, match=r"gt/a\.tif: is the image .*images/a\.tif itself"):
        run(tmp_path)


def test_other_bands_than_one_or_three_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooManySkippedError, match=r"gt/a\.tif: holds 2 bands of uint8; a mask has one, or red"):
        imported(tmp_path, np.stack([byte(), byte()]))


def test_a_number_names_no_colour(tmp_path: Path) -> None:
    with pytest.raises(TooManySkippedError, match="holds colours, and mask_value names the number 1; name the colour"):
        imported(tmp_path, rgb(RED, BLUE), mask_value="1")


def test_the_log_says_how_much_is_building(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for name, mask in (("empty", byte(0)), ("full", 255 - byte(0)), ("town", byte())):
        write_tiled(tmp_path / "in" / "images" / f"{name}.tif", noise(SIZE))
        write_raster(tmp_path / "in" / "gt" / f"{name}.png", mask)
    report, _ = run(tmp_path)
    share = (BUILDING.mean() + 1) / 3
    assert report.building_share == pytest.approx(share)
    assert f"{100 * share:.1f} % of what is labelled is building" in caplog.text
    assert "mask full: more than 90 % is building; is it inverted?" in caplog.text
    assert "mask empty: no building" in caplog.text


def test_a_word_on_many_masks_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(12):
        write_tiled(tmp_path / "in" / "images" / f"town{number:02}.tif", noise(SIZE))
        write_raster(
            tmp_path / "in" / "gt" / f"town{number:02}.tif", np.where(BUILDING, number + 1, 1).astype(np.uint8)
        )
    run(tmp_path)
    (line,) = [record.message for record in caplog.records if "all above 0" in record.message]
    assert line.startswith("11 masks town01, ")
    assert "town10 and 1 more: values 1, 2, 3" in line


@pytest.mark.parametrize(("values", "is_told"), [((255, 255), False), ((1, 2), True), ((1, 255), True)])
def test_masks_of_one_value_each_are_compared(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, values: tuple[int, int], is_told: bool
) -> None:
    for name, value in zip("ab", values, strict=True):
        write_tiled(tmp_path / "in" / "images" / f"{name}.tif", noise(SIZE))
        write_raster(tmp_path / "in" / "gt" / f"{name}.tif", byte(value))
    for _ in ("rewritten", "reused"):
        caplog.clear()
        run(tmp_path)
        words = f"2 masks a, b: hold one of the values {values[0]}, {values[1]} each, which counts as building"
        assert (words in caplog.text) is is_told
    caplog.clear()
    run(tmp_path, mask_value=str(values[0]))
    assert "which counts as building" not in caplog.text


def test_palettes_of_one_colour_each_are_compared(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name, mask in (("town", byte(1)), ("wood", byte(0))):
        write_tiled(tmp_path / "in" / "images" / f"{name}.tif", noise(SIZE))
        write_raster(tmp_path / "in" / "gt" / f"{name}.png", mask, colormap={0: WHITE, 1: RED})
    run(tmp_path)
    assert "2 masks town, wood: hold one of the colours #FF0000, #FFFFFF each" in caplog.text
    assert "mask wood: more than 90 % is building; is it inverted?" in caplog.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", MaskValues()),
        ("1", MaskValues(PixelValues((1,)))),
        ("2, 3", MaskValues(PixelValues((2, 3)))),
        ("1,ignore=255", MaskValues(PixelValues((1,)), PixelValues((255,)))),
        ("ignore=-1,0.5", MaskValues(PixelValues((0.5,)), PixelValues((-1,)))),
        ("#00ff00,ignore=#000000", MaskValues(PixelValues((), (0x00FF00,)), PixelValues((), (0,)))),
        ("#000001,ignore=1", MaskValues(PixelValues((), (1,)), PixelValues((1,)))),
    ],
)
def test_values_are_read(text: str, expected: MaskValues) -> None:
    assert MaskValues.parse(text) == expected


@pytest.mark.parametrize("text", ["building", "1;2", "#FF00", "ignore=", "nan", "1,", "1,ignore=1", "1,1.0", "#FF,2"])
def test_other_words_are_refused(tmp_path: Path, text: str) -> None:
    write_tiled(tmp_path / "in" / "images" / "a.tif", noise(SIZE))
    with pytest.raises(ConfigError, match="mask_value: "):
        run(tmp_path, mask_value=text)
