"""Options of optimizers: attributes that are checked whenever they are set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypedDict, TypeVar, overload

from .._core.arrays import as_int, as_number

T = TypeVar("T")


class OptionsButDecay(TypedDict, total=False):
    """The arguments that every optimizer takes behind those of its own but `weight_decay`; see `Optimizer`."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None
    per_slice: bool


class SharedOptions(OptionsButDecay, total=False):
    """The arguments that every optimizer takes behind those of its own; see `Optimizer`."""

    weight_decay: float | None


class Option(Generic[T]):
    """An attribute that holds what ``check(name, value)`` makes of the value given, in the constructor and later.

    Before it changes, the owner's `check_together`, if it has one, gets the options as they would be, by name.
    """

    def __init__(self, check: Callable[[str, Any], T]) -> None:
        self._check = check

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Option[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Option[T] | T:
        if instance is None:
            return self
        try:
            value: T = instance.__dict__[self._name]
        except KeyError:
            raise AttributeError(f"{owner.__name__} has no {self._name} yet; call super().__init__ first") from None
        return value

    def __set__(self, instance: object, value: Any) -> None:
        checked = self._check(self._name, value)
        check_together = getattr(instance, "check_together", None)
        if check_together is not None:
            check_together({**instance.__dict__, self._name: checked})
        instance.__dict__[self._name] = checked


def number(name: str, value: Any) -> float:
    """A finite number of at least 0."""
    return as_number(name, value, 0)


def not_positive(name: str, value: Any) -> float:
    """A finite number of at most 0."""
    if as_number(name, value) > 0:
        raise ValueError(f"{name} is {value}; expected a number of at most 0")
    return float(value)


def optional_number(name: str, value: Any) -> float | None:
    """None, or a finite number of at least 0."""
    return None if value is None else as_number(name, value, 0)


def fraction(name: str, value: Any) -> float:
    """A number from 0 to 1."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; expected a number from 0 to 1")
    return float(value)


def decay(name: str, value: Any) -> float:
    """The decay of a running mean: a number of at least 0 and below 1."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} is {value}; expected a number of at least 0 and below 1")
    return float(value)


def share(name: str, value: Any) -> float:
    """A number above 0 and at most 1."""
    if not 0 < value <= 1:
        raise ValueError(f"{name} is {value}; expected a number above 0 and at most 1")
    return float(value)


def flag(name: str, value: Any) -> bool:
    """True or False."""
    return bool(value)


def optional_steps(minimum: int) -> Callable[[str, Any], int | None]:
    """A check: None, or an integer of at least `minimum`. 0 counts as None, as in Keras."""

    def check(name: str, value: Any) -> int | None:
        return None if value is None or value == 0 else as_int(name, value, minimum)

    return check


def only_none(reason: str) -> Callable[[str, Any], None]:
    """A check that refuses everything but None, with the reason."""

    def check(name: str, value: Any) -> None:
        if value is not None:
            raise ValueError(f"{name} is {value!r}; expected None: {reason}")

    return check
