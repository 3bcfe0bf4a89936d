"""Reads the part of HDF5 that Keras writes, in Python, from bytes in memory.

The HDF5 library trusts its files: flipped bytes make it crash or loop, so it never sees a file from outside; it only
writes ours. What is read here is groups of either style (symbol tables; links in the header or in a heap), hard links,
attributes, and datasets of plain numbers, contiguous, compact or in chunks, these packed by gzip and shuffle or not:
superblock versions 0 to 3, object headers of both versions. Everything else (other filters, soft, external and virtual
links, other types) is refused by name.

Time and memory grow with the length of the file only: see `hdf5_bytes`. Names are those of the HDF5 File Format
Specification, version 3.0 (https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .hdf5_bytes import UNDEFINED, Bytes
from .hdf5_datasets import Dataset, Type, read_dataset, read_shape, read_type
from .hdf5_heaps import ATTRIBUTES, LINKS, dense_objects

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAX_DEPTH = 64

# Header messages (section IV.A.2).
_DATASPACE, _LINK_INFO, _DATATYPE, _LINK, _EXTERNAL, _LAYOUT = 0x01, 0x02, 0x03, 0x06, 0x07, 0x08
_FILTERS, _ATTRIBUTE, _CONTINUATION, _SYMBOL_TABLE, _ATTRIBUTE_INFO = 0x0B, 0x0C, 0x10, 0x11, 0x15

Messages = list[tuple[int, int, int]]  # type, start, size


@dataclass
class Group:
    """A group: `attributes` by name, and its members by name."""

    attributes: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Group | Dataset] = field(default_factory=dict)

    def get(self, path: str) -> Group | Dataset | None:
        """The member at `path`, steps separated by "/"; None where there is none."""
        found: Group | Dataset | None = self
        for step in path.split("/"):
            if step:
                found = found.members.get(step) if isinstance(found, Group) else None
        return found

    def datasets(self) -> Iterator[Dataset]:
        """Every dataset inside, at any depth."""
        for member in self.members.values():
            if isinstance(member, Group):
                yield from member.datasets()
            else:
                yield member


def parse(data: bytes | memoryview) -> Group:
    """The root group of an HDF5 file. ValueError, with the reason, for anything that is not wholly as expected."""
    return _Reader(Bytes(data)).root()


def is_hdf5(head: bytes) -> bool:
    """Whether a file that begins with these bytes is an HDF5 file."""
    return head.startswith(_SIGNATURE)


class _Reader:
    def __init__(self, file: Bytes) -> None:
        self._file = file
        self._heaps: dict[int, dict[int, tuple[int, int]]] = {}

    def root(self) -> Group:
        file, length = self._file, len(self._file.data)
        if not is_hdf5(bytes(file.data[: len(_SIGNATURE)])):
            raise ValueError(f"not an HDF5 file, begins with {bytes(file.data[:8]).hex(' ') or 'nothing'}")
        (version,) = file.unpack("B", 8, "superblock")
        if version > 3:
            raise ValueError(f"HDF5 superblock version {version} is not read")
        sizes = file.unpack("BB", 13 if version < 2 else 9, "superblock")
        if sizes != (8, 8):
            raise ValueError(f"HDF5 file with addresses of {sizes[0]} and lengths of {sizes[1]} bytes; expected 8")
        start = {0: 24, 1: 28}.get(version, 12)
        base, _, end, last = file.unpack("4Q", start, "superblock")
        if base != 0:
            raise ValueError(f"HDF5 file with base address {base}; expected 0")
        if end > length:
            raise ValueError(f"truncated HDF5 file: {length} of {end} bytes")
        address = last if version >= 2 else file.unpack("Q", start + 40, "root group")[0]
        root = self._object(address, 0)
        if not isinstance(root, Group):
            raise ValueError("damaged HDF5 data: the root is not a group")
        return root

    def _object(self, address: int, depth: int) -> Group | Dataset:
        if depth > _MAX_DEPTH:
            raise ValueError(f"HDF5 groups are nested more than {_MAX_DEPTH} deep")
        self._file.visit(address, "object")
        messages = self._messages(address)
        places = {kind: start for kind, start, _ in messages}
        if _EXTERNAL in places:
            raise ValueError("HDF5 datasets with external files are not read")
        if _LAYOUT in places:
            if _DATASPACE not in places or _DATATYPE not in places:
                raise ValueError("damaged HDF5 data: a dataset without shape or type")
            return read_dataset(
                self._file, places[_DATASPACE], places[_DATATYPE], places[_LAYOUT], places.get(_FILTERS)
            )
        if _SYMBOL_TABLE in places or _LINK_INFO in places:
            return self._group(messages, depth)
        raise ValueError("HDF5 object that is neither a group nor a dataset")

    # ---- object headers (section IV.A.1) ----

    def _messages(self, address: int) -> Messages:
        """The header messages of an object."""
        file = self._file
        new = bytes(file.slice(address, 4, "object header")) == b"OHDR"
        total = 1 << 16
        skipped = 0  # bytes of a message's head that are of no interest, after type, size and flags
        if new:
            version, flags = file.unpack("BB", address + 4, "object header")
            start = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
            width = 1 << (flags & 3)
            size = file.number(start, width, "object header")
            start += width
            skipped = 2 if flags & 4 else 0
        else:
            version, _, total, _, size = file.unpack("BBHII", address, "object header")
            start = address + 16
        if version != (2 if new else 1):
            raise ValueError(f"HDF5 object header of version {version} is not read")
        found: Messages = []
        blocks = [(start, size)]
        for start, length in blocks:  # grows while it is walked
            file.slice(start, length, "object header block")
            end = start + length
            head = 4 + skipped if new else 8
            while start + head <= end and len(found) < total:
                file.step()
                kind, size, flags = file.unpack("BHB" if new else "HHB", start, "header message")
                start += head
                if start + size > end:
                    raise ValueError("damaged HDF5 data: a header message leaves its block")
                if flags & 2:
                    raise ValueError("HDF5 header messages that are shared are not read")
                if kind == _CONTINUATION:
                    blocks.append(self._continuation(start, new))
                found.append((kind, start, size))
                start += size
        return found

    def _continuation(self, start: int, new: bool) -> tuple[int, int]:
        address, length = self._file.unpack("QQ", start, "continuation")
        self._file.visit(address, "object header block")
        if not new:
            return address, length
        self._file.signature(address, b"OCHK", "object header block")
        return address + 4, length - 8  # without the signature and the checksum

    # ---- groups ----

    def _group(self, messages: Messages, depth: int) -> Group:
        group = Group(self._attributes(messages))
        for name, address in self._links(messages):
            if name in group.members or name in ("", ".", "..") or "/" in name:
                raise ValueError(f"damaged HDF5 data: a link is named {name!r}")
            group.members[name] = self._object(address, depth + 1)
        return group

    def _links(self, messages: Messages) -> Iterator[tuple[str, int]]:
        """Names and addresses of what a group holds."""
        for kind, start, size in messages:
            if kind == _SYMBOL_TABLE:
                yield from self._table(start)
            elif kind == _LINK:
                yield self._link(start, size)
            elif kind == _LINK_INFO:
                version, flags = self._file.unpack("BB", start, "link info")
                if version != 0:
                    raise ValueError(f"HDF5 link info of version {version} is not read")
                heap, tree = self._file.unpack("QQ", start + (10 if flags & 1 else 2), "link info")
                if heap != UNDEFINED:
                    for place, length in dense_objects(self._file, heap, tree, LINKS):
                        yield self._link(place, length)

    def _link(self, start: int, size: int) -> tuple[str, int]:
        """A link message (section IV.A.2.g)."""
        file = self._file
        version, flags = file.unpack("BB", start, "link")
        if version != 1:
            raise ValueError(f"HDF5 link of version {version} is not read")
        place = start + 2
        kind = file.number(place, 1, "link") if flags & 8 else 0
        place += (1 if flags & 8 else 0) + (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
        if kind:
            raise ValueError(f"HDF5 links that are {'soft' if kind == 1 else 'external'} are not followed")
        width = 1 << (flags & 3)
        length = file.number(place, width, "link")
        place += width
        if place + length + 8 > start + size:
            raise ValueError("damaged HDF5 data: a link leaves its message")
        name = file.text(file.slice(place, length, "link"))
        (address,) = file.unpack("Q", place + length, "link")
        return name, address

    # ---- groups as symbol tables (sections III.A.1, III.B, III.D) ----

    def _table(self, message: int) -> Iterator[tuple[str, int]]:
        file = self._file
        tree, heap = file.unpack("QQ", message, "symbol table")
        file.signature(heap, b"HEAP", "local heap")
        size, _, segment = file.unpack("QQQ", heap + 8, "local heap")
        names = file.slice(segment, size, "local heap")
        for entry in self._tree_leaves(tree, 0):
            file.visit(entry, "symbol table node")
            file.signature(entry, b"SNOD", "symbol table node")
            (count,) = file.unpack("H", entry + 6, "symbol table node")
            for number in range(count):
                file.step()
                offset, address, cache = file.unpack("QQI", entry + 8 + 40 * number, "symbol table entry")
                if cache == 2:
                    raise ValueError("HDF5 links that are soft are not followed")
                end = bytes(names[offset : offset + 1024]).find(b"\0")
                if offset >= size or end < 1:
                    raise ValueError("damaged HDF5 data: a link without a name")
                yield file.text(names[offset : offset + end]), address

    def _tree_leaves(self, address: int, depth: int) -> Iterator[int]:
        """The symbol table nodes below a node of a version 1 B-tree of groups."""
        file = self._file
        if depth > 8:
            raise ValueError("damaged HDF5 data: a group's tree is too deep")
        file.visit(address, "B-tree node")
        file.signature(address, b"TREE", "B-tree node")
        kind, level, count = file.unpack("BBH", address + 4, "B-tree node")
        if kind != 0:
            raise ValueError(f"damaged HDF5 data: B-tree of type {kind} in a group")
        for number in range(count):
            file.step()
            (child,) = file.unpack("Q", address + 24 + 16 * number + 8, "B-tree node")
            if level:
                yield from self._tree_leaves(child, depth + 1)
            else:
                yield child

    # ---- attributes (section IV.A.2.m) and their text ----

    def _attributes(self, messages: Messages) -> dict[str, Any]:
        found = {}
        for kind, start, size in messages:
            if kind == _ATTRIBUTE:
                name, value = self._attribute(start, size)
                found[name] = value
            elif kind == _ATTRIBUTE_INFO:
                version, flags = self._file.unpack("BB", start, "attribute info")
                if version != 0:
                    raise ValueError(f"HDF5 attribute info of version {version} is not read")
                heap, tree = self._file.unpack("QQ", start + (4 if flags & 1 else 2), "attribute info")
                if heap != UNDEFINED:
                    for place, length in dense_objects(self._file, heap, tree, ATTRIBUTES):
                        name, value = self._attribute(place, length)
                        found[name] = value
        return found

    def _attribute(self, start: int, size: int) -> tuple[str, Any]:
        file = self._file
        version, flags, name_size, type_size, space_size = file.unpack("BBHHH", start, "attribute")
        if version not in (1, 3) or (version == 3 and flags):
            raise ValueError(f"HDF5 attribute of version {version} is not read")

        def padded(length: int) -> int:
            return (length + 7) // 8 * 8 if version == 1 else length

        place = start + (8 if version == 1 else 9)
        name = file.text(file.slice(place, name_size, "attribute name")).rstrip("\0")
        place += padded(name_size)
        kind = read_type(file, place)
        place += padded(type_size)
        shape = read_shape(file, place)
        place += padded(space_size)
        count = math.prod(shape)
        if place + count * kind.size > start + size:
            raise ValueError(f"damaged HDF5 data: attribute {name!r} of shape {shape} leaves its message")
        file.step(count // 8)
        values = [self._value(kind, place + kind.size * number) for number in range(count)]
        if shape == ():
            return name, values[0]
        return name, values

    def _value(self, kind: Type, place: int) -> Any:
        file = self._file
        raw = file.slice(place, kind.size, "attribute")
        if kind.dtype is not None:
            return np.frombuffer(raw, kind.dtype)[0].item()
        if kind.kind == "text":
            return file.text(bytes(raw).split(b"\0", 1)[0])
        length, heap, index = file.unpack("IQI", place, "variable-length text")
        return file.text(self._from_heap(heap, index, length)) if length else ""

    def _from_heap(self, heap: int, index: int, length: int) -> memoryview:
        """An object of a global heap (section III.E)."""
        if heap not in self._heaps:
            self._heaps[heap] = self._read_heap(heap)
        if index not in self._heaps[heap]:
            raise ValueError(f"damaged HDF5 data: heap at {heap} has no object {index}")
        start, size = self._heaps[heap][index]
        if length > size:
            raise ValueError(f"damaged HDF5 data: text of {length} bytes in an object of {size}")
        return self._file.slice(start, length, "heap object")

    def _read_heap(self, heap: int) -> dict[int, tuple[int, int]]:
        file = self._file
        file.visit(heap, "global heap")
        file.signature(heap, b"GCOL", "global heap")
        (size,) = file.unpack("Q", heap + 8, "global heap")
        file.slice(heap, size, "global heap")
        found: dict[int, tuple[int, int]] = {}
        place, end = heap + 16, heap + size
        while place + 16 <= end:
            index, _, _, length = file.unpack("HHIQ", place, "heap object")
            if index == 0:  # the free space at the end
                break
            if place + 16 + length > end or index in found:
                raise ValueError("damaged HDF5 data: a heap object leaves its heap")
            file.step()
            found[index] = place + 16, length
            place += 16 + (length + 7) // 8 * 8
        return found
