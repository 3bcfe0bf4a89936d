"""What graphs ask of the layers in them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Protocol

from .._core.variables import Variable
from .staging import PlanWriters


class CalledLayer(Protocol):
    """A layer as a graph sees it. Shapes have the batch first; several of them are a list."""

    name: str
    acts_in_training_only: bool
    takes_states: bool
    call_options: tuple[str, ...]

    @property
    def training_by_default(self) -> bool | None:
        """The mode of a call that says none, inside of calls that do not either; None for no mode of its own."""
        ...

    @property
    def weights(self) -> list[Variable]: ...
    def is_composite(self) -> bool: ...
    def sublayers(self) -> Sequence[CalledLayer]: ...
    def walk(self) -> Iterator[CalledLayer]: ...
    def get_config(self) -> dict[str, Any]: ...
    @property
    def activity_regularizer(self) -> Any: ...
    def adds_losses(self) -> bool: ...
    def call_graph(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The `Graph` of a call, made of calls of other layers and functions; None for a layer of native ops."""
        ...

    def outputs_for(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Fresh symbolic outputs of a call on tensors whose sizes are all known."""
        ...

    def moving_variables(self) -> Sequence[Variable]:
        """Those that a run in training changes, and inference reads."""
        ...

    def mode_key(self) -> tuple[Hashable, ...]:
        """What plans with the layer depend on besides shapes."""
        ...

    @property
    def compute_output_shape(self) -> Callable[..., Any]:
        """Takes the shape or shapes of the input, and those arguments of the call that `call_options` names."""
        ...

    def lower_call(self, lowering: PlanWriters, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
        """Writes one call into a plan: `arguments` hold tensors of the plan, nested as in the call."""
        ...

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int: ...
    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None: ...
    def enlarges(self, axis: int) -> int: ...
