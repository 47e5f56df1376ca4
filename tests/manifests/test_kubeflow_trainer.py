"""Training over several nodes: what the TrainJob and its runtime make of each other, and that train_unet takes it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import kubernetes_validate
import pytest
from pydantic import ValidationError

from components.base_images import GPU_IMAGE
from components.core.command.flags import stage_parser
from components.core.command.signature import read_signature
from components.core.storage import is_remote
from components.core.storage.settings import CACHE_FOLDER_VARIABLE, CACHE_SIZE_VARIABLE
from components.train_unet.launch import COMMAND
from pipelines.package import package_version
from pipelines.placement import CACHE_FOLDER, CACHE_MOUNT, CACHE_SHARE, SPOT_TOLERATIONS, bytes_of, load_node_pools
from tests.manifests.rendering import Manifest, one, pod_templates, rendered, site_of
from tests.manifests.test_schemas import KUBERNETES
from tests.manifests.trainer_schema import validate_trainer

OVERLAY, RUN, NAME = "overlays/kubeflow-trainer", "train-job", "footprints-training"
POOLS = load_node_pools()


def runtime_of(objects: tuple[Manifest, ...] | list[Manifest]) -> Manifest:
    return one(objects, "TrainingRuntime", NAME)


def pod_of(objects: tuple[Manifest, ...] | list[Manifest]) -> Manifest:
    pod: Manifest = dict(pod_templates(tuple(objects)))[f"TrainingRuntime {NAME}"]["spec"]
    return pod


RUNTIME, (JOB,) = runtime_of(rendered(OVERLAY)), rendered(RUN)
POD = pod_of(rendered(OVERLAY))
(NODE,) = POD["containers"]


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_the_definitions_take_both(kubernetes: str) -> None:
    for entry in (RUNTIME, JOB):
        validate_trainer(entry, kubernetes)


def _job_of(runtime: Manifest) -> Manifest:
    job: Manifest = runtime["spec"]["template"]["spec"]["replicatedJobs"][0]["template"]
    return job


WRONG: dict[str, tuple[Manifest, Callable[[Manifest], Any], type[Exception]]] = {
    "numNodes": (JOB, lambda job: job["spec"]["trainer"].update(numNodes="2"), ValidationError),
    "numProcPerNode": (JOB, lambda job: job["spec"]["trainer"].update(numProcPerNode=0), ValidationError),
    "arguments": (JOB, lambda job: job["spec"]["trainer"].update(arguments=[]), ValidationError),
    "kind": (JOB, lambda job: job["spec"]["runtimeRef"].update(kind="Runtime"), ValidationError),
    "name": (JOB, lambda job: job["metadata"].update(name="2-nodes"), ValidationError),
    "mpi": (RUNTIME, lambda runtime: runtime["spec"]["mlPolicy"].update(mpi={}), ValidationError),
    "replicas": (RUNTIME, lambda it: it["spec"]["template"]["spec"]["replicatedJobs"][0].update(replicas=2),
                 ValidationError),
    "no container node": (
        RUNTIME, lambda it: _job_of(it)["spec"]["template"]["spec"]["containers"][0].update(name="main"),
        ValidationError,
    ),
    "PET_NNODES": (
        RUNTIME,
        lambda it: _job_of(it)["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "PET_NNODES"}),
        ValidationError,
    ),
    "backofLimit": (RUNTIME, lambda it: _job_of(it)["spec"].update(backofLimit=1), kubernetes_validate.ValidationError),
}  # fmt: skip


@pytest.mark.parametrize("named", WRONG)
def test_the_definitions_refuse_what_is_wrong(named: str) -> None:
    entry, spoil, error = WRONG[named]
    spoilt = copy.deepcopy(entry)
    spoil(spoilt)
    with pytest.raises(error, match=named):
        validate_trainer(spoilt, KUBERNETES[-1])


def test_the_run_is_of_the_runtime() -> None:
    reference = JOB["spec"]["runtimeRef"]
    assert (reference["kind"], reference["name"]) == (RUNTIME["kind"], RUNTIME["metadata"]["name"])
    assert JOB["metadata"]["namespace"] == RUNTIME["metadata"]["namespace"]
    for entry in (JOB, RUNTIME):
        assert entry["metadata"]["labels"]["app.kubernetes.io/version"] == package_version()


def test_the_command_is_one_that_train_unet_takes() -> None:
    assert NODE["command"] == COMMAND.split() and "args" not in NODE
    flags = stage_parser(read_signature("train_unet"), COMMAND).parse_args(JOB["spec"]["trainer"]["args"])
    for place in (flags.project, flags.model, flags.report, flags.metrics):
        assert is_remote(place)
    assert flags.gpus == JOB["spec"]["trainer"]["numProcPerNode"]


def test_a_process_for_each_gpu() -> None:
    trainer, resources = JOB["spec"]["trainer"], NODE["resources"]
    assert resources["requests"] == resources["limits"]
    gpus = int(resources["limits"][POOLS.cluster.accelerator_type])
    assert trainer["numProcPerNode"] == gpus
    assert trainer["numNodes"] == RUNTIME["spec"]["mlPolicy"]["numNodes"]
    quota = one(rendered(OVERLAY), "ResourceQuota", "footprints-gpu")["spec"]["hard"]
    assert trainer["numNodes"] * gpus <= int(quota[f"requests.{POOLS.cluster.accelerator_type}"])


def test_pods_are_placed_as_the_pipelines_place_training() -> None:
    stage, cluster = POOLS.stages["train_unet"], POOLS.cluster
    assert stage.spot
    gpu = [entry.model_dump(exclude_defaults=True) for entry in cluster.gpu_tolerations]
    assert POD["tolerations"] == [*gpu, *SPOT_TOLERATIONS]
    assert POD["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    gpus = int(NODE["resources"]["limits"][cluster.accelerator_type])
    assert int(NODE["resources"]["limits"]["cpu"]) / gpus == int(stage.cpu) / stage.accelerators
    assert bytes_of(NODE["resources"]["limits"]["memory"]) / gpus == bytes_of(stage.memory) / stage.accelerators
    volumes = {volume["name"]: volume.get("emptyDir", {}).get("sizeLimit") for volume in POD["volumes"]}
    assert (volumes["shm"], volumes["cache"]) == (stage.shared_memory, stage.cache)
    assert {mount["name"]: mount["mountPath"] for mount in NODE["volumeMounts"]}["cache"] == CACHE_MOUNT
    variables = {entry["name"]: entry.get("value") for entry in NODE["env"]}
    assert variables[CACHE_FOLDER_VARIABLE] == CACHE_FOLDER
    assert variables[CACHE_SIZE_VARIABLE] == str(int(CACHE_SHARE * bytes_of(str(stage.cache))))


def test_a_failure_starts_all_nodes_again_as_often_as_the_pipelines_do() -> None:
    stage, job = POOLS.stages["train_unet"], _job_of(RUNTIME)["spec"]
    assert RUNTIME["spec"]["template"]["spec"]["failurePolicy"] == {"maxRestarts": stage.retries}
    assert (job["backoffLimit"], job["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert job["activeDeadlineSeconds"] == stage.timeout_s


def test_the_image_is_that_of_the_pipelines() -> None:
    assert NODE["image"] == GPU_IMAGE


def test_the_development_store_has_credentials_of_its_own(tmp_path: Any) -> None:
    pod = pod_of(site_of(tmp_path, ["kubeflow-trainer", "dev-object-store"]))
    secrets = [entry["valueFrom"]["secretKeyRef"] for entry in pod["containers"][0]["env"] if "valueFrom" in entry]
    assert [(entry["name"], entry["key"]) for entry in secrets] == [
        ("footprints-object-store", "accesskey"),
        ("footprints-object-store", "secretkey"),
    ]
