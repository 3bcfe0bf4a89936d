"""`get_file`: a file from a server, once."""

from __future__ import annotations

import os
import posixpath
import urllib.parse
from pathlib import Path

from .._io.download import HASH_LENGTHS, cache_dir, fetch
from .._io.unpacking import unpack


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Downloads a file unless it is in the cache, and returns its path.

    A file whose hash is not the expected one is not kept, and one in the cache is fetched anew. Without a hash nothing
    says that the file is the expected one.

    Args:
        fname: the name in the cache; by default the last part of `origin`.
        origin: where to fetch it, http:// or https://.
        untar: the same as `extract`, of a tar archive.
        md5_hash: the same as `file_hash`, of MD5.
        file_hash: the SHA-256 or MD5 that the file must have, as hexadecimal digits.
        cache_subdir: the folder below `cache_dir`; an absolute path is taken as it is.
        hash_algorithm: "sha256", "md5", or "auto", which tells them apart by their length.
        extract: unpack the archive, into a folder beside it. Members outside of that folder, and links, are refused.
        archive_format: "tar" (also compressed), "zip", or "auto" for either.
        cache_dir: by default the folder that day33 keeps downloads in, ``DAY33_CACHE`` if set.
        force_download: fetch it even if it is in the cache.

    Returns:
        The path of the file; with `extract` that of the folder.

    Raises:
        ValueError: no origin or no name in it, `fname` is a path, an unknown hash algorithm, another hash than
            expected, or no archive of that format.
        OSError: the server could not be reached, refused, or broke off.
    """
    if origin is None:
        raise ValueError("origin is None; expected the address of the file")
    name = os.fspath(fname) if fname else posixpath.basename(urllib.parse.urlsplit(origin).path)
    if name in ("", ".", "..") or Path(name).name != name:
        raise ValueError(f"fname is {name!r}; expected the name of a file, without folders (see cache_dir)")
    folder = Path(_default_cache() if cache_dir is None else cache_dir).expanduser() / cache_subdir
    unpacked = extract or untar
    file, target = folder / name, folder / name
    if unpacked and fname and "." in name:
        target = folder / f"{name.partition('.')[0]}_extracted"
    elif unpacked:
        file = folder / f"{name}_archive"
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    before = file.stat() if file.exists() else None
    fetch(origin, file_hash, file, name, True, algorithm=_algorithm(hash_algorithm, file_hash), again=force_download)
    if not unpacked:
        return str(file)
    if before is None or before.st_mtime_ns != file.stat().st_mtime_ns or not target.exists():
        unpack(file, target, "tar" if untar else archive_format)
    return str(target)


_default_cache = cache_dir


def _algorithm(name: str, file_hash: str | None) -> str:
    if name == "auto":
        return "md5" if file_hash is not None and len(file_hash) == HASH_LENGTHS["md5"] else "sha256"
    if name not in HASH_LENGTHS:
        raise ValueError(f'hash_algorithm is {name!r}; expected "auto" or one of {", ".join(HASH_LENGTHS)}')
    return name
