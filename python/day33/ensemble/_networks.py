"""Networks that are built anew around weights they had before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from .._graph.limits import limiting
from ..models import Model

_MAX_LAYERS = 1000


def restored(build: Callable[[], Model], weights: Sequence[NDArray[Any]]) -> Model:
    """The network that `build` makes, with weights as `Model.get_weights` gives them.

    No random numbers are drawn, and the layers take no more memory than the weights have.

    Raises:
        ValueError: the network has weights of other shapes.
    """
    with limiting(_MAX_LAYERS, sum(array.size for array in weights)):
        model = build()
    model.set_weights(list(weights))
    return model
