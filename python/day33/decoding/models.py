"""Which models can be decoded, and where their weights are."""

from __future__ import annotations

from typing import Any, NamedTuple

from .. import layers as kinds
from .._core.custom_objects import for_copies


class Parts(NamedTuple):
    """The layers of a model, as decoding takes them."""

    embedding: Any
    lstm: list[Any]
    dense: Any

    def variables(self) -> list[Any]:
        """All their variables; None for those that do not exist yet."""
        found = [self.embedding.embeddings]
        for layer in self.lstm:
            found += [layer.kernel, layer.recurrent_kernel, *([] if layer.bias is None else [layer.bias])]
        return [*found, self.dense.kernel, *([] if self.dense.bias is None else [self.dense.bias])]


def parts_of(model: Any) -> Parts:
    """The Embedding, LSTM and Dense layers of a model. Raises as `decoder_of`."""
    if not hasattr(model, "layers"):
        raise TypeError(f"model is {model!r}; expected a Decoder or a model with layers")
    layers = [layer for layer in model.layers if not isinstance(layer, kinds.Dropout | kinds.InputLayer)]
    if (
        len(layers) < 3
        or not isinstance(layers[0], kinds.Embedding)
        or not all(isinstance(layer, kinds.LSTM) for layer in layers[1:-1])
        or not isinstance(layers[-1], kinds.Dense)
    ):
        names = ", ".join(type(layer).__name__ for layer in layers) or "none"
        raise ValueError(f"{model!r} has the layers {names}; expected an Embedding, LSTM layers and a Dense layer")
    dense = layers[-1]
    if dense.activation.kind != "linear":
        raise ValueError(f"{dense!r} has the activation {dense.activation.label!r}; expected logits")
    for layer in layers[1:-1]:
        with for_copies():
            config = layer.get_config()
        wanted = {"activation": "tanh", "recurrent_activation": "sigmoid", "go_backwards": False, "stateful": False}
        for option, value in wanted.items():
            if config.get(option, value) != value:
                raise ValueError(f"{layer!r} has {option}={config[option]!r}; expected {value!r}")
    return Parts(layers[0], layers[1:-1], dense)
