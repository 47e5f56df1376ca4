"""Trainings that are killed at any moment: they go on, and end with the very weights of one that was left alone."""

from __future__ import annotations

import multiprocessing
import re
from multiprocessing.context import ForkServerContext
from pathlib import Path
from signal import SIGTERM

import pytest
from safetensors.torch import load_file

from tests.components.train_unet.killing import Attempt, Moment
from tests.components.train_unet.projects import TINY, block_project, cut_project
from tests.s3_server import S3Server

CONFIG = TINY | {"batch_size": {"train": 2, "val": 2}, "val_every": 0.5, "lr_decreasing": {"patience": 0}}
"""Twelve steps in rounds of three, with two batches in a validation."""

MOMENTS = [
    (Moment("after the step", 1), 0),
    (Moment("after the step", 2, SIGTERM), 0),
    (Moment("in the validation", 3), 2),
    (Moment("in the validation", 3, SIGTERM), 2),
    (Moment("writing"), 3),
    (Moment("before the digest"), 3),
    (Moment("after the step", 5, SIGTERM), 3),
    (Moment("removing old ones", 6), 5),
    (Moment("in the step", 8, SIGTERM), 6),
    (Moment("after the step", 10, every_s=0), 8),
    (Moment("before the next", 11, every_s=0), 9),
    (Moment("before the model"), 10),
    (Moment(), 12),
]
"""When a training is killed, and after which step it went on before: all that a SIGTERM came after is kept."""


@pytest.fixture(scope="module")
def server() -> ForkServerContext:
    """Starts processes that have everything imported, so that they can be killed at work and not before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.components.train_unet.killing"])
    return context


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, server: ForkServerContext) -> Attempt:
    """A training that was left alone."""
    folder = tmp_path_factory.mktemp("undisturbed")
    project = block_project(folder)
    attempt = Attempt(project, folder / "model", CONFIG, str(folder / "work"), folder / "log", {})
    assert attempt.run(server, Moment()) == 0
    return attempt


@pytest.mark.parametrize("store", ["disk", "object storage"])
def test_a_training_that_is_killed_again_and_again_ends_the_same(
    undisturbed: Attempt, server: ForkServerContext, tmp_path: Path, s3_environment: S3Server, store: str
) -> None:
    on_disk = store == "disk"
    place = str(tmp_path / "work") if on_disk else s3_environment.new_folder()
    writing = "writing to disk" if on_disk else "uploading"
    variables = s3_environment.environment
    attempt = Attempt(undisturbed.project, tmp_path / "model", CONFIG, place, tmp_path / "log", variables)
    for moment, _ in MOMENTS:
        moment = Moment(writing) if moment.what == "writing" else moment
        assert not attempt.model.exists()
        assert attempt.run(server, moment) == moment.exit_code, f"{moment}: {attempt.said()}"

    assert starts_of(attempt) == [start for _, start in MOMENTS]
    assert same_weights(undisturbed, attempt)
    for name in ("metrics.json", "history.json"):
        assert (attempt.model / name).read_bytes() == (undisturbed.model / name).read_bytes()


WITH_ALL = CONFIG | {
    "epochs": 3,
    "lr_schedule": "cosine",
    "warmup": 0.3,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "gradient_clip": 1.0,
    "ema_decay": 0.9,
    "recompute_statistics": 6,
    "augmentation": {"mirror": True, "turn": True, "color": 0.1, "scale": 0.1},
    "negatives": 0.25,
    "loss_weights": {"boundary": 2.0},
    "precision": "bfloat16",
}
"""All that draws numbers or has a state, in 21 steps and rounds of four."""


def test_what_is_drawn_and_averaged_goes_on_as_it_was(server: ForkServerContext, tmp_path: Path) -> None:
    project = cut_project(tmp_path)
    whole, killed = (
        Attempt(project, tmp_path / name / "model", WITH_ALL, str(tmp_path / name), tmp_path / f"{name}.log", {})
        for name in ("whole", "killed")
    )
    for attempt in (whole, killed):
        Path(attempt.work_dir).mkdir()
    assert whole.run(server, Moment()) == 0, whole.said()
    moments = [
        Moment("after the step", 3, SIGTERM),
        Moment("in the validation", 8, SIGTERM),
        Moment("before the next", 11, every_s=0),
        Moment("before the model"),
        Moment(),
    ]
    for moment in moments:
        assert killed.run(server, moment) == moment.exit_code, f"{moment}: {killed.said()}"
    assert starts_of(killed, 21) == [0, 3, 8, 10, 21]
    assert same_weights(whole, killed)
    assert (whole.model / "history.json").read_bytes() == (killed.model / "history.json").read_bytes()


def starts_of(attempt: Attempt, steps: int = 12) -> list[int]:
    """After which steps a training went on, by its log."""
    found = re.findall(rf"it starts at the beginning|resuming from .*, after step (\d+) of {steps}", attempt.said())
    return [int(step or 0) for step in found]


def same_weights(first: Attempt, second: Attempt) -> bool:
    """Whether two trainings ended the same, bit for bit."""
    one, other = (load_file(attempt.model / "model.safetensors") for attempt in (first, second))
    return one.keys() == other.keys() and all(value.equal(other[name]) for name, value in one.items())


def test_loaders_outlive_a_signal_to_all_processes(
    undisturbed: Attempt, server: ForkServerContext, tmp_path: Path
) -> None:
    config = CONFIG | {"data_workers": {"train": 1}}
    attempt = Attempt(undisturbed.project, tmp_path / "model", config, str(tmp_path / "work"), tmp_path / "log", {})
    assert attempt.run(server, Moment("in the step", 4, SIGTERM)) == 143, attempt.said()
    assert attempt.run(server, Moment()) == 0
    assert starts_of(attempt) == [0, 4]
    assert same_weights(undisturbed, attempt)
