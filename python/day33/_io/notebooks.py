"""Outputs of notebook cells, beside the text that a program prints."""

from __future__ import annotations

import importlib
import io
import sys
from typing import Any


def has_kernel() -> bool:
    """Whether the program runs in a kernel. Notebooks, their clones in editors, and consoles have one."""
    ipython = sys.modules.get("IPython")  # a kernel has imported it
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def prints_to_a_cell() -> bool:
    """Whether what is printed appears below a cell: there is a kernel, and no string or file takes the output."""
    return has_kernel() and not isinstance(sys.stdout, io.StringIO | io.TextIOWrapper)


def display(*values: Any, **options: Any) -> Any:
    """`IPython.display.display`, where there is a kernel."""
    return importlib.import_module("IPython.display").display(*values, **options)
