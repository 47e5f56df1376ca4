"""Every component's executor, by the command line that the compiled YAML holds, with inputs as the backend writes them.

A step runs with its image's packages alone. Artifacts' URIs are folders of this machine: the executor makes
/minio/bucket/key of minio://bucket/key, which is a folder in containers alone, and takes any other URI for a path.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.base_images import CPU_IMAGE, GPU_IMAGE
from tests.pipelines.backend import ArtifactRoot, Backend, Step
from tests.pipelines.every_pipeline import check_what_ran, run_every_pipeline
from tests.pipelines.packages import shut_in

RECORDED = Path(__file__).with_name("recorded")
IMAGES = {CPU_IMAGE: "cpu", GPU_IMAGE: "gpu"}


def launch(step: Step) -> None:
    """Run a step's command here."""
    done = subprocess.run(step.command_line, capture_output=True, text=True, env=shut_in(IMAGES[step.image]))
    assert done.returncode == 0, f"{step.name}: {done.stdout[-2000:]}{done.stderr[-3000:]}"


@pytest.mark.slow
def test_every_executor_takes_what_the_backend_gives(tmp_path: Path) -> None:
    artifacts = tmp_path / "artifacts"
    backend = Backend(ArtifactRoot(str(artifacts), str(artifacts), artifacts), launch)
    run_every_pipeline(backend, tmp_path, str(tmp_path / "store"))
    check_what_ran(backend)
    recorded = {form for file in RECORDED.glob("*.json") for form in forms(json.loads(file.read_text()))}
    assert {form for step in backend.steps for form in forms(step.executor_input)} == recorded


def forms(executor_input: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """What the parts of an executor input look like, whatever step it is for."""
    for side in ("inputs", "outputs"):
        for name, entry in executor_input[side].get("artifacts", {}).items():
            for artifact in entry["artifacts"]:
                about = {"display_name", "store_session_info"} & artifact.get("metadata", {}).keys()
                kind = artifact.get("type", {})
                yield side, name == "executor-logs", *sorted(artifact), *sorted(kind), *sorted(about)
    parameters = executor_input["inputs"].get("parameterValues", {})
    yield "parameters", list(parameters) == sorted(parameters)
    yield from (("nothing", type(value)) for value in parameters.values() if value == 0)
