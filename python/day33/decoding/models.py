"""Which models can be decoded, and where their weights are."""

from __future__ import annotations

from typing import Any, NamedTuple

from .. import layers as kinds
from .._core.custom_objects import for_copies


class Parts(NamedTuple):
    """The layers of a model, as decoding takes them. An embedding that gives the logits as well is `last`, too."""

    embedding: Any
    lstm: list[Any]
    last: Any

    def variables(self) -> list[Any]:
        """All their variables; None for those that do not exist yet."""
        found = [self.embedding.embeddings]
        for layer in self.lstm:
            found += [layer.kernel, layer.recurrent_kernel, *([] if layer.bias is None else [layer.bias])]
        if self.last is self.embedding:
            return [*found, *([] if self.last.tie_weights else [self.last.reverse_embeddings])]
        return [*found, self.last.kernel, *([] if self.last.bias is None else [self.last.bias])]

    def output_weights(self) -> tuple[Any, Any]:
        """The values of the kernel (U, V) that gives the logits, and of the bias or None."""
        if self.last is not self.embedding:
            return self.last.kernel.value, None if self.last.bias is None else self.last.bias.value
        if self.last.tie_weights:
            return self.last.embeddings.value.T, None
        return self.last.reverse_embeddings.value, None


def parts_of(model: Any) -> Parts:
    """The Embedding, LSTM and Dense layers of a model; a ReversibleEmbedding may be its end, too. Raises as
    `decoder_of`.
    """
    if not hasattr(model, "layers"):
        raise TypeError(f"model is {model!r}; expected a Decoder or a model with layers")
    model_layers = [layer for layer in model.layers if not isinstance(layer, kinds.Dropout | kinds.InputLayer)]
    layers = list(model_layers)
    if layers and isinstance(layers[0], kinds.ReversibleEmbedding) and isinstance(layers[-1], kinds.LSTM):
        layers.append(layers[0])
    if (
        len(layers) < 3
        or not isinstance(layers[0], kinds.Embedding)
        or not all(isinstance(layer, kinds.LSTM) for layer in layers[1:-1])
        or not (isinstance(layers[-1], kinds.Dense) or layers[-1] is layers[0])
    ):
        names = ", ".join(type(layer).__name__ for layer in model_layers) or "none"
        raise ValueError(f"{model!r} has the layers {names}; expected an Embedding, LSTM layers and a Dense layer")
    last: Any = layers[-1]
    if last is layers[0]:
        _check_reversed(model, last)
    elif last.activation.kind != "linear":
        raise ValueError(f"{last!r} has the activation {last.activation.label!r}; expected logits")
    for layer in layers[1:-1]:
        with for_copies():
            config = layer.get_config()
        wanted = {"activation": "tanh", "recurrent_activation": "sigmoid", "go_backwards": False, "stateful": False}
        for option, value in wanted.items():
            if config.get(option, value) != value:
                raise ValueError(f"{layer!r} has {option}={config[option]!r}; expected {value!r}")
    return Parts(layers[0], layers[1:-1], last)


def _check_reversed(model: Any, embedding: Any) -> None:
    if embedding.logit_soft_cap is not None:
        raise ValueError(f"{embedding!r} has logit_soft_cap={embedding.logit_soft_cap}; expected None")
    graph = model.find_graph()
    if graph is not None and graph.outputs[0].node.layer is not embedding:
        raise ValueError(f"{model!r} ends with an LSTM layer; expected a Dense layer or a call of {embedding!r} with "
                         "reverse=True after it")  # fmt: skip
