"""What the environment of a process says of those that it trains with, and which GPU it has."""

from __future__ import annotations

import logging

import pytest
import torch

from components.core.errors import ConfigError
from components.train_unet import devices
from components.train_unet.devices import device_of_process
from components.train_unet.launch import Launch

TORCHRUN = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "MASTER_ADDR": "node-0", "MASTER_PORT": "29500"}


def test_what_torchrun_sets() -> None:
    assert Launch.of_environment(TORCHRUN) == Launch(rank=5, world=8, local_rank=1, address="node-0:29500")


@pytest.mark.parametrize(
    "environment", [{}, {"MASTER_ADDR": "a", "MASTER_PORT": "1"}, {"PET_NNODES": "1"}, {"RANK": ""}]
)
def test_a_process_on_its_own(environment: dict[str, str]) -> None:
    assert Launch.of_environment(environment) is None


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("MASTER_ADDR", "RANK is set and MASTER_ADDR not"),
        ("MASTER_PORT", "RANK is set and MASTER_PORT not"),
        ("WORLD_SIZE", "RANK is set and WORLD_SIZE not"),
        ("RANK", "WORLD_SIZE is set and RANK not"),
    ],
)
def test_a_variable_is_missing(lacking: str, said: str) -> None:
    environment = {name: value for name, value in TORCHRUN.items() if name != lacking}
    with pytest.raises(ConfigError, match=f"^environment: {said}; start every process by torchrun, which sets RANK, "):
        Launch.of_environment(environment)


def test_several_variables_are_missing() -> None:
    with pytest.raises(
        ConfigError,
        match=r"WORLD_SIZE is set and RANK and LOCAL_RANK and MASTER_ADDR and MASTER_PORT not; .* or unset WORLD_SIZE",
    ):
        Launch.of_environment({"WORLD_SIZE": "2"})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("WORLD_SIZE", "0", "from 1"),
        ("WORLD_SIZE", "two", "from 1"),
        ("RANK", "8", "from 0 to 7"),
        ("RANK", "-1", "from 0 to 7"),
        ("LOCAL_RANK", "1.0", "from 0 to 7"),
        ("LOCAL_RANK", "²", "from 0 to 7"),
        ("MASTER_PORT", "0", "from 1 to 65535"),
        ("MASTER_PORT", "70000", "from 1 to 65535"),
    ],
)
def test_a_variable_that_is_no_number_of_its_kind(name: str, value: str, allowed: str) -> None:
    with pytest.raises(ConfigError, match=rf"^environment: {name} is '{value}', and must be a whole number {allowed};"):
        Launch.of_environment(TORCHRUN | {name: value})


def test_a_job_for_several_nodes_without_torchrun() -> None:
    with pytest.raises(ConfigError, match="PET_NNODES is 2 and RANK is not set: each node would train a model of its"):
        Launch.of_environment({"PET_NNODES": "2"})


class TestTheGpuOfAProcess:
    @pytest.fixture(autouse=True)
    def _two_gpus(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    @pytest.mark.parametrize(("placed", "named"), [(0, [0]), (0, [0, 1, 2]), (2, [0]), (2, [])])
    def test_is_that_of_its_local_rank(self, placed: int, named: list[int], caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, devices.__name__):
            assert device_of_process(1, placed, named) == (1,)
        assert f"gpu_devices: {named} is not used: each process has the GPU of its LOCAL_RANK" in caplog.messages

    def test_is_none_where_the_config_names_none(self) -> None:
        assert device_of_process(1, 0, []) == ()

    def test_is_missing(self) -> None:
        with pytest.raises(ConfigError, match=r"^LOCAL_RANK: this is process 2 .* which has 2 GPU\(s\); start at most"):
            device_of_process(2, 0, [0, 1, 2])

    def test_is_one_of_fewer_than_the_pod_asked_for(self) -> None:
        with pytest.raises(ConfigError, match="gpus: the step asked for 3 and sees 2"):
            device_of_process(0, 3, [])


def test_without_a_gpu_the_cpu_does_it(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with caplog.at_level(logging.WARNING):
        plan = devices.plan_devices(device_of_process(1, 0, [0, 1]), "float32")
    assert plan.accelerator == "cpu"
    assert "GPUs wanted: [1], present: 0; training on the CPU in 32-true" in caplog.messages
