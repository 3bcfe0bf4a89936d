"""Layers with several inputs."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from .._core import tree
from .._core.arrays import as_int
from .._core.types import Shape
from .._graph.lowering import Lowering
from .activation import factors
from .base import Layer


class _Merge(Layer):
    supports_masking = True
    sets_mask = True

    def _shapes(self, input_shape: Any) -> list[Shape]:
        if tree.is_shape(input_shape) or not input_shape:
            raise ValueError(f"layer {self.name!r} was given {input_shape}; expected a list of tensors")
        return [tuple(shape) for shape in input_shape]


def _filled(sizes: Sequence[int | None], rank: int) -> list[int | None]:
    """`sizes` with ones before them, as NumPy broadcasts."""
    return [*(1 for _ in range(rank - len(sizes))), *sizes]


def _either(lowering: Lowering, masks: Sequence[int]) -> int:
    """What one of the masks keeps; none where an input has none, or where they are of different axes."""
    if min(masks) < 0 or len({lowering.shape(mask) for mask in masks}) > 1:
        return -1
    return functools.reduce(lowering.builder.either, masks)


def _kept(lowering: Lowering, x: int, mask: int, other: int) -> int:
    """What the mask keeps, and `other` elsewhere. The mask has leading axes of x; -1 keeps everything."""
    if mask < 0:
        return x
    axes = lowering.shape(mask)
    wide = (*axes, *(1 for _ in range(len(lowering.shape(x)) - len(axes))))
    return lowering.builder.select(lowering.builder.reshape(mask, wide), x, other)


class _Elementwise(_Merge):
    """Inputs of one shape, or of shapes that NumPy broadcasts; missing axes come first after the batch, as in Keras."""

    kind = "add"

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = self._shapes(input_shape)
        merged: list[int | None] = list(shapes[0][1:])
        for shape in shapes[1:]:
            rank = max(len(merged), len(shape) - 1)
            pairs = zip(_filled(merged, rank), _filled(shape[1:], rank), strict=True)
            merged = []
            for left, right in pairs:
                if None not in (left, right) and left != right and 1 not in (left, right):
                    raise ValueError(
                        f"layer {self.name!r} was given shapes {shapes}; expected one shape for all, or sizes of 1 "
                        "that can be stretched"
                    )
                # Where one is open it may be 1 or the other's size, so that nothing is known, as in Keras.
                merged.append(None if left is None or right is None else right if left == 1 else left)
        return (shapes[0][0], *merged)

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        if len(inputs) == 1:
            return inputs
        shape: Any = self.compute_output_shape([(None, *lowering.shape(tensor)) for tensor in inputs])[1:]
        masks = [lowering.mask(tensor) for tensor in inputs]
        either = _either(lowering, masks)
        if self.heeds_masks and max(masks) >= 0:
            result = self._merge_masked(lowering, inputs, masks, either)
        else:
            result = lowering.builder.merge(self.kind, [lowering.builder.broadcast_to(x, shape) for x in inputs])
        lowering.set_mask(result, either)
        return [result]

    # Whether what the mask of an input leaves out does not count, rather than enter as it is.
    heeds_masks = False

    def _merge_masked(self, lowering: Lowering, inputs: list[int], masks: list[int], either: int) -> int:
        """The result where inputs have masks (-1 for none), and where `either` is theirs (-1 for none)."""
        raise NotImplementedError


class Add(_Elementwise):
    """Sum of the inputs.

    Input: a list of tensors of one shape, or of shapes that NumPy broadcasts; missing axes are added after the batch,
    as in Keras. Output: float32 of the common shape, with a mask where all inputs have one: what one of them keeps.

    Raises:
        ValueError: when called, one tensor in place of a list, or shapes that do not fit together.
    """


class Subtract(_Elementwise):
    """The first input minus the second.

    Input: a list of two tensors of one shape, or of shapes that NumPy broadcasts; missing axes are added after the
    batch, as in Keras. Output: float32 of the common shape, with a mask where both inputs have one: what one of them
    keeps.

    Raises:
        ValueError: when called, another number of inputs, or shapes that do not fit together.
    """

    kind = "subtract"

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if len(self._shapes(input_shape)) != 2:
            raise ValueError(f"layer {self.name!r} was given {len(input_shape)} inputs; expected 2")
        return super().compute_output_shape(input_shape)


class Multiply(_Elementwise):
    """Product of the inputs. What the mask of an input leaves out counts as 1; where all inputs leave it out, as 0.

    Input: a list of tensors of one shape, or of shapes that NumPy broadcasts; missing axes are added after the batch,
    as in Keras. Output: float32 of the common shape, with a mask where all inputs have one: what one of them keeps.

    Raises:
        ValueError: when called, one tensor in place of a list, or shapes that do not fit together.
    """

    kind = "multiply"
    heeds_masks = True

    def _merge_masked(self, lowering: Lowering, inputs: list[int], masks: list[int], either: int) -> int:
        builder = lowering.builder
        result = functools.reduce(
            functools.partial(builder.binary, "multiply"),
            [_kept(lowering, x, mask, lowering.constant(1.0)) for x, mask in zip(inputs, masks, strict=True)],
        )
        return _kept(lowering, result, either, lowering.constant(0.0))


class _Extreme(_Elementwise):
    """The largest or smallest of the inputs. What a mask leaves out takes the value of what came before, or after."""

    heeds_masks = True

    def _merge_masked(self, lowering: Lowering, inputs: list[int], masks: list[int], either: int) -> int:
        result, kept = inputs[0], masks[0]
        for x, mask in zip(inputs[1:], masks[1:], strict=True):
            x = _kept(lowering, x, mask, result)
            result = lowering.builder.binary(self.kind, _kept(lowering, result, kept, x), x)
            kept = _either(lowering, [kept, mask])
        return result


class Maximum(_Extreme):
    """The largest of the inputs, element by element; the first of equal ones takes the gradient.

    What the mask of an input leaves out does not count, where the other inputs have something.

    Input: a list of tensors of one shape, or of shapes that NumPy broadcasts; missing axes are added after the batch,
    as in Keras. Output: float32 of the common shape, with a mask where all inputs have one: what one of them keeps.

    Raises:
        ValueError: when called, one tensor in place of a list, or shapes that do not fit together.
    """

    kind = "maximum"


class Minimum(_Extreme):
    """The smallest of the inputs, element by element; the first of equal ones takes the gradient.

    What the mask of an input leaves out does not count, where the other inputs have something.

    Input: a list of tensors of one shape, or of shapes that NumPy broadcasts; missing axes are added after the batch,
    as in Keras. Output: float32 of the common shape, with a mask where all inputs have one: what one of them keeps.

    Raises:
        ValueError: when called, one tensor in place of a list, or shapes that do not fit together.
    """

    kind = "minimum"


class Average(_Elementwise):
    """Mean of the inputs.

    Input: a list of tensors of one shape, or of shapes that NumPy broadcasts; missing axes are added after the batch,
    as in Keras. Output: float32 of the common shape, with a mask where all inputs have one: what one of them keeps.

    Raises:
        ValueError: when called, one tensor in place of a list, or shapes that do not fit together.
    """

    kind = "average"


class Concatenate(_Merge):
    """Inputs one after the other along an axis.

    Input: a list of tensors (N, ...) that agree on all other axes. Output: float32 of the same rank.

    Args:
        axis: the batch counts as axis 0 and may not be meant.

    Raises:
        ValueError: axis 0; when called, one tensor in place of a list, or shapes that do not fit together.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = as_int("axis", axis)
        if self.axis == 0:
            raise ValueError("axis is 0, the batch; expected another axis")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = self._shapes(input_shape)
        rank = len(shapes[0])
        axis = self._axis(rank)
        merged = list(shapes[0])
        for shape in shapes[1:]:
            for place in range(rank):
                free = place in (0, axis) or len(shape) != rank or None in (merged[place], shape[place])
                if len(shape) != rank or (not free and merged[place] != shape[place]):
                    raise ValueError(
                        f"layer {self.name!r} was given shapes {shapes}; expected them to agree but on axis {self.axis}"
                    )
            if axis:
                here, more = merged[axis], shape[axis]
                merged[axis] = None if here is None or more is None else here + more
        return tuple(merged)

    def _axis(self, rank: int) -> int:
        axis = self.axis + rank if self.axis < 0 else self.axis
        if not 0 < axis < rank:
            raise ValueError(f"axis of layer {self.name!r} is {self.axis}; inputs have rank {rank}, 0 is the batch")
        return axis

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        if len(inputs) == 1:
            return inputs
        axis = self._axis(len(lowering.shape(inputs[0])) + 1) - 1
        result = lowering.builder.concatenate(inputs, axis)
        lowering.set_mask(result, self._mask(lowering, inputs, axis))
        return [result]

    def _mask(self, lowering: Lowering, inputs: list[int], axis: int) -> int:
        """The masks one after the other along an axis of theirs; along a later one, what one of them keeps. An input
        without a mask counts everywhere.
        """
        masks = [lowering.mask(tensor) for tensor in inputs]
        ranks = {len(lowering.shape(mask)) for mask in masks if mask >= 0}
        if len(ranks) != 1 or axis >= min(ranks):
            return _either(lowering, masks)
        if min(ranks) != len(lowering.shape(inputs[0])) - 1:
            return -1
        builder = lowering.builder
        filled = [
            mask if mask >= 0 else builder.differs(tensor, math.nan) for mask, tensor in zip(masks, inputs, strict=True)
        ]
        return builder.concatenate(filled, axis)

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        return (low, high) if self._axis(len(input_shape[0])) == len(input_shape[0]) - 1 else None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


