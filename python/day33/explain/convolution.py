"""A convolution: which inputs each output reads."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .. import ops
from .._core.arrays import as_padding, as_pair
from .._core.types import PairLike
from . import _examples
from ._arrays import MAX_FILTERS, MAX_SIDE, Floats, as_images, as_kernel, cut, refuse_wide
from ._explanation import Explanation, Section
from ._figure import Grid, draw_grids
from ._pattern import Axis, axis_of, span_of
from ._words import factor, number, shape, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LETTERS", "arrays_in_words", "conv2d", "strongest"]

LETTERS = (
    "H and W are the height and width of the input, KH and KW of the kernel, OH and OW of the output; S is the stride "
    "and D the dilation."
)


def conv2d(
    x: ArrayLike | None = None,
    kernel: ArrayLike | None = None,
    *,
    strides: PairLike = 1,
    padding: str = "valid",
    dilation_rate: PairLike = 1,
) -> Explanation:
    """Explain a convolution: which inputs each output reads, with their products and their sum.

    On the page, an output cell that is pointed at shows its window, and an input cell the outputs that read it.

    Args:
        x: real numbers (N, H, W, C), or (H, W) for one image of one channel. The first image is shown. None for an
            example.
        kernel: real numbers (KH, KW, C, O), or (KH, KW). None for an example.
        strides, padding, dilation_rate: as of `day33.ops.conv2d`, which computes all numbers.

    Returns:
        The explanation. Of images larger than 10 x 10, of more than 3 channels and of more than 8 filters it shows the
        first ones, and says so.

    Raises:
        TypeError, ValueError: as of `day33.ops.conv2d`; a kernel of more than 7 x 7, or one that covers more than
            14 x 14 cells.
    """
    images = as_images("x", _examples.picture() if x is None else x)
    weights = as_kernel(_examples.edge_kernel() if kernel is None else kernel)
    stride, dilation, padding = (
        as_pair("strides", strides),
        as_pair("dilation_rate", dilation_rate),
        as_padding(padding),
    )
    compute = functools.partial(ops.conv2d, strides=stride, padding=padding, dilation_rate=dilation)
    whole = compute(images, weights)
    spans = tuple(map(span_of, weights.shape[:2], dilation))
    refuse_wide("kernel", weights.shape[:2], spans)

    sides = (max(MAX_SIDE, spans[0] + stride[0]), max(MAX_SIDE, spans[1] + stride[1]))
    shown, notes = cut(images, sides)
    used = np.ascontiguousarray(weights[:, :, : shown.shape[3], :MAX_FILTERS])
    if used.shape != weights.shape or notes:
        notes.append(
            f"Of the kernel of shape {shape(weights.shape)}, {shape(used.shape)} is shown. The whole call gives "
            f"{shape(whole.shape)}."
        )
    y = compute(shown, used)
    axes = tuple(
        axis_of(shown.shape[1 + i], y.shape[1 + i], used.shape[i], stride[i], dilation[i], padding) for i in (0, 1)
    )
    formulas = [line for name, axis in zip("HW", axes, strict=True) for line in size_formulas(name, axis, padding)]
    C = shown.shape[3]
    lede = (
        f"A kernel slides over the image. At each place it is multiplied with the cells below it, and the products are "
        f"added up: {used.shape[0]} × {used.shape[1]} × {C} inputs make one output. Many to one."
    )
    data = {
        "axes": [axis.data() for axis in axes],
        "x": np.moveaxis(shown[0], 2, 0),
        "kernel": used.transpose(3, 2, 0, 1),
        "y": np.moveaxis(y[0], 2, 0),
    }
    sections = [
        Section(
            "Point at an output",
            [
                "Point at a cell of the output, or walk with the arrow keys: its window on the input, the products and "
                "their sum appear. Point at an input, and every output that reads it lights up. A click holds a cell.",
                *(_padding_words(axes, padding)),
            ],
            "windows",
            data,
        ),
        Section("Why the output has this size", [*formulas, LETTERS]),
        Section("Check yourself", questions=_questions(axes, used, y)),
    ]
    return Explanation(
        "Convolution",
        lede,
        sections,
        words=_words(shown, used, y, axes, padding, formulas),
        draw=lambda: _draw(shown, used, y, axes),
        notes=notes,
    )


def size_formulas(name: str, axis: Axis, padding: str) -> list[str]:
    """The size of the result along one axis, as formulas and with the numbers put in."""
    H, S = axis.large, axis.stride
    if padding == "same":
        missing = axis.before + axis.after
        return [
            f"`O{name} = ⌈{name} / S⌉ = ⌈{H} / {S}⌉ = {axis.small}`",
            f"`K′ = (K{name} − 1)·D + 1 = ({axis.kernel} − 1)·{axis.dilation} + 1 = {axis.span}`",
            f"`padding = max((O{name} − 1)·S + K′ − {name}, 0) = max({axis.small - 1}·{S} + {axis.span} − {H}, 0) = "
            f"{missing}, of which {axis.before} before and {axis.after} after`",
        ]
    return [
        f"`O{name} = ⌈({name} − (K{name} − 1)·D) / S⌉ = ⌈({H} − ({axis.kernel} − 1)·{axis.dilation}) / {S}⌉ = "
        f"{axis.small}`"
    ]


def _padding_words(axes: tuple[Axis, ...], padding: str) -> list[str]:
    if padding == "valid":
        return []
    return [
        'Hatched cells are the padding: with `padding="same"` zeros stand around the image, so that windows at the '
        "border "
        "have something to read. They are never stored, and they add nothing to a sum."
    ]


def _questions(axes: tuple[Axis, ...], kernel: Floats, y: Floats) -> list[str]:
    corner, middle = (0, 0), (axes[0].large // 2, axes[1].large // 2)
    readers = [len(axes[0].taps_of(r)) * len(axes[1].taps_of(c)) for r, c in (corner, middle)]
    return [
        f"How many outputs read the input cell {corner}, and how many {middle}? {readers[0]} and {readers[1]}. Cells "
        "at the border take part in no more outputs than those in the middle.",
        f"How many numbers can be learnt? {kernel.size}, as many as the kernel has: all {y[0].size} outputs share "
        "them.",
        "What does a stride of 2 do? The window moves by two cells, so about half as many outputs are left along each "
        'axis: of H cells `⌈H / 2⌉` with padding "same", and `⌈(H − K′ + 1) / 2⌉` with padding "valid", where K′ is '
        "what the kernel covers: its height, unless it is dilated.",
    ]


def arrays_in_words(
    x: Floats, name: str, kernel: Floats, y: Floats, axes: tuple[Axis, ...], padding: str, formulas: list[str],
    transposed: bool = False,
) -> list[str]:  # fmt: skip
    """Shapes, options, formulas, and all numbers.

    Args:
        x, y: (1, H, W, C). name: what x is.
        kernel: (kh, kw, C, O) with the channels of x and y, or (kh, kw, O, C) where `transposed`.
    """
    filters = np.swapaxes(kernel, 2, 3) if transposed else kernel
    rows, columns = axes
    lines = [
        f"x: shape {shape(x.shape)}. kernel: shape {shape(kernel.shape)}. Result: shape {shape(y.shape)}.",
        f'strides ({rows.stride}, {columns.stride}), padding "{padding}", '
        f"dilation_rate ({rows.dilation}, {columns.dilation}).",
        *(formula.replace("`", "") for formula in formulas),
        "",
    ]
    for c in range(x.shape[3]):
        lines += [f"Channel {c} of the {name}:", *table(x[0, :, :, c])]
    for o in range(y.shape[3]):
        for c in range(x.shape[3]):
            lines += [f"Filter {o}, channel {c} of the kernel:", *table(filters[:, :, c, o])]
        lines += [f"Output {o}:", *table(y[0, :, :, o])]
    return lines


def _words(
    x: Floats, kernel: Floats, y: Floats, axes: tuple[Axis, ...], padding: str, formulas: list[str]
) -> list[str]:
    rows, columns = axes
    lines = arrays_in_words(x, "image", kernel, y, axes, padding, formulas)
    i, j = strongest(y[0, :, :, 0])
    terms = [
        f"{factor(x[0, r, s, c])}·{factor(kernel[u, v, c, 0])}"
        for u in range(rows.kernel) if 0 <= (r := rows.place(i, u)) < rows.large
        for v in range(columns.kernel) if 0 <= (s := columns.place(j, v)) < columns.large
        for c in range(x.shape[3])
    ]  # fmt: skip
    return [*lines, f"For example, output ({i}, {j}) is {' + '.join(terms)} = {number(y[0, i, j, 0])}."]


def strongest(y: Floats) -> tuple[int, int]:
    """The cell of a matrix with the largest absolute value, the first of several; NaN counts as none."""
    i, j = np.unravel_index(int(np.argmax(np.nan_to_num(np.abs(y), nan=-1.0))), y.shape)
    return int(i), int(j)


def _draw(x: Floats, kernel: Floats, y: Floats, axes: tuple[Axis, ...]) -> Figure:
    i, j = strongest(y[0, :, :, 0])
    rows, columns = axes
    window = [(rows.place(i, u), columns.place(j, v)) for u in range(rows.kernel) for v in range(columns.kernel)]
    padding = (rows.before, columns.before, rows.after, columns.after)
    return draw_grids(
        [
            Grid("input", x[0, :, :, 0], marked=window, padding=padding),
            Grid("kernel", kernel[:, :, 0, 0], sign="×"),
            Grid(f"output; marked: ({i}, {j})", y[0, :, :, 0], marked=[(i, j)], sign="="),
        ],
        "Convolution" + (": channel 0, filter 0" if kernel.shape[2] * kernel.shape[3] > 1 else ""),
    )
