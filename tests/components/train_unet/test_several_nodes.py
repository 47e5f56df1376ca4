"""Processes that torchrun starts, each as if on a machine of its own: they train one model, and end together."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from components.core.command.run import stage_main
from components.core.errors import FootprintsError
from components.core.network.model_artifact import load_model
from components.core.storage import get_tree, join_uri, list_objects, name_of, write_bytes
from components.train_unet import peers, train_unet
from components.train_unet.devices import DevicePlan
from components.train_unet.launch import COMMAND, Launch
from components.train_unet.peers import Peers
from tests.components.train_unet.launching import Started, launch, run_together, stored_project
from tests.components.train_unet.projects import TINY, block_project
from tests.components.train_unet.trained import equal, weights_of
from tests.ports import HOST, free_ports, refusing_port
from tests.s3_server import S3Server
from tests.waiting import HANGS_S

CONFIG = TINY | {"batch_size": {"train": 2, "val": 2}, "val_every": 0.5, "recompute_statistics": 6}
"""Six steps of two processes, in rounds of two and one."""


@dataclass(frozen=True)
class World:
    """What trainings of several nodes share.

    Attributes:
        project: URI of the project.
        weights: Of the model that two processes of one machine make of it, in a local folder.
        variables: Of the environment.
    """

    project: str
    weights: Path
    variables: Mapping[str, str]


def flags_of(project: str, model: str, **others: str) -> list[str]:
    given = {"project": project, "model": model, "config": json.dumps(CONFIG)} | others
    return [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]


@pytest.fixture(scope="module")
def server() -> ForkServerContext:
    """Starts processes that have everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.components.train_unet.launching"])
    return context


