"""`HostLayer`: layers on strings and on large integers, which compute on arrays before a plan begins."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core import tree
from .._core.strings import as_strings
from .._core.tensors import as_tensor
from .._graph.lowering import Lowering
from .._graph.tensors import SymbolicTensor
from .base import Layer


class HostLayer(Layer):
    """Base of layers whose work is no arithmetic: look-ups of words, hashes, bins.

    They are called on arrays, lists and strings, also in `Dataset.map`. In a model they stand right behind its inputs,
    or behind one another there: what they give is what the plan of the model begins with.

    A subclass defines `compute`, `compute_output_shape`, `input_dtypes` and `output_dtypes`.
    """

    dtype_is_policy = False

    @property
    def takes(self) -> str:
        """The dtype of the input: "string", "int32" or "float32"."""
        return self.input_dtypes[0]

    @property
    def gives(self) -> str:
        """The dtype of the output in a model."""
        return self.output_dtypes[0]

    def compute(self, inputs: Any) -> NDArray[Any]:
        """The output for an array, or what can be read as one."""
        raise TypeError(f"{type(self).__name__} does not define compute")

    def __call__(self, *arguments: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """The output for arrays, lists, strings and numbers as a tensor; for symbolic tensors a symbolic one.

        Args:
            arguments: the input.
            training: without effect.
            kwargs: the input by its name, `inputs`.
        """
        if any(isinstance(leaf, SymbolicTensor) for leaf in tree.flatten([*arguments, *kwargs.values()])):
            return super().__call__(*arguments, training=training, **kwargs)
        given = [*arguments, *(kwargs.pop(name) for name in ("inputs",) if name in kwargs)]
        if len(given) != 1 or kwargs:
            raise TypeError(f"layer {self.name!r} takes one input, got {len(given)} and {sorted(kwargs)}")
        self._ensure_built(())
        return as_tensor(self.compute(given[0]))

    def texts(self, value: Any) -> NDArray[np.object_]:
        """The input as an array of strings."""
        return as_strings(f"layer {self.name!r}", value)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        raise ValueError(
            f"layer {self.name!r} ({type(self).__name__}) computes on arrays, not in a plan; expected it right behind "
            f"an Input of the model that is called, or before the model"
        )

    @classmethod
    def modern_config(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        # A dtype says nothing: outputs have those that Keras gives.
        return {key: value for key, value in super().modern_config(config).items() if key != "dtype"}


def as_integers(layer: str, value: Any) -> NDArray[np.int64]:
    """Whole numbers as int64; floats are cut. TypeError for anything else, ValueError for ragged lists."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"layer {layer!r} was given what cannot be read as an array: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"layer {layer!r} was given dtype {array.dtype} and shape {array.shape}; expected integers")
    return array.astype(np.int64)


def batches_of(
    layer: str, data: Any, steps: int | None, convert: Callable[[Any], NDArray[Any]]
) -> Iterator[NDArray[Any]]:
    """What a layer is adapted to, batch by batch.

    Args:
        layer: for messages.
        data: an array or list, which is one batch and gets a last axis if it has one axis; else batches.
        steps: how many batches to take; None for all.
        convert: makes an array of a batch.
    """
    if isinstance(data, list | tuple | np.ndarray) or hasattr(data, "__array__"):
        array = convert(data)
        yield array.reshape(-1, 1) if array.ndim < 2 else array
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes | Mapping):
        for batch in itertools.islice(data, steps):
            if isinstance(batch, tuple):
                raise TypeError(f"layer {layer!r} was given batches that are tuples; expected inputs alone, see map")
            yield convert(batch)
    else:
        raise TypeError(f"layer {layer!r} was given a {type(data).__name__}; expected an array, a list or a data set")
