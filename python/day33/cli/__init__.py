"""The ``day33`` command.

Exit codes: 0 done; 1 it could not be done, and one line says why; 2 the command line is wrong; 130 stopped with Ctrl-C.
"""

from __future__ import annotations

from .root import app, main

__all__ = ["app", "main"]


def __dir__() -> list[str]:
    return list(__all__)
