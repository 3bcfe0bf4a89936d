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
    ValueError, IndexError,
)  # fmt: skip
# Members of tar files that say something about the next one, and are read into memory.
_HEADERS = (
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
)  # fmt: skip
_LARGEST_HEADER = 1 << 20
_Member = tuple[str, bool, Callable[[], IO[bytes] | None]]  # its path, whether it is a folder, its bytes


class _Refusal(ValueError):
    """What is wrong with an archive that may be whole, in a sentence that names it."""


def unpack(archive: Path, folder: Path, archive_format: str | None = "auto") -> None:
    """Unpacks an archive to `folder`, in place of what is there.

    Args:
        archive: the file.
        folder: where its members go.
        archive_format: "tar" (compressed, too), "zip", or "auto" for either.

    Raises:
        ValueError: no such archive, a damaged one, or a member that is a link, a device, or outside of the folder.
    """
    readers = {"tar": (_is_tar, _tar_members), "zip": (zipfile.is_zipfile, _zip_members)}
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
                raise _Refusal(f"{archive} is no archive of the format {archive_format!r}")
            for path, is_folder, read in fitting[0](archive):
                _write(archive, made, path, is_folder, read)
        except _Refusal:
            raise
        except _DAMAGE as error:
            raise ValueError(f"{archive} is damaged: {error}") from error
        except MemoryError:  # LZMA's dictionary, whose size the archive names, too
            raise ValueError(f"{archive} cannot be unpacked in the memory that there is") from None
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
        raise _Refusal(f"{archive} has the member {path!r}, which lies outside of the folder")
    target = folder / relative
    if is_folder:
        target.mkdir(parents=True, exist_ok=True)
        return
    stream = read()
    if stream is None:
        raise _Refusal(f"{archive} has the member {path!r}, which is neither a plain file nor a folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with stream, open(target, "wb") as file:
        shutil.copyfileobj(stream, file)


class _TarInfo(tarfile.TarInfo):
    """A member whose size is checked before anything of it is read."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:  # tarfile's place for what subclasses do
        if self.type in _HEADERS and not 0 <= self.size <= _LARGEST_HEADER:
            raise ValueError(f"it has a header of {self.size} bytes; expected at most {_LARGEST_HEADER}")
        return super()._proc_member(tar)  # type: ignore[misc, no-any-return]


def _open_tar(archive: Path) -> tarfile.TarFile:
    return tarfile.open(archive, tarinfo=_TarInfo)


def _is_tar(archive: Path) -> bool:
    """As tarfile.is_tarfile, which reads the first header, however large it is."""
    try:
        _open_tar(archive).close()
    except tarfile.TarError:
        return False
    return True


def _tar_members(archive: Path) -> Iterator[_Member]:
    with _open_tar(archive) as tar:
        for member in tar:
            if member.size < 0:  # the next one would be looked for before this one, for ever
                raise ValueError(f"the member {member.name!r} has {member.size} bytes")
            is_plain = member.isreg() and not member.issparse()  # a sparse one may be of any size
            yield (
                member.name,
                member.isdir(),
                lambda member=member, is_plain=is_plain: (  # type: ignore[misc]
                    tar.extractfile(member) if is_plain else None
                ),
            )


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as zipped:
        for info in zipped.infolist():
            yield info.filename, info.is_dir(), lambda info=info: zipped.open(info)  # type: ignore[misc]
