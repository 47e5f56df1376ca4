"""What the commands import: each in a fresh interpreter that has only the packages of the image it runs in."""

from pathlib import Path

import pytest

from components.core import storage
from pipelines.__main__ import COMMANDS
from tests.components.plan_imagery.sites import Site
from tests.pipelines.kubeflow_server import Kubeflow
from tests.pipelines.packages import LIGHT, SUBMIT, packages_of, run_shut_in

TO_KUBEFLOW = ("submit", "schedule", "runs")
ROOT = ("--param", "data_root=s3://bucket/data")


def test_an_image_lacks_what_its_files_do_not_bring() -> None:
    assert {"kfp", "kfp_server_api", "yaml", "google"} <= packages_of(*SUBMIT)
    assert not {"docker", "torch", "pytest", "pytorch_lightning"} & packages_of(*SUBMIT)
    assert "kfp" not in packages_of(*LIGHT)


def test_what_an_image_lacks_is_missing_in_it() -> None:
    done = run_shut_in(SUBMIT, "tests.pipelines.tiny_pipeline")
    assert done.returncode == 1
    assert "No module named 'tests', which this image has not" in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_its_flags_with_what_the_submit_image_has(command: str) -> None:
    done = run_shut_in(SUBMIT, "pipelines", command, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: python -m pipelines {command} [-h]")


@pytest.mark.parametrize("files", [SUBMIT, LIGHT], ids=["submit", "light"])
def test_the_commands_are_listed_whatever_is_there(files: tuple[str, ...]) -> None:
    done = run_shut_in(files, "pipelines", "--help")
    assert done.returncode == 0, done.stderr
    assert all(f"    {command} " in done.stdout for command in COMMANDS)


def test_a_command_in_an_image_that_lacks_what_it_needs_says_so() -> None:
    done = run_shut_in(LIGHT, "pipelines", "runs")
    assert done.returncode == 1
    assert "No module named 'kfp', which this image has not" in done.stderr


def test_the_submit_image_submits_schedules_and_lists(kubeflow: Kubeflow, tiny: Path) -> None:
    pipeline = ("--pipeline", str(tiny), *ROOT)
    calls = {
        "submit": (*pipeline, "--run-name", "a run"),
        "schedule": (*pipeline, "--cron", "0 0 3 * * *"),
        "runs": ("--json",),
    }
    for command in TO_KUBEFLOW:
        done = run_shut_in(SUBMIT, "pipelines", command, *calls[command])
        assert done.returncode == 0, done.stderr
    (run,) = kubeflow.runs.values()
    assert run.display_name == "a run"
    assert run.run_id in done.stdout
    assert len(kubeflow.recurring) == 1


@pytest.mark.parametrize("command", ["compile", "readme"])
def test_generated_files_are_checked_without_the_stages_libraries(command: str) -> None:
    done = run_shut_in(SUBMIT, "pipelines", command, "--check")
    assert done.returncode == 0, done.stderr


def test_a_local_run_starts_its_stages_without_their_libraries(tmp_path: Path) -> None:
    """What starts the stages has neither the network's library nor Docker's; then a stage refuses its input."""
    site = Site(str(tmp_path), tmp_path)
    storage.write_bytes(f"{site.images_uri}/broken.tif", b"no image at all")
    places = ("--images", site.images_uri, "--model", site.put_model(), "--output", site.output_uri)
    for command in (("run", "--size-px", "1"), ("detect", *places)):
        done = run_shut_in(SUBMIT, "pipelines", *command, "--runs", str(tmp_path / "runs"))
        assert done.returncode == 2, done.stderr
        assert " failed: " in done.stderr.splitlines()[-1]
        assert "which this image has not" not in done.stdout + done.stderr
