"""Max pooling, and three ways back: which value wins, where it stood, and what each way makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .. import ops
from .._core.arrays import as_padding, as_pair, as_sizes
from .._core.types import PairLike
from . import _examples
from ._arrays import MAX_CHANNELS, MAX_KERNEL, MAX_SIDE, Floats, as_images, cut, refuse_wide
from ._explanation import Explanation, Section
from ._figure import Grid, draw_grids
from ._pattern import axis_of
from ._words import shape, table
from .convolution import LETTERS, size_formulas

if TYPE_CHECKING:
    pass

__all__ = ["max_pool2d", "max_unpool2d", "up_sampling2d"]

_MOST_SIZE = 4  # the factor of an up-sampling
Indices = np.ndarray[Any, np.dtype[np.int64]]


def max_pool2d(
    x: ArrayLike | None = None,
    pool_size: PairLike = 2,
    *,
    strides: PairLike | None = None,
    padding: str = "valid",
) -> Explanation:
    """Explain max pooling: the winner of each window, where it stood, and what can be restored from it.

    Args:
        x: real numbers (N, H, W, C), or (H, W). The first image is shown. None for an example.
        pool_size, strides, padding: as of `day33.ops.max_pool2d`, which computes all numbers.

    Returns:
        The explanation. Of images larger than 10 x 10 and of more than 3 channels it shows the first ones, and says so.

    Raises:
        TypeError, ValueError: as of `day33.ops.max_pool2d`; a window of more than 7 x 7.
    """
    images = as_images("x", _examples.hills() if x is None else x)
    size, padding = as_pair("pool_size", pool_size), as_padding(padding)
    stride = size if strides is None else as_pair("strides", strides)
    ops.max_pool2d(images, size, strides=stride, padding=padding)
    refuse_wide("pool_size", size, size)
    shown, notes = cut(images, (max(MAX_SIDE, size[0]), max(MAX_SIDE, size[1])))
    channels = [np.ascontiguousarray(shown[..., c : c + 1]) for c in range(shown.shape[3])]
    pooled = [_with_indices(channel, size, stride, padding) for channel in channels]
    y, indices = pooled[0]
    H, W = shown.shape[1:3]
    axes = tuple(axis_of(shown.shape[1 + i], y.shape[1 + i], size[i], stride[i], 1, padding) for i in (0, 1))
    formulas = [line for name, axis in zip("HW", axes, strict=True) for line in size_formulas(name, axis, padding)]
    gradient = ops.max_pool2d_backward(np.ones_like(y), channels[0], size, strides=stride, padding=padding)
    kept, total = y.size, H * W
    ways = _ways_back(y, indices, (H, W), size if size == stride else None)
    sections = [
        Section(
            "Point at an output: its winner",
            [
                "Point at a cell of the output: its window lights up on the input, the winner with the thick border. "
                "Point at an input: it lights up the outputs it won. Where a window holds its maximum twice, the first "
                "one in reading order wins.",
            ],
            "winners",
            {
                "axes": [axis.data() for axis in axes],
                "x": [channel[0, :, :, 0] for channel in channels],
                "y": [values[0, :, :, 0] for values, _ in pooled],
                "indices": [places[0, :, :, 0] for _, places in pooled],
            },
        ),
        Section("Why the output has this size", [*formulas, LETTERS]),
        Section(
            "What is thrown away",
            [
                f"{kept} of {total} values are kept, and pooling has 0 parameters. What it buys: a cell of the output "
                f"stands for {size[0]} × {size[1]} inputs, so that layers behind it see more of the image; and a "
                "winner that moves inside its window changes nothing.",
                "In training the gradient goes the same way back: to the winners alone. The others could have been a "
                "little larger or smaller without any effect.",
            ],
            "cells",
            {"grids": [{"label": "the gradient of the sum of all outputs", "values": gradient[0, :, :, 0]}]},
        ),
        _ways_section(y, ways, channels[0]),
        Section(
            "Check yourself",
            questions=[
                "What does max un-pooling need that nearest does not? The indices: where each maximum stood, one "
                "integer for each value; and the size of the image, since images of several sizes pool to one shape.",
                f"What is the index of a winner at row y and column x? `y·W + x`, here W = {W}; with C channels "
                "`(y·W + x)·C + c`.",
            ],
        ),
    ]
    words = [
        f"x: shape {shape(shown.shape)}. Windows of {size[0]} x {size[1]}, {stride[0]} and {stride[1]} apart. "
        f"Result: shape {shape((1, *y.shape[1:3], shown.shape[3]))}.",
        *(formula.replace("`", "") for formula in formulas),
    ]
    for c, (channel, (values, places)) in enumerate(zip(channels, pooled, strict=True)):
        words += [f"Channel {c}:", *table(channel[0, :, :, 0]), "Maxima:", *table(values[0, :, :, 0])]
        words += ["Indices of the winners (y·W + x):", *table(places[0, :, :, 0])]
    for label, values, _ in ways:
        words += [f"Back by {label}:", *table(values)]
    winners = [(int(n) // W, int(n) % W) for n in indices.ravel()]
    return Explanation(
        "Max pooling",
        f"Of each window of {size[0]} × {size[1]} cells only the largest value goes on. Nothing is learnt, most of the "
        "image is dropped, and what stands out stays.",
        sections,
        words=words,
        draw=lambda: draw_grids(
            [
                Grid("input; marked: winners", channels[0][0, :, :, 0], marked=winners),
                Grid("max pooling", y[0, :, :, 0], sign="→"),
                *(Grid(label, values, sign="→") for label, values, _ in ways),
            ],
            "Max pooling, and ways back",
            columns=3,
        ),
        notes=notes,
    )


def max_unpool2d(
    x: ArrayLike | None = None, indices: ArrayLike | None = None, output_shape: tuple[int, ...] | None = None
) -> Explanation:
    """Explain max un-pooling: each value goes back to where its maximum stood, zeros elsewhere.

    Args:
        x: real numbers (N, H, W, C), pooled values. The first image is shown. None for an example, which has its own
            `indices` and `output_shape`.
        indices, output_shape: as of `day33.ops.max_unpool2d`, which computes all numbers.

    Returns:
        The explanation. Of more than 3 channels it shows the first ones, and says so.

    Raises:
        TypeError, ValueError: as of `day33.ops.max_unpool2d`; an output larger than 10 x 10, an index of another
            channel than that of its value; one of the three arguments without the others.
    """
    given = [argument is not None for argument in (x, indices, output_shape)]
    if x is None or indices is None or output_shape is None:
        if any(given):
            raise ValueError("x, indices and output_shape belong together; expected all three of them, or none")
        hills = _examples.hills()
        x, indices = _with_indices(hills, (2, 2), (2, 2), "valid")
        output_shape = hills.shape[1:3]
    values, places = as_images("x", x), np.asarray(indices)
    result = ops.max_unpool2d(values, places, output_shape)
    C = values.shape[3]
    if max(result.shape[1:3]) > MAX_SIDE:
        raise ValueError(f"output_shape is {as_sizes('output_shape', output_shape)}; expected at most "
                         f"{MAX_SIDE} x {MAX_SIDE} to draw")  # fmt: skip
    if (places % C != np.arange(C)).any():
        raise ValueError("indices holds places of another channel than that of their values; expected (y*W + x)*C + c")
    shown, notes = cut(values, channels=MAX_CHANNELS)
    sides = result.shape[1:3]
    y = np.ascontiguousarray(shown[..., :1])
    flat = np.ascontiguousarray(places[:1, :, :, :1] // C).astype(np.int64)
    factors = [side / cells for side, cells in zip(sides, y.shape[1:3], strict=True)]
    whole = all(f == int(f) for f in factors)
    ways = _ways_back(y, flat, sides, (int(factors[0]), int(factors[1])) if whole else None)
    words = [f"x: shape {shape(values.shape)}. Result: shape {shape(result.shape)}.", "Values:", *table(y[0, :, :, 0]),
             "Indices (y·W + x):", *table(flat[0, :, :, 0])]  # fmt: skip
    for label, restored, _ in ways:
        words += [f"{label}:", *table(restored)]
    return Explanation(
        "Max un-pooling",
        "Max pooling remembers where each winner stood; un-pooling puts the value back there, and leaves zeros "
        "elsewhere. Nearest and bed of nails, beside it, know only the values.",
        [
            _ways_section(y, ways, None),
            Section(
                "Check yourself",
                questions=[
                    "What does max un-pooling need that nearest does not? The indices of the winners, and the size of "
                    f"the image, here {sides[0]} × {sides[1]}.",
                    "What is lost for good? All values that lost. Un-pooling is no inverse of pooling.",
                ],
            ),
        ],
        words=words,
        draw=lambda: draw_grids(
            [Grid("values", y[0, :, :, 0]), *(Grid(label, restored, sign="→") for label, restored, _ in ways)],
            "Max un-pooling, beside nearest and bed of nails",
        ),
        notes=notes,
    )


def up_sampling2d(x: ArrayLike | None = None, size: PairLike = 2) -> Explanation:
    """Explain up-sampling: nearest, bilinear and bed of nails, side by side on one array.

    Args:
        x: real numbers (N, H, W, C), or (H, W). The first image's first channel is shown. None for an example.
        size: the factor, as of `day33.ops.up_sampling2d`, which computes all numbers.

    Returns:
        The explanation. Of images larger than 5 x 5 it shows the top left corner, and says so.

    Raises:
        TypeError, ValueError: as of `day33.ops.up_sampling2d`; a factor above 4.
    """
    images = as_images("x", _examples.code() if x is None else x)
    factors = as_pair("size", size)
    if max(factors) > _MOST_SIZE:
        raise ValueError(f"size is {size}; expected at most {_MOST_SIZE} to draw")
    shown, notes = cut(images, (MAX_SIDE // 2, MAX_SIDE // 2), channels=1)
    H, W = shown.shape[1:3]
    kinds = {"nearest": "nearest", "bed of nails": "bed_of_nails", "bilinear": "bilinear"}
    ways = [_way(label, shown, _enlarge(factors, kind)) for label, kind in kinds.items()]
    sizes = [
        f"`O{name} = {name}·{f} = {side}·{f} = {side * f}`" for name, side, f in zip("HW", (H, W), factors, strict=True)
    ]
    words = [f"x: shape {shape(images.shape)}; shown {shape(shown.shape)}. Factors {factors}.",
             *(line.replace("`", "") for line in sizes), "Values:", *table(shown[0, :, :, 0])]  # fmt: skip
    for label, values, _ in ways:
        words += [f"{label}:", *table(values)]
    return Explanation(
        "Up-sampling",
        "Three ways to make an image larger without learning anything: repeat each value, put it between zeros, or "
        "interpolate.",
        [
            _ways_section(shown, ways, None),
            Section("Why the output has this size", sizes),
            Section(
                "Check yourself",
                questions=[
                    "Which of the three keeps the sum of the values? Bed of nails: every value appears once. Nearest "
                    f"repeats each {factors[0] * factors[1]} times.",
                    "Where do the weights of bilinear come from? From the distances to the centres of the two nearest "
                    "cells along each axis; at the border the outermost cell is repeated.",
                    "How is a transposed convolution different? It lays a kernel that is learnt in place of these "
                    "fixed patterns: nearest with factor 2 is a transposed convolution with a kernel of four ones and "
                    "stride 2.",
                ],
            ),
        ],
        words=words,
        draw=lambda: draw_grids(
            [Grid("values", shown[0, :, :, 0]), *(Grid(label, values, sign="→") for label, values, _ in ways)],
            "Up-sampling",
            columns=2,
        ),
        notes=notes,
    )


def _with_indices(x: Floats, size: tuple[int, int], stride: tuple[int, int], padding: str) -> tuple[Floats, Indices]:
    y, indices = ops.max_pool2d(x, size, strides=stride, padding=padding, return_indices=True)
    return np.asarray(y), np.asarray(indices)


# A way from the small side to a large one: its name, the result (OH, OW), and the weight of each small cell in each
# large one, (H * W, OH, OW).
Way = tuple[str, Floats, Floats]


def _way(label: str, y: Floats, enlarge: Callable[[Floats], Floats]) -> Way:
    """Enlarging is linear, so that what it makes of images with a single 1 says where every value goes."""
    cells = y.shape[1] * y.shape[2]
    single = np.eye(cells, dtype=np.float32).reshape(cells, *y.shape[1:3], 1)
    return label, enlarge(y)[0, :, :, 0], enlarge(single)[..., 0]


def _enlarge(factors: tuple[int, int], kind: str) -> Callable[[Floats], Floats]:
    return lambda images: ops.up_sampling2d(images, factors, interpolation=kind)


def _ways_back(y: Floats, indices: Indices, sides: tuple[int, int], factors: tuple[int, int] | None) -> list[Way]:
    def unpool(values: Floats) -> Floats:
        return ops.max_unpool2d(values, np.broadcast_to(indices, values.shape), sides)

    ways = [_way("max un-pooling", y, unpool)]
    if factors is not None and max(factors) <= MAX_KERNEL:
        ways = [
            _way("nearest", y, _enlarge(factors, "nearest")),
            _way("bed of nails", y, _enlarge(factors, "bed_of_nails")),
            *ways,
        ]
    return ways


def _ways_section(y: Floats, ways: Sequence[Way], original: Floats | None) -> Section:
    names = ", ".join(label for label, _, _ in ways)
    compared = [] if original is None else [
        "Beside them is the image before pooling: max un-pooling puts every winner where it was, and the others are "
        "gone."
    ]  # fmt: skip
    return Section(
        "Ways to a larger image",
        [
            f"The same values by {names}.",
            "Point at a value to see where it goes, or at a result to see where it came from.",
            *compared,
        ],
        "sources",
        {
            "y": y[0, :, :, 0],
            "ways": [
                {"label": label, "values": values, "weights": weights} for label, values, weights in ways
            ],
            "original": None if original is None else original[0, :, :, 0],
        },
    )  # fmt: skip
