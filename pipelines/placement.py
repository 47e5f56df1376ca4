"""Where the stages run: what `node_pools.yaml` says, applied to a pipeline's tasks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from kfp import dsl, kubernetes
from kfp.dsl import PipelineTask
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from components.core.errors import ConfigError
from components.core.storage.mounted import CREDENTIALS_FOLDER, MOUNTS, SETTINGS_FOLDER
from components.core.storage.settings import CACHE_FOLDER_VARIABLE, CACHE_SIZE_VARIABLE
from pipelines.site import NODE_POOLS_VARIABLE

NODE_POOLS = Path(__file__).with_name("node_pools.yaml")

SHARED_MEMORY = "/dev/shm"  # noqa: S108

CA_CONFIG_MAP, CA_FOLDER = "footprints-ca", f"{MOUNTS}/ca"
"""Where a site may put the certificate authority of its object storage."""

IMAGE_USER = 10001
"""The user of docker/Dockerfile; said to the pod too, which a namespace with restricted pod security demands."""

SPOT_TOLERATIONS: list[dict[str, str]] = [
    {"key": "spot", "operator": "Equal", "value": "true", "effect": "NoSchedule"},
    {"key": "cloud.google.com/gke-spot", "operator": "Equal", "value": "true", "effect": "NoSchedule"},
    {"key": "kubernetes.azure.com/scalesetpriority", "operator": "Equal", "value": "spot", "effect": "NoSchedule"},
]

CACHE_MOUNT = "/var/cache/footprints"
CACHE_FOLDER = f"{CACHE_MOUNT}/copies"
"""Copies of rasters: below the mounted folder, which belongs to root and lets everybody write."""

CACHE_SHARE = 0.95
"""The share of its volume that a cache takes: a pod whose volume grows beyond its size is evicted."""

FIRST_BACKOFF_S = 15

ONE_GPU = ("infer_windows", "detect_scenes", "promote")
"""Stages of which a step uses one GPU at most; more GPUs are used by more shards."""

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12} | {
    unit: 1 << 10 * power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)
}

Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti|k|M|G|T)?$")]
Bytes = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]


class _StrictSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Toleration(_StrictSettings):
    """A taint that pods may stand, as Kubernetes writes it."""

    key: str = ""
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""


class Cluster(_StrictSettings):
    """What all stages share; the keys of `cluster` in `node_pools.yaml`."""

    accelerator_type: str = Field(min_length=1)
    gpu_node_selector: dict[str, str]
    gpu_tolerations: tuple[Toleration, ...] = Field(strict=False)
    storage_settings: Name
    storage_secret: Name
    longest_wait_for_a_node_s: int = Field(ge=0)
    remove_finished_runs_after_s: int = Field(ge=0)


class StagePlacement(_StrictSettings):
    """What one stage asks of the cluster; the keys of an entry of `stages` in `node_pools.yaml`."""

    image: Literal["cpu", "gpu"]
    cpu: Quantity
    memory: Bytes
    accelerators: int = Field(default=0, ge=0)
    shared_memory: Bytes | None = None
    cache: Bytes | None = None
    retries: int = Field(default=0, ge=0)
    timeout_s: int = Field(ge=1)
    spot: bool = False


class NodePools(_StrictSettings):
    """Content of `node_pools.yaml`."""

    cluster: Cluster
    stages: dict[str, StagePlacement]

    @field_validator("stages")
    @classmethod
    def _at_most_one(cls, stages: dict[str, StagePlacement]) -> dict[str, StagePlacement]:
        for stage in ONE_GPU:
            if stage in stages and stages[stage].accelerators > 1:
                raise ValueError(
                    f"{stage}.accelerators: {stages[stage].accelerators} is above 1, and a step of inference uses one "
                    "GPU; use 1, and more shards for more GPUs"
                )
        return stages


def load_node_pools(file: Path | None = None) -> NodePools:
    """Read the placements.

    Args:
        file: A site's own, whose keys replace those of the pipelines' own file, `NODE_POOLS`, or a folder of such
            files, each of which goes before those whose names sort before its own; what FOOTPRINTS_NODE_POOLS names
            where none is given here, else nothing.

    Returns:
        The placements.

    Raises:
        ConfigError: If a file cannot be read, breaks a rule, or has a stage that there is not.
    """
    named = file or Path(os.environ.get(NODE_POOLS_VARIABLE) or NODE_POOLS)
    document = _read(NODE_POOLS)
    for own in sorted(named.glob("*.yaml")) if named.is_dir() else [named] if named != NODE_POOLS else []:
        changed = _read(own)
        unknown = [stage for stage in changed.get("stages") or {} if stage not in document["stages"]]
        if unknown:
            raise ConfigError(f"{own}: stages: {', '.join(unknown)}: is not a stage; remove it")
        document = _merged(document, changed)
    try:
        return NodePools.model_validate(document)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(f"{named}: {faults}") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: cannot be read ({error}); fix it") from error
    if not isinstance(data, dict) or not all(isinstance(entry, dict | None) for entry in data.values()):
        raise ConfigError(f"{file}: must hold the mappings cluster and stages; see {NODE_POOLS.name}")
    return data


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A site's keys over the pipelines' own: those of the cluster, and those of each stage."""
    result: dict[str, Any] = {**base, **{key: value for key, value in own.items() if key not in base}}
    result["cluster"] = {**base["cluster"], **(own.get("cluster") or {})}
    changed = {stage: {**base["stages"][stage], **(entry or {})} for stage, entry in (own.get("stages") or {}).items()}
    result["stages"] = {**base["stages"], **changed}
    return result


