"""From what users hand to fit, evaluate and predict to batches a plan takes.

Arrays are checked and converted once, as a whole, and then cut into batches: views where the order stays, gathered
into one buffer where it is shuffled. Iterables are checked batch by batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_int
from .._core.types import Array
from .structures import is_array

Standardize = Callable[[Any, Any, Any], "Batch"]


@dataclass(slots=True)
class Batch:
    """Samples, checked and converted: a whole data set or a batch of it.

    Attributes:
        size: the number of samples N.
        inputs: one array per input, (N, ...).
        labels: one array per output as the user gave it, for metrics; None where the user gave none.
        targets: the same as the plan takes it, one per loss.
        weights: sample weights of the outputs, None for all ones.
        loss_weights: the same, one per loss.
    """

    size: int
    inputs: list[Array]
    labels: list[Array | None] = field(default_factory=list)
    targets: list[Array] = field(default_factory=list)
    weights: list[Array | None] = field(default_factory=list)
    loss_weights: list[Array | None] = field(default_factory=list)

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Without the batch axis."""
        return tuple(array.shape[1:] for array in self.inputs)

    def map(self, cut: Callable[[Array], Array], size: int) -> Batch:
        """The batch with `cut` applied to every array, once where one array appears twice."""
        done: dict[int, Array] = {}

        def once(array: Array | None) -> Array | None:
            if array is None:
                return None
            if id(array) not in done:
                done[id(array)] = cut(array)
            return done[id(array)]

        groups = (self.inputs, self.labels, self.targets, self.weights, self.loss_weights)
        return Batch(size, *([once(array) for array in group] for group in groups))  # type: ignore[arg-type]

    def slice(self, start: int, stop: int) -> Batch:
        return self.map(lambda array: array[start:stop], stop - start)


class _Gatherer:
    """Takes samples by index into buffers that are used again for the next batch."""

    def __init__(self, whole: Batch) -> None:
        self._whole = whole
        self._buffers: dict[int, Array] = {}

    def take(self, indices: NDArray[np.intp]) -> Batch:
        def gather(array: Array) -> Array:
            buffer = self._buffers.get(id(array))
            if buffer is None or len(buffer) < len(indices):
                buffer = np.empty((len(indices), *array.shape[1:]), array.dtype)
                self._buffers[id(array)] = buffer
            # mode="clip" lets NumPy write straight into `out`; the indices are a permutation, so nothing is clipped.
            return np.take(array, indices, axis=0, out=buffer[: len(indices)], mode="clip")

        return self._whole.map(gather, len(indices))


