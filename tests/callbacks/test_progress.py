"""What training shows: lines of text, and a bar on a terminal."""

from __future__ import annotations

import contextlib
import io

import pytest

from day33 import callbacks
from day33.callbacks import progress
from support.small_models import compiled, dense_model, regression


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    return Terminal()


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


def test_a_bar_on_a_terminal(terminal, monkeypatch):
    monkeypatch.setattr(progress, "_FIRST_AFTER", 0.0)
    monkeypatch.setattr(progress, "_SHORTEST_INTERVAL", 0.0)
    monkeypatch.setattr(progress, "_COST_SHARE", 1e9)
    x, y = regression()
    with contextlib.redirect_stdout(terminal):
        compiled(dense_model()).fit(x, y, epochs=2, batch_size=8)
    text = terminal.getvalue()
    assert "Epoch 1/2" in text and "3/5" in text and "samples/s" in text and "loss:" in text
    assert text.count("Epoch 2/2: 5 steps") == 1  # the line that stays
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 2  # the cursor is hidden and shown again


def test_the_bar_is_closed_by_an_exception(terminal, monkeypatch):
    monkeypatch.setattr(progress, "_FIRST_AFTER", 0.0)

    def fail(batch, logs):
        if batch == 3:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), contextlib.redirect_stdout(terminal):
        compiled(dense_model()).fit(
            *regression(), batch_size=8, callbacks=[callbacks.LambdaCallback(on_train_batch_begin=fail)]
        )
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1


@pytest.mark.parametrize(("batch_seconds", "draw_seconds"), [(0.001, 0.002), (0.01, 0.05), (0.0001, 0.0001)])
def test_drawing_takes_less_than_a_hundredth(terminal, monkeypatch, batch_seconds, draw_seconds):
    """With a made-up clock on which batches and drawing take known times."""
    now = [0.0]
    drawn = []
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])

    def draw(self, logs, at):
        drawn.append(at)
        now[0] += draw_seconds

    monkeypatch.setattr(progress.ProgressLogger, "_draw", draw)
    logger = progress.ProgressLogger()
    logger.set_model(compiled(dense_model()))
    with contextlib.redirect_stdout(terminal):
        logger.on_epoch_begin(0)
    while now[0] < 30:
        now[0] += batch_seconds
        logger.on_train_batch_end(0, {})
    assert 3 <= len(drawn) <= 30 / progress._SHORTEST_INTERVAL + 1
    assert len(drawn) * draw_seconds < 0.01 * now[0]
