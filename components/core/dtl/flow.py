"""Many elements at once, as columns: for queries that ask for names, tags and sizes, and change tags alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

Tags = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ElementColumns:
    """Source items of one project.

    Attributes:
        project: Its name.
        datasets: Of the items.
        names: Of the items.
        heights: Of the items, in pixels.
        widths: Of the items, in pixels.
        tag_lists: Lists of tags that any element has; elements refer to them by index. It grows.
    """

    project: str
    datasets: Sequence[str]
    names: Sequence[str]
    heights: Integers
    widths: Integers
    tag_lists: dict[Tags, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def tag_list(self, tags: Tags) -> int:
        """The index of a list of tags."""
        return self.tag_lists.setdefault(tags, len(self.tag_lists))


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Elements on their way through a query, in the order in which they go.

    Attributes:
        batch: Where they came from.
        rows: Index of each one's source item in the batch.
        tags: Index of each one's tags among the batch's lists.
    """

    batch: ElementColumns
    rows: Integers
    tags: Integers

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> list[str]:
        """Of each element's source image."""
        return [self.batch.names[row] for row in self.rows.tolist()]

    @property
    def datasets(self) -> list[str]:
        """Of each element's source image."""
        return [self.batch.datasets[row] for row in self.rows.tolist()]

    @property
    def heights(self) -> Integers:
        """In pixels."""
        return self.batch.heights[self.rows]

    @property
    def widths(self) -> Integers:
        """In pixels."""
        return self.batch.widths[self.rows]

    def where(self, chosen: Booleans) -> Flow:
        """Those that are chosen."""
        return replace(self, rows=self.rows[chosen], tags=self.tags[chosen])

    def ordered_by_source(self) -> Flow:
        """Source item by source item; those of one stay in their order."""
        order = np.argsort(self.rows, kind="stable")
        return replace(self, rows=self.rows[order], tags=self.tags[order])

    def retagged(self, change: Callable[[Tags], Tags]) -> Flow:
        """With other tags."""
        lists = list(self.batch.tag_lists)
        changed = np.zeros(len(lists), np.int64)
        for index in self._used():
            changed[index] = self.batch.tag_list(change(lists[index]))
        return replace(self, tags=changed[self.tags])

    def tagged_with(self, holds: Callable[[Tags], bool]) -> Booleans:
        """(N,) whether each one's tags are such."""
        lists = list(self.batch.tag_lists)
        held = np.zeros(len(lists), np.bool_)
        for index in self._used():
            held[index] = holds(lists[index])
        return held[self.tags]

    def _used(self) -> list[int]:
        """Which of the batch's lists of tags any element has."""
        used: list[int] = np.flatnonzero(np.bincount(self.tags)).tolist()
        return used

    @classmethod
    def joined(cls, batch: ElementColumns, flows: Sequence[Flow]) -> Flow:
        """One after the other."""
        nothing = np.zeros(0, np.int64)
        rows = np.concatenate([nothing, *(flow.rows for flow in flows)])
        return cls(batch, rows, np.concatenate([nothing, *(flow.tags for flow in flows)]))
