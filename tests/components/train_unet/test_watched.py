"""Validation windows that are looked at again and again, and what the report shows of them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch

from components.core.errors import StorageError
from components.core.geometry import Size
from components.core.network.model_artifact import load_model
from components.train_unet.dataset import WindowDataset
from components.train_unet.report import write_report
from components.train_unet.train_unet import train
from components.train_unet.watched import SIDE_PX, STAGES, WatchedWindows, thinned
from tests.components.train_unet.by_hand import dataset_of
from tests.components.train_unet.projects import SIDE, TINY

CPU = torch.device("cpu")


def test_windows_are_watched_as_the_validated_network_sees_them(project: Path, tmp_path: Path) -> None:
    result = train(project, tmp_path / "model", config=TINY | {"val_every": 1, "epochs": 2})

    assert [epoch for _, epoch, _ in result.watched.stages] == [1.0, 2.0]
    dataset = dataset_of(project, "val", Size(SIDE, SIDE))
    network = load_model(tmp_path / "model").network
    best = [epoch for _, epoch, _ in result.watched.stages].index(result.metrics["best_epoch"])
    items = len(dataset)
    assert len(result.watched.images) == 4
    for index, position in enumerate(number * items // 4 for number in range(4)):
        sample = dataset[position]
        assert result.watched.images[index].equal(sample.image)
        assert result.watched.masks[index].equal(sample.mask)
        with torch.no_grad():
            share = 1 - network(sample.image[None]).softmax(1)[0, 0]
        assert (result.watched.stages[best][2][index].float() - share * 255).abs().max() <= 1


def test_the_report_shows_each_of_them_after_each_validation(project: Path, tmp_path: Path) -> None:
    result = train(project, tmp_path / "model", config=TINY | {"val_every": 1, "epochs": 2})
    write_report(result, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.count("<figcaption>epoch 1</figcaption>") == page.count("<figcaption>epoch 2</figcaption>") == 4
    assert page.count("data:image/jpeg;base64,") == 4 * 4


class Ramp(torch.nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        light = image.float().mean(1) / 64
        return torch.stack([torch.zeros_like(light), light], 1)


def test_large_windows_are_kept_small_and_all_of_it_goes_through_a_checkpoint(project: Path, tmp_path: Path) -> None:
    dataset = dataset_of(project, "val", Size(4 * SIDE_PX, 4 * SIDE_PX))
    watched = WatchedWindows()
    watched.look(dataset, Ramp(), 1, 0.5, CPU)
    assert watched.images.shape == (4, 3, SIDE_PX, SIDE_PX)
    torch.save(watched.as_dict(), tmp_path / "kept.pt")
    again = WatchedWindows.of_dict(torch.load(tmp_path / "kept.pt", weights_only=True))
    assert again.images.equal(watched.images) and again.masks.equal(watched.masks)
    (stage,), (kept,) = watched.stages, again.stages
    assert stage[:2] == kept[:2] == (1, 0.5) and stage[2].equal(kept[2])


@pytest.mark.parametrize("validations", [1, 2, STAGES, STAGES + 1, 23, 100])
def test_stages_are_few_evenly_spaced_and_end_with_the_last(validations: int) -> None:
    stages: list[tuple[int, float, torch.Tensor]] = []
    for number in range(1, validations + 1):
        stages = thinned([*stages, (number, number / 2, torch.zeros(1))])
    numbers = [number for number, _, _ in stages]
    assert numbers[-1] == validations and len(numbers) <= STAGES
    assert len({after - before for before, after in pairwise(numbers[:-1])}) <= 1
    assert len(numbers) >= min(validations, STAGES // 2)


def test_what_cannot_be_read_costs_the_pictures_alone(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Away(WindowDataset):
        def __getitem__(self, position: int):  # type: ignore[no-untyped-def]
            raise StorageError("the store is away; try again")

    dataset = dataset_of(project, "val", Size(SIDE, SIDE))
    away = Away(dataset.project, dataset.rows, dataset.mask_values, dataset.size)
    watched = WatchedWindows()
    watched.look(away, Ramp(), 1, 0.5, CPU)
    assert not watched.stages
    assert "no pictures of validation windows after epoch 0.50: the store is away" in caplog.text
