"""What Keras calls in training and day33 does not: where that is overridden or set, it is refused, not passed over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..optimizers import Optimizer

# Methods of keras.Model that fit, evaluate and predict go through there. day33's Model has none of them.
PREDICTION_HOOKS = ("predict_step", "make_predict_function")
MODEL_HOOKS = (
    "train_step",
    "test_step",
    "compute_loss",
    "compute_metrics",
    "get_metrics_result",
    "make_train_function",
    "make_test_function",
    *PREDICTION_HOOKS,
)
# Attributes of Keras's optimizers that only some of day33's have. Layers refuse theirs themselves, when they are set.
_OF_OPTIMIZERS = ("amsgrad", "centered", "decay")


def refuse_model_hooks(model: object, names: Iterable[str] = MODEL_HOOKS) -> None:
    """ValueError where a model defines a method that Keras would call and day33 would not."""
    for name in names:
        if callable(getattr(model, name, None)):
            raise ValueError(
                f"{type(model).__name__} defines {name}, which day33 does not call: a step is native code. Expected a "
                "model without it; what a step does follows from losses, metrics, callbacks and the optimizer"
            )


def refuse_attributes(optimizer: Optimizer) -> None:
    """ValueError where an attribute was set that Keras's optimizers have and this one does not."""
    for name in _OF_OPTIMIZERS:
        value: Any = None if hasattr(type(optimizer), name) else getattr(optimizer, name, None)
        if value is not None and value is not False and value != 0:
            raise ValueError(f"{name} of optimizer {optimizer.name!r} is {value!r}; day33 does not support it")
