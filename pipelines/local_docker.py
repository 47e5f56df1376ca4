"""Kubeflow's local runner with each stage in its image, by the Docker Engine of this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from docker.client import DockerClient
from docker.errors import DockerException, ImageNotFound
from docker.types import Mount
from kfp import local

from components.base_images import CPU_IMAGE, GPU_IMAGE
from components.core.errors import ConfigError
from pipelines.placement import CA_FOLDER, IMAGE_USER

STORAGE_VARIABLES = ("AWS_", "STORAGE_")
CA_VARIABLE = "AWS_CA_BUNDLE"


def docker_runner(runs: Path) -> Any:
    """The runner.

    Containers run as the images' user, or as the one who runs them; they share the host's network, so that an
    object storage on this machine is at the same address, and get the variables that name it.

    Args:
        runs: Folder that holds one folder per run; where root runs this, everybody may write there afterwards.

    Raises:
        ConfigError: If the Docker Engine or an image is missing.
    """
    _check_images()
    user = os.getuid() or IMAGE_USER
    if user == IMAGE_USER:
        runs.chmod(0o777)
    variables = {name: value for name, value in os.environ.items() if name.startswith(STORAGE_VARIABLES)}
    variables.pop("STORAGE_CACHE_DIR", None)  # a place of this machine
    mounts = []
    bundle = variables.get(CA_VARIABLE)
    if bundle:
        variables[CA_VARIABLE] = f"{CA_FOLDER}/ca.pem"
        mounts.append(Mount(variables[CA_VARIABLE], str(Path(bundle).resolve()), type="bind", read_only=True))
    return local.DockerRunner(
        network_mode="host",
        user=f"{user}:{user}",
        shm_size="1g",
        environment=variables | {"OMP_NUM_THREADS": os.environ["OMP_NUM_THREADS"]},
        mounts=mounts,
    )


def _check_images() -> None:
    try:
        engine = DockerClient.from_env()
        for image in (CPU_IMAGE, GPU_IMAGE):
            engine.images.get(image)
    except ImageNotFound as error:
        raise ConfigError(
            f"image {image!r} is not on this machine; make it with `make images`, or name another in "
            "FOOTPRINTS_CPU_IMAGE and FOOTPRINTS_GPU_IMAGE"
        ) from error
    except DockerException as error:
        raise ConfigError(
            f"the Docker Engine does not answer ({error}); start it, or use --runner subprocess"
        ) from error
