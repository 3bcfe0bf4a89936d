"""What an optimizer written for Keras makes in its `build` and changes in its `update_step`: variables of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import initializers
from .._core.variables import Variable
from ._slots import SlotOwner


def _once(build: Callable[..., None]) -> Callable[..., None]:
    """Wraps the `build` of a subclass: it runs once; later calls only see to it that the variables are known."""

    @functools.wraps(build)
    def wrapper(self: OwnVariables, variables: Sequence[Variable]) -> None:
        (SlotOwner.build if self.built else build)(self, variables)

    return wrapper


class OwnVariables(SlotOwner):
    """Variables that a subclass makes beside the slots. They are part of the state."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _once(cls.__dict__["build"])  # type: ignore[method-assign]

    def __init__(self) -> None:
        super().__init__()
        self._own: list[Variable] = []

    @property
    def own_variables(self) -> list[Variable]:
        """Those that a subclass made, in their order."""
        return list(self._own)

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: initializers.InitializerLike = "zeros",
        dtype: object = None,
        name: str | None = None,
    ) -> Variable:
        """Makes a variable that belongs to the optimizer.

        Args:
            shape: of the variable.
            initializer: see `day33.initializers`.
            dtype: None or "float32".
            name: the last part of its path.

        Raises:
            ValueError: another dtype.
        """
        if dtype not in (None, "float32", np.float32):
            raise ValueError(f"dtype is {dtype!r}; day33 computes in float32 only")
        value = initializers.get(initializer or "zeros")(tuple(shape))
        name = name or "variable"
        self._own.append(Variable(value, trainable=False, name=name, path=f"{self.name}/{name}"))
        return self._own[-1]

    def add_variable_from_reference(
        self,
        reference_variable: Variable,
        name: str | None = None,
        initializer: initializers.InitializerLike = "zeros",
    ) -> Variable:
        """Makes a variable of the shape of another one, whose path is part of its name."""
        name = f"{reference_variable.path.replace('/', '_')}_{name or 'var'}"
        return self.add_variable(reference_variable.shape, initializer, name=name)

    def add_optimizer_variables(
        self,
        trainable_variables: Sequence[Variable],
        name: str | Sequence[str],
        initializer: initializers.InitializerLike | Sequence[initializers.InitializerLike] = "zeros",
    ) -> Any:
        """Makes a variable of the same shape for each of several.

        Args:
            trainable_variables: those of `build`.
            name: of the variables; several names for as many variables each.
            initializer: one for all names, or one for each.

        Returns:
            A list of variables; a tuple of a list for each name where `name` is no string.

        Raises:
            ValueError: another number of initializers than of names.
        """
        names = [name] if isinstance(name, str) else list(name)
        given: list[Any] = list(initializer) if isinstance(initializer, list | tuple) else [initializer] * len(names)
        if len(given) != len(names):
            raise ValueError(f"initializer is {initializer!r}; expected one for each of {', '.join(names)}")
        made: tuple[list[Variable], ...] = tuple([] for _ in names)
        for variable in trainable_variables:
            for row, one, start in zip(made, names, given, strict=True):
                row.append(self.add_variable_from_reference(variable, one, start))
        return made[0] if isinstance(name, str) else made

    def extend(self, variables: Sequence[Variable]) -> None:
        if self._own and self._variables and not self.knows(variables):
            raise ValueError(
                f"{self.name} has variables of its own for the weights that it was built for, and cannot take more; "
                "compile the model with a new optimizer"
            )
        super().extend(variables)

    def _get_variable_index(self, variable: Variable) -> int:
        """The number of a variable in the list that `build` was given; Keras's own name for it."""
        return self._index[id(variable)]

    def assign(self, variable: Variable, value: ArrayLike) -> None:
        """Replaces the values of a variable, of a model or of the optimizer."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: ArrayLike) -> None:
        """Adds to the values of a variable."""
        variable.assign(variable.value + np.asarray(value, np.float32))

    def assign_sub(self, variable: Variable, value: ArrayLike) -> None:
        """Subtracts from the values of a variable."""
        variable.assign(variable.value - np.asarray(value, np.float32))
