"""In each image every command that a manifest or a pipeline runs there, as Kubernetes would run it.

Needs a Docker Engine and the images of `make images`; `make test-containers` runs it. Containers share this machine's
network, where an API server of Kubeflow and an object storage run.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from docker.client import DockerClient
from docker.types import Mount

from components.core.storage import parse_uri
from pipelines.placement import IMAGE_USER, bytes_of
from tests.manifests.rendering import KUSTOMIZATIONS, Manifest, containers, pod_templates, rendered
from tests.manifests.test_register_job import environment, expanded
from tests.pipelines.backend import ArtifactRoot, Backend, Step
from tests.pipelines.every_pipeline import check_what_ran, run_every_pipeline
from tests.pipelines.kubeflow_server import Kubeflow, serving
from tests.pipelines.packages import IMAGES
from tests.ports import HOST, free_ports
from tests.s3_server import S3Server

pytestmark = pytest.mark.containers

LONGEST_S = 600
TOKEN = "token-of-the-account"
LEAST_RIGHTS = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}
"""What a namespace of restricted pods leaves."""


@pytest.fixture(scope="module")
def engine() -> DockerClient:
    return DockerClient.from_env()


def run_container(engine: DockerClient, image: str, command: Sequence[str], name: str, **options: Any) -> str:
    """Run a container to its end, which must be a good one; gives what it said."""
    first, *others = command
    running = engine.containers.run(
        image, others, entrypoint=[first], detach=True, network_mode="host", **LEAST_RIGHTS, **options
    )
    try:
        status = running.wait(timeout=LONGEST_S)["StatusCode"]
        said: str = running.logs().decode()
    finally:
        running.remove(force=True)
    assert status == 0, f"{name} in {image}: {said[-3000:]}"
    return said


def test_every_step_runs_in_its_image(engine: DockerClient, s3_environment: S3Server, tmp_path: Path) -> None:
    """With artifacts where Kubeflow's launcher puts them: minio://bucket/key in /minio/bucket/key."""
    scratch = tmp_path / "minio"
    scratch.mkdir()
    scratch.chmod(0o777)
    user = os.getuid() or IMAGE_USER

    def launch(step: Step) -> None:
        run_container(
            engine,
            step.image,
            step.command_line,
            step.name,
            user=f"{user}:{user}",
            environment=s3_environment.environment | {"OMP_NUM_THREADS": "1"} | dict(step.variables),
            mounts=[Mount("/minio", str(scratch), type="bind")],
            shm_size="1g",
        )

    place = "footprints/v2/artifacts"
    backend = Backend(ArtifactRoot(f"minio://{place}", f"/minio/{place}", scratch / place), launch)
    run_every_pipeline(backend, tmp_path, s3_environment.new_folder())
    check_what_ran(backend)


def jobs() -> dict[str, tuple[tuple[Manifest, ...], Manifest, Manifest]]:
    """Objects, pod and container of everything that the manifests run in the project's images, each once."""
    found = {}
    for kustomization in KUSTOMIZATIONS:
        objects = rendered(kustomization)
        maps = [entry for entry in objects if entry["kind"] == "ConfigMap"]
        for name, template in pod_templates(objects):
            for container in containers(template["spec"]) if name.startswith("Job ") else ():
                if container["image"].partition(":")[0] in {f"footprints-{image}" for image in IMAGES}:
                    content = json.dumps([template["spec"], container, maps], sort_keys=True)
                    found.setdefault(content, (f"{kustomization}: {name}", objects, template["spec"], container))
    return {name: others for name, *others in found.values()}  # type: ignore[misc]


@pytest.fixture(scope="module")
def kubeflow() -> Iterator[tuple[Kubeflow, str]]:
    """An installation for several users, and its address; it asks for the Job's token."""
    server = Kubeflow()
    server.namespaces, server.token = {"building-footprints"}, TOKEN
    with serving(server) as url:
        yield server, url


JOBS = jobs()


@pytest.mark.parametrize("name", JOBS)
def test_every_job_runs_in_its_image(
    name: str, engine: DockerClient, kubeflow: tuple[Kubeflow, str], s3_server: S3Server, tmp_path: Path
) -> None:
    server, url = kubeflow
    objects, pod, container = JOBS[name]
    secret = {"accesskey": s3_server.access_key, "secretkey": s3_server.secret_key}
    variables = environment(objects, container, secret)
    variables |= {"KFP_ENDPOINT": url, "AWS_ENDPOINT_URL_S3": s3_server.endpoint_url}
    context = pod["securityContext"] | container["securityContext"]

    run_container(
        engine,
        container["image"],
        [expanded(word, variables) for word in (*container["command"], *container.get("args", ()))],
        name,
        user=f"{context['runAsUser']}:{context['runAsGroup']}",
        read_only=context["readOnlyRootFilesystem"],
        environment=variables,
        mem_limit=int(bytes_of(container["resources"]["limits"]["memory"])),
        mounts=[mount_of(entry, pod, objects, tmp_path) for entry in container["volumeMounts"]],
    )

    if "RECURRING_RUN" in variables:
        assert [run.display_name for run in server.recurring.values()] == [variables["RECURRING_RUN"]]
    else:
        assert s3_server.client.bucket_exists(parse_uri(variables["FOOTPRINTS_DATA_ROOT"]).bucket)


def test_torchrun_starts_training_in_its_image(engine: DockerClient) -> None:
    """As a pod of a TrainJob does, whose arguments lead elsewhere: to the help."""
    pod = dict(pod_templates(rendered("overlays/kubeflow-trainer")))["TrainingRuntime footprints-training"]["spec"]
    (container,) = pod["containers"]
    said = run_container(
        engine,
        container["image"],
        [*container["command"], "--help"],
        "torchrun",
        user=f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}",
        read_only=container["securityContext"]["readOnlyRootFilesystem"],
        environment={"HOME": "/tmp", "PET_NNODES": "1", "PET_NPROC_PER_NODE": "1", "PET_MASTER_ADDR": HOST,
                     "PET_MASTER_PORT": str(free_ports(1)[0]), "PET_NODE_RANK": "0"},
        mounts=[Mount("/tmp", None, type="tmpfs", tmpfs_mode=0o1777)],
    )  # fmt: skip
    assert "usage: python -m components.train_unet" in said and "--initial-model-uri" in said


def mount_of(entry: Manifest, pod: Manifest, objects: Sequence[Manifest], folder: Path) -> Mount:
    """A volume's mount: memory for an empty one, else files of this machine that hold what it would."""
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == entry["name"])
    if "emptyDir" in volume:
        return Mount(entry["mountPath"], None, type="tmpfs", tmpfs_mode=0o1777)
    source = folder / f"{entry['name']}-{uuid.uuid4().hex}"
    source.mkdir()
    for name, text in files_of(volume, objects).items():
        (source / name).write_text(text)
    return Mount(entry["mountPath"], str(source), type="bind", read_only=True)


def files_of(volume: Manifest, objects: Sequence[Manifest]) -> Mapping[str, str]:
    """What lies in a volume of a ConfigMap, or of the service account's token."""
    if "projected" in volume:
        (source,) = volume["projected"]["sources"]
        return {source["serviceAccountToken"]["path"]: TOKEN}
    named = volume["configMap"]
    found = [
        entry["data"] for entry in objects if (entry["kind"], entry["metadata"]["name"]) == ("ConfigMap", named["name"])
    ]
    assert found or named["optional"], f"there is no ConfigMap {named['name']}"
    return found[0] if found else {}
