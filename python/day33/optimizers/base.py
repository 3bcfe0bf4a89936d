"""What every optimizer shares: the learning rate, clipping, weight decay, slots and their state."""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .schedules import LearningRateSchedule

if TYPE_CHECKING:
    from .._core.variables import Variable
    from .._native import Float32

LearningRate = float | LearningRateSchedule | Callable[..., float]


class Optimizer(ABC):
    """Base of the optimizers. A step is `apply`: clip the gradients, decay the weights, update in native code.

    Args:
        learning_rate: a float, or a callable of the number of steps done (a `LearningRateSchedule`).
        weight_decay: if set, every step first takes ``weight_decay * learning_rate`` times the weights off them.
        clipnorm: upper bound for the L2 norm of each gradient.
        clipvalue: bound for the magnitude of each gradient's entries.
        global_clipnorm: upper bound for the L2 norm of all gradients together.
        name: for messages.

    Raises:
        ValueError: more than one kind of clipping, or a negative bound.
    """

    slot_names: tuple[str, ...] = ()  # one float32 array of the variable's shape each

    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ) -> None:
        clipping = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = {key: value for key, value in clipping.items() if value is not None}
        if len(given) > 1:
            raise ValueError(f"expected at most one of clipnorm, clipvalue and global_clipnorm, got {given}")
        for key, value in given.items():
            if not value > 0:
                raise ValueError(f"{key} is {value}; expected a number above 0")
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.name = name or type(self).__name__.lower()
        self.iterations = 0
        self._rate = _checked_rate(learning_rate)
        self._variables: list[Variable] = []
        self._slots: list[tuple[Float32, ...]] = []
        self._index: dict[int, int] = {}

    @property
    def learning_rate(self) -> float:
        """The rate of the next step. Set a float to change it; refused (TypeError) where a schedule decides."""
        return self._rate(self.iterations) if callable(self._rate) else self._rate

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        if callable(self._rate) and not callable(value):
            raise TypeError("the learning rate of this optimizer comes from a schedule and cannot be set to a number")
        self._rate = _checked_rate(value)

    @property
    def schedule(self) -> Callable[[int], float] | None:
        """What the learning rate of a step comes from, called with the number of steps done; None for a fixed rate."""
        return self._rate if callable(self._rate) else None

    @property
    def variables(self) -> list[Float32]:
        """The slot arrays, those of one variable together, in the order of the trainable variables."""
        return [slot for slots in self._slots for slot in slots]

    # The index goes by identity, so a copy or a pickle makes its own.
    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_index"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._index = {id(variable): index for index, variable in enumerate(self._variables)}

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots, zero-filled, for the trainable variables. Done by the first step; again it does nothing.

        Raises ValueError if the optimizer already belongs to other variables.
        """
        if not self._variables:
            self._variables = list(variables)
            self._index = {id(variable): index for index, variable in enumerate(self._variables)}
            self._slots = [
                tuple(np.zeros(variable.shape, np.float32) for _ in self.slot_names) for variable in self._variables
            ]
        strangers = [variable.path for variable in variables if id(variable) not in self._index]
        if strangers:
            raise ValueError(
                f"{self.name} already belongs to other variables and does not know {', '.join(strangers)}; "
                "compile the model with a new optimizer"
            )

    def apply(self, gradients: Sequence[Float32], variables: Sequence[Variable]) -> None:
        """One step in place. `gradients` may be overwritten (clipping).

        Args:
            gradients: one float32 array a variable, of its shape.
            variables: trainable variables; the first call builds the slots for them.
        """
        index = self._index
        if not index or any(id(variable) not in index for variable in variables):
            self.build(variables)
            index = self._index
        rate = self.learning_rate
        self._clip(gradients)
        if self.weight_decay:
            keep = np.float32(1.0 - self.weight_decay * rate)
            for variable in variables:
                variable.parameter.assign(variable.parameter.view() * keep)
        step = self.iterations + 1
        slots = self._slots
        for gradient, variable in zip(gradients, variables, strict=True):
            self._update(variable.parameter, gradient, slots[index[id(variable)]], rate, step)
        self.iterations = step

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Float32, Variable]]) -> None:
        """`apply` for pairs of gradient and variable."""
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])

    @abstractmethod
    def _update(self, parameter: Any, gradient: Float32, slots: tuple[Float32, ...], rate: float, step: int) -> None:
        """Update one native parameter and its slots. `step` counts from 1."""

    def _clip(self, gradients: Sequence[Float32]) -> None:
        if self.clipnorm is not None:
            for gradient in gradients:
                norm = math.sqrt(_sum_of_squares(gradient))
                if not norm <= self.clipnorm:
                    gradient *= np.float32(self.clipnorm / norm)
        elif self.global_clipnorm is not None:
            norm = math.sqrt(math.fsum(_sum_of_squares(gradient) for gradient in gradients))
            if not norm <= self.global_clipnorm:
                # As in Keras, one NaN or infinity makes every gradient NaN.
                scale = np.float32(self.global_clipnorm / norm if math.isfinite(norm) else math.nan)
                for gradient in gradients:
                    gradient *= scale
        elif self.clipvalue is not None:
            for gradient in gradients:
                np.clip(gradient, -self.clipvalue, self.clipvalue, out=gradient)

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Everything a later run needs to go on with the same bits, as arrays by name.

        Names are ``iterations``, ``learning_rate`` (unless a schedule gives it) and ``<index>/<slot>`` with the index
        of the trainable variable, so that they do not depend on automatic layer names.
        """
        state: dict[str, NDArray[Any]] = {"iterations": np.array(self.iterations, np.int64)}
        if not callable(self._rate):
            state["learning_rate"] = np.array(self._rate, np.float64)
        for index, slots in enumerate(self._slots):
            for name, slot in zip(self.slot_names, slots, strict=True):
                state[f"{index}/{name}"] = slot.copy()
        return state

    def check_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """ValueError where `set_state` could not take `state`: its names, shapes or numbers do not fit."""
        slot_keys = self._slot_keys()
        scalars = ["iterations"] if callable(self._rate) else ["iterations", "learning_rate"]
        differing = state.keys() ^ {*scalars, *slot_keys}
        if differing:
            raise ValueError(
                f"the state does not fit {self.name}, built for {len(self._slots)} variables: "
                f"only one side has {', '.join(sorted(differing))}"
            )
        for key in scalars:
            if state[key].shape != () or state[key].dtype.kind not in "iuf":
                raise ValueError(f"the state does not fit {self.name}: {key} is not a number")
            if not 0 <= state[key] < 2**63:
                raise ValueError(f"the state does not fit {self.name}: {key} is {state[key]}; expected at least 0")
        for key in slot_keys:
            slot = self._slot(key)
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
        for key in self._slot_keys():
            self._slot(key)[...] = state[key]
        self.iterations = int(state["iterations"])
        if not callable(self._rate):
            self._rate = float(state["learning_rate"])

    def _slot_keys(self) -> list[str]:
        return [f"{index}/{name}" for index in range(len(self._slots)) for name in self.slot_names]

    def _slot(self, key: str) -> Float32:
        index, name = key.split("/")
        return self._slots[int(index)][self.slot_names.index(name)]


def _checked_rate(value: Any) -> float | Callable[[int], float]:
    if callable(value):
        try:
            takes_step = len(inspect.signature(value).parameters) > 0
        except (TypeError, ValueError):  # builtins without a signature
            takes_step = True
        return value if takes_step else lambda _step: value()
    try:
        rate = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"learning_rate is {value!r}; expected a float or a callable of the step") from None
    if not rate >= 0:
        raise ValueError(f"learning_rate is {rate}; expected a number of at least 0")
    return rate


def _sum_of_squares(gradient: Float32) -> float:
    # NumPy's pairwise sum, not a BLAS dot: the same bits with any number of threads.
    return float(np.sum(np.square(gradient, dtype=np.float64)))
