"""Batches and the memory: what does not fit at once goes through in smaller batches, with the same result."""

from __future__ import annotations

import logging
import subprocess
import sys

import numpy as np
import pytest
import torch

from components.core.documents.inference import load_config
from components.core.errors import ConfigError
from components.core.geometry import Size
from components.infer_windows.fitting import fastest_batch
from components.infer_windows.predictor import NetworkPredictor, choose_batch_size
from tests.builders import noise
from tests.components.core.network.hungry import HungryUNet

CPU = torch.device("cpu")
SIZE = Size(32, 32)

ROUNDING = 1e-4
"""What batches of another size do to a probability is far below, and another window's are far above."""


def eight(size: Size = SIZE) -> np.ndarray:
    return np.stack([noise(size, seed) for seed in range(8)])


@pytest.fixture
def network() -> HungryUNet:
    torch.manual_seed(0)
    return HungryUNet(learns=0, looks=5)


def test_a_batch_that_does_not_fit_goes_in_parts_from_then_on(
    network: HungryUNet, caplog: pytest.LogCaptureFixture
) -> None:
    windows = eight()
    predictor = NetworkPredictor(network, SIZE, CPU, "float32")
    one_by_one = np.concatenate([predictor(windows[place : place + 1]) for place in range(8)])
    network.seen.clear()

    found = [predictor(windows), predictor(windows[:7]), predictor(windows[:5])]

    assert network.seen == [8, 4, 6, 5, 4, 4, 4, 3, 5], "tried by halving, then run in parts of about the same size"
    for result in found:
        assert np.allclose(result, one_by_one[: len(result)], rtol=0, atol=ROUNDING)
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.getMessage() == (
        "8 windows of 32×32 px do not fit into the memory of the device at once (the CPU); it goes on with 5. "
        '"batch_size": 5 in the inference config saves the trial'
    )


def test_memory_that_becomes_less_is_followed(network: HungryUNet) -> None:
    predictor = NetworkPredictor(network, SIZE, CPU, "float32")
    whole = predictor(eight())
    network.looks = 1
    assert np.allclose(predictor(eight()), whole, rtol=0, atol=ROUNDING)


def test_mirror_images_count_in_parts_too(network: HungryUNet) -> None:
    predictor = NetworkPredictor(network, SIZE, CPU, "float32", flips="both")
    parts = predictor(eight())
    network.looks = 8
    whole = NetworkPredictor(network, SIZE, CPU, "float32", flips="both")(eight())
    assert np.allclose(parts, whole, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize(
    ("side", "fix"), [(32, "smaller input_size or encoder$"), (64, "or a smaller mode.window or r")]
)
def test_where_not_even_one_window_fits_the_error_names_its_size(network: HungryUNet, side: int, fix: str) -> None:
    network.looks = 0
    said = rf"{side}×{side} px, which the network sees at 32×32, fits into the memory of the device \(the CPU\)"
    with pytest.raises(
        ConfigError, match=f"^inference.config: not even one window or region of {said}; use a device with .*{fix}"
    ):
        NetworkPredictor(network, SIZE, CPU)(eight(Size(side, side)))


def test_windows_of_each_size_have_a_limit_of_their_own(network: HungryUNet) -> None:
    predictor = NetworkPredictor(network, SIZE, CPU, "float32")
    predictor(eight())
    network.seen.clear()
    predictor(eight(Size(16, 48))[:5])
    assert network.seen == [5]


def test_other_failures_are_no_lack_of_memory() -> None:
    class Broken(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("CUDA error: unspecified launch failure")

    with pytest.raises(RuntimeError, match="unspecified launch failure"):
        NetworkPredictor(Broken(), SIZE, CPU)(eight())


LIMITED = """
import re, resource
from pathlib import Path
import numpy as np, torch
from components.core.cli import configure_logging
from components.core.geometry import Size
from components.infer_windows.predictor import NetworkPredictor

class Wide(torch.nn.Module):
    '''Needs 16 MiB for each window of 64 px at once.'''
    def forward(self, image):
        wide = (image[:, :1].float() / 255).repeat(1, 1024, 1, 1)
        return torch.cat([wide.mean(dim=1, keepdim=True), image[:, 1:2].float() / 255], dim=1)

configure_logging()
torch.set_num_threads(1)
predictor = NetworkPredictor(Wide(), Size(64, 64), torch.device("cpu"), "float32")
windows = np.random.default_rng(0).integers(0, 256, (64, 3, 64, 64), np.uint8)
few = np.concatenate([predictor(windows[place : place + 2]) for place in range(0, 64, 2)])
held = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (held + (400 << 20),) * 2)
print(float(np.abs(predictor(windows) - few).max()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and a limit of the address space")
def test_a_process_that_really_has_no_more_memory_goes_on_with_smaller_batches() -> None:
    """64 windows take a GiB at once, and the process gets 400 MiB more than it has."""
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "64 windows of 64×64 px do not fit into the memory of the device at once (the CPU); it goes" in done.stderr
    assert float(done.stdout) < ROUNDING


@pytest.mark.parametrize(
    ("seconds", "best", "tried"),
    [
        ({4: 4.0, 8: 6.0, 16: 10.0, 32: 19.9, 64: 39.0}, 16, 4),  # 32 saves less than 3 % of 0.625 a window
        ({4: 4.0, 8: 8.0}, 4, 2),
        ({4: 4.0, 8: 4.0, 16: 4.0, 32: 4.0, 64: 4.0}, 64, 5),
        ({4: 4.0, 8: 6.0}, 8, 3),  # 16 does not fit
        ({}, 4, 1),
    ],
)
def test_the_batch_doubles_until_that_does_not_pay_or_fit(seconds: dict[int, float], best: int, tried: int) -> None:
    asked = []

    def seconds_of(size: int) -> float:
        asked.append(size)
        if size not in seconds:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return seconds[size]

    assert fastest_batch(seconds_of) == best
    assert asked == [4, 8, 16, 32, 64][:tried]


def test_a_trial_runs_each_batch_twice_and_counts_for_nothing(network: HungryUNet) -> None:
    predictor = NetworkPredictor(network, SIZE, CPU, "float32")
    assert predictor.seconds_of(eight()[:3]) > 0
    assert (network.seen, predictor.seconds) == ([3, 3], 0.0)


def test_what_the_config_says_is_tried_by_nobody(network: HungryUNet) -> None:
    predictor = NetworkPredictor(network, SIZE, CPU, "float32")
    assert choose_batch_size(predictor, load_config({"batch_size": 7}), CPU) == 7
    assert choose_batch_size(predictor, load_config({}), CPU) == 1
    assert choose_batch_size(predictor, load_config({"mode": {"source": "full_image"}}), torch.device("cuda")) == 1
    assert network.seen == []
