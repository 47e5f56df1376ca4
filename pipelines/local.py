"""Running the pipelines on this machine, through Kubeflow's own local runner."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kfp import local
from kfp.dsl.base_component import BaseComponent

from components.core.errors import FootprintsError

LATEST = "latest"


class RunFailedError(FootprintsError):
    """A stage ended with an error."""


@dataclass(frozen=True)
class Results:
    """Where a run's results lie.

    Attributes:
        folder: Of the run; one folder a stage in it.
        outputs: Path of every output, by "stage/output".
    """

    folder: Path
    outputs: dict[str, Path] = field(default_factory=dict)

    def path(self, output: str) -> Path:
        """Path of one output, such as "train-unet/model"."""
        return self.outputs[output]


def run_pipeline(pipeline: BaseComponent, arguments: dict[str, Any], runs: Path) -> Results:
    """Run a pipeline in subprocesses of this environment.

    Args:
        pipeline: The pipeline.
        arguments: Of the pipeline.
        runs: Folder that holds one folder a run.

    Returns:
        Where the results lie.

    Raises:
        RunFailedError: If a stage failed; its own message is in the log above.
    """
    runs.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else threads that wait for a busy core burn the other ones
    before = set(runs.iterdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(runs.resolve()), raise_on_error=True)
        try:
            pipeline(**arguments)
        except RuntimeError as error:
            raise RunFailedError(f"{error} The stage's own message stands above") from error
    folder = max(set(runs.iterdir()) - before, key=lambda path: path.stat().st_mtime)
    link = runs / LATEST
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    return Results(folder, _outputs(folder))


def _outputs(folder: Path) -> dict[str, Path]:
    stages = sorted(path for path in folder.iterdir() if path.is_dir())
    return {f"{stage.name}/{output.name}": output for stage in stages for output in sorted(stage.iterdir())}
