"""Vector labels among what a training run is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.check_inputs.check_inputs import check_inputs
from tests.components.check_inputs.given import TOWNS, in_order, wrong


def labels_in(root: Path, *names: str) -> str:
    """A folder of vector files; what is in them does not matter here."""
    (root / "labels").mkdir()
    for name in names:
        (root / "labels" / name).touch()
    return str(root / "labels")


def test_labels_of_all_images_are_in_order(tmp_path: Path) -> None:
    folder = labels_in(tmp_path, "roofs.gpkg", "looked.geojson")
    for more in ({}, {"label_attribute": "kind"}, {"labelled_area_uri": f"{folder}/looked.geojson"}):
        said = check_inputs(in_order(tmp_path, labels={"labels_uri": f"{folder}/roofs.gpkg|layername=roofs", **more}))
        assert said == "documents, paths and settings are valid; 4 images"


def test_labels_that_lie_one_a_scene_are_in_order(tmp_path: Path) -> None:
    folder = labels_in(tmp_path, *(f"{name}.geojson" for name in TOWNS))
    check_inputs(in_order(tmp_path, labels={"labels_uri": folder}))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no key": ({"labels": {"label_attribute": "kind"}}, "labels: labels_uri: is missing; add it"),
    "another key": ({"labels": {"labels_uri": "a.gpkg", "layer": "b"}}, "labels: layer: unknown key"),
    "no file": ({"labels": {"labels_uri": "/nowhere/a.gpkg"}}, "labels: /nowhere/a.gpkg: there is no such file"),
    "no folder": ({"labels": {"labels_uri": "/nowhere"}}, "labels: /nowhere: holds no vector file (.gpkg, .geojson"),
    "no area": (
        {"labels": {"labels_uri": "{folder}/roofs.gpkg", "labelled_area_uri": "/nowhere/a.fgb"}},
        "labels: /nowhere/a.fgb: there is no such file",
    ),
    "an area folder": (
        {"labels": {"labels_uri": "{folder}/roofs.gpkg", "labelled_area_uri": "/nowhere"}},
        "labelled_area_uri: '/nowhere': is no vector file by its name",
    ),
    "other names": ({"labels": {"labels_uri": "{folder}"}}, "no file has the stem of an image: files are roofs"),
    "masks, too": (
        {"labels": {"labels_uri": "{folder}/roofs.gpkg"}, "mask_value": "1"},
        "mask_value: is given beside labels; give masks or labels, not both",
    ),
    "a place elsewhere": ({"labels": {"labels_uri": "/vsicurl/a.gpkg"}}, "is not a path of a file but a name that"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_labels_that_are_wrong_are_told(kind: str, tmp_path: Path) -> None:
    folder = labels_in(tmp_path, "roofs.gpkg")
    given, message = WRONG[kind]
    labels = {key: text.replace("{folder}", folder) for key, text in given["labels"].items()}
    (fault,) = wrong(in_order(tmp_path, **given | {"labels": labels}))
    assert message in fault


def test_images_without_their_file_are_told(tmp_path: Path) -> None:
    folder = labels_in(tmp_path, f"{TOWNS[0]}.gpkg", f"{TOWNS[1]}.shp")
    (fault,) = wrong(in_order(tmp_path, labels={"labels_uri": folder}))
    assert fault.startswith(
        "images_options: allow_unpaired: is not set, and 2 of 4 images have no file of labels of their name"
    )
    check_inputs(in_order(tmp_path, labels={"labels_uri": folder}, images_options={"allow_unpaired": True}))
