"""Reads the part of HDF5 that Keras writes, in Python, from bytes in memory.

The HDF5 library trusts its files: flipped bytes make it crash or loop, so it never sees a file from outside; it only
writes ours. What is read here is groups, hard links, attributes, and contiguous or compact datasets of plain numbers
and strings: superblock versions 0 and 1, object headers of version 1, symbol-table groups (what h5py writes unless told
otherwise). Everything else (chunks, compression, soft, external and virtual links, other types) is refused by name.

Every address is checked before it is followed, no object is read twice, and the sum of all strings is bounded by the
file: time and memory grow with the length of the file only. Names are those of the HDF5 File Format Specification,
version 3.0 (https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_UNDEFINED = (1 << 64) - 1
_MAX_DEPTH = 64
_MAX_RANK = 32

# Header messages (section IV.A.2).
_DATASPACE, _LINK_INFO, _DATATYPE, _FILL_OLD, _FILL, _LINK = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
_EXTERNAL, _LAYOUT, _FILTERS, _ATTRIBUTE, _CONTINUATION, _SYMBOL_TABLE = 0x07, 0x08, 0x0B, 0x0C, 0x10, 0x11
_ATTRIBUTE_INFO = 0x15


@dataclass
class Group:
    """A group: `attributes` by name, and its members by name, each a `Group` or a (read-only) array."""

    attributes: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Group | NDArray[Any]] = field(default_factory=dict)

    def get(self, path: str) -> Group | NDArray[Any] | None:
        """The member at `path`, steps separated by "/"; None where there is none."""
        found: Group | NDArray[Any] | None = self
        for step in path.split("/"):
            if step:
                found = found.members.get(step) if isinstance(found, Group) else None
        return found

    def arrays(self) -> Iterator[NDArray[Any]]:
        """Every dataset inside, at any depth."""
        for member in self.members.values():
            if isinstance(member, Group):
                yield from member.arrays()
            else:
                yield member


def parse(data: bytes) -> Group:
    """The root group of an HDF5 file. ValueError, with the reason, for anything that is not wholly as expected."""
    try:
        return _Reader(data).root()
    except (struct.error, IndexError, OverflowError, UnicodeDecodeError, TypeError, RecursionError) as error:
        raise ValueError(f"damaged HDF5 structure: {error}") from error


@dataclass(frozen=True)
class _Type:
    """A datatype message: a NumPy dtype, or text of fixed or variable length."""

    kind: str  # "number", "text", "variable text"
    size: int
    dtype: np.dtype[Any] | None = None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data).toreadonly()
        self._visited: set[int] = set()
        self._text_left = 4 * len(data) + 1024
        self._values_left = len(data)
        self._steps_left = len(data) // 8 + 1024  # nothing that is counted takes less than 8 bytes of the file
        self._heaps: dict[int, dict[int, tuple[int, int]]] = {}

    # ---- bytes ----

    def _slice(self, start: int, size: int, what: str) -> memoryview:
        if start < 0 or size < 0 or start + size > len(self._data):
            raise ValueError(
                f"truncated or damaged HDF5 data: {what} at {start}, {size} bytes, in a file of {len(self._data)}"
            )
        return self._data[start : start + size]

    def _unpack(self, layout: str, start: int, what: str) -> tuple[Any, ...]:
        layout = "<" + layout
        return struct.unpack(layout, self._slice(start, struct.calcsize(layout), what))

    def _signature(self, start: int, expected: bytes, what: str) -> None:
        found = bytes(self._slice(start, len(expected), what))
        if found != expected:
            raise ValueError(f"damaged HDF5 data: {what} begins with {found!r}, expected {expected!r}")

    def _step(self, count: int = 1) -> None:
        self._steps_left -= count
        if self._steps_left < 0:
            raise ValueError("damaged HDF5 data: more entries than the file can hold")

    def _visit(self, address: int, what: str) -> None:
        self._step()
        if address in self._visited:
            raise ValueError(f"damaged HDF5 data: {what} at {address} is reached twice")
        self._visited.add(address)

    def _text(self, raw: bytes | memoryview) -> str:
        self._text_left -= len(raw) + 1
        if self._text_left < 0:
            raise ValueError("damaged HDF5 data: more text than the file can hold")
        return bytes(raw).decode("utf-8")

    # ---- the file ----

    def root(self) -> Group:
        if bytes(self._data[: len(_SIGNATURE)]) != _SIGNATURE:
            raise ValueError(f"not an HDF5 file, begins with {bytes(self._data[:8]).hex(' ') or 'nothing'}")
        (version,) = self._unpack("B", 8, "superblock")
        if version > 1:
            raise ValueError(
                f"HDF5 superblock version {version} is not read; write the file with libver='earliest', as Keras does"
            )
        sizes = self._unpack("BB", 13, "superblock")
        if sizes != (8, 8):
            raise ValueError(f"HDF5 file with addresses of {sizes[0]} and lengths of {sizes[1]} bytes; expected 8")
        start = 24 if version == 0 else 28
        base, _, end, _ = self._unpack("4Q", start, "superblock")
        if base != 0:
            raise ValueError(f"HDF5 file with base address {base}; expected 0")
        if end > len(self._data):
            raise ValueError(f"truncated HDF5 file: {len(self._data)} of {end} bytes")
        (address,) = self._unpack("Q", start + 40, "root group")
        root = self._object(address, 0)
        if not isinstance(root, Group):
            raise ValueError("damaged HDF5 data: the root is not a group")
        return root

    def _object(self, address: int, depth: int) -> Group | NDArray[Any]:
        if depth > _MAX_DEPTH:
            raise ValueError(f"HDF5 groups are nested more than {_MAX_DEPTH} deep")
        self._visit(address, "object")
        messages = self._messages(address)
        kinds = {kind for kind, _, _ in messages}
        for kind, name in ((_EXTERNAL, "external files"), (_FILTERS, "compression or another filter")):
            if kind in kinds:
                raise ValueError(f"HDF5 datasets with {name} are not read")
        if kinds & {_LINK, _LINK_INFO, _ATTRIBUTE_INFO}:
            raise ValueError("HDF5 objects of format 1.8 are not read; write with libver='earliest', as Keras does")
        if _SYMBOL_TABLE in kinds:
            return self._group(messages, depth)
        if _LAYOUT in kinds:
            return self._dataset(messages)
        raise ValueError("HDF5 object that is neither a group nor a dataset")

    # ---- object headers, version 1 (section IV.A.1.a) ----

    def _messages(self, address: int) -> list[tuple[int, int, int]]:
        """(type, start, size) of the header messages of an object."""
        version, _, total, _, size = self._unpack("BBHII", address, "object header")
        if version != 1:
            raise ValueError(f"HDF5 object header of version {version} is not read")
        found: list[tuple[int, int, int]] = []
        blocks = [(address + 16, size)]
        for start, length in blocks:  # grows while it is walked
            self._slice(start, length, "object header block")
            end = start + length
            while start + 8 <= end and len(found) < total:
                self._step()
                kind, size, flags = self._unpack("HHB", start, "header message")
                start += 8
                if start + size > end:
                    raise ValueError("damaged HDF5 data: a header message leaves its block")
                if flags & 2:
                    raise ValueError("HDF5 header messages that are shared are not read")
                if kind == _CONTINUATION:
                    block = self._unpack("QQ", start, "continuation")
                    self._visit(block[0], "object header block")
                    blocks.append(block)
                found.append((kind, start, size))
                start += size
        return found

    # ---- groups as symbol tables (sections III.A, III.B, III.D) ----

    def _group(self, messages: list[tuple[int, int, int]], depth: int) -> Group:
        group = Group(self._attributes(messages))
        tree, heap = next(
            self._unpack("QQ", start, "symbol table") for kind, start, _ in messages if kind == _SYMBOL_TABLE
        )
        self._signature(heap, b"HEAP", "local heap")
        size, _, segment = self._unpack("QQQ", heap + 8, "local heap")
        names = self._slice(segment, size, "local heap")
        for entry in self._tree_leaves(tree, 0):
            self._visit(entry, "symbol table node")
            self._signature(entry, b"SNOD", "symbol table node")
            (count,) = self._unpack("H", entry + 6, "symbol table node")
            for number in range(count):
                self._step()
                place = entry + 8 + 40 * number
                offset, address, cache = self._unpack("QQI", place, "symbol table entry")
                if cache == 2:
                    raise ValueError("HDF5 soft links are not followed")
                end = bytes(names[offset : offset + 1024]).find(b"\0")
                if offset >= size or end < 1:
                    raise ValueError("damaged HDF5 data: a link without a name")
                name = self._text(names[offset : offset + end])
                if name in group.members or name in (".", "..") or "/" in name:
                    raise ValueError(f"damaged HDF5 data: a link is named {name!r}")
                group.members[name] = self._object(address, depth + 1)
        return group

    def _tree_leaves(self, address: int, depth: int) -> Iterator[int]:
        """The symbol table nodes below a node of a version 1 B-tree of groups."""
        if depth > 8:
            raise ValueError("damaged HDF5 data: a group's tree is too deep")
        self._visit(address, "B-tree node")
        self._signature(address, b"TREE", "B-tree node")
        kind, level, count = self._unpack("BBH", address + 4, "B-tree node")
        if kind != 0:
            raise ValueError(f"damaged HDF5 data: B-tree of type {kind} in a group")
        for number in range(count):
            self._step()
            (child,) = self._unpack("Q", address + 24 + 16 * number + 8, "B-tree node")
            if level:
                yield from self._tree_leaves(child, depth + 1)
            else:
                yield child

    # ---- datasets ----

    def _dataset(self, messages: list[tuple[int, int, int]]) -> NDArray[Any]:
        places = {kind: (start, size) for kind, start, size in messages}
        if _DATASPACE not in places or _DATATYPE not in places:
            raise ValueError("damaged HDF5 data: a dataset without shape or type")
        shape = self._shape(places[_DATASPACE][0])
        kind = self._type(places[_DATATYPE][0])
        if kind.dtype is None:
            raise ValueError("HDF5 datasets of text are not read")
        size = math.prod(shape) * kind.size  # Python integers: no overflow on a forged shape
        start = places[_LAYOUT][0]
        version, layout = self._unpack("BB", start, "data layout")
        if version not in (3, 4):
            raise ValueError(f"HDF5 data layout of version {version} is not read")
        if layout == 0:
            (present,) = self._unpack("H", start + 2, "data layout")
            address = start + 4
        elif layout == 1:
            address, present = self._unpack("QQ", start + 2, "data layout")
        else:
            raise ValueError(f"HDF5 datasets {'in chunks' if layout == 2 else 'that are virtual'} are not read")
        if size != present:
            raise ValueError(f"damaged HDF5 data: shape {shape} of {kind.dtype} has {size} bytes, {present} are stored")
        self._values_left -= size
        if self._values_left < 0:
            raise ValueError("damaged HDF5 data: datasets overlap")
        if size == 0:
            return np.zeros(shape, kind.dtype)
        if address == _UNDEFINED:
            raise ValueError("HDF5 dataset without data")
        return np.ndarray(shape, kind.dtype, self._slice(address, size, f"dataset of shape {shape}"))

    def _shape(self, start: int) -> tuple[int, ...]:
        version, rank, _, kind = self._unpack("BBBB", start, "dataspace")
        if version not in (1, 2):
            raise ValueError(f"HDF5 dataspace of version {version} is not read")
        if version == 2 and kind == 2:
            return (0,)  # the null space: no values at all
        if rank > _MAX_RANK:
            raise ValueError(f"damaged HDF5 data: {rank} axes")
        return self._unpack(f"{rank}Q", start + (8 if version == 1 else 4), "dataspace")

    def _type(self, start: int) -> _Type:
        head, bits0, bits1, _, size = self._unpack("BBBBI", start, "datatype")
        version, kind = head >> 4, head & 15
        if version not in (1, 2, 3):
            raise ValueError(f"HDF5 datatype of version {version} is not read")
        if kind in (0, 1) and bits0 & 1:
            raise ValueError("big-endian HDF5 numbers are not read")
        if kind == 0 and size in (1, 2, 4, 8):
            self._check_precision(start, size)
            return _Type("number", size, np.dtype(f"<{'i' if bits0 & 8 else 'u'}{size}"))
        if kind == 1 and size in (2, 4, 8):
            self._check_precision(start, size)
            fields = self._unpack("BBBBI", start + 12, "floating-point type")
            if (bits1, *fields) != _IEEE[size]:
                raise ValueError("HDF5 floating-point numbers other than IEEE's are not read")
            return _Type("number", size, np.dtype(f"<f{size}"))
        if kind == 3 and 0 < size <= len(self._data):
            return _Type("text", size)
        if kind == 9 and bits0 & 15 == 1 and size == 16:
            return _Type("variable text", size)
        if kind == 8 and size == 1:  # h5py's booleans: an enumeration of FALSE and TRUE over int8
            return _Type("number", 1, np.dtype(np.int8))
        raise ValueError(f"HDF5 values of class {kind} and {size} bytes are not read")

    def _check_precision(self, start: int, size: int) -> None:
        if self._unpack("HH", start + 8, "datatype") != (0, 8 * size):
            raise ValueError("HDF5 numbers with unused bits are not read")

    # ---- attributes (section IV.A.2.m) and their text ----

    def _attributes(self, messages: list[tuple[int, int, int]]) -> dict[str, Any]:
        return dict(self._attribute(start, size) for kind, start, size in messages if kind == _ATTRIBUTE)

    def _attribute(self, start: int, size: int) -> tuple[str, Any]:
        version, flags, name_size, type_size, space_size = self._unpack("BBHHH", start, "attribute")
        if version not in (1, 3) or (version == 3 and flags):
            raise ValueError(f"HDF5 attribute of version {version} is not read")

        def padded(length: int) -> int:
            return (length + 7) // 8 * 8 if version == 1 else length

        place = start + (8 if version == 1 else 9)
        name = self._text(self._slice(place, name_size, "attribute name")).rstrip("\0")
        place += padded(name_size)
        kind = self._type(place)
        place += padded(type_size)
        shape = self._shape(place)
        place += padded(space_size)
        count = math.prod(shape)
        if place + count * kind.size > start + size:
            raise ValueError(f"damaged HDF5 data: attribute {name!r} of shape {shape} leaves its message")
        self._step(count // 8)
        values = [self._value(kind, place + kind.size * number) for number in range(count)]
        if shape == ():
            return name, values[0]
        return name, values

    def _value(self, kind: _Type, place: int) -> Any:
        raw = self._slice(place, kind.size, "attribute")
        if kind.dtype is not None:
            return np.frombuffer(raw, kind.dtype)[0].item()
        if kind.kind == "text":
            return self._text(bytes(raw).split(b"\0", 1)[0])
        length, heap, index = self._unpack("IQI", place, "variable-length text")
        return self._text(self._from_heap(heap, index, length)) if length else ""

    def _from_heap(self, heap: int, index: int, length: int) -> memoryview:
        """An object of a global heap (section III.E)."""
        if heap not in self._heaps:
            self._heaps[heap] = self._read_heap(heap)
        if index not in self._heaps[heap]:
            raise ValueError(f"damaged HDF5 data: heap at {heap} has no object {index}")
        start, size = self._heaps[heap][index]
        if length > size:
            raise ValueError(f"damaged HDF5 data: text of {length} bytes in an object of {size}")
        return self._slice(start, length, "heap object")

    def _read_heap(self, heap: int) -> dict[int, tuple[int, int]]:
        self._visit(heap, "global heap")
        self._signature(heap, b"GCOL", "global heap")
        (size,) = self._unpack("Q", heap + 8, "global heap")
        self._slice(heap, size, "global heap")
        found: dict[int, tuple[int, int]] = {}
        place, end = heap + 16, heap + size
        while place + 16 <= end:
            index, _, _, length = self._unpack("HHIQ", place, "heap object")
            if index == 0:  # the free space at the end
                break
            if place + 16 + length > end or index in found:
                raise ValueError("damaged HDF5 data: a heap object leaves its heap")
            self._step()
            found[index] = place + 16, length
            place += 16 + (length + 7) // 8 * 8
        return found


# Of IEEE numbers by size: sign position; exponent position and size, mantissa position and size, exponent bias.
_IEEE = {2: (15, 10, 5, 0, 10, 15), 4: (31, 23, 8, 0, 23, 127), 8: (63, 52, 11, 0, 52, 1023)}


def as_mapping(group: Group, prefix: str = "") -> Mapping[str, NDArray[Any]]:
    """Every dataset by its path."""
    found: dict[str, NDArray[Any]] = {}
    for name, member in group.members.items():
        if isinstance(member, Group):
            found |= as_mapping(member, f"{prefix}{name}/")
        else:
            found[prefix + name] = member
    return found
