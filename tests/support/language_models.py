"""Language models for the tests of decoding: random weights, and what they give, in NumPy and double."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Weights:
    """Embedding, LSTM layers (kernel, recurrent kernel, bias) and Dense, as Keras has them."""

    embedding: np.ndarray
    lstm: list
    kernel: np.ndarray
    bias: np.ndarray

    @property
    def arrays(self):
        return self.embedding, self.lstm, self.kernel, self.bias


def random_weights(vocab_size=60, embedding_size=12, units=(24, 24), seed=0, spread=6.0):
    """Weights of a model with opinions: its logits have a spread of about `spread`."""
    rng = np.random.default_rng(seed)

    def normal(*shape, scale):
        return (rng.standard_normal(shape) * scale).astype(np.float32)

    layers, width = [], embedding_size
    for size in units:
        layers.append((
            normal(width, 4 * size, scale=2 / np.sqrt(width)),
            normal(size, 4 * size, scale=1.5 / np.sqrt(size)),
            normal(4 * size, scale=0.2),
        ))  # fmt: skip
        width = size
    return Weights(
        normal(vocab_size, embedding_size, scale=1.0), layers,
        normal(width, vocab_size, scale=spread / np.sqrt(width)), normal(vocab_size, scale=0.1),
    )  # fmt: skip


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def logits_of(weights, tokens):
    """(N, T, V) for tokens (N, T)."""
    tokens = np.asarray(tokens)
    x = weights.embedding.astype(np.float64)[tokens]
    for kernel, recurrent, bias in weights.lstm:
        h = c = np.zeros((len(tokens), recurrent.shape[0]))
        outputs = []
        for t in range(tokens.shape[1]):
            i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            outputs.append(h)
        x = np.stack(outputs, axis=1)
    return x @ weights.kernel.astype(np.float64) + weights.bias


def log_softmax(x):
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def next_log_probabilities(weights, tokens):
    """(V,), after these tokens."""
    return log_softmax(logits_of(weights, [list(tokens)])[0, -1])


class SpaceTokenizer:
    """Words of a text by number, 1 the out-of-vocabulary word."""

    def __init__(self, words):
        self.word_index = {word: i for i, word in enumerate(["<unk>", *words], 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}

    def texts_to_sequences(self, texts):
        return [[self.word_index.get(word, 1) for word in text.split()] for text in texts]
