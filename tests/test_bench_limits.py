"""What benchmarks hold a time against: the least work of a call, and the limits of the machine."""

from __future__ import annotations

import dataclasses
from types import ModuleType
from typing import Any

import pytest

import day33
from day33 import _native, autoencoder, layers, models
from support.bench import harness_module

CACHES = {"L1": 1000, "L2": 10_000, "L3": 100_000}


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = harness_module("limits")
    monkeypatch.setattr(module, "cache_sizes", lambda: CACHES)
    return module


@pytest.fixture
def machine(limits: ModuleType) -> Any:
    return limits.Limits("avx2", 2, flops=100.0, reading={"L1": 1000.0, "L2": 500.0, "L3": 200.0, "DRAM": 10.0})


def test_l1_and_l2_are_those_of_all_threads_and_l3_is_shared(limits: ModuleType) -> None:
    ends = {count: limits.level_of(count, 2) for count in (2000, 2001, 20_000, 20_001, 100_000, 100_001)}
    assert list(ends.values()) == ["L1", "L2", "L2", "L3", "L3", "DRAM"]
    assert limits.level_of(2000, 1) == "L2"


def test_each_level_is_measured_with_bytes_that_live_in_it(limits: ModuleType) -> None:
    for threads in (1, 2):
        for level, size in limits.reading_sizes(threads).items():
            assert limits.level_of(size * threads, threads) == level


def test_the_slower_of_arithmetic_and_bytes_binds(limits: ModuleType, machine: Any) -> None:
    assert machine.least(limits.Work(flops=300, bytes=1000)) == (3.0, "arithmetic")
    assert machine.least(limits.Work(flops=300, bytes=200_000)) == (20_000.0, "DRAM")
    assert machine.least(limits.Work(bytes=5000)) == (10.0, "L2")
    assert machine.least(limits.Work()) is None


def test_bytes_beyond_l2_are_read_at_the_rate_of_as_many(limits: ModuleType, machine: Any) -> None:
    machine = dataclasses.replace(machine, shared=((40_000, 150.0), (80_000, 50.0), (160_000, 20.0)))
    assert [machine.rate(count) for count in (2000, 20_000, 30_000, 40_000, 50_000, 120_000, 160_001)] == [
        1000.0, 500.0, 150.0, 150.0, 50.0, 20.0, 10.0,
    ]  # fmt: skip
    assert machine.least(limits.Work(bytes=80_000)) == (1600.0, "L3")


def test_sizes_beyond_l2_reach_from_the_l2_caches_past_the_l3(limits: ModuleType) -> None:
    for threads in (1, 2, 64):
        sizes = limits.shared_sizes(threads)
        assert sizes == sorted(sizes) and limits.level_of(sizes[0], threads) in ("L3", "DRAM")
        assert threads > 2 or limits.level_of(sizes[-1], threads) == "DRAM"


def test_what_a_call_repeats_is_read_again_from_where_it_lives(limits: ModuleType, machine: Any) -> None:
    assert machine.least(limits.Work(bytes=50_000, times=4)) == (1000.0, "L3")
    assert machine.least(limits.Work(bytes=200_000)) == (20_000.0, "DRAM")


def test_work_of_a_model(limits: ModuleType) -> None:
    model = models.Sequential([layers.Input((10,)), layers.Dense(20), layers.Dense(5)])
    first, second = 2 * 10 * 20, 2 * 20 * 5
    weights = 4 * (10 * 20 + 20 + 20 * 5 + 5)
    assert limits.of_model(model, 8) == limits.Work(8 * (first + second), weights + 8 * 4 * (10 + 5))
    # The first layer has no gradient of its inputs.
    assert limits.of_model(model, 8, training=True, times=3).flops == 8 * (2 * first + 3 * second)


@pytest.mark.parametrize("kind", ["upsampling", "transposed"])
def test_work_of_an_auto_encoder_grows_with_its_samples(limits: ModuleType, kind: str) -> None:
    model = autoencoder.build(kind)
    one, many = limits.of_model(model, 1), limits.of_model(model, 100)
    assert many.flops == 100 * one.flops > 0
    assert many.bytes - one.bytes == 99 * 2 * 28 * 28 * 4


def test_an_embedding_is_not_read_whole(limits: ModuleType) -> None:
    model = models.Sequential([layers.Input((4,), dtype="int32"), layers.Embedding(1000, 3), layers.Dense(2)])
    assert limits.of_model(model, 1).bytes == 4 * (3 * 2 + 2) + 4 * (4 + 4 * 2)


def test_measuring_leaves_instruction_set_and_threads_as_they_were(
    limits: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "cache_sizes", lambda: {level: 10 * size for level, size in CACHES.items()})
    before = _native.isa(), day33.get_num_threads()
    slowest = _native.available_isas()[0]
    found = limits.measured(slowest, 1)
    assert (_native.isa(), day33.get_num_threads()) == before
    assert (found.isa, found.threads) == (slowest, 1)
    assert found.flops > 0 and set(found.reading) == {"L1", "L2", "L3", "DRAM"} and min(found.reading.values()) > 0
    assert [size for size, _ in found.shared] == limits.shared_sizes(1) and all(rate > 0 for _, rate in found.shared)
    assert limits.measured(slowest, 1) is found
