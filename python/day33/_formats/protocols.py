"""What the formats ask of the layers and models that they read and write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeGuard

from numpy.typing import NDArray

from .._core.variables import Variable
from .._graph.graph import Graph
from ..optimizers import Optimizer


class SavedLayer(Protocol):
    """A layer, as far as its weights go. See `day33.layers.Layer`."""

    name: str
    built: bool
    named_by_user: bool
    variable_group: str

    array_names: tuple[str, ...]

    def own_variables(self) -> list[Variable]: ...
    def saved_arrays(self) -> dict[str, NDArray[Any]]: ...
    def restore(self, arrays: Mapping[str, NDArray[Any]], lines: Sequence[str] | None) -> None: ...
    def saved_children(self) -> list[tuple[str, Any]]: ...

    @property
    def weights(self) -> list[Variable]: ...
    @property
    def trainable_weights(self) -> list[Variable]: ...
    @property
    def non_trainable_weights(self) -> list[Variable]: ...
    def name_stem(self) -> str: ...
    def sublayers(self) -> Sequence[SavedLayer]: ...
    def walk(self) -> Iterator[SavedLayer]: ...
    def known_to_keras(self) -> bool: ...


class SavedModel(SavedLayer, Protocol):
    """A model, as far as files go. See `day33.models.Model`."""

    optimizer: Optimizer | None

    @property
    def layers(self) -> Sequence[SavedLayer]: ...
    @property
    def trainable_variables(self) -> list[Variable]: ...
    @property
    def compile_arguments(self) -> Mapping[str, Any] | None: ...
    def compile(
        self, optimizer: Any, loss: Any = None, loss_weights: Any = None, metrics: Any = None,
        weighted_metrics: Any = None,
    ) -> None: ...  # fmt: skip
    def build(self, input_shape: Any = None) -> None: ...
    def known_graph(self) -> Graph: ...
    def predict(self, x: Any, *, verbose: str | int = "auto") -> Any: ...
    def keras_class(self) -> tuple[str, str, str | None]: ...
    def saved_config(self) -> dict[str, Any]: ...
    def get_config(self) -> dict[str, Any]: ...


def is_layer(value: object) -> TypeGuard[SavedLayer]:
    """Whether an attribute of a layer is a layer."""
    return hasattr(value, "saved_children")


def is_model(layer: object) -> bool:
    """Whether a layer is a model."""
    return hasattr(layer, "known_graph")
