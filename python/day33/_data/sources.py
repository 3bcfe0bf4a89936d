"""Where elements come from: arrays, numbers, generators, other data sets."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._core.strings import as_strings
from .._core.tensors import Tensor, as_tensor, to_tensor
from .elements import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Elements, common_size
from .specs import TensorSpec, spec_of
from .structures import leaves, map_leaves, pack


class Sources(Elements):
    """Data sets from scratch."""

    @classmethod
    def from_tensor_slices(cls, tensors: Any) -> Self:
        """One element for each entry of the first axis. Arrays of numbers are not copied.

        Args:
            tensors: an array (or what can be read as one), or tuples and dicts of arrays with first axes of one size.

        Raises:
            ValueError: other sizes, or no axis at all.
        """
        arrays = map_leaves(_kept, tensors)
        for array in leaves(arrays):
            if array.ndim == 0:
                raise ValueError("tensors hold a scalar; expected arrays with samples along the first axis")
        size = common_size(leaves(arrays))
        return cls(
            lambda: iter(range(size)),
            map_leaves(lambda array: spec_of(array).without_axis(), arrays),  # type: ignore[union-attr]
            size,
            read=lambda row: map_leaves(lambda array: _entries(array, row), arrays),
            join=lambda rows: map_leaves(lambda array: _entries(array, np.asarray(rows)), arrays),
        )

    @classmethod
    def from_tensors(cls, tensors: Any) -> Self:
        """A single element."""
        element = map_leaves(to_tensor, tensors)
        return cls(lambda: iter([element]), map_leaves(spec_of, element), 1)

    @classmethod
    def from_generator(
        cls,
        generator: Callable[..., Iterable[Any]],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Sequence[Any] = (),
        output_signature: Any = None,
    ) -> Self:
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

        return cls(raws, signature, UNKNOWN_CARDINALITY)

    @classmethod
    def range(cls, *args: int, output_type: DTypeLike = np.int64) -> Self:
        """Numbers as of Python's `range`: a stop; start and stop; or start, stop and step."""
        numbers = range(*args)
        return cls(
            lambda: iter(numbers),
            TensorSpec((), output_type),
            len(numbers),
            read=lambda number: as_tensor(np.asarray(number, output_type)),
            join=lambda raws: as_tensor(np.asarray(raws, output_type)),
        )

    @classmethod
    def zip(cls, *args: Any, datasets: Any = None) -> Self:
        """Elements of several data sets side by side, until the shortest ends.

        Args:
            args: data sets, or one structure of data sets.
            datasets: the structure, by name.
        """
        structure: Any = datasets if datasets is not None else args[0] if len(args) == 1 else args
        parts = leaves(structure)
        if not parts or not all(isinstance(part, Elements) for part in parts):
            raise TypeError(f"zip was given {structure!r}; expected data sets, in tuples and dicts")

        def raws() -> Iterator[Any]:
            for items in zip(*parts, strict=False):
                yield pack(structure, items)

        sizes = [part._cardinality for part in parts]
        finite = [size for size in sizes if size != INFINITE_CARDINALITY]
        return cls(
            raws,
            lambda: map_leaves(lambda part: part.element_spec, structure),
            min(finite, default=INFINITE_CARDINALITY),
        )

    @classmethod
    def counter(cls, start: int = 0, step: int = 1, dtype: DTypeLike = np.int64) -> Self:
        """Numbers without end, from `start` on in steps of `step`."""
        return cls(
            lambda: itertools.count(start, step),
            TensorSpec((), dtype),
            INFINITE_CARDINALITY,
            read=lambda number: as_tensor(np.asarray(number, dtype)),
        )


def _kept(value: Any) -> NDArray[Any]:
    """An array as slices are taken of it. Strings are Python's: an array of NumPy's is as wide as the longest one."""
    dtype = getattr(value, "dtype", None)
    leaf = value
    while isinstance(leaf, list | tuple) and leaf:
        leaf = leaf[0]
    if isinstance(leaf, str | bytes) or getattr(dtype, "kind", "") in ("O", "S"):
        return as_strings("from_tensor_slices", value if dtype is None else np.asarray(value))
    return to_tensor(value)


def _entries(array: NDArray[Any], rows: Any) -> Tensor:
    return as_tensor(array[rows] if array.dtype.kind != "O" else np.asarray(array[rows], np.str_))


def _converted(number: int, spec: TensorSpec, value: Any) -> Tensor:
    array = to_tensor(value) if spec.dtype.kind == "U" else to_tensor(value, spec.dtype)
    if not spec.is_compatible_with(array):
        raise ValueError(f"element {number} of the generator is {array.dtype} of shape {array.shape}; expected {spec}")
    return array
