"""What the objects name is there: config maps, secrets, accounts, volumes, ports, images, node pools."""

import re
from typing import Any

import pytest
import yaml

from components.base_images import CPU_IMAGE
from components.core.errors import StorageError
from components.core.storage.mounted import CREDENTIALS, DATA_ROOT_VARIABLE
from components.core.storage.settings import CacheSettings, S3Settings
from pipelines.package import package_version
from pipelines.placement import SPOT_TOLERATIONS, load_node_pools
from tests.manifests.rendering import (
    KUSTOMIZATIONS,
    MANIFESTS,
    Manifest,
    containers,
    one,
    pod_templates,
    rendered,
)

EXAMPLE_SECRETS = {
    entry["metadata"]["name"]: set(entry["stringData"])
    for file in MANIFESTS.rglob("secret.example.yaml")
    for entry in yaml.safe_load_all(file.read_text())
}
CLUSTER = load_node_pools().cluster
REFERENCES = ("configMapRef", "configMapKeyRef", "configMap", "secretRef", "secretKeyRef", "secret")


def references(value: Any) -> list[tuple[str, dict[str, Any]]]:
    """All references to config maps and secrets in a pod template, as (kind of reference, reference)."""
    if isinstance(value, list):
        return [found for entry in value for found in references(entry)]
    if not isinstance(value, dict):
        return []
    own = [(key, entry) for key, entry in value.items() if key in REFERENCES and isinstance(entry, dict)]
    return own + [found for entry in value.values() for found in references(entry)]


def dangling(objects: tuple[Manifest, ...]) -> list[str]:
    """References to config maps and secrets, or keys of them, that are not there."""
    maps = {entry["metadata"]["name"]: set(entry["data"]) for entry in objects if entry["kind"] == "ConfigMap"}
    found = []
    for name, template in pod_templates(objects):
        for kind, reference in references(template):
            if reference.get("optional"):
                continue
            there = maps if kind.startswith("configMap") else EXAMPLE_SECRETS
            target = reference.get("name") or reference.get("secretName", "")
            if target not in there or reference.get("key", next(iter(there[target]))) not in there[target]:
                found.append(f"{name}: {kind} {target} {reference.get('key', '')}".strip())
    return found


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_config_maps_and_secrets_are_there(kustomization: str) -> None:
    objects = rendered(kustomization)
    assert dangling(objects) == []
    assert sum(len(references(template)) for _, template in pod_templates(objects)) >= 8


def test_a_dangling_reference_is_found() -> None:
    without = tuple(entry for entry in rendered("base") if entry["metadata"]["name"] != "footprints-storage")
    assert dangling(without) == [
        "Job footprints-bucket: configMapRef footprints-storage",
    ]


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_accounts_volumes_and_variables_are_there(kustomization: str) -> None:
    objects = rendered(kustomization)
    maps = {entry["metadata"]["name"]: entry["data"] for entry in objects if entry["kind"] == "ConfigMap"}
    for name, template in pod_templates(objects):
        pod = template["spec"]
        if "serviceAccountName" in pod:
            account = one(objects, "ServiceAccount", pod["serviceAccountName"])
            assert account["automountServiceAccountToken"] is False
        owner = one(objects, *name.split())
        claims = {claim["metadata"]["name"] for claim in owner["spec"].get("volumeClaimTemplates", ())}
        for container in containers(pod):
            mounted = [mount["name"] for mount in container["volumeMounts"]]
            assert set(mounted) == {volume["name"] for volume in pod["volumes"]} | claims, name
            given = {entry["name"] for entry in container["env"]}
            for source in container.get("envFrom", ()):
                given |= set(maps[source["configMapRef"]["name"]])
            used = {match for argument in container.get("args", ()) for match in re.findall(r"\$\((\w+)\)", argument)}
            assert used <= given, name


