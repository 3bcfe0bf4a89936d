"""The files of a saved ensemble beside its manifest: texts and weights, named after their content."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from .._io.archives import Archive, refusing
from .._io.files import open_regular, staging, write_text
from .._io.npz import write_npz

__all__ = ["DamagedFileError", "PartReader", "PartWriter", "remove_parts"]

_NAME = re.compile(r"part-[0-9a-f]+\.(?:txt|npz)")
_ARRAY = ".npy"
_BLOCK = 1 << 20


class DamagedFileError(ValueError):
    """A file is not what it was when it was saved; the message names it."""


class PartWriter:
    """Writes files into a folder.

    A file's name is a part of its SHA-256: no file of another content is ever overwritten, so an ensemble that is in
    the folder stays whole until its manifest is replaced.

    Attributes:
        digests: the SHA-256 of each file written, by name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.digests: dict[str, str] = {}

    def text(self, text: str) -> str:
        """Write a text; returns the name of its file."""
        with self._staged(".txt") as path:
            write_text(path, text)
            return self._placed(path)

    def weights(self, weights: list[NDArray[Any]]) -> str:
        """Write arrays in order; returns the name of their file."""
        with self._staged(".npz") as path:
            write_npz(path, {str(index): array for index, array in enumerate(weights)})
            return self._placed(path)

    @contextlib.contextmanager
    def _staged(self, suffix: str) -> Iterator[Path]:
        with staging(self._folder) as folder:
            yield folder / f"part{suffix}"

    def _placed(self, path: Path) -> str:
        with open(path, "rb") as stream:
            digest = _sha256(stream)
        name = f"part-{digest[:16]}{path.suffix}"
        os.replace(path, self._folder / name)
        self.digests[name] = digest
        return name


class PartReader:
    """Reads files that a manifest names, and trusts nothing in them.

    Args:
        folder: where they are. digests: what the manifest says is the SHA-256 of each.

    Raises:
        ValueError: `digests` is not the SHA-256 of files by name.
    """

    def __init__(self, folder: Path, digests: Any) -> None:
        if not isinstance(digests, dict) or not all(isinstance(digest, str) for digest in digests.values()):
            raise ValueError(f"files is a {type(digests).__name__}; expected the SHA-256 of each file by name")
        self._folder, self._digests = folder, digests

    def path(self, name: Any) -> Path:
        """Where the file of that name is. ValueError where the manifest lists none."""
        if not isinstance(name, str) or name not in self._digests or Path(name).name != name:
            raise ValueError(f"{name!r} is not one of its files")
        return self._folder / name

    def text(self, name: Any) -> str:
        """The text in a file. FileNotFoundError, or DamagedFileError where it is not what was saved."""
        with self._opened(name) as stream:
            return stream.read().decode("utf-8")

    def weights(self, name: Any) -> list[NDArray[Any]]:
        """The arrays in a file, in order. FileNotFoundError, or DamagedFileError where it is not what was saved."""
        with self._opened(name) as stream, Archive(stream) as archive:
            expected = [f"{index}{_ARRAY}" for index in range(len(archive.names))]
            if sorted(archive.names) != sorted(expected):
                raise ValueError("its members are not numbered arrays")
            arrays = [archive.read_array(member) for member in expected]
            if any(array.dtype.kind != "f" for array in arrays):
                raise ValueError("its arrays are not floats")
            return arrays

    @contextlib.contextmanager
    def _opened(self, name: Any) -> Iterator[BinaryIO]:
        path = self.path(name)
        try:
            with open_regular(path, follow_links=False) as stream, refusing(path, "part of an ensemble"):
                if _sha256(stream) != self._digests[name]:
                    raise DamagedFileError(f"{path}: not the file that was saved (its SHA-256 is another)")
                stream.seek(0)
                yield stream
        except ValueError as error:
            raise DamagedFileError(str(error)) from error


def remove_parts(folder: Path, names: set[str]) -> None:
    """Remove those of the files that a `PartWriter` may have written, and no others."""
    for name in sorted(names):
        if _NAME.fullmatch(name):
            with contextlib.suppress(OSError):  # what stays does no harm
                (folder / name).unlink()


def _sha256(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
