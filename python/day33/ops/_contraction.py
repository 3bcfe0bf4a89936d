"""Sums of products of two arrays whose axes have labels, by transposes, one matrix product and sums."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from ._functions import call
from ._matrices import Matmul
from .elementwise import multiply
from .reductions import sum
from .shaping import reshape, shape_of, transpose

Label = Hashable


def contract(x1: Any, first: Sequence[Label], x2: Any, second: Sequence[Label], result: Sequence[Label]) -> Any:
    """The sum of products over all labels that the result lacks.

    Args:
        x1, x2: arrays or symbolic tensors; x2 is None for one array alone.
        first, second: a label for each of their axes.
        result: those of the result, all of which occur in one of them.

    Raises:
        ValueError: axes with one label differ in length.
    """
    if x2 is None:
        x1, first = _summed(x1, first, result)
        return _ordered(x1, first, result)
    sizes = _sizes(x1, first, x2, second)
    x1, first = _summed(x1, first, [*second, *result])
    x2, second = _summed(x2, second, [*first, *result])
    shared = [label for label in first if label in second]
    summed = [label for label in shared if label not in result]
    if not summed:
        return _ordered(*_products(x1, first, x2, second, sizes), result)
    together = [label for label in shared if label in result]
    # An axis that only one of them has is not merged with others where it comes first: it may be the batch.
    lead1 = [label for label in first[:1] if label not in second]
    lead2 = [label for label in second[:1] if label not in first and not lead1]
    rows = [label for label in first if label not in (*shared, *lead1)]
    columns = [label for label in second if label not in (*shared, *lead2)]
    left = _ordered(x1, first, [*lead1, *together, *rows, *summed])
    right = _ordered(x2, second, [*lead2, *together, *summed, *columns])
    # Without axes in common, the lead of x1 may be the rows of the matrix, and x2 remains a matrix.
    groups = [rows, summed] if rows or together or not lead1 else [summed]
    left = _merged(left, sizes, [*([label] for label in (*lead1, *together)), *groups])
    right = _merged(right, sizes, [*([label] for label in (*lead2, *together)), summed, columns])
    found = call(Matmul(), ("x1", "x2"), left, right)
    labels = [*lead1, *lead2, *together, *rows, *columns]
    found = _merged(found, sizes, [[label] for label in labels])
    return _ordered(found, labels, result)


def _sizes(x1: Any, first: Sequence[Label], x2: Any, second: Sequence[Label]) -> dict[Label, int | None]:
    sizes: dict[Label, int | None] = {}
    for shape, labels in ((shape_of(x1), first), (shape_of(x2), second)):
        for size, label in zip(shape, labels, strict=True):
            before = sizes.get(label)
            if None not in (before, size) and before != size:
                raise ValueError(
                    f"axes that are summed or taken together have lengths {before} and {size}; the arrays have shapes "
                    f"{shape_of(x1)} and {shape_of(x2)}"
                )
            sizes[label] = size if before is None else before
    return sizes


def _summed(x: Any, labels: Sequence[Label], kept: Sequence[Label]) -> tuple[Any, list[Label]]:
    """Without the axes that nothing else has."""
    axes = tuple(axis for axis, label in enumerate(labels) if label not in kept)
    return (sum(x, axes) if axes else x), [label for label in labels if label in kept]


def _ordered(x: Any, labels: Sequence[Label], wanted: Sequence[Label]) -> Any:
    order = [list(labels).index(label) for label in wanted]
    return x if order == list(range(len(order))) else transpose(x, order)


def _merged(x: Any, sizes: dict[Label, int | None], groups: Sequence[Sequence[Label]]) -> Any:
    """The axes put together in groups, or taken apart into groups of one."""
    shape: list[int | None] = []
    for group in groups:
        total: int | None = 1
        for label in group:
            size = sizes[label]
            total = None if size is None or total is None else total * size
        shape.append(total)
    if tuple(shape) == shape_of(x):
        return x
    return reshape(x, [-1 if size is None else size for size in shape])


def _products(
    x1: Any, first: Sequence[Label], x2: Any, second: Sequence[Label], sizes: dict[Label, int | None]
) -> tuple[Any, list[Label]]:
    """Products without sums: all axes of x1, then those of x2 that x1 lacks."""
    labels = [*first, *(label for label in second if label not in first)]
    aligned = []
    for x, own in ((x1, first), (x2, second)):
        x = _ordered(x, own, [label for label in labels if label in own])
        shape = [sizes[label] if label in own else 1 for label in labels]
        aligned.append(reshape(x, [-1 if size is None else size for size in shape]))
    return multiply(*aligned), labels


def parse(subscripts: str, ranks: Sequence[int]) -> tuple[list[list[Label]], list[Label]]:
    """The labels of each operand of `einsum`, and of the result.

    Raises:
        TypeError, ValueError: they are no subscripts, or do not fit the number of axes.
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"subscripts is {subscripts!r}; expected a string")
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"subscripts is {subscripts!r}, which has {len(terms)} terms; there are {len(ranks)} operands")
    widest = 0
    found: list[list[Label]] = []
    for term, rank in zip(terms, ranks, strict=True):
        letters = term.replace("...", "")
        extra = rank - len(letters)
        dots = "..." in term
        if (not letters.isalpha() and letters) or extra < 0 or (extra and not dots):
            raise ValueError(f"subscripts is {subscripts!r}: term {term!r} does not fit an operand of {rank} axes")
        if len(set(letters)) < len(letters):
            raise ValueError(f"subscripts is {subscripts!r}: term {term!r} names an axis twice; expected each once, "
                             "day33 takes no diagonals")  # fmt: skip
        found.append(_labels(term, extra))
        widest = max(widest, extra if dots else 0)
    everything = [label for term in found for label in term]
    if arrow:
        result = _labels(right, widest)
    else:
        letters = "".join(sorted(c for c in set(left) if c.isalpha() and left.count(c) == 1))
        result = _labels("..." + letters, widest)
    if len(set(result)) < len(result) or any(label not in everything for label in result):
        raise ValueError(f"subscripts is {subscripts!r}: the result is {right!r}; expected letters of the operands, "
                         "each once")  # fmt: skip
    return found, result


def _labels(term: str, extra: int) -> list[Label]:
    """Letters, and for the ellipsis numbers: the last leading axis is 0, the one before it 1."""
    before, dots, after = term.partition("...")
    return [*before, *(range(extra - 1, -1, -1) if dots else ()), *after]
