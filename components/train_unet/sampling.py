"""Which items make up which batch: by seed and epoch alone, whatever the process."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from components.core.hashing import hash_integer

PADDING = -1
"""Stands for no item where the processes' shares of a validation set differ by one."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """Cuts a training into rounds; each ends with a validation and a checkpoint.

    Attributes:
        batches_per_epoch: Batches of each process in one pass over the items.
        epochs: Passes.
        val_every: Epochs between validations.
    """

    batches_per_epoch: int
    epochs: int
    val_every: float

    @property
    def total(self) -> int:
        """Batches of each process in the whole training."""
        return self.batches_per_epoch * self.epochs

    @property
    def length(self) -> int:
        """Batches in a round, the last one perhaps excepted."""
        return max(1, round(self.val_every * self.batches_per_epoch))

    def __len__(self) -> int:
        """Number of rounds."""
        return math.ceil(self.total / self.length)

    def batches(self, round_index: int) -> range:
        """Batches of one round, counted from the start of the training."""
        return range(round_index * self.length, min((round_index + 1) * self.length, self.total))

    def of(self, batch: int) -> int:
        """The round of a batch that is counted from the start of the training; the last one's behind the end."""
        return min(batch // self.length, len(self) - 1)

    def ends_after(self, done: int) -> bool:
        """Whether a round ends with the last of so many batches."""
        return done > 0 and (done % self.length == 0 or done == self.total)


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of every batch a process works on.

    Attributes:
        rank: Index of the process.
        world: Number of processes.
    """

    rank: int = 0
    world: int = 1


def batches_per_epoch(items: int, batch_size: int, world: int) -> int:
    """Batches that each of `world` processes needs for all items at `batch_size` a process."""
    return math.ceil(items / (batch_size * world))


def evenly_spread(items: int, most: int) -> list[int]:
    """Positions of some items, from the first on, as far apart as they can be; all where there are no more."""
    taken = min(items, most)
    return [number * items // taken for number in range(taken)]


def epoch_order(items: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """The order of the items in one epoch: (items,) int64, a permutation."""
    generator = np.random.Generator(np.random.PCG64(hash_integer(seed, "shuffle", str(epoch))))
    return generator.permutation(items)


@dataclass(frozen=True, slots=True)
class Backgrounds:
    """Windows of bare ground, of which each epoch takes some.

    Attributes:
        there: How many there are; their positions follow those of the items.
        taken: How many an epoch takes.
    """

    there: int = 0
    taken: int = 0

    @classmethod
    def of_share(cls, there: int, items: int, share: float) -> Backgrounds:
        """As many as make up a share of an epoch's windows, each at most once."""
        return cls(there, min(there, round(items * share / (1 - share))))

    def order(self, items: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
        """The order of an epoch's windows: (items + taken,) int64 positions, each once."""
        order = epoch_order(items + self.taken, seed, epoch)
        if not self.taken:
            return order
        generator = np.random.Generator(np.random.PCG64(hash_integer(seed, "background", str(epoch))))
        chosen = generator.permutation(self.there)[: self.taken]
        return np.concatenate([np.arange(items), items + chosen])[order]


class RoundSampler(Sampler[list[int]]):
    """Batches of one round of training, reshuffled in every epoch."""

    def __init__(
        self,
        items: int,
        batch_size: int,
        seed: int,
        batches: range,
        share: Share,
        backgrounds: Backgrounds = Backgrounds(),
    ) -> None:
        """Choose the batches `batches`, counted from the start of the training, of a process."""
        self.items = items
        self.backgrounds = backgrounds
        self.batch_size = batch_size
        self.seed = seed
        self.batches = batches
        self.share = share

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        """Item positions of each batch; an epoch's first items fill up its last batch until all processes have one."""
        world, windows = self.share.world, self.items + self.backgrounds.taken
        in_epoch = batches_per_epoch(windows, self.batch_size, world)
        epoch, order = -1, np.empty(0, np.int64)
        for batch in self.batches:
            if batch // in_epoch != epoch:
                epoch = batch // in_epoch
                order = self.backgrounds.order(self.items, self.seed, epoch)
                order = np.resize(order, math.ceil(windows / world) * world)
            start = batch % in_epoch * self.batch_size * world
            yield order[start : start + self.batch_size * world][self.share.rank :: world].tolist()


class ShareSampler(Sampler[int]):
    """A process's items of a validation set, in order; shares are filled up to one length."""

    def __init__(self, items: int, share: Share) -> None:
        """Choose every `share.world`-th of `items` items."""
        self.items = items
        self.share = share

    def __len__(self) -> int:
        """Number of positions, filling included."""
        return math.ceil(self.items / self.share.world)

    def __iter__(self) -> Iterator[int]:
        """Item positions, `PADDING` where the share is one short."""
        for index in range(len(self)):
            position = index * self.share.world + self.share.rank
            yield position if position < self.items else PADDING
