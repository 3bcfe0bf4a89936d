"""Callbacks that watch a logged value: stop, lower the learning rate, set it, end on NaN, write a table."""

from __future__ import annotations

import csv
import math
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np

from .base import Callback, Logs, State, check_fields


class MonitorCallback(Callback):
    """Base of the callbacks that compare one logged value with the best so far.

    Args:
        monitor: name in the logs.
        mode: "min", "max", or "auto": from the metric of that name.
        min_delta: smallest change that counts as an improvement.
        best: value to start from, None for none.

    Raises:
        ValueError: `mode` is none of the three; or "auto" and the direction is unknown (at the first epoch's end).
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0.0, best: float | None = None
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ValueError(f'mode is {mode!r}; expected "auto", "min" or "max"')
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best = best

    def is_improvement(self, value: float, reference: float | None) -> bool:
        """Whether `value` is better than `reference` by more than `min_delta`; None is worse than anything.

        As in Keras, `min_delta` is taken off in double precision, and the comparison is one of float32 values: those
        that losses have there, where a difference in the last bits of a double means nothing.
        """
        if reference is None:
            return True
        rises = self._rises()
        with np.errstate(over="ignore"):
            reached = np.float32(value - self.min_delta if rises else value + self.min_delta)
            return bool(reached > np.float32(reference) if rises else reached < np.float32(reference))

    def _rises(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return False
        for metric in getattr(self.model, "metrics", []):
            if name in (metric.name, f"weighted_{metric.name}") or name.endswith(f"_{metric.name}"):
                if metric.direction is not None:
                    return bool(metric.direction == "up")
        raise ValueError(
            f"{type(self).__name__}: it is not known whether more or less of {self.monitor!r} is better; "
            'say mode="max" or mode="min"'
        )

    def monitored(self, logs: Logs | None) -> float | None:
        """The value in the logs, or None with a warning that says what there is."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"{type(self).__name__} looks for {self.monitor!r}; the logs have {', '.join(logs or {}) or 'nothing'}",
                stacklevel=3,
            )
            return None
        return float(value)


class EarlyStopping(MonitorCallback):
    """Stops training when a logged value has not improved for `patience` epochs.

    Args:
        monitor, mode: see `MonitorCallback`.
        min_delta: smallest change that counts as an improvement.
        patience: epochs without improvement to wait.
        verbose: 1 prints when it stops or restores weights.
        baseline: value that must be beaten for an improvement to restart the waiting.
        restore_best_weights: at the end, give the model the weights of its best epoch.
        start_from_epoch: epochs at the start that are not looked at.

    Attributes:
        best, best_epoch, best_weights, wait, stopped_epoch: as the names say; epochs count from 0.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self.monitored(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        self.wait += 1
        if self.is_improvement(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                print(f"Restoring the weights of the best epoch: {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)

    def get_state(self) -> State:
        names = ("best", "wait", "stopped_epoch", "best_epoch", "best_weights")
        return {name: getattr(self, name) for name in names}

    def check_state(self, state: State) -> None:
        check_fields(
            state,
            best="number or None",
            wait="count",
            stopped_epoch="count",
            best_epoch="count",
            best_weights="arrays or None",
        )
        weights = state["best_weights"]
        if weights is not None:
            shapes, expected = [w.shape for w in weights], [v.shape for v in self.model.variables]
            if shapes != expected:
                raise ValueError(f"its best_weights have the shapes {shapes}; expected {expected}")

    def set_state(self, state: State) -> None:
        vars(self).update(state)
        if self.stopped_epoch:  # it had decided before the run was interrupted
            self.model.stop_training = True


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by `factor` when a logged value has not improved for `patience` epochs.

    Args:
        monitor, mode: see `MonitorCallback`.
        factor: below 1.
        patience: epochs without improvement to wait.
        verbose: 1 prints when it acts.
        min_delta: smallest change that counts as an improvement.
        cooldown: epochs after a reduction in which it does not count.
        min_lr: lower bound of the learning rate.

    Logs ``learning_rate``, the rate of the epoch that ends. Raises ValueError unless factor < 1.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if not factor < 1:
            raise ValueError(f"factor is {factor}; expected a number below 1")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        optimizer = self.model.optimizer
        logs["learning_rate"] = rate = float(optimizer.learning_rate)
        current = self.monitored(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                if self.verbose:
                    print(f"\nEpoch {epoch + 1}: reducing the learning rate to {optimizer.learning_rate}")
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def get_state(self) -> State:
        return {"best": self.best, "wait": self.wait, "cooldown_counter": self.cooldown_counter}

    def check_state(self, state: State) -> None:
        check_fields(state, best="number or None", wait="count", cooldown_counter="count")

    def set_state(self, state: State) -> None:
        vars(self).update(state)


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of every epoch to ``schedule(epoch, learning_rate)``, or ``schedule(epoch)``.

    Logs ``learning_rate``. Raises ValueError if the function gives no float.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        try:
            rate = self.schedule(epoch, float(optimizer.learning_rate))
        except TypeError:
            rate = self.schedule(epoch)
        try:
            optimizer.learning_rate = float(rate)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the schedule gave {rate!r} for epoch {epoch}: {error}") from error
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: setting the learning rate to {optimizer.learning_rate}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class TerminateOnNaN(Callback):
    """Stops training when the loss is NaN or infinite after a batch.

    With `raise_error` it raises RuntimeError instead, and `on_train_end` is not called.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            if self.raise_error:
                raise RuntimeError(f"the loss is {loss} after batch {batch}")
            print(f"Batch {batch}: the loss is {loss}, training ends")
            self.model.stop_training = True


