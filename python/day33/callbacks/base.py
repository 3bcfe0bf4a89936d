"""`Callback`, the list that calls them, `History` and `LambdaCallback`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .protocols import TrainedModel

Logs = dict[str, Any]
State = dict[str, Any]


class Callback:
    """Base of the callbacks: override the hooks you need. Names, order and arguments are Keras's.

    Attributes:
        model: the model in training, set by `set_model`.
        params: ``{"verbose": ..., "epochs": ..., "steps": ...}``, set by `set_params`.

    `logs` holds the running means since the start of the epoch, for batches, or the results of the epoch. Callbacks
    share it: what one writes into it at the end of an epoch, the later ones and the history see.

    `get_state` and `set_state` carry what a callback has to remember over a restart (`BackupAndRestore`): a dict of
    numbers, strings, lists and dicts of these, None, and arrays. The defaults remember nothing. `check_state` is asked
    of every callback before the first `set_state`: where it raises, nothing at all is restored.
    """

    # Callbacks that save what the others leave behind come last in every hook.
    comes_last = False

    def __init__(self) -> None:
        self._model: TrainedModel | None = None
        self.params: dict[str, Any] = {}

    @property
    def model(self) -> Any:
        return self._model

    def set_model(self, model: TrainedModel) -> None:
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def get_state(self) -> State:
        """What `set_state` needs to go on."""
        return {}

    def check_state(self, state: State) -> None:
        """ValueError, TypeError or KeyError where `set_state` could not take `state`."""

    def set_state(self, state: State) -> None:
        """Takes what `get_state` gave, after `on_train_begin`."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before the first batch of an epoch, in training only. `epoch` counts from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation, in training only."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """The same as `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """The same as `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch in `fit`. `batch` counts from 0 in every epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch in `fit`."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch in `evaluate`, also when `fit` validates."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch in `evaluate`, also when `fit` validates."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch in `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch in `predict`; ``logs["outputs"]`` are its predictions."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """At the start of `fit`."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """At the end of `fit`; not after an exception. `logs` are those of the last epoch."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """At the start of `evaluate`, also when `fit` validates."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """At the end of `evaluate`, also when `fit` validates."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """At the start of `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """At the end of `predict`."""

    def on_exception(self) -> None:
        """When an exception, Ctrl-C included, leaves `fit`, `evaluate` or `predict`: let go of files and screen."""


_BATCH_HOOKS = tuple(
    f"on_{mode}_batch_{end}" for mode in ("train", "test", "predict") for end in ("begin", "end")
)  # fmt: skip


class CallbackList:
    """Calls the hooks of several callbacks in their order, those with `comes_last` at the end.

    Args:
        callbacks: one callback, or a list of them (also nested), or None.
        add_history: add a `History` unless there is one.
        progress: a callback that shows progress, or None.
        model: handed to every callback, and given the history as ``model.history``.
        params: handed to every callback.

    Raises:
        TypeError: something in `callbacks` is not a `Callback`.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        progress: Callback | None = None,
        model: TrainedModel | None = None,
        **params: Any,
    ) -> None:
        self.callbacks: list[Callback] = list(_flatten(callbacks))
        histories = [callback for callback in self.callbacks if isinstance(callback, History)]
        self.history: History | None = histories[-1] if histories else None
        if self.history is None and add_history:
            self.history = History()
            self.callbacks.append(self.history)
        if progress is not None:
            self.callbacks.append(progress)
        self.callbacks.sort(key=lambda callback: callback.comes_last)  # stable
        self.params = params
        if model is not None:
            for callback in self.callbacks:
                callback.set_model(model)
                if isinstance(callback, _SavesOthers):
                    callback.set_others([other for other in self.callbacks if other is not callback])
            if self.history is not None:
                model.history = self.history
        for callback in self.callbacks:
            callback.set_params(params)
        # Only hooks that do something are called: a batch may take less time than a dozen empty calls.
        self._listeners = {name: [c for c in self.callbacks if _overrides(c, name)] for name in _BATCH_HOOKS}

    def __iter__(self) -> Any:
        return iter(self.callbacks)

    def listens(self, hook: str) -> bool:
        """Whether any callback overrides this batch hook."""
        return bool(self._listeners[hook])

    # Where there are no logs, callbacks get an empty dict, as in Keras.

    def on_batch(self, hook: str, batch: int, logs: Logs | None = None) -> None:
        """Calls the hook of that name: "on_train_batch_begin", ..."""
        logs = {} if logs is None else logs
        for callback in self._listeners[hook]:
            getattr(callback, hook)(batch, logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Calls `on_epoch_begin`."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Calls `on_epoch_end`."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_begin(self, mode: str, logs: Logs | None = None) -> None:
        """Calls `on_train_begin`, `on_test_begin` or `on_predict_begin`; `mode` is "train", "test" or "predict"."""
        self._call(f"on_{mode}_begin", logs)

    def on_end(self, mode: str, logs: Logs | None = None) -> None:
        """Calls `on_train_end`, `on_test_end` or `on_predict_end`."""
        self._call(f"on_{mode}_end", logs)

    def on_exception(self) -> None:
        """Calls `on_exception`."""
        for callback in self.callbacks:
            callback.on_exception()

    def _call(self, hook: str, logs: Logs | None) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            getattr(callback, hook)(logs)


class _SavesOthers:
    """Mixed into callbacks that save the state of the other callbacks."""

    def set_others(self, others: list[Callback]) -> None:
        self._others = others


def _flatten(callbacks: Any) -> Iterable[Callback]:
    if callbacks is None:
        return
    if isinstance(callbacks, list | tuple | CallbackList):
        for item in callbacks:
            yield from _flatten(item)
    elif isinstance(callbacks, Callback):
        yield callbacks
    else:
        raise TypeError(f"callbacks has {callbacks!r}; expected day33.callbacks.Callback objects")


def _overrides(callback: Callback, hook: str) -> bool:
    names = [hook] + ([hook.replace("train_batch", "batch")] if hook.startswith("on_train_batch") else [])
    return any(name in vars(callback) or getattr(type(callback), name) is not getattr(Callback, name) for name in names)


class History(Callback):
    """What `fit` returns.

    Attributes:
        epoch: the numbers of the epochs, from 0.
        history: for every name in the logs the values of the epochs.
        params: as given to the callbacks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def __repr__(self) -> str:
        """How many epochs, and the last value of each name."""
        count = len(self.epoch)
        last = [
            f"{name}: {values[-1]:.4g}" if isinstance(values[-1], float | int) else f"{name}: {values[-1]!r}"
            for name, values in self.history.items()
            if values
        ]
        return f"<History of {count} epoch{'s' * (count != 1)}{' - ' if last else ''}{'  '.join(last)}>"

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def get_state(self) -> State:
        return {"epoch": list(self.epoch), "history": {name: list(values) for name, values in self.history.items()}}

    def check_state(self, state: State) -> None:
        check_fields(state, epoch="counts", history="lists")

    def set_state(self, state: State) -> None:
        self.epoch = list(state["epoch"])
        self.history = {name: list(values) for name, values in state["history"].items()}


class LambdaCallback(Callback):
    """Hooks from functions, by the names of the hooks: ``LambdaCallback(on_epoch_end=lambda epoch, logs: ...)``.

    Raises TypeError for a name that is no hook.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **hooks: Callable[..., Any],
    ) -> None:
        super().__init__()
        hooks.update(
            {
                name: function
                for name, function in {
                    "on_epoch_begin": on_epoch_begin,
                    "on_epoch_end": on_epoch_end,
                    "on_train_begin": on_train_begin,
                    "on_train_end": on_train_end,
                    "on_train_batch_begin": on_train_batch_begin,
                    "on_train_batch_end": on_train_batch_end,
                }.items()
                if function is not None
            }
        )
        for name, function in hooks.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise TypeError(f"{name} is not a hook of callbacks")
            setattr(self, name, function)


_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "count": ("a number of at least 0", lambda value: _is_count(value)),
    "count or None": ("a number of at least 0 or None", lambda value: value is None or _is_count(value)),
    "counts": ("a list of numbers of at least 0", lambda value: _is_list(value, _is_count)),
    "number or None": ("a number or None", lambda value: value is None or _is_number(value)),
    "names": ("a list of strings", lambda value: _is_list(value, _is_name)),
    "names or None": ("a list of strings or None", lambda value: value is None or _is_list(value, _is_name)),
    "lists": (
        "a dict of lists",
        lambda value: isinstance(value, dict) and all(isinstance(item, list) for item in value.values()),
    ),
    "arrays or None": (
        "a list of float32 arrays or None",
        lambda value: (
            value is None or _is_list(value, lambda item: isinstance(item, np.ndarray) and item.dtype == np.float32)
        ),
    ),
}


def check_fields(state: Mapping[str, Any], **fields: str) -> None:
    """Checks that a state has these fields and no others, each of a kind of `_FIELDS`. ValueError otherwise."""
    if state.keys() != fields.keys():
        raise ValueError(f"it has {', '.join(sorted(state)) or 'nothing'}; expected {', '.join(sorted(fields))}")
    for name, kind in fields.items():
        words, accepts = _FIELDS[kind]
        if not accepts(state[name]):
            raise ValueError(f"its {name} is {state[name]!r}; expected {words}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_name(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any, accepts: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(accepts(item) for item in value)


def plain(logs: Mapping[str, Any]) -> Logs:
    """A copy of logs, sorted by name."""
    return dict(sorted(logs.items()))
