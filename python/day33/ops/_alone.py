"""What functions share that are there for arrays alone, and not inside of graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._functions import as_operand, is_symbolic


def given(function: str, x: Any, name: str = "x") -> Any:
    """An argument as functions take it: bool, int32 or float32.

    Args:
        function: its name. name: of the argument.

    Raises:
        TypeError: a symbolic tensor, or no real numbers.
    """
    if is_symbolic(x):
        raise TypeError(f"{function} was given {x!r}; expected an array: day33 has no {function} inside of a graph")
    return as_operand(name, x)


def double(function: str, x: Any, name: str = "x") -> NDArray[np.float64]:
    """The same in double, for what NumPy computes."""
    return np.asarray(given(function, x, name), np.float64)


def single(x: Any) -> NDArray[np.float32]:
    """A result of double as float32."""
    return np.asarray(x, np.float32, order="C")
