"""What a training config may ask for beside the tutorial's, seen in whole trainings against the arithmetic by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from components.core.documents.training import load_config
from components.core.errors import ConfigError
from components.core.network.model_artifact import load_model
from components.train_unet.averaging import ValidatedNetwork
from components.train_unet.data import STATISTICS
from components.train_unet.dataset import TrainingBatch
from components.train_unet.module import SegmentationModule
from components.train_unet.sampling import Backgrounds
from components.train_unet.train_unet import train
from tests.components.train_unet.by_hand import ByHand
from tests.components.train_unet.projects import TINY, cut_project
from tests.components.train_unet.trained import (
    equal,
    fresh_network,
    losses_of,
    weights_of,
)

AVERAGED = {"ema_decay": 0.9, "recompute_statistics": 6}


def test_what_is_validated_changes_nothing_of_what_is_trained(project: Path, tmp_path: Path) -> None:
    config = TINY | {"val_every": 1 / 3, "validate_with_model_eval": True}
    plain = train(project, tmp_path / "plain", config=config)
    averaged = train(project, tmp_path / "averaged", config=config | AVERAGED)
    assert losses_of(averaged, "train") == losses_of(plain, "train")
    assert losses_of(averaged, "val") != losses_of(plain, "val")


def test_what_is_saved_is_the_average_with_its_own_statistics(project: Path, tmp_path: Path) -> None:
    config = TINY | {"val_every": 2, "seed": 3}
    train(project, tmp_path / "model", config=config | AVERAGED)
    network, settings = fresh_network(project, config), load_config(config)
    by_hand, averages = ByHand(project, config), ValidatedNetwork(network, 0.9, recomputes=True)
    by_hand.train(network, 12, averages.follow)
    chosen = Backgrounds().order(12, settings.seed, STATISTICS)[:6].tolist()
    images = [by_hand.items("train", positions)[0] for positions in (chosen[:4], chosen[4:])]
    averages.enter(network, images)
    assert equal(weights_of(tmp_path / "model"), network.state_dict())


def test_gradients_are_clipped_and_weights_decay(project: Path, tmp_path: Path) -> None:
    """One step of AdamW from rest is the learning rate times the sign of the gradient, beside what decays."""
    config = TINY | {"epochs": 1, "batch_size": {"train": 12, "val": 4}, "lr": 0.01, "optimizer": "adamw"}
    train(project, tmp_path / "model", config=config | {"weight_decay": 0.5, "gradient_clip": 1e-6})
    network = fresh_network(project, config)
    by_hand = ByHand(project, config)
    network.train().to(memory_format=torch.channels_last)
    by_hand.loss(network, "train", by_hand.batches(12)[0]).backward()
    gradients = [value.grad for value in network.parameters() if value.grad is not None]
    scale = 1e-6 / torch.stack([gradient.norm() for gradient in gradients]).norm()
    after = dict(load_model(tmp_path / "model").network.named_parameters())
    for name, value in network.named_parameters():
        assert value.grad is not None
        clipped = value.grad * scale
        expected = value * (1 - 0.01 * 0.5) - 0.01 * clipped / (clipped.abs() + 1e-8)
        assert torch.allclose(after[name], expected, atol=1e-4), name


def test_a_small_head_starts_from_probabilities_near_one_half(project: Path) -> None:
    whole, small = (fresh_network(project, TINY | {"head_scale": scale}) for scale in (1.0, 0.125))
    assert small.head.weight.equal(whole.head.weight / 8)
    others = [name for name in whole.state_dict() if name != "head.weight"]
    assert all(small.state_dict()[name].equal(whole.state_dict()[name]) for name in others)


def test_a_training_that_gets_no_better_ends(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = [0.4, 0.1, 0.3, 0.2, 0.0]

    def rated(module: SegmentationModule, batch: TrainingBatch, _index: int) -> None:
        loss = torch.tensor(ratings[module.trainer.current_epoch])
        module.val_measures.update(loss, torch.zeros(1, 2, 48, 48), batch.mask[:1])

    monkeypatch.setattr(SegmentationModule, "validation_step", rated)
    result = train(project, tmp_path / "model", config=TINY | {"epochs": 5, "early_stopping": 2})
    assert losses_of(result, "val") == pytest.approx(ratings[:4])
    assert (result.metrics["steps"], result.metrics["best_step"]) == (12, 6)


def test_a_training_on_bare_ground_takes_more_steps(tmp_path: Path) -> None:
    config = TINY | {"epochs": 1, "negatives": 0.3}
    result = train(cut_project(tmp_path), tmp_path / "model", config=config)
    assert result.metrics["items"] == {"train": 10, "val": 4}
    assert result.metrics["steps"] == 4  # 10 items and 4 windows of bare ground, 4 in a batch


def test_bare_ground_needs_masks_that_cover_the_images(project: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"train.config: negatives: there is no window of 48×48 px"):
        train(project, tmp_path / "model", config=TINY | {"negatives": 0.1})


def test_the_learning_rate_falls_when_the_loss_stands_still(project: Path, tmp_path: Path) -> None:
    # With a rate that changes nothing, batches that normalise themselves have the same loss every time.
    falling = {"lr": 1e-12, "lr_decreasing": {"patience": 1, "lr_divisor": 4}, "validate_with_model_eval": False}
    result = train(project, tmp_path / "m", config=TINY | {"epochs": 6} | falling)
    losses, rates = losses_of(result, "val"), [row["lr"] for row in result.history if row["phase"] == "val"]
    assert losses == pytest.approx([losses[0]] * 6, rel=1e-5)
    assert rates == pytest.approx([1e-12] * 3 + [2.5e-13] * 2 + [6.25e-14])


def test_the_learning_rate_follows_the_cosine(project: Path, tmp_path: Path) -> None:
    cosine = TINY | {"lr": 0.004, "lr_schedule": "cosine", "lr_decreasing": {"patience": 0}}
    result = train(project, tmp_path / "m", config=cosine)
    rates = [row["lr"] for row in result.history if row["phase"] == "train"]
    expected = [0.002 * (1 + math.cos(math.pi * step / 6)) for step in range(6)]
    assert rates == pytest.approx(expected)
