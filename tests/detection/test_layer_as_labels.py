"""The published layer fed back as labels: the masks that it was made of, pixel for pixel."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import rasterio

from components.core.collection.ledger import Collection
from components.core.documents.imagery import TrainingImages
from components.core.storage import suffix_of
from tests.components.import_images.test_labels import mask_of, run
from tests.detection.detecting import Detection, write_three


@pytest.mark.parametrize("one_file", [True, False], ids=["the whole layer", "a partition for each scene"])
def test_a_layer_without_simplification_gives_its_masks(detection: Detection, tmp_path: Path, one_file: bool) -> None:
    write_three(Path(detection.images))
    exact = replace(detection, settings=replace(detection.settings, tolerance="0"))
    exact.run(formats="gpkg")
    collection = Collection(exact.output)
    records = {mark: collection.read(mark) for mark in collection.marks()}
    images, labels = tmp_path / "flat", tmp_path / "labels"
    images.mkdir()
    labels.mkdir()
    masks = {}
    for mark, record in records.items():
        shutil.copy(record.uri, images / f"{mark.scene}{suffix_of(record.uri)}")
        shutil.copy(collection.partition(mark.scene), labels / f"{mark.scene}.parquet")
        with rasterio.open(Path(collection.scene_folder(mark)) / "mask.tif") as raster:
            masks[mark.scene] = raster.read(1) == 1

    place = str(Path(exact.output) / "footprints.gpkg") if one_file else str(labels)
    _, found = run(tmp_path, str(images), place, options=TrainingImages(allow_unpaired=one_file))
    assert {item.name for item in found} == set(masks)
    for item in found:
        assert (mask_of(item) == masks[item.name]).all()
    assert sum(mask.sum() for mask in masks.values()) > 0
