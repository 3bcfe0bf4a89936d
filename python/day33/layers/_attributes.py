"""Attributes of layers that are checked and converted whenever they are set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from .._core.arrays import as_int
from ..random import next_seed

T = TypeVar("T")


class Checked(Generic[T]):
    """An attribute that holds what `check` makes of the value given.

    The constructor sets it like anyone else, so that an argument and a later change are checked in the same way.

    Args:
        check: converts a value, or raises ValueError with the name of the attribute.
    """

    def __init__(self, check: Callable[[Any], T]) -> None:
        self._check = check

    def __set_name__(self, owner: type, name: str) -> None:
        self._slot = f"_{name}"

    @overload
    def __get__(self, instance: None, owner: type) -> Checked[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Checked[T] | T:
        if instance is None:
            return self
        try:
            value: T = instance.__dict__[self._slot]
        except KeyError:
            raise AttributeError(f"{owner.__name__} has no {self._slot[1:]} yet") from None
        return value

    def __set__(self, instance: object, value: Any) -> None:
        instance.__dict__[self._slot] = self._check(value)


class Option(Checked[T]):
    """An attribute that holds an object such as a regularizer. Errors of `check` get its name in front."""

    def __set__(self, instance: object, value: Any) -> None:
        try:
            super().__set__(instance, value)
        except (TypeError, ValueError) as error:
            name = f"{self._slot[1:]} of {type(instance).__name__}"
            raise type(error)(f"{name}: {error}") from error


class OfWeight(Option[T]):
    """An attribute such as `kernel_regularizer`, which says something about the weight `kernel`.

    Set when the weight is there already, it changes the weight, too.

    Args:
        check: as of `Checked`.
        weight: the attribute that has the weight; the first part of the name by default.
    """

    def __init__(self, check: Callable[[Any], T], weight: str | None = None) -> None:
        super().__init__(check)
        self._weight = weight or ""

    def __set_name__(self, owner: type, name: str) -> None:
        super().__set_name__(owner, name)
        first, _, self._option = name.rpartition("_")
        self._weight = self._weight or first

    def __set__(self, instance: object, value: Any) -> None:
        super().__set__(instance, value)
        weight = instance.__dict__.get(self._weight)
        if weight is not None:
            setattr(weight, self._option, instance.__dict__[self._slot])


def renamed(attribute: str) -> Any:
    """An attribute that is another name of `attribute`."""
    return property(lambda self: getattr(self, attribute), lambda self, value: setattr(self, attribute, value))


class Seed(Checked["int | None"]):
    """The seed of a layer, as it was given. `of` is the number that plans take: drawn where none was given."""

    def __init__(self) -> None:
        super().__init__(lambda value: value)

    def __set__(self, instance: object, value: Any) -> None:
        super().__set__(instance, value)
        instance.__dict__["_drawn_seed"] = next_seed() if value is None else as_int("seed", value, 0, 2**63 - 1)

    @staticmethod
    def of(instance: object) -> int:
        """The number that plans take."""
        seed: int = instance.__dict__["_drawn_seed"]
        return seed


def as_rate(value: Any, argument: str = "rate") -> float:
    """The probability that a value is dropped. ValueError unless 0 <= value < 1."""
    if not 0 <= value < 1:
        raise ValueError(f"{argument} is {value!r}; expected 0 <= {argument} < 1")
    return float(value)


def check_channels_last(data_format: str | None) -> str:
    """The one `data_format` that day33 has; None stands for it."""
    if data_format not in (None, "channels_last"):
        raise ValueError(f'data_format is {data_format!r}; expected "channels_last": day33 has images as (N, H, W, C)')
    return "channels_last"
