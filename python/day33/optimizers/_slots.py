"""The arrays that a rule keeps for each variable from step to step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from .._core.variables import Variable
    from .._native import Float32, Parameter

Groups = tuple[tuple[str, ...], ...]


class Updates(NamedTuple):
    """What a rule is applied to: lists with an entry for each variable.

    Attributes:
        parameters, gradients: as native code takes them.
        sums: over the slices of each gradient, None for one that is a single slice; None where nobody wants them.
        slots: by name.
    """

    parameters: list[Parameter]
    gradients: list[Float32]
    sums: list[Float32 | None] | None
    slots: dict[str, list[Float32]]


class SlotOwner:
    """The variables that it updates, and a float32 array of a variable's shape for each of its slots.

    Slots come in groups. Keras's order, which files have, goes group by group, inside of a group variable by variable.
    """

    name: str

    def __init__(self) -> None:
        self._variables: list[Variable] = []
        self._slots: list[dict[str, Float32]] = []
        self._index: dict[int, int] = {}
        self._groups: Groups = ()  # those that the slots were made for

    @property
    def slot_groups(self) -> Groups:
        """The names of the slots of one variable, as the options now ask for; for subclasses."""
        return ()

    def new_slot(self, name: str, variable: Variable) -> Float32:
        """What a slot holds before the first step; for subclasses. Zeros here."""
        return np.zeros(variable.shape, np.float32)

    @property
    def slot_names(self) -> tuple[str, ...]:
        """The names of all slots of one variable."""
        return tuple(name for group in self.slot_groups for name in group)

    @property
    def built(self) -> bool:
        """Whether it belongs to variables and has slots for them."""
        return bool(self._variables)

    @property
    def variables(self) -> list[Float32]:
        """The slots, in Keras's order."""
        return [self._slot(key) for key in self.slot_order()]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that have slots, in their order; none before the first step."""
        return list(self._variables)

    # The index goes by identity, so a copy or a pickle makes its own.
    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_index"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._index = {id(variable): index for index, variable in enumerate(self._variables)}

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the slots for the trainable variables. Done by the first step; again it does nothing.

        Raises ValueError if the optimizer already belongs to other variables.
        """
        if not self._variables or self._groups != self.slot_groups:
            self.extend(self._variables or variables)
        strangers = [variable.path for variable in variables if id(variable) not in self._index]
        if strangers:
            raise ValueError(
                f"{self.name} already belongs to other variables and does not know {', '.join(strangers)}; "
                "compile the model with a new optimizer"
            )

    def extend(self, variables: Sequence[Variable]) -> None:
        """Makes slots for those of the variables that have none: weights of the same model that became trainable.

        The slots are then in the order of `variables`; those of others come last.
        """
        known = {id(variable): slots for variable, slots in zip(self._variables, self._slots, strict=True)}
        given = {id(variable) for variable in variables}
        self._variables = [*variables, *(variable for variable in self._variables if id(variable) not in given)]
        self._groups, names = self.slot_groups, self.slot_names
        self._slots = []
        for variable in self._variables:
            had = known.get(id(variable), {})
            self._slots.append({name: had[name] if name in had else self.new_slot(name, variable) for name in names})
        self._index = {id(variable): index for index, variable in enumerate(self._variables)}

    def knows(self, variables: Iterable[Variable]) -> bool:
        """Whether all of the variables have slots."""
        index = self._index
        return all(id(variable) in index for variable in variables)

    def slots_of(self, variable: Variable) -> dict[str, Float32]:
        """The slots of one of its variables, by name."""
        return self._slots[self._index[id(variable)]]

    def slot_order(self) -> list[str]:
        """``<index>/<slot>``, with the index of the variable, for each slot in Keras's order."""
        numbers = range(len(self._variables))
        return [f"{index}/{name}" for group in self._groups for index in numbers for name in group]

    def _slot(self, key: str) -> Float32:
        index, _, name = key.partition("/")
        return self._slots[int(index)][name]
