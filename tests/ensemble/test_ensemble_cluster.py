"""Members on a cluster: a real Dask scheduler and workers, as processes of their own on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from lightgbm import LGBMClassifier

import day33
from day33.datasets import make_hidden_digits
from day33.ensemble import ChannelSplitter, ConvClassifier, HardVotingBagging, HorizontalFlip
from support.command import run_command

distributed = pytest.importorskip("distributed", reason="the extra day33[distributed] is not installed")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

PACKAGE = Path(day33.__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(*arguments: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "60s"}
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Cluster:
    """A scheduler and two workers."""

    def __init__(self, folder: Path) -> None:
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self._folder = folder
        host, port = "127.0.0.1", self.address.rpartition(":")[2]
        self._processes = [start("scheduler", "--host", host, "--port", port, "--no-dashboard")]
        self.workers = [self.add_worker() for _ in range(2)]
        with distributed.Client(self.address, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)

    def add_worker(self) -> subprocess.Popen[bytes]:
        """One process with one thread, and no nanny that would start it again."""
        worker = start(
            "worker", self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--local-directory", str(self._folder), "--memory-limit", "0",
        )  # fmt: skip
        self._processes.append(worker)
        return worker

    def close(self) -> None:
        for process in reversed(self._processes):
            process.kill()
        for process in self._processes:
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("dask"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    data = make_hidden_digits(n_samples=100, seed=4)
    assert data.digits is not None
    return data.features(), data.digits


def boosted() -> HardVotingBagging:
    trees = LGBMClassifier(n_estimators=4, min_child_samples=2, verbosity=-1)
    return HardVotingBagging(
        trees, 4, augment=HorizontalFlip(), preprocessor=ChannelSplitter(150, (28, 28)), random_state=0
    )


def convolutional(members: int = 3, epochs: int = 1) -> HardVotingBagging:
    network = ConvClassifier((28, 28), n_extra=26, filters=(4, 4), dense_units=8, epochs=epochs)
    return HardVotingBagging(network, members, bootstrap=False, random_state=0)


@pytest.mark.parametrize("make", [boosted, convolutional])
def test_the_votes_are_those_of_a_local_run(cluster: Cluster, rows: tuple[np.ndarray, np.ndarray], make: Any) -> None:
    X, y = rows
    local = make().fit(X, y).votes(X)
    with distributed.Client(cluster.address) as client, joblib.parallel_config(backend="dask"):
        before = ran(client)
        far = make().fit(X, y)
        assert ran(client) - before >= 3  # it was they who trained
    np.testing.assert_array_equal(far.votes(X), local)


def ran(client: Any) -> int:
    """Steps in the life of a fit that the workers have noted so far."""

    def count(dask_worker: Any) -> int:
        return sum(1 for key, *_ in dask_worker.state.log if "_train" in str(key))

    return sum(client.run(count).values())


def test_a_killed_worker_costs_time_and_no_members(tmp_path: Path, rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = rows
    bag = convolutional(members=6, epochs=6)
    local = convolutional(members=6, epochs=6).fit(X, y).votes(X)
    cluster = Cluster(tmp_path)
    try:
        with distributed.Client(cluster.address) as client, joblib.parallel_config(backend="dask"):
            done: list[int] = []

            def kill_one() -> None:
                while not any(client.processing().values()):
                    time.sleep(0.01)
                os.kill(cluster.workers[0].pid, signal.SIGKILL)

            killer = threading.Thread(target=kill_one)
            killer.start()
            bag.fit(X, y, on_member=done.append)
            killer.join(timeout=30)
            assert cluster.workers[0].wait(timeout=30) == -signal.SIGKILL
            assert len(client.scheduler_info()["workers"]) == 1
        assert done == [1, 2, 3, 4, 5, 6]
        np.testing.assert_array_equal(bag.votes(X), local)
    finally:
        cluster.close()


def test_the_command_trains_on_the_cluster(cluster: Cluster, tmp_path: Path) -> None:
    arguments = ["ensemble", "fit", "--cv", "0", "--members", "lgbm=2,conv=2", "--rounds", "2", "--epochs", "1"]
    arguments += ["--limit", "60"]
    for name, more in (("local", ["--jobs", "1"]), ("far", ["--scheduler", cluster.address])):
        result = run_command(*arguments, *more, "--output", tmp_path / name)
        assert result.exit_code == 0, result.output
    assert f"2 workers at {cluster.address}" in result.output
    manifests = [(tmp_path / name / "model" / "ensemble.json").read_bytes() for name in ("local", "far")]
    assert manifests[0] == manifests[1]  # it has the SHA-256 of every member


def test_nobody_at_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("day33.cli.ensemble.CONNECT_SECONDS", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    result = run_command("ensemble", "fit", "--cv", 0, "--scheduler", address, "--output", tmp_path)
    assert result.exit_code == 1
    assert "day33: error: " in result.stderr
