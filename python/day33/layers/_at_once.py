"""Layers whose `call` assigns to variables: no plan is made of it, Python runs it for each call on arrays."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from .._core import tree
from .._core.arrays import as_float32
from .._core.tensors import as_tensor, to_tensor


def run(layer: Any, arguments: tuple[Any, ...], kwargs: dict[str, Any], training: bool) -> Any:
    """What `call` gives for arrays and recorded values, with its assignments. Arrays become tensors."""
    if "training" in inspect.signature(layer.call).parameters:
        kwargs = {**kwargs, "training": training}
    outputs = layer.call(*tree.transform(_as_input, arguments), **kwargs)
    return tree.transform(lambda item: as_tensor(item) if isinstance(item, np.ndarray) else item, outputs)


def _as_input(value: Any) -> Any:
    """What a plan would be given: float32 or whole numbers. Arrays of such dtypes, which tapes may watch, stay."""
    if hasattr(value, "numpy") and not isinstance(value, np.ndarray):
        return value  # recorded, or a variable
    array = value if isinstance(value, np.ndarray) else to_tensor(value)
    return array if array.dtype == np.float32 or array.dtype.kind in "biu" else as_tensor(as_float32("input", array))
