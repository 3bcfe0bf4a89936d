"""Products of matrices and tensors, under the names of `keras.ops`. Arguments are as in `elementwise.py`."""

from __future__ import annotations

from typing import Any

from .._core.arrays import as_axis, as_int, is_int
from ._contraction import contract, parse
from ._functions import call
from ._matrices import Matmul
from .elementwise import multiply
from .shaping import as_tuple, expand_dims, ravel, shape_of


def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product over the last two axes, leading axes broadcast.

    An x1 of one axis is a row, an x2 of one axis a column. Where x2 is a variable or constant matrix, the product is
    computed as by a `Dense` layer.

    Raises:
        ValueError: the last axis of x1 and the next to last one of x2 differ, or leading axes do not broadcast.
    """
    return call(Matmul(), ("x1", "x2"), x1, x2)


def dot(x1: Any, x2: Any) -> Any:
    """The sum of products over the last axis of x1 and the next to last of x2, all other axes side by side.

    For one or two axes each it is the matrix product; with a number it is `multiply`.
    """
    ranks = len(shape_of(x1)), len(shape_of(x2))
    if 0 in ranks:
        return multiply(x1, x2)
    if ranks[1] <= 2:
        return matmul(x1, x2)
    first, second = list(range(ranks[0])), list(range(ranks[0], sum(ranks)))
    second[-2] = first[-1]
    kept = [label for label in (*first, *second) if label != first[-1]]
    return contract(x1, first, x2, second, kept)


def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """The sum of products over several axes.

    Args:
        x1, x2: real numbers.
        axes: how many last axes of x1 and first ones of x2; or a pair of axes, or lists of axes, of each.

    Returns:
        The other axes of x1, then those of x2.

    Raises:
        ValueError: axes that differ in number or length.
    """
    ranks = len(shape_of(x1)), len(shape_of(x2))
    if is_int(axes):
        count = as_int("axes", axes, 0, min(ranks))
        ours, theirs = list(range(ranks[0] - count, ranks[0])), list(range(count))
    else:
        pair = list(axes)
        if len(pair) != 2:
            raise ValueError(f"axes is {axes!r}; expected a number or a pair")
        ours, theirs = (
            [as_axis(axis, rank, "axes") for axis in as_tuple("axes", own)]
            for own, rank in zip(pair, ranks, strict=True)
        )
    if len(ours) != len(theirs) or len(set(ours)) < len(ours) or len(set(theirs)) < len(theirs):
        raise ValueError(f"axes is {axes!r}; expected as many axes of x1 as of x2, each once")
    first, second = list(range(ranks[0])), list(range(ranks[0], sum(ranks)))
    for own, their in zip(ours, theirs, strict=True):
        second[their] = first[own]
    kept = [label for axis, label in enumerate(first) if axis not in ours]
    kept += [label for axis, label in enumerate(second) if axis not in theirs]
    return contract(x1, first, x2, second, kept)


def einsum(subscripts: str, *operands: Any) -> Any:
    """Sums of products of arrays whose axes have letters: a letter that the result lacks is summed over.

    Several arrays are taken together from left to right.

    Args:
        subscripts: such as "bij,bkj->bik"; without an arrow the result has the letters that occur once, sorted. "..."
            stands for any number of leading axes.
        operands: one array for each term.

    Raises:
        ValueError: subscripts that do not fit, or that name an axis of one array twice (a diagonal).
    """
    terms, result = parse(subscripts, [len(shape_of(operand)) for operand in operands])
    found, labels = operands[0], terms[0]
    for number, (operand, own) in enumerate(zip(operands[1:], terms[1:], strict=True)):
        later = {label for term in terms[number + 2 :] for label in term}
        kept = [label for label in dict.fromkeys([*labels, *own]) if label in result or label in later]
        if number == len(operands) - 2:
            kept = result
        found, labels = contract(found, labels, operand, own, kept), kept
    return contract(found, labels, None, [], result)


def outer(x1: Any, x2: Any) -> Any:
    """All products of a value of x1 and one of x2: (number of x1, number of x2)."""
    return multiply(expand_dims(ravel(x1), 1), expand_dims(ravel(x2), 0))


def inner(x1: Any, x2: Any) -> Any:
    """The sum of products over the last axes, all other axes side by side; with a number, `multiply`."""
    ranks = len(shape_of(x1)), len(shape_of(x2))
    if 0 in ranks:
        return multiply(x1, x2)
    first, second = list(range(ranks[0])), list(range(ranks[0], sum(ranks)))
    second[-1] = first[-1]
    return contract(x1, first, x2, second, [*first[:-1], *second[:-1]])


def vdot(x1: Any, x2: Any) -> Any:
    """The sum of the products of all values of x1 with those of x2 at the same places."""
    return dot(ravel(x1), ravel(x2))
