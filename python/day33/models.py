"""`Model` and `Sequential`."""

from ._model import Model
from ._sequential import Sequential

__all__ = ["Model", "Sequential"]
