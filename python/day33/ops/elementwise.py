"""Functions of single elements, under the names of `keras.ops`.

All of them take arrays of any shape (or what NumPy reads as one), numbers, variables and symbolic tensors, and
broadcast several arguments as NumPy does. On arrays they compute at once; with a symbolic tensor among the arguments
they add a
node to its graph. Results are float32; int32 where all arguments are integers and integers come out; bool where they
say where something holds. All have gradients, those of steps and of conditions are 0.

They raise ``TypeError`` for what does not hold real numbers and ``ValueError`` for shapes that do not broadcast.
"""

from __future__ import annotations

from typing import Any

from .._core.arrays import as_int
from ._elementwise import Binary, Cast, StopGradient, Unary, Where
from ._functions import as_dtype, call

_ONE = ("x",)
_TWO = ("x1", "x2")


def negative(x: Any) -> Any:
    """``-x``."""
    return call(Unary("negative"), _ONE, x)


def abs(x: Any) -> Any:
    """``|x|``. The gradient at 0 is 0."""
    return call(Unary("abs"), _ONE, x)


def sign(x: Any) -> Any:
    """-1, 0 or 1."""
    return call(Unary("sign"), _ONE, x)


def square(x: Any) -> Any:
    """``x²``."""
    return call(Unary("square"), _ONE, x)


def sqrt(x: Any) -> Any:
    """``√x``; NaN for negative numbers."""
    return call(Unary("sqrt"), _ONE, x)


def rsqrt(x: Any) -> Any:
    """``1 / √x``."""
    return call(Unary("rsqrt"), _ONE, x)


def reciprocal(x: Any) -> Any:
    """``1 / x``."""
    return call(Unary("reciprocal"), _ONE, x)


def exp(x: Any) -> Any:
    """``eˣ``."""
    return call(Unary("exp"), _ONE, x)


def exp2(x: Any) -> Any:
    """``2ˣ``."""
    return call(Unary("exp2"), _ONE, x)


def expm1(x: Any) -> Any:
    """``eˣ - 1``, exact near 0."""
    return call(Unary("expm1"), _ONE, x)


def log(x: Any) -> Any:
    """The natural logarithm."""
    return call(Unary("log"), _ONE, x)


def log2(x: Any) -> Any:
    """The logarithm to base 2."""
    return call(Unary("log2"), _ONE, x)


def log10(x: Any) -> Any:
    """The logarithm to base 10."""
    return call(Unary("log10"), _ONE, x)


def log1p(x: Any) -> Any:
    """``log(1 + x)``, exact near 0."""
    return call(Unary("log1p"), _ONE, x)


def sin(x: Any) -> Any:
    """The sine of angles in radians."""
    return call(Unary("sin"), _ONE, x)


def cos(x: Any) -> Any:
    """The cosine of angles in radians."""
    return call(Unary("cos"), _ONE, x)


def tan(x: Any) -> Any:
    """The tangent of angles in radians."""
    return call(Unary("tan"), _ONE, x)


def arcsin(x: Any) -> Any:
    """The angle in [-π/2, π/2] whose sine is x."""
    return call(Unary("asin"), _ONE, x)


def arccos(x: Any) -> Any:
    """The angle in [0, π] whose cosine is x."""
    return call(Unary("acos"), _ONE, x)


def arctan(x: Any) -> Any:
    """The angle in (-π/2, π/2) whose tangent is x."""
    return call(Unary("atan"), _ONE, x)


def sinh(x: Any) -> Any:
    """The hyperbolic sine."""
    return call(Unary("sinh"), _ONE, x)


def cosh(x: Any) -> Any:
    """The hyperbolic cosine."""
    return call(Unary("cosh"), _ONE, x)


def arcsinh(x: Any) -> Any:
    """The number whose hyperbolic sine is x."""
    return call(Unary("asinh"), _ONE, x)


def arccosh(x: Any) -> Any:
    """The number of at least 0 whose hyperbolic cosine is x."""
    return call(Unary("acosh"), _ONE, x)


def arctanh(x: Any) -> Any:
    """The number whose hyperbolic tangent is x."""
    return call(Unary("atanh"), _ONE, x)


def erf(x: Any) -> Any:
    """The error function, ``2/√π ∫₀ˣ exp(-t²) dt``."""
    return call(Unary("erf"), _ONE, x)


def floor(x: Any) -> Any:
    """The largest integer that is at most x."""
    return call(Unary("floor"), _ONE, x)


def ceil(x: Any) -> Any:
    """The smallest integer that is at least x."""
    return call(Unary("ceil"), _ONE, x)


def round(x: Any, decimals: int = 0) -> Any:
    """The nearest integer, the even one of two; or the nearest number of so many decimals."""
    if not decimals:
        return call(Unary("round"), _ONE, x)
    factor = 10.0 ** as_int("decimals", decimals, -30, 30)
    return divide(call(Unary("round"), _ONE, multiply(x, factor)), factor)


