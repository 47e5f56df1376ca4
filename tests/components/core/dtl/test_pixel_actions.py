"""Actions that change values of pixels alone: blur, noise, contrast_brightness, random_color."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from components.core.dtl.graph import build_query
from components.core.dtl.run import execute_query
from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.imagery.operations import Colour, GaussianBlur, MedianBlur, Noise, Operation
from components.core.project import Item, open_project
from tests.builders import scene_project
from tests.components.core.dtl.projects import house, item, names, run, write
from tests.queries import data, layer, save

SIZE = Size(40, 60)

GREY = {"contrast": {"min": 1.4, "max": 1.4, "center_grey": True}, "brightness": {"min": 10, "max": 10}}

ACTIONS: dict[str, tuple[str, dict[str, Any], str]] = {
    "gaussian": ("blur", {"name": "gaussian", "sigma": {"min": 1.5, "max": 1.5}}, "_blur"),
    "median": ("blur", {"name": "median", "kernel": 5}, "_blur"),
    "noise": ("noise", {"mean": 5, "std": 12}, "_noise"),
    "contrast": ("contrast_brightness", GREY, "_contrast"),
    "colour": ("random_color", {"strength": 0.5}, "_color"),
}


def layers_of(action: str, settings: dict[str, Any]) -> list[Any]:
    return [data(), layer(action, "$all", "$1", **settings), save("$1")]


@pytest.fixture(name="project", scope="module")
def fixture_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scene_project(tmp_path_factory.mktemp("pixels"), ("town1", "town2"), SIZE)


def operation_of(found: Item) -> Operation:
    assert found.image is not None
    (operation,) = found.image.recipe.operations
    return operation


def before_and_after(project: Path, layers: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) of the first item."""
    source, found = next(iter(open_project(project))), run(layers, project)[0][0]
    assert source.image is not None and found.image is not None
    return np.moveaxis(source.image.pixels(), 0, 2), np.moveaxis(found.image.pixels(), 0, 2)


@pytest.mark.parametrize("name", ACTIONS)
def test_figures_sizes_and_tags_stay(name: str, project: Path) -> None:
    action, settings, trail = ACTIONS[name]
    found, report = run(layers_of(action, settings), project)
    sources = list(open_project(project))
    assert names(found) == [f"town1{trail}", f"town2{trail}"] and not report.skipped
    for before, after in zip(sources, found, strict=True):
        assert (after.size, after.objects, after.tags) == (before.size, before.objects, before.tags)
        assert before.image is not None and after.image is not None
        assert after.image.item_transform == before.image.item_transform
        assert (after.image.pixels() != before.image.pixels()).any()


@pytest.mark.parametrize("name", ACTIONS)
def test_pixels_are_kept_through_the_manifest_and_by_any_number_of_workers(
    name: str, project: Path, tmp_path: Path
) -> None:
    action, settings, _ = ACTIONS[name]
    found, _ = run(layers_of(action, settings), project)
    query = str(layers_of(action, settings)).replace("'", '"').replace("True", "true")
    execute_query(query, [project], tmp_path / "out", workers=2)
    assert list(open_project(tmp_path / "out")) == found
    execute_query(query, [project], tmp_path / "files", as_files=True)
    for kept, item_found in zip(open_project(tmp_path / "files"), found, strict=True):
        assert kept.image is not None and item_found.image is not None
        assert (kept.image.pixels() == item_found.image.pixels()).all()


@pytest.mark.parametrize("name", ACTIONS)
def test_annotations_without_an_image_pass(name: str, tmp_path: Path) -> None:
    action, settings, trail = ACTIONS[name]
    (found,), _ = run(layers_of(action, settings), write(tmp_path, [item("a", house())]))
    assert found.name == f"a{trail}" and found.image is None and found.objects == (house(),)


def test_blurs(project: Path) -> None:
    source, found = before_and_after(project, layers_of("blur", ACTIONS["gaussian"][1]))
    expected = cv2.GaussianBlur(source.astype(np.float64), (0, 0), 1.5, borderType=cv2.BORDER_REFLECT_101)
    assert np.abs(found - np.floor(expected)).max() <= 1
    source, found = before_and_after(project, layers_of("blur", ACTIONS["median"][1]))
    assert (found == cv2.medianBlur(np.ascontiguousarray(source), 5)).all()


def test_contrast_and_brightness_follow_the_formula(project: Path) -> None:
    source, found = before_and_after(project, layers_of("contrast_brightness", GREY))
    exact = (source.astype(np.float64) - 128) * 1.4 + 10 + 128
    assert (found == np.floor(np.clip(exact, 0, 255) + 1e-9)).all()
    dark = {"contrast": {"min": 0.6, "max": 0.6}, "brightness": {"min": -20, "max": -20}}
    source, found = before_and_after(project, layers_of("contrast_brightness", dark))
    assert (found == np.floor(np.clip(source * 0.6 - 20, 0, 255) + 1e-9)).all()
    only = {"brightness": {"min": 7, "max": 7}}
    source, found = before_and_after(project, layers_of("contrast_brightness", only))
    assert (found == np.minimum(source.astype(int) + 7, 255)).all()


