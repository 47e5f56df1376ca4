"""The learning rate of every step, where the step alone decides it."""

from __future__ import annotations

import math

from components.core.documents.training import TrainConfig


def warm_up_steps(config: TrainConfig, total: int) -> int:
    """Steps of the warm-up in a training of `total` steps."""
    return math.ceil(config.warmup * total) if config.warmup else 0


def scheduled_lr(config: TrainConfig, done: int, total: int) -> float | None:
    """The learning rate of the next step.

    It rises evenly to `lr` in the warm-up; then it falls like a cosine, to zero behind the last step.

    Args:
        config: Of the training.
        done: Steps done.
        total: Steps of the whole training.

    Returns:
        The rate; None where it is what it was: after the warm-up of a schedule that goes by the validation loss.
    """
    warm_up = warm_up_steps(config, total)
    if done < warm_up:
        return config.lr * (done + 1) / warm_up
    if config.lr_schedule == "cosine":
        return config.lr * (1 + math.cos(math.pi * ((done - warm_up) / (total - warm_up)))) / 2
    return config.lr if warm_up and done == warm_up else None
