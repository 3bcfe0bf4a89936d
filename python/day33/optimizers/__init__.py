"""Optimizers: `SGD`, `Adadelta`, `Adam`, and the learning-rate `schedules`."""

from __future__ import annotations

from typing import Any

from . import schedules
from .algorithms import SGD, Adadelta, Adam
from .base import Optimizer

__all__ = ["SGD", "Adadelta", "Adam", "Optimizer", "get", "schedules"]

_BY_NAME: dict[str, type[SGD] | type[Adadelta] | type[Adam]] = {"sgd": SGD, "adadelta": Adadelta, "adam": Adam}


def get(identifier: Any) -> Optimizer:
    """An optimizer from itself or its name in any case ("sgd", "adadelta", "adam"), with the default arguments.

    Raises ValueError for an unknown name, TypeError for anything else.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    supported = ", ".join(sorted(_BY_NAME))
    if isinstance(identifier, str):
        if identifier.lower() in _BY_NAME:
            return _BY_NAME[identifier.lower()]()
        raise ValueError(f"optimizer is {identifier!r}; expected one of {supported}")
    raise TypeError(f"optimizer is {identifier!r}; expected a day33 optimizer or one of the names {supported}")


def __dir__() -> list[str]:
    return list(__all__)
