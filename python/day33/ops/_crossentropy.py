"""Cross-entropies as functions of graphs.

Straight behind a sigmoid or softmax they are taken from the logits before it, whichever of the two it is, as Keras does
on TensorFlow (backend/tensorflow/nn.py, _get_logits): that is exact where a probability rounds to 0 or 1. Which op a
tensor comes from is known when the plan is written, and no sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.types import Shape
from .._graph.functions import Function, Given, Operand, Spec, Writer
from ._elementwise import Elementwise, as_float, fitted
from ._shapes import keeps_samples_on_axes


def _logits(plan: Writer, operand: Operand, from_logits: bool) -> int:
    """The tensor of logits that an argument is or comes from; -1 where there is none."""
    tensor = as_float(plan, operand)
    behind = plan.builder.logits_of(tensor) if operand.slot is None else -1
    return tensor if from_logits and behind < 0 else behind


def _log_softmax(plan: Writer, x: int, axis: int, rank: int) -> int:
    builder = plan.builder
    if axis == rank - 1:
        return builder.activation(x, "log_softmax")
    shifted = builder.binary("subtract", x, builder.stop_gradient(builder.reduce("max", x, [axis], keepdims=True)))
    total = builder.reduce("sum", builder.unary("exp", shifted), [axis], keepdims=True)
    return builder.binary("subtract", shifted, builder.unary("log", total))


@dataclass(frozen=True)
class LogProbabilities(Function):
    """Logarithms of the probabilities of classes along an axis: of x and the bounds to which probabilities are clipped.

    Attributes:
        axis: counted from 0.
        from_logits: x is logits, whose softmax gives the probabilities.
        divides: "before" or "after" the clipping, probabilities are divided by their sum.
    """

    axis: int
    from_logits: bool
    divides: str
    keras_name = ""

    def infer(self, *given: Spec) -> Spec:
        return Spec(given[0].shape)

    def keeps_samples(self, *given: Given) -> bool:
        return keeps_samples_on_axes(given[0], [self.axis])

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        x, low, high = operands
        builder, axis, rank = plan.builder, self.axis - first, len(x.shape)
        logits = _logits(plan, x, self.from_logits)
        if logits >= 0:
            return [_log_softmax(plan, logits, axis, rank)]
        found = as_float(plan, x)
        if self.divides == "before":
            found = builder.binary("divide", found, builder.reduce("sum", found, [axis], keepdims=True))
        found = builder.binary("minimum", builder.binary("maximum", found, low.tensor), high.tensor)
        if self.divides == "after":
            return [_log_softmax(plan, builder.unary("log", found), axis, rank)]
        return [builder.unary("log", found)]


@dataclass(frozen=True)
class Pick(Function):
    """The value of the class of each position, of x (N, ..., C) and labels (N, ...) or (N, ..., 1)."""

    keras_name = ""

    def infer(self, *given: Spec) -> Spec:
        x, labels = given
        shape = labels.shape[:-1] if len(labels.shape) == len(x.shape) and labels.shape[-1] == 1 else labels.shape
        fits = len(shape) == len(x.shape) - 1 and all(
            None in pair or pair[0] == pair[1] for pair in zip(shape, x.shape, strict=False)
        )
        if not fits:
            raise ValueError(
                f"target has shape {tuple(labels.shape)} and output {tuple(x.shape)}; expected labels of shape "
                f"{tuple(x.shape[:-1])}"
            )
        return Spec(x.shape[:-1], x.dtype)

    def keeps_samples(self, *given: Given) -> bool:
        return all(item.batched and len(item.shape) > 0 for item in given) and len(given[0].shape) > 1

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        x, labels = operands
        shape = x.shape[:-1]
        indices = plan.builder.reshape(labels.tensor, (*shape, 1))
        found = plan.builder.take_along_axis(as_float(plan, x), indices, len(shape))
        return [plan.builder.reshape(found, shape)]


@dataclass(frozen=True)
class BinaryCrossentropy(Elementwise):
    """-t·log p - (1 - t)·log(1 - p) of a target t, a probability p (or its logit), and the bounds of p."""

    from_logits: bool
    keras_name = "BinaryCrossentropy"
    keras_module = "nn"

    def keras_call(self, arguments: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        return list(arguments[:2]), {}

    def infer(self, *given: Spec) -> Spec:
        target, output = given[:2]
        refuse_other_shape("target", target.shape, "output", output.shape)
        return Spec(tuple(b if a is None else a for a, b in zip(target.shape, output.shape, strict=True)))

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        target, output, low, high = operands
        builder, rank = plan.builder, max(len(operand.shape) for operand in operands)
        t = fitted(plan, target, as_float(plan, target), rank)
        z = _logits(plan, output, self.from_logits)
        if z < 0:
            p = fitted(plan, output, as_float(plan, output), rank)
            p = builder.binary("minimum", builder.binary("maximum", p, low.tensor), high.tensor)
            yes = builder.binary("multiply", t, builder.unary("log", p))
            no = builder.binary("multiply", _scaled(plan, t, -1.0, 1.0), builder.unary("log1p", _scaled(plan, p, -1.0)))
            return [_scaled(plan, builder.binary("add", yes, no), -1.0)]
        return [builder.binary("sigmoid_crossentropy", z, t)]


def _scaled(plan: Writer, x: int, scale: float, offset: float = 0.0) -> int:
    return plan.builder.rescaling(x, np.array([scale], np.float32), np.array([offset], np.float32))


def refuse_other_shape(first: str, shape: Shape, second: str, other: Shape) -> None:
    """ValueError unless both have the same shape; unknown sizes fit all."""
    same = len(shape) == len(other) and all(None in (a, b) or a == b for a, b in zip(shape, other, strict=True))
    if not same:
        raise ValueError(f"{first} has shape {tuple(shape)} and {second} {tuple(other)}; expected the same shape")
