"""What of a step users may replace: methods that a model overrides. And what is refused, as day33 never calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..optimizers import Optimizer

F = TypeVar("F", bound=Callable[..., Any])

# Methods of keras.Model that make compiled functions of steps. day33's Model has none of them.
REFUSED = ("make_train_function", "make_test_function", "make_predict_function")
# Attributes of Keras's optimizers that only some of day33's have. Layers refuse theirs themselves, when they are set.
_OF_OPTIMIZERS = ("amsgrad", "centered", "decay")


def part_of_step(method: F) -> F:
    """Marks a method of day33's models that Keras calls in a step, so that `overrides` knows it again."""
    method.is_part_of_step = True  # type: ignore[attr-defined]
    return method


def overrides(model: object, *names: str) -> bool:
    """Whether a subclass, or the object itself, has other methods of these names than day33's models have."""
    return any(not getattr(getattr(model, name), "is_part_of_step", False) for name in names)


def refuse_model_hooks(model: object) -> None:
    """ValueError where a model defines a method that Keras would call and day33 would not."""
    for name in REFUSED:
        if callable(getattr(model, name, None)):
            raise ValueError(
                f"{type(model).__name__} defines {name}, which day33 does not call: it compiles no functions of "
                f"steps. Expected {name[5:-9]}_step, which is called with each batch"
            )


def refuse_attributes(optimizer: Optimizer) -> None:
    """ValueError where an attribute was set that Keras's optimizers have and this one does not."""
    for name in _OF_OPTIMIZERS:
        value: Any = None if hasattr(type(optimizer), name) else getattr(optimizer, name, None)
        if value is not None and value is not False and value != 0:
            raise ValueError(f"{name} of optimizer {optimizer.name!r} is {value!r}; day33 does not support it")
