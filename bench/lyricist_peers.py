"""The note's language model in Keras and torch with the weights of a day33 model, and how each decodes with it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from day33 import datasets
from harness import peers
from harness.arrays import Array
from harness.data import shared_file


def shakespeare() -> Path | None:
    """The file of the plays, in the folder of real data or in the cache; None where it is in neither."""
    cached = datasets.shakespeare_cache_path()
    return shared_file("data", "shakespeare.txt") or (cached if cached.is_file() else None)


def keras_model(weights: Sequence[Array], *, mask: bool, dropout: float = 0.0, **compile_options: Any) -> Any:
    """A Keras model with these weights: those of the note's, or those of a tied one, which ends with the first table.

    Args:
        weights: as `TextGenerator.get_weights` gives them.
        mask: whether padding is masked. A tied model needs weights of samples as well, for its logits have no mask.
        dropout: after the embedding and after each LSTM layer.
        compile_options: optimizer and others; the default is that of the note.

    Returns:
        The compiled model, or None where Keras is not installed.
    """
    if peers.tensorflow() is None:
        return None
    import keras

    (vocabulary, width), units = weights[0].shape, weights[2].shape[0]
    tied = len(weights) == 7
    table = keras.layers.ReversibleEmbedding if tied else keras.layers.Embedding
    embedding = table(vocabulary, width, mask_zero=mask)
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Dropout(dropout)(embedding(tokens))
    for _ in range(2):
        x = keras.layers.Dropout(dropout)(keras.layers.LSTM(units, return_sequences=True)(x))
    model = keras.Model(tokens, embedding(x, reverse=True) if tied else keras.layers.Dense(vocabulary)(x))
    model.set_weights(list(weights))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(**{"optimizer": "adam", "loss": loss, **compile_options})
    return model


def torch_model(weights: Sequence[Array]) -> Any:
    """A module that maps tokens (N, T) and a state to logits and a state; None where torch is not installed."""
    torch = peers.torch()
    if torch is None:
        return None
    (vocabulary, width), units = weights[0].shape, weights[2].shape[0]

    class Lyricist(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(vocabulary, width)
            self.rnn = torch.nn.LSTM(width, units, num_layers=2, batch_first=True)
            self.linear = torch.nn.Linear(units, vocabulary)

        def forward(self, tokens: Any, state: Any = None) -> Any:
            x, state = self.rnn(self.embedding(tokens), state)
            return self.linear(x), state

    module = Lyricist()
    embedding, *lstm, kernel, bias = (torch.from_numpy(np.array(weight)) for weight in weights)
    with torch.no_grad():
        module.embedding.weight.copy_(embedding)
        for layer in range(2):  # the order of the gates is i, f, candidate, o in both; torch has a second bias
            getattr(module.rnn, f"weight_ih_l{layer}").copy_(lstm[3 * layer].T)
            getattr(module.rnn, f"weight_hh_l{layer}").copy_(lstm[3 * layer + 1].T)
            getattr(module.rnn, f"bias_ih_l{layer}").copy_(lstm[3 * layer + 2])
            getattr(module.rnn, f"bias_hh_l{layer}").zero_()
        module.linear.weight.copy_(kernel.T)
        module.linear.bias.copy_(bias)
    return module


def torch_int8(module: Any) -> Any:
    """The module with dynamically quantised LSTM and linear layers."""
    torch = peers.torch()
    with warnings.catch_warnings():  # torch warns of the future of its quantisation
        warnings.filterwarnings("ignore", category=UserWarning, message=".*quantized tensor creation functions")
        return torch.ao.quantization.quantize_dynamic(module, {torch.nn.LSTM, torch.nn.Linear}, dtype=torch.qint8)


def torch_greedy(module: Any, prompts: Array, length: int) -> Array:
    """Continues prompts (N, T) greedily to `length` tokens, with one step per token."""
    torch = peers.torch()
    with torch.inference_mode():
        written = [torch.from_numpy(prompts)]
        logits, state = module(written[0])
        for step in range(prompts.shape[1], length):
            token = logits[:, -1].argmax(-1, keepdim=True)
            written.append(token)
            if step + 1 < length:
                logits, state = module(token, state)
        return np.asarray(torch.cat(written, 1).numpy())


def note_greedy(model: Any, prompts: Array, length: int) -> Array:
    """The same as the note does it: each token takes a pass of the whole text so far through the model."""
    tf = peers.tensorflow()
    text = tf.convert_to_tensor(prompts)
    while text.shape[1] < length:
        words = tf.argmax(tf.nn.softmax(model(text), axis=-1), axis=-1)[:, -1]
        text = tf.concat([text, tf.expand_dims(words, axis=1)], axis=-1)
    return np.asarray(text.numpy())
