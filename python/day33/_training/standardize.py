"""Checks and conversions of x, y and sample_weight against what a model takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from .._core.arrays import as_float32, as_ids, fit_rank
from .._core.strings import as_strings
from .._core.targets import class_labels, position_weights, smooth_labels
from .._core.types import Array, Shape
from .batches import Batch, check_sizes, class_weights, refuse_empty, unpack
from .plans import TrainingPlans
from .structures import labelled


class InputSpec(NamedTuple):
    """What a model takes as one input: the name in dicts, the shape without the batch (None: any size), the dtype."""

    name: str
    shape: Shape
    dtype: str


class TakesSamples(Protocol):
    """A model as the standardizers see it."""

    def input_specs(self, x: Any) -> list[InputSpec]:
        """What the model takes. A model that has no shapes yet is built for `x`."""

    def for_plan(self, inputs: list[Array]) -> list[Array]:
        """What its plans take, for its inputs."""


class InputStandardizer:
    """Turns `x` into the list of arrays that the plans of a model take.

    A C-contiguous float32 array of the right shape passes as it is. As in Keras, a missing last axis of length 1 is
    added, and one too many is dropped.
    """

    def __init__(self, model: TakesSamples) -> None:
        self._model = model
        self._specs: list[InputSpec] = []

    def __call__(self, x: Any, argument: str = "x") -> list[Array]:
        if not self._specs:
            self._specs = self._model.input_specs(x)
        specs = self._specs
        if len(specs) == 1 and type(x) is np.ndarray:
            return self._model.for_plan([_one_input(argument, x, specs[0])])
        pairs = labelled(x, [spec.name for spec in specs], argument)
        arrays = [_one_input(label, value, spec) for (label, value), spec in zip(pairs, specs, strict=True)]
        check_sizes((label, len(array)) for (label, _), array in zip(pairs, arrays, strict=True))
        return self._model.for_plan(arrays)

    def item(self, item: Any) -> Batch:
        """A batch without targets of what an iterable gave: x, or a tuple that begins with it."""
        inputs = self(unpack(item)[0])
        return Batch(len(inputs[0]), inputs)


def _one_input(label: str, value: Any, spec: InputSpec) -> Array:
    _, shape, dtype = spec
    given: Array
    if dtype == "string":
        given = as_strings(label, value)
    else:
        given = as_float32(label, value) if dtype == "float32" else as_ids(label, value)
    array = fit_rank(given, (None, *shape))
    if array.ndim != len(shape) + 1 or any(
        want is not None and got != want for got, want in zip(array.shape[1:], shape, strict=True)
    ):
        wanted = ", ".join(["N", *("any" if size is None else str(size) for size in shape)])
        raise ValueError(f"{label} has shape {np.shape(value)}; expected ({wanted}{',' if not shape else ''})")
    return array


class Standardizer:
    """Turns (x, y, sample_weight) into a `Batch` for training or evaluation.

    Args:
        model: whose inputs decide; built by the first x if it is not yet.
        plans: its training plans, whose objective and outputs decide.
        class_weight: weights by class, None for none.
    """

    def __init__(
        self, model: TakesSamples, plans: TrainingPlans, class_weight: Mapping[int, float] | None = None
    ) -> None:
        if class_weight is not None and not isinstance(class_weight, Mapping):
            raise TypeError(f"class_weight is {class_weight!r}; expected a dict from class number to weight")
        self._plans = plans
        self._objective = plans.objective
        self._inputs = InputStandardizer(model)
        self._class_weight = class_weight

    def __call__(self, x: Any, y: Any, sample_weight: Any) -> Batch:
        if x is None:
            raise ValueError("x is missing; expected arrays or batches")
        inputs = self._inputs(x)
        batch = Batch(len(inputs[0]), inputs)
        shapes = self._plans.output_shapes(batch.input_shapes)
        objective = self._objective
        given = objective.targets_of(y)
        batch.labels = [None] * len(objective.output_names)
        for item in objective.losses:
            label, value = given[item.output]
            if value is None:
                raise ValueError(f"{label} is missing; output {item.name!r} has a loss and needs targets")
            if item.loss.is_native:
                target = _one_target(label, value, batch.size, shapes[item.output], item.loss.kind)
                smoothed = smooth_labels(target, item.loss.kind, item.loss.label_smoothing)
            else:
                target = smoothed = _traced_target(label, value)
            check_sizes([("x", batch.size), (label, len(target))])
            batch.targets.append(np.ascontiguousarray(smoothed))
            if objective.want_outputs:
                raw = np.asarray(value)
                batch.labels[item.output] = target if raw.shape == target.shape else raw
        if objective.want_outputs:
            for index, (_, value) in enumerate(given):
                if batch.labels[index] is None and value is not None:
                    batch.labels[index] = np.asarray(value)
        batch.weights = self._weights(sample_weight, batch.size, shapes)
        batch.loss_weights = [batch.weights[item.output] for item in objective.losses]
        if self._class_weight is not None:
            self._apply_class_weight(batch, given[0][1], sample_weight)
        return batch

    def single(self, x: Any, y: Any, sample_weight: Any) -> Batch:
        """A batch on its own. ValueError where it is empty."""
        batch = self(x, y, sample_weight)
        refuse_empty(batch)
        return batch

    def item(self, item: Any) -> Batch:
        """What an iterable gave: x, (x, y) or (x, y, sample_weight)."""
        return self(*unpack(item))

    def measured(self, y: Any, outputs: Sequence[Array], sample_weight: Any) -> Batch:
        """What metrics see of a batch whose outputs are known: labels and weights."""
        objective, size = self._objective, len(outputs[0])
        labels = [None if value is None else np.asarray(value) for _, value in objective.targets_of(y)]
        weights = self._weights(sample_weight, size, [output.shape[1:] for output in outputs])
        return Batch(size, [], labels=labels, weights=weights)

    def _weights(self, sample_weight: Any, size: int, shapes: Sequence[tuple[int, ...]]) -> list[Array | None]:
        traced = {item.output for item in self._objective.losses if item.traced}
        weights: list[Array | None] = []
        for (label, value), shape in zip(self._objective.weights_of(sample_weight), shapes, strict=True):
            if value is None:
                weights.append(None)
                continue
            if np.ndim(value) and len(value) != size:
                check_sizes([("x", size), (label, len(value))])
            weights.append(_fitted(label, value, (size, *shape[:-1]), len(weights) in traced))
        return weights

    def _apply_class_weight(self, batch: Batch, y: Any, sample_weight: Any) -> None:
        assert self._class_weight is not None
        if sample_weight is not None:
            raise ValueError("class_weight and sample_weight cannot both be given")
        if len(self._objective.output_names) > 1:
            raise ValueError(f"class_weight is for models with one output; this one has {self._objective.output_names}")
        batch.weights = [class_weights(np.asarray(y), self._class_weight)]
        batch.loss_weights = list(batch.weights[: len(self._objective.losses)])


def _fitted(label: str, value: Any, shape: tuple[int, ...], is_open: bool) -> Array:
    """Sample weights for positions of an output.

    Args:
        is_open: whether other shapes are let through, which may be those of the values of a traced loss.
    """
    if is_open:
        weights = as_float32(label, value)
        fits = weights.shape in (shape, shape[:1])
        if weights.ndim and weights.shape[0] == shape[0] and not fits and weights.size != shape[0]:
            return weights
    return position_weights(label, value, shape)


def _traced_target(label: str, value: Any) -> Array:
    """Targets of a traced loss: float32 of any shape (N, ...), as `keras.losses.Loss` converts them."""
    array = as_float32(label, value)
    if array.ndim == 0:
        raise ValueError(f"{label} has shape (); expected (N, ...), one target per sample")
    return array


def _one_target(label: str, value: Any, size: int, shape: tuple[int, ...], kind: str) -> Array:
    if kind == "sparse_categorical_crossentropy":
        array = np.asarray(value)
        if array.ndim and len(array) != size:
            check_sizes([("x", size), (label, len(array))])
        if array.shape == (size, *shape) and shape[-1] > 1:
            raise ValueError(
                f"{label} has shape {array.shape}, one number per class; the loss sparse_categorical_crossentropy "
                f"takes class numbers of shape {(size, *shape[:-1])}. For one-hot targets use categorical_crossentropy"
            )
        return class_labels(label, value, (size, *shape[:-1]), shape[-1])
    array = as_float32(label, value)
    if array.ndim and len(array) != size:
        check_sizes([("x", size), (label, len(array))])
    array = fit_rank(array, (None, *shape))
    if array.shape != (size, *shape):
        hint = ""
        if kind == "categorical_crossentropy" and array.ndim == len(shape):
            hint = "; for class numbers use sparse_categorical_crossentropy"
        raise ValueError(f"{label} has shape {np.shape(value)}; expected {(size, *shape)} as the output{hint}")
    return array
