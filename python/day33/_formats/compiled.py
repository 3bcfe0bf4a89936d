"""What `compile` was given, and the optimizer's state, in Keras's form and back."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import losses, metrics, optimizers
from .._core import descriptions
from .._core.signatures import accepted_arguments
from .._io.hdf5_datasets import Dataset
from .protocols import SavedModel

_IDLE = frozenset({"name"})
_OWN_LOSSES = frozenset(getattr(losses, name) for name in losses.__all__ if isinstance(getattr(losses, name), type))
_REDUCTIONS = {"auto": "sum_over_batch_size"}  # the word of Keras 2


# ---- writing ----


def compile_config(model: SavedModel) -> dict[str, Any] | None:
    """The arguments of `compile`. None for a model that was not compiled.

    TypeError for what has no name in Keras, such as a metric that is a function of yours.
    """
    given = model.compile_arguments
    if model.optimizer is None or given is None:
        return None
    return {
        "optimizer": _optimizer_config(model.optimizer),
        "loss": _nested(given["loss"], "keras.losses"),
        "loss_weights": given["loss_weights"],
        "metrics": _nested(given["metrics"], "keras.metrics"),
        "weighted_metrics": _nested(given["weighted_metrics"], "keras.metrics"),
        "run_eagerly": False,
        "steps_per_execution": 1,
        "jit_compile": False,
    }


def _object(module: str, value: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    return {"module": module, "class_name": type(value).__name__, "config": dict(config), "registered_name": None}


def _optimizer_config(optimizer: optimizers.Optimizer) -> Any:
    if getattr(optimizers, type(optimizer).__name__, None) is not type(optimizer):
        raise TypeError(f"the optimizer is a {type(optimizer).__name__}, which Keras does not have")
    return optimizers.serialize(optimizer)


def _nested(given: Any, module: str) -> Any:
    """Losses or metrics as they were given: names, objects, functions of day33, lists and dicts of them."""
    if module == "keras.losses" and not isinstance(given, Mapping | list | tuple | None):
        return _loss(given)
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, Mapping):
        return {str(key): _nested(value, module) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [_nested(value, module) for value in given]
    if isinstance(given, losses.Loss) and getattr(losses, type(given).__name__, None) is type(given):
        return _object("keras.losses", given, _attributes(given))
    if isinstance(given, metrics.Metric) and getattr(metrics, type(given).__name__, None) is type(given):
        return _object("keras.metrics", given, _metric_config(given))
    for library in (losses, metrics):
        name = getattr(given, "__name__", "")
        if name and getattr(library, name, None) is given:
            return name
    raise TypeError(f"{given!r} has no name that Keras knows")


def _loss(given: Any) -> Any:
    """A loss: a name, an object or a function."""
    if isinstance(given, str):
        # Keras does not find the short names in .h5 files.
        found = losses.get(given)
        return found.fn.__name__ if type(found) in _OWN_LOSSES else given  # type: ignore[attr-defined]
    name = getattr(given, "__name__", "")
    if name and getattr(losses, name, None) is given and not isinstance(given, type):
        return name
    return losses.serialize(given)


def _attributes(value: Any) -> dict[str, Any]:
    """The arguments of the constructor, which an object keeps as attributes."""
    return {name: getattr(value, name, None) for name in accepted_arguments(type(value))}


def _metric_config(metric: metrics.Metric) -> dict[str, Any]:
    config = metric.get_config()
    if callable(config.get("fn")):
        raise TypeError(f"metric {metric.name!r} is a function of yours, which no file can hold")
    return config


def optimizer_state(model: SavedModel) -> list[NDArray[Any]]:
    """The optimizer's state in Keras's order: steps, rate unless scheduled, slots, derived numbers."""
    assert model.optimizer is not None
    optimizer = copy.copy(model.optimizer)  # which may not be built yet
    optimizer.build(model.trainable_variables)
    state: list[NDArray[Any]] = [np.array(optimizer.steps, np.int64)]
    if optimizer.schedule is None:
        state.append(np.array(optimizer.learning_rate, np.float32))
    return [*state, *optimizer.variables, *(np.array(number, np.float32) for number in optimizer.derived_numbers())]


# ---- reading ----


def compile_from_config(model: SavedModel, config: Mapping[str, Any]) -> None:
    """Compiles `model` as a file says. ValueError for what day33 does not have."""
    try:
        model.compile(
            optimizers.get(config["optimizer"]),
            _losses(config.get("loss")),
            _objects(config.get("loss_weights"), None),
            _objects(config.get("metrics"), metrics),
            _objects(config.get("weighted_metrics"), metrics),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error


def compile_as_saved(model: SavedModel, config: Mapping[str, Any], state: Sequence[Dataset], where: object) -> None:
    """Compiles `model` as a file says and restores the optimizer's state, as far as day33 has what it says.

    Warns of what it does not have: the model in `where` is not compiled then, or its optimizer starts afresh.
    """
    try:
        compile_from_config(model, config)
    except ValueError as error:
        warnings.warn(f"the model in {where} is not compiled: {error}", stacklevel=5)
        return
    try:
        set_optimizer_state(model, [dataset.read() for dataset in state])
    except ValueError as error:  # older versions kept other things
        warnings.warn(f"the optimizer of the model in {where} starts afresh: {error}", stacklevel=5)


def _losses(item: Any) -> Any:
    """Losses as files have them: one, or lists and dicts of them."""
    if isinstance(item, Mapping):
        if "class_name" not in item or "config" not in item:
            return {key: _losses(value) for key, value in item.items()}
        if item["class_name"] == "__tuple__":
            return [_losses(value) for value in item["config"]]
        config = item["config"]
        if isinstance(config, Mapping) and config.get("reduction") in _REDUCTIONS:
            item = {**item, "config": {**config, "reduction": _REDUCTIONS[config["reduction"]]}}
        return losses.deserialize(item)
    if isinstance(item, list | tuple):
        return [_losses(value) for value in item]
    return item


def _objects(item: Any, library: Any) -> Any:
    if isinstance(item, Mapping):
        if "class_name" not in item or "config" not in item:
            return {key: _objects(value, library) for key, value in item.items()}
        name, config = str(item["class_name"]).rpartition(">")[2], item["config"]
        if name == "function":
            return config
        if name == "__tuple__":
            return [_objects(value, library) for value in config]
        if name == "MeanMetricWrapper" and isinstance(config.get("fn"), str):  # Keras 2: the class by its function
            name = "".join(word.capitalize() for word in config["fn"].split("_"))
        cls = getattr(library, name) if name in library.__all__ else None
        if not isinstance(cls, type):
            raise ValueError(f"{name!r} is not among the {library.__name__.rpartition('.')[2]} of day33")
        arguments = {key: _plain(value) for key, value in config.items() if not _is_implied(cls, key, value)}
        if arguments.get("reduction") in _REDUCTIONS:
            arguments["reduction"] = _REDUCTIONS[arguments["reduction"]]
        return cls(**descriptions.arguments_for(cls, arguments, _IDLE))
    if isinstance(item, list | tuple):
        return [_objects(value, library) for value in item]
    return item


def _is_implied(cls: type[Any], key: str, value: Any) -> bool:
    """Whether an argument of Keras says nothing here: a policy, the last axis, or the function that a class has."""
    if key in ("fn", "dtype"):
        return key == "fn" or not isinstance(value, str) or key not in accepted_arguments(cls)
    return bool(key == "axis" and value == -1)


def _plain(value: Any) -> Any:
    """An argument, of an array the nested lists in it."""
    is_array = isinstance(value, Mapping) and value.get("class_name") in ("__numpy__", "__tensor__")
    return value["config"]["value"] if is_array else value


def set_optimizer_state(model: SavedModel, arrays: Sequence[NDArray[Any]]) -> None:
    """Restores what `optimizer_state` gave. ValueError where numbers or shapes do not fit the model."""
    assert model.optimizer is not None
    optimizer = copy.copy(model.optimizer)
    optimizer.build(model.trainable_variables)
    scheduled = optimizer.schedule is not None
    first = 1 if scheduled else 2
    if not arrays:
        return
    keys, slots = optimizer.slot_order(), optimizer.variables
    if not scheduled and len(arrays) in (1, 1 + len(slots)):  # Keras 2 keeps the rate in the configuration alone
        arrays = [arrays[0], np.array(optimizer.learning_rate, np.float32), *arrays[1:]]
    end = first + len(slots)
    if len(arrays) not in (first, end, end + len(optimizer.derived_numbers())):  # Keras 2 has no such numbers
        raise ValueError(f"the optimizer has {len(arrays)} arrays; expected {end}")
    if any(array.shape != () for array in arrays[:first]):
        raise ValueError("the number of steps and the learning rate of the optimizer are not single numbers")
    steps = int(arrays[0])
    if not 0 <= steps < 2**63:
        raise ValueError(f"the optimizer has done {steps} steps")
    state: dict[str, NDArray[Any]] = {"iterations": np.array(steps, np.int64)}
    if optimizer.use_ema:
        state["averages_in_place"] = np.array(0, np.int64)
    if not scheduled:
        # Files hold the rate in float32 here; the configuration has it in full.
        rate, given = float(arrays[1]), optimizer.learning_rate
        state["learning_rate"] = np.array(given if np.float32(given) == rate else rate, np.float64)
    if len(arrays) > first:
        for key, slot, array in zip(keys, slots, arrays[first:end], strict=True):
            if array.shape != slot.shape or array.dtype.kind != "f":
                path = optimizer.trainable_variables[int(key.partition("/")[0])].path
                raise ValueError(f"the optimizer has shape {array.shape} for {path!r}, {slot.shape}")
            state[key] = np.array(array, np.float32)
        model.optimizer.build(model.trainable_variables)
    model.optimizer.set_state(state)
