"""The pipelines as Kubernetes objects, for installations of Kubeflow that keep pipelines in the Kubernetes API.

`make pipeline` writes them beside the compiled YAML, which alone is committed. An object's version is named and
described as an upload through Kubeflow's API names and describes it, so that either finds what the other made.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler
from kfp.compiler.compiler_utils import KubernetesManifestOptions

from pipelines.package import PipelinePackage, read_package

MANIFESTS = Path(__file__).parents[1] / "manifests" / "base" / "pipelines"
KUSTOMIZATION = "kustomization.yaml"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def write_kubernetes_manifests(pipelines: Mapping[str, Any], compiled: Path, folder: Path = MANIFESTS) -> list[Path]:
    """Write a Pipeline and a PipelineVersion for each pipeline, and the kustomization that lists the files.

    Args:
        pipelines: Pipeline functions by the name of their file.
        compiled: The folder of the compiled YAML, whose digests the versions are named by.
        folder: Where the files are written.

    Returns:
        The files.

    Raises:
        ConfigError: A pipeline is not in `compiled`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.yaml" for name in sorted(pipelines)]
    for file in files:
        objects = _objects(pipelines[file.stem], read_package(str(compiled / file.name)))
        file.write_text(_text(objects), encoding="utf-8")
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "labels": [{"pairs": {"app.kubernetes.io/part-of": "building-footprints"}}],
        "resources": [file.name for file in files],
    }
    (folder / KUSTOMIZATION).write_text(_text([kustomization]), encoding="utf-8")
    return [*files, folder / KUSTOMIZATION]


def _objects(pipeline: Any, package: PipelinePackage) -> list[dict[str, Any]]:
    """The Pipeline and its PipelineVersion; a version cannot be changed, so its name holds the content's digest."""
    options = KubernetesManifestOptions(
        pipeline_name=package.name,
        pipeline_display_name=package.name,
        pipeline_version_name=f"{package.name}-{package.version_name}",
        pipeline_version_display_name=package.version_name,
        include_pipeline_manifest=True,
    )
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = Path(folder) / "objects.yaml"
        compiler.Compiler().compile(
            pipeline, str(file), kubernetes_manifest_format=True, kubernetes_manifest_options=options
        )
        objects: list[dict[str, Any]] = list(yaml.load_all(file.read_text(encoding="utf-8"), _LOADER))
    version = objects[-1]["spec"]
    version["description"] = f"{version.get('description', '')}\n\ncontent sha256 {package.sha256}".strip()
    return objects


def _text(documents: list[dict[str, Any]]) -> str:
    text: str = yaml.safe_dump_all(documents, sort_keys=True, width=120)
    return f"# Written by `make pipeline`.\n{text}"
