"""Keras's operations: the classes that stand in its configurations, and the functions that compute them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import ops
from .._core import tree
from .._core.dispatch import Symbolic
from .._core.naming import snake_case

__all__ = ["call_operation", "function_of", "is_name_of_operation"]

# Functions of Keras's operations that have other names than their classes.
_NAMES = {"BatchNorm": "batch_normalization", "LayerNorm": "layer_normalization", "RMSNorm": "rms_normalization"}


def function_of(class_name: str, module: str) -> Callable[..., Any]:
    """The function that computes an operation of Keras.

    Args:
        class_name, module: of the operation, such as "Mean" and "keras.src.ops.numpy".

    Raises:
        ValueError: day33 has no such function.
    """
    if module.startswith(("keras.src.ops", "keras.ops")) and is_name_of_operation(class_name):
        name = _NAMES.get(class_name, snake_case(class_name))
        function: Callable[..., Any] = getattr(ops if name in ops.__all__ else ops.image, name)
        return function
    raise ValueError(f"the operation {class_name!r} of {module} is none that day33 has; see docs/keras.md")


def is_name_of_operation(class_name: str) -> bool:
    """Whether an operation of Keras that day33 has is called so."""
    name = _NAMES.get(class_name, snake_case(class_name)) if class_name[:1].isupper() else ""
    return name in ops.__all__ or name in ops.image.__all__


def call_operation(item: Mapping[str, Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Calls the function that a configuration of an operation describes.

    Args:
        item: the configuration.
        args, kwargs: of the call, with symbolic tensors among them.

    Raises:
        ValueError: an operation that day33 does not have, or arguments that it does not take.
    """
    class_name, config = item["class_name"], dict(item["config"])
    name = config.pop("name", class_name)
    function = function_of(class_name, str(item.get("module") or "keras.ops"))
    if not any(isinstance(leaf, Symbolic) for leaf in tree.flatten([list(args), dict(kwargs)])):
        raise ValueError(f"the operation {name!r} is called without a tensor")
    if function is ops.getitem:  # the key was a tuple
        args = [tuple(arg) if isinstance(arg, list) else arg for arg in args]
    accepted = inspect.signature(function).parameters
    options = {**config, **kwargs}
    refused = [
        key for key, value in options.items() if key not in accepted and value is not None and value is not False
    ]
    if refused:
        raise ValueError(f"the operation {name!r} ({class_name}) has {', '.join(refused)}, which day33 does not know")
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in accepted.values()):
        args = [*(options.pop(key) for key in list(accepted) if key in options), *args]
    try:
        return function(*args, **{key: value for key, value in options.items() if key in accepted})
    except (TypeError, IndexError) as error:
        raise ValueError(f"the operation {name!r} ({class_name}): {error}") from error
