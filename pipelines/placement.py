"""Where the stages run: what `node_pools.yaml` says, applied to a pipeline's tasks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from kfp import kubernetes
from kfp.dsl import PipelineTask
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from components.core.errors import ConfigError
from components.core.storage.settings import CACHE_FOLDER_VARIABLE, CACHE_SIZE_VARIABLE

NODE_POOLS = Path(__file__).with_name("node_pools.yaml")
NODE_POOLS_VARIABLE = "FOOTPRINTS_NODE_POOLS"
"""Names another file, which a site made of that one, to whatever imports the pipelines."""

SHARED_MEMORY = "/dev/shm"  # noqa: S108

ACCELERATOR_TYPE = "nvidia.com/gpu"
STORAGE_SECRET = "mlpipeline-minio-artifact"  # noqa: S105 — the name of a secret
STORAGE_SETTINGS = "footprints-storage"

CA_CONFIG_MAP, CA_FOLDER = "footprints-ca", "/etc/footprints/ca"
"""Where a site may put the certificate authority of its object storage."""

IMAGE_USER = 10001
"""The user of docker/Dockerfile; said to the pod too, which a namespace with restricted pod security demands."""

SPOT_TOLERATIONS: list[dict[str, str]] = [
    {"key": "spot", "operator": "Equal", "value": "true", "effect": "NoSchedule"},
    {"key": "cloud.google.com/gke-spot", "operator": "Equal", "value": "true", "effect": "NoSchedule"},
    {"key": "kubernetes.azure.com/scalesetpriority", "operator": "Equal", "value": "spot", "effect": "NoSchedule"},
]

CREDENTIALS = {"accesskey": "AWS_ACCESS_KEY_ID", "secretkey": "AWS_SECRET_ACCESS_KEY"}
"""Keys of the credentials' secret, and the variables that the images read."""

SETTINGS = {
    name: name
    for name in (
        "AWS_ENDPOINT_URL_S3",
        "AWS_REGION",
        "AWS_S3_FORCE_PATH_STYLE",
        "AWS_CA_BUNDLE",
        "STORAGE_WAIT_SECONDS",
        "STORAGE_CONNECT_WAIT_SECONDS",
        "STORAGE_PART_SIZE_MIB",
        CACHE_FOLDER_VARIABLE,
        CACHE_SIZE_VARIABLE,
    )
}
"""Keys of the settings' config map, and the variables that the images read."""

CACHE_MOUNT = "/var/cache/footprints"
CACHE_FOLDER = f"{CACHE_MOUNT}/copies"
"""Copies of rasters: below the mounted folder, which belongs to root and lets everybody write."""

CACHE_SHARE = 0.95
"""The share of its volume that a cache takes: a pod whose volume grows beyond its size is evicted."""

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12} | {
    unit: 1 << 10 * power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)
}

Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti|k|M|G|T)?$")]
Bytes = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$")]


