"""Errors in functions of the user's: which line they come from."""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np

# Folders with code that is not the user's: day33's and NumPy's.
_NOT_THE_USERS = tuple(str(Path(folder).resolve()) for folder in (Path(__file__).parents[1], Path(np.__file__).parent))


@contextmanager
def blaming(owner: str) -> Iterator[None]:
    """Around a call of the user's code: TypeError and ValueError get its owner and the line into their message.

    Args:
        owner: such as "loss 'mine'".
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError):  # also one that has its line already
            raise
        line = _line(error.__traceback__)
        message = f"{owner}: {error}" if line is None else f"{owner}, {line}: {error}"
        raise (_LocatedTypeError if isinstance(error, TypeError) else _LocatedValueError)(message) from error


class _LocatedTypeError(TypeError):
    """A TypeError whose message has the line."""


class _LocatedValueError(ValueError):
    """A ValueError whose message has the line."""


for _error, _name in ((_LocatedTypeError, "TypeError"), (_LocatedValueError, "ValueError")):
    # As a traceback shows it.
    _error.__name__ = _error.__qualname__ = _name
    _error.__module__ = "builtins"


def _line(trace: TracebackType | None) -> str | None:
    """The innermost line of code that is neither day33's nor NumPy's."""
    found = None
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not str(Path(file).resolve()).startswith(_NOT_THE_USERS):
            found = file, trace.tb_lineno
        trace = trace.tb_next
    if found is None:
        return None
    file, number = found
    code = linecache.getline(file, number).strip()
    return f"line {number} of {Path(file).name}" + (f" ({code})" if code else "")
