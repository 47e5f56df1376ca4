"""The pipelines as the test runs them: small, without GPUs, with what else the site has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.core.errors import ConfigError
from pipelines.package import PipelinePackage, read_package
from pipelines.placement import NODE_POOLS, NodePools, load_node_pools
from pipelines.site import NODE_POOLS_VARIABLE, compile_for_site
from tests.kubeflow.helping import HELPERS

SMALL_POOLS = Path(__file__).with_name("node_pools.yaml")

LEAST: Mapping[str, Mapping[str, Any]] = {
    "cpu": {"cpu": "500m", "memory": "1Gi", "retries": 2, "timeout_s": 600},
    "gpu": {
        "cpu": "700m",
        "memory": "1536Mi",
        "accelerators": 0,
        "shared_memory": "64Mi",
        "retries": 2,
        "timeout_s": 600,
    },
}
"""What a stage of each image asks for, unless `SMALL_POOLS` says something else."""

ROOT = Path(__file__).parents[2]

TRAINING, DETECTION, PREPARING, LOOKING, REMOVING, GPUS = (
    "training",
    "detection",
    "preparing",
    "looking",
    "removing",
    "gpus",
)


@dataclass(frozen=True)
class Compiled:
    """What is uploaded.

    Attributes:
        packages: The compiled pipelines by name.
        small: Placements of all but `gpus`.
        own: Placements of `gpus`: the site's own.
    """

    packages: Mapping[str, PipelinePackage]
    small: NodePools
    own: NodePools


def compile_for_the_test(folder: Path) -> Compiled:
    """Compile the pipelines and the test's own.

    Args:
        folder: Gets the files.

    Raises:
        ConfigError: A placement breaks a rule, or something does not compile.
    """
    site = os.environ.get(NODE_POOLS_VARIABLE, "")
    pools = _pools(folder / "node_pools", Path(site) if site else None)
    compile_for_site(pools, folder)
    _compile_helpers(folder, str(pools))
    own = folder / "own"
    own.mkdir()
    _compile_helpers(own, site)
    files = {name: folder / f"{name}.yaml" for name in (DETECTION, PREPARING, LOOKING, REMOVING)}
    files |= {TRAINING: folder / "sample_training.yaml", GPUS: own / f"{GPUS}.yaml"}
    packages = {name: read_package(str(file)) for name, file in files.items()}
    return Compiled(packages, load_node_pools(pools), load_node_pools())


def _pools(folder: Path, site: Path | None) -> Path:
    """A folder of placements: the site's files, and then the least of every stage, which goes before them."""
    folder.mkdir()
    if site is not None:
        files = sorted(site.glob("*.yaml")) if site.is_dir() else [site]
        for number, file in enumerate(files):
            shutil.copyfile(file, folder / f"a{number:03}.yaml")
    least = {stage: dict(LEAST[placement.image]) for stage, placement in load_node_pools(NODE_POOLS).stages.items()}
    (folder / "least.yaml").write_text(yaml.safe_dump({"stages": least}), encoding="utf-8")
    shutil.copyfile(SMALL_POOLS, folder / "small.yaml")
    return folder


def _compile_helpers(folder: Path, pools: str) -> None:
    """In a process of its own, as a pipeline takes its placements when its module is imported."""
    command = [sys.executable, "-m", "tests.kubeflow.helping", str(folder)]
    variables = os.environ | {NODE_POOLS_VARIABLE: pools}
    done = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise ConfigError(f"the test's own pipelines ({', '.join(HELPERS)}) do not compile: {said}")
