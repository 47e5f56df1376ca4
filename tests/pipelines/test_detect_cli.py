"""The flags of `python -m pipelines detect`, without running the pipeline."""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path

import pytest

from components.core.errors import ConfigError
from pipelines.__main__ import parser
from pipelines.detect_cli import pipeline_arguments
from pipelines.detection import detection


def options(*flags: str) -> argparse.Namespace:
    return parser().parse_args(["detect", "--images", "in", "--model", "model", *flags])


def test_every_parameter_of_the_pipeline_can_be_given_and_has_its_default() -> None:
    parameters = inspect.signature(detection.pipeline_func).parameters
    given = pipeline_arguments(options())

    assert set(given) == set(parameters)
    of_a_laptop = {"infer_config", "split_masks_query", "output_data_root"}
    for name, value in given.items():
        if name not in of_a_laptop and parameters[name].default is not inspect.Parameter.empty:
            assert value == parameters[name].default, name


def test_places_mean_the_same_in_every_working_directory() -> None:
    given = pipeline_arguments(options("--output", "s3://bucket/out", "--data-root", "data"))
    assert given["images_uri"] == str(Path("in").resolve())
    assert given["output_uri"] == "s3://bucket/out"
    assert given["output_data_root"] == str(Path("data").resolve())
    assert pipeline_arguments(options("--runs", "here"))["output_data_root"] == str(Path("here/data").resolve())


def test_flags_reach_the_pipeline() -> None:
    given = pipeline_arguments(options("--class-title", "house", "--max-shards", "3", "--redo", "all", "--regularise"))
    wanted = {"footprints_class_title": "house", "shards_max": 3, "images_redo": "all", "footprints_regularise": True}
    assert given.items() >= wanted.items()


def test_containers_need_every_place_in_object_storage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    given = options("--runner", "docker", "--images", str(tmp_path), "--model", str(tmp_path))
    with pytest.raises(ConfigError, match=r"--images: .* is not in object storage"):
        given.main(given)


def test_a_document_that_is_wrong_is_named_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"mode": 3}')
    folder = ["--images", str(tmp_path), "--model", str(tmp_path), "--runs", str(tmp_path / "runs")]
    given = options(*folder, "--inference-config", str(tmp_path / "config.json"))
    with pytest.raises(ConfigError, match=r"--inference-config: .*config\.json: .*mode"):
        given.main(given)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [("--formats", "shp", "--formats: 'shp' is not one of"), ("--max-bad", "-1", "--max-bad: -1")],
)
def test_what_the_last_stage_would_refuse_is_refused_before_the_network_runs(
    tmp_path: Path, flag: str, value: str, message: str
) -> None:
    (tmp_path / "file").touch()
    given = options("--images", str(tmp_path), "--model", str(tmp_path), "--runs", str(tmp_path / "runs"), flag, value)
    with pytest.raises(ConfigError, match=message):
        given.main(given)
    assert not (tmp_path / "runs").exists()


def test_options_of_the_imagery_are_flags(tmp_path: Path) -> None:
    given = pipeline_arguments(options("--scaling", "full", "--captured-pattern", "none"))
    assert given["images_options"] == {"scaling": "full", "captured_pattern": "none"}
    given = pipeline_arguments(options("--aoi", "town.gpkg", "--asset", "red", "--asset", "green", "--asset", "blue"))
    assert given["images_options"] == {"aoi_uri": str(Path("town.gpkg").resolve()), "assets": ["red", "green", "blue"]}
    folder = ["--images", str(tmp_path), "--model", str(tmp_path), "--runs", str(tmp_path / "runs")]
    for flags, said in ((["--scaling", "auto"], "--scaling: 'auto'"), (["--captured-pattern", "("], "--captured-pat")):
        wrong = options(*folder, *flags)
        with pytest.raises(ConfigError) as caught:
            wrong.main(wrong)
        assert any(fault.startswith(said) for fault in caught.value.faults), caught.value.faults


@pytest.mark.parametrize("name", ["no.gpkg", "no.tif"])
def test_an_area_that_is_not_there_is_told_by_its_flag(name: str, tmp_path: Path) -> None:
    folder = ["--images", str(tmp_path), "--model", str(tmp_path), "--runs", str(tmp_path / "runs")]
    given = options(*folder, "--aoi", str(tmp_path / name))
    with pytest.raises(ConfigError) as caught:
        given.main(given)
    assert any(fault.startswith("--aoi: ") and name in fault for fault in caught.value.faults), caught.value.faults
