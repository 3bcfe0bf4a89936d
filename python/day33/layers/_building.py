"""Layers that build the layers inside of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._graph import names
from .base import Layer


@contextmanager
def inside(layer: Layer) -> Iterator[None]:
    """Layers that are built now have the name of `layer` in their path."""
    scope = names.scope()
    scope.append(layer.name)
    try:
        yield
    finally:
        scope.pop()
