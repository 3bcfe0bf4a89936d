"""Which function writes which op of a plan as nodes of ONNX. The files of ops fill the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# From the name of a method of `PlanBuilder` to a function of the graph, the shape of the result (without the batch; a
# list of them for several results) and the method's arguments, that returns a `Value`, or a list of them.
WRITERS: dict[str, Callable[..., Any]] = {}


def writes(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates the function that writes the op of `PlanBuilder.<name>`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        WRITERS[name] = function
        return function

    return register
