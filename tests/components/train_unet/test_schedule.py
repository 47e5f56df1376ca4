"""Learning rates, step by step."""

import math
from typing import Any

import pytest

from components.core.documents.training import load_config
from components.train_unet.schedule import scheduled_lr


def rates(total: int, **config: Any) -> list[float | None]:
    settings = load_config({"lr": 0.5, **config})
    return [scheduled_lr(settings, done, total) for done in range(total)]


def test_a_plateau_alone_leaves_the_rate_to_the_validations() -> None:
    assert rates(4) == [None] * 4


def test_a_cosine_falls_from_the_first_step_on() -> None:
    assert rates(4, lr_schedule="cosine") == [0.5 * (1 + math.cos(math.pi * done / 4)) / 2 for done in range(4)]


def test_a_warm_up_rises_evenly_before_the_cosine() -> None:
    found = rates(10, lr_schedule="cosine", warmup=0.4)
    assert found[:4] == pytest.approx([0.125, 0.25, 0.375, 0.5])
    assert found[4:] == pytest.approx([0.5 * (1 + math.cos(math.pi * done / 6)) / 2 for done in range(6)])


def test_after_a_warm_up_a_plateau_starts_from_the_whole_rate() -> None:
    assert rates(5, warmup=0.4) == [0.25, 0.5, 0.5, None, None]


def test_a_part_of_a_step_is_a_step_of_warm_up() -> None:
    assert rates(5, warmup=0.1, lr_schedule="cosine")[0] == 0.5
