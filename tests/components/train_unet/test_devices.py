"""Which devices train: fewer GPUs than named, or none, is said and handled."""

import logging

import pytest
import torch

from components.core.errors import ConfigError
from components.train_unet.devices import choose_devices, plan_devices


@pytest.mark.parametrize(
    ("wanted", "present", "devices", "words"),
    [
        ([0, 1, 2], 4, (0, 1, 2), "present: 4; training on"),
        ([0, 1, 2], 2, (0, 1), "1 fewer than wanted, smaller batches"),
        ([2, 0], 1, (0,), "present: 1; training on"),
    ],
)
def test_the_named_gpus_that_are_present_train(
    wanted: list[int], present: int, devices: tuple[int, ...], words: str
) -> None:
    plan = choose_devices(wanted, present, True, "auto")
    assert (plan.accelerator, plan.devices, plan.world) == ("gpu", devices, len(devices))
    assert words in plan.message


@pytest.mark.parametrize(("wanted", "present"), [([0], 0), ([], 2), ([3], 2)])
def test_without_a_named_gpu_the_cpu_trains(wanted: list[int], present: int) -> None:
    plan = choose_devices(wanted, present, True, "auto")
    assert (plan.accelerator, plan.world, plan.precision) == ("cpu", 1, "32-true")
    assert f"wanted: {wanted}" in plan.message and "training on the CPU" in plan.message


@pytest.mark.parametrize(
    ("precision", "has_bfloat16", "chosen"),
    [
        ("auto", True, "bf16-mixed"),
        ("auto", False, "16-mixed"),
        ("float32", True, "32-true"),
        ("float16", True, "16-mixed"),
        ("bfloat16", True, "bf16-mixed"),
    ],
)
def test_number_formats_on_a_gpu(precision: str, has_bfloat16: bool, chosen: str) -> None:
    assert choose_devices([0], 1, has_bfloat16, precision).precision == chosen


def test_number_formats_on_the_cpu() -> None:
    assert choose_devices([], 0, False, "bfloat16").precision == "bf16-mixed"
    with pytest.raises(ConfigError, match="precision: 'float16' needs a GPU"):
        choose_devices([0], 0, False, "float16")


def test_a_gpu_without_bfloat16_refuses_it() -> None:
    with pytest.raises(
        ConfigError, match="precision: 'bfloat16' is not supported by this GPU; use 'float16' or 'auto'"
    ):
        choose_devices([0], 1, False, "bfloat16")


def test_this_machine_is_asked_and_a_lack_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    missing = torch.cuda.device_count()
    with caplog.at_level(logging.INFO):
        plan_devices([missing], "float32")
        plan_devices([], "float32")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert f"GPUs wanted: [{missing}], present: " in caplog.text
