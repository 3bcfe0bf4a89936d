"""What a step is called with, put together and taken apart."""

from __future__ import annotations

from typing import Any

from .._training.batches import unpack
from .._training.given import pack


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """What `train_step` is called with for these: x alone, (x, y) or (x, y, sample_weight).

    Args:
        x: samples; a list or tuple of arrays is packed as ``(x,)``.
        y, sample_weight: None for none.
    """
    return pack(x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of what `train_step` is called with; None for what is not there.

    Args:
        data: x, or a tuple or list of one to three of them.

    Raises:
        ValueError: a tuple or list of another length.
    """
    return unpack(data)
