"""Bounded access to the bytes of an HDF5 file: what every part of the reader goes through.

Every address is checked before it is followed, no object is visited twice, and the sums of all steps, texts and values
are bounded by the length of the file.
"""

from __future__ import annotations

import struct
from typing import Any

UNDEFINED = (1 << 64) - 1
# Compressed values may become more than the file has bytes: zeros are a thousand times smaller. Small ones may always;
# beyond that, more than twenty times the file is taken for a bomb.
_SMALL = 64 << 20
_MAX_EXPANSION = 20


class Bytes:
    """The bytes of a file, and what may still be taken from them."""

    def __init__(self, data: bytes | memoryview) -> None:
        self.data = memoryview(data).toreadonly()
        self._visited: set[int] = set()
        self._text_left = 4 * len(data) + 1024
        self._stored_left = len(data)
        self._unpacked_left = _SMALL + _MAX_EXPANSION * len(data)
        self._steps_left = len(data) // 8 + 1024  # nothing that is counted takes less than 8 bytes of the file

    def slice(self, start: int, size: int, what: str) -> memoryview:
        if start < 0 or size < 0 or start + size > len(self.data):
            raise ValueError(
                f"truncated or damaged HDF5 data: {what} at {start}, {size} bytes, in a file of {len(self.data)}"
            )
        return self.data[start : start + size]

    def unpack(self, layout: str, start: int, what: str) -> tuple[Any, ...]:
        """Little-endian numbers, as `struct` describes them."""
        layout = "<" + layout
        return struct.unpack(layout, self.slice(start, struct.calcsize(layout), what))

    def number(self, start: int, size: int, what: str) -> int:
        """An unsigned number of `size` bytes."""
        return int.from_bytes(self.slice(start, size, what), "little")

    def signature(self, start: int, expected: bytes, what: str) -> None:
        found = bytes(self.slice(start, len(expected), what))
        if found != expected:
            raise ValueError(f"damaged HDF5 data: {what} begins with {found!r}, expected {expected!r}")

    def step(self, count: int = 1) -> None:
        """Notes that something was read that takes 8 bytes of the file, or more."""
        self._steps_left -= count
        if self._steps_left < 0:
            raise ValueError("damaged HDF5 data: more entries than the file can hold")

    def visit(self, address: int, what: str) -> None:
        """Notes that an object is read; a second time is refused."""
        self.step()
        if address in self._visited:
            raise ValueError(f"damaged HDF5 data: {what} at {address} is reached twice")
        self._visited.add(address)

    def text(self, raw: bytes | memoryview) -> str:
        self._text_left -= len(raw) + 1
        if self._text_left < 0:
            raise ValueError("damaged HDF5 data: more text than the file can hold")
        return bytes(raw).decode("utf-8")

    def values(self, start: int, size: int, what: str) -> memoryview:
        """Bytes of a data set: no two data sets share any, so that their sum is bounded."""
        self._stored_left -= size
        if self._stored_left < 0:
            raise ValueError("damaged HDF5 data: datasets overlap")
        return self.slice(start, size, what)

    def unpacked(self, size: int) -> None:
        """Notes that so many bytes of memory are taken for values."""
        self._unpacked_left -= size
        if self._unpacked_left < 0:
            raise ValueError(
                f"HDF5 datasets would take {size} bytes out of a file of {len(self.data)}; it looks like a bomb"
            )
