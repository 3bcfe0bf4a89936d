"""Shared by all benchmarks: the threads of every participant, the race, and the facts in the head of the report."""

from __future__ import annotations

from harness import THREADS
from harness.race import Participant, Replay, compare, race

# isort: split
from collections.abc import Callable
from importlib import metadata
from typing import Any

import pytest

import day33
from day33 import _native

REPLAY = Replay()
Contest = Callable[..., None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.benchmark(timer=REPLAY.read, disable_gc=False, warmup=False))


@pytest.fixture(scope="session")
def _results() -> dict[str, dict[str, list[float]]]:
    return {}


@pytest.fixture
def contest(request: pytest.FixtureRequest, _results: dict[str, dict[str, list[float]]]) -> Contest:
    """contest(workload, participant, make, unit=, amount=): one race a workload, of which it records one participant.

    `make` returns the participants that are installed; `amount` of `unit` are done in one call. Further facts are for
    the report: the family of a kernel, the library and rung of a ladder.
    """

    def run(
        workload: str, participant: str, make: Callable[[], dict[str, Participant]], *, unit: str, amount: float,
        tolerance: float = 1e-4, **facts: str,
    ) -> None:  # fmt: skip
        if workload not in _results:
            day33.set_num_threads(THREADS)
            participants = make()
            compare(participants, tolerance)
            _results[workload] = race(participants)
        if participant not in _results[workload]:
            pytest.skip(f"{participant} is not installed")
        benchmark: Any = request.getfixturevalue("benchmark")
        benchmark.group = workload
        benchmark.extra_info.update(participant=participant, unit=unit, amount=amount, **facts)
        REPLAY.play(benchmark, _results[workload][participant])

    return run


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    packages = ("tensorflow", "tensorflow-cpu", "keras", "torch", "onnxruntime", "jax", "numpy")
    machine_info["day33"] = {
        "version": day33.__version__,
        "isa": _native.isa(),
        "threads": THREADS,
        "peers": {name: version for name in packages if (version := _version(name))},
    }