class StagePlacement(BaseModel):
    """What one stage asks of the cluster; the keys of `node_pools.yaml`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    image: Literal["cpu", "gpu"]
    cpu: Quantity
    memory: Bytes
    accelerators: int = Field(default=0, ge=0)
    shared_memory: Bytes | None = None
    cache: Bytes | None = None
    retries: int = Field(default=0, ge=0)
    timeout_s: int = Field(ge=1)
    spot: bool = False


@dataclass(frozen=True)
class ClusterParameters:
    """What a run may still choose; each a pipeline parameter.

    Attributes:
        accelerator_type: Resource name of the GPUs.
        node_selector: Labels that GPU nodes carry, as a JSON object.
        tolerations: Taints of GPU nodes that its steps tolerate, as a JSON list.
        storage_secret: Secret with the object storage's credentials.
        storage_settings: Config map with the object storage's settings.
    """

    accelerator_type: Any
    node_selector: Any
    tolerations: Any
    storage_secret: Any
    storage_settings: Any


def load_placements(file: Path | None = None) -> dict[str, StagePlacement]:
    """Read the placements.

    Args:
        file: Has the stages of the pipelines' own file, `NODE_POOLS`; that one where none is given here and
            FOOTPRINTS_NODE_POOLS names none.

    Returns:
        By stage.

    Raises:
        ConfigError: If the file cannot be read, breaks a rule, lacks a stage or has one that there is not.
    """
    file = file or Path(os.environ.get(NODE_POOLS_VARIABLE) or NODE_POOLS)
    placements = _read(file)
    stages = placements.keys() if file == NODE_POOLS else _read(NODE_POOLS).keys()
    faults = [f"{stage}: is missing; take it from {NODE_POOLS.name}" for stage in stages if stage not in placements]
    faults += [f"{stage}: is no stage; remove it" for stage in placements if stage not in stages]
    if faults:
        raise ConfigError(f"{file}: {'; '.join(faults)}")
    return placements


def _read(file: Path) -> dict[str, StagePlacement]:
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
        return TypeAdapter(dict[str, StagePlacement]).validate_python(data)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: cannot be read ({error}); mend it") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(f"{file}: {faults}") from error


def place(
    task: PipelineTask, stage: str, cluster: ClusterParameters, in_loop: bool = False, accelerators: Any = None
) -> PipelineTask:
    """Apply a stage's placement to its task.

    Args:
        task: The task.
        stage: Its key in `node_pools.yaml`.
        cluster: The run's own choices.
        in_loop: Whether the task stands in a ParallelFor, where kfp 2.17 compiles a parameter-valued accelerator to
            a dangling reference; the type is then the usual one.
        accelerators: How many, where a run may choose; None for as many as the file says. A stage that the file gives
            none gets none.

    Returns:
        The task.
    """
    wanted = load_placements()[stage]
    task.set_cpu_request(wanted.cpu).set_cpu_limit(wanted.cpu)
    task.set_memory_request(wanted.memory).set_memory_limit(wanted.memory)
    task.set_retry(wanted.retries, backoff_duration="15s", backoff_factor=2, backoff_max_duration="300s")
    kubernetes.set_timeout(task, wanted.timeout_s)
    kubernetes.use_secret_as_env(task, cluster.storage_secret, CREDENTIALS)
    own = _cache_variables(wanted.cache) if wanted.cache else {}
    settings = {key: name for key, name in SETTINGS.items() if name not in own}
    kubernetes.use_config_map_as_env(task, cluster.storage_settings, settings, optional=True)
    kubernetes.use_config_map_as_volume(task, CA_CONFIG_MAP, CA_FOLDER, optional=True)
    kubernetes.set_security_context(task, run_as_user=IMAGE_USER, run_as_group=IMAGE_USER, run_as_non_root=True)
    if wanted.accelerators:
        task.set_accelerator_type(ACCELERATOR_TYPE if in_loop else cluster.accelerator_type)
        task.set_accelerator_limit(wanted.accelerators if accelerators is None else accelerators)
        kubernetes.add_node_selector_json(task, cluster.node_selector)
        kubernetes.add_toleration_json(task, cluster.tolerations)
    if wanted.spot:
        for toleration in SPOT_TOLERATIONS:
            kubernetes.add_toleration(task, **toleration)
    if wanted.shared_memory:
        kubernetes.empty_dir_mount(task, "shm", SHARED_MEMORY, medium="Memory", size_limit=wanted.shared_memory)
    if wanted.cache:
        kubernetes.empty_dir_mount(task, "cache", CACHE_MOUNT, size_limit=wanted.cache)
        for name, value in own.items():
            task.set_env_variable(name, value)
    return task


def _cache_variables(size: str) -> dict[str, str]:
    return {CACHE_FOLDER_VARIABLE: CACHE_FOLDER, CACHE_SIZE_VARIABLE: str(int(CACHE_SHARE * bytes_of(size)))}


def bytes_of(quantity: str) -> float:
    """What a Kubernetes quantity such as "40Gi" says in bytes."""
    number = quantity.rstrip("".join(UNITS))
    return float(number) * UNITS[quantity.removeprefix(number)]
