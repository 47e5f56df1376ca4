"""Whether a step's pod was given what `node_pools.yaml` says of its stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from components.core.storage.mounted import CREDENTIALS_FOLDER, MOUNTS, SETTINGS_FOLDER
from pipelines.placement import SPOT_TOLERATIONS, Cluster, NodePools, StagePlacement
from tests.kubeflow.workflow import Given, quantity


def stage_of(step: str) -> str:
    """The stage of a task: "train-unet" is that of `train_unet`."""
    return step.replace("-", "_")


def faults_of_placement(given: Given, stage: str, pools: NodePools) -> list[str]:
    """What a pod lacks, or has otherwise.

    Args:
        given: What the pod is made from, or the pod.
        stage: As whose placement it should be.
        pools: The placements that the pipeline was compiled with.

    Returns:
        A sentence for each fault; none where all is as it should be.
    """
    wanted, cluster = pools.stages[stage], pools.cluster
    return [*_resources(given, wanted, cluster), *_tolerations(given, wanted, cluster), *_rest(given, wanted, cluster)]


def _resources(given: Given, wanted: StagePlacement, cluster: Cluster) -> Iterator[str]:
    gpus = {cluster.accelerator_type: str(wanted.accelerators)} if wanted.accelerators else {}
    asked = {"cpu": wanted.cpu, "memory": wanted.memory}
    yield from _amounts("limit", given.limits, asked | gpus)
    yield from _amounts("request", given.requests, asked)
    if not gpus and quantity(given.limits.get(cluster.accelerator_type, "0")):
        yield f"its limit of {cluster.accelerator_type} is {given.limits[cluster.accelerator_type]}, not 0"


def _amounts(what: str, given: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    for resource, amount in wanted.items():
        if resource not in given:
            yield f"it has no {what} of {resource}, which should be {amount}"
        elif quantity(given[resource]) != quantity(amount):
            yield f"its {what} of {resource} is {given[resource]}, not {amount}"


def _tolerations(given: Given, wanted: StagePlacement, cluster: Cluster) -> Iterator[str]:
    needed = list(SPOT_TOLERATIONS) if wanted.spot else []
    if wanted.accelerators:
        needed += [toleration.model_dump(exclude_defaults=True) for toleration in cluster.gpu_tolerations]
    for toleration in needed:
        there = [{"operator": "Equal"} | dict(entry) for entry in given.tolerations]
        if not any(toleration.items() <= entry.items() for entry in there):
            yield f"it does not tolerate the taint {toleration['key']}"


def _rest(given: Given, wanted: StagePlacement, cluster: Cluster) -> Iterator[str]:
    mounts = {cluster.storage_settings: SETTINGS_FOLDER, cluster.storage_secret: CREDENTIALS_FOLDER}
    for name, folder in mounts.items():
        if given.mounted.get(name) != f"{MOUNTS}/{folder}":
            yield f"{name} is not mounted at {MOUNTS}/{folder}"
    timeout_s = given.spec.get("activeDeadlineSeconds")
    if timeout_s != wanted.timeout_s:
        yield f"it may run for {timeout_s} s, not {wanted.timeout_s}"
    context = given.main.get("securityContext", {})
    if not context.get("runAsNonRoot") or context.get("runAsUser") == 0:
        yield f"it may run as root (user {context.get('runAsUser')})"