class ArrayData:
    """Batches of arrays in memory.

    The batches form one endless sequence: pass after pass over the samples, each pass in its own order if `shuffle`.
    An epoch is `steps` batches of that sequence, by default one pass. The order of a pass is drawn from `seed` and the
    number of the pass alone, so that any epoch can be made again without the ones before.
    """

    def __init__(self, whole: Batch, batch_size: int | None, steps: int | None = None, shuffle: bool = False) -> None:
        if batch_size is None:
            batch_size = -(-whole.size // steps) if steps else 32
        self.batch_size = max(batch_size, 1)
        self.whole = whole
        self.shuffle = shuffle
        self.seed = 0
        self._in_pass = -(-whole.size // self.batch_size)
        self.steps: int | None = steps or self._in_pass
        self._gatherer = _Gatherer(whole)
        self._order: tuple[tuple[int, int], NDArray[np.intp]] | None = None

    def skip(self, batches: int) -> None:
        """Nothing to do: `batches` finds any place by itself."""

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from number `start` on. A batch is valid until the next one is asked for."""
        steps = self.steps or 0
        for number in range(epoch * steps + start, (epoch + 1) * steps):
            passed, index = divmod(number, self._in_pass)
            low = index * self.batch_size
            high = min(low + self.batch_size, self.whole.size)
            if self.shuffle:
                yield self._gatherer.take(self._permutation(passed)[low:high])
            else:
                yield self.whole.slice(low, high)

    def _permutation(self, passed: int) -> NDArray[np.intp]:
        key = (self.seed, passed)
        if self._order is None or self._order[0] != key:
            generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))
            self._order = key, generator.permutation(self.whole.size)
        return self._order[1]


class IterableData:
    """Batches of an iterable of ``x``, ``(x, y)`` or ``(x, y, sample_weight)``, or of a function that returns one.

    Without `steps` an epoch is one pass: the iterable is iterated anew (the function called anew) every epoch. With
    `steps` an epoch is that many batches, the next epoch goes on where the last one stopped, and at its end the
    iterable is iterated anew. A generator can be iterated only once; when it ends too early, ValueError says so.
    """

    def __init__(self, source: Any, standardize: Standardize, steps: int | None, epochs: int, name: str = "x") -> None:
        self._source = source
        self._standardize = standardize
        self._name = name
        self._one_shot = isinstance(source, Iterator)
        self._limited = steps is not None
        self._current: Iterator[Any] | None = source if self._one_shot else None
        self.seed = 0
        self.steps = steps if steps is not None else _length(source)
        if self._one_shot and steps is None and epochs > 1:
            raise ValueError(
                f"{name} is a generator, which can be iterated only once, but there are {epochs} epochs; set the "
                "number of steps an epoch, or hand over a list, an iterable object, or the generator function itself"
            )

    def skip(self, batches: int) -> None:
        """Drop batches that an interrupted run has already had (only with `steps`, where epochs continue)."""
        if self._limited:
            for _ in range(batches):
                self._next(1)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        if self._limited:
            for _ in range(start, self.steps or 0):
                yield self._standardize(*unpack(self._next(epoch)))
            return
        count = 0
        for item in self._open():
            count += 1
            if count > start:
                yield self._standardize(*unpack(item))
        if count == 0:
            raise ValueError(f"{self._name} gave no batch in epoch {epoch + 1}")

    def _next(self, epoch: int) -> Any:
        if self._current is not None:
            try:
                return next(self._current)
            except StopIteration:
                if self._one_shot:
                    raise ValueError(
                        f"{self._name} is a generator and ran out of batches in epoch {epoch + 1}; it must give "
                        "steps times epochs batches. Use fewer steps, or hand over something that can be iterated anew"
                    ) from None
                self._current = None
        self._current = self._open()
        try:
            return next(self._current)
        except StopIteration:
            raise ValueError(f"{self._name} gave no batch in epoch {epoch + 1}") from None

    def _open(self) -> Iterator[Any]:
        source = self._source
        if callable(source) and not hasattr(source, "__iter__"):
            source = source()
        if not hasattr(source, "__iter__") and hasattr(source, "__getitem__") and hasattr(source, "__len__"):
            return (source[index] for index in range(len(source)))
        return iter(source)


def _length(source: Any) -> int | None:
    try:
        return len(source)
    except TypeError:  # generators, functions, iterables of unknown length
        return None


def unpack(item: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of what an iterable gave, None where a part is missing."""
    if isinstance(item, tuple | list):
        if 1 <= len(item) <= 3:
            x, y, sample_weight = (*item, None, None)[:3]
            return x, y, sample_weight
        raise ValueError(f"a batch is a {type(item).__name__} of {len(item)}; expected x, (x, y) or (x, y, weights)")
    return item, None, None


def is_iterable_of_batches(x: Any) -> bool:
    """Whether `x` is batches to iterate over rather than arrays (or nested numbers) of all samples."""
    if is_array(x) or isinstance(x, Mapping | str | bytes):
        return False
    if isinstance(x, tuple | list):
        return len(x) > 0 and all(
            isinstance(item, tuple | list) and len(item) > 0 and all(_is_arrays(part) for part in item) for item in x
        )
    return callable(x) or hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def _is_arrays(part: Any) -> bool:
    """One array, or a dict, list or tuple of arrays; None stands for a missing part."""
    if isinstance(part, Mapping):
        return True
    if isinstance(part, tuple | list):
        return len(part) > 0 and all(is_array(item) for item in part)
    return part is None or is_array(part)


def check_sizes(sizes: Iterable[tuple[str, int]]) -> int:
    """The common number of samples. ValueError where they differ."""
    listed = list(sizes)
    if len({size for _, size in listed}) > 1:
        raise ValueError("the arrays differ in their number of samples: " + ", ".join(f"{n}: {s}" for n, s in listed))
    return listed[0][1]


def class_weights(labels: Array, class_weight: Mapping[int, float]) -> NDArray[np.float32]:
    """Sample weights (N,) from a weight for each class (1 where none is given), as Keras.

    `labels` are class numbers of (N,) or (N, 1), or one-hot (N, C).
    """
    if labels.ndim == 2 and labels.shape[1] != 1:
        classes = np.argmax(labels, axis=-1)
    elif labels.ndim == 1 or labels.shape[1:] == (1,):
        classes = np.round(labels.reshape(len(labels))).astype(np.int64)
    else:
        raise ValueError(f"class_weight needs labels of (N,), (N, 1) or one-hot (N, C); y has shape {labels.shape}")
    present, places = np.unique(classes, return_inverse=True)
    table = np.array([class_weight.get(int(number), 1.0) for number in present], np.float32)
    return np.ascontiguousarray(table[places].reshape(len(labels)))


def are_batches(x: Any, y: Any, sample_weight: Any) -> bool:
    """Whether `x` is batches. ValueError if y or weights come beside them."""
    if not is_iterable_of_batches(x):
        return False
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"x is an iterable of batches ({type(x).__name__}), which hold their own targets and weights; "
                f"{name} must not be given too"
            )
    return True


def array_data(whole: Batch, batch_size: int | None, steps: int | None, shuffle: bool) -> ArrayData:
    """`ArrayData`, checked: at least one sample, a batch size of at least 1."""
    refuse_empty(whole)
    return ArrayData(whole, as_positive("batch_size", batch_size), steps, shuffle)


def refuse_empty(batch: Batch) -> None:
    """ValueError where there is no sample."""
    if batch.size == 0:
        raise ValueError(f"x has no samples: shapes {[array.shape for array in batch.inputs]}; expected at least one")


def split_validation(whole: Batch, validation_split: float, class_weighted: bool) -> tuple[Batch, Batch]:
    """Samples to train on, and the last part of them to validate on. ValueError where a side is empty."""
    if not 0 < validation_split < 1:
        raise ValueError(f"validation_split is {validation_split}; expected a number from 0 to below 1")
    border = math.floor(whole.size * (1.0 - validation_split))
    if border in (0, whole.size):
        raise ValueError(
            f"validation_split {validation_split} of {whole.size} samples leaves one side without any; "
            "expected more samples or another split"
        )
    held_out = whole.slice(border, whole.size)
    if class_weighted:  # class weights are for training only
        held_out.weights = [None] * len(held_out.weights)
        held_out.loss_weights = [None] * len(held_out.loss_weights)
    return whole.slice(0, border), held_out


def as_positive(name: str, value: int | None) -> int | None:
    """None, or `value` as an int of at least 1."""
    return None if value is None else as_int(name, value, 1)
