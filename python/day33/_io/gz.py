"""Files that may be gzip-compressed, read without trusting them."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .archives import refuse_bomb

_SUFFIX = ".gz"


@contextmanager
def open_maybe_gz(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed where its name ends in .gz.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: damaged gzip data, or a little of it that becomes very much; the message has the path.
    """
    with open(path, "rb") as raw:
        if path.suffix != _SUFFIX:
            yield raw
            return
        try:
            with gzip.GzipFile(fileobj=raw) as packed:
                yield io.BufferedReader(_Bounded(packed, path, os.fstat(raw.fileno()).st_size))
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise ValueError(f"{path}: damaged gzip data: {error}") from error


class _Bounded(io.RawIOBase):
    """What comes out of a gzip stream, counted."""

    def __init__(self, packed: gzip.GzipFile, path: Path, compressed: int) -> None:
        self._packed, self._path, self._compressed = packed, path, compressed
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = self._packed.readinto(buffer)
        self._size += count
        refuse_bomb(str(self._path), self._size, self._compressed)
        return count
