"""From what users hand to fit, evaluate and predict to batches a plan takes.

Arrays are checked and converted once, as a whole, and then cut into batches: views where the order stays, gathered
into one buffer where it is shuffled. Iterables are checked batch by batch.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_optional_count
from .._core.types import Array
from .structures import is_array


class Samples(Protocol):
    """A whole data set, or a batch of it.

    Attributes:
        size: the number of samples.
        reuses_memory: whether a batch may go into the memory of the one before it.
    """

    size: int

    @property
    def reuses_memory(self) -> bool: ...
    def map(self, cut: Callable[[Array], Array], size: int) -> Self:
        """The same with `cut` applied to every array."""
        ...

    def slice(self, start: int, stop: int) -> Self: ...
    def without_weights(self) -> Self: ...
    def shapes(self) -> list[tuple[int, ...]]:
        """Of the arrays, for messages."""
        ...


S = TypeVar("S", bound=Samples)


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

    reuses_memory = True

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
        """The samples from `start` to before `stop`."""
        return self.map(lambda array: array[start:stop], stop - start)

    def without_weights(self) -> Batch:
        """The same without sample weights."""
        return replace(self, weights=[None] * len(self.weights), loss_weights=[None] * len(self.loss_weights))

    def shapes(self) -> list[tuple[int, ...]]:
        """Of the inputs."""
        return [array.shape for array in self.inputs]


class _Gatherer(Generic[S]):
    """Takes samples by index into buffers that are used again for the next batch, where samples allow that."""

    def __init__(self, whole: S) -> None:
        self._whole = whole
        self._buffers: dict[int, Array] = {}

    def take(self, indices: NDArray[np.intp]) -> S:
        if not self._whole.reuses_memory:
            return self._whole.map(lambda array: np.take(array, indices, axis=0), len(indices))

        def gather(array: Array) -> Array:
            buffer = self._buffers.get(id(array))
            if buffer is None or len(buffer) < len(indices):
                buffer = np.empty((len(indices), *array.shape[1:]), array.dtype)
                self._buffers[id(array)] = buffer
            # mode="clip" lets NumPy write straight into `out`; the indices are a permutation, so nothing is clipped.
            return np.take(array, indices, axis=0, out=buffer[: len(indices)], mode="clip")

        return self._whole.map(gather, len(indices))


class ArrayData(Generic[S]):
    """Batches of arrays in memory.

    A pass is all samples in batches, in its own order if `shuffle`. An epoch is one pass, or `steps` batches: then the
    next epoch goes on where the last one stopped, and ends early, with a warning, where the pass ends. The order of a
    pass is drawn from `seed` and the number of the pass alone, so that any epoch can be made again without the ones
    before.

    Args:
        whole: all samples.
        batch_size: 32 by default, or what makes a pass of `steps`.
        steps: batches per epoch, None for a pass.
        shuffle: False for the order of the arrays, True for a new order in each pass, "batch" for batches that hold the
            same samples in each pass, in a new order.
        first: the number of the first epoch.
        name: for messages.
    """

    def __init__(
        self,
        whole: S,
        batch_size: int | None,
        steps: int | None = None,
        shuffle: bool | str = False,
        first: int = 0,
        name: str = "x",
    ) -> None:
        if batch_size is None:
            batch_size = -(-whole.size // steps) if steps else 32
        self.batch_size = max(batch_size, 1)
        self.whole = whole
        self.shuffle = shuffle
        self.seed = 0
        self._first = first
        self._name = name
        self._in_pass = -(-whole.size // self.batch_size)
        self.steps: int | None = steps or self._in_pass
        self._gatherer = _Gatherer(whole)
        self._order: tuple[tuple[int, int], NDArray[np.intp]] | None = None

    def ready(self) -> bool:
        """Whether there are batches for one more epoch."""
        return True

    def skip(self, epochs: int) -> None:
        """Nothing to do: `batches` finds any place by itself."""

    def restart(self) -> None:
        """Nothing to do."""

    def batches(self, epoch: int, start: int = 0) -> Iterator[S]:
        """The batches of an epoch from number `start` on. A batch is valid until the next one is asked for."""
        steps = self.steps or 0
        passed, part = divmod(epoch - self._first, max(-(-self._in_pass // max(steps, 1)), 1))
        begin, end = part * steps, min((part + 1) * steps, self._in_pass)
        for index in range(begin + start, end):
            low = index * self.batch_size
            high = min(low + self.batch_size, self.whole.size)
            if self.shuffle:
                yield self._gatherer.take(self._permutation(self._first + passed)[low:high])
            else:
                yield self.whole.slice(low, high)
        if end - begin < steps:
            _warn_of_the_end(self._name, epoch, end - begin, steps, 3)

    def _permutation(self, passed: int) -> NDArray[np.intp]:
        key = (self.seed, passed)
        if self._order is None or self._order[0] != key:
            generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))
            if self.shuffle == "batch":
                order = np.arange(self.whole.size)
                for low in range(0, self.whole.size, self.batch_size):
                    generator.shuffle(order[low : low + self.batch_size])
            else:
                order = generator.permutation(self.whole.size)
            self._order = key, order
        return self._order[1]


_END = object()


class IterableData(Generic[S]):
    """Batches of an iterable of ``x``, ``(x, y)`` or ``(x, y, sample_weight)``, or of a function that returns one.

    A pass iterates the iterable anew (calls the function anew). An epoch is a pass, or `steps` batches as in
    `ArrayData`. A generator is one pass: where it ends, so does the last epoch.

    The methods ``on_epoch_begin`` and ``on_epoch_end`` of the iterable, if it has them, are called around each epoch
    that comes to its end, as those of ``keras.utils.PyDataset`` are.

    Args:
        source: the iterable or the function.
        take: makes a batch of what the iterable gives.
        steps: batches per epoch, None for a pass.
        epochs: how many there will be.
        name: for messages.

    Raises:
        ValueError: a generator without `steps` for more than one epoch.
    """

    def __init__(self, source: Any, take: Callable[[Any], S], steps: int | None, epochs: int, name: str = "x") -> None:
        self._source = source
        self._take = take
        self._name = name
        self._one_shot = isinstance(source, Iterator)
        self._limit = steps
        self._in_pass = None if self._one_shot else _length(source)
        self._current: Iterator[Any] | None = source if self._one_shot else None
        self._taken = 0  # of the current pass
        self._ahead: Any = _END  # what `ready` has taken off a generator
        self.seed = 0
        self.steps = steps if steps is not None else self._in_pass
        if self._one_shot and steps is None and epochs > 1:
            raise ValueError(
                f"{name} is a generator, which can be iterated only once, but there are {epochs} epochs; set the "
                "number of steps per epoch, or hand over a list, an iterable object, or the generator function itself"
            )

    def ready(self) -> bool:
        """Whether there are batches for one more epoch: False where a generator has come to its end."""
        if self._one_shot and self._taken and self._ahead is _END:
            self._ahead = next(self._source, _END)
            return self._ahead is not _END
        return True

    def skip(self, epochs: int) -> None:
        """Drops epochs that an interrupted run has had already."""
        for epoch in range(epochs):
            self._tell("on_epoch_begin")
            if self._limit is not None:
                for _ in self._items(epoch):
                    pass
            self._tell("on_epoch_end")

    def restart(self) -> None:
        """Begins a new pass with the next epoch. A generator goes on."""
        if not self._one_shot:
            self._current = None

    def batches(self, epoch: int, start: int = 0) -> Iterator[S]:
        """The batches of the next epoch from number `start` on. `epoch` is its number, for messages."""
        self._tell("on_epoch_begin")
        for number, item in enumerate(self._items(epoch)):
            if number >= start:
                yield self._take(item)
        self._tell("on_epoch_end")

    def _items(self, epoch: int) -> Iterator[Any]:
        """What the source gives in one epoch. ValueError if that is nothing."""
        if self._limit is None:
            self.restart()
        count = 0
        while self._limit is None or count < self._limit:
            if self._current is None:
                self._current, self._taken = self._open(), 0
            item, self._ahead = self._ahead, _END
            if item is _END and self._taken != self._in_pass:
                item = next(self._current, _END)
            if item is _END:
                if not self._one_shot:
                    self._current = None
                if count == 0 and self._taken and not self._one_shot:
                    continue  # the last epoch ended where the pass did, which did not show
                if count == 0:
                    raise ValueError(f"{self._name} gave no batch in epoch {epoch + 1}")
                if self._limit is not None:
                    _warn_of_the_end(self._name, epoch, count, self._limit, 4)
                return
            count += 1
            self._taken += 1
            yield item

    def _tell(self, hook: str) -> None:
        method = getattr(self._source, hook, None)
        if callable(method):
            method()

    def _open(self) -> Iterator[Any]:
        source = self._source
        if callable(source) and not hasattr(source, "__iter__"):
            source = source()
        if not hasattr(source, "__iter__") and hasattr(source, "__getitem__") and hasattr(source, "__len__"):
            return (source[index] for index in range(len(source)))
        return iter(source)


def _warn_of_the_end(name: str, epoch: int, count: int, steps: int, frames: int) -> None:
    """Says that an epoch ends before its steps are done. `frames` lie between the caller and the user's code."""
    warnings.warn(
        f"{name} ran out of batches in epoch {epoch + 1}, after {count} of {steps} steps; the epoch ends there",
        stacklevel=frames + 2,
    )


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


