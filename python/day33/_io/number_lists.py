"""Lists of whole numbers of different lengths, as NumPy writes them: an array of objects, which is a pickle.

A pickle is a program. This one gets no names to work with: where it asks for what makes an array, it is given stand-ins
that keep what they are told, and any other name is refused. What comes out is looked at before it is used.
"""

from __future__ import annotations

import pickle
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_NAMES = {
    ("numpy", "ndarray"), ("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"), ("_codecs", "encode"),
}  # fmt: skip


class _StandIn:
    """What a pickle gets in place of an array, a dtype or a function: it only keeps its state."""

    def __init__(self, *_: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NAMES:
            raise ValueError(f"it names {module}.{name}, which is not part of an array of lists")
        return _StandIn


def read_number_lists(stream: IO[bytes], what: str) -> list[NDArray[np.int64]]:
    """The rows of a one-dimensional array of lists of whole numbers, from behind the header of a .npy stream.

    ValueError where there is anything else.
    """
    try:
        found = _Reader(stream).load()
        # (version, shape, dtype, in Fortran order, values), as numpy.ndarray.__reduce__ documents it.
        _, shape, _, _, rows = found.state
        rows_fit = isinstance(rows, list) and shape == (len(rows),)
    except (pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"{what} is damaged: {error}") from error
    if not rows_fit:
        raise ValueError(f"{what} is no one-dimensional array of lists")
    return [_numbers(row, number, what) for number, row in enumerate(rows)]


def _numbers(row: Any, number: int, what: str) -> NDArray[np.int64]:
    if isinstance(row, list) and all(type(item) is int and 0 <= item < 2**31 for item in row):
        return np.array(row, np.int64)
    raise ValueError(f"row {number} of {what} is no list of whole numbers")
