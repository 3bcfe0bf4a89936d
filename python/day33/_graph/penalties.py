"""What is minimised besides the losses of `compile`: functions of weights and of what layers give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import tree
from .._core.dispatch import tracing
from .._core.user_code import blaming
from .._core.variables import Variable
from .calls import source_tensor
from .functions import ConstantSource, VariableSource
from .graph import Graph
from .tensors import SymbolicTensor

Penalty = Callable[[Any], Any]


def loss_tensors(value: Any, owner: str) -> list[SymbolicTensor]:
    """What is added to a loss, as symbolic tensors.

    Args:
        value: symbolic tensors, variables and numbers, nested as it likes.
        owner: for the message, such as "layer 'a'".

    Raises:
        TypeError: something else is in it.
    """
    found = []
    for item in tree.flatten(value):
        if isinstance(item, SymbolicTensor):
            found.append(item)
        elif isinstance(item, Variable):
            found.append(source_tensor(VariableSource(item)))
        elif isinstance(item, int | float | np.number | np.ndarray) and not isinstance(item, bool):
            found.append(source_tensor(ConstantSource(item)))
        else:
            raise TypeError(f"{owner} added {item!r} to the loss; expected what functions of day33.ops make of tensors")
    return found


def of_variable(penalty: Penalty, variable: Variable) -> Graph:
    """The penalty on the values of a variable, as the loss of a graph that begins with nothing but it.

    Raises:
        TypeError, ValueError: `penalty` does something that cannot be traced.
    """
    owner = f"regularizer of {variable.path}"
    return Graph([], [], owner, of_tensor(penalty, source_tensor(VariableSource(variable)), owner))


def of_tensor(penalty: Penalty, value: SymbolicTensor, owner: str) -> list[SymbolicTensor]:
    """The penalty on a value of a graph.

    Raises:
        TypeError, ValueError: `penalty` does something that cannot be traced.
    """
    with tracing(), blaming(owner):
        result = penalty(value)
    return loss_tensors(result, owner)


def of_function(function: Callable[[], Any], owner: str) -> list[SymbolicTensor]:
    """What a function of variables gives, as values of a graph.

    Raises:
        TypeError, ValueError: it does something that cannot be traced.
    """
    with tracing(), blaming(owner):
        result = function()
    return loss_tensors(result, owner)


def of_samples(penalty: Penalty, shape: tuple[int | None, ...], owner: str) -> Graph:
    """The penalty on what a layer gives, as the loss of a graph.

    Args:
        shape: of what it gives, with the batch.

    Raises:
        TypeError, ValueError: `penalty` does something that cannot be traced.
    """
    given = SymbolicTensor(shape)
    return Graph([given], [], owner, of_tensor(penalty, given, owner))


def constant(value: float) -> SymbolicTensor:
    """A number as a value of a graph."""
    return source_tensor(ConstantSource(np.float32(value)))