@pytest.fixture(scope="module")
def world(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A project in object storage, and what one machine makes of it with two processes."""
    folder = tmp_path_factory.mktemp("world")
    variables = s3_server.environment | {"STORAGE_CACHE_DIR": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        project = stored_project(folder, s3_server.new_folder())
        two = DevicePlan("cpu", (0, 0), "32-true", "two processes on the CPU")
        patch.setattr(train_unet, "plan_devices", lambda *_: two)
        assert stage_main("train_unet", flags_of(project, str(folder / "model"))) == 0
    return World(project, folder / "model", variables)


@pytest.fixture(autouse=True)
def _with_the_store(s3_environment: S3Server) -> None:
    """This process looks into the store, too."""


def fetched(uri: str, folder: Path) -> Path:
    get_tree(uri, folder)
    return folder


def test_two_processes_train_the_model_of_one_machine(
    server: ForkServerContext, world: World, s3_server: S3Server, tmp_path: Path
) -> None:
    root = s3_server.new_folder()
    model = join_uri(root, "model")
    flags = flags_of(
        world.project, model, data_root=join_uri(root, "data"),
        report=join_uri(root, "report.html"), metrics=join_uri(root, "metrics.json"),
    )  # fmt: skip
    first, second = (Started(flags, tmp_path / name, world.variables) for name in ("first", "second"))

    assert run_together(server, first, second) == [0, 0], first.err + second.err

    local = fetched(model, tmp_path / "model")
    assert equal(weights_of(local), weights_of(world.weights))
    assert load_model(local).config.encoder == TINY["encoder"]
    assert json.loads(first.out)["steps"] == 6
    assert second.out == ""
    assert "validation after" in first.err and "validation" not in second.err
    left = sorted(found.uri.removeprefix(f"{root}/") for found in list_objects(root))
    events = [place for place in left if place.startswith("data/tensorboard/")]
    assert len(events) == 1
    assert [place for place in left if not place.startswith("model/")] == [*events, "metrics.json", "report.html"]


def test_one_process_of_torchrun_puts_a_model_in_the_place_of_an_older_one(
    server: ForkServerContext, world: World, s3_server: S3Server, tmp_path: Path
) -> None:
    model = s3_server.new_folder()
    for name in ("config.json", "model.onnx"):
        write_bytes(join_uri(model, name), b"{}")
    one = Started(flags_of(world.project, model), tmp_path / "one", world.variables)
    assert run_together(server, one) == [0], one.err
    assert "model.onnx" not in {name_of(found.uri) for found in list_objects(model)}
    assert load_model(fetched(model, tmp_path / "model")).config.encoder == TINY["encoder"]


def test_a_signal_to_one_ends_both_and_both_go_on_as_torchrun_starts_them(
    server: ForkServerContext, world: World, s3_server: S3Server, tmp_path: Path
) -> None:
    root = s3_server.new_folder()
    flags = flags_of(world.project, join_uri(root, "model"), work_dir=join_uri(root, "work"))
    acts = ("", "is terminated")
    processes = [Started(flags, tmp_path / str(rank), world.variables, act, step=3) for rank, act in enumerate(acts)]
    assert run_together(server, *processes) == [143, 143], processes[0].err + processes[1].err
    assert "SIGTERM: the training ends after step 3 of 6, where it goes on" in processes[0].err
    assert not [*list_objects(join_uri(root, "model"))]

    pods = torchrun(flags, world.variables, tmp_path)
    codes = [pod.wait(HANGS_S) for pod in pods]
    said = "".join((tmp_path / f"pod{rank}").read_text() for rank in range(2))
    assert codes == [0, 0], said
    assert "after step 3 of 6" in said
    assert equal(weights_of(fetched(join_uri(root, "model"), tmp_path / "model")), weights_of(world.weights))
    assert not [*list_objects(join_uri(root, "work"))]


def torchrun(flags: list[str], variables: Mapping[str, str], folder: Path) -> list[subprocess.Popen[bytes]]:
    """Run torchrun as in two pods of a TrainJob, with a loopback address each: PET_… say which it is.

    Their logs are in `pod0` and `pod1` of the folder.
    """
    (port,) = free_ports(1)
    pods = []
    for rank, address in enumerate(("127.0.0.1", "127.0.0.2")):
        pod = {
            "PET_NNODES": "2", "PET_NPROC_PER_NODE": "1", "PET_NODE_RANK": str(rank), "PET_LOCAL_ADDR": address,
            "PET_MASTER_ADDR": "127.0.0.1", "PET_MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo",
        }  # fmt: skip
        command = [sys.executable, "-m", "torch.distributed.run", *COMMAND.split()[1:], *flags]
        with (folder / f"pod{rank}").open("wb") as log:
            pods.append(subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **variables, **pod}))
    return pods


LOST = "start the training again: it goes on from its last checkpoint"


@pytest.mark.parametrize(
    "acts, codes, said",
    [
        (("", "fails"), [2, 2], [": block3: cannot be used; mend it", "train_unet: block3: cannot be used; mend it"]),
        (("hangs", "fails"), [2, 2], [": block3: cannot be used; mend it", "train_unet: block3: cannot be used"]),
        (("breaks", ""), [1, 1], ["KeyError: 'nobody thought of this'"] * 2),
        (("is killed", ""), [-signal.SIGKILL, 2], ["", LOST]),
        (("", "is killed"), [2, -signal.SIGKILL], [LOST, ""]),
    ],
    ids=["an error", "an error that another cannot notice", "a bug", "the first is killed", "another is killed"],
)
def test_the_failure_of_one_ends_both_and_leaves_no_model(
    server: ForkServerContext, world: World, tmp_path: Path, acts: list[str], codes: list[int], said: list[str]
) -> None:
    flags = flags_of(world.project, str(tmp_path / "model"))
    processes = [Started(flags, tmp_path / str(rank), world.variables, act, step=2) for rank, act in enumerate(acts)]
    assert run_together(server, *processes) == codes, processes[0].err + processes[1].err
    assert all(text in process.err for text, process in zip(said, processes, strict=True))
    other = min(range(2), key=lambda rank: acts[rank] not in ("", "hangs"))
    failing = 1 - other
    assert f"process {failing} of 2, on " in processes[other].err or LOST in processes[other].err
    assert not (tmp_path / "model").exists()


def test_what_the_first_cannot_write_ends_those_that_wait_for_it(
    server: ForkServerContext, world: World, tmp_path: Path
) -> None:
    flags = flags_of(world.project, str(tmp_path / "model"))
    first = Started(flags, tmp_path / "first", world.variables, "cannot write", step=1)
    second = Started(flags, tmp_path / "second", world.variables)
    assert run_together(server, first, second) == [2, 2], first.err + second.err
    assert "train_unet: model folder: is full; make room" in first.err
    assert ": model folder: is full; make room" in second.err and "process 0 of 2, on " in second.err


class TestBadInput:
    def test_others_that_are_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(peers, "JOIN_S", 1.0)
        with refusing_port() as port:
            for name, value in launch(1, port).items():
                monkeypatch.setenv(name, value)
            with pytest.raises(
                FootprintsError,
                match=rf"^process 1 of 2, on .*: the others are not to be found at {HOST}:{port} ",
            ), Peers(Launch.of_environment()):  # fmt: skip
                pytest.fail("it found them")

    def test_a_local_folder_that_is_another_one_elsewhere(
        self, server: ForkServerContext, world: World, tmp_path: Path
    ) -> None:
        """A relative one, of processes that work in folders of their own, as machines without a shared volume have."""
        processes = [
            Started(flags_of(world.project, "models/new"), tmp_path / str(rank), world.variables) for rank in range(2)
        ]
        assert run_together(server, *processes) == [2, 2]
        for process in processes:
            assert f"model: process 1 has {tmp_path}/1/models/new on " in process.err
            assert f"another folder than that of process 0, {tmp_path}/0/models/new on " in process.err
            assert (
                "give a URI in object storage, such as s3://bucket/model, or a folder of a volume that" in process.err
            )

    def test_command_lines_that_differ(self, server: ForkServerContext, world: World, tmp_path: Path) -> None:
        model = str(tmp_path / "model")
        more = {"config": json.dumps(CONFIG | {"lr": 0.1})}
        first = Started(flags_of(world.project, model), tmp_path / "first", world.variables)
        second = Started(flags_of(world.project, model, **more), tmp_path / "second", world.variables)
        assert run_together(server, first, second) == [2, 2]
        said = "processes 0 and 1 would not train the same: their training config differ; start all with one command"
        assert said in first.err and said in second.err

    def test_places_that_differ(self, server: ForkServerContext, world: World, tmp_path: Path) -> None:
        first = Started(flags_of(world.project, "s3://test-bucket/a"), tmp_path / "first", world.variables)
        second = Started(flags_of(world.project, "s3://test-bucket/b"), tmp_path / "second", world.variables)
        assert run_together(server, first, second) == [2, 2]
        assert "model: process 1 was given s3://test-bucket/b, and process 0 s3://test-bucket/a" in first.err

    def test_fewer_windows_than_processes_train_all_the_same(
        self, server: ForkServerContext, world: World, tmp_path: Path
    ) -> None:
        """And a last batch that cannot be divided: each process gets as many windows as the other."""
        project = block_project(tmp_path, 1, 1)
        flags = flags_of(str(project), str(tmp_path / "model"))
        first, second = (Started(flags, tmp_path / name, world.variables) for name in ("first", "second"))
        assert run_together(server, first, second) == [0, 0], first.err + second.err
        assert "1 training windows for 2 processes" in first.err
        assert (tmp_path / "model" / "config.json").is_file()

    @pytest.mark.parametrize(
        "project, message",
        [
            ("nothing", "holds no meta.json, so it is no project; give the URI of one"),
            ("supervisely", "is a folder in the Supervisely format, which is read from local disk only"),
            ("torn", "meta.json: is not JSON"),
        ],
    )
    def test_a_uri_without_a_project(
        self, s3_server: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], project: str, message: str
    ) -> None:
        place = s3_server.new_folder()
        contents = {"supervisely": b'{"classes": [], "tags": []}', "torn": b'{"classes'}
        if project in contents:
            write_bytes(join_uri(place, "meta.json"), contents[project])
        assert stage_main("train_unet", flags_of(place, str(tmp_path / "model"))) == 2
        assert message in capsys.readouterr().err

    def test_a_place_in_object_storage_that_holds_something_else(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place = world.project.rpartition("/")[0]
        assert stage_main("train_unet", flags_of(world.project, place)) == 2
        assert f"model folder: {place} holds something that is not a model" in capsys.readouterr().err
