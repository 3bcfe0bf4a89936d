"""Training of the note's language model at the note's size in each library: the participants of races and memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

import day33
import lyricist_peers
from day33 import lyricist
from harness import limits, peers
from harness.arrays import Array
from harness.limits import Work
from harness.race import Participant

VOCABULARY, WIDTH, UNITS = 7001, 256, 1024
LINES, LENGTH = 256, 20
# Takes weights, source and target; returns a participant, or None where its library is not installed.
Maker = Callable[[Sequence[Array], Array, Array], Participant | None]


def our_model(weights: Sequence[Array] | None = None, *, padding: Any = "count") -> lyricist.TextGenerator:
    """The model with these weights.

    By default they are random and larger than those of a new model, whose logits are nearly uniform.
    """
    day33.set_random_seed(33)
    model = lyricist.TextGenerator(VOCABULARY, WIDTH, UNITS, padding=padding)
    model.build_weights()
    if weights is None:
        weights = model.get_weights()
        weights[0] *= 10
        weights[-2] *= 4
    model.set_weights(weights)
    model.compile()
    return model


@cache
def work(lines: int, length: int, **options: Any) -> Work:
    """See `limits.of_model`; of lines of so many tokens."""
    return limits.of_model(our_model(), lines, input_shapes=[(length,)], **options)


def random_weights() -> list[Array]:
    """Random weights, made without a model, so that no memory of a second model is measured."""
    rng = np.random.default_rng(33)
    shapes: list[tuple[int, ...]] = [(VOCABULARY, WIDTH)]
    for inputs in (WIDTH, UNITS):
        shapes += [(inputs, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,)]
    return [rng.normal(0, 0.02, shape).astype(np.float32) for shape in [*shapes, (UNITS, VOCABULARY), (VOCABULARY,)]]


def full_lines() -> tuple[Array, Array]:
    """Source and target of a batch, random tokens without padding."""
    rng = np.random.default_rng(33)
    source, target = (rng.integers(1, VOCABULARY, (LINES, LENGTH), dtype=np.int32) for _ in range(2))
    return source, target


# ---- training: each run is a step whose loss includes every position; the answer is the loss before any step ----


def _of_model(model: Any, source: Array, target: Array) -> Participant:
    return Participant(
        lambda: model.train_on_batch(source, target), lambda: np.array([model.test_on_batch(source, target)])
    )


def _ours(weights: Sequence[Array], source: Array, target: Array) -> Participant:
    return _of_model(our_model(weights), source, target)


def _keras(weights: Sequence[Array], source: Array, target: Array) -> Participant | None:
    model = lyricist_peers.keras_model(weights, mask=False)
    return _of_model(model, source, target) if model else None


def _torch(weights: Sequence[Array], source: Array, target: Array) -> Participant | None:
    module = lyricist_peers.torch_model(weights)
    if module is None:
        return None
    torch = peers.torch()
    inputs, labels = (torch.from_numpy(tokens).long() for tokens in (source, target))

    def loss_of(output: Any, labels: Any) -> Any:
        return torch.nn.functional.cross_entropy(output[0].flatten(0, 1), labels.flatten())

    def answer() -> Array:
        with torch.inference_mode():
            return np.array([loss_of(module(inputs), labels)])

    # Adam with Keras's epsilon.
    step = peers.torch_training(module, torch.optim.Adam(module.parameters(), eps=1e-7), loss_of)
    return Participant(lambda: step(inputs, labels), answer)


TRAINERS: dict[str, Maker] = {"day33": _ours, "keras": _keras, "torch": _torch}
