"""Archives to folders, whole or not at all, and nothing outside of the folder."""

from __future__ import annotations

import errno
import gzip
import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

# What systems say to places before the archive, and to names that they do not take or that contradict each other.
_REFUSED = (errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ, errno.EISDIR, errno.ENOTDIR, errno.EEXIST)
# What the readers of archives raise: some of it, like the IndexError for a member without a name, by oversight.
_DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError,
    UnicodeDecodeError, IndexError,
)  # fmt: skip
_Member = tuple[str, bool, Callable[[], IO[bytes] | None]]  # its path, whether it is a folder, its bytes


def unpack(archive: Path, folder: Path, archive_format: str | None = "auto") -> None:
    """Unpacks an archive to `folder`, in place of what is there.

    Args:
        archive: the file.
        folder: where its members go.
        archive_format: "tar" (compressed, too), "zip", or "auto" for either.

    Raises:
        ValueError: no such archive, a damaged one, or a member that is a link, a device, or outside of the folder.
    """
    readers = {"tar": (tarfile.is_tarfile, _tar_members), "zip": (zipfile.is_zipfile, _zip_members)}
    if archive_format not in ("auto", *readers):
        raise ValueError(f'archive_format is {archive_format!r}; expected "auto" or one of {", ".join(readers)}')
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        made = Path(temporary, "new")
        made.mkdir()
        try:
            fitting = [
                members
                for name, (fits, members) in readers.items()
                if archive_format in ("auto", name) and fits(archive)
            ]
            if not fitting:
                raise ValueError(f"{archive} is no archive of the format {archive_format!r}")
            for path, is_folder, read in fitting[0](archive):
                _write(archive, made, path, is_folder, read)
        except _DAMAGE as error:
            raise ValueError(f"{archive} is damaged: {error}") from error
        except MemoryError:  # a header names a size that no memory has
            raise ValueError(f"{archive} is damaged: it has a header larger than the memory") from None
        except OSError as error:
            if error.errno not in _REFUSED:
                raise
            raise ValueError(f"{archive} is damaged, or has members of unusable names: {error.strerror}") from error
        if folder.exists():
            folder.rename(Path(temporary, "old"))
        made.rename(folder)


def _write(archive: Path, folder: Path, path: str, is_folder: bool, read: Callable[[], IO[bytes] | None]) -> None:
    relative = PurePosixPath(path.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts or ":" in (relative.parts or ("",))[0]:
        raise ValueError(f"{archive} has the member {path!r}, which lies outside of the folder")
    target = folder / relative
    if is_folder:
        target.mkdir(parents=True, exist_ok=True)
        return
    stream = read()
    if stream is None:
        raise ValueError(f"{archive} has the member {path!r}, which is neither a file nor a folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with stream, open(target, "wb") as file:
        shutil.copyfileobj(stream, file)


def _tar_members(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive) as tar:
        for member in tar:
            is_file = member.isreg()
            yield (
                member.name,
                member.isdir(),
                lambda member=member, is_file=is_file: (  # type: ignore[misc]
                    tar.extractfile(member) if is_file else None
                ),
            )


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as zipped:
        for info in zipped.infolist():
            yield info.filename, info.is_dir(), lambda info=info: zipped.open(info)  # type: ignore[misc]
