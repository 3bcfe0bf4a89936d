"""What a call needs at least, what the machine can do at most, and so the shortest time that the call can take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import day33
from day33 import _native

TRIES = 5  # the best one counts: what slows the machine for a moment is no limit of it
# Bytes of L1 and L2 of each core and of the L3 of all, where the system does not tell them.
CACHES = {"L1": 32 << 10, "L2": 512 << 10, "L3": 32 << 20}
CACHE_FILES = Path("/sys/devices/system/cpu/cpu0/cache")  # of Linux
DRAM_BYTES = 1 << 30  # at most, for all threads


@dataclass(frozen=True)
class Work:
    """What one call needs at least.

    It does `times` in a row the same: `flops` floating-point operations, and reading or writing `bytes` once (inputs,
    results and weights). A number that is not known is 0.
    """

    flops: float = 0.0
    bytes: float = 0.0
    times: int = 1


def floats(*shapes: Sequence[int]) -> int:
    """The bytes of float32 arrays of these shapes."""
    return 4 * sum(map(math.prod, shapes))


def of_model(model: Any, samples: int, *, training: bool = False, times: int = 1, input_shapes: Any = None) -> Work:
    """Work for `times` batches of so many samples, of which each passes the plan of the model once.

    Training does the operations three times, for the results and for the gradients of inputs and weights; the first op
    needs no gradient of its inputs. The bytes are those of the weights that are multiplied, the inputs and the results.
    """
    ops = model.plan(input_shapes, samples)
    flops = sum(op["flops"] for op in ops)
    if training:
        flops = 3 * flops - ops[0]["flops"]
    weights = sum(op["weight_bytes"] for op in ops if op["flops"])
    inputs = floats(*(input_shapes or [tensor.shape[1:] for tensor in model.inputs]))
    return Work(samples * flops, weights + samples * (inputs + ops[-1]["bytes"]), times)


# ---- the machine ----


@dataclass(frozen=True)
class Limits:
    """Of one instruction set on a number of threads: operations and, by level of memory, bytes read per second.

    `shared` is the same for numbers of bytes, ascending, that the L3 cache holds in whole, in part and not at all: the
    others on a machine take some of it, so that the rate falls long before its size is reached.
    """

    isa: str
    threads: int
    flops: float
    reading: dict[str, float]
    shared: tuple[tuple[int, float], ...] = ()

    def rate(self, count: float) -> float:
        """Bytes per second when so many are read again and again."""
        level = level_of(count, self.threads)
        if level in ("L1", "L2"):
            return self.reading[level]
        return next((rate for size, rate in self.shared if count <= size), self.reading[level])

    def least(self, work: Work) -> tuple[float, str] | None:
        """The seconds that the work takes at least, and by what; None if nothing is known of the work."""
        level = level_of(work.bytes, self.threads)
        seconds = {"arithmetic": work.flops / self.flops, level: work.bytes / self.rate(work.bytes)}
        binding = max(seconds, key=seconds.__getitem__)
        return (work.times * seconds[binding], binding) if seconds[binding] > 0 else None


@cache
def cache_sizes() -> dict[str, int]:
    told = {}
    for file in CACHE_FILES.glob("index*/size"):
        level, kind, size = (file.with_name(name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction" and size.endswith("K"):
            told[f"L{level}"] = int(size[:-1]) << 10
    return {level: told.get(level, usual) for level, usual in CACHES.items()}


def level_of(count: float, threads: int) -> str:
    """Where so many bytes have room, divided among the threads: "L1", "L2", "L3" or "DRAM"."""
    sizes = cache_sizes()
    room = {"L1": threads * sizes["L1"], "L2": threads * sizes["L2"], "L3": sizes["L3"]}
    return next((level for level, size in room.items() if count <= size), "DRAM")


def reading_sizes(threads: int) -> dict[str, int]:
    """The bytes for each thread with which a level is measured: well inside it, and well outside the one before."""
    sizes = cache_sizes()
    first, second, third = sizes["L1"], sizes["L2"], max(sizes["L3"] // threads, 2 * sizes["L2"])
    return {
        "L1": first // 2, "L2": math.isqrt(first * second), "L3": math.isqrt(second * third),
        "DRAM": min(2 * sizes["L3"], DRAM_BYTES) // threads,
    }  # fmt: skip


def shared_sizes(threads: int) -> list[int]:
    """Bytes of all threads together for `Limits.shared`: from L2 to twice the L3, in steps of a root of 2."""
    sizes = cache_sizes()
    first, last = 2 * threads * sizes["L2"], min(2 * sizes["L3"], DRAM_BYTES)
    steps = max(math.floor(2 * math.log2(last / first)), 0)
    return [int(first * 2 ** (step / 2)) for step in range(steps + 1)]


def _read(count: int, tries: int = TRIES) -> float:
    """The most bytes per second of some tries, each thread reading so many of its own."""
    return max(_native.limit_reading(count) for _ in range(tries))


@cache
def measured(isa: str, threads: int) -> Limits:
    """Measures once per run; leaves instruction set and threads as they were."""
    before = _native.isa(), _native.get_num_threads()
    try:
        _native.select_isa(isa)
        day33.set_num_threads(threads)
        flops = max(_native.limit_flops() for _ in range(TRIES))
        sizes = reading_sizes(threads).items()
        reading = {level: _read(size, 2 if level == "DRAM" else TRIES) for level, size in sizes}
        shared = tuple((size, _read(size // threads)) for size in shared_sizes(threads))
    finally:
        _native.select_isa(before[0])
        day33.set_num_threads(before[1])
    return Limits(isa, threads, flops, reading, shared)
