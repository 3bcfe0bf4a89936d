"""Archives of arrays (.npz) that are written whole or not at all, and read without trusting them.

Written uncompressed and without pickle; read back only if every member is a plain array whose declared size is the
size that is really there, so that a truncated, damaged or hostile file costs no more than its own length.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ._files import replacing

_SUFFIX = ".npy"


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write `arrays` to `path` so that the file is the old one or the new one at every moment, even under SIGKILL.

    A symbolic link is followed. Raises TypeError for arrays of objects, OSError where the folder cannot be written.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"{name} has dtype {array.dtype}; only plain numbers can be saved")
    with replacing(Path(os.path.realpath(path))) as temporary, open(temporary, "wb") as stream:
        # np.savez takes the names as keyword arguments, where "file" is not free: write the members directly.
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for name, array in arrays.items():
                with archive.open(name + _SUFFIX, "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def read_npz(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """The arrays of an uncompressed or compressed .npz file by name.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not an archive of plain arrays; the message has the path and the reason.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                info.filename.removesuffix(_SUFFIX): _read_member(archive, info)
                for info in archive.infolist()
                if not info.is_dir()
            }
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError, ValueError) as error:
        # NotImplementedError and RuntimeError are zipfile's words for unknown compression and encryption.
        raise ValueError(f"{os.fspath(path)} is not a usable .npz file: {error}") from error


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    if not info.filename.endswith(_SUFFIX):
        raise ValueError(f"member {info.filename!r} is not an array")
    with archive.open(info) as member:
        shape, dtype = _read_header(member)
        if dtype.hasobject:
            raise ValueError(f"member {info.filename!r} holds Python objects, which are never loaded")
        count = 1
        for side in shape:  # Python integers: no overflow on a forged shape
            count *= side
        present = info.file_size - member.tell()
        if count * dtype.itemsize != present:
            raise ValueError(
                f"member {info.filename!r} declares {dtype} of shape {shape}, {count * dtype.itemsize} bytes, "
                f"but holds {present}"
            )
    # A second pass through the public reader, which checks the CRC at the end of the member.
    with archive.open(info) as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):
            raise ValueError(f"member {info.filename!r} has bytes after its array")
    return array


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    else:
        raise ValueError(f"array format {version[0]}.{version[1]} is not known")
    return shape, dtype
