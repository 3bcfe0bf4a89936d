"""Batches of lines, in an order of their own in every epoch, and how many lines a batch has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_count
from ..callbacks import Callback
from ..text import make_dataset

if TYPE_CHECKING:
    from ..callbacks.base import Logs

__all__ = ["FollowEpochs", "LengthBatches", "batch_size_for"]

Int32 = NDArray[np.int32]


class LengthBatches:
    """Source and target of lines, in batches, the longest line of a batch first.

    Each epoch draws a new order of all lines. With a `pool` above 1 it is cut into pools of several batches, each pool
    is sorted by length, and the batches are shuffled: a batch then holds lines of similar length. That pays where
    padding is computed. Where it is skipped it saves next to nothing, and a model learns a little less from batches of
    lines of one length (see docs/lyricist.md). The order follows from `seed` and `epoch` alone.

    Iterating gives ``(source, target)`` of a batch, both int32 (lines, width), as `day33.text.make_dataset`.

    Args:
        sequences: lists of token numbers, from the first token to the last. Those of fewer than two tokens have no
            target, and are left out.
        batch_size: the number of lines in a batch.
        pool: the number of batches that are sorted together; 1 for batches of any lines. With 0, all lines are sorted,
            and the batches stay in that order, which is for validation.
        width: the length that arrays are filled up to with 0; None for that of the longest line. It is the same for all
            batches, since a model keeps memory and packed weights for each length. Where padding is skipped, a wider
            array costs next to nothing.

    Attributes:
        batch_size, pool: as given.
        seed, epoch: what the order follows from; to be set before iterating, as `FollowEpochs` does.
        lines: the number of lines.
        tokens: the number of targets in an epoch: of each line all tokens but the first.
        longest: the number of targets of the longest line.

    Raises:
        TypeError: a number that is no integer.
        ValueError: no line of at least two tokens, `batch_size` below 1, `pool` below 0, or `width` below the longest.
    """

    def __init__(
        self, sequences: Sequence[Sequence[int]], batch_size: int = 256, *, pool: int = 1, width: int | None = None
    ) -> None:
        self.batch_size = as_count("batch_size", batch_size)
        self.pool = as_count("pool", pool, 0)
        kept = [sequence for sequence in sequences if len(sequence) > 1]
        if not kept:
            raise ValueError(f"sequences holds {len(sequences)} lines; expected one of at least two tokens")
        self._source, self._target = make_dataset(kept)
        self._lengths = np.fromiter((len(sequence) - 1 for sequence in kept), np.int64, len(kept))
        self.longest = int(self._lengths.max())
        if width is not None:
            missing = as_count("width", width, self.longest) - self.longest
            self._source, self._target = (np.pad(part, ((0, 0), (0, missing))) for part in (self._source, self._target))
        self.seed = 0
        self.epoch = 0
        self.lines = len(kept)
        self.tokens = int(self._lengths.sum())

    def __len__(self) -> int:
        return -(-self.lines // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Int32, Int32]]:
        for chosen in self._batches():
            yield self._source[chosen], self._target[chosen]

    def _batches(self) -> list[NDArray[np.intp]]:
        """The numbers of the lines of each batch."""
        size = self.batch_size
        if self.pool == 0:
            order = self._by_length(np.arange(self.lines))
            return [order[first : first + size] for first in range(0, self.lines, size)]
        generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence((self.seed, self.epoch))))
        order = generator.permutation(self.lines)
        batches = []
        for begin in range(0, self.lines, size * self.pool):
            pool = self._by_length(order[begin : begin + size * self.pool])
            batches += [pool[first : first + size] for first in range(0, len(pool), size)]
        return [batches[index] for index in generator.permutation(len(batches))]

    def _by_length(self, lines: NDArray[np.intp]) -> NDArray[np.intp]:
        return lines[np.argsort(-self._lengths[lines], kind="stable")]


def batch_size_for(lines: int) -> int:
    """The batch size for a corpus: the largest power of two, from 16 to 256, with at least 1,000 steps per epoch.

    Small batches learn more from an epoch, large ones take less time for it. (Measured: docs/lyricist.md.)

    Args:
        lines: the number of lines to learn.
    """
    return max([16, *(size for size in (32, 64, 128, 256) if lines >= 1000 * size)])


class Ordered(Protocol):
    """Batches whose order follows from two numbers."""

    seed: int
    epoch: int


class FollowEpochs(Callback):
    """Sets `seed` and `epoch` of batches, so that a resumed run gets the order that it would have had."""

    def __init__(self, batches: Ordered) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._batches.seed, self._batches.epoch = self.model.training_state.seed, epoch
