"""Layers that make categories of numbers and strings: bins, hashes, and vectors of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core.arrays import as_float32, as_int, as_number
from .._core.tensors import as_tensor
from .._core.types import Shape
from .._graph.tensors import SymbolicTensor
from ._encoding import as_mode, encoded, encoded_shape, refuse_sparse
from ._vocabulary import hashed
from .host import HostLayer, as_integers, batches_of
from .lookup import as_key
from .serialization import CustomObjects

_VECTORS = ("one_hot", "multi_hot", "count")
_Summary = NDArray[np.float32]  # (2, K): values in order, and how many each stands for


class CategoryEncoding(HostLayer):
    """Numbers of categories as vectors.

    Input integers: (N,) or (N, T), with "one_hot" of any shape, of which a last axis of length 1 is dropped. Output
    float32, (N, num_tokens) or, with "one_hot", (N, T, num_tokens).

    Args:
        num_tokens: how many categories there are.
        output_mode: "one_hot", a vector for each number; "multi_hot", one for each sample; or "count".
        sparse: False.
        name, trainable, dtype: see `Layer`.

    Raises:
        ValueError: another mode; when called, a number below 0 (with "one_hot" it counts nowhere).
    """

    input_dtypes = ("int32",)

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        refuse_sparse(sparse)
        if num_tokens is None:
            raise ValueError("num_tokens is None; expected how many categories there are (see IntegerLookup)")
        self.num_tokens = as_int("num_tokens", num_tokens, 1)
        self.output_mode = as_mode(output_mode, _VECTORS)

    def __call__(self, *arguments: Any, count_weights: ArrayLike | None = None, **kwargs: Any) -> Any:
        """The vectors of numbers; see `HostLayer`.

        Args:
            arguments: the numbers.
            count_weights: with "count", how much each number counts, of their shape.
            kwargs: the input by its name, `inputs`.
        """
        if count_weights is None:
            return super().__call__(*arguments, **kwargs)
        if self.output_mode != "count" or len(arguments) != 1 or kwargs:
            raise ValueError(f'count_weights are given to layer {self.name!r}; expected them for "count" alone')
        if isinstance(arguments[0], SymbolicTensor):
            raise TypeError(f"count_weights are given to layer {self.name!r} with a symbolic tensor; expected arrays")
        return as_tensor(self._vectors(arguments[0], as_float32("count_weights", count_weights)))

    def compute(self, inputs: Any) -> NDArray[Any]:
        return self._vectors(inputs, None)

    def _vectors(self, inputs: Any, weights: NDArray[Any] | None) -> NDArray[Any]:
        numbers = as_integers(self.name, inputs)
        if self.output_mode != "one_hot" and numbers.size and numbers.min() < 0:
            raise ValueError(f"layer {self.name!r} was given {numbers.min()}; expected numbers of at least 0")
        if weights is not None and weights.shape != numbers.shape:
            raise ValueError(f"count_weights has shape {weights.shape}; expected {numbers.shape}")
        return encoded(numbers, self.output_mode, self.num_tokens, weights).astype(np.float32)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_tokens": self.num_tokens, "output_mode": self.output_mode}


class Discretization(HostLayer):
    """The number of the bin that each value falls into: of boundaries b, how many are not above it.

    Input float32 of any shape; output int32 of the same shape, or float32 vectors.

    Args:
        bin_boundaries: in rising order; one less than there are bins.
        num_bins: in place of boundaries: how many bins `adapt` is to make, of about as many values each.
        epsilon: how fine the values are summed up by `adapt`: the error of a quantile.
        output_mode: "int"; "one_hot", a vector for each value; "multi_hot" or "count" for each sample.
        sparse: False.
        dtype, name: see `Layer`.

    Raises:
        ValueError: both or neither of boundaries and a number of bins, another mode; when called, no boundaries yet.
    """

    input_dtypes = ("float32",)

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        refuse_sparse(sparse)
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError(
                f"bin_boundaries is {bin_boundaries} and num_bins is {num_bins}; expected exactly one of them"
            )
        self.num_bins = None if num_bins is None else as_int("num_bins", num_bins, 1)
        self.epsilon = as_number("epsilon", epsilon)
        if not 0 < self.epsilon < 1:
            raise ValueError(f"epsilon is {epsilon}; expected a number between 0 and 1")
        self.output_mode = as_mode(output_mode, ("int", *_VECTORS))
        self.bin_boundaries = None if bin_boundaries is None else _rising(bin_boundaries)
        self.summary: _Summary = np.zeros((2, 0), np.float32)

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Finds boundaries that put about as many values of `data` into each bin.

        Args:
            data: an array or list of numbers, or a data set or another iterable of batches of them.
            steps: how many batches to take; all by default.
        """
        self.reset_state()
        for batch in batches_of(self.name, data, steps, lambda batch: as_float32("data", batch)):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets what `update_state` has summed up. ValueError where the constructor was given boundaries."""
        if self.num_bins is None:
            raise ValueError(f"layer {self.name!r} has boundaries from its constructor; expected num_bins, to adapt it")
        self.summary = np.zeros((2, 0), np.float32)

    def update_state(self, data: Any) -> None:
        """Sums up a batch."""
        values = np.sort(as_float32("data", data).ravel())
        step = max(len(values) * self.epsilon, 1)
        picked = values[int(step - 1) :: int(step)]
        both = np.concatenate([np.stack([picked, np.full_like(picked, step)]), self.summary], axis=1)
        self.summary = _compressed(both[:, np.argsort(both[0])], self.epsilon)

    def finalize_state(self) -> None:
        """Makes boundaries of what was summed up."""
        assert self.num_bins is not None
        self.bin_boundaries = _compressed(self.summary, 1.0 / self.num_bins)[0, :-1].tolist()

    @property
    def output_dtypes(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("int32" if self.output_mode == "int" else "float32",)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        bins = self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1
        return encoded_shape(input_shape, self.output_mode, bins)

    def compute(self, inputs: Any) -> NDArray[Any]:
        if self.bin_boundaries is None:
            raise ValueError(
                f"layer {self.name!r} has no boundaries; expected `bin_boundaries`, or a call of adapt before"
            )
        numbers = np.digitize(as_float32("inputs", inputs), np.asarray(self.bin_boundaries, np.float32))
        if self.output_mode == "int":
            return np.asarray(numbers, np.int32)
        return encoded(np.asarray(numbers), self.output_mode, len(self.bin_boundaries) + 1).astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": False,
            "name": config["name"],
            "dtype": config["dtype"],
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: CustomObjects | None = None) -> Self:
        boundaries = config.get("bin_boundaries")
        if boundaries is None or config.get("num_bins") is None:
            return super().from_config(config, custom_objects)
        # Of a layer that was adapted, whose constructor was given the number of bins alone.
        layer = super().from_config({**config, "bin_boundaries": None}, custom_objects)
        layer.bin_boundaries = _rising(boundaries)
        return layer


def _rising(boundaries: Any) -> list[float]:
    values = np.asarray(boundaries, np.float64)
    if values.ndim != 1 or not (np.diff(values) >= 0).all():
        raise ValueError(f"bin_boundaries is {boundaries}; expected numbers in rising order")
    return [float(value) for value in values]


def _compressed(summary: _Summary, epsilon: float) -> _Summary:
    """About 1 / epsilon values that stand for as many as all did, at even steps of the cumulated counts."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    cumulated = summary[1].cumsum()
    known = cumulated / cumulated[-1]
    counts = np.interp(shares, known, cumulated)
    values = np.interp(shares, known, summary[0])
    return np.stack([values, np.diff(counts, prepend=0)]).astype(np.float32)


