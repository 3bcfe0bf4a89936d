"""`Sequential`: layers one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, cast

from numpy.typing import NDArray

from .._core import tree
from .._core.types import Shape
from .._graph import names as _names
from .._graph import registry
from .._graph.tensors import SymbolicTensor
from ..layers import Input, InputLayer, Layer
from ..layers.serialization import layer_config, layer_from_config, one_warning
from .model import Model


class Sequential(Model):
    """Layers one after the other.

    Args:
        layers: layers, or an `Input` first. Without a known input shape the model is built by its first call; later
            ones may have other sizes, as far as the layers take them. So may those of a model from a configuration,
            where Keras does not say which sizes were declared.
    """

    def __init__(
        self, layers: Iterable[Layer | SymbolicTensor] | None = None, trainable: bool = True, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self._members: list[Layer] = []
        self._tensors: list[SymbolicTensor] = []  # the input, then the output of each member, once the input is known
        self._input_is_declared = False
        self._sizes_are_open = True  # the input's shape is only what was seen
        for layer in layers or ():
            self._append(layer)
        self._refresh()
        if not trainable:
            self.trainable = False

    keras_module = "keras"

    def is_composite(self) -> bool:
        return False

    def _attributes_with_layers(self) -> dict[str, Any]:
        return {name: value for name, value in super()._attributes_with_layers().items() if name != "_members"}

    def sublayers(self) -> list[Layer]:
        return list(self._members)

    def declared_inputs(self) -> list[SymbolicTensor]:
        """The input, where it was given as an `Input` or by the first layer; otherwise none."""
        return self._tensors[:1] if self._input_is_declared else []

    def add(self, layer: Layer | SymbolicTensor, rebuild: bool = True) -> None:
        """Adds a layer at the end; an `Input` or `InputLayer` only as the first. ValueError or TypeError otherwise."""
        self._append(layer)
        self._refresh()

    def _append(self, layer: Layer | SymbolicTensor) -> None:
        if isinstance(layer, SymbolicTensor) and layer.node is not None:
            layer = cast("Layer", layer.node.layer)
        if isinstance(layer, InputLayer):
            if self._members or self._tensors:
                raise ValueError(f"model {self.name!r} has layers already; an Input can only come first")
            self._declare(layer.output)
            return
        if not isinstance(layer, Layer):
            raise TypeError(f"model {self.name!r} was given {layer!r}; expected a layer")
        if layer in self._members or any(other.name == layer.name for other in self._members):
            raise ValueError(f"model {self.name!r} has a layer named {layer.name!r} already; names must be unique")
        if not self._members and not self._tensors:
            self._start_from(layer)
        if self._tensors:
            self._extend(layer)
        self._members.append(layer)

    def pop(self, rebuild: bool = True) -> Layer | None:
        """Takes off the last layer and returns it; None if there is none."""
        if not self._members:
            return None
        layer = self._members.pop()
        if self._tensors:
            self._tensors.pop()
        if not self._members and not self._input_is_declared:
            self._tensors.clear()
        self._refresh()
        return layer

    def _start_from(self, layer: Layer) -> None:
        shape = layer.input_shape_argument
        if shape is not None:
            self._declare(Input(shape))
        elif isinstance(layer, Model) and layer._graph is not None and len(layer.inputs) == 1:
            first = layer.inputs[0]
            self._start(Input(first.shape[1:], dtype=first.dtype))

    def _declare(self, tensor: SymbolicTensor) -> None:
        self._input_is_declared, self._sizes_are_open = True, False
        self._start(tensor)

    def _taken_shapes(self) -> list[Shape]:
        shapes = super()._taken_shapes()
        return [tuple(None for _ in shape) for shape in shapes] if self._sizes_are_open else shapes

    def _start(self, tensor: SymbolicTensor) -> None:
        self._tensors = [tensor]
        for layer in self._members:
            self._extend(layer)

    def _extend(self, layer: Layer) -> None:
        names = _names.scope()
        outside = list(names)
        # The weights' paths begin with this model's name; the calls are not those of a trace all the same.
        names[:] = [*outside, self.name]
        try:
            output = layer.extend_graph((self._tensors[-1],), {})
        finally:
            names[:] = outside
        if not isinstance(output, SymbolicTensor):
            raise ValueError(f"layer {layer.name!r} has several outputs; a Sequential model takes layers with one")
        self._tensors.append(output)

    def _refresh(self) -> None:
        self._graph = None
        self.built = False
        self._forget()
        if self._tensors and self._members:
            self._set_graph(self._tensors[0], self._tensors[-1], self._added_losses)

    def _ensure_graph(self, shape: Shape, dtype: str) -> None:
        if self._graph is None:
            if not self._members:
                raise ValueError(f"model {self.name!r} has no layers; add some first")
            with self._lock:
                if self._graph is None:
                    batch = shape[0] if self.fixes_batch() else None
                    self._start(Input(batch_shape=(batch, *shape[1:]), dtype=dtype))
                    self._refresh()

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for inputs of `input_shape`, batch first."""
        if input_shape is not None:
            self._ensure_graph(tuple(input_shape), _first_dtype(self._members))
        elif self._graph is None:
            raise ValueError(f"build of model {self.name!r} needs an input_shape, batch first")

    def _placeholder(self, number: int, array: NDArray[Any]) -> SymbolicTensor:
        dtype = self.input_dtypes[0] if self._graph is not None else _first_dtype(self._members)
        batch = len(array) if self._graph is None and self.fixes_batch() else None
        return SymbolicTensor((batch, *array.shape[1:]), dtype, "input")

    def _infer(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tensors = tree.flatten(arguments)
        if len(tensors) != 1:
            raise ValueError(f"model {self.name!r} was given {len(tensors)} inputs; expected 1")
        self._ensure_graph(tensors[0].shape, tensors[0].dtype)
        return super()._infer(arguments, kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        self._ensure_graph(tuple(input_shape), _first_dtype(self._members))
        return super().compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        members = [layer_config(layer) for layer in self._members]
        if self._input_is_declared:
            tensor = self._tensors[0]
            assert tensor.node is not None
            members.insert(0, layer_config(cast("Layer", tensor.node.layer)))
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable, "layers": members}
        if self._tensors:
            config["build_input_shape"] = self._tensors[0].shape
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, type[Layer]] | None = None) -> Self:
        if isinstance(config, list):  # Keras before 2.2
            config = {"layers": config}
        with one_warning():
            members = [layer_from_config(item, custom_objects or {}) for item in config["layers"]]
        known = {"layers", "name", "trainable", "build_input_shape", "dtype"}
        own = {} if registry.has(cls) else {key: value for key, value in config.items() if key not in known}
        model = cls(members, name=config.get("name"), **own)
        model._sizes_are_open = True
        if model._graph is None and members and config.get("build_input_shape") is not None:
            model.build(config["build_input_shape"])
        if not config.get("trainable", True):
            model.trainable = False
        return model


def _first_dtype(layers: Sequence[Layer]) -> str:
    return layers[0].input_dtypes[0] if layers and layers[0].input_dtypes else "float32"
