"""Batches of passages: lines together with those before them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import INT32_MAX, as_count, as_indices, as_int
from ..text import make_dataset
from ..text.corpus import MOST_CONTEXT

__all__ = ["PassageBatches"]

Int32 = NDArray[np.int32]
Float32 = NDArray[np.float32]


class PassageBatches:
    """Source, target and weights of passages of several lines, in batches.

    A passage is a list of token numbers in which each line begins with the same token, the first of the passage. For
    training, passages are cut into parts of up to `context` + 1 lines, each line in one part. Every epoch cuts in other
    places, so that a line is learnt after more or fewer lines, and draws another order. Both follow from `seed` and
    `epoch` alone. For validation (`last_only`) passages stay as they are, sorted by length.

    Iterating gives ``(source, target, weights)`` of a batch: the first two as of `LengthBatches`, weights float32
    (passages, width), 1 where a target counts and 0 elsewhere. The token that begins a line does not count, since it
    follows each line and says nothing. With `last_only` the last line of each passage counts alone.

    Args:
        passages: lists of token numbers.
        context: the number of lines before one, at most.
        batch_size: the number of lines in a batch, about; with `last_only`, the most passages in one. An epoch always
            has as many batches, each of them a part at least; their numbers of parts differ by one at most.
        last_only: whether only the last line of each counts, and nothing is cut.
        width: as of `LengthBatches`: for arrays of one width, at least that of the longest part.

    Attributes:
        seed, epoch: what cuts and order follow from; to be set before iterating, as `FollowEpochs` does.
        lines: the number of lines that count.
        longest: the number of targets of the longest part that there may be.

    Raises:
        TypeError: a number that is no integer.
        ValueError: no passage of at least two tokens; passages that begin with different tokens; `context` that is not
            from 1 to 1,000, `batch_size` below 1, or `width` below the longest.
    """

    def __init__(
        self,
        passages: Sequence[Sequence[int]],
        context: int,
        batch_size: int,
        *,
        last_only: bool = False,
        width: int | None = None,
    ) -> None:
        most = as_int("context", context, 1, MOST_CONTEXT) + 1
        batch_size = as_count("batch_size", batch_size)
        self._passages = [
            as_indices(f"passages[{place}]", np.asarray(passage), INT32_MAX + 1)
            for place, passage in enumerate(passages)
            if len(passage) > 1
        ]
        if not self._passages:
            raise ValueError(f"passages holds {len(passages)} passages; expected one of at least two tokens")
        begins = sorted({int(passage[0]) for passage in self._passages})
        if len(begins) > 1:
            raise ValueError(f"passages begin with the tokens {begins[:3]}; expected one that begins all lines")
        # Where the lines of each passage begin, and where the last one ends.
        self._bounds = [np.append(np.flatnonzero(part == part[0]), len(part)) for part in self._passages]
        counts = np.array([len(bounds) - 1 for bounds in self._bounds])
        self._most = int(counts.max()) if last_only else most
        self._last_only = bool(last_only)
        self.seed = 0
        self.epoch = 0
        self.lines = len(counts) if last_only else int(counts.sum())
        # However passages are cut, there is a part for each batch.
        self._batches = min(-(-self.lines // batch_size), int((-(-counts // self._most)).sum()))
        self.longest = max(_longest(bounds, self._most) for bounds in self._bounds) - 1
        self._width = as_count("width", self.longest if width is None else width, self.longest)

    def __len__(self) -> int:
        return self._batches

    def __iter__(self) -> Iterator[tuple[Int32, Int32, Float32]]:
        generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence((self.seed, self.epoch))))
        parts = self._passages if self._last_only else self._cut(generator)
        lengths = np.array([len(part) for part in parts])
        order = np.argsort(-lengths, kind="stable") if self._last_only else generator.permutation(len(parts))
        for chosen in np.array_split(order, self._batches):
            chosen = chosen[np.argsort(-lengths[chosen], kind="stable")]
            source, target = make_dataset([parts[index] for index in chosen])
            missing = ((0, 0), (0, self._width - source.shape[1]))
            source, target = np.pad(source, missing), np.pad(target, missing)
            begins = target == self._passages[0][0]
            if self._last_only:
                # How many lines begin at a place or behind it: none in the last line.
                begins = np.cumsum(begins[:, ::-1], axis=1)[:, ::-1] > 0
            yield source, target, ((target != 0) & ~begins).astype(np.float32)

    def _cut(self, generator: np.random.Generator) -> list[Int32]:
        """The parts of an epoch, each line in one of them."""
        parts = []
        for passage, bounds in zip(self._passages, self._bounds, strict=True):
            first = int(generator.integers(self._most)) + 1
            parts += np.split(passage, bounds[first : len(bounds) - 1 : self._most])
        return parts


def _longest(bounds: NDArray[np.intp], most: int) -> int:
    """The tokens of the longest stretch of up to `most` lines."""
    lines = min(most, len(bounds) - 1)
    return int((bounds[lines:] - bounds[:-lines]).max())
