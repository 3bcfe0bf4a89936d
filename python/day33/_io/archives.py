"""Zip archives, and the .npy arrays in them, read without trusting them.

Every member is read once and in pieces: memory grows with what is really there, never with what a header claims. A
size is compared with a limit, and an array's shape with the bytes that follow it, before anything is allocated.
Nothing is ever unpacked to disk, and nothing unpickled but the lists of numbers of some data sets (`number_lists`).
"""

from __future__ import annotations

import errno
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import PathLike
from .number_lists import read_number_lists

_CHUNK = 1 << 20
_MAX_NPY_HEADER = 4096
# DEFLATE can make a million zeros out of a kilobyte. Small members may; large ones that do are taken for bombs.
_SMALL = 64 << 20
_MAX_EXPANSION = 100
_MAX_MEMBERS = 100_000

# What zipfile and zlib raise on damaged input; unknown compression and encryption are RuntimeErrors.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, OverflowError, MemoryError, KeyError,
    IndexError, AttributeError, TypeError, ValueError,
)  # fmt: skip


@contextmanager
def refusing(path: PathLike, what: str) -> Iterator[None]:
    """Turns whatever damaged content makes a reader raise into a ValueError with the path and the reason."""
    try:
        yield
    except _DAMAGE as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f"{os.fspath(path)} is not a usable {what}: {reason}") from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # EINVAL: an offset in the file points nowhere
            raise
        raise ValueError(f"{os.fspath(path)} is not a usable {what}: {error}") from error


class Archive:
    """An open zip file. Use it as a context manager, inside `refusing`.

    Attributes:
        names: of the members, in order.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(stream)
        self._infos: dict[str, zipfile.ZipInfo] = {}
        members = [info for info in self._zip.infolist() if not info.is_dir()]
        if len(members) > _MAX_MEMBERS:
            raise ValueError(f"it has {len(members)} members; at most {_MAX_MEMBERS} are read")
        for info in members:
            check_name(info.filename)
            if info.filename in self._infos:
                raise ValueError(f"it has two members named {info.filename!r}")
            self._infos[info.filename] = info
        length = stream.seek(0, os.SEEK_END)
        refuse_bomb("it", sum(info.file_size for info in members), length)
        self.names = list(self._infos)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of a member of at most `limit` bytes, its checksum verified."""
        with self._open(name, limit) as stream:
            return bytes(read_exactly(stream, self._infos[name].file_size, f"member {name!r}"))

    def read_array(self, name: str, limit: int | None = None) -> NDArray[Any]:
        """The array in the .npy member `name`."""
        with self._open(name, None if limit is None else limit + _MAX_NPY_HEADER) as stream:
            return read_npy(stream, self._infos[name].file_size, f"member {name!r}", limit)

    def read_number_lists(self, name: str, limit: int) -> list[NDArray[np.int64]]:
        """The rows of the .npy member `name` of at most `limit` bytes: lists of whole numbers of different lengths."""
        with self._open(name, limit) as stream:
            _read_npy_header(stream, f"member {name!r}", objects=True)
            return read_number_lists(stream, f"member {name!r}")

    def array_header(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and dtype of the array in the .npy member `name`, as its header announces them."""
        with self._open(name, None) as stream:
            shape, _, dtype = _read_npy_header(stream, f"member {name!r}")
            return shape, dtype

    def _open(self, name: str, limit: int | None) -> IO[bytes]:
        if name not in self._infos:
            found = ", ".join(sorted(self._infos)[:8]) or "nothing"
            raise ValueError(f"there is no member {name!r} (found: {found})")
        info = self._infos[name]
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"member {name!r} is compressed in a way that is not supported ({info.compress_type})")
        if limit is not None and info.file_size > limit:
            raise ValueError(f"member {name!r} announces {info.file_size} bytes; at most {limit} are read")
        refuse_bomb(f"member {name!r}", info.file_size, info.compress_size)
        return self._zip.open(info)


def refuse_bomb(what: str, size: int, compressed: int) -> None:
    """Raises ValueError where `size` bytes are too many to have been compressed to `compressed` ones."""
    if size > _SMALL and size > _MAX_EXPANSION * compressed:
        raise ValueError(f"{what} holds {size} bytes, compressed to {compressed}; it looks like a bomb")


def check_name(name: str) -> None:
    """ValueError for the name of a member that is no path inside of the archive. Writers check it, too."""
    path = PurePosixPath(name.replace("\\", "/"))
    drive = len(name) > 1 and name[0].isascii() and name[0].isalpha() and name[1] == ":"
    if path.is_absolute() or ".." in path.parts or drive or "\0" in name:
        raise ValueError(f"member {name!r} has a path that leads out of the archive")


def read_exactly(stream: IO[bytes], size: int, what: str) -> bytearray:
    """Reads `size` bytes and the end of the stream. Memory grows with what is there, not with what a header claims."""
    data = bytearray()
    while len(data) < size:
        chunk = stream.read(min(_CHUNK, size - len(data)))
        if not chunk:
            raise ValueError(f"{what}: truncated, {len(data)} of {size} bytes of values")
        data += chunk
    if stream.read(1):
        raise ValueError(f"{what}: more values than its header announces ({size} bytes)")
    return data


def read_npy(stream: IO[bytes], size: int, what: str, limit: int | None = None) -> NDArray[Any]:
    """The array of a .npy stream of `size` bytes. ValueError unless it is exactly one array of plain numbers."""
    shape, fortran_order, dtype = _read_npy_header(stream, what)
    wanted = math.prod(shape) * dtype.itemsize  # Python integers: no overflow on a forged shape
    present = size - stream.tell()
    if limit is not None and wanted > limit:
        raise ValueError(f"{what} declares {dtype} of shape {shape}, more than the {limit} bytes allowed")
    if wanted != present:
        problem = "truncated" if wanted > present else "more values than announced"
        raise ValueError(f"{what} declares {dtype} of shape {shape}, {wanted} bytes, but holds {present}: {problem}")
    data = read_exactly(stream, wanted, what)
    return np.ndarray(shape, dtype, data, order="F" if fortran_order else "C")


def _read_npy_header(
    stream: IO[bytes], what: str, objects: bool = False
) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(stream)
        readers = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        if version not in readers:
            raise ValueError(f"array format version {version[0]}.{version[1]} is not known")
        shape, fortran_order, dtype = readers[version](stream, max_header_size=_MAX_NPY_HEADER)
    except (zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:  # NumPy parses the header as Python text: SyntaxError, TokenError and others come out
        raise ValueError(f"{what}: damaged header: {error}") from error
    if any(not isinstance(side, int) or side < 0 for side in shape):
        raise ValueError(f"{what} declares shape {shape}: damaged header")
    if dtype.hasobject and not objects:
        raise ValueError(f"{what} holds Python objects, which are never loaded")
    return shape, fortran_order, dtype