class CSVLogger(Callback):
    """Writes the logs of every epoch as a line of a CSV file: ``epoch`` (from 0), then the logs by name.

    Args:
        filename: the file.
        separator: between the columns.
        append: go on with a file that is there, instead of writing it anew. A header is written to an empty file only.

    Columns are those of the first epoch, and ``val_`` ones for them where there are none yet; a value that is missing
    in an epoch is NA. Lines are on disk when the epoch ends. A run resumed by `BackupAndRestore` goes on after the
    last line that belongs to the checkpoint. Raises FileNotFoundError at the start if the folder is missing.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self._keys: list[str] | None = None
        self._file: IO[str] | None = None
        self._position: int | None = None  # the end of the last line of this run

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._close()
        self._keys = None
        self._position = None
        # Opened at the first line, since a resumed run still needs what is in it; but a bad path shows now.
        folder = Path(self.filename).resolve().parent
        if not folder.is_dir():
            raise FileNotFoundError(f"CSVLogger cannot write {self.filename}: the folder {folder} does not exist")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if self._keys is None:
            self._keys = sorted(logs)
            if not any(name.startswith("val_") for name in self._keys):
                self._keys += [f"val_{name}" for name in self._keys]
        stream = self._file or self._open()
        row = [_cell(logs.get(name, "NA")) for name in self._keys]
        csv.writer(stream, delimiter=self.sep).writerow([epoch, *row])
        stream.flush()
        self._position = stream.tell()

    def _open(self) -> IO[str]:
        resumed = self._position is not None
        stream = open(self.filename, "a" if self.append or resumed else "w", newline="", encoding="utf-8")
        self._file = stream
        if resumed:
            if stream.tell() >= (self._position or 0):
                stream.truncate(self._position)
            else:
                warnings.warn(f"{self.filename} is shorter than at the checkpoint; lines are missing", stacklevel=3)
        stream.seek(0, os.SEEK_END)
        if stream.tell() == 0:
            csv.writer(stream, delimiter=self.sep).writerow(["epoch", *(self._keys or [])])
        return stream

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._close()

    def on_exception(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def get_state(self) -> State:
        return {"position": self._position, "keys": self._keys}

    def check_state(self, state: State) -> None:
        check_fields(state, position="count or None", keys="names or None")

    def set_state(self, state: State) -> None:
        self._position = state["position"]
        self._keys = state["keys"]


def _cell(value: Any) -> Any:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return f'"[{", ".join(map(str, value))}]"'
    return value
