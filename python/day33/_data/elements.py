"""`Elements`: a pass over raws, and what is known of the elements that come out of it.

A data set is a function that starts a pass over *raws*, and a way to read an element from a raw. Slices of arrays have
their row numbers as raws: they are shuffled, skipped and repeated as numbers, and a batch is gathered from the arrays
in one step. Where a function of the user makes the elements, raw and element are the same.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._core.tensors import Tensor, as_tensor, to_tensor
from .specs import DatasetSpec, TensorSpec, merge, spec_of
from .structures import leaves, map_leaves

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2

Pass = Callable[[], Iterator[Any]]
END = object()  # what `next` gives at the end of a pass


class Options:
    """Settings of `tf.data.Options`, for the sake of TensorFlow code. Any attribute may be set; none has an effect."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        # Groups of settings are made when they are first used: options.threading.private_threadpool_size = 1.
        vars(self)[name] = group = Options()
        return group


class Elements:
    """Elements in an order. Base class of `Dataset`, without the methods that make another data set of it.

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
        self._read = read or itself
        self._join = join or functools.partial(stack_raws, self._read)
        self.batch_size = batch_size
        self._options = Options()

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
            state = map_leaves(as_part, reduce_func(state, element))
        return state

    def get_single_element(self) -> Any:
        """The only element. ValueError where there is none or another one."""
        found = [element for element, _ in zip(self, range(2), strict=False)]
        if len(found) != 1:
            raise ValueError(f"the data set has {'more than one element' if found else 'no element'}; expected one")
        return found[0]

    def as_numpy_iterator(self) -> Iterator[Any]:
        """A pass over the elements as NumPy arrays and numbers. TypeError where data sets are elements."""
        for element in self:
            yield map_leaves(plain, element)

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

    def options(self) -> Options:
        """What `with_options` was given last; none of it has an effect."""
        return self._options

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        # A spec that takes a call of the user's function is not worth one here.
        return "<Dataset>" if callable(self._spec) else f"<Dataset element_spec={self._spec}>"

    def _with(self, raws: Pass, cardinality: int) -> Self:
        """The same elements, others of them or in another order."""
        return type(self)(
            raws, self._spec_then(itself), cardinality, read=self._read, join=self._join, batch_size=self.batch_size
        )

    def _known(self, change: Callable[[int], int]) -> int:
        """The cardinality, changed where it is a number."""
        return self._cardinality if self._cardinality < 0 else change(self._cardinality)

    def _spec_then(self, change: Callable[[Any], Any]) -> Any:
        """The spec, changed: now if it is known, else when it is asked for."""
        return (lambda: change(self.element_spec)) if callable(self._spec) else change(self._spec)

    def _example(self) -> Any:
        """The first element; of zeros, with size 1 for None, where there is none."""
        element = next(iter(self), END)
        return map_leaves(_zeros, self.element_spec) if element is END else element

    def _spec_after(self, map_func: Callable[..., Any]) -> Any:
        """The spec of what `map_func` gives: that of its result for the first element.

        Where sizes vary, the function is called once more, with these axes longer by one: sizes of the result that
        change with them vary, too.
        """
        element = self._example()
        spec = map_leaves(spec_of, result_of(map_func, element))
        longer = map_leaves(_lengthened, self.element_spec, element)
        if all(a is b for a, b in zip(leaves(element), leaves(longer), strict=True)):
            return spec
        return merge(spec, map_leaves(spec_of, result_of(map_func, longer)))


def itself(value: Any) -> Any:
    return value


def common_size(arrays: Sequence[NDArray[Any]]) -> int:
    sizes = [len(array) for array in arrays]
    if not sizes:
        raise ValueError("the elements hold no array; expected at least one")
    if len(set(sizes)) > 1:
        raise ValueError(f"the arrays differ in their number of samples: {', '.join(map(str, sizes))}")
    return sizes[0]


def call(function: Callable[..., Any], element: Any) -> Any:
    return function(*element) if type(element) is tuple else function(element)


def as_part(value: Any) -> Tensor | Elements:
    return value if isinstance(value, Elements) else to_tensor(value)


def result_of(map_func: Callable[..., Any], element: Any) -> Any:
    """What `map_func` gives, as an element: a list of results is a tuple, as in TensorFlow."""
    result = call(map_func, element)
    return map_leaves(as_part, tuple(result) if isinstance(result, list) else result)


def dataset_from(map_func: Callable[..., Elements], element: Any) -> Elements:
    inner = call(map_func, element)
    if not isinstance(inner, Elements):
        raise TypeError(f"map_func gave {inner!r}; expected a data set")
    return inner


def stack_raws(read: Callable[[Any], Any], raws: Sequence[Any]) -> Any:
    elements = [read(raw) for raw in raws]
    return map_leaves(lambda *parts: stack(parts), *elements)


def stack(parts: Sequence[Any]) -> Tensor:
    if isinstance(parts[0], Elements):
        raise TypeError("the elements are data sets; expected tensors, see flat_map")
    shapes = {part.shape for part in parts}
    if len(shapes) > 1:
        raise ValueError(f"elements of a batch have the shapes {sorted(shapes)}; expected one shape")
    return as_tensor(np.stack(parts))


def plain(part: Any) -> Any:
    if isinstance(part, Elements):
        raise TypeError("the elements are data sets; expected tensors, see flat_map")
    return part.numpy()


def _zeros(spec: TensorSpec | DatasetSpec) -> Any:
    if isinstance(spec, DatasetSpec):
        return Elements(lambda: iter(()), spec.element_spec, 0)
    return as_tensor(np.zeros([1 if size is None else size for size in spec.shape or ()], spec.dtype))


def _lengthened(spec: TensorSpec | DatasetSpec, part: Any) -> Any:
    if isinstance(spec, DatasetSpec) or spec.shape is None or None not in spec.shape:
        return part
    added = [(0, int(size is None)) for size in spec.shape]
    return as_tensor(np.pad(part, added, mode="edge" if part.size else "constant"))
