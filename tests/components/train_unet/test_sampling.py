"""Rounds, shuffling and shares: every item once an epoch, whatever the processes."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.train_unet.sampling import (
    PADDING,
    Rounds,
    RoundSampler,
    Share,
    ShareSampler,
    batches_per_epoch,
    epoch_order,
)


@given(st.integers(1, 60), st.integers(1, 6), st.floats(0.01, 9))
def test_rounds_cover_every_batch_once(in_epoch: int, epochs: int, val_every: float) -> None:
    rounds = Rounds(in_epoch, epochs, val_every)
    batches = [batch for index in range(len(rounds)) for batch in rounds.batches(index)]
    assert batches == list(range(in_epoch * epochs))


@pytest.mark.parametrize(("val_every", "ends"), [(0.5, [5, 10, 15, 20, 25, 30]), (1, [10, 20, 30]), (2, [20, 30])])
def test_val_every_counts_in_epochs(val_every: float, ends: list[int]) -> None:
    rounds = Rounds(10, 3, val_every)
    assert [rounds.batches(index).stop for index in range(len(rounds))] == ends


@given(st.integers(1, 60), st.integers(1, 6), st.floats(0.01, 9))
def test_a_batch_tells_its_round_and_a_number_of_batches_whether_one_has_ended(
    in_epoch: int, epochs: int, val_every: float
) -> None:
    rounds = Rounds(in_epoch, epochs, val_every)
    for index in range(len(rounds)):
        batches = rounds.batches(index)
        assert {rounds.of(batch) for batch in batches} == {index}
        assert [done for done in range(batches.start + 1, batches.stop + 1) if rounds.ends_after(done)] == [
            batches.stop
        ]
    assert rounds.of(rounds.total) == len(rounds) - 1
    assert not rounds.ends_after(0)


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
def test_each_epoch_holds_every_item_and_processes_share_without_overlap(
    items: int, batch_size: int, world: int, epochs: int
) -> None:
    in_epoch = batches_per_epoch(items, batch_size, world)
    for epoch in range(epochs):
        batches = range(epoch * in_epoch, (epoch + 1) * in_epoch)
        shares = [list(RoundSampler(items, batch_size, 7, batches, Share(rank, world))) for rank in range(world)]
        sizes = {tuple(len(batch) for batch in share) for share in shares}
        assert len(sizes) == 1 and max(next(iter(sizes))) <= batch_size
        seen = Counter(item for share in shares for batch in share for item in batch)
        assert set(seen) == set(range(items))
        assert seen.total() - items < world


def test_rounds_that_do_not_end_with_an_epoch_go_on_where_the_last_one_stopped() -> None:
    whole = list(RoundSampler(10, 3, 0, range(0, 8), Share()))
    parts = [list(RoundSampler(10, 3, 0, part, Share())) for part in (range(0, 3), range(3, 5), range(5, 8))]
    assert [batch for part in parts for batch in part] == whole


def test_order_depends_on_seed_and_epoch_alone() -> None:
    assert epoch_order(50, 1, 2).tolist() == epoch_order(50, 1, 2).tolist()
    assert len({tuple(epoch_order(50, seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4


@given(st.integers(1, 40), st.integers(1, 4))
def test_validation_shares_are_of_one_length_and_padded(items: int, world: int) -> None:
    shares = [list(ShareSampler(items, Share(rank, world))) for rank in range(world)]
    assert {len(share) for share in shares} == {len(ShareSampler(items, Share(0, world)))}
    assert sorted(item for share in shares for item in share if item != PADDING) == list(range(items))
