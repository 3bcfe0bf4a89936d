"""Cross-entropies of classes and of yes/no targets, plain, focal and generalized.

Of a prediction straight out of a sigmoid or softmax they are taken from the logits before it, without clipping and
whatever `from_logits` says, as in Keras.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import ops
from .._core.arrays import as_float32, as_number
from .._core.targets import class_labels
from ._values import as_values, finished, is_array, pair, rank, without_axis
from .base import OwnLoss, Reduction

_LOWEST, _HIGHEST = np.float32(1e-7), np.float32(1) - np.float32(1e-7)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """``-mean(t·log p + (1 - t)·log(1 - p))`` over an axis: (N, ..., C) and (N, ..., C) give (N, ...).

    Probabilities are clipped to [1e-7, 1 - 1e-7]. From logits z it is ``max(z, 0) - z·t + log(1 + exp(-|z|))``.

    Args:
        y_true, y_pred: of one shape.
        from_logits: predictions are logits, not probabilities.
        label_smoothing: part of the targets replaced by 1/2, from 0 to 1.
        axis: that the mean is taken over.

    Raises:
        ValueError: shapes that differ. TypeError: no real numbers.
    """
    true, pred = pair(y_true, y_pred)
    values = ops.binary_crossentropy(_smooth(true, label_smoothing, 2), pred, from_logits)
    return finished(ops.mean(values, axis=axis))


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """``-sum(t·log p)`` over the axis of the classes: (N, ..., C) and (N, ..., C) give (N, ...).

    Probabilities are divided by their sum, then clipped to [1e-7, 1 - 1e-7]. From logits, p is their softmax.

    Args:
        y_true: distributions over the classes, such as one-hot vectors. y_pred: of the same shape.
        from_logits: predictions are logits, not probabilities.
        label_smoothing: part of the targets replaced by the uniform distribution, from 0 to 1.
        axis: of the classes.

    Raises:
        ValueError: shapes that differ. TypeError: no real numbers.
    """
    true, pred = pair(y_true, y_pred)
    true = _smooth(true, label_smoothing, true.shape[-1])
    return finished(ops.categorical_crossentropy(true, pred, from_logits, axis))


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """``-log p[label]``: labels of (N, ...) or (N, ..., 1) and predictions of (N, ..., C) give (N, ...).

    Probabilities are clipped to [1e-7, 1 - 1e-7] and, as in Keras, then divided by their sum. From logits, p is their
    softmax.

    Args:
        y_true: labels, integers or floats that are cut off. y_pred: predictions.
        from_logits: predictions are logits, not probabilities.
        ignore_class: a label whose positions have the loss 0; its number may be outside of the classes.
        axis: of the classes; the last one.

    Raises:
        ValueError: shapes that do not fit, another axis, or labels outside [0, C). TypeError: no real numbers.
    """
    pred = _of_classes(y_pred)
    if axis not in (-1, rank(pred) - 1):
        raise ValueError(f"axis is {axis}; expected -1, the last axis")
    labels = _labels(y_true, pred)
    if ignore_class is None:
        return finished(ops.sparse_categorical_crossentropy(_checked(labels, pred), pred, from_logits))
    counted = ops.not_equal(labels, ignore_class)
    chosen = ops.where(counted, labels, 0)
    values = ops.sparse_categorical_crossentropy(_checked(chosen, pred), pred, from_logits)
    return finished(ops.where(counted, values, 0.0))


def _of_classes(y_pred: Any) -> Any:
    pred = as_values("y_pred", y_pred)
    if rank(pred) == 0:
        raise ValueError("y_pred has shape (); expected (N, ..., C)")
    return pred


def _labels(y_true: Any, pred: Any) -> Any:
    """Labels, without a last axis of length 1."""
    labels = y_true
    if is_array(y_true):
        labels = np.asarray(y_true)
        if labels.dtype.kind not in "biuf":
            raise TypeError(f"y_true has dtype {labels.dtype} and shape {labels.shape}; expected integer labels")
    if rank(labels) == rank(pred) and labels.shape[-1] == 1:
        labels = without_axis(labels)
    return labels


def _checked(labels: Any, pred: Any) -> Any:
    """Labels of arrays, whose shape and range are compared here; those of graphs are when they are looked up."""
    if is_array(labels) and is_array(pred):
        return class_labels("y_true", labels, pred.shape[:-1], pred.shape[-1])
    return labels


def binary_focal_crossentropy(
    y_true: Any, y_pred: Any, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
    from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
) -> Any:  # fmt: skip
    """The binary cross-entropy times ``(1 - p)^gamma``, where p is the probability of the target; means over an axis.

    Source: Lin et al., Focal Loss for Dense Object Detection, 2018.

    Args:
        y_true, y_pred: of one shape (N, ..., C).
        apply_class_balancing: multiply by ``alpha`` where the target is 1 and by ``1 - alpha`` where it is 0.
        alpha, gamma: see there.
        from_logits, label_smoothing, axis: as of `binary_crossentropy`.

    Returns:
        (N, ...).

    Raises:
        ValueError: shapes that differ. TypeError: no real numbers.
    """
    true, pred = pair(y_true, y_pred)
    true = _smooth(true, label_smoothing, 2)
    if from_logits:
        pred = ops.sigmoid(pred)
    missed = ops.add(ops.multiply(true, ops.subtract(1.0, pred)), ops.multiply(ops.subtract(1.0, true), pred))
    values = ops.multiply(_to_power(missed, gamma), ops.binary_crossentropy(true, pred))
    if apply_class_balancing:
        share = as_number("alpha", alpha)
        balance = ops.add(ops.multiply(true, 2.0 * share - 1.0), 1.0 - share)
        values = ops.multiply(balance, values)
    return finished(ops.mean(values, axis=axis))


def categorical_focal_crossentropy(
    y_true: Any, y_pred: Any, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
    label_smoothing: float = 0.0, axis: int = -1,
) -> Any:  # fmt: skip
    """``-sum(alpha·(1 - p)^gamma·t·log p)`` over the axis of the classes: (N, ..., C) and (N, ..., C) give (N, ...).

    Probabilities are divided by their sum, then clipped to [1e-7, 1 - 1e-7].

    Source: Lin et al., Focal Loss for Dense Object Detection, 2018.

    Args:
        y_true, y_pred: of one shape.
        alpha: a factor, or one for each class. gamma: see there.
        from_logits, label_smoothing, axis: as of `categorical_crossentropy`.

    Raises:
        ValueError: shapes that differ. TypeError: no real numbers.
    """
    true, pred = pair(y_true, y_pred)
    true = _smooth(true, label_smoothing, true.shape[-1])
    if from_logits:
        pred = ops.softmax(pred, axis=axis)
    pred = ops.divide(pred, ops.sum(pred, axis=axis, keepdims=True))
    pred = ops.clip(pred, _LOWEST, _HIGHEST)
    focus = ops.multiply(_to_power(ops.subtract(1.0, pred), gamma), np.asarray(alpha, np.float32))
    return finished(ops.negative(ops.sum(ops.multiply(focus, ops.multiply(true, ops.log(pred))), axis=axis)))


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float = 0.5) -> Any:
    """``(1 - p[label]^q) / q``: labels of (N, ...) and probabilities of (N, ..., C) give (N, ...).

    Source: Zhang and Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, 2018.

    Args:
        y_true: labels, integers or floats that are cut off. y_pred: probabilities.
        q: from 0 (the cross-entropy) to 1 (the absolute error), both excluded.

    Raises:
        ValueError: shapes that do not fit, labels outside [0, C), or another q. TypeError: no real numbers.
    """
    power = _as_q(q)
    pred = _of_classes(y_pred)
    labels = _checked(_labels(y_true, pred), pred)
    chosen = ops.sum(ops.multiply(pred, ops.one_hot(ops.cast(labels, "int32"), pred.shape[-1])), axis=-1)
    return finished(ops.divide(ops.subtract(1.0, ops.power(chosen, power)), power))


def _as_q(q: float) -> float:
    if not 0 < q < 1:
        raise ValueError(f"q is {q!r}; expected a number between 0 and 1")
    return float(q)


def _as_smoothing(label_smoothing: float) -> float:
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is {label_smoothing}; expected a number from 0 to 1")
    return float(label_smoothing)


def _smooth(true: Any, label_smoothing: float, classes: int | None) -> Any:
    """Targets pulled towards 1/classes by the given part."""
    part = _as_smoothing(label_smoothing)
    if not part:
        return true
    if classes is None:
        raise ValueError("label_smoothing needs the number of classes, but the last axis of y_true is not known")
    return ops.add(ops.multiply(true, 1.0 - part), part / classes)


def _to_power(base: Any, exponent: float) -> Any:
    power = as_number("gamma", exponent)
    return ops.square(base) if power == 2.0 else ops.power(base, power)


class BinaryCrossentropy(OwnLoss):
    """Cross-entropy of independent yes/no targets; see `binary_crossentropy`.

    Args:
        from_logits, label_smoothing, axis: see there.
        reduction, name, dtype: see `Loss`.
    """

    kind = "binary_crossentropy"
    axis: int

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: Reduction = "sum_over_batch_size", name: str | None = "binary_crossentropy", dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(
            binary_crossentropy, reduction, name, dtype, from_logits=bool(from_logits),
            label_smoothing=_as_smoothing(label_smoothing), axis=axis,
        )  # fmt: skip

    @property
    def is_native(self) -> bool:
        return super().is_native and self.axis == -1


class CategoricalCrossentropy(OwnLoss):
    """Cross-entropy of targets that are distributions over classes (one-hot); see `categorical_crossentropy`.

    Args:
        from_logits, label_smoothing, axis: see there.
        reduction, name, dtype: see `Loss`.
    """

    kind = "categorical_crossentropy"
    axis: int

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: Reduction = "sum_over_batch_size", name: str | None = "categorical_crossentropy",
        dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(
            categorical_crossentropy, reduction, name, dtype, from_logits=bool(from_logits),
            label_smoothing=_as_smoothing(label_smoothing), axis=axis,
        )  # fmt: skip

    @property
    def is_native(self) -> bool:
        return super().is_native and self.axis == -1


class SparseCategoricalCrossentropy(OwnLoss):
    """Cross-entropy of integer labels; see `sparse_categorical_crossentropy`.

    Positions with the label `ignore_class` do not count: a mean is taken over the others.

    Args:
        from_logits, ignore_class, axis: see there.
        reduction, name, dtype: see `Loss`.
    """

    kind = "sparse_categorical_crossentropy"
    ignore_class: int | None

    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None,
        reduction: Reduction = "sum_over_batch_size", axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy", dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(
            sparse_categorical_crossentropy, reduction, name, dtype, from_logits=bool(from_logits),
            ignore_class=ignore_class, axis=axis,
        )  # fmt: skip

    @property
    def is_native(self) -> bool:
        return super().is_native and self.ignore_class is None

    def counted(self, y_true: Any) -> Any:
        return None if self.ignore_class is None else ops.not_equal(y_true, self.ignore_class)


class BinaryFocalCrossentropy(OwnLoss):
    """The binary cross-entropy, with less weight where a prediction is right already.

    Args: see `binary_focal_crossentropy` and `Loss`.
    """

    def __init__(
        self, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
        label_smoothing: float = 0.0, axis: int = -1, reduction: Reduction = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy", dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(
            binary_focal_crossentropy, reduction, name, dtype, apply_class_balancing=bool(apply_class_balancing),
            alpha=as_number("alpha", alpha), gamma=as_number("gamma", gamma), from_logits=bool(from_logits),
            label_smoothing=_as_smoothing(label_smoothing), axis=axis,
        )  # fmt: skip


class CategoricalFocalCrossentropy(OwnLoss):
    """The categorical cross-entropy, with less weight where a prediction is right already.

    Args: see `categorical_focal_crossentropy` and `Loss`.
    """

    def __init__(
        self, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0,
        axis: int = -1, reduction: Reduction = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy", dtype: object = None,
    ) -> None:  # fmt: skip
        factors: NDArray[np.float32] = as_float32("alpha", alpha)
        super().__init__(
            categorical_focal_crossentropy, reduction, name, dtype,
            alpha=float(alpha) if factors.ndim == 0 else factors.tolist(), gamma=as_number("gamma", gamma),
            from_logits=bool(from_logits), label_smoothing=_as_smoothing(label_smoothing), axis=axis,
        )  # fmt: skip


class CategoricalGeneralizedCrossEntropy(OwnLoss):
    """A loss between the cross-entropy and the absolute error, for labels that may be wrong.

    Args: see `categorical_generalized_cross_entropy` and `Loss`.
    """

    def __init__(
        self, q: float = 0.5, reduction: Reduction = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy", dtype: object = None,
    ) -> None:  # fmt: skip
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=_as_q(q))