_TINY = 1e-14  # of the square of a length: Keras divides by at least 1e-7


class Dot(_Merge):
    """Products of two tensors, summed along one axis of each, sample by sample.

    Input: a list of two tensors (N, ...). Output: float32 (N, axes of the first but its own, axes of the second but its
    own), (N, 1) where nothing is left; without a mask.

    Args:
        axes: an int for both tensors, or a pair; the batch counts as axis 0 and may not be meant.
        normalize: whether to divide each tensor by its length along the axis first, so that vectors give the cosine of
            the angle between them. Lengths below 1e-7 count as 1e-7.

    Raises:
        TypeError: axes that are no integers.
        ValueError: axis 0; when called, another number of tensors, a tensor without the axis, or sizes that differ
            along it.
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(axes, list | tuple):
            if len(axes) != 2:
                raise ValueError(f"axes is {axes!r}; expected an integer or a pair")
            self.axes: int | list[int] = [as_int(f"axes[{i}]", axis) for i, axis in enumerate(axes)]
        else:
            self.axes = as_int("axes", axes)
        if self.axes == 0 or (isinstance(self.axes, list) and 0 in self.axes):
            raise ValueError(f"axes is {axes!r}; expected others than 0, the batch")
        self.normalize = bool(normalize)

    def _axes(self, shapes: list[Shape]) -> list[int]:
        if len(shapes) != 2:
            raise ValueError(f"layer {self.name!r} was given {len(shapes)} inputs; expected 2")
        given = self.axes if isinstance(self.axes, list) else [self.axes, self.axes]
        axes = [axis + len(shape) if axis < 0 else axis for axis, shape in zip(given, shapes, strict=True)]
        if any(not 0 < axis < len(shape) for axis, shape in zip(axes, shapes, strict=True)):
            raise ValueError(f"axes of layer {self.name!r} is {self.axes}; it was given shapes {shapes}")
        sizes = [shape[axis] for axis, shape in zip(axes, shapes, strict=True)]
        if None not in sizes and sizes[0] != sizes[1]:
            raise ValueError(
                f"layer {self.name!r} was given shapes {shapes}; expected equal sizes along axes {self.axes}"
            )
        return axes

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = self._shapes(input_shape)
        axes = self._axes(shapes)
        left, right = (
            [size for place, size in enumerate(shape) if place not in (0, axis)]
            for axis, shape in zip(axes, shapes, strict=True)
        )
        return (shapes[0][0], *([*left, *right] or [1]))

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        builder = lowering.builder
        shapes: list[Shape] = [(None, *lowering.shape(tensor)) for tensor in inputs]
        result = self.compute_output_shape(shapes)[1:]
        first, second = (
            self._rows(lowering, tensor, axis - 1) for tensor, axis in zip(inputs, self._axes(shapes), strict=True)
        )
        if 1 in (lowering.shape(first)[0], lowering.shape(second)[0]):  # also with samples in the lanes
            product = builder.reduce("sum", builder.binary("multiply", first, second), [1])
        else:
            product = builder.matmul(first, builder.permute(second, [1, 0]))
        return [builder.reshape(product, result)]  # type: ignore[arg-type]

    def _rows(self, lowering: Lowering, x: int, axis: int) -> int:
        """The tensor as rows along the axis."""
        builder, shape = lowering.builder, lowering.shape(x)
        if self.normalize:
            squares = builder.reduce("sum", builder.unary("square", x), [axis], True)
            above = builder.activation(builder.rescaling(squares, *factors(1.0, -_TINY)), "relu")
            inverse = builder.unary("rsqrt", builder.rescaling(above, *factors(1.0, _TINY)))
            x = builder.binary("multiply", x, inverse)
        order = [*(place for place in range(len(shape)) if place != axis), axis]
        moved = x if order == sorted(order) else builder.permute(x, order)
        return builder.reshape(moved, (math.prod(shape) // shape[axis], shape[axis]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


# ---- the same as functions ----


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """`Add` as a function: ``Add(**kwargs)(inputs)``."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """`Subtract` as a function: ``Subtract(**kwargs)(inputs)``."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """`Multiply` as a function: ``Multiply(**kwargs)(inputs)``."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """`Average` as a function: ``Average(**kwargs)(inputs)``."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """`Maximum` as a function: ``Maximum(**kwargs)(inputs)``."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """`Minimum` as a function: ``Minimum(**kwargs)(inputs)``."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """`Concatenate` as a function: ``Concatenate(axis, **kwargs)(inputs)``."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Sequence[Any], axes: int | Sequence[int] = -1, **kwargs: Any) -> Any:
    """`Dot` as a function: ``Dot(axes, **kwargs)(inputs)``."""
    return Dot(axes, **kwargs)(inputs)