def validation_parts(given: Any, inputs: int | None) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of `validation_data`; batches as x.

    Args:
        given: (x, y) or (x, y, sample_weight) as a tuple or list, or batches.
        inputs: how many inputs the model has, None where that is not known yet. A list of lists of arrays may be x and
            y of several arrays each, or batches of x and y: it is x and y if its first item has one array per input.

    Raises:
        ValueError: a tuple or list of another length that does not hold batches.
    """
    if not isinstance(given, tuple | list):
        return given, None, None
    if is_iterable_of_batches(given):
        first = given[0]
        if not (len(given) in (2, 3) and len(first) == inputs and all(is_array(part) for part in first)):
            return given, None, None
    if len(given) not in (2, 3):
        raise ValueError(
            f"validation_data is a {type(given).__name__} of {len(given)}; expected (x, y) or (x, y, sample_weight)"
        )
    return unpack(given)


def array_data(whole: S, batch_size: int | None, steps: int | None, **arguments: Any) -> ArrayData[S]:
    """`ArrayData`, checked: at least one sample, a batch size of at least 1."""
    refuse_empty(whole)
    return ArrayData(whole, as_optional_count("batch_size", batch_size), steps, **arguments)


def refuse_empty(samples: Samples) -> None:
    """ValueError where there is no sample."""
    if samples.size == 0:
        raise ValueError(f"x has no samples: shapes {samples.shapes()}; expected at least one")


def split_validation(whole: S, validation_split: float, class_weighted: bool) -> tuple[S, S]:
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
    # Class weights are for training only.
    return whole.slice(0, border), held_out.without_weights() if class_weighted else held_out
