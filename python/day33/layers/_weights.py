"""What a layer is as an owner of weights: its variables, those of the layers inside, and what is trainable."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .. import constraints, initializers, regularizers
from .._core import variables
from .._core.arrays import as_float32
from .._core.variables import Variable
from .._graph import limits, names

if TYPE_CHECKING:
    from .._native import Float32


# Attributes in which an owner keeps its own books: no layers are looked for there.
_BOOKS = frozenset({"_nodes", "_non_trainable_variables", "_plans", "_traces", "_trainable_variables"})


class WeightOwner:
    """Variables of its own, and other owners as attributes. Base class of `Layer`."""

    name: str
    built: bool

    def __init__(self, trainable: bool) -> None:
        self._path: str | None = None
        self._trainable = trainable
        self._trainable_variables: list[Variable] = []
        self._non_trainable_variables: list[Variable] = []

    def add_weight(
        self, shape: Sequence[int] = (), initializer: initializers.InitializerLike | None = None, *,
        dtype: object = None, trainable: bool = True, name: str | None = None,
        regularizer: regularizers.RegularizerLike = None, constraint: constraints.ConstraintLike = None,
    ) -> Variable:  # fmt: skip
        """Makes a variable of this layer.

        Args:
            shape: of the variable; known sizes only.
            initializer: see `day33.initializers`; glorot_uniform by default.
            dtype: None or "float32".
            trainable: whether an optimizer may change it.
            name: the last part of its path, "variable" by default.
            regularizer: what training adds to the loss for its values while it is trainable, see `day33.regularizers`.
            constraint: what its values are replaced by after each update, see `day33.constraints`.

        Returns:
            The variable.

        Raises:
            ValueError: another dtype, an unknown or negative size, or an initializer that gives another shape.
        """
        if dtype_name(dtype) not in (None, "float32"):
            raise ValueError(f"dtype of weight {name!r} is {dtype!r}; day33 computes in float32 only")
        for size in shape:
            if size is None or size < 0:
                raise ValueError(f"shape of weight {name!r} of layer {self.name!r} is {tuple(shape)}; expected sizes")
        limit = limits.current()
        if limit is None:
            value = as_float32(
                f"initial value of weight {name!r} of layer {self.name!r}",
                initializers.get(initializer or "glorot_uniform")(tuple(shape), dtype="float32"),
            )
        else:
            if not limit.take_values(math.prod(shape)):
                raise ValueError(
                    f"weight {name!r} of layer {self.name!r} has shape {tuple(shape)}, more than the file holds"
                )
            value = np.zeros(tuple(shape), np.float32)
        if value.shape != tuple(shape):
            raise ValueError(
                f"the initializer of weight {name!r} of layer {self.name!r} gave shape {value.shape}; "
                f"expected {tuple(shape)}"
            )
        name = name or "variable"
        variable = Variable(
            value, trainable=trainable and self.trainable, name=name, path=f"{self.path}/{name}",
            regularizer=regularizers.get(regularizer), constraint=constraints.get(constraint),
        )  # fmt: skip
        (self._trainable_variables if trainable else self._non_trainable_variables).append(variable)
        return variable

    @property
    def path(self) -> str:
        """The names of the layers that it was built inside, and its own, with "/" between them."""
        return self._path or "/".join([*names.scope(), self.name])

    def own_variables(self) -> list[Variable]:
        """Its variables without those of the layers inside: the trainable ones first."""
        return self._trainable_variables + self._non_trainable_variables

    def sublayers(self) -> list[Any]:
        """The layers kept as attributes, also in lists, tuples and dicts, in the order they were set."""
        kept = [value for name, value in vars(self).items() if name not in _BOOKS]
        return [layer for layer in find_layers(kept) if layer is not self]

    def walk(self) -> Iterator[Any]:
        """This layer and every layer inside it, each once."""
        seen: set[WeightOwner] = set()
        pending = [self]
        while pending:
            layer = pending.pop()
            if layer not in seen:
                seen.add(layer)
                yield layer
                pending.extend(reversed(layer.sublayers()))

    @property
    def weights(self) -> list[Variable]:
        """Every variable: of each layer its trainable ones first, then its others."""
        found: dict[Variable, None] = {}
        for layer in self.walk():
            found.update(dict.fromkeys(layer.own_variables()))
        return list(found)

    @property
    def variables(self) -> list[Variable]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The variables that training changes."""
        return [variable for variable in self.weights if variable.trainable] if self.trainable else []

    @property
    def trainable_variables(self) -> list[Variable]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The variables that training leaves as they are."""
        return [variable for variable in self.weights if not (variable.trainable and self.trainable)]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights. Setting it sets it for all layers inside as well."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in list(self.walk()):
            layer._trainable = bool(value)
            for variable in layer._trainable_variables:
                variable.trainable = bool(value)
        variables.modes_changed()

    def get_weights(self) -> list[Float32]:
        """Copies, in the order of `weights`."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Replaces the values of all weights.

        Args:
            weights: arrays in the order of `weights`, of the same shapes.

        Raises:
            ValueError: another number of arrays, or another shape. Nothing is written then.
        """
        own = self.weights
        if len(weights) != len(own):
            raise ValueError(
                f"set_weights of layer {self.name!r} was given {len(weights)} arrays; expected {len(own)}, of shapes "
                f"{[variable.shape for variable in own]}"
            )
        arrays = [as_float32(f"weight {i} ({v.path})", w) for i, (v, w) in enumerate(zip(own, weights, strict=True))]
        for number, (variable, array) in enumerate(zip(own, arrays, strict=True)):
            if array.shape != variable.shape:
                raise ValueError(
                    f"set_weights of layer {self.name!r}: weight {number} ({variable.path}) has shape {array.shape}; "
                    f"expected {variable.shape}"
                )
        for variable, array in zip(own, arrays, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """The number of values in all weights.

        Raises:
            ValueError: the layer is not built.
        """
        if not self.built:
            raise ValueError(f"layer {self.name!r} is not built yet, so it has no weights to count; call it first")
        return sum(variable.size for variable in self.weights)


def find_layers(value: Any) -> list[WeightOwner]:
    """The layers in `value`, also in nested lists, tuples and dicts, each once, in order."""
    found: dict[WeightOwner, None] = {}
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, WeightOwner):
            found.setdefault(item)
        elif isinstance(item, list | tuple):
            pending.extend(reversed(item))
        elif isinstance(item, dict):
            pending.extend(reversed(list(item.values())))
    return list(found)


def dtype_name(dtype: object) -> object:
    if isinstance(dtype, Mapping):  # a dtype policy as Keras writes it
        return dtype.get("config", {}).get("name")
    if dtype is None or isinstance(dtype, str):
        return dtype
    return getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)
