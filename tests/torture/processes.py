"""Threads, forks, signals, exits, and memory that does not come back."""

from __future__ import annotations

import gc
import itertools
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from torture.children import MEGABYTE, WALL_SECONDS, Tally, fork_into, output_of, wait_for


def _model() -> Any:
    from day33 import layers, models

    return models.Sequential([
        layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu", padding="same"), layers.MaxPooling2D(2),
        layers.Flatten(), layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


def _noted(tally: Tally, name: str, problem: str) -> None:
    tally.outcomes[name if not problem else "broke a promise"] += 1
    if problem:
        tally.failures.append(f"{name}: {problem}")


# ---- threads ----


def threads(turns: int, rng: random.Random) -> Tally:
    """Many threads predict, train models of their own and change the number of threads: each gets its own bits."""
    tally = Tally()

    def work() -> int:
        from day33 import _native, ops

        model, x = _model(), np.random.default_rng(0).random((40, 8, 8, 1), np.float32)
        kernel = np.random.default_rng(1).random((3, 3, 1, 4), np.float32)
        expected = model.predict_on_batch(x).tobytes(), ops.conv2d(x, kernel).tobytes(), _trained(x)
        wrong: list[str] = []

        def one(number: int) -> None:
            for _ in range(10):
                found = model.predict_on_batch(x).tobytes(), ops.conv2d(x, kernel).tobytes()
                if found != expected[:2]:
                    wrong.append("prediction")
            if number % 2 and _trained(x) != expected[2]:
                wrong.append("training")

        workers = [threading.Thread(target=one, args=(number,)) for number in range(8)]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            _native.set_num_threads(rng.randint(1, 6))
            time.sleep(0.001)
        return 1 if wrong else 0

    for _ in range(turns):
        code = wait_for(fork_into(work), WALL_SECONDS)
        _noted(tally, "eight threads at once", "" if code == 0 else f"ended with {code}")
    return tally


def _trained(x: Any) -> bytes:
    model = _model()
    model.set_weights([np.full(w.shape, 0.1, np.float32) for w in model.get_weights()])
    model.compile("adam", "mse")
    model.fit(x, np.zeros((len(x), 3), np.float32), epochs=1, shuffle=False, verbose=0)
    return b"".join(w.tobytes() for w in model.get_weights())


# ---- forks ----


def forks(turns: int, rng: random.Random) -> Tally:
    """A process forks while its threads compute; the child computes the same, with a pool of its own."""
    tally = Tally()

    def work() -> int:
        fresh = _fresh_prediction()
        model, x = _model(), np.random.default_rng(0).random((100, 8, 8, 1), np.float32)
        expected = model.predict_on_batch(x).tobytes()
        stop = threading.Event()

        def compute() -> None:
            while not stop.is_set():
                model.predict_on_batch(x)

        workers = [threading.Thread(target=compute) for _ in range(3)]
        for worker in workers:
            worker.start()
        worst = 0
        for _ in range(8):
            time.sleep(rng.random() * 0.01)
            code = wait_for(fork_into(lambda: 0 if _fresh_prediction() == fresh else 1), WALL_SECONDS / 2)
            worst = worst or (99 if code is None else code)
        stop.set()
        for worker in workers:
            worker.join()
        return worst or (0 if model.predict_on_batch(x).tobytes() == expected else 1)

    for _ in range(turns):
        code = wait_for(fork_into(work), WALL_SECONDS)
        _noted(tally, "forks while threads compute", "" if code == 0 else f"ended with {code}")
    return tally


def _fresh_prediction() -> bytes:
    """Of a model of one's own, since another thread may have been inside of the common one when the process forked."""
    model = _model()
    model.set_weights([np.full(w.shape, 0.1, np.float32) for w in model.get_weights()])
    return bytes(model.predict_on_batch(np.ones((50, 8, 8, 1), np.float32)).tobytes())


# ---- exits and signals ----

_EXITS = {
    "daemon threads compute": "pass",
    "sys.exit": "sys.exit(0)",
    "an exit handler computes": "atexit.register(lambda: model.predict_on_batch(x))",
    "lists are freed": "kept = [[i] for i in range(500_000)]",
}
_PROGRAM = """
    import atexit, sys, threading
    import numpy as np
    from day33 import layers, models
    model = models.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])
    x = np.ones((500, 8, 8, 1), np.float32)
    model.predict_on_batch(x)
    started = threading.Barrier(4)
    def work():
        started.wait()
        while True:
            model.predict_on_batch(x)
    for _ in range(3):
        threading.Thread(target=work, daemon=True).start()
    started.wait()
"""


def exits(turns: int, rng: random.Random) -> Tally:
    """Interpreters that end while daemon threads compute: exit code 0, and nothing on standard error."""
    tally = Tally()
    for _ in range(turns):
        name, end = rng.choice(sorted(_EXITS.items()))
        code = textwrap.dedent(_PROGRAM) + end
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=WALL_SECONDS, check=False
        )
        _noted(
            tally,
            "exits",
            "" if (done.returncode, done.stderr) == (0, "") else f"{name}: {done.returncode}, {done.stderr}",
        )
    return tally


def interrupts(turns: int, rng: random.Random) -> Tally:
    """Ctrl-C at a random moment of `fit`: KeyboardInterrupt soon, weights finite, and the model trains on."""
    tally = Tally()

    def work() -> int:
        model, x = _model(), np.random.default_rng(0).random((2000, 8, 8, 1), np.float32)
        model.compile("adam", "mse")
        y = np.zeros((2000, 3), np.float32)
        model.fit(x, y, epochs=1, verbose=0)
        timer = threading.Timer(0.02 + rng.random() * 0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        try:
            model.fit(x, y, epochs=100_000, verbose=0)
        except KeyboardInterrupt:
            model.fit(x, y, epochs=1, verbose=0)
            return 0 if all(np.isfinite(w).all() for w in model.get_weights()) else 3
        return 4

    for _ in range(turns):
        rng.random()
        code = wait_for(fork_into(work), WALL_SECONDS)
        _noted(tally, "Ctrl-C in fit", "" if code == 0 else f"ended with {code}")
    return tally


# ---- leaks ----


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _leaking(folder: Path) -> dict[str, tuple[int, Callable[[], object]]]:
    """Loops by name: how many turns a long run has, and what a turn does."""
    import day33
    from day33 import callbacks, layers, ops

    model, x = _model(), np.random.default_rng(0).random((16, 8, 8, 1), np.float32)
    y = np.zeros((16, 3), np.float32)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(x, y, verbose=0)
    path, state = folder / "leak.keras", folder / "state"
    kernel, rows = np.ones((3, 3, 1, 4), np.float32), iter(range(10**9))

    def save_and_load(name: str) -> Callable[[], object]:
        def turn() -> None:
            model.save(path.with_name(name))
            day33.load_model(path.with_name(name)).predict(x, verbose=0)

        return turn

    def fit() -> None:
        model.fit(x, y, batch_size=4, verbose=0, callbacks=[callbacks.BackupAndRestore(state)])

    def shapes() -> None:
        n = next(rows)
        ops.conv2d(x[:, : 4 + n % 5, : 4 + n % 4], kernel)
        ops.up_sampling2d(x[:, : 1 + n % 6], 1 + n % 7)

    def errors() -> None:
        for call in (lambda: ops.conv2d(x, kernel, strides=0), lambda: model.predict(x[..., :0], verbose=0)):
            try:
                call()
            except ValueError:
                continue
            raise AssertionError("a wrong call was answered")

    def models() -> None:
        made = day33.Sequential([layers.Input((4, 3)), layers.LSTM(4), layers.Dense(2)])
        made.compile("sgd", "mse")
        made.train_on_batch(np.ones((2, 4, 3), np.float32), np.zeros((2, 2), np.float32))

    return {
        "predict_on_batch": (20_000, lambda: model.predict_on_batch(x)),
        "predict": (5_000, lambda: model.predict(x, verbose=0)),
        "fit with a checkpoint": (600, fit),
        "save and load .keras": (300, save_and_load("leak.keras")),
        "save and load .h5": (300, save_and_load("leak.h5")),
        "functions of many shapes": (20_000, shapes),
        "errors": (5_000, errors),
        "new models": (600, models),
    }


def leaks(folder: Path, share: float) -> Tally:
    """What each loop leaves behind after it has run once: less than a megabyte."""
    tally = Tally()

    def measure(name: str) -> str:
        turns, turn = _leaking(folder)[name]
        turns = max(int(turns * share), 20)
        sizes = []
        for _ in range(4):  # the first fills caches, whose sizes are bounded, and a leak shows in each of the others
            for _ in range(turns):
                turn()
            gc.collect()
            sizes.append(_resident())
        return str(min(after - before for before, after in itertools.pairwise(sizes[1:])))

    for name in output_of(lambda: "\n".join(_leaking(folder))).split("\n"):
        grown = int(output_of(lambda name=name: measure(name), 600))  # type: ignore[misc]
        tally.largest = max(tally.largest, grown / MEGABYTE)
        _noted(tally, "loops", "" if grown < MEGABYTE else f"{name} left {grown / MEGABYTE:.1f} MB")
    return tally
