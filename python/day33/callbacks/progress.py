"""What `fit`, `evaluate` and `predict` show: a progress bar on a terminal or in a notebook, lines of text elsewhere."""

from __future__ import annotations

import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ._bars import Bar, View, bar_for_output
from .base import Callback, Logs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .protocols import Progress

_FIRST_AFTER = 0.15  # seconds: shorter epochs show no bar, only their line
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 0.4  # seconds between views: a bar moves at least twice a second
_COST_SHARE = 0.005  # of the time may go into drawing


class ProgressLogger(Callback):
    """Shows progress.

    Args:
        verbose: "auto" or 1 for a bar with the time left, the samples per second and the running values, and one line
            that stays for each epoch; where there is neither a terminal nor a notebook, only the lines. 2 for the lines
            only.

    A thread of its own draws the bar, so that it moves during long steps, and short steps are not kept waiting. It does
    so seldom enough to cost less than 1% of the time, but at least twice a second.
    """

    def __init__(self, verbose: str | int = "auto") -> None:
        super().__init__()
        self._lines_only = verbose == 2
        self._epochs = 1
        self._steps: int | None = None
        self._mode = ""
        self._title = ""
        self._began = 0.0
        self._last = 0.0
        self._batches = 0
        self._logs: Logs = {}
        self._progress: Progress | None = None
        self._active = False
        self._bar: Bar | None = None
        self._lock = threading.Lock()  # around the bar, and between it and the lines
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

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

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._end()

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
            self._end()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._mode = "predict"
        self._start("Predict")

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._advance(batch, None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._finish({})
        self._end()

    def on_exception(self) -> None:
        self._end()

    def _start(self, title: str) -> None:
        self._title = title
        self._batches = 0
        self._logs = {}
        self._progress = self.model.progress
        self._began = self._last = time.perf_counter()
        self._active = True
        if self._thread is None and not self._lines_only:
            self._bar = bar_for_output()
            if self._bar is not None:
                self._stop.clear()
                self._thread = threading.Thread(target=self._keep_drawing, name="day33 progress", daemon=True)
                self._thread.start()

    def _advance(self, batch: int, logs: Logs | None) -> None:
        self._batches = batch + 1
        self._logs = logs or {}
        self._last = time.perf_counter()

    def _finish(self, logs: Logs) -> None:
        """The line that stays."""
        self._hide()
        seconds = max(time.perf_counter() - self._began, 1e-9)
        parts = [f"{self._title}: {self._batches} steps", _duration(seconds), self._rate()]
        print(", ".join(part for part in parts if part) + (f" - {_values(logs)}" if logs else ""), flush=True)

    def _end(self) -> None:
        self._hide()
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _hide(self) -> None:
        with self._lock:
            self._active = False
            if self._bar is not None:
                self._bar.close()

    # ---- in the thread that draws ----

    def _keep_drawing(self) -> None:
        pause = _SHORTEST_PAUSE
        while not self._stop.wait(pause):
            with self._lock:
                if self._active and time.perf_counter() - self._began >= _FIRST_AFTER:
                    pause = _pause(self._draw())

    def _draw(self) -> float:
        """Shows where things stand. Returns the seconds it took, but for what only the first time takes."""
        if self._bar is None:
            return 0.0
        try:
            self._bar.open()
            begin = time.perf_counter()
            self._bar.draw(self._view(begin))
            return time.perf_counter() - begin
        except Exception as error:  # no reason to end a training
            self._bar = None
            warnings.warn(f"there is no progress bar any more: {error!r}", stacklevel=1)
            return 0.0

    def _view(self, now: float) -> View:
        left = ""
        if self._steps and self._batches:
            end = self._began + (self._last - self._began) / self._batches * self._steps
            left = f"{_rounded(max(end - now, 0.0))} left"
        return View(self._title, self._batches, self._steps, left, self._rate(), _values(self._logs))

    # ---- in both ----

    def _rate(self) -> str:
        """How much was done per second until the last batch: what comes after it, as a validation, does not count."""
        if not self._batches or self._progress is None:
            return ""
        return f"{self._progress.done / max(self._last - self._began, 1e-9):,.0f} {self._progress.unit}/s"


def _pause(cost: float) -> float:
    """Seconds until the next view, when one takes `cost` seconds."""
    return min(max(_SHORTEST_PAUSE, cost / _COST_SHARE), _LONGEST_PAUSE)


def _values(logs: Logs) -> str:
    return "  ".join(
        f"{name}: {_short(value)}" for name, value in list(logs.items()) if isinstance(value, float | int | np.ndarray)
    )


def _short(value: float | NDArray[Any]) -> str:
    """A number, or the numbers of an array, with four digits."""
    if isinstance(value, np.ndarray):
        return f"[{' '.join(f'{item:.4g}' for item in value.ravel())}]"
    return f"{value:.4g}"


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 60 else _rounded(seconds)


def _rounded(seconds: float) -> str:
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d} min"
