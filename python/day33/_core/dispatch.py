"""Functions that take arrays and, once a graph is being made, values that have no numbers yet.

Rooms below the graphs (activations, losses) offer functions on arrays. Called with a `Symbolic` among the arguments, or
with a `Variable` while a function is traced, such a call belongs to the graph: it goes to the function of the same name
in `TABLE`, which `day33.ops` fills when it is imported.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

TABLE: dict[str, Callable[..., Any]] = {}

_active = threading.local()


@contextmanager
def tracing() -> Iterator[list[Any]]:
    """Inside, in this thread, functions of variables become part of the graph instead of giving numbers.

    Yields:
        What `note_loss` is given inside.
    """
    losses: list[Any] = []
    stack = _stack()
    stack.append(losses)
    try:
        yield losses
    finally:
        stack.pop()


@contextmanager
def recording(recorder: Any) -> Iterator[None]:
    """Inside, in this thread, calls of layers and functions of variables are written down by `recorder`."""
    stack = _stack()
    stack.append(recorder)
    try:
        yield
    finally:
        stack.pop()


@contextmanager
def not_tracing() -> Iterator[None]:
    """Inside, in this thread, nothing is traced or recorded, as where initial weights are made."""
    with recording(None):
        yield


def is_tracing() -> bool:
    """Whether this thread is inside of `tracing`, and nothing is recorded there."""
    stack = _stack()
    return bool(stack) and isinstance(stack[-1], list)


def active_recorder() -> Any:
    """The recorder of the innermost `recording`; None outside of one, and inside of `tracing`."""
    stack = _stack()
    return stack[-1] if stack and not isinstance(stack[-1], list) else None


def note_loss(value: Any) -> None:
    """Hands a symbolic value that is to be minimised to the innermost `tracing`."""
    _stack()[-1].append(value)


def _stack() -> list[Any]:
    if not hasattr(_active, "entered"):
        _active.entered = []
    stack: list[Any] = _active.entered
    return stack


class Operators:
    """Python's operators as functions of `TABLE`. Base class of symbolic values and of variables."""

    # NumPy's arrays leave `array + x` to the operators here, instead of adding x to each of their elements.
    __array_priority__ = 100

    def __add__(self, other: Any) -> Any:
        return TABLE["add"](self, other)

    def __radd__(self, other: Any) -> Any:
        return TABLE["add"](other, self)

    def __sub__(self, other: Any) -> Any:
        return TABLE["subtract"](self, other)

    def __rsub__(self, other: Any) -> Any:
        return TABLE["subtract"](other, self)

    def __mul__(self, other: Any) -> Any:
        return TABLE["multiply"](self, other)

    def __rmul__(self, other: Any) -> Any:
        return TABLE["multiply"](other, self)

    def __truediv__(self, other: Any) -> Any:
        return TABLE["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return TABLE["divide"](other, self)

    def __floordiv__(self, other: Any) -> Any:
        return TABLE["floor_divide"](self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return TABLE["floor_divide"](other, self)

    def __mod__(self, other: Any) -> Any:
        return TABLE["mod"](self, other)

    def __rmod__(self, other: Any) -> Any:
        return TABLE["mod"](other, self)

    def __pow__(self, other: Any) -> Any:
        return TABLE["power"](self, other)

    def __rpow__(self, other: Any) -> Any:
        return TABLE["power"](other, self)

    def __matmul__(self, other: Any) -> Any:
        return TABLE["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return TABLE["matmul"](other, self)

    def __neg__(self) -> Any:
        return TABLE["negative"](self)

    def __abs__(self) -> Any:
        return TABLE["abs"](self)

    def __lt__(self, other: Any) -> Any:
        return TABLE["less"](self, other)

    def __le__(self, other: Any) -> Any:
        return TABLE["less_equal"](self, other)

    def __gt__(self, other: Any) -> Any:
        return TABLE["greater"](self, other)

    def __ge__(self, other: Any) -> Any:
        return TABLE["greater_equal"](self, other)

    def __invert__(self) -> Any:
        return TABLE["logical_not"](self)

    def __and__(self, other: Any) -> Any:
        return TABLE["logical_and"](self, other)

    def __rand__(self, other: Any) -> Any:
        return TABLE["logical_and"](other, self)

    def __or__(self, other: Any) -> Any:
        return TABLE["logical_or"](self, other)

    def __ror__(self, other: Any) -> Any:
        return TABLE["logical_or"](other, self)

    def __getitem__(self, key: Any) -> Any:
        return TABLE["getitem"](self, key)


# NumPy's functions behind the operators, by their names in `TABLE`.
_UFUNCS = {
    "add": "add", "subtract": "subtract", "multiply": "multiply", "true_divide": "divide", "divide": "divide",
    "floor_divide": "floor_divide", "remainder": "mod", "power": "power", "matmul": "matmul", "less": "less",
    "equal": "equal", "not_equal": "not_equal", "less_equal": "less_equal", "greater": "greater",
    "greater_equal": "greater_equal", "logical_and": "logical_and", "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
}  # fmt: skip


# NumPy's functions of arrays that have a function of the same name and arguments in `TABLE`.
_FUNCTIONS = frozenset(
    {
        "all", "amax", "amin", "any", "argmax", "argmin", "broadcast_to", "clip", "concatenate", "cumprod", "cumsum",
        "dot", "einsum", "expand_dims", "flip", "max", "mean", "min", "moveaxis", "norm", "prod", "ravel", "repeat",
        "reshape", "roll", "round", "split", "squeeze", "stack", "std", "sum", "swapaxes", "take", "tensordot", "tile",
        "transpose", "var", "where",
    }
)  # fmt: skip
_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}


# NumPy's methods of arrays that have such a function.
ARRAY_METHODS = ("max", "mean", "min", "prod", "reshape", "squeeze", "std", "sum", "swapaxes", "transpose", "var")


def recorded_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A call of one of NumPy's functions of elements as a function without arguments that records it.

    Args:
        ufunc, method, inputs, kwargs: of `__array_ufunc__`.

    Returns:
        The function; None where day33 does not have NumPy's.
    """
    name = ufunc.__name__
    if method == "__call__" and not kwargs:
        function = TABLE.get(_UFUNCS.get(name, name))
        return None if function is None else functools.partial(function, *inputs)
    if method == "reduce" and name in _REDUCTIONS:
        given = {key: value for key, value in kwargs.items() if value is not None or key == "axis"}
        if given.keys() <= {"axis", "keepdims"}:
            return functools.partial(TABLE[_REDUCTIONS[name]], *inputs, **{"axis": 0, **given})
    return None


def recorded_function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A call of one of NumPy's other functions, as `recorded_ufunc` gives it. Arguments are of `__array_function__`."""
    name = function.__name__
    if name not in _FUNCTIONS:
        return None
    if name == "concatenate" and len(args) < 2:
        kwargs = {"axis": 0, **kwargs}  # Keras's default is the last axis
    return functools.partial(TABLE[name], *args, **kwargs)


class Symbolic(Operators):
    """A value that is known by its shape and dtype alone, in a graph. ``==`` asks whether two are one and the same."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """`array * x` arrives here; every other function of NumPy is refused."""
        name = _UFUNCS.get(ufunc.__name__)
        if name is None or method != "__call__" or kwargs:
            raise TypeError(
                f"numpy.{ufunc.__name__} was called on {self!r}, which has no values yet; expected a function of "
                f"day33.ops, such as day33.ops.{name or ufunc.__name__}"
            )
        return TABLE[name](*inputs)


def overloaded(function: F) -> F:
    """Wraps a function on arrays: with a symbolic argument, or a traced variable, that of `TABLE` is called."""
    name = function.__name__

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        values = (*args, *kwargs.values())
        recorder = active_recorder()
        if any(
            (isinstance(value, Operators) and (is_tracing() or isinstance(value, Symbolic)))
            or (recorder is not None and recorder.concerns(value))
            for value in values
        ):
            return TABLE[name](*args, **kwargs)
        return function(*args, **kwargs)

    return cast("F", wrapper)
