"""A dense (linear) layer: rows times columns, what one column cannot tell apart, and what a bias adds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .. import ops
from .._core.arrays import as_float32
from . import _examples
from ._arrays import Floats
from ._explanation import Explanation, Section
from ._figure import Grid, draw_grids
from ._words import factor, number, shape, table

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["dense"]

_MOST_ROWS, _MOST_INPUTS, _MOST_UNITS = 12, 12, 8


def dense(x: ArrayLike | None = None, kernel: ArrayLike | None = None, bias: ArrayLike | None = None) -> Explanation:
    """Explain a dense (linear) layer: each output is a row of the input times a column of the kernel, plus a bias.

    Without `x`, the page also tells the story of two rectangles that a first layer of one unit cannot tell apart, and a
    layer of three can.

    Args:
        x: real numbers (..., C); all axes but the last are rows. None for the corners of two rectangles, (2, 4, 2).
        kernel: real numbers (C, O). None for an example: (2, 1) of ones where `x` is None, which must be given else.
        bias: real numbers (O,), or None.

    Returns:
        The explanation. Of more than 12 rows and of more than 8 units it shows the first ones, and says so.

    Raises:
        TypeError, ValueError: as of `day33.ops.dense`; `x` without `kernel`; more than 12 inputs.
    """
    told = x is None
    if kernel is None and not told:
        raise ValueError("kernel is None and x is given; expected a kernel (C, O)")
    rectangles = _examples.rectangles()
    values = as_float32("x", rectangles if x is None else x)
    weights = as_float32("kernel", np.ones((2, 1)) if kernel is None else kernel)
    whole = ops.dense(values, weights, bias)
    C, O = weights.shape
    if C > _MOST_INPUTS:
        raise ValueError(f"x has shape {values.shape}; expected at most {_MOST_INPUTS} inputs (its last axis) to draw")
    rows = values.reshape(math.prod(values.shape[:-1]), C)
    if not len(rows):
        raise ValueError(f"x has shape {values.shape}; expected at least one row")
    notes = []
    if len(rows) > _MOST_ROWS or O > _MOST_UNITS:
        notes.append(
            f"`x` has {len(rows)} rows and the kernel {O} units. Shown are the first {min(len(rows), _MOST_ROWS)} and "
            f"{min(O, _MOST_UNITS)}."
        )
    rows = np.ascontiguousarray(rows[:_MOST_ROWS])
    used = np.ascontiguousarray(weights[:, :_MOST_UNITS])
    offsets = None if bias is None else as_float32("bias", bias)[:_MOST_UNITS]
    y = ops.dense(rows, used, offsets)
    parameters = weights.size + (0 if bias is None else O)
    plus = ("", "") if bias is None else (" + O", f" + {O}")
    formulas = [
        f"`{shape(values.shape)} × {shape(weights.shape)} = {shape(whole.shape)}`",
        f"`parameters = C·O{plus[0]} = {C}·{O}{plus[1]} = {parameters}`",
    ]
    sections = [
        Section(
            "Point at an output: a row times a column",
            ["Point at a cell of the output: its row of the input, its column of the kernel and their products appear. "
             "Every output reads all inputs of its row; nothing is local, as it is in a convolution."],
            "product",
            {"x": rows, "kernel": used, "bias": offsets, "y": y},
        ),
        Section("Shapes and parameters", formulas),
    ]  # fmt: skip
    words = [
        *(formula.replace("`", "") for formula in formulas),
        "Rows of the input:", *table(rows), "Kernel:", *table(used),
        *([] if offsets is None else ["Bias:", *table(offsets)]),
        "Output:", *table(y),
        f"For example, output (0, 0) is {_sum(rows[0], used[:, 0], offsets)} = {number(y[0, 0])}.",
    ]  # fmt: skip
    if told:
        story, more = _story(rectangles)
        sections += story
        words += more
    sections.append(Section("Check yourself", questions=_questions(C, O)))
    return Explanation(
        "Dense layer",
        "A linear layer multiplies every row with one matrix, as a linear map moves every point of space. What its "
        "matrix maps to the same numbers, no later layer can tell apart.",
        sections,
        words=words,
        draw=lambda: draw_grids(
            [Grid("input", rows), Grid("kernel", used, sign="×"),
             *([] if offsets is None else [Grid("bias", offsets[None], sign="+")]), Grid("output", y, sign="=")],
            "Dense layer",
        ),
        notes=notes,
    )  # fmt: skip


def _sum(row: Floats, column: Floats, bias: Floats | None) -> str:
    terms = [f"{factor(a)}·{factor(b)}" for a, b in zip(row, column, strict=True)]
    return " + ".join([*terms, *([] if bias is None else [factor(bias[0])])])


def _story(rectangles: Floats) -> tuple[Sequence[Section], list[str]]:
    wide, high = rectangles
    one, three = np.ones((2, 1), np.float32), np.array([[1, 1, 0], [1, 0, 1]], np.float32)
    through = {name: (ops.dense(corners, one), ops.dense(corners, three)) for name, corners in
               (("wide", wide), ("high", high))}  # fmt: skip
    tilted = np.array([[1], [2]], np.float32)
    listed = {name: ", ".join(number(v) for v in ops.dense(corners, tilted).ravel()) for name, corners in
              (("wide", wide), ("high", high))}  # fmt: skip
    same = np.array_equal(through["wide"][0], through["high"][0])
    shapes = [{"name": name, "points": corners} for name, corners in (("wide", wide), ("high", high))]
    counts = [(1, "(4, 2) × [2 × 1] = (4, 1)", 2), (2, "(4, 2) × [2 × 1] = (4,), then (4,) × [4 × 1] = (1,)", 2 + 4),
              (3, "(4, 2) × [2 × 3] = (4, 3), then × [3 × 1] = (4,), then × [4 × 1] = (1,)", 6 + 3 + 4)]  # fmt: skip
    plans = [f"`{n} layer{'s' if n > 1 else ''}: {text}, {parameters} parameters`" for n, text, parameters in counts]
    sections = [
        Section(
            "Two rectangles through one, two and three layers",
            [
                "Each rectangle is four corners, (4, 2), and is to become one number that says which of the two it is.",
                *plans,
                "With the kernel `[[1], [1]]` the first layer adds x and y of each corner, and both rectangles become "
                f"the numbers {', '.join(number(v) for v in through['wide'][0].ravel())}. From there on they are the "
                "same, whatever a second layer does. What loses them is the direction, not the number of parameters: "
                f"with `[[1], [2]]` they become {listed['wide']} and {listed['high']}. Three columns keep both "
                "directions.",
            ],
            "cells",
            {"grids": [
                {"label": "wide", "values": wide},
                {"label": "× one column", "sign": "→", "values": through["wide"][0]},
                {"label": "× three columns", "values": through["wide"][1]},
                {"label": "high", "values": high, "below": True},
                {"label": "× one column", "sign": "→", "values": through["high"][0]},
                {"label": "× three columns", "values": through["high"][1]},
            ]},
        ),
        Section(
            "One column is one direction",
            [
                "A kernel of one column looks at the plane along one direction: of each corner it keeps how far it "
                "lies along the arrow. Move the two weights and watch when the rectangles fall onto the same numbers.",
            ],
            "direction",
            {"shapes": shapes, "kernel": one},
        ),
        Section(
            "What a bias adds: shift",
            [
                "A matrix can turn, stretch and shear, but it leaves the origin (the small cross) where it is. Lay the "
                "full rectangle onto the dashed one: with the four weights alone it cannot be done; with a bias, which "
                "moves everything, it takes two sliders.",
            ],
            "plane",
            {"points": wide, "target": wide + np.array([-3.0, 1.0], np.float32)},
        ),
    ]  # fmt: skip
    words = [
        "",
        "Two rectangles, wide and high, by their corners:", *table(wide), *table(high),
        *(plan.replace("`", "") for plan in plans),
        f"One column of ones maps both to {'the same' if same else 'different'} numbers:",
        *table(through["wide"][0].T), *table(through["high"][0].T),
        "Three columns, (1, 1), (1, 0) and (0, 1), keep them apart:",
        *table(through["wide"][1]), *table(through["high"][1]),
        "A bias shifts: the kernel alone always maps the origin to the origin.",
    ]  # fmt: skip
    return sections, words


def _questions(C: int, O: int) -> list[str]:
    return [
        f"How many numbers can be learnt? C·O = {C * O}, and O = {O} more with a bias. They do not depend on the "
        "number of rows: the same kernel serves all of them.",
        "Why can a second layer not repair what the first one lost? It sees the numbers of the first layer only. Where "
        "these are equal, so is everything that is made of them.",
        "Do three linear layers see more than two? `[2 × 3]·[3 × 1]` is one `[2 × 1]` again: layers without an "
        "activation between them are one matrix. The three columns keep the rectangles apart until then; to use what "
        "they keep, put an activation such as relu between the layers.",
        "When is a convolution the same as a dense layer? When its kernel is as large as the image: then there is one "
        "window, which reads everything.",
    ]
