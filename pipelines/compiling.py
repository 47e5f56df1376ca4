"""Compiling the pipelines to YAML, which is committed."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

from kfp import compiler

from components.core.errors import ConfigError
from pipelines.detection import detection
from pipelines.kubernetes_manifests import MANIFESTS, write_kubernetes_manifests
from pipelines.training import sample_training, training

COMPILED = Path(__file__).with_name("compiled")
KUBERNETES = "kubernetes"

PIPELINES = {"training": training, "sample_training": sample_training, "detection": detection}
"""Every pipeline by the name of its file."""


def compile_all(folder: Path = COMPILED) -> list[Path]:
    """Compile every pipeline to YAML, and to Kubernetes objects.

    Args:
        folder: Of the YAML. Where it is the committed one, its objects go among the manifests, and git ignores them;
            else they go into its `kubernetes`.

    Returns:
        The files.
    """
    objects = MANIFESTS if folder.resolve() == COMPILED.resolve() else folder / KUBERNETES
    return compile_pipelines(folder) + write_kubernetes_manifests(PIPELINES, folder, objects)


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
    if stale:
        raise ConfigError(f"{', '.join(stale)} is not what the code compiles to; run `make pipeline` and commit")
