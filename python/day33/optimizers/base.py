"""What every optimizer shares: the learning rate, clipping, weight decay, slots and their state."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_float32, needs_no_conversion
from .schedules import LearningRateSchedule

if TYPE_CHECKING:
    from .._core.variables import Variable
    from .._native import Float32

LearningRate = float | LearningRateSchedule | Callable[..., float]


class Optimizer:
    """Base of the optimizers. A step is `apply`: clip the gradients, decay the weights, update in native code.

    An optimizer of your own subclasses one of day33's, or this class, and overrides `apply_gradients`, `apply` or
    `update_step`, which a model's steps go through in this order.

    Args:
        learning_rate: a float, or a callable of the number of steps done (a `LearningRateSchedule`).
        weight_decay: if set, every step first takes ``weight_decay * learning_rate`` times the weights off them.
        clipnorm: upper bound for the L2 norm of each gradient; 0 for none, as in Keras.
        clipvalue: bound for the magnitude of each gradient's entries; 0 for none.
        global_clipnorm: upper bound for the L2 norm of all gradients together; 0 for none.
        name: for messages.

    Attributes:
        iterations: the number of steps done.

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
            raise ValueError(
                f"{' and '.join(given)} are given; expected at most one of clipnorm, clipvalue and global_clipnorm"
            )
        for key, value in given.items():
            if not value >= 0:
                raise ValueError(f"{key} is {value}; expected a number of at least 0")
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

    def __repr__(self) -> str:
        state = f"learning rate {self.learning_rate:.4g}, {self.iterations} steps done"
        return f"<{type(self).__name__} {self.name!r}: {state}>"

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
    def lr(self) -> float:
        """The same as `learning_rate`, under its name in Keras 2."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: LearningRate) -> None:
        self.learning_rate = value

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
        """Makes the slots, zero-filled, for the trainable variables. Done by the first step; again it does nothing.

        Raises ValueError if the optimizer already belongs to other variables.
        """
        if not self._variables:
            self.extend(variables)
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
        self._slots = [
            known.get(id(variable)) or tuple(np.zeros(variable.shape, np.float32) for _ in self.slot_names)
            for variable in self._variables
        ]
        self._index = {id(variable): index for index, variable in enumerate(self._variables)}

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that have slots, in their order; none before the first step."""
        return list(self._variables)

    def knows(self, variables: Iterable[Variable]) -> bool:
        """Whether all of the variables have slots."""
        index = self._index
        return all(id(variable) in index for variable in variables)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Float32, Variable]]) -> int:
        """`apply` for pairs of gradient and variable. Returns the number of steps done."""
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self.iterations

    def apply(self, grads: Sequence[Float32], trainable_variables: Sequence[Variable] | None = None) -> None:
        """One step in place. `grads` may be overwritten (clipping).

        Args:
            grads: one float32 array per variable, of its shape.
            trainable_variables: the first call builds the slots for them; those of `build` by default.

        Raises ValueError if the optimizer belongs to other variables, or to none yet and none are given.
        """
        variables = self._variables if trainable_variables is None else trainable_variables
        if not variables and trainable_variables is None:
            raise ValueError(f"{self.name} belongs to no variables yet; expected trainable_variables, or build first")
        if not self._index or not self.knows(variables):
            self.build(variables)
        rate = self.learning_rate
        self._clip(grads)
        if self.weight_decay:
            keep = np.float32(1.0 - self.weight_decay * rate)
            for variable in variables:
                variable.parameter.assign(variable.parameter.view() * keep)
        for gradient, variable in zip(grads, variables, strict=True):
            self.update_step(gradient, variable, rate)
        self.iterations += 1

    def update_step(self, gradient: Float32, variable: Variable, learning_rate: float) -> None:
        """Updates one variable and its slots.

        Args:
            gradient: of the variable's shape.
            variable: one that the optimizer was built for.
            learning_rate: that of this step.
        """
        if not needs_no_conversion(gradient):  # the name for a message is made only where one may be due
            gradient = as_float32(f"gradient of variable {variable.path!r}", gradient)
        self._update(
            variable.parameter,
            gradient,
            self._slots[self._index[id(variable)]],
            learning_rate,
            self.iterations + 1,
        )

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Called with the trainable variables when a `fit` ends; does nothing here."""

    def _update(self, parameter: Any, gradient: Float32, slots: tuple[Float32, ...], rate: float, step: int) -> None:
        """Updates one native parameter and its slots. `step` counts from 1."""
        raise TypeError(f"{type(self).__name__} defines no rule; override update_step in the subclass")

    def _clip(self, gradients: Sequence[Float32]) -> None:
        if self.clipnorm:
            for gradient in gradients:
                norm = math.sqrt(_sum_of_squares(gradient))
                if not norm <= self.clipnorm:
                    gradient *= np.float32(self.clipnorm / norm)
        elif self.global_clipnorm:
            norm = math.sqrt(math.fsum(_sum_of_squares(gradient) for gradient in gradients))
            if not norm <= self.global_clipnorm:
                # As in Keras, one NaN or infinity makes every gradient NaN.
                scale = np.float32(self.global_clipnorm / norm if math.isfinite(norm) else math.nan)
                for gradient in gradients:
                    gradient *= scale
        elif self.clipvalue:
            for gradient in gradients:
                np.clip(gradient, -self.clipvalue, self.clipvalue, out=gradient)

    def get_state(self) -> dict[str, NDArray[Any]]:
        """What a later run needs to go on with the same bits, as arrays by name.

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
