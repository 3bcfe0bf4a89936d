"""What `fit`, `evaluate` and `predict` show: a progress bar on a terminal, lines of text elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

from .base import Callback, Logs

_FIRST_AFTER = 0.15  # seconds: shorter epochs show no bar, only their line
_SHORTEST_INTERVAL = 0.1  # seconds between updates
_COST_SHARE = 0.005  # of the time may go into drawing


class ProgressLogger(Callback):
    """Shows progress.

    Args:
        verbose: "auto" or 1 for a bar with the running values, the time left and the samples per second, and one line
            that stays for each epoch; off a terminal only the lines. 2 for the lines only.

    The bar is drawn seldom enough to cost less than 1% of the time, as measured by its own drawing.
    """

    def __init__(self, verbose: str | int = "auto") -> None:
        super().__init__()
        self._lines_only = verbose == 2
        self._epochs = 1
        self._steps: int | None = None
        self._mode = ""
        self._title = ""
        self._bar: Any = None
        self._task: Any = None
        self._began = 0.0
        self._last = 0.0
        self._next_draw = 0.0
        self._batches = 0

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self._epochs = params.get("epochs") or 1
        self._steps = params.get("steps")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._mode = "train"

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start(f"Epoch {epoch + 1}/{self._epochs}")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._advance(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._finish(logs or {})

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if self._mode != "train":
            self._mode = "test"
            self._start("Evaluate")

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._mode == "test":
            self._advance(batch, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self._mode == "test":
            self._finish(logs or {})

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._mode = "predict"
        self._start("Predict")

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._advance(batch, None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._finish({})

    def on_exception(self) -> None:
        self._close()

    def _start(self, title: str) -> None:
        self._title = title
        self._began = self._last = time.perf_counter()
        self._batches = 0
        self._next_draw = self._began + _FIRST_AFTER
        if self._lines_only or not sys.stdout.isatty():
            self._next_draw = float("inf")

    def _advance(self, batch: int, logs: Logs | None) -> None:
        self._batches = batch + 1
        now = self._last = time.perf_counter()
        if now >= self._next_draw:
            self._draw(logs or {}, now)
            cost = time.perf_counter() - now
            self._next_draw = now + max(_SHORTEST_INTERVAL, cost / _COST_SHARE)

    def _samples(self) -> float:
        return float(self.model.progress.done)

    def _draw(self, logs: Logs, now: float) -> None:
        if self._bar is None:
            self._open()
        rate = self._samples() / (now - self._began)
        self._bar.update(
            self._task,
            completed=self._batches,
            rate=f"{rate:,.0f} {self.model.progress.unit}/s",
            values=_values(logs),
            refresh=True,
        )

    def _open(self) -> None:
        # rich takes tens of milliseconds to import: only when something is drawn.
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[values]}"),
            auto_refresh=False,  # its thread would draw whether anything changed or not
            transient=True,
        )
        self._task = self._bar.add_task(self._title, total=self._steps, rate="", values="")
        self._bar.start()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _finish(self, logs: Logs) -> None:
        self._close()
        seconds = max(time.perf_counter() - self._began, 1e-9)
        samples = self._samples()
        parts = [f"{self._title}: {self._batches} steps", _duration(seconds)]
        if samples:
            # Without the validation, which comes after the last batch.
            parts.append(f"{samples / max(self._last - self._began, 1e-9):,.0f} {self.model.progress.unit}/s")
        print(", ".join(parts) + (f" - {_values(logs)}" if logs else ""), flush=True)


def _values(logs: Logs) -> str:
    return "  ".join(f"{name}: {value:.4g}" for name, value in logs.items() if isinstance(value, float | int))


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d} min"