def trunc(x: Any) -> Any:
    """The integer next to x in the direction of 0."""
    return call(Unary("trunc"), _ONE, x)


def isnan(x: Any) -> Any:
    """Where x is NaN."""
    return call(Unary("isnan"), _ONE, x)


def isfinite(x: Any) -> Any:
    """Where x is neither NaN nor infinite."""
    return call(Unary("isfinite"), _ONE, x)


def isinf(x: Any) -> Any:
    """Where x is infinite."""
    return call(Unary("isinf"), _ONE, x)


def logical_not(x: Any) -> Any:
    """Where x is 0 or False."""
    return call(Unary("logical_not"), _ONE, x)


def add(x1: Any, x2: Any) -> Any:
    """``x1 + x2``."""
    return call(Binary("add"), _TWO, x1, x2)


def subtract(x1: Any, x2: Any) -> Any:
    """``x1 - x2``."""
    return call(Binary("subtract"), _TWO, x1, x2)


def multiply(x1: Any, x2: Any) -> Any:
    """``x1 * x2``."""
    return call(Binary("multiply"), _TWO, x1, x2)


def divide(x1: Any, x2: Any) -> Any:
    """``x1 / x2``, float32 also of integers."""
    return call(Binary("divide"), _TWO, x1, x2)


def floor_divide(x1: Any, x2: Any) -> Any:
    """The largest integer that is at most ``x1 / x2``."""
    return call(Binary("floor_divide"), _TWO, x1, x2)


def mod(x1: Any, x2: Any) -> Any:
    """The rest of the division, with the sign of x2."""
    return call(Binary("mod"), _TWO, x1, x2)


def power(x1: Any, x2: Any) -> Any:
    """``x1`` to the power of ``x2``."""
    return call(Binary("power"), _TWO, x1, x2)


def maximum(x1: Any, x2: Any) -> Any:
    """The larger of the two; NaN where one is NaN. Where they are equal, the gradient goes to x1."""
    return call(Binary("maximum"), _TWO, x1, x2)


def minimum(x1: Any, x2: Any) -> Any:
    """The smaller of the two; NaN where one is NaN. Where they are equal, the gradient goes to x1."""
    return call(Binary("minimum"), _TWO, x1, x2)


def arctan2(x1: Any, x2: Any) -> Any:
    """The angle of the point (x2, x1) in (-π, π]."""
    return call(Binary("arctan2"), _TWO, x1, x2)


def equal(x1: Any, x2: Any) -> Any:
    """Where ``x1 == x2``."""
    return call(Binary("equal"), _TWO, x1, x2)


def not_equal(x1: Any, x2: Any) -> Any:
    """Where ``x1 != x2``."""
    return call(Binary("not_equal"), _TWO, x1, x2)


def greater(x1: Any, x2: Any) -> Any:
    """Where ``x1 > x2``."""
    return call(Binary("greater"), _TWO, x1, x2)


def greater_equal(x1: Any, x2: Any) -> Any:
    """Where ``x1 >= x2``."""
    return call(Binary("greater_equal"), _TWO, x1, x2)


def less(x1: Any, x2: Any) -> Any:
    """Where ``x1 < x2``."""
    return call(Binary("less"), _TWO, x1, x2)


def less_equal(x1: Any, x2: Any) -> Any:
    """Where ``x1 <= x2``."""
    return call(Binary("less_equal"), _TWO, x1, x2)


def logical_and(x1: Any, x2: Any) -> Any:
    """Where both are true (not 0)."""
    return call(Binary("logical_and"), _TWO, x1, x2)


def logical_or(x1: Any, x2: Any) -> Any:
    """Where one of both is true (not 0)."""
    return call(Binary("logical_or"), _TWO, x1, x2)


def logical_xor(x1: Any, x2: Any) -> Any:
    """Where exactly one of both is true (not 0)."""
    return call(Binary("logical_xor"), _TWO, x1, x2)


def where(condition: Any, x1: Any, x2: Any) -> Any:
    """x1 where the condition holds (is not 0), x2 elsewhere. The gradient goes to the one that is taken."""
    return call(Where(), ("condition", "x1", "x2"), condition, x1, x2)


def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """x, but at least `x_min` and at most `x_max`. The gradient is 0 outside, and that of x on the borders."""
    return minimum(maximum(x, x_min), x_max)


def cast(x: Any, dtype: Any) -> Any:
    """X as "float32", "int32" (fractions are cut off) or "bool" (whether it differs from 0).

    The names of wider and narrower types stand for these: day33 computes in float32.

    Raises:
        ValueError: another dtype.
    """
    return call(Cast(as_dtype(dtype)), _ONE, x)


def stop_gradient(variable: Any) -> Any:
    """The same values, through which no gradient goes back."""
    return call(StopGradient(), ("variable",), variable)