def run_settings() -> dsl.PipelineConfig:
    """How long Argo keeps a finished run of any pipeline."""
    seconds = load_node_pools().cluster.remove_finished_runs_after_s
    return dsl.PipelineConfig(ttl_seconds_after_finished=seconds or None)


def place(task: PipelineTask, stage: str, display_name: str) -> PipelineTask:
    """Apply a stage's placement to its task, and never take the task's results from Kubeflow's cache.

    The cache knows a step by its parameters, and most of ours by URIs: it would replay what other files under the same
    names once gave, and everything that follows from it.

    Args:
        task: The task.
        stage: Its key in `node_pools.yaml`.
        display_name: What Kubeflow's page calls it.

    Returns:
        The task.
    """
    pools = load_node_pools()
    cluster, wanted = pools.cluster, pools.stages[stage]
    task.set_display_name(display_name).set_caching_options(False)
    task.set_cpu_request(wanted.cpu).set_cpu_limit(wanted.cpu)
    task.set_memory_request(wanted.memory).set_memory_limit(wanted.memory)
    task.set_retry(
        wanted.retries,
        backoff_duration=f"{FIRST_BACKOFF_S}s",
        backoff_factor=2,
        backoff_max_duration=f"{longest_s(wanted, cluster)}s",
    )
    kubernetes.set_timeout(task, wanted.timeout_s)
    # Files, not variables: Kubeflow's launcher, in the same container, would take variables of the store for its own.
    kubernetes.use_config_map_as_volume(task, cluster.storage_settings, f"{MOUNTS}/{SETTINGS_FOLDER}", optional=True)
    kubernetes.use_secret_as_volume(task, cluster.storage_secret, f"{MOUNTS}/{CREDENTIALS_FOLDER}", optional=True)
    kubernetes.use_config_map_as_volume(task, CA_CONFIG_MAP, CA_FOLDER, optional=True)
    kubernetes.set_security_context(task, run_as_user=IMAGE_USER, run_as_group=IMAGE_USER, run_as_non_root=True)
    if wanted.accelerators:
        _place_on_gpus(task, wanted.accelerators, cluster)
    if wanted.spot:
        for toleration in SPOT_TOLERATIONS:
            kubernetes.add_toleration(task, **toleration)
    if wanted.shared_memory:
        kubernetes.empty_dir_mount(task, "shm", SHARED_MEMORY, medium="Memory", size_limit=wanted.shared_memory)
    if wanted.cache:
        kubernetes.empty_dir_mount(task, "cache", CACHE_MOUNT, size_limit=wanted.cache)
        task.set_env_variable(CACHE_FOLDER_VARIABLE, CACHE_FOLDER)
        task.set_env_variable(CACHE_SIZE_VARIABLE, str(int(CACHE_SHARE * bytes_of(wanted.cache))))
    return task


def _place_on_gpus(task: PipelineTask, count: int, cluster: Cluster) -> None:
    """Static text: Kubeflow's driver drops a limit that comes from a whole number, and says nothing."""
    task.set_accelerator_type(cluster.accelerator_type).set_accelerator_limit(str(count))
    for label, value in cluster.gpu_node_selector.items():
        kubernetes.add_node_selector(task, label, value)
    for toleration in cluster.gpu_tolerations:
        kubernetes.add_toleration(task, **toleration.model_dump(exclude_defaults=True))


def longest_s(stage: StagePlacement, cluster: Cluster) -> int:
    """How long all tries of a step may take together: Argo counts from the first one, and ends a try that runs then."""
    tries = stage.retries + 1
    backoffs = FIRST_BACKOFF_S * (2**stage.retries - 1)
    return tries * (stage.timeout_s + cluster.longest_wait_for_a_node_s) + backoffs


def gpus_of(stage: str) -> dict[str, int]:
    """The input by which a step knows how many GPUs it was placed on."""
    count = load_node_pools().stages[stage].accelerators
    return {"gpus": count} if count else {}


def bytes_of(quantity: str) -> float:
    """What a Kubernetes quantity such as "40Gi" says in bytes."""
    number = quantity.rstrip("".join(UNITS))
    return float(number) * UNITS[quantity.removeprefix(number)]
