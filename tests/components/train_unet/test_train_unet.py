"""The whole stage on small projects: it learns, repeats itself, goes on after a kill and refuses what it must.

What a training reaches differs from processor to processor, so nothing here rests on it. What is compared is equal on
any one: weights, and losses of the same weights on the same items in the same mode.
"""

from __future__ import annotations

import json
import logging
import math
import traceback
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch.multiprocessing.spawn import ProcessRaisedException

from components.core.command.run import stage_main
from components.core.documents.training import load_config
from components.core.drift import TrainingStatistics, pixel_counts
from components.core.errors import ConfigError, DataError, FootprintsError
from components.core.imagery.images import read_image
from components.core.network.model_artifact import load_model
from components.core.project import open_project, write_manifest
from components.train_unet import train_unet
from components.train_unet.dataset import TrainingBatch
from components.train_unet.devices import DevicePlan
from components.train_unet.module import SegmentationModule
from components.train_unet.sampling import RoundSampler, Share
from components.train_unet.train_unet import train
from components.train_unet.training import own_error
from tests.builders import CLASS, bitmap_meta
from tests.components.train_unet.by_hand import ByHand
from tests.components.train_unet.projects import TINY, block_item, block_project, covered_item
from tests.components.train_unet.trained import (
    close,
    equal,
    fresh_network,
    killed_after,
    learned,
    losses_of,
    weights_of,
)

BY_BATCH = TINY | {"validate_with_model_eval": False}
"""Validation normalises with each batch's own statistics, so that its loss depends on what was learned alone."""


def test_a_training_is_gradient_descent_on_the_batches_of_its_seed(project: Path, tmp_path: Path) -> None:
    config = TINY | {"val_every": 2, "seed": 3}
    result = train(project, tmp_path / "model", config=config)
    network = fresh_network(project, config)
    losses = ByHand(project, config).train(network, 12)
    assert len(losses) == 6
    assert losses_of(result, "train") == pytest.approx(losses, rel=1e-5)
    assert equal(weights_of(tmp_path / "model"), network.state_dict())


def test_a_network_learns(project: Path, tmp_path: Path) -> None:
    """Steps that are small follow the gradient, against which the loss of the same items in the same mode falls."""
    config = TINY | {"epochs": 5, "batch_size": {"train": 12, "val": 4}, "lr": 1e-4}
    losses = losses_of(train(project, tmp_path / "model", config=config), "train")
    assert len(losses) == 5
    assert all(later < before for before, later in pairwise(losses))


def test_a_folder_says_how_its_network_was_trained(project: Path, tmp_path: Path) -> None:
    result = train(project, tmp_path / "model", config=TINY | {"epochs": 3, "val_every": 0.5})
    rows = result.history
    validations = [row for row in rows if row["phase"] == "val"]
    assert [row["step"] for row in validations] == [2, 4, 6, 8, 9]  # three batches an epoch: half of it are two
    best = min(validations, key=lambda row: row["loss"])
    assert (result.metrics["best_step"], result.metrics["val"]["iou"]) == (best["step"], best["iou"])
    assert rows == json.loads((tmp_path / "model" / "history.json").read_text())
    assert list(rows[0]) == ["step", "epoch", "phase", "loss", "accuracy", "dice", "iou", "lr"]
    data = json.loads((tmp_path / "model" / "data.json").read_text())
    assert data["items"] == {"train": 12, "val": 4} and len(data["digest"]) == 64
    assert data["imagery"] == {"gsd_m": None, "values": ["uint8"], "colours": ["red, green and blue"]}
    model = load_model(tmp_path / "model")
    assert [entry.title for entry in model.config.classes] == ["bg", "untitled"]
    assert (model.config.size.height, model.config.size.width) == (48, 48)


def test_a_folder_says_what_its_pixels_and_its_confidences_were_like(project: Path, tmp_path: Path) -> None:
    """Every pixel of every training item, and of every validation window, is counted: there are few."""
    train(project, tmp_path / "model", config=TINY | {"epochs": 1})
    known = TrainingStatistics.of_model(str(tmp_path / "model"))
    assert known is not None
    items = [item for item in open_project(project) if "train" in item.tags]
    expected = sum(pixel_counts(read_image(item.image.uri, item.image.recipe)) for item in items if item.image)
    assert known.pixels.counts.tolist() == expected.tolist()
    assert known.confidence.counts.sum() == 4 * 48 * 48
    assert known.pixels.spreads == (), "these images are too small to tell"
    assert not known.confidence.counts[0, 0], "of two classes the likelier one has half of the probability at least"


