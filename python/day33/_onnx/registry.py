"""Which function reads which operator of ONNX. The files of operators fill the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .._formats.onnx.reading import Array, FileNode
from .values import Value

Result = Value | list[Value]
READERS: dict[str, Callable[[Call], Result]] = {}
_NONE = object()


@dataclass(frozen=True)
class Call:
    """A node with what it is given.

    Attributes:
        node: of the file. inputs: values; None for one that is left out. opset: the version of the operators.
        wanted: for each output whether anything reads it. name: for a layer that is made of it.
        made: layers with weights that nodes before it became. unique: makes a name for a further layer.
    """

    node: FileNode
    inputs: list[Value | None]
    opset: int
    wanted: list[bool]
    name: str
    made: dict[Any, Any]
    unique: Callable[[str], str]

    def layer(self, make: Callable[[], Any], *more: Any) -> Any:
        """A layer with weights: that of a node before it where both have the same weights and attributes.

        Args:
            make: makes one.
            more: tells several layers of one node apart.
        """
        names = [
            name for name, value in zip(self.node.inputs, self.inputs, strict=True)
            if value is not None and value.array is not None
        ]  # fmt: skip
        key = self.node.op, tuple(names), repr(sorted(self.node.attributes.items())), more
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def has(self, number: int) -> bool:
        """Whether there is an input of that number."""
        return number < len(self.inputs) and self.inputs[number] is not None

    def given(self, number: int) -> Value:
        """An input that has to be there."""
        value = self.inputs[number] if number < len(self.inputs) else None
        if value is None:
            raise ValueError(f"it has no input {number}")
        return value

    def values(self) -> list[Value]:
        """All inputs, which have to be there."""
        return [self.given(number) for number in range(len(self.inputs))]

    def get(self, name: str, default: Any = _NONE) -> Any:
        """An attribute, of the type of the default.

        Raises:
            ValueError: it is not there and has no default, or is of another type.
        """
        value = self.node.attributes.get(name, default)
        if value is _NONE:
            raise ValueError(f"it has no attribute {name!r}")
        if default is not _NONE and default is not None and not isinstance(value, type(default)):
            raise ValueError(f"its attribute {name!r} is {value!r}; expected {type(default).__name__}")
        return value

    def expect(self, name: str, default: Any, *allowed: Any) -> Any:
        """An attribute that has to have one of some values."""
        value = self.get(name, default)
        if value not in (default, *allowed):
            options = " or ".join(repr(item) for item in (default, *allowed))
            raise ValueError(f"its attribute {name!r} is {value!r}; expected {options}")
        return value

    def constant(self, number: int) -> Array:
        """An input that has to be a constant."""
        return self.given(number).constant()

    def without(self, *numbers: int) -> None:
        """Refuses inputs that have to be left out."""
        for number in numbers:
            if self.has(number):
                raise ValueError(f"it has an input {number}; expected none")

    def axes(self, rank: int, number: int, since: int) -> list[int] | None:
        """Axes, counted from 0: an attribute "axes", or from version `since` on an input. None where none are given."""
        if self.opset >= since:
            found = self.given(number).integers() if self.has(number) else None
        else:
            given = self.get("axes", None)
            found = None if given is None else list(given)
        return None if found is None else [axis_of(axis, rank) for axis in found]


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from 0."""
    if not isinstance(axis, int) or not -rank <= axis < rank:
        raise ValueError(f"it has axis {axis} for a value of {rank} axes")
    return axis % rank


def reads(*names: str) -> Callable[[Callable[[Call], Result]], Callable[[Call], Result]]:
    """Decorates the function that reads these operators."""

    def register(function: Callable[[Call], Result]) -> Callable[[Call], Result]:
        for name in names:
            READERS[name] = function
        return function

    return register
