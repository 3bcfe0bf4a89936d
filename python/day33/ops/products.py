"""Sums of products that `matrices.py` does not have, under the names of `keras.ops`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arrays import as_axis, as_int
from ._functions import dtype_of
from .elementwise import cast, divide, maximum, multiply, power, sqrt, square, subtract
from .indexing import getitem, take
from .matrices import matmul
from .moving import flip, pad
from .reductions import mean, sum
from .shaping import expand_dims, moveaxis, reshape, shape_of, stack, swapaxes


def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The cross product of vectors of two or three numbers.

    Args:
        x1, x2: the vectors; the other axes are broadcast.
        axisa, axisb: along which they lie. axisc: along which those of the result lie.
        axis: for all three of these.

    Returns:
        Vectors; of two vectors of two numbers, the third number alone.

    Raises:
        ValueError: other lengths.
    """
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    one, other = moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)
    lengths = shape_of(one)[-1], shape_of(other)[-1]
    if not {*lengths} <= {2, 3}:
        raise ValueError(f"vectors of cross have lengths {lengths[0]} and {lengths[1]}; expected 2 or 3")
    a, b = ([getitem(x, (..., i)) for i in range(n or 0)] for x, n in zip((one, other), lengths, strict=True))
    third = subtract(multiply(a[0], b[1]), multiply(a[1], b[0]))
    if len(a) == len(b) == 2:
        return third
    if len(a) == 2:
        first, second = multiply(a[1], b[2]), multiply(-1, multiply(a[0], b[2]))
    elif len(b) == 2:
        first, second = multiply(-1, multiply(a[2], b[1])), multiply(a[2], b[0])
    else:
        first = subtract(multiply(a[1], b[2]), multiply(a[2], b[1]))
        second = subtract(multiply(a[2], b[0]), multiply(a[0], b[2]))
    return moveaxis(stack([first, second, third], -1), -1, axisc)


def kron(x1: Any, x2: Any) -> Any:
    """Kronecker's product: x2 times each number of x1, side by side. Missing axes come first."""
    rank = max(len(shape_of(x1)), len(shape_of(x2)))
    one, other = ((*(1 for _ in range(rank - len(shape_of(x)))), *shape_of(x)) for x in (x1, x2))
    if None in one[1:] or None in other:
        raise ValueError(f"x1 has shape {shape_of(x1)} and x2 {shape_of(x2)}; expected known lengths")
    wide = [-1 if size is None else size for pair in zip(one, (1,) * rank, strict=True) for size in pair]
    narrow = [size for pair in zip((1,) * rank, other, strict=True) for size in pair]
    both = [-1 if a is None else a * (b or 0) for a, b in zip(one, other, strict=True)]
    return reshape(multiply(reshape(x1, wide), reshape(x2, narrow)), both)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of each number, from N - 1 down to 0, or up where `increasing`.

    Args:
        x: (M,).
        N: how many; M by default.

    Raises:
        ValueError: another rank, or N is None for an unknown length.
    """
    size = shape_of(x)
    if len(size) != 1 or (N is None and size[0] is None):
        raise ValueError(f"x of vander has shape {size} and N is {N}; expected (M,), and N where M is unknown")
    count = as_int("N", size[0] if N is None else N, 0)
    exponents = np.arange(count) if increasing else np.arange(count)[::-1]
    dtype = np.float32 if dtype_of(x) == "float32" else np.int32
    return power(expand_dims(x, -1), exponents.astype(dtype))


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral along an axis, with straight lines between the values.

    Args:
        y: the values.
        x: their positions, of the shape of y, or one for each place of the axis; None for equal distances.
        dx: these distances.
        axis: the axis.

    Raises:
        ValueError: positions of another rank, or no such axis.
    """
    rank = len(shape_of(y))
    along = as_axis(axis, rank)
    values = moveaxis(cast(y, "float32"), along, -1)
    if x is not None:
        if len(shape_of(x)) not in (1, rank):
            raise ValueError(f"x has shape {shape_of(x)} and y {shape_of(y)}; expected the same, or one axis")
        positions = cast(x, "float32")
        positions = moveaxis(positions, along, -1) if len(shape_of(x)) == rank else positions
        dx = subtract(getitem(positions, (..., slice(1, None))), getitem(positions, (..., slice(None, -1))))
    pairs = getitem(values, (..., slice(1, None))) + getitem(values, (..., slice(None, -1)))
    return sum(multiply(multiply(pairs, 0.5), dx), -1)


def correlate(x1: Any, x2: Any, mode: str = "valid") -> Any:
    """The sums of products of one sequence with another at each of its places, in float32.

    Args:
        x1: (M,). x2: (N,); where it is longer, the two change places, and the result is read backwards.
        mode: "valid" for places inside, "same" for the length of the longer one, "full" for all that overlap.

    Raises:
        ValueError: another mode, other ranks or unknown lengths.
    """
    if mode not in ("valid", "same", "full"):
        raise ValueError(f'mode is {mode!r}; expected "valid", "same" or "full"')
    (long, short), turned = (shape_of(x1), shape_of(x2)), False
    if len(long) != 1 or len(short) != 1 or None in (*long, *short):
        raise ValueError(f"x1 has shape {long} and x2 {short}; expected (M,) and (N,), of known lengths")
    if (long[0] or 0) < (short[0] or 0):
        x1, x2, long, short, turned = x2, x1, short, long, True
    size, taps = int(long[0] or 0), int(short[0] or 0)
    border = {"valid": (0, 0), "full": (taps - 1, taps - 1), "same": (taps // 2, taps - 1 - taps // 2)}[mode]
    if turned and mode == "same":
        border = border[::-1]
    padded = pad(cast(x1, "float32"), (border,))
    places = np.arange(size + border[0] + border[1] - taps + 1)[:, np.newaxis] + np.arange(taps)
    found = matmul(take(padded, places, 0), cast(x2, "float32"))
    return flip(found) if turned else found


def corrcoef(x: Any) -> Any:
    """Pearson's coefficients of correlation of the rows of a matrix (M, N): (M, M), in float32."""
    if len(shape_of(x)) != 2:
        raise ValueError(f"x of corrcoef has shape {shape_of(x)}; expected (M, N)")
    distances = subtract(x, mean(x, 1, keepdims=True))
    products = matmul(distances, swapaxes(distances, 0, 1))
    lengths = sqrt(sum(square(distances), 1, keepdims=True))
    return divide(products, multiply(lengths, swapaxes(lengths, 0, 1)))


def cdist(x: Any, y: Any) -> Any:
    """The Euclidean distances of each row of x from each row of y.

    Args:
        x: (..., M, C). y: (..., N, C).

    Returns:
        (..., M, N).
    """
    if len(shape_of(x)) < 2 or len(shape_of(y)) < 2:
        raise ValueError(f"x has shape {shape_of(x)} and y {shape_of(y)}; expected (..., M, C) and (..., N, C)")
    squares = square(subtract(expand_dims(x, -2), expand_dims(y, -3)))
    return sqrt(maximum(sum(squares, -1), 0.0))
