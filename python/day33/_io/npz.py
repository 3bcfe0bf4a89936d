"""Archives of arrays (.npz) that are written whole or not at all, and read without trusting them.

Written uncompressed and without pickle; read back by the rules of `archives`.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import PathLike
from .archives import Archive, check_name, refusing
from .files import open_regular, replacing

_SUFFIX = ".npy"


def write_npz(path: PathLike, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write `arrays` to `path` so that the file is the old one or the new one at every moment, even under SIGKILL.

    A symbolic link is followed. Raises TypeError for arrays of objects, ValueError for names that could not be read
    back, such as one with ".." in it, OSError where the folder cannot be written.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"{name} has dtype {array.dtype}; only plain numbers can be saved")
        check_name(name)
    with replacing(Path(path)) as temporary, open(temporary, "wb") as stream:
        # np.savez takes the names as keyword arguments, where "file" is not free: write the members directly.
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for name, array in arrays.items():
                with archive.open(name + _SUFFIX, "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


_SEAL = "sha256"  # the member with the digest of all others
Headers = dict[str, tuple[tuple[int, ...], np.dtype[Any]]]


def digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """The SHA-256 of names, dtypes, shapes and values: another one where arrays were exchanged or altered."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name}\0{array.dtype.str}\0{np.shape(arrays[name])}\0".encode())
        found.update(array.data)
    return found.hexdigest()


def write_sealed(path: PathLike, arrays: Mapping[str, NDArray[Any]]) -> None:
    """`write_npz` with a digest of the whole, which `read_sealed` checks."""
    write_npz(path, {**arrays, _SEAL: np.frombuffer(bytes.fromhex(digest(arrays)), np.uint8)})


def read_sealed(
    path: PathLike, is_older: Callable[[dict[str, NDArray[Any]]], bool] | None = None
) -> dict[str, NDArray[Any]]:
    """`read_npz` of what `write_sealed` wrote. ValueError where anything in it is not as it was written.

    Args:
        path: of the file.
        is_older: whether arrays without a digest were written by a version of day33 that had none, and are fine.
    """
    arrays = read_npz(path)
    seal = arrays.pop(_SEAL, None)
    if seal is None and is_older is not None and is_older(arrays):
        return arrays
    if seal is None:
        raise ValueError(f"{path} has no checksum; expected a file of this version of day33")
    if seal.tobytes().hex() != digest(arrays):
        raise ValueError(f"{path} is damaged: its checksum does not fit its content")
    return arrays


def read_npz(path: PathLike, check: Callable[[Headers], Iterable[str]] | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of an uncompressed or compressed .npz file by name.

    Args:
        path: of the file.
        check: called with the shape and dtype of each array by its name, as far as headers tell, before any values are
            read. It returns the names of the arrays to read, all by default.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a regular file, not an archive of plain arrays, or what `check` raises; the message has
            the path and the reason.
    """
    with open_regular(Path(path)) as stream, refusing(path, ".npz file"), Archive(stream) as archive:
        for name in archive.names:
            if not name.endswith(_SUFFIX):
                raise ValueError(f"member {name!r} is not an array")
        wanted: Iterable[str] = (name.removesuffix(_SUFFIX) for name in archive.names)
        if check is not None:
            wanted = check({name.removesuffix(_SUFFIX): archive.array_header(name) for name in archive.names})
        return {name: archive.read_array(name + _SUFFIX) for name in wanted}
