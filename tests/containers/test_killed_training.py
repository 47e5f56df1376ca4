"""A training in its image that is killed and stopped again and again, with its checkpoints in object storage.

Each attempt gets its signal when something of a checkpoint appears: the file that is about to be uploaded, in the
folder for temporary files, or its digest in the store. How far a training comes until the signal arrives differs from
run to run; the weights at its end do not.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from docker.client import DockerClient
from docker.models.containers import Container
from docker.types import Mount

from components.core import storage
from components.core.models import WEIGHTS_FILE
from pipelines.placement import IMAGE_USER
from tests.components.train_unet.projects import TINY, block_project
from tests.containers.test_images import VERSION
from tests.s3_server import S3Server
from tests.waiting import HANGS_S, until

pytestmark = pytest.mark.containers

CONFIG = TINY | {"batch_size": {"train": 2, "val": 4}, "epochs": 16, "val_every": 0.5}
"""96 steps, with a checkpoint after every third: each of ten attempts waits for one of the 32 at most."""

GRACE_S = 30
"""What Kubernetes gives a pod."""

KILL, STOP = "kill", "stop"


class Training:
    """A training that is started in containers.

    Attributes:
        model: Where its model goes.
    """

    def __init__(self, engine: DockerClient, folder: Path, name: str, server: S3Server) -> None:
        self.model = folder / name
        self._engine, self._folder, self._server = engine, folder, server
        self._data_root = server.new_folder()
        self._temporary = folder
        self._before = 0

    def start(self) -> Container:
        """Start it, or go on with it, as the first process of a container."""
        self._before = self._newest()
        self._temporary = Path(tempfile.mkdtemp(dir=self._folder))
        self._temporary.chmod(0o777)
        places = [
            "--project",
            str(self._folder / "project"),
            "--model",
            str(self.model),
            "--data-root",
            self._data_root,
        ]
        return self._engine.containers.run(
            f"footprints-gpu:{VERSION}",
            ["-m", "components.train_unet", *places, "--model", str(self.model), "--config", json.dumps(CONFIG)],
            entrypoint=["python3"],
            detach=True,
            network_mode="host",
            user=str(os.getuid() or IMAGE_USER),
            environment=self._server.environment | {"OMP_NUM_THREADS": "1", "TMPDIR": str(self._temporary)},
            mounts=[Mount(str(self._folder), str(self._folder), type="bind")],
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
        )

    def is_writing(self) -> bool:
        """Whether it writes or uploads a checkpoint: the file has six digits, unlike one that was fetched."""
        return any(len(file.stem) == 6 for file in self._temporary.rglob("*.ckpt"))

    def has_written(self) -> bool:
        """Whether it wrote a checkpoint since it was started."""
        return self._newest() > self._before

    def _newest(self) -> int:
        found = storage.list_objects(f"{self._data_root}/checkpoints")
        return max((int(storage.stem_of(file.uri)) for file in found if file.uri.endswith(".json")), default=0)


WRITING, WRITTEN = Training.is_writing, Training.has_written
ATTEMPTS = [(KILL, WRITING), (STOP, WRITTEN), (KILL, WRITTEN), (STOP, WRITING)] * 2 + [(KILL, WRITING), (STOP, WRITTEN)]


def end(container: Container) -> tuple[int, str]:
    """The exit code of a container that ends, and what it said."""
    try:
        return container.wait(timeout=HANGS_S)["StatusCode"], container.logs().decode()
    finally:
        container.remove(force=True)


def has_ended(container: Container) -> bool:
    container.reload()
    return container.status == "exited"


def test_a_training_in_its_image_survives_kills_and_stops(tmp_path: Path, s3_environment: S3Server) -> None:
    engine = DockerClient.from_env()
    block_project(tmp_path)
    tmp_path.chmod(0o777)
    for place in tmp_path.rglob("*"):  # containers run as another user
        place.chmod(0o755 if place.is_dir() else 0o644)
    undisturbed, killed = (Training(engine, tmp_path, name, s3_environment) for name in ("undisturbed", "killed"))
    code, said = end(undisturbed.start())
    assert code == 0, said[-3000:]

    for how, moment in ATTEMPTS:
        container = killed.start()
        until(lambda moment=moment, container=container: moment(killed) or has_ended(container))
        container.kill() if how == KILL else container.stop(timeout=GRACE_S)
        code, said = end(container)
        assert code == (137 if how == KILL else 143), said[-3000:]
        assert how == KILL or "where it goes on when it is started again" in said
    assert not killed.model.exists()
    code, said = end(killed.start())
    assert code == 0 and "resuming from checkpoint" in said, said[-3000:]
    assert (killed.model / WEIGHTS_FILE).read_bytes() == (undisturbed.model / WEIGHTS_FILE).read_bytes()
