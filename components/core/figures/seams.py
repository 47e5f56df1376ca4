"""Following objects across the seams between parts of a scene that come from the top down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from components.core.figures.run_lengths import Integers, Runs, joined, touching

Piece = TypeVar("Piece")

_NONE = np.zeros(0, np.int64)


class SeamRow(NamedTuple):
    """A part's first or last row.

    Attributes:
        runs: Of its set pixels, each of one piece.
        pieces: (N,) index of each run's piece.
    """

    runs: Runs
    pieces: Integers


class Seams(Generic[Piece]):
    """Joins the pieces of consecutive parts that touch across a seam, corners included.

    What a piece is, is the caller's concern: held are only those of the objects that may go on.
    """

    def __init__(self) -> None:
        self._open: list[list[Piece]] = []
        self._above = SeamRow(Runs(_NONE, _NONE), _NONE)

    def add(self, pieces: Sequence[Piece], first: SeamRow, last: SeamRow) -> Iterator[list[Piece]]:
        """Take the next part.

        Args:
            pieces: Of the part.
            first: Its first row.
            last: Its last row; a part of one row has the same first and last.

        Returns:
            The objects that end above the part's last row, each as its pieces from the top down.
        """
        upper, lower = touching(self._above.runs, first.runs)
        known = len(self._open)
        ties = self._above.pieces[upper], known + first.pieces[lower]
        roots = joined(known + len(pieces), *ties)
        going_on = np.unique(roots[known + last.pieces])
        members: dict[int, list[Piece]] = {root: [] for root in going_on.tolist()}
        numbers = roots.tolist()
        for root, parts in zip(numbers, self._open, strict=False):
            members.setdefault(root, []).extend(parts)
        for root, piece in zip(numbers[known:], pieces, strict=True):
            members.setdefault(root, []).append(piece)
        self._open = [members.pop(root) for root in going_on.tolist()]
        self._above = SeamRow(last.runs, np.searchsorted(going_on, roots[known + last.pieces]))
        yield from members.values()

    @property
    def going_on(self) -> list[list[Piece]]:
        """The objects that reach the last row so far, each as its pieces; once all parts are there, they end too."""
        return self._open
