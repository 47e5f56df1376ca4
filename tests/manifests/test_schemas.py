"""Every object is valid for Kubernetes, old and new, and every kustomization is of use."""

import copy
import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from pipelines.compiling import PIPELINES
from pipelines.package import package_version
from tests.manifests.rendering import COMPONENTS, KUSTOMIZATIONS, MANIFESTS, Manifest, one, rendered, site_of
from tests.manifests.trainer_schema import API_VERSION, validate_trainer

KUBERNETES = ("1.29", "1.37")
KUBEFLOW_GROUP = "pipelines.kubeflow.org/"
DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
EXAMPLES = ["base/secret.example.yaml", "components/dev-object-store/secret.example.yaml"]


def validate(entry: Manifest, version: str) -> None:
    """Check against the schema, in which unknown fields are errors."""
    kubernetes_validate.validate(entry, version, strict=True)


def faults_of_kubeflow(entry: Manifest) -> list[str]:
    """What the definitions of Pipeline and PipelineVersion ask for, of which there is no schema."""
    spec, faults = entry["spec"], []
    if entry["apiVersion"] != f"{KUBEFLOW_GROUP}v2beta1":
        faults.append("apiVersion")
    if not DNS_SUBDOMAIN.fullmatch(entry["metadata"]["name"]) or len(entry["metadata"]["name"]) > 253:
        faults.append("name")
    texts = {"displayName", "description"} | ({"pipelineName"} if entry["kind"] == "PipelineVersion" else set())
    faults += [key for key in sorted(texts) if not isinstance(spec.get(key), str) or not spec[key]]
    if entry["kind"] == "PipelineVersion":
        allowed = {*texts, "pipelineSpec", "platformSpec"}
        ir = spec.get("pipelineSpec", {})
        missing = {"pipelineInfo", "root", "components", "deploymentSpec", "schemaVersion"} - set(ir)
        faults += [f"pipelineSpec.{key}" for key in sorted(missing)]
    else:
        allowed = texts
    return faults + [f"unknown {key}" for key in sorted(set(spec) - allowed)]


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
@pytest.mark.parametrize("version", KUBERNETES)
def test_every_object_has_its_schema(kustomization: str, version: str) -> None:
    objects = rendered(kustomization)
    assert len(objects) >= 9
    for entry in objects:
        if entry["apiVersion"].startswith(KUBEFLOW_GROUP):
            assert faults_of_kubeflow(entry) == [], entry["metadata"]["name"]
        elif entry["apiVersion"] == API_VERSION:
            validate_trainer(entry, version)
        else:
            validate(entry, version)


def test_the_schemas_refuse_what_is_wrong() -> None:
    job = copy.deepcopy(one(rendered("base"), "Job", "footprints-bucket"))
    job["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError, match="imagePullPolice"):
        validate(job, KUBERNETES[-1])


def test_the_check_of_kubeflow_objects_refuses_what_is_wrong() -> None:
    objects = rendered("overlays/kubernetes-native")
    version = copy.deepcopy(next(entry for entry in objects if entry["kind"] == "PipelineVersion"))
    version["metadata"]["name"] = "Capital"
    version["spec"] |= {"pipelineName": "", "parameters": {}}
    del version["spec"]["pipelineSpec"]["root"]
    assert faults_of_kubeflow(version) == ["name", "pipelineName", "pipelineSpec.root", "unknown parameters"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_valid_and_hold_no_secret(example: str) -> None:
    (entry,) = yaml.safe_load_all((MANIFESTS / example).read_text())
    validate(entry, KUBERNETES[-1])
    assert all(value.startswith("REPLACE-WITH-") for value in entry["stringData"].values())


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_no_secret_is_applied_and_everything_is_in_the_namespace(kustomization: str) -> None:
    objects = rendered(kustomization)
    namespace = "kubeflow" if kustomization == "overlays/single-user" else "building-footprints"
    for entry in objects:
        assert entry["kind"] != "Secret"
        if entry["kind"] != "Namespace":
            assert entry["metadata"]["namespace"] == namespace, entry["metadata"]["name"]
        assert entry["metadata"]["labels"]["app.kubernetes.io/part-of"] == "building-footprints"
    names = [(entry["kind"], entry["metadata"]["name"]) for entry in objects]
    assert len(names) == len(set(names))


def test_every_component_has_a_use() -> None:
    used = "".join(file.read_text() for file in MANIFESTS.glob("overlays/*/kustomization.yaml"))
    assert [name for name in COMPONENTS if f"components/{name}\n" not in used] == ["active"]


def test_components_go_together(tmp_path: Path) -> None:
    parts = ["gpu-pool", "spot-pool", "dev-object-store", "kubernetes-native", "active", "existing-namespace"]
    objects = site_of(tmp_path, parts, namespace="a-profile")
    assert {entry["metadata"]["namespace"] for entry in objects} == {"a-profile"}
    arguments = one(objects, "Job", "footprints-register")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--paused" not in arguments
    assert "--node-pools=/etc/footprints/node-pools" in arguments
    placed = one(objects, "ConfigMap", "footprints-node-pools")["data"]
    assert sorted(placed) == ["00-base.yaml", "50-dev-object-store.yaml", "50-gpu-pool.yaml"]


def test_pipelines_are_objects_of_this_version() -> None:
    objects = rendered("overlays/kubernetes-native")
    pipelines = {entry["metadata"]["name"] for entry in objects if entry["kind"] == "Pipeline"}
    versions = [entry for entry in objects if entry["kind"] == "PipelineVersion"]
    assert len(pipelines) == len(versions) == len(PIPELINES)
    assert {entry["spec"]["pipelineName"] for entry in versions} == pipelines
    for entry in versions:
        assert entry["metadata"]["name"].startswith(f"{entry['spec']['pipelineName']}-{package_version()}-")
