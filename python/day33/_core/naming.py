"""Names made of the names of classes and functions."""

from __future__ import annotations

import re


def snake_case(name: str) -> str:
    """The name of a class or function in snake case: Conv2DTranspose gives conv2d_transpose, <lambda> gives lambda."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", re.sub(r"\W", "", name)).lower()


def camel_case(name: str) -> str:
    """The name of a class for a function: floor_divide gives FloorDivide."""
    return "".join(part.capitalize() for part in name.split("_"))
