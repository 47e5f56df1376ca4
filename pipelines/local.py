"""Running the pipelines on this machine, through Kubeflow's own local runner."""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kfp import local
from kfp.dsl.base_component import BaseComponent

from components.core.errors import FootprintsError
from pipelines.stage_output import ANSI_COLOURS, listening

LATEST = "latest"

OF_PLACED_STEPS = ("require_gpus", "train_gpus", "infer_gpus")
"""Inputs that tell a step of GPUs that a cluster gives; left out, none is needed and none is compared."""

REPORT = "report"
"""Output of every stage that writes a page for people."""


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


def run_pipeline(
    pipeline: BaseComponent, arguments: dict[str, Any], runs: Path, runner: str = "subprocess", threads: int = 1
) -> Results:
    """Run a pipeline on this machine.

    Args:
        pipeline: The pipeline.
        arguments: Of the pipeline.
        runs: Folder that holds one folder a run.
        runner: "subprocess" for this environment, "docker" for each stage in its own image.
        threads: CPU threads of a network. One gives the same model on every machine of a kind, and a small network
            gains little from more.

    Returns:
        Where the results lie.

    Raises:
        ConfigError: If containers are asked for, and the Docker Engine or an image is missing.
        RunFailedError: If a stage failed; it names the stages that did, each with its own message.
    """
    runs.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    name = f"{pipeline.name}-{secrets.token_hex(4)}"
    with warnings.catch_warnings(), listening() as output:
        warnings.simplefilter("ignore")
        local.init(_runner(runner, runs), pipeline_root=str(runs.resolve()), raise_on_error=True)
        try:
            with _adapted(pipeline, name):
                pipeline(**arguments)
        except RuntimeError as error:
            said = output.failures() or f"{ANSI_COLOURS.sub('', str(error))} Its output stands above"
            raise RunFailedError(said) from error
    folder = next(runs.glob(f"{name}-*"))
    _link_pages(folder)
    _link_latest(runs, folder)
    return Results(folder, _outputs(folder))


@contextmanager
def _adapted(pipeline: BaseComponent, name: str) -> Iterator[None]:
    """A pipeline as one local run needs it.

    Its name begins the run's folder, so that no other run can be taken for this one. On this machine nobody takes a
    node away: a step that fails is said at once, not tried again. Nor is a step placed on GPUs: it takes what is there.
    """
    spec = pipeline.component_spec.implementation.graph
    whole = type(spec)()
    whole.CopyFrom(spec)
    spec.pipeline_info.name = name
    for dag in (spec.root.dag, *(component.dag for component in spec.components.values())):
        for task in dag.tasks.values():
            task.ClearField("retry_policy")
            for name in OF_PLACED_STEPS:
                task.inputs.parameters.pop(name, None)
    try:
        yield
    finally:
        spec.CopyFrom(whole)


def _link_latest(runs: Path, folder: Path) -> None:
    """Let `latest` lead to a run, in one step: other runs may end at the same time."""
    aside = runs / f".{LATEST}.{folder.name}"
    aside.symlink_to(folder.name)
    aside.replace(runs / LATEST)


def _link_pages(folder: Path) -> None:
    """Give each report of a run a name that a browser takes for a page; Kubeflow's names have no suffix."""
    for page in folder.rglob(REPORT):
        if page.is_file():
            page.with_suffix(".html").symlink_to(page.name)


def _runner(kind: str, runs: Path) -> Any:
    if kind == "subprocess":
        return local.SubprocessRunner(use_venv=False)
    from pipelines.local_docker import docker_runner  # whose libraries only those need who ask for containers

    return docker_runner(runs)


def _outputs(folder: Path) -> dict[str, Path]:
    stages = sorted(path for path in folder.iterdir() if path.is_dir())
    return {f"{stage.name}/{output.name}": output for stage in stages for output in sorted(stage.iterdir())}