def test_the_service_leads_to_the_object_store() -> None:
    objects = rendered("overlays/dev-object-store")
    service = one(objects, "Service", "footprints-object-store")["spec"]
    stateful_set = one(objects, "StatefulSet", "footprints-object-store")["spec"]
    labels = stateful_set["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()
    assert stateful_set["selector"]["matchLabels"].items() <= labels.items()
    assert stateful_set["serviceName"] == "footprints-object-store"
    (port,), (container,) = service["ports"], stateful_set["template"]["spec"]["containers"]
    (opened,) = container["ports"]
    assert port["targetPort"] == opened["name"]
    assert f"-s3.port={opened['containerPort']}" in container["args"]
    settings = one(objects, "ConfigMap", "footprints-storage")["data"]
    assert settings["AWS_ENDPOINT_URL_S3"] == f"http://footprints-object-store:{port['port']}"
    others = [dict(pod_templates(objects))[f"Job {name}"] for name in ("footprints-bucket", "footprints-register")]
    for template in others:
        assert not service["selector"].items() <= template["metadata"]["labels"].items()


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_images_are_the_pipelines_own_and_never_latest(kustomization: str) -> None:
    images = {
        name: container["image"]
        for name, template in pod_templates(rendered(kustomization))
        for container in containers(template["spec"])
    }
    repository, _, tag = CPU_IMAGE.rpartition(":")
    assert images["Job footprints-bucket"] == f"{repository}:{tag}"
    assert images["Job footprints-register"] == f"{repository.removesuffix('-cpu')}-submit:{tag}"
    assert tag.startswith(package_version())
    for image in images.values():
        assert re.fullmatch(r"[a-z0-9./-]+:[0-9][\w.-]*", image), image


def test_objects_carry_this_version() -> None:
    for entry in rendered("base"):
        assert entry["metadata"]["labels"]["app.kubernetes.io/version"] == package_version()


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_jobs_end(kustomization: str) -> None:
    jobs = [entry["spec"] for entry in rendered(kustomization) if entry["kind"] == "Job"]
    assert len(jobs) == 2
    for job in jobs:
        assert job["backoffLimit"] <= 6
        assert job["activeDeadlineSeconds"] <= 3600
        assert job["ttlSecondsAfterFinished"] <= 3600
        assert job["template"]["spec"]["restartPolicy"] == "Never"


def test_the_role_is_minimal() -> None:
    objects = rendered("base")
    (role,) = [entry for entry in objects if "Role" in entry["kind"] and "Binding" not in entry["kind"]]
    assert role["kind"] == "Role"
    for rule in role["rules"]:
        assert rule["apiGroups"] == ["pipelines.kubeflow.org"]
        assert set(rule["resources"]) <= {"pipelines", "pipelines/versions", "experiments", "jobs"}
        assert not {"*", "update", "patch", "deletecollection", "escalate", "bind"} & set(rule["verbs"])
    (binding,) = [entry for entry in objects if "Binding" in entry["kind"]]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    (subject,) = binding["subjects"]
    assert (subject["kind"], subject["name"]) == ("ServiceAccount", "footprints-register")
    assert subject["namespace"] == binding["metadata"]["namespace"]


class TestWhatThePipelinesExpect:
    def test_settings_are_those_that_the_steps_take(self) -> None:
        data = one(rendered("base"), "ConfigMap", CLUSTER.storage_settings)["data"]
        settings = S3Settings.from_environment(data)
        assert (settings.endpoint, settings.secure, settings.path_style) == ("seaweedfs.kubeflow:9000", False, True)

    @pytest.mark.parametrize("kustomization", ["base", "overlays/dev-object-store"])
    def test_every_setting_is_one_that_the_code_reads(self, kustomization: str) -> None:
        data = one(rendered(kustomization), "ConfigMap", CLUSTER.storage_settings)["data"]
        names = set(data) - {DATA_ROOT_VARIABLE}
        assert len(names) >= 9 and DATA_ROOT_VARIABLE in data
        assert {name for name in names if not changes(data, name)} == set()

    def test_credentials_are_those_that_the_steps_take(self) -> None:
        assert EXAMPLE_SECRETS[CLUSTER.storage_secret] == set(CREDENTIALS)
        bucket = dict(pod_templates(rendered("base")))["Job footprints-bucket"]["spec"]["containers"][0]
        taken = {
            entry["valueFrom"]["secretKeyRef"]["key"]: entry["name"]
            for entry in bucket["env"]
            if "secretKeyRef" in entry.get("valueFrom", {})
        }
        assert taken == CREDENTIALS

    def test_the_gpu_quota_lets_training_and_inference_run(self) -> None:
        quota = one(rendered("overlays/gpu-pool"), "ResourceQuota", "footprints-gpu")["spec"]["hard"]
        stages = load_node_pools().stages
        wanted = stages["train_unet"].accelerators + stages["infer_windows"].accelerators
        assert int(quota[f"requests.{CLUSTER.accelerator_type}"]) == wanted

    def test_no_gpu_may_be_asked_for_on_cpu_only(self) -> None:
        (limit,) = one(rendered("overlays/cpu-only"), "LimitRange", "footprints-no-gpu")["spec"]["limits"]
        assert limit == {"type": "Container"} | {
            bound: {CLUSTER.accelerator_type: "0"} for bound in ("max", "default", "defaultRequest")
        }

    def test_jobs_and_steps_tolerate_the_same_spot_taint(self) -> None:
        for _, template in pod_templates(rendered("overlays/spot-pool")):
            (toleration,) = template["spec"]["tolerations"]
            assert toleration in SPOT_TOLERATIONS


def changes(data: dict[str, str], name: str) -> bool:
    """Whether another value of a setting is another setting, or an error."""
    try:
        return _read(data | {name: "17"}) != _read(data)
    except StorageError:
        return True


def _read(data: dict[str, str]) -> tuple[S3Settings, CacheSettings]:
    return S3Settings.from_environment(data), CacheSettings.from_environment(data)
