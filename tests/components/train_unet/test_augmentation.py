"""Windows mirrored, turned, scaled and recoloured, by the numbers."""

import pytest
import torch

from components.core.documents.training import Augmentation
from components.train_unet.augmentation import Change, augmented, draw_change

SIDE = 8


def window(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """(1, 3, 8, 8) uint8 colours and (1, 8, 8) uint8 classes."""
    random = torch.Generator().manual_seed(seed)
    image = torch.randint(0, 256, (1, 3, SIDE, SIDE), dtype=torch.uint8, generator=random)
    return image, torch.randint(0, 2, (1, SIDE, SIDE), dtype=torch.uint8, generator=random)


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_colours_and_classes_are_mirrored_and_turned_alike(mirrored: bool, quarters: int) -> None:
    image, mask = window()
    changed, classes = augmented(image, mask, [Change(mirrored, quarters)])
    for before, after in ((image[0], changed[0]), (mask[0], classes[0])):
        expected = before.flip(-1) if mirrored else before
        assert after.equal(torch.rot90(expected, quarters, (-2, -1)))
        assert after.dtype is torch.uint8


def test_a_quarter_turn_is_against_the_clock() -> None:
    image = torch.zeros(1, 3, SIDE, SIDE, dtype=torch.uint8)
    image[..., 0, SIDE - 1] = 9  # the upper right corner
    changed, _ = augmented(image, image[:, 0], [Change(quarters=1)])
    assert changed[0, 0, 0, 0] == 9


def test_each_window_of_a_batch_gets_its_own() -> None:
    image, mask = (torch.cat(parts) for parts in zip(window(0), window(1), strict=True))
    changed, classes = augmented(image, mask, [Change(), Change(mirrored=True)])
    assert changed[0].equal(image[0]) and classes[0].equal(mask[0])
    assert changed[1].equal(image[1].flip(-1)) and classes[1].equal(mask[1].flip(-1))


@pytest.mark.parametrize(("row", "column", "top", "left"), [(-1, -1, 0, 0), (-1, 1, 0, 4), (1, -1, 4, 0), (0, 0, 2, 2)])
def test_an_enlarged_window_shows_a_part(row: float, column: float, top: int, left: int) -> None:
    image, mask = window()
    changed, classes = augmented(image, mask, [Change(zoom=2.0, row=row, column=column)])
    part = mask[0, top : top + 4, left : left + 4]
    assert classes[0].equal(part.repeat_interleave(2, 0).repeat_interleave(2, 1))
    inner = image[0, :, top : top + 4, left : left + 4].float()
    means = changed[0].float().unflatten(1, (4, 2)).unflatten(3, (4, 2)).mean((2, 4))
    assert (means[:, 1:3, 1:3] - inner[:, 1:3, 1:3]).abs().max() < 80  # bilinear: its neighbours weigh in


def test_what_a_smaller_window_leaves_free_is_its_mirror_image() -> None:
    image, mask = window()
    blocks = mask[:, :4, :4].repeat_interleave(2, 1).repeat_interleave(2, 2)
    _, classes = augmented(image, blocks, [Change(zoom=0.5)])
    assert classes[0, 2:6, 2:6].equal(mask[0, :4, :4])
    for axis in (0, 1):
        lines = classes[0].unbind(axis)
        assert all(lines[2 - step].equal(lines[1 + step]) for step in (1, 2))


def test_neutral_pixels_stay_what_they_are() -> None:
    image, mask = window()
    mask[:] = 255
    _, classes = augmented(image, mask, [Change(quarters=1, zoom=1.3, row=0.2, column=-0.7)])
    assert classes.eq(255).all()


def test_colours_follow_gains_and_contrast() -> None:
    image = torch.tensor([50, 150], dtype=torch.uint8).repeat(1, 3, SIDE, SIDE // 2)
    changed, _ = augmented(image, image[:, 0], [Change(gains=(1.0, 1.1, 2.0), contrast=1.2)])
    # Around the mean, 100: 40 and 160.
    assert changed[0, 0, 0, :2].tolist() == [40, 160]
    assert changed[0, 1, 0, :2].tolist() == [44, 176]
    assert changed[0, 2, 0, :2].tolist() == [80, 255]


def test_what_is_drawn_depends_on_seed_and_number_alone() -> None:
    settings = Augmentation(mirror=True, turn=True, color=0.2, scale=0.1)
    first = [draw_change(settings, 3, number) for number in range(50)]
    assert [draw_change(settings, 3, number) for number in reversed(range(50))] == first[::-1]
    assert [draw_change(settings, 4, number) for number in range(50)] != first
    assert {change.quarters for change in first} == {0, 1, 2, 3}
    assert {change.mirrored for change in first} == {False, True}


def test_what_is_drawn_keeps_to_the_settings() -> None:
    settings = Augmentation(color=0.2, scale=0.25)
    for number in range(200):
        change = draw_change(settings, 0, number)
        assert not change.mirrored and not change.quarters
        assert 0.8 <= change.zoom <= 1.25
        assert 0.8 <= change.contrast <= 1.2
        assert all(0.8 * 0.9 <= gain <= 1.2 * 1.1 for gain in change.gains)
    assert draw_change(Augmentation(), 0, 0).zoom == 1
    assert draw_change(Augmentation(), 0, 0).gains == (1, 1, 1)