def test_noise_is_the_elements_own(project: Path) -> None:
    layers = layers_of("noise", {"mean": 0, "std": 9})
    first, second = (operation_of(entry) for entry in run(layers, project)[0])
    assert isinstance(first, Noise) and isinstance(second, Noise)
    assert first.seed != second.seed
    assert [operation_of(entry) for entry in run(layers, project)[0]] == [first, second]
    assert operation_of(run(layers, project, seed=1)[0][0]) != first
    renamed = [data(), layer("noise", "$all", "$other", mean=0, std=9), save("$other")]
    assert operation_of(run(renamed, project)[0][0]) != first, "two layers draw for themselves"


def test_ranges_are_drawn_for_each_item(tmp_path: Path) -> None:
    project = scene_project(tmp_path, tuple(f"town{index}" for index in range(12)), Size(4, 4))
    found, _ = run(layers_of("blur", {"name": "gaussian", "sigma": {"min": 1, "max": 2}}), project)
    sigmas = [operation_of(entry).sigma for entry in found]  # type: ignore[attr-defined]
    assert all(1 <= sigma <= 2 for sigma in sigmas) and len(set(sigmas)) == 12
    settings = {"contrast": {"min": 0.5, "max": 2}, "brightness": {"min": -9, "max": 9}}
    colours = [operation_of(entry) for entry in run(layers_of("contrast_brightness", settings), project)[0]]
    assert all(isinstance(colour, Colour) and 0.5 <= colour.matrix[0] <= 2 for colour in colours)
    assert all(isinstance(colour, Colour) and -9 <= colour.offset[0] <= 9 for colour in colours)
    matrices = [operation_of(entry).matrix for entry in run(layers_of("random_color", {"strength": 1}), project)[0]]  # type: ignore[attr-defined]
    apart = np.abs(np.array(matrices).reshape(-1, 3, 3) - np.eye(3))
    assert apart.max() <= 0.3 and 0.1 < apart.mean() < 0.2
    assert len(np.unique(apart)) == 12 * 9


def test_nothing_to_do_adds_no_operation(project: Path) -> None:
    for action, settings in (
        ("random_color", {"strength": 0}),
        ("blur", {"name": "gaussian", "sigma": {"min": 0, "max": 0}}),
    ):
        found = run(layers_of(action, settings), project)[0][0]
        assert found.image is not None and not found.image.recipe.operations


def test_kinds_of_operations(project: Path) -> None:
    assert operation_of(run(layers_of("blur", ACTIONS["median"][1]), project)[0][0]) == MedianBlur(5)
    assert operation_of(run(layers_of("blur", ACTIONS["gaussian"][1]), project)[0][0]) == GaussianBlur(1.5)


@pytest.mark.parametrize(
    ("action", "settings", "fault"),
    [
        ("blur", {"name": "box"}, "name"),
        ("blur", {"name": "gaussian"}, '"gaussian" takes sigma'),
        ("blur", {"name": "gaussian", "sigma": {"min": 1, "max": 2}, "kernel": 3}, '"gaussian" takes sigma'),
        ("blur", {"name": "gaussian", "sigma": {"min": 3, "max": 2}}, "min 3 is above max 2"),
        ("blur", {"name": "gaussian", "sigma": {"min": -1, "max": 2}}, "leaves 0–100 px"),
        ("blur", {"name": "gaussian", "sigma": {"min": 1, "max": 200}}, "leaves 0–100 px"),
        ("blur", {"name": "gaussian", "sigma": 1}, "sigma"),
        ("blur", {"name": "median"}, '"median" takes kernel'),
        ("blur", {"name": "median", "kernel": 4}, "4 is even; use 5"),
        ("blur", {"name": "median", "kernel": 0}, "kernel"),
        ("blur", {"name": "median", "kernel": 3.0}, "kernel"),
        ("noise", {"mean": 0}, "std: is missing"),
        ("noise", {"mean": 0, "std": -1}, "std"),
        ("noise", {"mean": "0", "std": 1}, "mean"),
        ("contrast_brightness", {}, "neither contrast nor brightness"),
        ("contrast_brightness", {"contrast": {"min": -1, "max": 1}}, "min -1 is below 0"),
        ("contrast_brightness", {"contrast": {"min": 2, "max": 1}}, "min 2 is above max 1"),
        ("contrast_brightness", {"brightness": {"min": 1}}, "brightness.max: is missing"),
        ("contrast_brightness", {"brightness": {"min": 1, "max": 2, "center_grey": True}}, "is not a known key"),
        ("random_color", {}, "strength: is missing"),
        ("random_color", {"strength": 1.1}, "strength"),
    ],
)
def test_faulty_settings(action: str, settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=rf"query\[1\]\.settings.*{fault}"):
        build_query(layers_of(action, settings))


@pytest.mark.parametrize("name", ACTIONS)
def test_summaries(name: str) -> None:
    action, settings, _ = ACTIONS[name]
    said = {
        "gaussian": "gaussian, σ 1.5 px",
        "median": "median of 5 px",
        "noise": "5 ± 12",
        "contrast": "contrast 1.4, brightness 10",
        "colour": "strength 0.5",
    }
    assert build_query(layers_of(action, settings)).layers[1].action.summary() == said[name]
