import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from components.core.reporting.webmap.sampling import fair_shares, spread


@given(st.lists(st.integers(0, 1000), max_size=20), st.integers(0, 5000))
def test_shares_take_all_that_there_is_room_for_and_no_more(counts: list[int], most: int) -> None:
    shares = fair_shares(counts, most)
    assert sum(shares) == min(most, sum(counts))
    assert all(share <= count for share, count in zip(shares, counts, strict=True))


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=20), st.integers(0, 5000))
def test_nobody_gets_more_than_one_who_is_left_with_less_than_it_has(counts: list[int], most: int) -> None:
    shares = fair_shares(counts, most)
    cut = [share for share, count in zip(shares, counts, strict=True) if share < count]
    assert not cut or max(shares) <= min(cut) + 1


def test_few_are_shown_whole_beside_many() -> None:
    assert fair_shares([5, 100_000, 0, 700], 1000) == [5, 498, 0, 497]


@given(st.integers(0, 300), st.data())
def test_rows_are_spread_over_their_order(count: int, data: st.DataObject) -> None:
    share = data.draw(st.integers(0, count))
    chosen = spread(count, share)
    assert len(chosen) == share == len(set(chosen.tolist()))
    gaps = np.diff(chosen)
    assert not share or (chosen.min() >= 0 and chosen.max() < count)
    assert not len(gaps) or gaps.max() - gaps.min() <= 1


def test_rows_are_spread_over_confidences() -> None:
    confidence = np.where(np.arange(1000) < 900, 0.95, np.nan)
    confidence[950:] = 0.3
    chosen = confidence[spread(1000, 100, confidence)]
    assert np.count_nonzero(chosen == 0.95) == 90 and np.count_nonzero(chosen == 0.3) == 5
