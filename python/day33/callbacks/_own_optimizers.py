"""What `BackupAndRestore` saves of optimizers that a model keeps beside that of `compile`, as those of GANs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..optimizers import Optimizer
    from .protocols import TrainedModel

Arrays = dict[str, NDArray[Any]]
Found = list[tuple["Optimizer", Arrays]]


def save(model: TrainedModel, arrays: Arrays) -> dict[str, Any]:
    """Puts the states of these optimizers into `arrays`, and returns what tells them apart.

    Raises:
        ValueError: one of them updates something else than weights of the model.
    """
    numbers = {id(variable): number for number, variable in enumerate(model.variables)}
    described = {}
    for name, optimizer in model.own_optimizers().items():
        for variable in optimizer.trainable_variables:
            if id(variable) not in numbers:
                raise ValueError(
                    f"optimizer {name!r} of the model updates variable {variable.path!r}, which is no weight of the "
                    "model; expected weights of the model, which BackupAndRestore can restore"
                )
        for key, value in optimizer.get_state().items():
            arrays[f"optimizers/{name}/{key}"] = value
        described[name] = {
            "class": type(optimizer).__name__,
            "variables": [numbers[id(variable)] for variable in optimizer.trainable_variables],
        }
    return described


def check(described: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], model: TrainedModel) -> Found:
    """The optimizers of the model, built, with the states for them.

    Raises:
        KeyError, TypeError, ValueError: what was saved does not fit the model.
    """
    present, variables = model.own_optimizers(), model.variables
    if described.keys() != present.keys():
        raise ValueError(
            f"it has the optimizers {sorted(described)} beside that of compile, the model {sorted(present)}"
        )
    found: Found = []
    for name, optimizer in present.items():
        kind, places = described[name]["class"], described[name]["variables"]
        if kind != type(optimizer).__name__:
            raise ValueError(f"{name} was {kind}, not {type(optimizer).__name__}")
        if not isinstance(places, list) or not all(type(i) is int and 0 <= i < len(variables) for i in places):
            raise ValueError(f"the variables of optimizer {name!r} are {places!r}")
        if places:
            optimizer.build([variables[place] for place in places])
        prefix = f"optimizers/{name}/"
        state = {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
        optimizer.check_state(state)
        found.append((optimizer, state))
    return found
