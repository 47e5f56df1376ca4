"""The network in use: what it is fed, what it gives, and where it runs."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from components.core.documents.inference import load_config
from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.network.processor import has_native_bfloat16
from components.infer_windows.predictor import NetworkPredictor, choose_device, number_format
from tests.builders import noise

CPU = torch.device("cpu")


class Brightness(nn.Module):
    """Logits 0 and (red − 100) / 10; remembers what it was fed."""

    def __init__(self) -> None:
        super().__init__()
        self.fed: list[Tensor] = []

    def forward(self, image: Tensor) -> Tensor:
        self.fed.append(image)
        red = image[:, :1].float()
        return torch.cat([torch.zeros_like(red), (red - 100) / 10], dim=1)


def test_gives_the_softmax_of_the_logits_without_gradients() -> None:
    network = Brightness()
    windows = np.stack([noise(Size(16, 32), seed) for seed in range(3)])

    result = NetworkPredictor(network, Size(16, 32), CPU)(windows)

    red = windows[:, 0].astype(np.float64)
    assert (result.dtype, result.shape) == (np.float32, (3, 2, 16, 32))
    assert np.allclose(result[:, 1], 1 / (1 + np.exp((100 - red) / 10)), atol=1e-6)
    assert np.allclose(result.sum(axis=1), 1)
    assert network.fed[0].dtype is torch.uint8 and network.fed[0].is_inference()


def test_stretches_windows_to_the_input_size_and_probabilities_back() -> None:
    network = Brightness()
    ramp = np.broadcast_to(np.arange(64, dtype=np.uint8) * 3, (1, 3, 48, 64))

    result = NetworkPredictor(network, Size(32, 32), CPU)(np.ascontiguousarray(ramp))

    assert network.fed[0].shape == (1, 3, 32, 32)
    assert torch.allclose(network.fed[0][0, 0, 0], torch.arange(32) * 6 + 1.5)
    assert result.shape == (1, 2, 48, 64)
    middle = result[0, 1, 24, 4:-4]
    assert np.allclose(middle, 1 / (1 + np.exp((100 - np.arange(4, 60) * 3) / 10)), atol=0.02)


def test_counts_its_seconds() -> None:
    predictor = NetworkPredictor(Brightness(), Size(16, 16), CPU)
    before = predictor.seconds

    predictor(noise(Size(16, 16))[np.newaxis])

    assert before == 0 < predictor.seconds


def test_a_gpu_that_is_not_there_means_the_cpu_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    missing = torch.cuda.device_count() + 7
    with caplog.at_level(logging.INFO):
        device = choose_device([missing])

    assert device == CPU
    assert f"GPUs wanted: [{missing}], present: " in caplog.text


def test_the_cpu_computes_in_what_it_has_instructions_for() -> None:
    assert number_format(CPU, "auto") is (torch.bfloat16 if has_native_bfloat16() else torch.float32)
    assert number_format(CPU, "float32") is torch.float32
    assert number_format(CPU, "bfloat16") is torch.bfloat16
    with pytest.raises(ConfigError, match="precision: 'float16' needs a GPU"):
        number_format(CPU, "float16")


def test_bfloat16_stays_near_float32() -> None:
    """Each logit sums 27 products of at most 1/27: factors and sum are rounded, by no more than three times for a 1."""
    network = nn.Conv2d(3, 2, 3, padding=1, bias=False)
    network.weight.data = (torch.arange(54).remainder(7) / 6 / 27).view(2, 3, 3, 3)
    windows = noise(Size(16, 16))[np.newaxis]

    class OnBytes(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            result: Tensor = network(image.float() / 255)
            return result

    exact = NetworkPredictor(OnBytes(), Size(16, 16), CPU, "float32")(windows)
    rough = NetworkPredictor(OnBytes(), Size(16, 16), CPU, "bfloat16")(windows)

    assert rough.dtype == np.float32
    assert not np.array_equal(exact, rough)
    assert np.allclose(exact, rough, rtol=0, atol=3 * torch.finfo(torch.bfloat16).eps / 2)


class Corner(nn.Module):
    """Logits that depend on the place in the window."""

    def forward(self, image: Tensor) -> Tensor:
        rows = torch.arange(image.shape[2])[:, None] / 7
        columns = torch.arange(image.shape[3]) / 5
        place = (rows + columns).expand(len(image), 1, -1, -1)
        return torch.cat([place, image[:, :1].float() / 100], dim=1)


@pytest.mark.parametrize(
    ("flips", "axes"),
    [("none", []), ("left_right", [(3,)]), ("up_down", [(2,)]), ("both", [(3,), (2,), (2, 3)])],
)
def test_mirror_images_count_as_much_as_the_window(flips: str, axes: list[tuple[int, ...]]) -> None:
    windows = np.stack([noise(Size(16, 24), seed) for seed in range(2)])
    plain = NetworkPredictor(Corner(), Size(16, 24), CPU)

    result = NetworkPredictor(Corner(), Size(16, 24), CPU, flips=flips)(windows)

    seen = [plain(windows)]
    seen += [np.flip(plain(np.ascontiguousarray(np.flip(windows, axis))), axis) for axis in axes]
    assert np.allclose(result, np.mean(seen, axis=0), atol=1e-6)


def test_eight_ways_to_see_a_window_count_alike() -> None:
    windows = np.stack([noise(Size(16, 16), seed) for seed in range(2)])
    plain = NetworkPredictor(Corner(), Size(16, 16), CPU)

    result = NetworkPredictor(Corner(), Size(16, 16), CPU, flips="eight")(windows)

    seen = []
    for turned in range(4):
        for mirrored in (False, True):
            shown = np.rot90(np.flip(windows, 3) if mirrored else windows, turned, (2, 3))
            found = np.rot90(plain(np.ascontiguousarray(shown)), -turned, (2, 3))
            seen.append(np.flip(found, 3) if mirrored else found)
    assert np.allclose(result, np.mean(seen, axis=0), atol=1e-6)


def test_a_window_is_seen_at_several_sizes() -> None:
    windows, sizes = noise(Size(48, 64), 3)[np.newaxis], ((48, 64), (32, 32), (64, 96))
    seen = [NetworkPredictor(Corner(), Size(*size), CPU)(windows) for size in sizes]
    scaled = NetworkPredictor(Corner(), Size(48, 64), CPU, scales=[1.0, 0.5, 1.5])(windows)
    assert np.allclose(scaled, np.mean(seen, axis=0), atol=1e-6)


def test_onnx_takes_windows_of_one_size() -> None:
    config = {"runtime": "onnx", "mode": {"source": "full_image", "scales": [0.5, 1.0]}}
    with pytest.raises(ConfigError, match=r"mode.scales: \[0.5, 1.0\] need a network that takes windows of any size"):
        load_config(config)


def test_only_square_windows_are_turned() -> None:
    window = {"width": 640, "height": 512}
    with pytest.raises(ConfigError, match=r"mode.flips: 'eight' turns windows by quarters, and one of 512×640 px does"):
        load_config({"mode": {"source": "sliding_window", "flips": "eight", "window": window}})


@pytest.mark.parametrize("scales", [[], [0], [9], [1] * 9, "1", 1])
def test_scales_are_checked(scales: object) -> None:
    with pytest.raises(ConfigError, match=r"mode.scales"):
        load_config({"mode": {"source": "sliding_window", "scales": scales}})
