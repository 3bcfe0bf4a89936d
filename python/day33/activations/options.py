"""The options of activations, and which native function computes an activation with them."""

from __future__ import annotations

import numpy as np

from .._core.arrays import as_number


def relu_options(
    negative_slope: float, max_value: float | None, threshold: float
) -> tuple[np.float32, np.float32 | None, np.float32]:
    """The options of relu, checked."""
    return (
        np.float32(as_number("negative_slope", negative_slope)),
        None if max_value is None else np.float32(as_number("max_value", max_value, 0.0)),
        np.float32(as_number("threshold", threshold)),
    )


def native_relu(slope: np.float32, limit: np.float32 | None, threshold: np.float32) -> tuple[str, float] | None:
    """The kernel that computes relu with these options, kind and alpha; None where there is none."""
    if threshold == 0 and limit is None and slope >= 0:
        return ("leaky_relu", float(slope)) if slope else ("relu", 0.0)
    if threshold == 0 and limit is not None and slope == 0:
        return "relu6", float(limit)
    return None


def gelu_kind(approximate: bool) -> str:
    """The native gelu, exact or by tanh."""
    return "gelu_tanh" if approximate else "gelu"
