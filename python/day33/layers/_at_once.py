"""Layers whose `call` assigns to variables: no plan is made of it, Python runs it for each call on arrays."""

from __future__ import annotations

import inspect
import threading
from typing import Any

import numpy as np

from .._core import tree
from .._core.arrays import as_float32
from .._core.tensors import as_tensor, to_tensor

_modes = threading.local()


def mode() -> bool | None:
    """The mode of the innermost call that `run` runs in this thread; None outside of one, and where it has none."""
    stack: list[bool | None] = getattr(_modes, "entered", [])
    return stack[-1] if stack else None


def run(layer: Any, arguments: tuple[Any, ...], kwargs: dict[str, Any], training: bool | None) -> Any:
    """What `call` gives for arrays and recorded values, with its assignments. Arrays become tensors.

    Layers inside that are called without a mode get that of this call, as in Keras.
    """
    if training is not None and "training" in inspect.signature(layer.call).parameters:
        kwargs = {**kwargs, "training": training}
    if not hasattr(_modes, "entered"):
        _modes.entered = []
    _modes.entered.append(training)
    try:
        outputs = layer.call(*tree.transform(_as_input, arguments), **kwargs)
    finally:
        _modes.entered.pop()
    return tree.transform(lambda item: as_tensor(item) if isinstance(item, np.ndarray) else item, outputs)


def _as_input(value: Any) -> Any:
    """What a plan would be given: float32 or whole numbers. Arrays of such dtypes, which tapes may watch, stay."""
    if hasattr(value, "numpy") and not isinstance(value, np.ndarray):
        return value  # recorded, or a variable
    array = value if isinstance(value, np.ndarray) else to_tensor(value)
    return array if array.dtype == np.float32 or array.dtype.kind in "biu" else as_tensor(as_float32("input", array))
