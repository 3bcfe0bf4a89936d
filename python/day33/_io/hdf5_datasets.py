"""Data sets of HDF5: types of numbers, shapes, and where the values are: contiguous, compact, or in chunks.

Sections IV.A.2.b, d, i and l of the HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .hdf5_bytes import UNDEFINED, Bytes

_MAX_RANK = 32
_DEFLATE, _SHUFFLE = 1, 2
_FILTERS = {
    _DEFLATE: "gzip",
    _SHUFFLE: "shuffle",
    3: "fletcher32",
    4: "szip",
    5: "nbit",
    6: "scaleoffset",
    32000: "lzf",
}
# Of floating-point numbers by size: sign position; exponent position and size, mantissa position and size, bias.
_IEEE = {2: (15, 10, 5, 0, 10, 15), 4: (31, 23, 8, 0, 23, 127), 8: (63, 52, 11, 0, 52, 1023)}
_BFLOAT16 = (15, 7, 8, 0, 7, 127)


@dataclass(frozen=True)
class Type:
    """A datatype message: a NumPy dtype, or text of fixed or variable length.

    Attributes:
        bfloat16: whether the numbers, two bytes each, are the upper halves of float32.
    """

    kind: str  # "number", "text", "variable text"
    size: int
    dtype: np.dtype[Any] | None = None
    bfloat16: bool = False


class Dataset:
    """An array in a file. Shape and dtype are known; the values are read when asked for.

    Attributes:
        shape: of the array. dtype: of what `read` gives: little-endian, and float32 for bfloat16.
    """

    def __init__(self, shape: tuple[int, ...], kind: Type, values: Callable[[], NDArray[Any]]) -> None:
        assert kind.dtype is not None
        self.shape = shape
        self.dtype = np.dtype(np.float32) if kind.bfloat16 else kind.dtype.newbyteorder("<")
        self._kind = kind
        self._values = values

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    def read(self) -> NDArray[Any]:
        """The values: a read-only view where the file has them as they are. ValueError where they are damaged."""
        values = self._values()
        if self._kind.bfloat16:
            return (values.astype("<u4") << 16).view("<f4")
        return values.astype(self.dtype, copy=False)


def read_shape(file: Bytes, start: int) -> tuple[int, ...]:
    """The shape in a dataspace message."""
    version, rank, _, kind = file.unpack("BBBB", start, "dataspace")
    if version not in (1, 2):
        raise ValueError(f"HDF5 dataspace of version {version} is not read")
    if version == 2 and kind == 2:
        return (0,)  # the null space: no values at all
    if rank > _MAX_RANK:
        raise ValueError(f"damaged HDF5 data: {rank} axes")
    return file.unpack(f"{rank}Q", start + (8 if version == 1 else 4), "dataspace")


def read_type(file: Bytes, start: int) -> Type:
    """The type in a datatype message."""
    head, bits0, bits1, _, size = file.unpack("BBBBI", start, "datatype")
    version, kind = head >> 4, head & 15
    order = ">" if bits0 & 1 else "<"
    if version not in (1, 2, 3, 4):
        raise ValueError(f"HDF5 datatype of version {version} is not read")
    if kind == 0 and size in (1, 2, 4, 8):
        _check_precision(file, start, size)
        return Type("number", size, np.dtype(f"{order}{'i' if bits0 & 8 else 'u'}{size}"))
    if kind == 1 and size in (2, 4, 8) and not bits0 & 0x40:  # 0x40: VAX order
        _check_precision(file, start, size)
        fields = (bits1, *file.unpack("BBBBI", start + 12, "floating-point type"))
        if size == 2 and fields == _BFLOAT16:
            return Type("number", 2, np.dtype(f"{order}u2"), bfloat16=True)
        if fields != _IEEE[size]:
            raise ValueError("HDF5 floating-point numbers other than IEEE's and bfloat16 are not read")
        return Type("number", size, np.dtype(f"{order}f{size}"))
    if kind == 3 and 0 < size <= len(file.data):
        return Type("text", size)
    if kind == 5 and size == 2:  # what h5py makes of bfloat16: two opaque bytes
        return Type("number", 2, np.dtype("<u2"), bfloat16=True)
    if kind == 9 and bits0 & 15 == 1 and size == 16:
        return Type("variable text", size)
    if kind == 8 and size == 1:  # h5py's booleans: an enumeration of FALSE and TRUE over int8
        return Type("number", 1, np.dtype(np.int8))
    raise ValueError(f"HDF5 values of class {kind} and {size} bytes are not read")


def _check_precision(file: Bytes, start: int, size: int) -> None:
    if file.unpack("HH", start + 8, "datatype") != (0, 8 * size):
        raise ValueError("HDF5 numbers with unused bits are not read")


def read_dataset(file: Bytes, space: int, datatype: int, layout: int, filters: int | None) -> Dataset:
    """The data set with messages at these addresses. Its values are not touched yet."""
    shape, kind = read_shape(file, space), read_type(file, datatype)
    if kind.dtype is None:
        raise ValueError("HDF5 datasets of text are not read")
    size = math.prod(shape) * kind.size  # Python integers: no overflow on a forged shape
    version, storage = file.unpack("BB", layout, "data layout")
    if version not in (3, 4):
        raise ValueError(f"HDF5 data layout of version {version} is not read")
    if storage == 2:
        return _chunked(file, shape, kind, version, layout + 2, read_filters(file, filters) if filters else [])
    if filters is not None:
        raise ValueError("damaged HDF5 data: a filter on a dataset that is not in chunks")
    if storage == 0:
        (present,) = file.unpack("H", layout + 2, "data layout")
        address = layout + 4
    elif storage == 1:
        address, present = file.unpack("QQ", layout + 2, "data layout")
    else:
        raise ValueError("HDF5 datasets that are virtual are not read")
    if size != present:
        raise ValueError(f"damaged HDF5 data: shape {shape} of {kind.dtype} has {size} bytes, {present} are stored")
    if size and address == UNDEFINED:
        raise ValueError("HDF5 dataset without data")
    # The bytes are taken now, so that no two datasets may share some, whoever reads them.
    raw = file.values(address, size, f"dataset of shape {shape}") if size else b""

    def values() -> NDArray[Any]:
        return np.ndarray(shape, kind.dtype, raw) if size else np.zeros(shape, kind.dtype)

    return Dataset(shape, kind, values)


# ---- chunks ----


def read_filters(file: Bytes, start: int) -> list[int]:
    """The identifiers of the filters in a message, in the order of writing. ValueError for those that are not read."""
    version, count = file.unpack("BB", start, "filters")
    if version not in (1, 2):
        raise ValueError(f"HDF5 filters of version {version} are not read")
    place = start + (8 if version == 1 else 2)
    found = []
    for _ in range(count):
        file.step()
        (identifier,) = file.unpack("H", place, "filters")
        place += 2
        named = version == 1 or identifier >= 256
        length = file.number(place, 2, "filters") if named else 0
        place += 2 if named else 0
        _, parameters = file.unpack("HH", place, "filters")
        place += 4 + ((length + 7) // 8 * 8 if version == 1 else length)
        place += 4 * (parameters + (parameters % 2 if version == 1 else 0))
        if identifier not in (_DEFLATE, _SHUFFLE):
            raise ValueError(f"HDF5 datasets with the filter {_FILTERS.get(identifier, identifier)} are not read")
        found.append(identifier)
    return found


@dataclass(frozen=True)
class _Chunk:
    """A chunk of a data set: where it begins in the array, and its bytes in the file.

    Attributes:
        skipped: a bit for each filter that the chunk was not sent through.
    """

    offset: tuple[int, ...]
    address: int
    size: int
    skipped: int


def _chunked(file: Bytes, shape: tuple[int, ...], kind: Type, version: int, place: int, filters: list[int]) -> Dataset:
    assert kind.dtype is not None
    if version == 3:
        (rank,) = file.unpack("B", place, "data layout")
        (address,) = file.unpack("Q", place + 1, "data layout")
        sizes = file.unpack(f"{min(rank, _MAX_RANK + 1)}I", place + 9, "data layout")
    else:
        flags, rank, encoded = file.unpack("BBB", place, "data layout")
        place += 3
        sizes = tuple(
            file.number(place + encoded * axis, encoded, "data layout") for axis in range(min(rank, _MAX_RANK + 1))
        )
        place += encoded * len(sizes)
        (index,) = file.unpack("B", place, "data layout")
        if index != 1:
            raise ValueError("HDF5 datasets in chunks of the newest format are not read; write with libver='earliest'")
        filtered = bool(flags & 2)
        packed, skipped = file.unpack("QI", place + 1, "data layout") if filtered else (0, 0)
        (address,) = file.unpack("Q", place + (13 if filtered else 1), "data layout")
    if rank != len(shape) + 1 or sizes[-1] != kind.size or not all(sizes):
        raise ValueError(f"damaged HDF5 data: chunks of {sizes} in a dataset of shape {shape}")
    chunk = sizes[:-1]
    length = math.prod(sizes)
    if version == 4:
        found = [_Chunk((0,) * len(shape), address, packed if filtered else length, skipped)]
    else:
        found = list(_chunks(file, address, len(shape), 0)) if address != UNDEFINED else []
    expected = math.prod(-(-size // step) for size, step in zip(shape, chunk, strict=True))
    if len(found) != expected or len({item.offset for item in found}) != expected:
        raise ValueError(f"damaged HDF5 data: {len(found)} chunks in a dataset of shape {shape}; expected {expected}")
    for item in found:
        if any(begin % step or begin >= size for begin, step, size in zip(item.offset, chunk, shape, strict=True)):
            raise ValueError(f"damaged HDF5 data: a chunk at {item.offset} of shape {shape}")
    raw = [file.values(item.address, item.size, "chunk") for item in found]

    def values() -> NDArray[Any]:
        file.unpacked((math.prod(shape) + 2 * math.prod(chunk)) * kind.size)
        array = np.zeros(shape, kind.dtype)
        for item, data in zip(found, raw, strict=True):
            block = _unfiltered(data, filters, item.skipped, length, kind.size)
            piece = np.ndarray(chunk, kind.dtype, block)
            ends = [min(size - begin, step) for size, begin, step in zip(shape, item.offset, chunk, strict=True)]
            target = tuple(slice(begin, begin + end) for begin, end in zip(item.offset, ends, strict=True))
            array[target] = piece[tuple(slice(0, end) for end in ends)]
        return array

    return Dataset(shape, kind, values)


def _chunks(file: Bytes, address: int, rank: int, depth: int) -> Iterator[_Chunk]:
    """The chunks below a node of a version 1 B-tree (section III.A.1)."""
    if depth > 8:
        raise ValueError("damaged HDF5 data: a dataset's tree is too deep")
    file.visit(address, "B-tree node")
    file.signature(address, b"TREE", "B-tree node")
    kind, level, count = file.unpack("BBH", address + 4, "B-tree node")
    if kind != 1:
        raise ValueError(f"damaged HDF5 data: B-tree of type {kind} in a dataset")
    key = 8 + 8 * (rank + 1)
    for number in range(count):
        file.step()
        place = address + 24 + (key + 8) * number
        size, skipped = file.unpack("II", place, "B-tree node")
        offset = file.unpack(f"{rank}Q", place + 8, "B-tree node")
        (child,) = file.unpack("Q", place + key, "B-tree node")
        if level:
            yield from _chunks(file, child, rank, depth + 1)
        else:
            yield _Chunk(offset, child, size, skipped)


def _unfiltered(data: memoryview, filters: list[int], skipped: int, length: int, item: int) -> bytes | memoryview:
    """The `length` bytes of a chunk of values of `item` bytes each."""
    block: bytes | memoryview = data
    for number in reversed(range(len(filters))):
        if skipped >> number & 1:
            continue
        if filters[number] == _DEFLATE:
            unpacker = zlib.decompressobj()
            try:
                block = unpacker.decompress(block, length + 1)
            except zlib.error as error:
                raise ValueError(f"damaged HDF5 data: a chunk cannot be unpacked: {error}") from error
            if not unpacker.eof:
                raise ValueError(f"damaged HDF5 data: a chunk is not unpacked to {length} bytes")
        elif len(block) % item == 0:
            planes = np.frombuffer(block, np.uint8).reshape(item, -1)
            block = planes.T.tobytes()
    if len(block) != length:
        raise ValueError(f"damaged HDF5 data: a chunk has {len(block)} bytes; expected {length}")
    return block
