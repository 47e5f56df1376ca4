"""Compiling the pipelines to YAML, which is committed."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

from kfp import compiler

from components.core.errors import ConfigError
from pipelines.kubernetes_manifests import stale_kubernetes_manifests, write_kubernetes_manifests
from pipelines.training import sample_training, training

COMPILED = Path(__file__).with_name("compiled")

PIPELINES = {"training": training, "sample_training": sample_training}
"""Every pipeline by the name of its file."""


def compile_all() -> list[Path]:
    """Compile every pipeline to the committed YAML, and to the committed Kubernetes objects.

    Returns:
        The files.
    """
    return compile_pipelines(COMPILED) + write_kubernetes_manifests(PIPELINES, COMPILED)


def compile_pipelines(folder: Path) -> list[Path]:
    """Compile every pipeline.

    Args:
        folder: Where the YAML files are written.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_compile(name, folder) for name in PIPELINES]


def _compile(name: str, folder: Path) -> Path:
    file = folder / f"{name}.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiler.Compiler().compile(PIPELINES[name], str(file))
    return file


def check_compiled(folder: Path = COMPILED) -> None:
    """See that the committed YAML is what the code compiles to.

    Raises:
        ConfigError: Naming the files that are not.
    """
    with tempfile.TemporaryDirectory() as fresh:
        stale = [
            file.name
            for file in compile_pipelines(Path(fresh))
            if not (folder / file.name).is_file() or (folder / file.name).read_bytes() != file.read_bytes()
        ]
    stale += [] if stale else stale_kubernetes_manifests(PIPELINES, folder)
    if stale:
        raise ConfigError(f"{', '.join(stale)} is not what the code compiles to; run `make pipeline` and commit")
