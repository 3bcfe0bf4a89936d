"""Scalars that are sums of means over the batch, taken apart.

A loss such as ``mean(a) + 0.5 * mean(b)`` is one number for the batch, so the plan of one sample cannot compute it. But
its gradient is that of the parts: each becomes a term of the plan, the mean (or sum) of a tensor times a factor.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from .functions import ConstantSource, Function
from .tensors import SymbolicTensor


@dataclass(frozen=True)
class Term:
    """`factor` times the mean, or the sum, of all values of `tensor`."""

    tensor: SymbolicTensor
    reduction: str
    factor: float


def split(tensor: SymbolicTensor, whole: Container[SymbolicTensor] = ()) -> tuple[list[Term], float]:
    """The terms that a scalar, or the sum of what is no scalar, consists of, and a constant.

    Args:
        tensor: the scalar.
        whole: tensors that are not taken apart.
    """
    if tensor.shape != ():
        return [Term(tensor, "sum", 1.0)], 0.0
    terms: dict[tuple[SymbolicTensor, str], float] = {}
    constant = 0.0
    pending = [(tensor, 1.0)]
    while pending:
        here, factor = pending.pop()
        node = None if here in whole else here.node
        function = None if node is None else node.layer
        if isinstance(function, ConstantSource) and function.number is not None:
            constant += factor * function.number
            continue
        if node is not None and isinstance(function, Function):
            reduction = function.full_reduction(node.inputs[0].ndim) if len(node.inputs) == 1 else None
            if reduction is not None and node.inputs[0].shape != ():
                key = node.inputs[0], reduction
                terms[key] = terms.get(key, 0.0) + factor
                continue
            if reduction is not None:
                pending.append((node.inputs[0], factor))
                continue
            if all(item.shape == () for item in node.inputs):
                found = function.linear_in([None if item in whole else _number(item) for item in node.inputs])
                if found is not None:
                    factors, offset = found
                    constant += factor * offset
                    pending += [
                        (item, factor * own) for item, own in zip(node.inputs, factors, strict=True) if own != 0.0
                    ]
                    continue
        key = here, "sum"
        terms[key] = terms.get(key, 0.0) + factor
    return [Term(item, reduction, factor) for (item, reduction), factor in terms.items()], constant


def _number(tensor: SymbolicTensor) -> float | None:
    layer = None if tensor.node is None else tensor.node.layer
    return layer.number if isinstance(layer, ConstantSource) else None
