"""Running the pipelines on this machine, through Kubeflow's own local runner."""

from __future__ import annotations

import logging
import os
import secrets
import sys
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
LOG_FILE = "run.log"

OF_PLACED_STEPS = ("gpus",)
"""Inputs that say what a cluster gives a step; left out here, where nothing is placed."""

REPORT = "report"
"""Output of every stage that writes a page for people."""


class RunFailedError(FootprintsError):
    """A stage ended with an error."""


@dataclass(frozen=True)
class Results:
    """Where a run's results lie.

    Attributes:
        folder: Of the run; one folder a stage in it.
        log: All messages of the stages and of Kubeflow's local runner.
        outputs: Path of every output, by "stage/output".
    """

    folder: Path
    log: Path
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
        runs: Folder that holds one folder per run.
        runner: "subprocess" for this environment, "docker" for each stage in its own image.
        threads: CPU threads of a network. One gives the same model on every machine of a kind, and a small network
            gains little from more.

    Returns:
        Where the results lie.

    Raises:
        ConfigError: If it runs in containers, and the Docker Engine or an image is missing.
        RunFailedError: If a stage failed; it names the stages that did, each with its own message. Where the log lies
            is printed before.
    """
    runs.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    name = f"{pipeline.name}-{secrets.token_hex(4)}"
    log = runs / f"{name}.log"
    try:
        with warnings.catch_warnings(), _quiet(), listening(log) as output, _adapted(pipeline, name):
            warnings.simplefilter("ignore")
            local.init(_runner(runner, runs), pipeline_root=str(runs.resolve()), raise_on_error=True)
            pipeline(**arguments)
    except RuntimeError as error:
        sys.stdout.write(f"log         {_with_the_run(log, runs, name)}\n")
        raise RunFailedError(output.failures() or ANSI_COLOURS.sub("", str(error))) from error
    log = _with_the_run(log, runs, name)
    _name_pages(log.parent)
    _link_latest(runs, log.parent)
    return Results(log.parent, log, _outputs(log.parent))


def _with_the_run(log: Path, runs: Path, name: str) -> Path:
    """Bring a log to the folder of its run, where there is one."""
    folder = next(runs.glob(f"{name}-*"), None)
    return log if folder is None else log.rename(folder / LOG_FILE)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep from the terminal what Kubeflow's runner logs outside its own stages."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, [logging.NullHandler()]
    try:
        yield
    finally:
        root.handlers = handlers


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
    staged = runs / f".{LATEST}.{folder.name}"
    staged.symlink_to(folder.name)
    staged.replace(runs / LATEST)


def _name_pages(folder: Path) -> None:
    """Give each report of a run a name that a browser takes for a page: Kubeflow's names have no suffix.

    The other name is a link to this one. The other way round a browser would follow the link, and show the source.
    """
    for page in list(folder.rglob(REPORT)):
        if page.is_file() and not page.is_symlink():
            page.rename(page.with_suffix(".html"))
            page.symlink_to(page.with_suffix(".html").name)


def _runner(kind: str, runs: Path) -> Any:
    if kind == "subprocess":
        return local.SubprocessRunner(use_venv=False)
    from pipelines.local_docker import docker_runner  # whose libraries only those need who ask for containers

    return docker_runner(runs)


def _outputs(folder: Path) -> dict[str, Path]:
    stages = sorted(path for path in folder.iterdir() if path.is_dir())
    return {f"{stage.name}/{output.name}": output for stage in stages for output in sorted(stage.iterdir())}
