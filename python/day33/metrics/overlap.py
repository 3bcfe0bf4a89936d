"""Intersection over union: how well the areas of classes overlap."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_axis, as_int
from . import _functions as functions
from ._counts import stretched
from .base import Metric, as_result


class IoU(Metric):
    """The mean intersection over union, TP / (TP + FP + FN), of some classes.

    A confusion matrix adds up over batches; labels outside of the classes are left out. A class that occurs in neither
    targets nor predictions does not count in the mean. Sample weights count as they are; Keras cuts them to integers
    unless `dtype` says otherwise.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes that count.
        name, dtype: see `Metric`.
        ignore_class: targets with this label are left out.
        sparse_y_true: targets are labels; else the label is the place of the largest value along `axis`.
        sparse_y_pred: the same for predictions.
        axis: of the classes.

    Raises:
        ValueError: a class that is not below `num_classes`; in an update, shapes that do not fit.
    """

    direction = "up"
    _arguments: tuple[str, ...] = (
        "num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis",
    )  # fmt: skip

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Iterable[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype, name)
        self.num_classes = as_int("num_classes", num_classes, 1)
        self.total_cm = self.add_variable(
            (self.num_classes, self.num_classes), dtype="float64", name="total_confusion_matrix"
        )
        self.target_class_ids = [as_int("target_class_ids", number, 0) for number in target_class_ids]
        if not self.target_class_ids or max(self.target_class_ids) >= self.num_classes:
            raise ValueError(
                f"target_class_ids is {self.target_class_ids}; expected classes from 0 to {self.num_classes - 1}"
            )
        self.ignore_class = ignore_class
        self.sparse_y_true = bool(sparse_y_true)
        self.sparse_y_pred = bool(sparse_y_pred)
        self.axis = axis

    def _labels(self, hot: Any) -> NDArray[np.intp]:
        return np.asarray(np.argmax(hot, axis=as_axis(self.axis, np.ndim(hot))))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true = np.asarray(y_true) if self.sparse_y_true else self._labels(y_true)
        pred = np.asarray(y_pred) if self.sparse_y_pred else self._labels(y_pred)
        if true.size != pred.size:
            raise ValueError(f"y_true has shape {true.shape} and y_pred {pred.shape}; expected as many labels in both")
        weights = stretched(1.0 if sample_weight is None else sample_weight, true.shape).ravel()
        true, pred = (labels.ravel().astype(np.int64) for labels in (true, pred))
        counted = (true >= 0) & (true < self.num_classes) & (pred >= 0) & (pred < self.num_classes)
        if self.ignore_class is not None:
            counted &= true != self.ignore_class
        places = true[counted] * self.num_classes + pred[counted]
        found = np.bincount(places, weights[counted], self.num_classes**2)
        self.total_cm.assign_add(found.reshape(self.total_cm.shape))

    def result(self) -> Any:
        matrix = np.asarray(self.total_cm)
        hits = np.diag(matrix)[self.target_class_ids]
        union = (matrix.sum(axis=0) + matrix.sum(axis=1))[self.target_class_ids] - hits
        present = union > 1e-9
        shares = np.where(present, hits / (union + functions.EPSILON), 0.0)
        return as_result(shares.sum() / (np.count_nonzero(present) + functions.EPSILON))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in self._arguments}}


class BinaryIoU(IoU):
    """The mean intersection over union of the classes 0 and 1, with predictions cut at a threshold.

    Args:
        target_class_ids: the classes that count: 0, 1 or both.
        threshold: predictions of at least that are class 1.
        name, dtype: see `Metric`.
    """

    _arguments = ("target_class_ids", "threshold")

    def __init__(
        self,
        target_class_ids: Iterable[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(y_true, np.asarray(y_pred, np.float32) >= np.float32(self.threshold), sample_weight)


class MeanIoU(IoU):
    """The mean intersection over union of all classes.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: see `IoU`.
    """

    _arguments: tuple[str, ...] = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        every = range(as_int("num_classes", num_classes, 1))
        super().__init__(num_classes, every, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """The mean intersection over union of some classes, of one-hot targets.

    Args:
        num_classes, target_class_ids, name, dtype, ignore_class, sparse_y_pred, axis: see `IoU`.
    """

    _arguments = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Iterable[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """The mean intersection over union of all classes, of one-hot targets.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_pred, axis: see `IoU`.
    """

    _arguments = ("num_classes", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
