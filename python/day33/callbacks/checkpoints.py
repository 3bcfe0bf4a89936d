"""Callbacks that save: `ModelCheckpoint` for weights to keep, `BackupAndRestore` for runs that may be killed."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._io.files import clear_leftovers
from .._io.npz import read_sealed, write_sealed
from . import _own_optimizers
from .base import Callback, Logs, State, _SavesOthers, check_fields
from .monitoring import MonitorCallback

if TYPE_CHECKING:
    from ..optimizers import Optimizer
    from .protocols import TrainedModel

_FORMAT = "day33 training state 2"
_UNSEALED_FORMAT = "day33 training state 1"  # the same without a checksum; still read
_WEIGHTS_SUFFIXES = (".npz", ".weights", ".weights.h5")


class _BatchCounter:
    """Counts batches over epochs and says when `every` of them have passed."""

    def __init__(self, every: str | int) -> None:
        whole = isinstance(every, int) and not isinstance(every, bool) and every >= 1
        if every != "epoch" and not whole:
            raise ValueError(f'save_freq is {every!r}; expected "epoch" or a number of batches of at least 1')
        self.every = every
        self.seen = 0

    def passed(self) -> bool:
        if not isinstance(self.every, int):
            return False
        self.seen += 1
        if self.seen < self.every:
            return False
        self.seen = 0
        return True


class ModelCheckpoint(MonitorCallback):
    """Saves the model's weights, or the model, during training. The file at a path is always whole, old or new.

    Args:
        filepath: may hold names to fill in: ``"{epoch:02d}-{val_loss:.2f}.npz"`` (epochs from 1, also ``{batch}``).
            Folders are made. Paths that end in .npz, .weights or .weights.h5 go to ``model.save_weights``, others to
            ``model.save``.
        monitor, mode: the value that says which epoch is best; see `MonitorCallback`.
        verbose: 1 prints what it does.
        save_best_only: save only when the monitored value improved.
        save_weights_only: go to ``model.save_weights`` with any path.
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: value that has to be beaten at first.

    Raises:
        ValueError: bad save_freq or mode. KeyError: a name in `filepath` that the logs do not have.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, best=initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._counter = _BatchCounter(save_freq)
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._counter.passed():
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        path = self._path(epoch, batch, logs)
        if self.save_best_only:
            current = self.monitored(logs)
            if current is not None:
                if not self.is_improvement(current, self.best):
                    if self.verbose:
                        print(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {self.best:.5f}")
                    return
                self.best = current
        if os.path.isdir(path):
            raise IsADirectoryError(f"ModelCheckpoint cannot write {path}: it is a folder")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only or path.endswith(_WEIGHTS_SUFFIXES):
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: saved {path}")

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        values: dict[str, Any] = {**logs, "epoch": epoch + 1}
        if batch is not None:
            values["batch"] = batch + 1
        try:
            return self.filepath.format(**values)
        except KeyError as error:
            raise KeyError(f"filepath {self.filepath!r} wants {error}; the logs have {', '.join(values)}") from error

    def get_state(self) -> State:
        return {"best": self.best, "seen": self._counter.seen}

    def check_state(self, state: State) -> None:
        check_fields(state, best="number or None", seen="count")

    def set_state(self, state: State) -> None:
        self.best = state["best"]
        self._counter.seen = state["seen"]


class BackupAndRestore(Callback, _SavesOthers):
    """Saves the whole state of training, so that a run that was killed goes on and ends with the same bits.

    Run the same script again: `fit` with this callback finds the state in `backup_dir` and continues after it. Saved
    are weights, the optimizer and those that a model keeps as attributes for a step of its own, epoch, seeds
    (shuffling, dropout), history and what the other callbacks remember, in one file that is replaced atomically. The
    state is saved after all other callbacks have ended the epoch, wherever this one stands in the list. It is also
    saved when Ctrl-C ends `fit` in the middle of an epoch.

    Batches from arrays, and from iterables that give the same batches when iterated anew, are the same as without the
    interruption.

    Args:
        backup_dir: folder of the state, made if missing. One run a folder.
        save_freq: "epoch", or a number of batches.
        delete_checkpoint: delete the state when `fit` ends well. With False, a later `fit` with more epochs goes on.

    Raises:
        ValueError: bad save_freq; and at the start of `fit`, a state that is damaged or belongs to another model.
            Model, optimizer and callbacks are unchanged then.
    """

    comes_last = True

    def __init__(
        self, backup_dir: str | os.PathLike[str], save_freq: str | int = "epoch", delete_checkpoint: bool = True
    ) -> None:
        super().__init__()
        if not os.fspath(backup_dir):
            raise ValueError("backup_dir is empty; expected the path of a folder")
        self.backup_dir = Path(backup_dir)
        self.save_freq = save_freq
        self.delete_checkpoint = delete_checkpoint
        self._counter = _BatchCounter(save_freq)
        self._others: list[Callback] = []

    @property
    def path(self) -> Path:
        """The file of the state."""
        return self.backup_dir / "training_state.npz"

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._counter.seen = 0
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        clear_leftovers(self.path)  # of a run that was killed
        if self.path.exists():
            self._restore()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._counter.passed():
            self._save()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save()

    def on_exception(self) -> None:
        # After Ctrl-C between two batches the run goes on from there, not from the last epoch.
        if isinstance(sys.exc_info()[1], KeyboardInterrupt) and self.model.training_state.between_batches:
            self._save()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint:
            self.path.unlink(missing_ok=True)
            if not any(self.backup_dir.iterdir()):
                self.backup_dir.rmdir()

    def _save(self) -> None:
        model = self.model
        arrays: dict[str, NDArray[Any]] = {}
        for index, variable in enumerate(model.variables):
            arrays[f"weights/{index}"] = variable.numpy()
        for name, value in model.optimizer.get_state().items():
            arrays[f"optimizer/{name}"] = value
        meta = {
            "format": _FORMAT,
            "optimizer": type(model.optimizer).__name__,
            "optimizers": _own_optimizers.save(model, arrays),
            "training": _to_plain(model.training_state.get_state(), "training", arrays),
            "batches_since_save": self._counter.seen,
            "callbacks": {
                key: _to_plain(callback.get_state(), f"callbacks/{key}", arrays) for key, callback in self._keyed()
            },
        }
        arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
        write_sealed(self.path, arrays)

    def _restore(self) -> None:
        """Checks everything, then assigns everything."""
        model: TrainedModel = self.model
        arrays = read_sealed(self.path, _is_unsealed)
        try:
            meta = _read_meta(arrays)
            weights = _checked_weights(arrays, model)
            optimizers = [
                self._checked_optimizer(meta, arrays, model),
                *_own_optimizers.check(_as_dict("optimizers", meta.get("optimizers", {})), arrays, model),
            ]
            training, seen = _read_training(meta["training"], arrays), meta["batches_since_save"]
            if not isinstance(seen, int) or seen < 0:
                raise ValueError(f"its batches_since_save is {seen!r}")
            assert model.training_state is not None
            model.training_state.check_state(training)
            states = self._checked_states(_as_dict("callbacks", meta["callbacks"]), arrays)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise self._refusal(error) from error
        before = [variable.numpy() for variable in model.variables], model.stop_training
        states_before = [optimizer.get_state() for optimizer, _ in optimizers]
        for variable, value in zip(model.variables, weights, strict=True):
            variable.assign(value)
        for optimizer, state in optimizers:
            optimizer.set_state(state)
        try:
            self._set_states(states)
        except Exception as error:
            for variable, value in zip(model.variables, before[0], strict=True):
                variable.assign(value)
            for (optimizer, _), earlier in zip(optimizers, states_before, strict=True):
                optimizer.set_state(earlier)
            model.stop_training = before[1]
            raise self._refusal(error) from error
        model.training_state.set_state(training)
        self._counter.seen = seen

    def _refusal(self, error: Exception) -> ValueError:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) and error.args else str(error)
        return ValueError(f"cannot resume from {self.path}: {reason}")

    def _checked_optimizer(
        self, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], model: TrainedModel
    ) -> tuple[Optimizer, dict[str, NDArray[Any]]]:
        optimizer = model.optimizer
        assert optimizer is not None
        if meta["optimizer"] != type(optimizer).__name__:
            raise ValueError(f"it was trained with {meta['optimizer']}, not {type(optimizer).__name__}")
        state = {name.removeprefix("optimizer/"): a for name, a in arrays.items() if name.startswith("optimizer/")}
        optimizer.build(model.trainable_variables)
        optimizer.check_state(state)
        return optimizer, state

    def _checked_states(
        self, saved: dict[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> list[tuple[Callback, State]]:
        """The states of the callbacks that are here."""
        present = dict(self._keyed())
        states = []
        for key, packed in saved.items():
            try:
                state = _as_dict("state", _from_plain(packed, arrays))
                if key in present:
                    present[key].check_state(state)
                    states.append((present[key], state))
                elif state:
                    warnings.warn(f"the run in {self.path} had a callback {key}; it starts without it", stacklevel=2)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ValueError(f"the state of {key} is damaged ({error})") from error
        return states

    @staticmethod
    def _set_states(states: list[tuple[Callback, State]]) -> None:
        """All of them, or none where one fails."""
        done: list[tuple[Callback, State]] = []
        try:
            for callback, state in states:
                done.append((callback, callback.get_state()))
                callback.set_state(state)
        except Exception as error:
            for changed, earlier in done:
                with contextlib.suppress(Exception):  # it may be the one that failed
                    changed.set_state(earlier)
            raise ValueError(f"the state of {type(callback).__name__} is damaged ({error!r})") from error

    def _keyed(self) -> list[tuple[str, Callback]]:
        """The other callbacks, by class and number among those of the class."""
        numbers: dict[str, int] = {}
        keyed = []
        for callback in self._others:
            name = type(callback).__name__
            numbers[name] = numbers.get(name, -1) + 1
            keyed.append((f"{name}-{numbers[name]}", callback))
        return keyed


def _checked_weights(arrays: Mapping[str, NDArray[Any]], model: TrainedModel) -> list[NDArray[Any]]:
    names = sorted((name for name in arrays if name.startswith("weights/")), key=lambda name: (len(name), name))
    if names != [f"weights/{index}" for index in range(len(names))]:
        raise ValueError(f"its weights are called {', '.join(names)}")
    weights = [arrays[name] for name in names]
    shapes, expected = [weight.shape for weight in weights], [variable.shape for variable in model.variables]
    if shapes != expected:
        raise ValueError(f"it has weights of shapes {shapes}, the model {expected}")
    if any(weight.dtype != np.float32 for weight in weights):
        raise ValueError("its weights are not float32")
    return weights


def _as_dict(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"its {name} is {value!r}; expected a dict")
    return value


def _read_training(value: Any, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    plain = _as_dict("training", value)
    # Before metrics had arrays, it was written as it is.
    return _as_dict("training", _from_plain(plain, arrays) if plain.keys() == {"dict"} else plain)


def _read_meta(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    if "meta" not in arrays or arrays["meta"].dtype != np.uint8:
        raise ValueError("it is not a training state")
    try:
        meta = json.loads(arrays["meta"].tobytes().decode())
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError too
        raise ValueError(f"its description is damaged ({error})") from error
    if not isinstance(meta, dict) or meta.get("format") not in (_FORMAT, _UNSEALED_FORMAT):
        raise ValueError(f"it is not in the format {_FORMAT!r}")
    return meta


def _is_unsealed(arrays: Mapping[str, NDArray[Any]]) -> bool:
    try:
        return bool(_read_meta(arrays)["format"] == _UNSEALED_FORMAT)
    except (ValueError, RecursionError):
        return False


def _to_plain(value: Any, place: str, arrays: dict[str, NDArray[Any]]) -> Any:
    """`value` with its arrays moved into `arrays` and a reference in their place."""
    if isinstance(value, np.ndarray):
        arrays[place] = value
        return {"array": place}
    if isinstance(value, Mapping):
        return {"dict": {str(k): _to_plain(v, f"{place}/{k}", arrays) for k, v in value.items()}}
    if isinstance(value, list | tuple):
        return [_to_plain(item, f"{place}/{index}", arrays) for index, item in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _from_plain(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"array"}:
            return arrays[value["array"]]
        if value.keys() != {"dict"} or not isinstance(value["dict"], dict):
            raise ValueError(f"{value!r} is neither a dict nor an array")
        return {k: _from_plain(v, arrays) for k, v in value["dict"].items()}
    if isinstance(value, list):
        return [_from_plain(item, arrays) for item in value]
    return value
