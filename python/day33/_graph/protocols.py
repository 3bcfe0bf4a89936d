"""What graphs ask of the layers in them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from .._core.variables import Variable
from .staging import PlanWriters

if TYPE_CHECKING:
    from .tensors import SymbolicTensor


class CalledLayer(Protocol):
    """A layer as a graph sees it. Shapes have the batch first; several of them are a list."""

    name: str
    acts_in_training_only: bool
    takes_states: bool

    @property
    def weights(self) -> list[Variable]: ...
    def is_composite(self) -> bool: ...
    def sublayers(self) -> Sequence[CalledLayer]: ...
    def walk(self) -> Iterator[CalledLayer]: ...
    def get_config(self) -> dict[str, Any]: ...
    @property
    def activity_regularizer(self) -> Any: ...
    def call_graph(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The `Graph` of a call, made of calls of other layers and functions; None for a layer of native ops."""
        ...

    def outputs_for(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[SymbolicTensor]:
        """Fresh outputs of a call on tensors whose sizes are all known."""
        ...

    def moving_variables(self) -> Sequence[Variable]:
        """Those that a run in training changes, and inference reads."""
        ...

    def mode_key(self) -> tuple[Hashable, ...]:
        """What plans with the layer depend on besides shapes."""
        ...

    def compute_output_shape(self, input_shape: Any) -> Any: ...
    def lower_call(self, lowering: PlanWriters, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
        """Writes one call into a plan: `arguments` hold tensors of the plan, nested as in the call."""
        ...

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int: ...
    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None: ...
    def enlarges(self, axis: int) -> int: ...
