"""Softmax as a layer: over any axes, and with a mask."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .._core.arrays import as_int
from .._core.types import Shape
from .._graph.lowering import Lowering
from .._graph.tensors import SymbolicTensor
from ..activations import ActivationSpec
from ._attributes import Checked
from .activation import Elementwise, factors

_LOW = -1e9  # what positions that a mask leaves out are set to before a softmax, as in Keras


def _as_axes(value: Any) -> int | tuple[int, ...]:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(as_int(f"axis[{i}]", axis) for i, axis in enumerate(value))
    return as_int("axis", value)


class Softmax(Elementwise):
    """``exp(x) / sum(exp(x))`` over an axis, or over several together.

    Input and output (N, ...), float32. Called with ``mask=``, which NumPy can stretch to the input (a symbolic one has
    its rank and batch), positions where it is False, or at most 0.5, give 0 and do not count in the sum.

    Args:
        axis: an int or several; the batch counts as axis 0 and may not be meant.

    Raises:
        ValueError: axis 0; when called, an input that does not have the axis, or a mask that does not fit.
    """

    takes_mask = True
    sets_mask = True  # that of the input, and not one that the call gives
    axis = Checked(_as_axes)

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    @property
    def activation_spec(self) -> ActivationSpec | None:
        return ActivationSpec("softmax") if self.axis in (-1, (-1,)) else None

    def _axes(self, shape: Any) -> list[int]:
        """The axes, counted from 0 for the batch."""
        given = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        rank = len(shape)
        axes = sorted({axis + rank if axis < 0 else axis for axis in given})
        if not axes or any(not 0 < axis < rank for axis in axes):
            raise ValueError(
                f"axis of layer {self.name!r} is {self.axis}; expected axes of the input of shape {tuple(shape)} after "
                "the batch"
            )
        return axes

    def compute_output_shape(self, input_shape: Any) -> Any:
        self._axes(input_shape)
        return tuple(input_shape)

    def __call__(self, *arguments: Any, mask: Any = None, training: bool | None = None, **kwargs: Any) -> Any:
        """As for any layer."""
        given: Any = arguments[0] if arguments else kwargs.get("inputs")
        if mask is not None:
            known = given is None or isinstance(mask, SymbolicTensor)
            kwargs["mask"] = mask if known else self._as_large_as(mask, np.shape(given))
        return super().__call__(*arguments, training=training, **kwargs)

    def _as_large_as(self, mask: Any, shape: tuple[int, ...]) -> Any:
        kept = np.asarray(mask)
        try:
            return np.broadcast_to(kept if kept.dtype == bool else kept > 0.5, shape)
        except ValueError:
            raise ValueError(
                f"mask of layer {self.name!r} has shape {kept.shape}; expected one that can be stretched to the input "
                f"of shape {shape}"
            ) from None

    def _check_mask(self, shape: Shape, mask: SymbolicTensor | None) -> None:
        if mask is not None and (
            mask.ndim != len(shape)
            or any(
                own not in (1, size) and None not in (own, size) for own, size in zip(mask.shape, shape, strict=True)
            )
        ):
            raise ValueError(
                f"mask of layer {self.name!r} has shape {mask.shape}; expected that of the input, {tuple(shape)}, or 1 "
                "in place of sizes"
            )

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder, x = lowering.builder, inputs[0]
        kept = lowering.mask(x) if lowering.is_masked_by_call(x) else -1
        if kept >= 0:
            kept = builder.cast(kept, "bool")
            x = builder.select(kept, x, builder.rescaling(builder.cast(kept, "float32"), *factors(-_LOW, _LOW)))
        result = self._over_axes(lowering, x)
        if kept >= 0:
            return [builder.binary("multiply", result, builder.cast(kept, "float32"))]
        lowering.pass_mask(inputs, [result])
        return [result]

    def _over_axes(self, lowering: Lowering, x: int) -> int:
        builder, shape = lowering.builder, lowering.shape(x)
        axes = [axis - 1 for axis in self._axes((None, *shape))]
        last = [*(axis for axis in range(len(shape)) if axis not in axes), *axes]
        moved = x if last == sorted(last) else builder.permute(x, last)
        rows = [shape[axis] for axis in last[: -len(axes)]]
        flat = builder.reshape(moved, [*rows, math.prod(shape[axis] for axis in axes)])
        result = builder.reshape(builder.activation(flat, "softmax"), [shape[axis] for axis in last])
        return result if last == sorted(last) else builder.permute(result, [last.index(i) for i in range(len(last))])

    def treats_positions_alike(self) -> bool:
        return self.axis == -1 and super().treats_positions_alike()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
