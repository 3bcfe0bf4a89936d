"""Hinges: how far predictions are from the right side of the margin."""

from __future__ import annotations

from . import _functions as functions
from .means import FunctionMean


class Hinge(FunctionMean):
    """The mean of ``max(1 - t·p, 0)`` for targets of -1 and 1, or 0 and 1; see `hinge`."""

    direction = "down"
    function = staticmethod(functions.hinge)


class SquaredHinge(FunctionMean):
    """The mean of ``max(1 - t·p, 0)²`` for targets of -1 and 1, or 0 and 1; see `squared_hinge`."""

    direction = "down"
    function = staticmethod(functions.squared_hinge)


class CategoricalHinge(FunctionMean):
    """The mean hinge between the labelled class and the best of the others; see `categorical_hinge`."""

    direction = "down"
    function = staticmethod(functions.categorical_hinge)
