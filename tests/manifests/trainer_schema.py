"""What Kubeflow Trainer's definitions of TrainJob and TrainingRuntime ask for, of the fields that the manifests use.

The definitions, of the group trainer.kubeflow.org in version v1alpha1, are no part of the schemas of Kubernetes. The
fields here are those that all releases from 2.0 to 2.3 know, with the types and bounds of the strictest.
https://github.com/kubeflow/trainer/tree/master/pkg/apis/trainer/v1alpha1
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import kubernetes_validate
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

API_VERSION = "trainer.kubeflow.org/v1alpha1"

ANCESTOR = "trainer.kubeflow.org/trainjob-ancestor-step"
CONTAINERS = {"trainer": "node", "dataset-initializer": "dataset-initializer", "model-initializer": "model-initializer"}
"""The container that a replicated job must have, by the label that says what it is."""

RESERVED = {"PET_NNODES", "PET_NPROC_PER_NODE", "PET_NODE_RANK", "PET_MASTER_ADDR", "PET_MASTER_PORT"}
"""Variables that the torch policy sets, and nobody else may."""

Name = Annotated[str, Field(min_length=1, max_length=253)]
Words = Annotated[list[Annotated[str, Field(max_length=1_048_576)]], Field(max_length=128)]


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class Metadata(_Fields):
    """Of any object."""

    name: str = Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=63)
    namespace: str
    labels: dict[str, Annotated[str, Field(max_length=63)]]


class RuntimeRef(_Fields):
    """Which runtime a job is of."""

    name: Name
    api_group: Literal["trainer.kubeflow.org"] = "trainer.kubeflow.org"
    kind: Literal["TrainingRuntime", "ClusterTrainingRuntime"] = "ClusterTrainingRuntime"


class Trainer(_Fields):
    """What a job has otherwise than its runtime."""

    command: Words | None = None
    args: Words | None = None
    num_nodes: int | None = Field(default=None, ge=0, lt=2**31)
    num_proc_per_node: int | None = Field(default=None, ge=1, lt=2**31)


class TrainJobSpec(_Fields):
    """A run."""

    runtime_ref: RuntimeRef
    trainer: Trainer | None = None
    suspend: bool = False


class TrainJob(_Fields):
    """A run as an object."""

    api_version: Literal["trainer.kubeflow.org/v1alpha1"]
    kind: Literal["TrainJob"]
    metadata: Metadata
    spec: TrainJobSpec


class Torch(_Fields):
    """The torch policy; nothing of it is needed."""


class MlPolicy(_Fields):
    """How a runtime's processes find each other."""

    num_nodes: int = Field(default=1, ge=0, lt=2**31)
    torch: Torch


class FailurePolicy(_Fields):
    """Of a JobSet."""

    max_restarts: int = Field(default=0, ge=0, lt=2**31)


class JobMetadata(_Fields):
    """Of a job's template."""

    labels: dict[str, str] = {}


class JobTemplate(_Fields):
    """A Job that a JobSet makes; Kubernetes' own schema says what its spec may be."""

    metadata: JobMetadata
    spec: dict[str, Any]


class ReplicatedJob(_Fields):
    """One sort of job of a JobSet."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
    replicas: Literal[1] = 1
    template: JobTemplate

    @model_validator(mode="after")
    def _has_its_container(self) -> ReplicatedJob:
        container = CONTAINERS[self.template.metadata.labels[ANCESTOR]]
        containers = {entry["name"]: entry for entry in self.template.spec["template"]["spec"]["containers"]}
        if container not in containers:
            raise ValueError(f"has no container {container}")
        taken = RESERVED & {entry["name"] for entry in containers[container].get("env", ())}
        if taken:
            raise ValueError(f"sets {sorted(taken)}, which the torch policy sets")
        return self


class JobSetSpec(_Fields):
    """The jobs of a run."""

    failure_policy: FailurePolicy | None = None
    replicated_jobs: list[ReplicatedJob] = Field(min_length=1)


class JobSetTemplate(_Fields):
    """Of a runtime."""

    spec: JobSetSpec


class TrainingRuntimeSpec(_Fields):
    """What the runs of a sort have in common."""

    ml_policy: MlPolicy
    template: JobSetTemplate


class TrainingRuntime(_Fields):
    """The same as an object."""

    api_version: Literal["trainer.kubeflow.org/v1alpha1"]
    kind: Literal["TrainingRuntime"]
    metadata: Metadata
    spec: TrainingRuntimeSpec


def validate_trainer(entry: dict[str, Any], kubernetes: str) -> None:
    """Check an object of Kubeflow Trainer, and the Jobs that it makes by the schema of a Kubernetes version.

    Raises:
        ValueError: If a definition refuses it.
        kubernetes_validate.ValidationError: If Kubernetes would refuse one of its Jobs.
    """
    if entry["kind"] == "TrainJob":
        TrainJob.model_validate(entry)
        return
    runtime = TrainingRuntime.model_validate(entry)
    for job in runtime.spec.template.spec.replicated_jobs:
        whole = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": job.name, "labels": job.template.metadata.labels},
            "spec": job.template.spec,
        }
        kubernetes_validate.validate(whole, kubernetes, strict=True)
