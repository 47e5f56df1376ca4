"""What the commands import: each in a fresh interpreter that has only the packages of the image it runs in."""

from pathlib import Path

import pytest

from components.core import storage
from components.core.cli import BAD_INPUT
from pipelines.__main__ import COMMANDS
from tests.components.plan_imagery.sites import Site
from tests.manifests.rendering import KUSTOMIZATIONS, containers, pod_templates, rendered
from tests.pipelines.kubeflow_server import Kubeflow
from tests.pipelines.packages import IMAGES, packages_of, run_shut_in
from tests.start_up import imported_by_command

STAGES_LIBRARIES = {"cv2", "minio", "onnx", "onnxruntime", "pandas", "pyogrio", "rasterio", "scipy", "shapely", "torch"}

WITH_KFP = ("submit", "schedule", "runs")
"""Commands whose flags are told with Kubeflow's library."""

TO_KUBEFLOW = ("submit", "schedule", "runs")
ROOT = ("--param", "data_root=s3://bucket/data")


def test_an_image_has_what_its_files_bring_and_nothing_else() -> None:
    assert {"kfp", "kfp_server_api", "yaml", "google"} <= packages_of("submit")
    assert not {"docker", "torch", "pytest", "pytorch_lightning"} & packages_of("submit")
    assert {"kfp", "rasterio", "numpy"} <= packages_of("cpu")
    assert not {"geopandas", "kubernetes", "onnx", "onnxruntime", "pandas", "torch"} & packages_of("cpu")
    assert {"kfp", "onnx", "onnxruntime", "rasterio", "torch", "pytorch_lightning"} <= packages_of("gpu")


def test_what_an_image_lacks_is_missing_in_it() -> None:
    done = run_shut_in("submit", "tests.pipelines.tiny_pipeline")
    assert done.returncode == 1
    assert "No module named 'tests'" in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_its_flags_with_what_the_submit_image_has(command: str) -> None:
    done = run_shut_in("submit", "pipelines", command, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: python -m pipelines {command} [-h]")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_begins_without_what_it_needs_later(command: str) -> None:
    imported = imported_by_command("pipelines", command, "--help")
    assert not imported & STAGES_LIBRARIES
    assert command in WITH_KFP or not imported & {"kfp", "kubernetes", "requests", "urllib3"}


@pytest.mark.parametrize("command", ["run", "detect"])
def test_a_run_that_is_refused_needs_no_kubeflow(command: str, tmp_path: Path) -> None:
    flags = ["--images", str(tmp_path / "none"), "--runs", str(tmp_path / "runs")]
    flags += ["--model", str(tmp_path / "none")] if command == "detect" else []
    imported = imported_by_command("pipelines", command, *flags, status=BAD_INPUT)
    assert not imported & {*STAGES_LIBRARIES, "kfp"}


def test_the_commands_are_listed_where_there_is_nothing_but_python() -> None:
    done = run_shut_in("nothing", "pipelines", "--help")
    assert done.returncode == 0, done.stderr
    assert all(f"    {command} " in done.stdout for command in COMMANDS)


def jobs() -> set[tuple[str, ...]]:
    """Image and command of every container of the manifests that is in one of the project's images."""
    pods = [template["spec"] for name in KUSTOMIZATIONS for _, template in pod_templates(rendered(name))]
    found = {(container["image"], *container.get("command", ())) for pod in pods for container in containers(pod)}
    own = {f"footprints-{image}": image for image in IMAGES}
    return {(own[name], *command) for image, *command in found if (name := image.partition(":")[0]) in own}


@pytest.mark.parametrize("job", sorted(jobs()), ids=" ".join)
def test_every_job_has_in_its_image_what_it_imports(job: tuple[str, ...]) -> None:
    image, program, option, *module = job
    assert program in ("python", "torchrun") and option == "-m"  # either imports the module
    done = run_shut_in(image, *module, "--help")
    assert done.returncode == 0, done.stderr


def test_kfp_alone_submits_schedules_and_lists(kubeflow: Kubeflow, tiny: Path) -> None:
    pipeline = ("--pipeline", str(tiny), *ROOT)
    calls = {
        "submit": (*pipeline, "--run-name", "a run"),
        "schedule": (*pipeline, "--cron", "0 0 3 * * *"),
        "runs": ("--json",),
    }
    for command in TO_KUBEFLOW:
        done = run_shut_in("kfp", "pipelines", command, *calls[command])
        assert done.returncode == 0, done.stderr
    (run,) = kubeflow.runs.values()
    assert run.display_name == "a run"
    assert run.run_id in done.stdout
    assert len(kubeflow.recurring) == 1


def test_compiled_pipelines_are_checked_without_the_stages_libraries() -> None:
    done = run_shut_in("submit", "pipelines", "compile", "--check")
    assert done.returncode == 0, done.stderr


def test_a_local_run_starts_its_stages_without_their_libraries(tmp_path: Path) -> None:
    """What starts the stages has neither the network's library nor Docker's; then a stage refuses its input."""
    site = Site(str(tmp_path), tmp_path)
    storage.write_bytes(f"{site.images_uri}/broken.tif", b"no image at all")
    places = ("--images", site.images_uri, "--model", site.put_model(), "--output", site.output_uri)
    for command in (("run", "--size-px", "1"), ("detect", *places)):
        done = run_shut_in("submit", "pipelines", *command, "--runs", str(tmp_path / "runs"))
        assert done.returncode == 2, done.stderr
        assert " failed: " in done.stderr.splitlines()[-1]
        assert "No module named" not in done.stdout + done.stderr
