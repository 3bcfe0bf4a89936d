"""Functions in graphs: ops without weights or state, which `day33.ops` puts between symbolic tensors.

A `Function` stands where a layer stands in a `Node`. Its attributes are its configuration; its arguments are tensors:
results of other nodes, or sources, which are variables and constants. Shapes and axes are those of whole arrays, batch
first. Plans know one sample; `emit` is told how many leading axes their tensors lack (`first`: 1, or 0 where the whole
array is the one sample).
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from .._core.types import Shape
from .._core.variables import Variable
from .._native import PlanBuilder


@dataclass(frozen=True)
class Spec:
    """Shape (batch first, None where unknown) and dtype of a value."""

    shape: Shape
    dtype: str = "float32"


def known_shape(spec: Spec) -> tuple[int, ...]:
    """A shape of which every size is known."""
    assert None not in spec.shape
    return tuple(size or 0 for size in spec.shape)


@dataclass(frozen=True)
class Given:
    """An argument of a function, for the question whether samples stay apart.

    Attributes:
        shape: of the whole array.
        batched: whether its first axis is the batch.
    """

    shape: Shape
    batched: bool


class Operand(Protocol):
    """An argument of a function in a plan that is being written.

    Attributes:
        shape: of the plan's tensor.
        dtype: of it.
        tensor: its number in the plan.
        slot: of the parameter that holds it, where it is the same for all samples; None elsewhere.
        number: its value, where it is one number known now; None elsewhere.
        value: its values, where they never change; None elsewhere.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def tensor(self) -> int: ...
    @property
    def slot(self) -> int | None: ...
    @property
    def number(self) -> float | None: ...
    @property
    def value(self) -> NDArray[np.float32] | None: ...


class Writer(Protocol):
    """A plan that is being written (`lowering.py`), as functions and sources see it."""

    builder: PlanBuilder

    def shape(self, tensor: int) -> tuple[int, ...]: ...
    def dtype(self, tensor: int) -> str: ...
    def set_dtype(self, tensor: int, dtype: str) -> None: ...
    def constant(self, value: Any) -> int: ...
    def op_seed(self, seed: int | None) -> int: ...


class Values(Protocol):
    """Values of which plans are made, as nodes see them."""

    def share(self, source: Source) -> int: ...
    def apply(self, function: Function, inputs: Sequence[int]) -> list[int]: ...


