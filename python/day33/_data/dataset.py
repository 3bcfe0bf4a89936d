"""`Dataset`: what `tf.data.Dataset` does, in this process and on NumPy arrays.

A data set is a function that starts a pass over *raws*, and a way to read an element from a raw. Slices of arrays have
their row numbers as raws: they are shuffled, skipped and repeated as numbers, and a batch is gathered from the arrays
in one step. Where a function of the user makes the elements, raw and element are the same.
"""

from __future__ import annotations

import functools
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._core.arrays import as_int
from .._core.tensors import Tensor, as_tensor, to_tensor
from ..random import next_seed
from .specs import DatasetSpec, TensorSpec, merge, spec_of
from .structures import leaves, map_leaves, pack

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2

Pass = Callable[[], Iterator[Any]]


class Dataset:
    """Elements in an order: tensors, or tuples and dicts of tensors. `Model.fit` takes it, in batches.

    Every method returns another data set. Each iteration is a new pass. Names, arguments and results are those of
    `tf.data.Dataset`, except that nothing runs in the background (`num_parallel_calls` and the like do nothing), that
    functions are called with the elements themselves, not traced, and that a batch of batches is refused.

    Attributes:
        batch_size: where the elements are batches, how many samples they have (the last one perhaps fewer); else None.
    """

    def __init__(
        self,
        raws: Pass,
        spec: Any,
        cardinality: int,
        *,
        read: Callable[[Any], Any] | None = None,
        join: Callable[[Sequence[Any]], Any] | None = None,
        batch_size: int | None = None,
    ) -> None:
        """Used by the functions below; users begin with `from_tensor_slices` and its kin.

        Args:
            raws: starts a pass.
            spec: the structure of specs of an element, or a function that finds it.
            cardinality: the number of elements, or one of the two constants.
            read: the element of a raw; by default the raw itself.
            join: several raws as a batch; by default their elements are stacked.
            batch_size: where the elements are batches.
        """
        self._raws = raws
        self._spec = spec
        self._cardinality = cardinality
        self._read = read or _itself
        self._join = join or functools.partial(_stack_raws, self._read)
        self.batch_size = batch_size

    # ---- where elements come from ----

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """One element for each entry of the first axis. Arrays are not copied.

        Args:
            tensors: an array (or what can be read as one), or tuples and dicts of arrays with first axes of one size.

        Raises:
            ValueError: other sizes, or no axis at all.
        """
        arrays = map_leaves(to_tensor, tensors)
        for array in leaves(arrays):
            if array.ndim == 0:
                raise ValueError("tensors hold a scalar; expected arrays with samples along the first axis")
        size = _common_size(leaves(arrays))
        return Dataset(
            lambda: iter(range(size)),
            map_leaves(lambda array: spec_of(array).without_axis(), arrays),  # type: ignore[union-attr]
            size,
            read=lambda row: map_leaves(lambda array: as_tensor(array[row]), arrays),
            join=lambda rows: map_leaves(lambda array: as_tensor(array[np.asarray(rows)]), arrays),
        )

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """A single element."""
        element = map_leaves(to_tensor, tensors)
        return Dataset(lambda: iter([element]), map_leaves(spec_of, element), 1)

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable[Any]],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Sequence[Any] = (),
        output_signature: Any = None,
    ) -> Dataset:
        """What a generator yields.

        Args:
            generator: called with `args` for each pass.
            output_types: dtypes in the structure of an element; the older way to say what `output_signature` says.
            output_shapes: beside them the shapes; not checked where it is left out.
            args: what `generator` is called with, as NumPy arrays.
            output_signature: a `TensorSpec`, or a structure of them. Elements are converted to these dtypes.

        Raises:
            TypeError: neither types nor a signature, a generator instead of a function that makes one, or, in a pass,
                an element of another structure.
            ValueError: in a pass, an element of another shape.
        """
        if not callable(generator):
            raise TypeError(f"generator is {generator!r}; expected a function that returns an iterable")
        if output_signature is None:
            if output_types is None:
                raise TypeError("output_signature and output_types are None; expected one of them")
            shapes = map_leaves(lambda _: None, output_types) if output_shapes is None else output_shapes
            signature = map_leaves(lambda dtype, shape: TensorSpec(shape, dtype), output_types, shapes)
        else:
            signature = output_signature
        for spec in leaves(signature):
            if not isinstance(spec, TensorSpec):
                raise TypeError(f"output_signature holds {spec!r}; expected a TensorSpec")
        given = [to_tensor(argument).numpy() for argument in args]

        def raws() -> Iterator[Any]:
            for number, item in enumerate(generator(*given)):
                yield map_leaves(functools.partial(_converted, number), signature, item)

        return Dataset(raws, signature, UNKNOWN_CARDINALITY)

    @staticmethod
    def range(*args: int, output_type: DTypeLike = np.int64) -> Dataset:
        """Numbers as of Python's `range`: a stop; start and stop; or start, stop and step."""
        numbers = range(*args)
        return Dataset(
            lambda: iter(numbers),
            TensorSpec((), output_type),
            len(numbers),
            read=lambda number: as_tensor(np.asarray(number, output_type)),
            join=lambda raws: as_tensor(np.asarray(raws, output_type)),
        )

    @staticmethod
    def zip(*args: Any, datasets: Any = None) -> Dataset:
        """Elements of several data sets side by side, until the shortest ends.

        Args:
            args: data sets, or one structure of data sets.
            datasets: the structure, by name.
        """
        structure: Any = datasets if datasets is not None else args[0] if len(args) == 1 else args
        parts = leaves(structure)
        if not parts or not all(isinstance(part, Dataset) for part in parts):
            raise TypeError(f"zip was given {structure!r}; expected data sets, in tuples and dicts")

        def raws() -> Iterator[Any]:
            for items in zip(*parts, strict=False):
                yield pack(structure, items)

        sizes = [part._cardinality for part in parts]
        finite = [size for size in sizes if size != INFINITE_CARDINALITY]
        return Dataset(
            raws,
            lambda: map_leaves(lambda part: part.element_spec, structure),
            min(finite, default=INFINITE_CARDINALITY),
        )

    # ---- which elements, in which order ----

    def shuffle(
        self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool | None = None
    ) -> Dataset:
        """In random order: each next one is drawn from the `buffer_size` that are first in line.

        Args:
            buffer_size: at least the number of elements for an order in which each is as likely as any other.
            seed: without it the order follows `day33.set_random_seed`.
            reshuffle_each_iteration: False for the same order in each pass.
        """
        size = as_int("buffer_size", buffer_size, 1)
        first = next_seed() if seed is None else as_int("seed", seed, 0)
        passes = itertools.count()

        def raws() -> Iterator[Any]:
            key = [first] if reshuffle_each_iteration is False else [first, next(passes)]
            return _shuffled(self._raws(), size, np.random.default_rng(key))

        return self._with(raws, self._cardinality)

    def take(self, count: int) -> Dataset:
        """The first `count` elements; all of them for -1."""
        if count == -1:
            return self
        number = as_int("count", count, 0)
        size = number if self._cardinality == INFINITE_CARDINALITY else self._known(lambda n: min(number, n))
        return self._with(lambda: itertools.islice(self._raws(), number), size)

    def skip(self, count: int) -> Dataset:
        """Without the first `count` elements; without any for -1."""
        if count == -1:
            return self._with(lambda: iter(()), 0)
        number = as_int("count", count, 0)
        return self._with(
            lambda: itertools.islice(self._raws(), number, None), self._known(lambda n: max(n - number, 0))
        )

    def repeat(self, count: int | None = None) -> Dataset:
        """All elements `count` times, one pass after the other; without end for None and -1."""
        if count is None or count == -1:
            return self._with(self._without_end, 0 if self._cardinality == 0 else INFINITE_CARDINALITY)
        times = as_int("count", count, 0)
        return self._with(
            lambda: itertools.chain.from_iterable(self._raws() for _ in range(times)),
            self._known(lambda n: times * n) if times else 0,
        )

    def _without_end(self) -> Iterator[Any]:
        while True:
            empty = True
            for raw in self._raws():
                empty = False
                yield raw
            if empty:
                return

    def shard(self, num_shards: int, index: int) -> Dataset:
        """Every `num_shards`-th element, from number `index` on."""
        number = as_int("num_shards", num_shards, 1)
        start = as_int("index", index, 0)
        if start >= number:
            raise ValueError(f"index is {start}; expected a value from 0 to {number - 1}")
        return self._with(
            lambda: itertools.islice(self._raws(), start, None, number),
            self._known(lambda n: n // number + (start < n % number)),
        )

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """Only the elements for which ``predicate(element)`` is true; of a tuple, its parts are the arguments.

        ValueError, in a pass, if it gives anything but one bool.
        """

        def raws() -> Iterator[Any]:
            for raw in self._raws():
                kept = np.asarray(_call(predicate, self._read(raw)))
                if kept.dtype != np.bool_ or kept.ndim:
                    raise ValueError(f"predicate gave dtype {kept.dtype} and shape {kept.shape}; expected one bool")
                if kept:
                    yield raw

        return self._with(raws, UNKNOWN_CARDINALITY)

    def concatenate(self, dataset: Dataset) -> Dataset:
        """These elements, then those of another data set of the same structure and dtypes. TypeError otherwise."""
        sizes = (self._cardinality, dataset._cardinality)
        if INFINITE_CARDINALITY in sizes:
            size = INFINITE_CARDINALITY
        else:
            size = UNKNOWN_CARDINALITY if UNKNOWN_CARDINALITY in sizes else sum(sizes)
        if callable(self._spec) or callable(dataset._spec):
            spec: Any = lambda: merge(self.element_spec, dataset.element_spec)  # noqa: E731
        else:
            spec = merge(self._spec, dataset._spec)
        return Dataset(lambda: itertools.chain(self, dataset), spec, size)

    def cache(self, filename: str | os.PathLike[str] = "") -> Dataset:
        """The elements of the first pass that was finished, in its order, in every later pass.

        Args:
            filename: for the sake of TensorFlow code. ValueError unless it is empty: the elements stay in memory.
        """
        if os.fspath(filename):
            raise ValueError(f"filename is {filename!r}; expected none: day33 caches in memory only")
        kept: list[Any] = []
        finished = threading.Event()
        lock = threading.Lock()

        def raws() -> Iterator[Any]:
            if not finished.is_set():
                seen = []
                for raw in self._raws():
                    seen.append(raw)
                    yield raw
                with lock:
                    if not finished.is_set():
                        kept.extend(seen)
                        finished.set()
                return
            yield from kept

        return self._with(raws, self._cardinality)

    def prefetch(self, buffer_size: int = AUTOTUNE) -> Dataset:
        """The same data set: nothing is made before it is asked for."""
        return self

    # ---- other elements ----

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> Dataset:
        """``map_func(element)`` in place of each element; of a tuple, its parts are the arguments.

        Args:
            map_func: takes and returns tensors, in tuples and dicts. Numbers and NumPy arrays are converted.
            num_parallel_calls, deterministic: for the sake of TensorFlow code; calls come one after the other.
        """

        def raws() -> Iterator[Any]:
            for element in self:
                yield _result(map_func, element)

        return Dataset(raws, lambda: self._spec_after(map_func), self._cardinality)

    def enumerate(self, start: int = 0) -> Dataset:
        """Pairs of a number (int64, from `start` on) and an element."""
        return Dataset.zip(Dataset._count(as_int("start", start, 0)), self)

    @staticmethod
    def _count(start: int) -> Dataset:
        return Dataset(
            lambda: itertools.count(start),
            TensorSpec((), np.int64),
            INFINITE_CARDINALITY,
            read=lambda number: as_tensor(np.asarray(number, np.int64)),
        )

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> Dataset:
        """`batch_size` elements together, along a new first axis. The last batch may be smaller, or is dropped.

        Args:
            batch_size: at least 1.
            drop_remainder: leave out a last batch that is smaller.
            num_parallel_calls, deterministic: for the sake of TensorFlow code.

        Raises:
            ValueError: the elements are batches already; in a pass, elements of different shapes.
        """
        size = as_int("batch_size", batch_size, 1)
        if self.batch_size is not None:
            raise ValueError("the data set is in batches already")

        def raws() -> Iterator[Any]:
            source = self._raws()
            while group := list(itertools.islice(source, size)):
                if len(group) == size or not drop_remainder:
                    yield group

        return Dataset(
            raws,
            self._spec_then(lambda spec: map_leaves(lambda leaf: _batch_spec(leaf, size, drop_remainder), spec)),
            self._known(lambda n: n // size if drop_remainder else -(-n // size)),
            read=self._join,
            batch_size=size,
        )

    def unbatch(self) -> Dataset:
        """The entries of the first axis of each element, one after the other.

        ValueError, in a pass, where the parts of an element differ in the size of that axis or have none.
        """

        def raws() -> Iterator[Any]:
            for element in self:
                if any(part.ndim == 0 for part in leaves(element)):
                    raise ValueError("the elements hold a scalar; expected a first axis to take them apart along")
                for row in range(_common_size(leaves(element))):
                    yield map_leaves(lambda array, row=row: as_tensor(array[row]), element)

        size = self._cardinality
        if size >= 0:
            first = None if callable(self._spec) else leaves(self._spec)[0].shape
            size = UNKNOWN_CARDINALITY if not first or first[0] is None else size * first[0]
        return Dataset(raws, self._spec_then(lambda spec: map_leaves(lambda leaf: leaf.without_axis(), spec)), size)

    def window(self, size: int, shift: int | None = None, stride: int = 1, drop_remainder: bool = False) -> Dataset:
        """Data sets of `size` elements each: windows over the elements. Of a tuple, each part has a window of its own.

        ``data.window(5, shift=1, drop_remainder=True).flat_map(lambda window: window.batch(5))`` gives them as tensors.

        Args:
            size: elements in a window.
            shift: from the first element of a window to that of the next; `size` by default.
            stride: from an element in a window to the next one there.
            drop_remainder: leave out the last windows, which are smaller.
        """
        size = as_int("size", size, 1)
        shift = size if shift is None else as_int("shift", shift, 1)
        stride = as_int("stride", stride, 1)
        span = (size - 1) * stride + 1

        def raws() -> Iterator[Any]:
            source = iter(self)
            waiting: deque[Any] = deque()
            while True:
                waiting.extend(itertools.islice(source, span - len(waiting)))
                if not waiting or (drop_remainder and len(waiting) < span):
                    return
                yield _side_by_side(list(waiting)[::stride])
                for _ in range(min(shift, len(waiting))):
                    waiting.popleft()
                deque(itertools.islice(source, max(shift - span, 0)), maxlen=0)

        def count(n: int) -> int:
            return max(n - span, -shift) // shift + 1 if drop_remainder else -(-n // shift)

        return Dataset(raws, self._spec_then(lambda spec: map_leaves(DatasetSpec, spec)), self._known(count))

    def flat_map(self, map_func: Callable[..., Dataset]) -> Dataset:
        """The elements of the data sets that ``map_func(element)`` gives, one data set after the other."""
        return self.interleave(map_func, cycle_length=1)

    def interleave(
        self,
        map_func: Callable[..., Dataset],
        cycle_length: int | None = None,
        block_length: int = 1,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
    ) -> Dataset:
        """The elements of the data sets that ``map_func(element)`` gives, of several of them in turn.

        Args:
            map_func: from an element to a data set; of a tuple, its parts are the arguments.
            cycle_length: how many data sets are open at a time; by default the number of CPUs, as in TensorFlow.
            block_length: how many elements are taken from one before it is the turn of the next.
            num_parallel_calls, deterministic: for the sake of TensorFlow code.

        Raises:
            TypeError: in a pass, `map_func` gives anything but a data set.
        """
        if cycle_length is None or cycle_length == AUTOTUNE:
            cycle_length = os.cpu_count() or 1
        places = as_int("cycle_length", cycle_length, 1)
        block = as_int("block_length", block_length, 1)

        def raws() -> Iterator[Any]:
            source = iter(self)
            opened: list[Iterator[Any] | None] = [None] * places
            more, number = True, 0
            while more or any(inner is not None for inner in opened):
                place = number % places
                number += 1
                if opened[place] is None and more:
                    element = next(source, _END)
                    more = element is not _END
                    opened[place] = iter(_opened(map_func, element)) if more else None
                if (inner := opened[place]) is not None:
                    given = list(itertools.islice(inner, block))
                    if len(given) < block:
                        opened[place] = None
                    yield from given

        return Dataset(raws, lambda: _opened(map_func, self._example()).element_spec, UNKNOWN_CARDINALITY)

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """``transformation_func(self)``."""
        return transformation_func(self)

    # ---- what comes out ----

    @property
    def element_spec(self) -> Any:
        """The shape and dtype of each part of an element, `TensorSpec` or `DatasetSpec`, in its structure.

        Behind `map`, `flat_map` and `interleave` it is found by calling their function on the first element.
        """
        if callable(self._spec):
            self._spec = self._spec()
        return self._spec

    def cardinality(self) -> Tensor:
        """The number of elements (int64), or `INFINITE_CARDINALITY` or `UNKNOWN_CARDINALITY`."""
        return as_tensor(np.asarray(self._cardinality, np.int64))

    def reduce(self, initial_state: Any, reduce_func: Callable[[Any, Any], Any]) -> Any:
        """The last state of ``state = reduce_func(state, element)``, which begins with `initial_state`."""
        state = map_leaves(to_tensor, initial_state)
        for element in self:
            state = map_leaves(_as_part, reduce_func(state, element))
        return state

    def as_numpy_iterator(self) -> Iterator[Any]:
        """A pass over the elements as NumPy arrays and numbers. TypeError where data sets are elements."""
        for element in self:
            yield map_leaves(_plain, element)

    def __iter__(self) -> Iterator[Any]:
        return map(self._read, self._raws())

    @property
    def _length(self) -> int | None:
        return None if self._cardinality < 0 else self._cardinality

    def __len__(self) -> int:
        if self._length is None:
            why = "has no end, and so no length" if self._cardinality == INFINITE_CARDINALITY else "has no known length"
            raise TypeError(f"the data set {why}")
        return self._length

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        # A spec that takes a call of the user's function is not worth one here.
        return "<Dataset>" if callable(self._spec) else f"<Dataset element_spec={self._spec}>"

    # ---- helpers of the methods ----

    def _with(self, raws: Pass, cardinality: int) -> Dataset:
        """The same elements, others of them or in another order."""
        return Dataset(
            raws, self._spec_then(_itself), cardinality, read=self._read, join=self._join, batch_size=self.batch_size
        )

    def _known(self, change: Callable[[int], int]) -> int:
        """The cardinality, changed where it is a number."""
        return self._cardinality if self._cardinality < 0 else change(self._cardinality)

    def _spec_then(self, change: Callable[[Any], Any]) -> Any:
        """The spec, changed: now if it is known, else when it is asked for."""
        return (lambda: change(self.element_spec)) if callable(self._spec) else change(self._spec)

    def _example(self) -> Any:
        """The first element; of zeros, with size 1 for None, where there is none."""
        element = next(iter(self), _END)
        return map_leaves(_zeros, self.element_spec) if element is _END else element

    def _spec_after(self, map_func: Callable[..., Any]) -> Any:
        """The spec of what `map_func` gives: that of its result for the first element.

        Where sizes vary, the function is called once more, with these axes longer by one: sizes of the result that
        change with them vary, too.
        """
        element = self._example()
        spec = map_leaves(spec_of, _result(map_func, element))
        longer = map_leaves(_lengthened, self.element_spec, element)
        if all(a is b for a, b in zip(leaves(element), leaves(longer), strict=True)):
            return spec
        return merge(spec, map_leaves(spec_of, _result(map_func, longer)))


_END = object()


def _itself(value: Any) -> Any:
    return value


def _shuffled(source: Iterator[Any], size: int, generator: np.random.Generator) -> Iterator[Any]:
    waiting = list(itertools.islice(source, size))
    for raw in source:
        drawn = int(generator.integers(len(waiting)))
        yield waiting[drawn]
        waiting[drawn] = raw
    yield from (waiting[number] for number in generator.permutation(len(waiting)))


def _common_size(arrays: Sequence[NDArray[Any]]) -> int:
    sizes = [len(array) for array in arrays]
    if not sizes:
        raise ValueError("the elements hold no array; expected at least one")
    if len(set(sizes)) > 1:
        raise ValueError(f"the arrays differ in their number of samples: {', '.join(map(str, sizes))}")
    return sizes[0]


def _call(function: Callable[..., Any], element: Any) -> Any:
    return function(*element) if type(element) is tuple else function(element)


def _as_part(value: Any) -> Tensor | Dataset:
    return value if isinstance(value, Dataset) else to_tensor(value)


def _result(map_func: Callable[..., Any], element: Any) -> Any:
    """What `map_func` gives, as an element: a list of results is a tuple, as in TensorFlow."""
    result = _call(map_func, element)
    return map_leaves(_as_part, tuple(result) if isinstance(result, list) else result)


def _opened(map_func: Callable[..., Dataset], element: Any) -> Dataset:
    inner = _call(map_func, element)
    if not isinstance(inner, Dataset):
        raise TypeError(f"map_func gave {inner!r}; expected a data set")
    return inner


def _converted(number: int, spec: TensorSpec, value: Any) -> Tensor:
    array = to_tensor(value) if spec.dtype.kind == "U" else to_tensor(value, spec.dtype)
    if not spec.is_compatible_with(array):
        raise ValueError(f"element {number} of the generator is {array.dtype} of shape {array.shape}; expected {spec}")
    return array


def _stack_raws(read: Callable[[Any], Any], raws: Sequence[Any]) -> Any:
    elements = [read(raw) for raw in raws]
    return map_leaves(lambda *parts: _stack(parts), *elements)


def _stack(parts: Sequence[Any]) -> Tensor:
    if isinstance(parts[0], Dataset):
        raise TypeError("the elements are data sets; expected tensors, see flat_map")
    shapes = {part.shape for part in parts}
    if len(shapes) > 1:
        raise ValueError(f"elements of a batch have the shapes {sorted(shapes)}; expected one shape")
    return as_tensor(np.stack(parts))


def _batch_spec(leaf: Any, size: int, drop_remainder: bool) -> TensorSpec:
    if not isinstance(leaf, TensorSpec):
        raise TypeError("the elements are data sets; expected tensors, see flat_map")
    return leaf.with_axis(size if drop_remainder else None)


def _side_by_side(elements: list[Any]) -> Any:
    """A data set for each part of the elements."""
    return map_leaves(lambda *parts: Dataset(lambda: iter(parts), spec_of(parts[0]), len(parts)), *elements)


def _plain(part: Any) -> Any:
    if isinstance(part, Dataset):
        raise TypeError("the elements are data sets; expected tensors, see flat_map")
    return part.numpy()


def _zeros(spec: TensorSpec | DatasetSpec) -> Any:
    if isinstance(spec, DatasetSpec):
        return Dataset(lambda: iter(()), spec.element_spec, 0)
    return as_tensor(np.zeros([1 if size is None else size for size in spec.shape or ()], spec.dtype))


def _lengthened(spec: TensorSpec | DatasetSpec, part: Any) -> Any:
    if isinstance(spec, DatasetSpec) or spec.shape is None or None not in spec.shape:
        return part
    added = [(0, int(size is None)) for size in spec.shape]
    return as_tensor(np.pad(part, added, mode="edge" if part.size else "constant"))
