"""`tf.math`: functions of `day33.ops` under TensorFlow's names and arguments. They give float32, int32 or bool."""

from __future__ import annotations

from typing import Any

from .. import ops
from .._core.namespaces import absent
from ._wrapping import answer, elementwise, of_two, reduction

__getattr__ = absent("tf.math")

abs = elementwise(ops.abs)
acos = elementwise(ops.arccos, "acos")
acosh = elementwise(ops.arccosh, "acosh")
asin = elementwise(ops.arcsin, "asin")
asinh = elementwise(ops.arcsinh, "asinh")
atan = elementwise(ops.arctan, "atan")
atanh = elementwise(ops.arctanh, "atanh")
ceil = elementwise(ops.ceil)
cos = elementwise(ops.cos)
cosh = elementwise(ops.cosh)
erf = elementwise(ops.erf)
erfinv = elementwise(ops.erfinv)
exp = elementwise(ops.exp)
expm1 = elementwise(ops.expm1)
floor = elementwise(ops.floor)
is_finite = elementwise(ops.isfinite, "is_finite")
is_inf = elementwise(ops.isinf, "is_inf")
is_nan = elementwise(ops.isnan, "is_nan")
log = elementwise(ops.log)
log1p = elementwise(ops.log1p)
log_sigmoid = elementwise(ops.log_sigmoid)
logical_not = elementwise(ops.logical_not)
negative = elementwise(ops.negative)
reciprocal = elementwise(ops.reciprocal)
round = elementwise(ops.round)
rsqrt = elementwise(ops.rsqrt)
sigmoid = elementwise(ops.sigmoid)
sign = elementwise(ops.sign)
sin = elementwise(ops.sin)
sinh = elementwise(ops.sinh)
softplus = elementwise(ops.softplus)
softsign = elementwise(ops.softsign)
sqrt = elementwise(ops.sqrt)
square = elementwise(ops.square)
tan = elementwise(ops.tan)
tanh = elementwise(ops.tanh)

add = of_two(ops.add)
atan2 = of_two(ops.arctan2, "atan2")
divide = of_two(ops.divide)
divide_no_nan = of_two(ops.divide_no_nan)
equal = of_two(ops.equal)
floordiv = of_two(ops.floor_divide, "floordiv")
floormod = of_two(ops.mod, "floormod")
greater = of_two(ops.greater)
greater_equal = of_two(ops.greater_equal)
less = of_two(ops.less)
less_equal = of_two(ops.less_equal)
logical_and = of_two(ops.logical_and)
logical_or = of_two(ops.logical_or)
logical_xor = of_two(ops.logical_xor)
maximum = of_two(ops.maximum)
minimum = of_two(ops.minimum)
mod = floormod
multiply = of_two(ops.multiply)
multiply_no_nan = of_two(lambda x, y: ops.where(ops.equal(y, 0), 0.0, ops.multiply(x, y)), "multiply_no_nan")
not_equal = of_two(ops.not_equal)
pow = of_two(ops.power, "pow")
squared_difference = of_two(lambda x, y: ops.square(ops.subtract(x, y)), "squared_difference")
subtract = of_two(ops.subtract)
truediv = divide
xlogy = of_two(lambda x, y: ops.where(ops.equal(x, 0), 0.0, ops.multiply(x, ops.log(y))), "xlogy")

reduce_all = reduction(ops.all, "reduce_all")
reduce_any = reduction(ops.any, "reduce_any")
reduce_euclidean_norm = reduction(lambda x, axis, keepdims: ops.norm(x, None, axis, keepdims), "reduce_euclidean_norm")
reduce_logsumexp = reduction(ops.logsumexp, "reduce_logsumexp")
reduce_max = reduction(ops.max, "reduce_max")
reduce_mean = reduction(ops.mean, "reduce_mean")
reduce_min = reduction(ops.min, "reduce_min")
reduce_prod = reduction(ops.prod, "reduce_prod")
reduce_std = reduction(ops.std, "reduce_std")
reduce_sum = reduction(ops.sum, "reduce_sum")
reduce_variance = reduction(ops.var, "reduce_variance")

squared_difference.__doc__ = "``(x - y)²``."
multiply_no_nan.__doc__ = "``x * y``, and 0 where y is 0."
xlogy.__doc__ = "``x * log(y)``, and 0 where x is 0."
reduce_euclidean_norm.__doc__ = "The root of the sum of squares."


def add_n(inputs: Any, name: Any = None) -> Any:
    """The sum of tensors of one shape."""
    total = inputs[0]
    for item in inputs[1:]:
        total = ops.add(total, item)
    return answer(total)


def argmax(input: Any, axis: int = 0, output_type: Any = "int64", name: Any = None) -> Any:
    """The position of the largest value along an axis, the first of several; int64, in graphs int32."""
    found = ops.argmax(input, axis)
    return found if not hasattr(found, "astype") else answer(found.astype(output_type))


def argmin(input: Any, axis: int = 0, output_type: Any = "int64", name: Any = None) -> Any:
    """The position of the smallest value along an axis, the first of several; int64, in graphs int32."""
    found = ops.argmin(input, axis)
    return found if not hasattr(found, "astype") else answer(found.astype(output_type))


def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: Any = None) -> Any:
    """Running sums along an axis.

    Args:
        x: real numbers. axis: the axis.
        exclusive: whether each sum lacks its last summand. reverse: whether they run from the end.
    """
    x = ops.flip(x, axis) if reverse else x
    total = ops.cumsum(x, axis)
    total = ops.subtract(total, x) if exclusive else total
    return answer(ops.flip(total, axis) if reverse else total)


def cumprod(x: Any, axis: int = 0, name: Any = None) -> Any:
    """Running products along an axis."""
    return answer(ops.cumprod(x, axis))


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: Any = None) -> Any:
    """``x / √max(sum(x²), epsilon)`` along axes, all of them by default."""
    return answer(ops.multiply(x, ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis, keepdims=True), epsilon))))


def top_k(input: Any, k: int = 1, sorted: bool = True, name: Any = None) -> Any:
    """The k largest values along the last axis and their positions. Arrays only."""
    return answer(ops.top_k(input, k, sorted))


__all__ = sorted(name for name in globals() if not name.startswith("_") and name not in (
    "Any", "absent", "annotations", "answer", "elementwise", "of_two", "ops", "reduction"
))  # fmt: skip


def __dir__() -> list[str]:
    return list(__all__)