class Hashing(HostLayer):
    """The bin of each string or integer, by its hash: FarmHash, or SipHash with a salt, as in Keras.

    Input strings or numbers (floats are cut) of any shape; output int64 of the same shape (in a model int32), or
    float32 vectors.

    Args:
        num_bins: how many bins there are.
        mask_value: a value that alone goes into bin 0.
        salt: a number or two, for SipHash.
        output_mode: "int"; "one_hot", a vector for each value; "multi_hot" or "count" for each sample.
        sparse: False.
        name, trainable, dtype: see `Layer`.

    Raises:
        ValueError: an argument out of its range.
    """

    input_dtypes = ("string",)

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_sparse(sparse)
        self.num_bins = as_int("num_bins", num_bins, 1)
        self.mask_value = mask_value
        self.salt = as_key(salt)
        self.output_mode = as_mode(output_mode, ("int", *_VECTORS))

    def _require_dtype(self, number: int, tensor: SymbolicTensor) -> None:
        """Strings and numbers alike."""

    @property
    def output_dtypes(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("int32" if self.output_mode == "int" else "float32",)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    def compute(self, inputs: Any) -> NDArray[Any]:
        array = inputs if isinstance(inputs, np.ndarray) else np.array(inputs, dtype=object)
        if array.dtype.kind == "O" and array.size and not isinstance(array.flat[0], str | bytes):
            array = np.asarray(inputs)
        is_text = array.dtype.kind in "OSU"
        values = self.texts(array) if is_text else array
        tokens = values.ravel().tolist() if is_text else as_integers(self.name, array).ravel().tolist()
        # Bin 0 is for the mask alone, where there is room for it.
        masked = self.mask_value is not None and self.num_bins > 1
        bins = np.array([hashed(token, self.salt) % (self.num_bins - masked) for token in tokens], np.int64)
        if masked:
            bins = np.where(np.asarray(values.ravel() == self.mask_value), 0, bins + 1)
        numbers = bins.reshape(array.shape)
        if self.output_mode == "int":
            return numbers
        return encoded(numbers, self.output_mode, self.num_bins).astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dtype": "int64" if self.output_mode == "int" else "float32",  # Keras wants the dtype of the output
            "num_bins": self.num_bins,
            "salt": None if self.salt is None else list(self.salt),
            "mask_value": self.mask_value,
            "output_mode": self.output_mode,
            "sparse": False,
        }
