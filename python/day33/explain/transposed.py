"""A transposed convolution: where each input is laid, and why it is the convolution's pattern read the other way."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .. import ops
from .._core.arrays import as_padding, as_pair
from .._core.types import PairLike
from . import _examples
from ._arrays import MAX_FILTERS, Floats, as_images, as_kernel, cut, refuse_wide
from ._explanation import Explanation, Section
from ._figure import Grid, draw_grids
from ._pattern import Axis, axis_of, span_of
from ._words import factor, number, shape, table
from .convolution import LETTERS, arrays_in_words, strongest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["conv2d_transpose"]

_SIDE = 6  # cells of the input: its output and the matrix grow with the stride


def conv2d_transpose(
    x: ArrayLike | None = None,
    kernel: ArrayLike | None = None,
    *,
    strides: PairLike = 2,
    padding: str = "valid",
    output_padding: PairLike | None = None,
    dilation_rate: PairLike = 1,
) -> Explanation:
    """Explain a transposed convolution: each input lays a stamp, the kernel times its value, and stamps add up.

    The page shows the same numbers in four ways: as stamps that overlap, as a convolution of the stretched input, as
    the product with the transpose of the convolution's matrix, and as what comes back when the convolution follows.

    Args:
        x: real numbers (N, H, W, C), or (H, W) for one image of one channel. The first image is shown. None for an
            example.
        kernel: real numbers (KH, KW, O, C), or (KH, KW). None for an example.
        strides, padding, output_padding, dilation_rate: as of `day33.ops.conv2d_transpose`, which computes all numbers;
            strides are 2 here unless given, since that is what transposed convolutions are mostly used for.

    Returns:
        The explanation. Of images larger than 6 x 6, of more than 3 channels and of more than 8 filters it shows the
        first ones, and says so.

    Raises:
        TypeError, ValueError: as of `day33.ops.conv2d_transpose`; a kernel of more than 7 x 7, one that covers more
            than 14 x 14 cells, or a stride above 4.
    """
    images = as_images("x", _examples.code() if x is None else x)
    weights = as_kernel(_examples.stamp() if kernel is None else kernel)
    stride, dilation, padding = (
        as_pair("strides", strides),
        as_pair("dilation_rate", dilation_rate),
        as_padding(padding),
    )
    compute = functools.partial(
        ops.conv2d_transpose, strides=stride, padding=padding, output_padding=output_padding, dilation_rate=dilation
    )
    whole = compute(images, weights)
    refuse_wide("kernel", weights.shape[:2], tuple(map(span_of, weights.shape[:2], dilation)))
    if max(stride) > 4:
        raise ValueError(f"strides is {strides}; expected at most 4 to draw")

    shown, notes = cut(images, (_SIDE, _SIDE))
    used = np.ascontiguousarray(weights[:, :, :MAX_FILTERS, : shown.shape[3]])
    if used.shape != weights.shape or notes:
        notes.append(
            f"Of the kernel of shape {shape(weights.shape)}, {shape(used.shape)} is shown. The whole call gives "
            f"{shape(whole.shape)}."
        )
    y = compute(shown, used)
    rows, columns = axes = tuple(
        axis_of(y.shape[1 + i], shown.shape[1 + i], used.shape[i], stride[i], dilation[i], padding) for i in (0, 1)
    )
    formulas = [
        line
        for i, name in enumerate("HW")
        for line in _size_formulas(name, axes[i], padding, _explicit(output_padding, i))
    ]
    back = ops.conv2d(y, used, strides=stride, padding=padding, dilation_rate=dilation)
    pattern = {
        "axes": [axis.data() for axis in axes],
        "x": np.moveaxis(shown[0], 2, 0),
        "kernel": used.transpose(2, 3, 0, 1),
        "y": np.moveaxis(y[0], 2, 0),
    }
    overlap = overlaps(axes)
    sections = [
        Section(
            "Point at an input: its stamp",
            [
                "Point at an input cell: the kernel times its value, its stamp, appears on the output. Where stamps "
                "overlap they are added up. Point at an output cell: the inputs whose stamps reach it light up.",
                "A convolution gathers many inputs into one output. This lays one input onto many outputs: the same "
                "connections, walked the other way.",
            ],
            "stamps",
            {**pattern, "overlap": overlap},
        ),
        Section("Why the output has this size", [*formulas, LETTERS]),
        Section("How many stamps reach a cell", _overlap_words(axes, overlap), "cells", {
            "grids": [{"label": "stamps that reach each output cell", "values": overlap}],
        }),
        Section(
            "The same as a convolution of the stretched input",
            [
                f"Put zeros between the input cells (dotted; {rows.stride - 1} between rows, {columns.stride - 1} "
                "between columns), zeros around them (hatched), turn the kernel by 180 degrees, and convolve with "
                "stride 1: the same numbers. The stride of a transposed convolution stretches its input. day33 does "
                "not compute it in this way: most of these products would be with zero.",
            ],
            "stretched",
            {**pattern, "stretched": np.moveaxis(stretched(shown, axes)[0], 2, 0),
             "pad": [axis.span - 1 - axis.before for axis in axes]},
        ),
        Section(
            "The same as a product with Cᵀ",
            [
                f"A convolution is linear, so it is a matrix. C has a row for each of the "
                f"{rows.small * columns.small} cells of the small side and a column for each of the "
                f"{rows.large * columns.large} cells of the large side; each row holds the kernel, where its window "
                "lies. The convolution is C times the large image; the transposed convolution is Cᵀ times the small "
                "one.",
                "Point at an input: its row of C is its column of Cᵀ, and holds its stamp. Point at an output: its "
                "column of C is its row of Cᵀ. Both are one connection pattern, read in two directions.",
            ],
            "matrix",
            pattern,
        ),
        Section(
            "There and back: Cᵀ is no inverse",
            [
                "Transposed convolution brings back the size, not the values. The convolution with the same kernel "
                "after it gives C·Cᵀ·x, and C·Cᵀ is not the identity: neighbouring stamps overlap, and the convolution "
                "adds what it finds below its window.",
            ],
            "cells",
            {"grids": [
                {"label": "x", "values": shown[0, :, :, 0]},
                {"label": "Cᵀx", "sign": "→", "values": y[0, :, :, 0]},
                {"label": "C·Cᵀx", "sign": "→", "values": back[0, :, :, 0]},
            ]},
        ),
        Section("Check yourself", questions=_questions(axes, used, y, overlap)),
    ]  # fmt: skip
    lede = (
        f"Each input cell lays a stamp on the output: the kernel, {rows.kernel} × {columns.kernel}, times the cell's "
        f"value. The stamps lie {rows.stride} rows and {columns.stride} columns apart, and where they overlap, they "
        "add up. One to many."
    )
    return Explanation(
        "Transposed convolution",
        lede,
        sections,
        words=_words(shown, used, y, back, axes, padding, formulas, overlap),
        draw=lambda: _draw(shown, used, y, overlap, axes),
        notes=notes,
    )


def stretched(x: Floats, axes: tuple[Axis, ...]) -> Floats:
    """The input with zeros between its cells and around them, (N, H', W', C).

    Its convolution with the kernel turned by 180 degrees, of stride 1 and padding "valid", is the transposed
    convolution of `x`.
    """
    result = np.zeros((len(x), *(axis.large + axis.span - 1 for axis in axes), x.shape[3]), np.float32)
    rows, columns = (slice(first, first + (axis.small - 1) * axis.stride + 1, axis.stride)
                     for axis in axes for first in [axis.span - 1 - axis.before])  # fmt: skip
    result[:, rows, columns] = x
    return result


def overlaps(axes: tuple[Axis, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """For each output cell the number of stamps that reach it."""
    rows, columns = ([len(axis.taps_of(cell)) for cell in range(axis.large)] for axis in axes)
    return np.outer(rows, columns)


def _explicit(output_padding: PairLike | None, i: int) -> int | None:
    if output_padding is None or isinstance(output_padding, int | np.integer):
        return output_padding
    return output_padding[i]


def _size_formulas(name: str, axis: Axis, padding: str, explicit: int | None) -> list[str]:
    H, S, span = axis.small, axis.stride, axis.span
    whole = f"`K′ = (K{name} − 1)·D + 1 = ({axis.kernel} − 1)·{axis.dilation} + 1 = {span}`"
    if padding == "same" and explicit is None:
        return [f"`O{name} = {name}·S = {H}·{S} = {axis.large}`"]
    if padding == "same":
        sizes = f"({H} − 1)·{S} + {span % 2} + {explicit} = {axis.large}"
        return [whole, f"`O{name} = ({name} − 1)·S + K′ mod 2 + p = {sizes}, with output_padding p = {explicit}`"]
    extra = axis.large - (H - 1) * S - span
    reason = f"output_padding p = {extra}" if explicit is not None else f"p = max(K′, S) − K′ = {extra}"
    return [
        whole,
        f"`O{name} = ({name} − 1)·S + K′ + p = ({H} − 1)·{S} + {span} + {extra} = {axis.large}, with {reason}`",
    ]


def _overlap_words(axes: tuple[Axis, ...], overlap: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> list[str]:
    uneven = [axis for axis in axes if axis.kernel % axis.stride and axis.dilation == 1]
    low, high = int(overlap.min()), int(overlap.max())
    sizes = " and ".join(f"{axis.kernel} by {axis.stride}" for axis in dict.fromkeys(axes))
    if uneven:
        return [
            f"From {low} to {high}, in a checkerboard: the kernel's size is not divisible by the stride ({sizes}), so "
            "even a constant input makes a pattern of brighter and darker cells, which training has to work against. A "
            "kernel whose size is a multiple of the stride makes the numbers of stamps equal, though its weights can "
            "still make a pattern; nearest up-sampling followed by a convolution of stride 1 makes none of a constant "
            "input, except at the border (Odena, Dumoulin and Olah, Deconvolution and checkerboard artifacts, 2016)."
        ]
    strided = " With a kernel of another size a checkerboard would appear here, even for a constant input."
    return [
        f"From {low} to {high}, and far from the border evenly: the kernel's size is divisible by the stride "
        f"({sizes}).{strided if max(axis.stride for axis in axes) > 1 else ''}"
    ]


def _questions(
    axes: tuple[Axis, ...], kernel: Floats, y: Floats, overlap: np.ndarray[tuple[int, int], np.dtype[np.int64]]
) -> list[str]:
    rows, columns = axes
    r, s = min(3, rows.large - 1), min(4, columns.large - 1)
    inputs = [f"({i}, {j})" for i, _ in rows.taps_of(r) for j, _ in columns.taps_of(s)]
    return [
        f"Which input cells touch output cell ({r}, {s})? {', '.join(inputs) or 'None'}"
        f"{'' if inputs else ': it lies between the stamps'}. A cell i is connected with the outputs "
        f"`i·S − before + u·D`, for each row u of the kernel, and alike along the columns; before, here {rows.before}, "
        "is the number of rows that the padding cuts off in front.",
        "What does a stride of 2 do to the output's size? It doubles it, about, for stamps lie two cells apart: H "
        'cells become `2·H` with padding "same", and `2·(H − 1) + K′` with padding "valid" (K′ at least 2). In a '
        "convolution the same stride halves the size.",
        "Why is Cᵀ no inverse of C? Both have the kernel's numbers in the same places; an inverse would have to undo "
        "the sums. C has fewer rows than columns where the stride is above 1 or the padding valid, so many images give "
        "the same result, and no matrix can tell them apart. A square C may have an inverse, which is another matrix.",
        f"How many numbers can be learnt? {kernel.size}, those of the kernel, as in the convolution. Training finds a "
        "kernel whose stamps, added up, look like the original.",
    ]


def _words(
    x: Floats, kernel: Floats, y: Floats, back: Floats, axes: tuple[Axis, ...], padding: str, formulas: list[str],
    overlap: np.ndarray[tuple[int, int], np.dtype[np.int64]],
) -> list[str]:  # fmt: skip
    rows, columns = axes
    lines = arrays_in_words(x, "input", kernel, y, axes, padding, formulas, transposed=True)
    i, j = strongest(x[0, :, :, 0])
    laid = np.einsum("uvc,c->uv", kernel[:, :, 0], x[0, i, j])
    product = "its channels times the kernel's" if x.shape[3] > 1 else f"{number(x[0, i, j, 0])} times the kernel"
    lines += [f"For example, the stamp of input ({i}, {j}), {product}:", *table(laid)]
    r, s = strongest(y[0, :, :, 0])
    terms = [
        f"{factor(x[0, a, b, c])}·{factor(kernel[u, v, 0, c])}"
        for a, u in rows.taps_of(r) for b, v in columns.taps_of(s) for c in range(x.shape[3])
    ]  # fmt: skip
    return [
        *lines,
        f"Output ({r}, {s}) is {' + '.join(terms)} = {number(y[0, r, s, 0])}.",
        "Stamps that reach each output cell:",
        *table(overlap),
        f"The matrix C of the convolution is {rows.small * columns.small} x {rows.large * columns.large}; Cᵀ makes the "
        "transposed convolution: one connection pattern, read in two directions.",
        "Cᵀ is no inverse: the convolution of output 0 and its like gives",
        *table(back[0, :, :, 0]),
    ]


def _draw(
    x: Floats, kernel: Floats, y: Floats, overlap: np.ndarray[tuple[int, int], np.dtype[np.int64]],
    axes: tuple[Axis, ...],
) -> Figure:  # fmt: skip
    i, j = strongest(x[0, :, :, 0])
    rows, columns = axes
    stamp = [
        (r, s)
        for u in range(rows.kernel) if 0 <= (r := rows.place(i, u)) < rows.large
        for v in range(columns.kernel) if 0 <= (s := columns.place(j, v)) < columns.large
    ]  # fmt: skip
    return draw_grids(
        [
            Grid(f"input; marked: ({i}, {j})", x[0, :, :, 0], marked=[(i, j)]),
            Grid("kernel", kernel[:, :, 0, 0], sign="×"),
            Grid("output; marked: its stamp", y[0, :, :, 0], marked=stamp, sign="="),
            Grid("stamps that reach each cell", overlap),
        ],
        "Transposed convolution" + (": channel 0, filter 0" if kernel.shape[2] * kernel.shape[3] > 1 else ""),
    )
