"""What trainings left, compared; and one that is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from components.core.documents.training import load_config
from components.core.network.classes import model_classes
from components.core.network.description import ModelConfig
from components.core.network.model_artifact import load_model
from components.core.network.segmentation import SegmentationNetwork
from components.core.project import open_project
from components.train_unet.history import LogProgress
from components.train_unet.train_unet import TrainingResult, build_network

Weights = dict[str, torch.Tensor]


def weights_of(model: Path) -> Weights:
    """A model folder's tensors."""
    return load_file(model / "model.safetensors")


def equal(first: Weights, second: Weights) -> bool:
    """Whether two models are the same, bit for bit."""
    return first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())


def losses_of(result: TrainingResult, phase: str) -> list[float]:
    return [row["loss"] for row in result.history if row["phase"] == phase]


def fresh_network(project: Path, config: dict[str, Any], initial: Path | None = None) -> SegmentationNetwork:
    """What a training with a config begins with."""
    settings = load_config(config)
    classes = model_classes(open_project(project).meta.classes, "bg", "neutral")
    described = ModelConfig.of(settings.encoder, classes, "bg", "neutral", settings.input_size.size)
    return build_network(settings, described, load_model(initial) if initial else None, Path())


def learned(model: Path) -> Weights:
    """A model folder's tensors without the running statistics, which a training moves whatever its learning rate."""
    names = dict(load_model(model).network.named_parameters())
    return {name: value for name, value in weights_of(model).items() if name in names}


def close(first: Weights, second: Weights) -> bool:
    """Whether two models are the same but for a training with a learning rate of 1e-12."""
    return first.keys() == second.keys() and all(
        torch.allclose(value, second[name], rtol=1e-6, atol=1e-9) for name, value in first.items()
    )


class Killed(BaseException):
    """Ends a training from outside."""


@contextmanager
def killed_after(steps: int) -> Iterator[None]:
    """A training inside the block is ended from outside, as by SIGKILL, after so many steps."""

    def kill(_self: object, trainer: Any, *_: Any) -> None:
        if trainer.global_step == steps:
            raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(LogProgress, "on_train_batch_end", kill)
        yield
