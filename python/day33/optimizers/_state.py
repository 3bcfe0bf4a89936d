"""The state of an optimizer, as arrays by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._options import Option
from ._own_variables import OwnVariables

if TYPE_CHECKING:
    from .._native import Float32


class Stateful(OwnVariables):
    """Steps done, learning rate, slots and own variables: what a later run needs to go on with the same bits."""

    _rate: float | Callable[[int], float]
    use_ema: Option[bool]

    def __init__(self) -> None:
        super().__init__()
        self._averages_in_place = False
        self._steps = 0  # calls of `apply`, whether they updated or only added gradients up

    def derived_numbers(self) -> list[float]:
        """Numbers that follow from the steps done, which Keras's files have behind the slots; for subclasses."""
        return []

    def get_state(self) -> dict[str, NDArray[Any]]:
        """What a later run needs to go on with the same bits, as arrays by name.

        Names are ``iterations`` (of steps); ``learning_rate``, unless a schedule gives it; ``averages_in_place``, with
        `use_ema`; ``<index>/<slot>`` with the index of the trainable variable, so that they do not depend on automatic
        layer names; and ``own/<index>`` for variables that a subclass made.
        """
        state: dict[str, NDArray[Any]] = {"iterations": np.array(self._steps, np.int64)}
        if not callable(self._rate):
            state["learning_rate"] = np.array(self._rate, np.float64)
        if self.use_ema:
            state["averages_in_place"] = np.array(self._averages_in_place, np.int64)
        return state | {key: array.copy() for key, array in self._state_arrays().items()}

    def _state_arrays(self) -> dict[str, Float32]:
        own = {f"own/{number}": variable.value for number, variable in enumerate(self.own_variables)}
        return {key: self._slot(key) for key in self.slot_order()} | own

    def check_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """ValueError where `set_state` could not take `state`: its names, shapes or numbers do not fit."""
        arrays = self._state_arrays()
        scalars = ["iterations"]
        if not callable(self._rate):
            scalars.append("learning_rate")
        if self.use_ema:
            scalars.append("averages_in_place")
        differing = state.keys() ^ {*scalars, *arrays}
        if differing:
            raise ValueError(
                f"the state does not fit {self.name}, built for {len(self._variables)} variables: "
                f"only one side has {', '.join(sorted(differing))}"
            )
        for key in scalars:
            if state[key].shape != () or state[key].dtype.kind not in "iuf":
                raise ValueError(f"the state does not fit {self.name}: {key} is not a number")
            if not 0 <= state[key] < 2**63:
                raise ValueError(f"the state does not fit {self.name}: {key} is {state[key]}; expected at least 0")
        for key, slot in arrays.items():
            if state[key].shape != slot.shape or state[key].dtype != np.float32:
                raise ValueError(
                    f"the state does not fit {self.name}: {key} is {state[key].dtype} of shape {state[key].shape}, "
                    f"expected float32 of shape {slot.shape}"
                )

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Restores what `get_state` gave. Call ``build(model.trainable_variables)`` first on a new optimizer.

        Raises ValueError if names, shapes or numbers do not fit this optimizer; it is unchanged then.
        """
        self.check_state(state)
        for key in self.slot_order():
            self._slot(key)[...] = state[key]
        for number, variable in enumerate(self.own_variables):
            variable.assign(state[f"own/{number}"])
        self._steps = int(state["iterations"])
        if not callable(self._rate):
            self._rate = float(state["learning_rate"])
        self._averages_in_place = self.use_ema and bool(state["averages_in_place"])
