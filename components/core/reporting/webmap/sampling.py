"""What is shown of much: fair shares, and rows spread evenly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

CONFIDENCE_CLASSES = 4


def fair_shares(counts: Sequence[int], most: int) -> list[int]:
    """How much of each is shown: all of the small ones, and as much of each large one as of any other.

    Args:
        counts: How much there is of each.
        most: Of all together.

    Returns:
        Shares, each at most its count; their sum is `most`, or that of the counts where that is less.
    """
    shares = [0] * len(counts)
    left = most
    order = sorted(range(len(counts)), key=lambda index: (counts[index], index))
    for place, index in enumerate(order):
        shares[index] = min(counts[index], left // (len(order) - place))
        left -= shares[index]
    return shares


def spread(count: int, share: int, confidence: npt.NDArray[np.float64] | None = None) -> npt.NDArray[np.int64]:
    """Some of the rows, evenly over their order, which is one by place, and over classes of confidence.

    Args:
        count: How many rows there are.
        share: How many are chosen, at most `count`.
        confidence: (N,) of the rows, 0–1; not a number where there is none. None for no confidences.

    Returns:
        (share,) int64, indices of rows, rising.
    """
    order = np.arange(count)
    if confidence is not None and share < count:
        classes = np.floor(np.nan_to_num(confidence, nan=0.0) * CONFIDENCE_CLASSES)
        order = np.argsort(classes, kind="stable")
    steps = np.arange(count + 1, dtype=np.int64) * share // max(count, 1)
    chosen: npt.NDArray[np.int64] = np.sort(order[np.flatnonzero(np.diff(steps))])
    return chosen
