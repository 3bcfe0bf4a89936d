"""Lists of whole numbers of different lengths, as NumPy writes them: an array of objects, which is a pickle.

A pickle is a program. Its instructions are looked at first: those that no array of lists needs are refused, and so are
numbers of memory cells that there cannot be, for which Python would reserve memory. Then it gets no names to work with:
where it asks for what makes an array, it is given stand-ins that keep what they are told, and any other name is
refused. What comes out is looked at before it is used.
"""

from __future__ import annotations

import io
import pickle
import re
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_NAMES = {
    ("numpy", "ndarray"), ("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"), ("_codecs", "encode"),
}  # fmt: skip


# Instructions with what follows them, of a size that they alone tell: marks, lists, tuples, numbers, names, calls.
_PLAIN = re.compile(
    rb"(?:[\]()}Nbaet0Rs\x85-\x89\x93\x94]|[Kqh\x80].|M..|[Jj].{4}|\x95.{8}|c[^\n]*+\n[^\n]*+\n)*+", re.DOTALL
)
_CELL, _STOP = b"r", b"."
# Texts and long numbers: by instruction, how many bytes give their length.
_COUNTED = {b"X": 4, b"T": 4, b"B": 4, b"U": 1, b"C": 1, b"\x8c": 1, b"\x8a": 1}


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
    data = stream.read()
    _check_instructions(data, what)
    try:
        found = _Reader(io.BytesIO(data)).load()
        # (version, shape, dtype, in Fortran order, values), as numpy.ndarray.__reduce__ documents it.
        _, shape, _, _, rows = found.state
        rows_fit = isinstance(rows, list) and shape == (len(rows),)
    except (pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"{what} is damaged: {error}") from error
    if not rows_fit:
        raise ValueError(f"{what} is no one-dimensional array of lists")
    return [_numbers(row, number, what) for number, row in enumerate(rows)]


def _check_instructions(data: bytes, what: str) -> None:
    """ValueError where there are others than those of an array of lists, or where they end too soon."""
    place = 0
    while True:
        match = _PLAIN.match(data, place)
        assert match is not None  # nothing at all matches, too
        place = match.end()
        instruction, place = data[place : place + 1], place + 1
        if instruction == _STOP:
            return
        if instruction == _CELL:
            cell, place = int.from_bytes(data[place : place + 4], "little"), place + 4
            if cell > len(data):
                raise ValueError(f"{what} is damaged: it has {len(data)} bytes and uses memory cell {cell}")
        elif instruction in _COUNTED:
            width = _COUNTED[instruction]
            place += width + int.from_bytes(data[place : place + width], "little")
        else:
            raise ValueError(f"{what} has the instruction {instruction!r}, which is not part of an array of lists")


def _numbers(row: Any, number: int, what: str) -> NDArray[np.int64]:
    if isinstance(row, list) and all(type(item) is int and 0 <= item < 2**31 for item in row):
        return np.array(row, np.int64)
    raise ValueError(f"row {number} of {what} is no list of whole numbers")
