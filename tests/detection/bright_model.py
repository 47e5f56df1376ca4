"""A network whose weights are set by hand so that it calls bright pixels buildings: what it finds is known."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from components.core.geometry import Size
from components.core.network.description import ModelConfig
from components.core.network.model_artifact import save_model
from components.core.network.unetv2 import UNetV2
from tests.builders import bitmap_meta

ENCODER = "vgg16_bn_slim8"
THRESHOLD = 128.0
"""Pixels whose mean over the colours is above it are buildings."""

STEEP = 50.0


def save_bright_model(folder: Path, side_px: int = 64, threshold: float = THRESHOLD) -> Path:
    """Write the model; its input has `side_px` × `side_px` pixels, windows of that size go in as they are."""
    network = UNetV2(2, ENCODER).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.zero_()
                if module.bias is not None:
                    module.bias.zero_()
        for layer in _convolutions(network.encoder.features[: network.encoder.block_ends[0] + 1]):
            layer.weight[0, 0, 1, 1] = 1.0
        first = _convolutions(network.encoder.features)[0]
        first.weight[0, :, 1, 1] = network.std.view(3) / 255 / 3  # (value - mean) / std back to value / 255
        assert first.bias is not None
        first.bias[0] = network.mean.mean() / 255
        last = network.decoder[-1]
        into, *on = _convolutions(last.convolutions)
        into.weight[0, into.in_channels // 2, 1, 1] = 1.0  # the skip's first channel
        for layer in on:
            layer.weight[0, 0, 1, 1] = 1.0
        network.head.weight[1, 0] = STEEP
        network.head.bias[1] = -STEEP * threshold / 255
    classes = (bitmap_meta("", "bg").classes[0], bitmap_meta().classes[0])
    config = ModelConfig.of(ENCODER, classes, "bg", "neutral", Size(side_px, side_px))
    save_model(folder, network, config, {})
    return folder


def _convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]
