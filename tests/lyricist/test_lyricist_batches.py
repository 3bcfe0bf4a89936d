"""Batches of lines of like length."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from day33.lyricist import LengthBatches
from day33.lyricist.batches import batch_size_for

line_lists = st.lists(st.lists(st.integers(1, 9), max_size=8), min_size=1, max_size=30).filter(
    lambda lines: any(len(line) > 1 for line in lines)
)


@given(line_lists, st.integers(1, 6), st.integers(0, 3), st.integers(0, 5), st.integers(0, 5))
def test_every_line_is_in_one_batch(lines: list[list[int]], batch_size: int, pool: int, seed: int, epoch: int) -> None:
    batches = LengthBatches(lines, batch_size, pool=pool)
    batches.seed, batches.epoch = seed, epoch
    kept = [line for line in lines if len(line) > 1]
    found = []
    produced = list(batches)
    assert len(produced) == len(batches)
    for source, target in produced:
        assert source.shape == target.shape
        assert 1 <= len(source) <= batch_size
        lengths = np.count_nonzero(source, axis=1)
        assert list(lengths) == sorted(lengths, reverse=True)
        assert source.shape[1] == batches.longest
        np.testing.assert_array_equal(source != 0, target != 0)
        for reads, says, length in zip(source, target, lengths, strict=True):
            assert list(reads[1:length]) == list(says[: length - 1])
            found.append((*reads[:length], says[length - 1]))
    assert Counter(found) == Counter(map(tuple, kept))
    assert (batches.lines, batches.tokens) == (len(kept), sum(len(line) - 1 for line in kept))
    assert batches.longest == max(map(len, kept)) - 1
    for (source, _), (again, _) in zip(produced, batches, strict=True):
        np.testing.assert_array_equal(source, again)


def test_epochs_and_seeds_have_their_own_order() -> None:
    batches = LengthBatches([[1, i + 2] for i in range(50)], 5, pool=2)
    orders = set()
    for seed, epoch in ((0, 0), (0, 1), (1, 0), (1, 1)):
        batches.seed, batches.epoch = seed, epoch
        orders.add(tuple(int(target) for _, targets in batches for target in targets[:, 0]))
    assert len(orders) == 4


def test_lines_of_a_batch_are_of_like_length() -> None:
    rng = np.random.default_rng(0)
    lines = [[1] * int(length) for length in rng.integers(2, 22, 4000)]
    cells = sum(len(source) * np.count_nonzero(source[0]) for source, _ in LengthBatches(lines, 64, pool=16))
    assert cells < 1.1 * sum(len(line) - 1 for line in lines)


def test_without_pools_batches_are_of_any_length() -> None:
    lines = [[1] * int(length) for length in np.random.default_rng(0).integers(2, 22, 4000)]
    means = [np.count_nonzero(source) / len(source) for source, _ in LengthBatches(lines, 64)]
    overall = sum(len(line) - 1 for line in lines) / len(lines)
    assert np.std(means) < 1.5 * np.std([len(line) for line in lines]) / 8  # as of 64 lines drawn at random
    assert np.mean(means) == pytest.approx(overall, rel=0.01)


def test_the_batch_size_follows_the_corpus() -> None:
    sizes = [batch_size_for(lines) for lines in range(1, 400_000, 100)]
    assert sizes == sorted(sizes)
    assert set(sizes) == {16, 32, 64, 128, 256}
    for lines, size in ((1, 16), (21_622, 16), (31_999, 16), (32_000, 32), (64_000, 64), (10**7, 256)):
        assert batch_size_for(lines) == size
        assert size == 16 or lines / size >= 1000


def test_wider_arrays() -> None:
    for source, target in LengthBatches([[2, 5, 6, 7, 3], [2, 8, 3], [2, 5, 6, 15, 16, 17, 18, 19, 3]], 3, width=12):
        assert source.shape[1] == target.shape[1] == 12
    with pytest.raises(ValueError, match="width is 7; expected at least 8"):
        LengthBatches([[2, 5, 6, 7, 3], [2, 8, 3], [2, 5, 6, 15, 16, 17, 18, 19, 3]], 3, width=7)


@pytest.mark.parametrize(
    ("lines", "options", "reason"),
    [
        ([], {}, "sequences holds 0 lines; expected one of at least two tokens"),
        ([[1], []], {}, "at least two tokens"),
        ([[1, 2]], {"batch_size": 0}, "batch_size"),
        ([[1, 2]], {"pool": -1}, "pool"),
    ],
)
def test_no_batches(lines: list[list[int]], options: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        LengthBatches(lines, **options)
