"""Numbers, shapes and tables as text, alike on pages, in figures and in `Explanation.text`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def number(value: Any) -> str:
    """A number with about four significant digits and a true minus sign: "3", "−0.25", "1.235", "1.5e−7"."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size == int(size) and size < 1e6:
        text = f"{size:.0f}"
    elif size >= 1e6 or size < 1e-4:
        mantissa, exponent = f"{size:.3e}".split("e")
        text = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}".replace("-", "−")
    else:
        text = f"{size:.0f}" if size >= 1e3 else f"{size:.4g}"
    return f"−{text}" if value < 0 else text


def short(value: Any) -> str:
    """A number for a cell, in which there is room for five signs: "3", "−0.25", "12.3", "2e7"."""
    value = float(value)
    size = abs(value)
    if not math.isfinite(size) or (size == int(size) and size < 1e4):
        return number(value)
    if size >= 1e4:
        mantissa, exponent = f"{size:.0e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    else:
        text = f"{size:.{2 if size < 10 else 1 if size < 100 else 0}f}"
    return f"−{text}" if value < 0 else text


def factor(value: Any) -> str:
    """A number as a factor of a product: a negative one in parentheses."""
    text = number(value)
    return f"({text})" if text.startswith("−") else text


def shape(sizes: Sequence[int]) -> str:
    """A shape as NumPy prints it: "(6, 6, 1)"."""
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def table(values: np.ndarray[Any, Any], indent: str = "  ") -> list[str]:
    """The rows of a matrix, its columns aligned."""
    texts = [[number(value) for value in row] for row in np.atleast_2d(values)]
    width = max((len(text) for row in texts for text in row), default=1)
    return [indent + " ".join(text.rjust(width) for text in row) for row in texts]
