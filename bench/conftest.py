"""What all benchmarks share: recording times, racing a workload, and the facts in the head of the report."""

from __future__ import annotations

from harness import THREADS, limits
from harness.limits import Work
from harness.race import Participant, Replay, compare, race

# isort: split
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from typing import Any

import pytest

import day33
from day33 import _native

REPLAY = Replay()
Contest = Callable[..., None]
Record = Callable[..., None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.benchmark(timer=REPLAY.read, disable_gc=False, warmup=False))


def pytest_configure(config: pytest.Config) -> None:
    # torch.compile forks its compilers after JAX has been imported, which would rather not be forked.
    config.addinivalue_line("filterwarnings", r"ignore:os\.fork\(\) was called:RuntimeWarning")


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """record(workload, participant, seconds, unit=, amount=, **facts): passes measured times to pytest-benchmark.

    `seconds` has one value per round; each is the time for `amount` of `unit`. The facts are for the report: the family
    of a kernel, the library and rung of a ladder, bytes.
    """

    def save(
        workload: str, participant: str, seconds: list[float], *, unit: str, amount: float, **facts: float | str | None
    ) -> None:
        # Requested here, because pytest-benchmark warns of a test that requests it and is then skipped.
        benchmark: Any = request.getfixturevalue("benchmark")
        benchmark.group = workload
        benchmark.extra_info.update(participant=participant, unit=unit, amount=amount, **facts)
        REPLAY.play(benchmark, seconds)

    return save


@pytest.fixture(scope="session")
def _results() -> dict[str, dict[str, list[float]]]:
    return {}


@pytest.fixture
def contest(record: Record, _results: dict[str, dict[str, list[float]]]) -> Contest:
    """contest(workload, participant, make, unit=, amount=): runs the race of a workload and records one participant.

    There is one race per workload, in the test of its first participant. `make` returns the participants that are
    installed. `work` is what a call needs at least, if that is known; the limit is that of `isa` and `threads`, by
    default those of all. The remaining arguments are those of `record`; `amount` of `unit` are done per call.
    """

    def run(
        workload: str, participant: str, make: Callable[[], dict[str, Participant]], *, tolerance: float = 1e-4,
        work: Work | None = None, isa: str | None = None, threads: int = THREADS, **facts: Any,
    ) -> None:  # fmt: skip
        if workload not in _results:
            day33.set_num_threads(THREADS)
            _limits_of_the_run()
            participants = make()
            compare(participants, tolerance)
            _results[workload] = race(participants)
        if participant not in _results[workload]:
            pytest.skip(f"{participant} is not installed")
        if work and (least := limits.measured(isa or _native.isa(), threads).least(work)):
            facts["limit_seconds"], facts["limit"] = least
        record(workload, participant, _results[workload][participant], **facts)

    return run


def _limits_of_the_run() -> list[limits.Limits]:
    """On one thread and on all, measured by the first call."""
    return [limits.measured(_native.isa(), threads) for threads in sorted({1, THREADS})]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    packages = (
        "tensorflow", "tensorflow-cpu", "ai-edge-litert", "keras", "torch", "onnxruntime", "openvino", "jax", "numpy",
    )  # fmt: skip
    machine_info["day33"] = {
        "version": day33.__version__,
        "isa": _native.isa(),
        "threads": THREADS,
        "limits": [asdict(one) for one in _limits_of_the_run()],
        "peers": {name: version for name in packages if (version := _version(name))},
    }
