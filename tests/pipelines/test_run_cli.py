"""`python -m pipelines run`: what is found wrong before anything starts."""

import re
from pathlib import Path

import pytest

from components.check_inputs.check_inputs import check_inputs
from components.check_inputs.inputs import TrainingInputs
from components.core.cli import run_main
from pipelines.__main__ import parser
from pipelines.run_cli import pipeline_arguments

FAULTS = {
    "split-tagging-query": ('[{"action": "data", "dst": "$all", "settings": {}}]', "query[0].src: is missing"),
    "crop-augment-query": ('[{"action": "mirror"', "is not JSON"),
    "split-masks-query": ("[]", "query: has no `data` layer"),
    "train-config": ('{"epohcs": 3}', "train.config: epohcs: unknown key; known keys: "),
    "inference-config": ('{"mode": {"window": {"width": 0}}}', "inference.config: mode.window.width: 0: "),
}


@pytest.mark.parametrize("flag", FAULTS)
def test_a_fault_in_a_file_of_the_users_is_told_with_the_file(
    flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, message = FAULTS[flag]
    file = tmp_path / "mine.json"
    file.write_text(text)
    options = ["run", "--runs", str(tmp_path / "runs"), f"--{flag}", str(file)]
    assert run_main(lambda given: given.main(given), parser(), options) == 2
    assert capsys.readouterr().err.startswith(f"python -m pipelines: --{flag}: {file}: {message}")
    assert not (tmp_path / "runs").exists()


def test_all_faults_are_told_at_once_by_their_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"lr": -1, "encoder": "vgg16_bn"}')
    options = ["run", "--runs", str(tmp_path / "runs"), "--train-config", str(file), "--masks", "gt", "--max-bad", "-1"]
    options += ["--train-share", "0.5", "--split-tagging-query", "gone.json", "--initial-model", str(tmp_path)]
    assert run_main(lambda given: given.main(given), parser(), [*options, "--runner", "docker"]) == 2
    first, *faults = capsys.readouterr().err.splitlines()[-8:]
    assert first == "python -m pipelines: 7 faults, and nothing was done:"
    assert [fault.split(":")[0] for fault in faults] == [
        "1. --masks",
        "2. --data-root",
        "3. --max-bad",
        "4. --train-share",
        "5. --split-tagging-query",
        "6. --train-config",
        "7. --initial-model",
    ]
    assert not (tmp_path / "runs").exists()


def test_imagery_that_the_laptops_query_does_not_know_is_told_before_it_is_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("images", "gt"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tile_1.tif").touch()
    options = ["run", "--runs", str(tmp_path / "runs"), "--images", str(tmp_path)]
    assert run_main(lambda given: given.main(given), parser(), options) == 2
    said = capsys.readouterr().err
    assert "--split-tagging-query: no image can come out of it" in said
    assert "names there are 'tile_1'" in said and said.rstrip().endswith("or --train-share")


def test_bands_are_checked_before_imagery_is_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "tile_1.tif").touch()
    options = ["run", "--runs", str(tmp_path / "runs"), "--images", str(tmp_path), "--bands", "red"]
    assert run_main(lambda given: given.main(given), parser(), options) == 2
    assert "--bands: " in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_ready_made_query_is_chosen_by_its_name() -> None:
    options = ["run", "--crop-augment-query", "crop_augment_by_source"]
    for documents, side, share in (("laptop", 256, 0.85), ("tutorial", 512, 0.95)):
        given = pipeline_arguments(parser().parse_args([*options, "--documents", documents]))
        layers = given["crop_augment_query"]
        assert layers[2]["settings"]["window"] == {"width": side, "height": side}
        assert layers[5]["settings"]["condition"] == {"probability": share, "group_by": "source"}


@pytest.mark.parametrize("name", ["robust", "tutorial"])
def test_a_training_config_is_chosen_by_its_name(name: str, tmp_path: Path) -> None:
    options = parser().parse_args(["run", "--runs", str(tmp_path / "runs"), "--train-config", name])
    check_inputs(TrainingInputs(train_config=name, makes_scenes=True, data_root=str(tmp_path)), {})
    assert pipeline_arguments(options)["train_config"] == {"base": name}


def test_a_name_that_stands_for_no_config_is_no_file_either(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["run", "--runs", str(tmp_path / "runs"), "--train-config", "robots"]
    assert run_main(lambda given: given.main(given), parser(), options) == 2
    assert "--train-config: robots: train.config: is neither JSON nor a readable file" in capsys.readouterr().err


def test_a_pointer_is_a_part_of_the_promotion_config(tmp_path: Path) -> None:
    (tmp_path / "rule.json").write_text('{"min_gain": 0.01}')
    options = parser().parse_args(
        ["run", "--pointer", "s3://m/c.json", "--promote-config", str(tmp_path / "rule.json")]
    )
    assert pipeline_arguments(options)["promote_config"] == {"min_gain": 0.01, "pointer_uri": "s3://m/c.json"}
    assert pipeline_arguments(parser().parse_args(["run"]))["promote_config"] == {}


def test_labels_are_one_document(tmp_path: Path) -> None:
    flags = ["--images", "i", "--labels", str(tmp_path / "r.gpkg|layername=a"), "--label-attribute", "kind"]
    given = pipeline_arguments(parser().parse_args(["run", *flags, "--labelled-area", "s3://gis/looked.fgb"]))
    assert given["images_labels"] == {
        "labels_uri": str(tmp_path / "r.gpkg|layername=a"),
        "label_attribute": "kind",
        "labelled_area_uri": "s3://gis/looked.fgb",
    }
    assert pipeline_arguments(parser().parse_args(["run", "--images", "i"]))["images_labels"] == {}


def test_weights_of_an_encoder_are_a_key_of_the_training_config() -> None:
    given = pipeline_arguments(parser().parse_args(["run", "--encoder-weights", "none", "--train-config", "robust"]))
    assert given["train_config"] == {"base": "robust", "encoder_weights": "none"}


@pytest.mark.parametrize("flags", [["--labels", "a.gpkg"], ["--images", "i", "--label-attribute", "kind"]])
def test_flags_about_labels_need_others(flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["run", "--runs", str(tmp_path / "runs"), *flags]
    assert run_main(lambda given: given.main(given), parser(), options) == 2
    assert re.search(r"--label(s|-attribute): is given without --(images|labels)", capsys.readouterr().err)


def test_options_of_the_imagery_are_flags() -> None:
    flags = ("--images", "in", "--masks", "gt", "--allow-unpaired", "--aoi", "town.gpkg", "--asset", "visual")
    given = pipeline_arguments(parser().parse_args(["run", *flags]))
    aoi = str(Path("town.gpkg").resolve())
    assert given["images_options"] == {"allow_unpaired": True, "aoi_uri": aoi, "assets": ["visual"]}
