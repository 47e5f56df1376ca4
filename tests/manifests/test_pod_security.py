"""Every pod passes the level "restricted", and the check of it refuses what the level forbids."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.manifests.pod_security import violations
from tests.manifests.rendering import KUSTOMIZATIONS, containers, pod_templates, rendered

Spec = dict[str, Any]

GOOD: Spec = {
    "securityContext": {"runAsNonRoot": True, "runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "main",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
}


def own(pod: Spec) -> Spec:
    context: Spec = pod["containers"][0]["securityContext"]
    return context


def add_container(pod: Spec, kind: str) -> None:
    pod[kind] = [{"name": "second"}]


BAD: dict[str, Callable[[Spec], Any]] = {
    "hostNetwork": lambda pod: pod.update(hostNetwork=True),
    "hostPID": lambda pod: pod.update(hostPID=True),
    "hostIPC": lambda pod: pod.update(hostIPC=True),
    "volumes[disk]": lambda pod: pod["volumes"].append({"name": "disk", "hostPath": {"path": "/"}}),
    "volumes[nfs]": lambda pod: pod["volumes"].append({"name": "nfs", "nfs": {}}),
    "sysctls": lambda pod: pod["securityContext"].update(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
    "securityContext.runAsUser": lambda pod: pod["securityContext"].update(runAsUser=0),
    "containers[main].securityContext.runAsUser": lambda pod: own(pod).update(runAsUser=0),
    "securityContext.runAsNonRoot": lambda pod: pod["securityContext"].pop("runAsNonRoot"),
    "containers[main].securityContext.runAsNonRoot": lambda pod: own(pod).update(runAsNonRoot=False),
    "securityContext.seccompProfile": lambda pod: pod["securityContext"].pop("seccompProfile"),
    "securityContext.seccompProfile.type": lambda pod: own(pod).update(seccompProfile={"type": "Unconfined"}),
    "appArmorProfile": lambda pod: own(pod).update(appArmorProfile={"type": "Unconfined"}),
    "seLinuxOptions": lambda pod: own(pod).update(seLinuxOptions={"user": "root"}),
    "windowsOptions": lambda pod: own(pod).update(windowsOptions={"hostProcess": True}),
    "privileged": lambda pod: own(pod).update(privileged=True),
    "allowPrivilegeEscalation": lambda pod: own(pod).pop("allowPrivilegeEscalation"),
    "procMount": lambda pod: own(pod).update(procMount="Unmasked"),
    "capabilities.drop": lambda pod: own(pod).update(capabilities={"drop": ["NET_RAW"]}),
    "capabilities.add": lambda pod: own(pod)["capabilities"].update(add=["SYS_ADMIN"]),
    "ports": lambda pod: pod["containers"][0].update(ports=[{"containerPort": 1, "hostPort": 1}]),
    "livenessProbe": lambda pod: pod["containers"][0].update(livenessProbe={"httpGet": {"host": "node", "port": 1}}),
    "lifecycle.preStop": lambda pod: pod["containers"][0].update(lifecycle={"preStop": {"tcpSocket": {"host": "a"}}}),
    "initContainers[second]": lambda pod: add_container(pod, "initContainers"),
    "ephemeralContainers[second]": lambda pod: add_container(pod, "ephemeralContainers"),
}


def test_a_good_pod_passes() -> None:
    assert violations(GOOD) == []


@pytest.mark.parametrize("place", BAD)
def test_a_bad_pod_is_refused(place: str) -> None:
    pod = copy.deepcopy(GOOD)
    BAD[place](pod)
    assert any(place in line for line in violations(pod))


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_every_pod_is_restricted(kustomization: str) -> None:
    templates = dict(pod_templates(rendered(kustomization)))
    assert {"Job footprints-bucket", "Job footprints-register"} <= set(templates)
    assert [line for template in templates.values() for line in violations(template["spec"])] == []


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_every_pod_is_narrower_than_restricted(kustomization: str) -> None:
    for name, template in pod_templates(rendered(kustomization)):
        pod = template["spec"]
        assert pod["securityContext"]["runAsUser"] >= 10000, name
        assert pod["automountServiceAccountToken"] is False, name
        for container in containers(pod):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            written = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
            assert "/tmp" in written, name
            for bound in ("requests", "limits"):
                assert set(container["resources"][bound]) - {"nvidia.com/gpu"} == {"cpu", "memory"}, name


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_the_namespace_enforces_it(kustomization: str) -> None:
    namespaces = [entry["metadata"] for entry in rendered(kustomization) if entry["kind"] == "Namespace"]
    assert len(namespaces) == (0 if kustomization == "overlays/single-user" else 1)
    assert all(entry["labels"]["pod-security.kubernetes.io/enforce"] == "restricted" for entry in namespaces)
