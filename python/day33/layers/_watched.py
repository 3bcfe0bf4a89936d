"""What decides a layer's plans: its attributes, its layers inside, what is trainable. A change outdates them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

from .._core import tree, variables
from .._core.variables import Variable
from .._graph.compiling import CompiledPlan, MaskPlan
from .._graph.graph import Graph
from ..metrics import Metric
from ._saved import Configured
from ._weights import find_layers

__all__ = ["Watched", "find_metrics"]

# Public attributes that decide nothing in a plan, or are part of its key already.
_NOT_CONFIGURATION = frozenset(
    {"built", "dtype", "has_metrics", "input_shape_argument", "name", "named_by_user", "trainable"}
)


class Watched(Configured):
    """Attributes and layers inside, watched for changes that outdate plans and traces. Base class of `Layer`."""

    _is_lowered: bool  # whether a plan or a trace was made of the layer as it is configured
    _revision: int  # how often it was configured anew since
    _plans: OrderedDict[Hashable, CompiledPlan]
    _mask_plans: OrderedDict[Hashable, MaskPlan | None]
    _traces: OrderedDict[Hashable, Graph]
    # With the version of all modes for which they hold.
    _modes: tuple[int, tuple[int, ...]] | None
    _moving: tuple[int, tuple[Variable, ...]] | None

    # Whether metrics are among the attributes of a layer.
    has_metrics = False
    _refused: frozenset[str] = frozenset()

    def _refuse(self, **arguments: object) -> None:
        """Notes arguments of Keras that day33 does not have. As attributes they keep the value that asks for nothing.

        Raises:
            ValueError: an argument asks for something, now or when it is set later.
        """
        self._refused = self._refused.union(arguments)
        for argument, value in arguments.items():
            setattr(self, argument, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._refused and _asks_for_something(value):
            raise ValueError(f"{name} of {type(self).__name__} is {value!r}; day33 does not support it")
        if "_plans" not in self.__dict__:
            object.__setattr__(self, name, value)
            return
        if isinstance(value, Watched | Metric | list | tuple | dict):
            if find_layers(value):
                self._forget()
            if not self.has_metrics and find_metrics(value):
                self.has_metrics = True
                variables.modes_changed()
        watched = self._is_lowered and self._configures(name)
        before = getattr(self, name, None) if watched else None
        object.__setattr__(self, name, value)
        if watched and not _is_same(before, getattr(self, name, None)):
            self.configured_anew()

    def configured_anew(self) -> None:
        """Notes that plans made of the layer so far are outdated."""
        self._revision += 1
        self._is_lowered = False
        self._traces.clear()
        variables.modes_changed()

    def _configures(self, name: str) -> bool:
        """Whether an attribute of that name may decide what the layer computes; a hook."""
        return not name.startswith("_") and name not in _NOT_CONFIGURATION

    def _forget(self) -> None:
        """Drops what was derived from the sublayers."""
        self._plans.clear()
        self._mask_plans.clear()
        self._traces.clear()
        self._modes = None
        variables.modes_changed()

    def mode_key(self) -> tuple[int, ...]:
        """What is trainable inside, which decides which gradients a plan has and which moving averages it updates, and
        how often the layers inside were configured anew.
        """
        now = variables.modes_version()
        if self._modes is None or self._modes[0] != now:
            layers = list(self.walk())
            flags: list[int] = [layer._trainable for layer in layers]
            flags += [layer._revision for layer in layers]
            flags += [
                flag for layer in layers for v in layer._trainable_variables for flag in (v.trainable, v.revision)
            ]
            self._modes = (now, tuple(flags))
        return self._modes[1]

    # ---- variables and metrics inside ----

    def moving_variables(self) -> tuple[Variable, ...]:
        """The variables that a run in training changes and inference reads, of layers inside as well."""
        now = variables.modes_version()
        if self._moving is None or self._moving[0] != now:
            found = [variable for layer in self.walk() for variable in layer.moving_variables_of_its_own()]
            self._moving = now, tuple(found)
        return self._moving[1]

    def moving_variables_of_its_own(self) -> Sequence[Variable]:
        """Those of the layer itself; a hook."""
        return ()

    def attribute_metrics(self) -> list[Metric]:
        """The metrics kept as attributes, also in lists, tuples and dicts, in the order they were set."""
        return find_metrics(list(vars(self).values())) if self.has_metrics else []


def _asks_for_something(value: object) -> bool:
    """Whether the value of an argument of Keras is more than None, False or 0."""
    return value is not None and not (isinstance(value, bool | int | float) and not value)


def _is_same(before: object, after: object) -> bool:
    return before is after or (
        isinstance(before, str | int | float) and type(before) is type(after) and before == after
    )


def find_metrics(value: Any) -> list[Metric]:
    """The metrics in `value`, also in nested lists, tuples and dicts, each once, in order."""
    found: dict[Metric, None] = {}
    for item in tree.flatten(value) if isinstance(value, list | tuple | dict) else [value]:
        if isinstance(item, Metric):
            found.setdefault(item)
    return list(found)