@pytest.mark.parametrize(("side", "told"), [(160, []), (256, [1 << 16])])
def test_mirrored_copies_show_nothing_new_of_an_image(tmp_path: Path, side: int, told: list[int]) -> None:
    """How far one image of a size may be off is told by images of that size, however often their pixels are counted."""
    whole = [block_item(tmp_path, number, ("train",), side) for number in range(2)]
    flips = [(left_right, up_down) for left_right in (False, True) for up_down in (False, True)]
    items = [
        replace(
            item,
            name=f"{item.name}_{number}",
            image=replace(item.image, recipe=replace(item.image.recipe, left_right=flip[0], up_down=flip[1])),
        )
        for item in whole
        if item.image
        for number, flip in enumerate(flips)
    ]
    write_manifest(
        tmp_path / "project",
        bitmap_meta("copies", tags=("train", "val")),
        [*items, block_item(tmp_path, 2, ("val",), side)],
    )
    train(tmp_path / "project", tmp_path / "model", config=TINY | {"epochs": 1})
    known = TrainingStatistics.of_model(str(tmp_path / "model"))
    assert known is not None
    assert known.pixels.counts[0].sum() == len(items) * side * side
    assert [spread.pixels for spread in known.pixels.spreads] == told


def test_the_best_checkpoint_is_what_is_written(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = [0.4, 0.1, 0.3, 0.2]

    def rated(module: SegmentationModule, batch: TrainingBatch, _index: int) -> None:
        loss = torch.tensor(ratings[module.trainer.current_epoch])
        module.val_measures.update(loss, module.network(batch.image), batch.mask)

    monkeypatch.setattr(SegmentationModule, "validation_step", rated)
    result = train(project, tmp_path / "long", config=TINY | {"epochs": 4})
    assert losses_of(result, "val") == pytest.approx(ratings)
    assert (result.metrics["best_epoch"], result.metrics["val"]["loss"]) == (2, pytest.approx(0.1))
    train(project, tmp_path / "short", config=TINY | {"epochs": 2})
    assert equal(weights_of(tmp_path / "long"), weights_of(tmp_path / "short"))


def test_the_seed_decides_the_weights(project: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.manual_seed(hash(name))  # what the process drew before must not matter
        train(project, tmp_path / name, config=TINY | {"epochs": 1, "seed": seed})
    assert equal(weights_of(tmp_path / "a"), weights_of(tmp_path / "b"))
    assert not equal(weights_of(tmp_path / "a"), weights_of(tmp_path / "c"))


@pytest.mark.parametrize("val_every", [0.67, 1])
def test_a_killed_training_goes_on_and_ends_the_same(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, val_every: float, caplog: pytest.LogCaptureFixture
) -> None:
    config = TINY | {"epochs": 4, "val_every": val_every, "lr_decreasing": {"patience": 0}}
    whole = train(project, tmp_path / "whole", config=config)

    with killed_after(8):
        train(project, tmp_path / "resumed", config=config, work_dir=tmp_path / "work")
    assert not (tmp_path / "resumed").exists()
    with caplog.at_level(logging.INFO):
        train(project, tmp_path / "other", config=config | {"seed": 9}, work_dir=tmp_path / "work")
        assert "resuming from checkpoint" not in caplog.text, "another seed is another training"
        resumed = train(project, tmp_path / "resumed", config=config, work_dir=tmp_path / "work")
    assert "resuming from checkpoint" in caplog.text
    assert resumed.history == whole.history
    assert equal(weights_of(tmp_path / "whole"), weights_of(tmp_path / "resumed"))
    assert list((tmp_path / "work").iterdir()) == [], "what ended well is not gone on from"


def test_continuing_starts_where_the_initial_model_stopped(project: Path, tmp_path: Path) -> None:
    first = train(project, tmp_path / "first", config=BY_BATCH)
    still = BY_BATCH | {"epochs": 1, "lr": 1e-12, "seed": 7, "weights_init_type": "continue_training"}
    assert equal(fresh_network(project, still, tmp_path / "first").state_dict(), weights_of(tmp_path / "first"))

    second = train(project, tmp_path / "second", config=still, initial_model=tmp_path / "first")

    by_hand = ByHand(project, still)
    losses = [by_hand.loss(load_model(tmp_path / "first").network.train(), "train", by_hand.batches(12)[0]).item()]
    assert losses_of(second, "train")[:1] == pytest.approx(losses, rel=1e-4)
    assert second.metrics["val"]["loss"] == pytest.approx(first.metrics["val"]["loss"], rel=1e-4)
    assert close(learned(tmp_path / "first"), learned(tmp_path / "second"))


def test_transfer_takes_all_but_the_last_layer(project: Path, tmp_path: Path) -> None:
    train(project, tmp_path / "first", config=TINY | {"epochs": 1})
    other = block_project(tmp_path, 4, 4, "untitled", "road")
    train(other, tmp_path / "second", config=TINY | {"epochs": 1, "lr": 1e-12}, initial_model=tmp_path / "first")
    first, second = learned(tmp_path / "first"), learned(tmp_path / "second")
    assert second["head.weight"].shape == (3, 8, 1, 1)
    for weights in (first, second):
        del weights["head.weight"], weights["head.bias"]
    assert close(first, second)


def test_continuing_with_other_classes_or_without_a_model_is_refused(project: Path, tmp_path: Path) -> None:
    train(project, tmp_path / "first", config=TINY | {"epochs": 1})
    going_on = TINY | {"weights_init_type": "continue_training"}
    other = block_project(tmp_path, 4, 4, "untitled", "road")
    with pytest.raises(
        ConfigError, match=r"classes, \['bg', 'untitled'\], and the project gives \['bg', 'road', 'unti"
    ):
        train(other, tmp_path / "m", config=going_on, initial_model=tmp_path / "first")
    with pytest.raises(ConfigError, match="'continue_training' needs an initial model and none is given"):
        train(project, tmp_path / "m", config=going_on)
    with pytest.raises(ConfigError, match="encoder: 'vgg11_bn' is not the initial model's; use 'vgg16_bn_slim8'"):
        train(project, tmp_path / "m", config=going_on | {"encoder": "vgg11_bn"}, initial_model=tmp_path / "first")
    assert not (tmp_path / "m").exists()


def test_encoder_weights_come_from_a_file_and_the_parameter_wins(project: Path, tmp_path: Path) -> None:
    train(project, tmp_path / "first", config=TINY | {"epochs": 1})
    weights = tmp_path / "first" / "model.safetensors"
    still = TINY | {"epochs": 1, "lr": 1e-12, "encoder_weights": "imagenet"}
    train(project, tmp_path / "second", config=still, encoder_weights=weights.as_uri())
    encoders = [
        {name: value for name, value in learned(tmp_path / model).items() if name.startswith("encoder.")}
        for model in ("first", "second")
    ]
    assert close(*encoders)
    with pytest.raises(ConfigError, match="'vgg16_bn_slim8' has no 'imagenet' weights"):
        train(project, tmp_path / "third", config=still)


def test_weights_that_are_no_numbers_are_refused(project: Path, tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.full((8, 3, 3, 3), float("nan"))}, tmp_path / "nan.pth")
    with pytest.raises(DataError, match=r"nan.pth"):
        train(project, tmp_path / "m", config=TINY, encoder_weights=str(tmp_path / "nan.pth"))


def test_a_diverging_training_stops_and_names_the_step(project: Path, tmp_path: Path) -> None:
    # Adam's first step moves the two biases of the last layer by ± 3e37: summed over the pixels the loss overflows.
    with pytest.raises(ConfigError, match=r"lr: the training loss is not finite at step 2 of 6 .*; use a lower lr"):
        train(project, tmp_path / "m", config=TINY | {"lr": 3e37})
    assert not (tmp_path / "m").exists()


def test_validation_may_use_the_statistics_of_its_batches(project: Path, tmp_path: Path) -> None:
    results = [
        train(project, tmp_path / str(flag), config=TINY | {"epochs": 1, "validate_with_model_eval": flag})
        for flag in (True, False)
    ]
    losses = [result.metrics["val"]["loss"] for result in results]
    assert losses[0] != losses[1]
    # Measuring differently must not train differently.
    assert equal(weights_of(tmp_path / "True"), weights_of(tmp_path / "False"))


def test_neutral_items_count_for_nothing_in_validation(tmp_path: Path) -> None:
    project = block_project(tmp_path, 8, 4, "untitled", "neutral")
    plain = train(project, tmp_path / "plain", config=TINY | {"epochs": 1, "batch_size": {"train": 4, "val": 1}})
    meta = project / "meta.json"
    assert "neutral" in meta.read_text()
    (tmp_path / "block11.tif").write_bytes(b"torn")  # becomes neutral throughout
    without = train(
        project, tmp_path / "torn",
        config=TINY | {"epochs": 1, "batch_size": {"train": 4, "val": 1}, "allow_corrupted_samples": {"val": 1}},
    )  # fmt: skip
    assert equal(weights_of(tmp_path / "plain"), weights_of(tmp_path / "torn"))
    assert without.metrics["val"]["loss"] != plain.metrics["val"]["loss"]


def test_two_processes_train_one_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real processes and a real process group, with 3 validation items for two.

    The items of the first process are neutral, so that it alone would learn nothing; those of the second are buildings
    throughout, so that the bias of their class rises by the learning rate and the other one falls as much.
    """
    plan = DevicePlan("cpu", (0, 0), "32-true", "two processes on the CPU")
    monkeypatch.setattr(train_unet, "plan_devices", lambda *_: plan)
    config = TINY | {"batch_size": {"train": 6, "val": 4}, "epochs": 1}
    (of_the_first,) = RoundSampler(12, 6, load_config(config).seed, range(1), Share(0, 2))
    items = [covered_item(tmp_path, index, "neutral" if index in of_the_first else CLASS) for index in range(12)]
    items += [block_item(tmp_path, index, ("val",)) for index in range(12, 15)]
    write_manifest(tmp_path / "project", bitmap_meta("blocks", CLASS, "neutral", tags=("train", "val")), items)

    result = train(tmp_path / "project", tmp_path / "m", config=config)

    assert [(row["step"], row["phase"]) for row in result.history] == [(1, "train"), (1, "val")]
    assert weights_of(tmp_path / "m")["head.bias"].tolist() == pytest.approx([-TINY["lr"], TINY["lr"]], rel=1e-4)


def test_an_error_in_a_training_process_arrives_as_it_was() -> None:
    try:
        raise ConfigError("train.config: lr: too high; use a lower one")
    except ConfigError:
        text = traceback.format_exc()
    ours = own_error(ProcessRaisedException(f"-- Process 1 terminated with the following error:\n{text}", 1, 42))
    assert isinstance(ours, ConfigError)
    assert str(ours) == "train.config: lr: too high; use a lower one"
    theirs = ProcessRaisedException("-- Process 1 terminated:\nRuntimeError: out of memory", 1, 42)
    assert own_error(theirs) is theirs


def test_the_command_line_trains(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--project", str(project), "--config", json.dumps(TINY | {"epochs": 1}), "--model", str(tmp_path / "m")]
    outputs = ["--metrics", str(tmp_path / "metrics.json"), "--report", str(tmp_path / "report.html")]
    assert stage_main("train_unet", [*flags, *outputs]) == 0
    assert "<svg" in (tmp_path / "report.html").read_text()
    said = json.loads(capsys.readouterr().out)
    assert said == json.loads((tmp_path / "metrics.json").read_text())
    assert {"val_iou", "val_loss", "val_accuracy", "val_dice"} <= set(said)
    assert load_model(tmp_path / "m").config.encoder == TINY["encoder"]


def test_a_place_that_holds_something_else_is_refused_before_training(project: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="holds something that is not a model; give a new or empty folder"):
        train(project, tmp_path, config=TINY | {"lr": 1e30})  # training would end with another error


def test_a_place_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FootprintsError, match="there is no such directory"):
        train(tmp_path / "gone", tmp_path / "m", config=TINY)


def test_a_project_of_small_images_is_learnt_at_their_scale(tmp_path: Path) -> None:
    project = block_project(tmp_path, 4, 2, side=32)
    stretched = train(project, tmp_path / "stretched", config=TINY | {"epochs": 1})
    padded = train(project, tmp_path / "padded", config=TINY | {"epochs": 1, "pad": "reflect"})
    assert not equal(weights_of(Path(stretched.model)), weights_of(Path(padded.model)))
    assert all(math.isfinite(row["loss"]) for row in padded.history)
