"""What training shows: lines of text, and a bar that moves on a terminal and in a notebook."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
import subprocess
import sys
import textwrap
import threading
import time
import types

import pytest

import day33
from day33 import callbacks
from day33.callbacks import _bars, progress
from support.notebooks import kernel
from support.small_models import compiled, dense_model, regression

# ---- lines ----


def test_lines_off_a_terminal(capsys):
    x, y = regression()
    model = compiled(dense_model())
    for verbose in ("auto", 1, 2):
        model.fit(x, y, epochs=2, batch_size=8, validation_split=0.2, verbose=verbose)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2
        assert lines[0].startswith("Epoch 1/2: 4 steps, ") and "samples/s - loss: " in lines[0]
        assert "val_loss: " in lines[1]
    model.evaluate(x, y)
    assert capsys.readouterr().out.startswith("Evaluate: 2 steps, ")
    model.fit(x, y, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.predict(x)
    assert capsys.readouterr().out == ""
    model.predict(x, verbose=2)
    assert capsys.readouterr().out.startswith("Predict: 2 steps, ")
    assert no_thread_is_left()


def no_thread_is_left():
    return not [thread for thread in threading.enumerate() if thread.name == "day33 progress"]


def test_progress_of_an_evaluation_inside_of_a_fit():
    """evaluate counts its own samples; the fit around it goes on with its own count."""
    x, y = regression()
    model = compiled(dense_model())
    counts = []

    def evaluate(batch, logs):
        before = model.progress.done
        model.evaluate(x[:7], y[:7], verbose=0)
        counts.append((before, model.progress.done))

    model.fit(
        x, y, batch_size=16, verbose=0, validation_data=(x, y),
        callbacks=[callbacks.LambdaCallback(on_train_batch_end=evaluate)],
    )  # fmt: skip
    assert counts == [(16, 16), (32, 32), (40, 40)]


# ---- a terminal ----

TRAINING = """
    import time
    import numpy as np
    import day33

    class Slow(day33.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            end = time.perf_counter() + {seconds}
            while time.perf_counter() < end and not {sleeps}:
                pass
            time.sleep(max(end - time.perf_counter(), 0))

    model = day33.Sequential([day33.Input((4,)), day33.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones(({steps}, 4)), np.ones(({steps}, 1))
    model.fit(x, y, batch_size=1, epochs=2, callbacks=[Slow()])
"""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def run_on_a_terminal(script):
    """(seconds, text) of all that a script writes to a pseudo-terminal."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    package = os.path.dirname(os.path.dirname(day33.__file__))
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "30", "PYTHONPATH": package}
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    written = []
    try:
        while data := os.read(ours, 65536):
            written.append((time.monotonic(), data.decode(errors="replace")))
    except OSError:  # what Linux says at the end of a pseudo-terminal
        pass
    finally:
        os.close(ours)
    assert process.wait(60) == 0, "".join(text for _, text in written)
    return written


def views(written, title):
    """(seconds, what stood there) of each view of the bar with that title, control sequences taken out."""
    found = []
    for seconds, text in written:
        for piece in re.split(r"[\r\n]+", CONTROL.sub("", text)):
            if f"{title} " in piece:  # the line that stays has a colon there
                found.append((seconds, piece.strip()))
    return found


@pytest.mark.parametrize(
    ("steps", "seconds", "sleeps"),
    [(80, 0.03, True), (2, 1.5, True), (2000, 0.001, False)],
    ids=["steps", "long steps", "busy steps"],
)
def test_a_bar_moves_at_least_twice_a_second(steps, seconds, sleeps):
    written = run_on_a_terminal(TRAINING.format(steps=steps, seconds=seconds, sleeps=sleeps))
    for epoch in (1, 2):
        found = views(written, f"Epoch {epoch}/2")
        different = [seconds for (seconds, view), (_, last) in zip(found[1:], found, strict=False) if view != last]
        duration = found[-1][0] - found[0][0]
        assert duration > 0.7 * steps * seconds - 0.6
        assert len(different) >= 2 * duration
        gaps = sorted(b - a for a, b in itertools.pairwise([found[0][0], *different]))
        assert gaps[len(gaps) // 2] <= 0.5
        assert any(re.search(r"\d+ s left", view) for _, view in found)
        assert any(re.search(rf"\d+/{steps} .*samples/s +loss: ", view) for _, view in found)
    text = "".join(text for _, text in written)
    assert text.count(f"Epoch 2/2: {steps} steps") == 1  # the line that stays
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 2  # the cursor is hidden and shown again


def test_short_epochs_show_no_bar():
    written = run_on_a_terminal(TRAINING.format(steps=3, seconds=0.001, sleeps=True))
    text = "".join(text for _, text in written)
    assert "Epoch 2/2: 3 steps" in text and "\x1b[?25l" not in text


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_is_closed_by_an_exception(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_FIRST_AFTER", 0.0)
    monkeypatch.setattr(progress, "_SHORTEST_PAUSE", 0.001)
    terminal = Terminal()

    def fail(batch, logs):
        if batch == 3:
            deadline = time.monotonic() + 30
            while "\x1b[?25l" not in terminal.getvalue() and time.monotonic() < deadline:
                time.sleep(0.01)
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), contextlib.redirect_stdout(terminal):
        compiled(dense_model()).fit(
            *regression(), batch_size=8, callbacks=[callbacks.LambdaCallback(on_train_batch_begin=fail)]
        )
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1
    assert no_thread_is_left()


# ---- what drawing costs ----


class SlowBar:
    """A place that takes its time."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.drawn = []

    def open(self):
        time.sleep(0.3)  # the first time, something has to be imported

    def draw(self, view):
        time.sleep(self.seconds)
        self.drawn.append(view)

    def close(self):
        pass


def test_steps_do_not_wait_for_the_bar(monkeypatch):
    bar = SlowBar(0.2)
    monkeypatch.setattr(progress, "bar_for_output", lambda: bar)
    logger = progress.ProgressLogger()
    logger.set_model(compiled(dense_model()))
    logger.set_params({"epochs": 1, "steps": 10**6})
    logger.on_epoch_begin(0)
    batches, begin = 0, time.perf_counter()
    waited = []
    while time.perf_counter() - begin < 2:
        before = time.perf_counter()
        logger.on_train_batch_end(batches, {"loss": 1.0})
        waited.append(time.perf_counter() - before)
        batches += 1
        time.sleep(0.001)
    logger.on_exception()
    assert len(bar.drawn) >= 2
    assert sorted(waited)[len(waited) // 2] < 1e-3 and max(waited) < 0.1
    assert bar.drawn[-1].total == 10**6 and 0 < bar.drawn[-1].done <= batches
    assert bar.drawn[-1].left.endswith(" left")


@pytest.mark.parametrize("cost", [0.0, 1e-4, 1e-3, 4e-3, 0.05, 5.0])
def test_pauses_between_views(cost):
    """Less than 1% of the time goes into drawing, except where that would be seldomer than twice a second."""
    pause = progress._pause(cost)
    assert 0.1 <= pause <= 0.4
    assert cost / (pause + cost) < 0.01 or pause == 0.4


def test_drawing_on_a_terminal_is_cheap(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    with contextlib.redirect_stdout(Terminal()):
        bar = _bars.bar_for_output()
        bar.open()
        costs = []
        for done in range(30):
            begin = time.perf_counter()
            bar.draw(_bars.View("Epoch 1/2", done, 30, "3 s left", "9 samples/s", "loss: 1.0"))
            costs.append(time.perf_counter() - begin)
        bar.close()
    assert sorted(costs)[15] < 0.02


def test_a_bar_that_fails_ends_no_training(monkeypatch):
    class Broken(SlowBar):
        def draw(self, view):
            raise OSError("no such terminal")

    monkeypatch.setattr(progress, "bar_for_output", lambda: Broken(0))
    monkeypatch.setattr(progress, "_FIRST_AFTER", 0.0)
    said = threading.Event()

    def warn(message, **_):
        assert "there is no progress bar any more: OSError('no such terminal')" in message
        said.set()

    monkeypatch.setattr(progress.warnings, "warn", warn)
    wait = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: said.wait(30))
    with contextlib.redirect_stdout(io.StringIO()) as out:
        compiled(dense_model()).fit(*regression(), epochs=2, callbacks=[wait])
    assert said.is_set() and "Epoch 2/2: 2 steps" in out.getvalue()


# ---- a notebook ----


def test_in_a_notebook(monkeypatch):
    """One output for the whole fit, replaced while it runs and empty at its end."""
    shown, handles = [], []

    class Handle:
        def update(self, data, raw):
            assert raw
            shown.append(data["text/plain"])

    def display(data, raw, display_id):
        assert raw and display_id is True
        shown.append(data["text/plain"])
        handles.append(Handle())
        return handles[-1]

    ipython, displays = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    displays.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", displays)
    x, y = regression()
    slow = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(0.15))
    with contextlib.redirect_stdout(io.StringIO()) as out:
        compiled(dense_model()).fit(x, y, batch_size=8, epochs=2, callbacks=[slow])
    assert len(handles) == 1
    for epoch in (1, 2):
        moved = [line for line in shown if line.startswith(f"Epoch {epoch}/2  [")]
        assert len(set(moved)) >= 2
        assert re.search(r"\[=+ +\]  \d/5  \d s left  [\d,]+ samples/s  loss: ", moved[-1])
    assert shown[-1] == ""
    assert out.getvalue().count("\n") == 2
    assert no_thread_is_left()


def test_without_a_kernel_there_is_no_notebook(monkeypatch):
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace()  # a shell on something that is no terminal
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert _bars.bar_for_output() is None
    ipython.get_ipython = lambda: None
    assert _bars.bar_for_output() is None


def test_in_a_real_kernel(monkeypatch):
    with kernel(monkeypatch) as notebook:
        outputs = notebook.run(TRAINING.format(steps=10, seconds=0.1, sleeps=True))
    shown = [(kind, data["text/plain"]) for kind, data in outputs if kind.endswith("display_data")]
    lines = "".join(text for kind, text in outputs if kind == "stream")
    assert [kind for kind, _ in shown].count("display_data") == 1
    assert len({line for _, line in shown if line.startswith("Epoch 1/2  [")}) >= 2
    assert shown[-1][1] == "" and "Epoch 2/2: 10 steps" in lines
