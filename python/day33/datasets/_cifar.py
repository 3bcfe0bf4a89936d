"""The format of CIFAR's binary files: records of labels and a picture, in a tar archive."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._io.download import cache_dir, fetch

UInt8 = NDArray[np.uint8]
_SIDE, _PLANES = 32, 3
_PIXELS = _PLANES * _SIDE * _SIDE
_LIMIT = 1 << 28  # bytes of one file; the largest of CIFAR has 150 MB


def read(name: str, url: str, known_hash: str, files: Sequence[str], labels: int, label: int) -> tuple[UInt8, UInt8]:
    """Pictures (N, 32, 32, 3) and labels (N, 1) of some files of an archive, which is downloaded if it is not there.

    Args:
        name: of the archive in the cache.
        url, known_hash: where it is, and its MD5.
        files: which of its files, by their names without folders.
        labels: how many labels, of one byte each, a record has.
        label: which of them.

    Raises:
        OSError: it could not be downloaded. ValueError: it is damaged or another one.
    """
    path = fetch(url, known_hash, cache_dir() / name, name, True, algorithm="md5")
    found = _members(path, files)
    records = []
    for file in files:
        if file not in found or len(found[file]) % (labels + _PIXELS):
            raise ValueError(f"{path} has no file {file} of records of {labels + _PIXELS} bytes")
        records.append(np.frombuffer(found[file], np.uint8).reshape(-1, labels + _PIXELS))
    table = np.concatenate(records)
    planes = table[:, labels:].reshape(-1, _PLANES, _SIDE, _SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), table[:, label : label + 1].copy()


def _members(path: Path, files: Sequence[str]) -> dict[str, bytes]:
    """The bytes of the files of those names."""
    found = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if name in files and member.isreg():
                    if member.size > _LIMIT:
                        raise ValueError(f"{path} has {member.size} bytes in {name}; at most {_LIMIT} are read")
                    stream = archive.extractfile(member)
                    found[name] = b"" if stream is None else stream.read()
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return found
