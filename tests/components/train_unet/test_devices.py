"""Which devices train: fewer GPUs than named, or none, is said and handled."""

import logging
from typing import Any

import pytest
import torch

from components.core.errors import ConfigError
from components.core.network.processor import has_native_bfloat16
from components.train_unet.devices import NativeBfloat16, choose_devices, plan_devices

BOTH = NativeBfloat16(gpu=True, cpu=True)


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
    plan = choose_devices(wanted, present, BOTH, "auto")
    assert (plan.accelerator, plan.devices, plan.world) == ("gpu", devices, len(devices))
    assert words in plan.message


@pytest.mark.parametrize(("wanted", "present"), [([0], 0), ([], 2), ([3], 2)])
def test_without_a_named_gpu_the_cpu_trains(wanted: list[int], present: int) -> None:
    plan = choose_devices(wanted, present, NativeBfloat16(gpu=True, cpu=False), "auto")
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
    assert choose_devices([0], 1, NativeBfloat16(has_bfloat16, not has_bfloat16), precision).precision == chosen


@pytest.mark.parametrize(
    ("precision", "has_bfloat16", "chosen"),
    [
        ("auto", True, "bf16-mixed"),
        ("auto", False, "32-true"),
        ("float32", True, "32-true"),
        ("bfloat16", False, "bf16-mixed"),
    ],
)
def test_number_formats_on_the_cpu(precision: str, has_bfloat16: bool, chosen: str) -> None:
    plan = choose_devices([], 0, NativeBfloat16(not has_bfloat16, has_bfloat16), precision)
    assert plan.precision == chosen and plan.message.endswith(f"training on the CPU in {chosen}")


def test_float16_needs_a_gpu() -> None:
    with pytest.raises(ConfigError, match="precision: 'float16' needs a GPU"):
        choose_devices([0], 0, BOTH, "float16")


@pytest.mark.parametrize(
    ("capabilities", "native"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, True),
        ({"avx512_bf16": False, "amx_bf16": True}, True),
        ({"avx512_f": True, "avx512_bf16": False}, False),
        ({"architecture": "aarch64"}, False),
    ],
)
def test_a_cpu_with_instructions_for_bfloat16_is_known_by_them(capabilities: dict[str, Any], native: bool) -> None:
    assert has_native_bfloat16(capabilities) is native


def test_this_cpu_is_asked() -> None:
    assert has_native_bfloat16() is has_native_bfloat16(torch.cpu.get_capabilities())


def test_a_gpu_without_bfloat16_refuses_it() -> None:
    with pytest.raises(
        ConfigError, match="precision: 'bfloat16' is not supported by this GPU; use 'float16' or 'auto'"
    ):
        choose_devices([0], 1, NativeBfloat16(gpu=False, cpu=True), "bfloat16")


def test_this_machine_is_asked_and_a_lack_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    missing = torch.cuda.device_count()
    with caplog.at_level(logging.INFO):
        plan_devices([missing], "float32")
        plan_devices([], "float32")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert f"GPUs wanted: [{missing}], present: " in caplog.text
