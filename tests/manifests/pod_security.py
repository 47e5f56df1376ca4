"""The level "restricted" of Kubernetes' Pod Security Standards, as a check of one pod spec for Linux.

Source of the rules: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Spec = Mapping[str, Any]

VOLUME_SOURCES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
SECCOMP_TYPES = frozenset({"RuntimeDefault", "Localhost"})
APPARMOR_TYPES = frozenset({"RuntimeDefault", "Localhost"})
SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
HANDLERS = (
    ("livenessProbe",),
    ("readinessProbe",),
    ("startupProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)


def violations(pod: Spec) -> list[str]:
    """What "restricted" forbids in a pod spec, a line each."""
    found = list(_of_pod(pod))
    for key in ("initContainers", "containers", "ephemeralContainers"):
        for container in pod.get(key, ()):
            place = f"{key}[{container['name']}]"
            found += [f"{place}.{fault}" for check in CHECKS for fault in check(pod, container)]
    return found


def _of_pod(pod: Spec) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield f"{field}: must be false"
    for volume in pod.get("volumes", ()):
        for source in volume.keys() - {"name"} - VOLUME_SOURCES:
            yield f"volumes[{volume['name']}]: may not be a {source}"
    context = pod.get("securityContext", {})
    for sysctl in context.get("sysctls", ()):
        if sysctl["name"] not in SYSCTLS:
            yield f"securityContext.sysctls: may not set {sysctl['name']}"
    yield from (f"securityContext.{fault}" for fault in _of_context(context))


def _of_context(context: Spec) -> Iterator[str]:
    """What may not be in the security context of a pod or of a container."""
    if context.get("runAsUser") == 0:
        yield "runAsUser: must not be 0"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "windowsOptions.hostProcess: must be false"
    if context.get("seccompProfile", {}).get("type", "RuntimeDefault") not in SECCOMP_TYPES:
        yield "seccompProfile.type: must be RuntimeDefault or Localhost"
    if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in APPARMOR_TYPES:
        yield "appArmorProfile.type: must be RuntimeDefault or Localhost"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type", "") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions: may have no user, no role, and only a container's type"


def _context_of_container(pod: Spec, container: Spec) -> Iterator[str]:
    own = container.get("securityContext", {})
    shared = pod.get("securityContext", {})
    yield from (f"securityContext.{fault}" for fault in _of_context(own))
    if own.get("privileged"):
        yield "securityContext.privileged: must be false"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "securityContext.allowPrivilegeEscalation: must be false"
    if own.get("procMount", "Default") != "Default":
        yield "securityContext.procMount: must be Default"
    if own.get("runAsNonRoot", shared.get("runAsNonRoot")) is not True:
        yield "securityContext.runAsNonRoot: must be true, here or for the pod"
    if "seccompProfile" not in own and "seccompProfile" not in shared:
        yield "securityContext.seccompProfile: must be given, here or for the pod"


def _capabilities(pod: Spec, container: Spec) -> Iterator[str]:
    capabilities = container.get("securityContext", {}).get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield "securityContext.capabilities.drop: must hold ALL"
    if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield "securityContext.capabilities.add: may hold NET_BIND_SERVICE only"


def _hosts(pod: Spec, container: Spec) -> Iterator[str]:
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield "ports: may have no hostPort"
    for path in HANDLERS:
        handler: Spec = container
        for key in path:
            handler = handler.get(key, {})
        if any(handler.get(action, {}).get("host") for action in ("httpGet", "tcpSocket")):
            yield f"{'.'.join(path)}: may name no host"


CHECKS: tuple[Callable[[Spec, Spec], Iterator[str]], ...] = (_context_of_container, _capabilities, _hosts)