class Called:
    """What graphs ask of a layer, answered for what has no weights and nothing inside."""

    name: str
    acts_in_training_only = False
    takes_states = False
    call_options: tuple[str, ...] = ()
    training_by_default: bool | None = None
    activity_regularizer = None

    @property
    def weights(self) -> list[Variable]:
        return []

    def is_composite(self) -> bool:
        return False

    def sublayers(self) -> Sequence[Any]:
        return ()

    def walk(self) -> Iterator[Any]:
        return iter((self,))

    def get_config(self) -> dict[str, Any]:
        return {}

    def mode_key(self) -> tuple[Hashable, ...]:
        return ()

    def adds_losses(self) -> bool:
        return False

    def call_graph(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        return None

    def outputs_for(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        raise TypeError("a function is no layer")

    def moving_variables(self) -> Sequence[Variable]:
        return ()

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        return 0

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return None

    def enlarges(self, axis: int) -> int:
        return 1


class Source(Called, abc.ABC):
    """A value that is no result: the same for all samples.

    Attributes:
        value: its values, where they never change; None elsewhere.
    """

    value: NDArray[np.float32] | None = None

    @abc.abstractmethod
    def key(self) -> Hashable:
        """What tells it from other sources."""

    @abc.abstractmethod
    def spec(self) -> Spec:
        """Its shape and dtype."""

    @abc.abstractmethod
    def variable(self) -> Variable:
        """What holds its values in a plan."""

    @property
    def number(self) -> float | None:
        """Its value, where it is one number that never changes."""
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.spec().shape

    def lower_call(self, lowering: Values, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
        return [lowering.share(self)]


class VariableSource(Source):
    """A variable, whose gradient may be wanted."""

    def __init__(self, variable: Variable) -> None:
        self.name = variable.name
        self._variable = variable

    def key(self) -> Hashable:
        return "variable", id(self._variable)

    def spec(self) -> Spec:
        return Spec(self._variable.shape)

    def variable(self) -> Variable:
        return self._variable


class ConstantSource(Source):
    """An array that does not change."""

    name = "constant"

    def __init__(self, value: Any) -> None:
        array = np.asarray(value)
        kind = array.dtype.kind
        if kind not in "fiub":
            raise TypeError(f"a constant has dtype {array.dtype} and shape {array.shape}; expected real numbers")
        self.dtype = {"f": "float32", "b": "bool"}.get(kind, "int32")
        values = np.array(array, np.float32)
        values.flags.writeable = False
        self.value: NDArray[np.float32] = values
        self._variable: Variable | None = None

    def key(self) -> Hashable:
        return "constant", self.dtype, self.value.shape, self.value.tobytes()

    def spec(self) -> Spec:
        return Spec(self.value.shape, self.dtype)

    def variable(self) -> Variable:
        if self._variable is None:
            self._variable = Variable(self.value, trainable=False, name="constant")
        return self._variable

    @property
    def number(self) -> float | None:
        return float(self.value) if self.value.ndim == 0 else None


class Function(Called, abc.ABC):
    """An op without weights. Subclasses are frozen dataclasses, whose fields are the configuration."""

    keras_name: ClassVar[str]  # the class of Keras's operation; empty where Keras has none
    keras_module: ClassVar[str] = "numpy"  # of keras.src.ops
    # How many of the first arguments consist of samples always, while all others are the same for each of them, as the
    # kernel of a convolution is. 0 where arguments may be either.
    samples: ClassVar[int] = 0
    # Whether no gradient goes through, as of `stop_gradient`.
    stops_gradient: ClassVar[bool] = False
    name = ""

    @abc.abstractmethod
    def infer(self, *given: Spec) -> Spec | tuple[Spec, ...]:
        """Shape and dtype of the result, or of each. ValueError, TypeError for what does not fit."""

    @abc.abstractmethod
    def keeps_samples(self, *given: Given) -> bool:
        """Whether each sample of the result comes from the same sample of the batched arguments alone.

        Args:
            given: at least one is batched.
        """

    @abc.abstractmethod
    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        """Writes the op into a plan.

        Args:
            plan: with a builder.
            operands: the arguments.
            first: how many leading axes the plan's tensors lack.

        Returns:
            The plan's tensors for the results.
        """

    def full_reduction(self, rank: int) -> str | None:
        """ "mean" or "sum" where it reduces all axes of its argument, of that rank, to a scalar; None elsewhere."""
        return None

    def penalty_kind(self) -> str | None:
        """ "abs" or "square" where it is that of each element; None elsewhere."""
        return None

    def linear_in(self, numbers: list[float | None]) -> tuple[list[float], float] | None:
        """Factors of the arguments and a constant where the function is linear; None elsewhere.

        Args:
            numbers: the value of each argument that is a known number; its factor is 0.
        """
        return None

    def specs(self, given: Sequence[Spec]) -> tuple[Spec, ...]:
        """`infer` as a tuple."""
        found = self.infer(*given)
        return found if isinstance(found, tuple) else (found,)

    def key(self) -> Hashable:
        """What the function computes."""
        known: Hashable = self.__dict__.get("_key")
        if known is None:
            known = type(self).__name__, *(getattr(self, field.name) for field in dataclasses.fields(self))  # type: ignore[arg-type]
            self.__dict__["_key"] = known
        return known

    def get_config(self) -> dict[str, Any]:
        """The arguments of Keras's operation: the fields but for `kind`, which its class says."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if name != "kind"
        }

    def keras_call(self, arguments: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """What Keras's operation is called with: positional arguments, and those by name."""
        return list(arguments), {}

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = [input_shape] if not input_shape or not isinstance(input_shape[0], tuple | list) else input_shape
        found = [spec.shape for spec in self.specs([Spec(tuple(shape)) for shape in shapes])]
        return found[0] if len(found) == 1 else found

    def lower_call(self, lowering: Values, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
        return lowering.apply(self, list(arguments))
