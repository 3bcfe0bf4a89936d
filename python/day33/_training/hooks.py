"""What Keras calls in training and day33 does not: where that is overridden or set, it is refused, not passed over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from ..losses import Loss
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
# Attributes of Keras's layers and optimizers that change what a step does.
_OF_LAYERS = tuple(
    f"{of}_{what}"
    for of in ("activity", "beta", "bias", "depthwise", "embeddings", "gamma", "kernel", "pointwise", "recurrent")
    for what in ("regularizer", "constraint")
)
_OF_OPTIMIZERS = ("amsgrad", "centered", "decay", "gradient_accumulation_steps", "loss_scale_factor", "use_ema")


class _Named(Protocol):
    name: str


def refuse_model_hooks(model: object, names: Iterable[str] = MODEL_HOOKS) -> None:
    """ValueError where a model defines a method that Keras would call and day33 would not."""
    for name in names:
        if callable(getattr(model, name, None)):
            raise ValueError(
                f"{type(model).__name__} defines {name}, which day33 does not call: a step is native code. Expected a "
                "model without it; what a step does follows from losses, metrics, callbacks and the optimizer"
            )


def refuse_loss_hooks(loss: Loss) -> None:
    """ValueError where a subclass of a loss computes something else than the native loss does."""
    for name in ("call", "__call__"):
        if getattr(type(loss), name) is not getattr(Loss, name) or name in vars(loss):
            raise ValueError(
                f"loss is a {type(loss).__name__}, which overrides {name}; day33 does not call it in training, for the "
                f"gradient is native code. Expected a loss of day33.losses as it is"
            )


def refuse_attributes(layers: Iterable[_Named], optimizer: Optimizer) -> None:
    """ValueError where an attribute was set that Keras's layers or optimizers have and day33's do not."""
    for layer in layers:
        _refuse(layer, f"layer {layer.name!r}", _OF_LAYERS)
    _refuse(optimizer, f"optimizer {optimizer.name!r}", _OF_OPTIMIZERS)


def _refuse(owner: object, label: str, names: Iterable[str]) -> None:
    for name in names:
        value: Any = getattr(owner, name, None)
        if value is not None and value is not False and value != 0:
            raise ValueError(f"{name} of {label} is {value!r}; day33 does not support it")
