"""Imports of STAC catalogues: images by their items' assets, paired by the items' ids."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from components.check_inputs.check_inputs import check_inputs
from components.core import storage
from components.core.documents.imagery import TrainingImages
from components.core.documents.labels import load_labels
from components.core.errors import DataError, TooManySkippedError
from components.core.project import Item, open_project
from components.import_images.import_images import ImportResult, import_images
from tests.builders import CRS, noise, write_tiled
from tests.components.check_inputs.given import in_order
from tests.components.core.catalogue.catalogues import as_json, item, put_catalogue
from tests.components.core.vectors.layers import write_layer
from tests.components.import_images.test_labels import SIZE, buildings, mask_of, on_map, place_of


def run(root: Path, images: str, masks: str = "", *assets: str, **others: Any) -> tuple[ImportResult, list[Item]]:
    settings = {"data_root": str(root / "data"), "workers": 1, **others}
    options = TrainingImages(assets=list(assets))
    report = import_images(images, masks, root / "project", options=options, **settings)
    return report, list(open_project(root / "project"))


def catalogue(root: Path, names: tuple[str, ...] = ("town-a", "town-b"), **assets: str) -> str:
    """Images whose files are not called as their items; gives the catalogue."""
    for number, _ in enumerate(names):
        write_tiled(root / "images" / f"f{number}.tif", noise(SIZE, number), transform=place_of(number))
    entries = [as_json(item(name, {"image": f"../images/f{number}.tif"} | assets)) for number, name in enumerate(names)]
    return put_catalogue(str(root), *entries)


def masks(root: Path, *names: str) -> str:
    pixels = np.zeros((1, SIZE.height, SIZE.width), np.uint8)
    pixels[:, 10:30, 20:50] = 255
    for number, name in enumerate(names):
        write_tiled(root / "gt" / f"{name}.tif", pixels, transform=place_of(number))
    return str(root / "gt")


def test_masks_have_the_names_of_items(tmp_path: Path) -> None:
    report, items = run(tmp_path, catalogue(tmp_path), masks(tmp_path, "town-a", "town-b"))
    assert [entry.name for entry in items] == ["town-a", "town-b"] and report.objects == 2
    assert [entry.image and storage.name_of(entry.image.uri) for entry in items] == ["f0.tif", "f1.tif"]


def test_labels_fall_on_items(tmp_path: Path) -> None:
    labels = load_labels({"labels_uri": write_layer(tmp_path / "labels.gpkg", buildings(), CRS)})
    _, (first, second) = run(tmp_path, catalogue(tmp_path), labels=labels)
    assert mask_of(first).any() and mask_of(second).any()


def test_items_that_cannot_be_used_count_as_skipped(tmp_path: Path) -> None:
    place = catalogue(tmp_path, ("town-a", "town-b"))
    (tmp_path / "images" / "f1.tif").unlink()
    gt = masks(tmp_path, "town-a", "town-b")
    with pytest.raises(TooManySkippedError, match="there is no such file; mend the catalogue"):
        run(tmp_path, place, gt)
    report, items = run(tmp_path, place, gt, max_bad=1)
    assert [entry.name for entry in items] == ["town-a"] and len(report.skipped) == 1


def test_masks_of_other_names_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no item of .*catalog\.json has a mask of its id in .*rename the masks"):
        run(tmp_path, catalogue(tmp_path), masks(tmp_path, "f0", "f1"))
    with pytest.raises(DataError, match=r"has no item with an image .*has no raster asset 'visual'"):
        run(tmp_path, catalogue(tmp_path), masks(tmp_path, "town-a"), "visual")


def put_bands(root: Path, number: int = 0) -> dict[str, str]:
    """Three rasters that are the bands of one image, as assets of an item in a catalogue at the root."""
    for band, name in enumerate(("red", "green", "blue")):
        write_tiled(root / f"{name}{number}.tif", noise(SIZE, band, bands=1), transform=place_of(number))
    return {name: f"../{name}{number}.tif" for name in ("red", "green", "blue")}


def stacks(root: Path) -> list[str]:
    return sorted(file.name.partition("-")[0] for file in (root / "data" / "stacks").glob("*.tif"))


def test_bands_of_an_image_outside_the_area_of_interest_are_not_stacked(tmp_path: Path) -> None:
    place = put_catalogue(str(tmp_path), *(as_json(item(f"s{n}", put_bands(tmp_path, n))) for n in (0, 1)))
    area = write_layer(tmp_path / "area.gpkg", [on_map(shapely.box(10, 10, 40, 40))], CRS)
    options = TrainingImages(assets=["red", "green", "blue"], aoi_uri=str(area))
    gt = masks(tmp_path, "s0", "s1")
    report = import_images(
        place, gt, tmp_path / "project", data_root=str(tmp_path / "data"), workers=1, options=options
    )
    assert (report.outside, report.cut, report.skipped) == (("s1",), ("s0",), ())
    assert stacks(tmp_path) == ["s0"]


@pytest.mark.parametrize("with_area", [False, True])
def test_bands_of_an_image_that_lacks_its_mask_are_not_stacked(tmp_path: Path, with_area: bool) -> None:
    place = put_catalogue(str(tmp_path), *(as_json(item(f"s{n}", put_bands(tmp_path, n))) for n in (0, 1)))
    ground = [on_map(shapely.box(-1000, -1000, 1000, 1000))]
    area = str(write_layer(tmp_path / "area.gpkg", ground, CRS)) if with_area else ""
    options = TrainingImages(assets=["red", "green", "blue"], aoi_uri=area)
    settings: dict[str, Any] = {"data_root": str(tmp_path / "data"), "workers": 1, "max_bad": 1}
    gt = masks(tmp_path, "s0")
    report = import_images(place, gt, tmp_path / "project", options=options, **settings)
    (skipped,) = report.skipped
    assert skipped.name == "s1" and skipped.reason.startswith(f"{tmp_path}/red1.tif: "), skipped
    assert stacks(tmp_path) == ["s0"]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_several_assets_become_one_image(tmp_path: Path, dtype: str) -> None:
    values = noise(SIZE, 3, bands=4).astype(dtype) * (1 if dtype == "uint8" else 16)
    for number, name in enumerate(("red", "green", "blue", "nir")):
        write_tiled(tmp_path / f"{name}.tif", values[number : number + 1], transform=place_of(0))
    write_tiled(tmp_path / "whole" / "images" / "town.tif", values, transform=place_of(0))
    assets = {name: f"../{name}.tif" for name in ("nir", "blue", "green", "red")}
    place = put_catalogue(str(tmp_path), as_json(item("town", assets)))
    gt = masks(tmp_path, "town")
    _, (stacked,) = run(tmp_path, place, gt, "red", "green", "blue", "nir", scaling="full")
    _, (whole,) = run(tmp_path / "whole", str(tmp_path / "whole" / "images"), gt, scaling="full", bands="1,2,3,4")
    assert stacked.image is not None and whole.image is not None
    assert (stacked.image.pixels() == whole.image.pixels()).all()
    bands = ("red", "green", "blue", "nir")

    assert (replace(stacked.image, bands=bands).pixels() == replace(whole.image, bands=bands).pixels()).all()
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "data").rglob("*.tif")}
    run(tmp_path, place, gt, "red", "green", "blue", "nir", scaling="full")
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "data").rglob("*.tif")} == before


def test_the_check_of_a_run_knows_catalogues(tmp_path: Path) -> None:
    place, gt = catalogue(tmp_path, ("austin1", "chicago2")), masks(tmp_path, "austin1", "chicago2")
    check_inputs(in_order(tmp_path, images_uri=place, masks_uri=gt))
