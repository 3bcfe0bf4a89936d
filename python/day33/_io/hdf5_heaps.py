"""Where groups of the newer style keep many links or attributes: a fractal heap, indexed by a B-tree of version 2.

Sections III.G and III.A.2 of the HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

from collections.abc import Iterator

from .hdf5_bytes import UNDEFINED, Bytes

_MAX_DEPTH = 8
LINKS, ATTRIBUTES = 5, 8  # types of B-trees
_IDENTIFIER = {LINKS: 4, ATTRIBUTES: 0}  # where a record has the identifier of its heap object


def dense_objects(file: Bytes, heap: int, tree: int, kind: int) -> Iterator[tuple[int, int]]:
    """(start, size) of the heap object of every record in a tree of links or attributes."""
    found = _Heap(file, heap)
    for record, size in _records(file, tree, kind):
        place = record + _IDENTIFIER[kind]
        if size < _IDENTIFIER[kind] + found.identifier_size:
            raise ValueError("damaged HDF5 data: records of a B-tree are too short")
        yield found.locate(place)


def _bytes_for(limit: int) -> int:
    """How many bytes hold numbers up to `limit`."""
    return max(1, (limit.bit_length() + 7) // 8)


def _records(file: Bytes, header: int, kind: int) -> Iterator[tuple[int, int]]:
    """(start, size) of every record of a B-tree."""
    file.visit(header, "B-tree header")
    file.signature(header, b"BTHD", "B-tree header")
    version, found, node_size, size, depth = file.unpack("BBIHH", header + 4, "B-tree header")
    root, count, _ = file.unpack("QHQ", header + 16, "B-tree header")
    if version != 0 or found != kind or not size:
        raise ValueError(f"damaged HDF5 data: B-tree of version {version} and type {found}; expected {kind}")
    if depth > _MAX_DEPTH:
        raise ValueError("damaged HDF5 data: a B-tree is too deep")
    # Sizes of the pointers in the nodes of each depth (section III.A.2).
    most = [(node_size - 10) // size]
    total = list(most)
    count_size = _bytes_for(max(most[0], 0))
    pointers = [0]
    for level in range(1, depth + 1):
        pointers.append(8 + count_size + (_bytes_for(total[level - 1]) if level > 1 else 0))
        most.append((node_size - 10 - pointers[level]) // (size + pointers[level]))
        total.append((most[level] + 1) * total[level - 1] + most[level])
    if root != UNDEFINED and count:
        yield from _node(file, root, depth, count, size, kind, count_size, pointers)


def _node(
    file: Bytes, address: int, depth: int, count: int, size: int, kind: int, count_size: int, pointers: list[int]
) -> Iterator[tuple[int, int]]:
    file.visit(address, "B-tree node")
    file.signature(address, b"BTIN" if depth else b"BTLF", "B-tree node")
    version, found = file.unpack("BB", address + 4, "B-tree node")
    if version != 0 or found != kind:
        raise ValueError(f"damaged HDF5 data: B-tree node of version {version} and type {found}; expected {kind}")
    file.step(count)
    place = address + 6
    file.slice(place, count * size, "B-tree node")
    for number in range(count):
        yield place + number * size, size
    place += count * size
    for number in range(count + 1 if depth else 0):
        pointer = place + number * pointers[depth]
        (child,) = file.unpack("Q", pointer, "B-tree node")
        inside = file.number(pointer + 8, count_size, "B-tree node")
        yield from _node(file, child, depth - 1, inside, size, kind, count_size, pointers)


class _Heap:
    """A fractal heap: objects in blocks that double in size, addressed as if they were one stretch of bytes."""

    def __init__(self, file: Bytes, header: int) -> None:
        file.visit(header, "fractal heap")
        file.signature(header, b"FRHP", "fractal heap")
        version, self.identifier_size, filters, self._flags, largest = file.unpack("BHHBI", header + 4, "fractal heap")
        if version != 0 or filters:
            raise ValueError(
                f"HDF5 fractal heaps of version {version}{' with filters' if filters else ''} are not read"
            )
        self._width, self._first, self._most = file.unpack("HQQ", header + 110, "fractal heap")
        bits, _, self._root, self._rows = file.unpack("HHQH", header + 128, "fractal heap")
        for size in (self._first, self._most):
            if size < 1 or size & (size - 1):
                raise ValueError(f"damaged HDF5 data: a fractal heap has blocks of {size} bytes")
        if not 0 < self._width <= 1024 or max(bits, self._rows) > 64 or self._most < self._first:
            raise ValueError("damaged HDF5 data: a fractal heap has an impossible shape")
        self._file = file
        self._offset_size = (bits + 7) // 8
        self._length_size = min((self._most.bit_length() - 1 + 7) // 8, _bytes_for(largest))
        self._direct_rows = self._most.bit_length() - self._first.bit_length() + 2

    def locate(self, identifier: int) -> tuple[int, int]:
        """(start, size) of the object with the identifier at this address."""
        file = self._file
        flags = file.number(identifier, 1, "heap identifier")
        if flags >> 4:
            raise ValueError("HDF5 heap objects that are tiny or huge are not read")
        offset = file.number(identifier + 1, self._offset_size, "heap identifier")
        size = file.number(identifier + 1 + self._offset_size, self._length_size, "heap identifier")
        address, begin, length = self._block(offset)
        inside = offset - begin
        if inside + size > length:
            raise ValueError("damaged HDF5 data: a heap object leaves its block")
        file.slice(address + inside, size, "heap object")
        return address + inside, size

    def _block(self, offset: int) -> tuple[int, int, int]:
        """Address, first offset and size of the direct block that holds an offset."""
        file, address, begin, rows = self._file, self._root, 0, self._rows
        if not rows:
            file.signature(address, b"FHDB", "heap block")
            return address, 0, self._first
        for _ in range(_MAX_DEPTH):
            file.step()
            file.signature(address, b"FHIB", "heap block")
            row = 0
            size = self._first
            while row < rows and offset - begin >= size * self._width:
                begin += size * self._width
                row += 1
                size = self._first << max(row - 1, 0)
            if row >= rows:
                raise ValueError("damaged HDF5 data: a heap object lies outside of its heap")
            column = (offset - begin) // size
            begin += column * size
            place = address + 13 + self._offset_size + 8 * (row * self._width + column)
            (address,) = file.unpack("Q", place, "heap block")
            if row < self._direct_rows:
                file.signature(address, b"FHDB", "heap block")
                return address, begin, size
            rows = size.bit_length() - (self._first * self._width).bit_length() + 1
        raise ValueError("damaged HDF5 data: the blocks of a heap are nested too deep")
