"""What graphs ask of the layers in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from .._core.variables import Variable
from .staging import PlanWriters


class CalledLayer(Protocol):
    """A layer as a graph sees it. Shapes have the batch first; several of them are a list."""

    name: str
    acts_in_training_only: bool
    takes_states: bool

    @property
    def weights(self) -> list[Variable]: ...
    def sublayers(self) -> Sequence[CalledLayer]: ...
    def walk(self) -> Iterator[CalledLayer]: ...
    def get_config(self) -> dict[str, Any]: ...
    def compute_output_shape(self, input_shape: Any) -> Any: ...
    def lower_call(self, lowering: PlanWriters, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
        """Writes one call into a plan: `arguments` hold tensors of the plan, nested as in the call."""
        ...

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int: ...
    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None: ...
    def enlarges(self, axis: int) -> int: ...
