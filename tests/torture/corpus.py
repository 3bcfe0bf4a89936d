"""Files that a fuzzer found, one archive for each kind of file of `hostile`, and how they are read.

An input is a byte that chooses among the names of the kind, and then the file; of a folder, a zip archive.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import tempfile
import traceback
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from torture import hostile

FOLDER = Path(__file__).with_name("corpus")
_SINCE_EVER = (1980, 1, 1, 0, 0, 0)


def outcome(kind_name: str, data: bytes, place: Path) -> str:
    """Reads an input in a folder: "read", or the line of day33 that refused it.

    Whatever breaks a promise is raised, as `Kind.refusal` does.
    """
    kind = hostile.KINDS[kind_name]
    name, is_folder = member(kind_name, data)
    target = place / "inputs" / name
    shutil.rmtree(target.parent, ignore_errors=True)
    (target if is_folder else target.parent).mkdir(parents=True)
    if not is_folder:
        target.write_bytes(data[1:])
    elif not _unpack(data[1:], target):
        return "no folder"
    error = kind.refusal(target)
    return "read" if error is None else origin(error)


def member(kind_name: str, data: bytes) -> tuple[str, bool]:
    """The name of an input, and whether it is a folder."""
    names = hostile.KINDS[kind_name].names
    name = names[data[0] % len(names)] if data else names[0]
    return name, "." not in name


def _unpack(data: bytes, folder: Path) -> bool:
    """Writes plain files below a folder. Whether the data is an archive of such."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if not re.fullmatch(r"(\w[\w.-]*/)*\w[\w.-]*", info.filename) or info.file_size > 1 << 24:
                    return False
                path = folder / info.filename
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(info))
    except Exception:  # whatever zipfile raises, and names that are files and folders
        return False
    return True


def origin(error: BaseException) -> str:
    """The last line of day33 that an error came through, of what caused it in the first place."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/day33/" in frame.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "outside of day33"


# ---- the files ----


def good(kind_name: str, largest: int) -> list[bytes]:
    """Inputs made of the good files of a kind, those that are not larger."""
    kind = hostile.KINDS[kind_name]
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        kind.make(Path(temporary))
        for number, name in enumerate(kind.names):
            path = Path(temporary, name)
            if path.is_dir():
                files = sorted(item for item in path.rglob("*") if item.is_file() and item.name != ".lock")
                content = packed({str(item.relative_to(path)): item.read_bytes() for item in files})
            else:
                content = path.read_bytes()
            found.append(bytes([number]) + content)
    return [data for data in found if len(data) <= largest]


def kept(kind_name: str) -> list[bytes]:
    """The inputs of a kind in the tree."""
    path = FOLDER / f"{file_name(kind_name)}.zip"
    if not path.is_file():
        return []
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist()]


def keep(kind_name: str, inputs: Iterable[bytes]) -> None:
    """Makes these the inputs of a kind in the tree."""
    FOLDER.mkdir(exist_ok=True)
    content = {hashlib.sha256(data).hexdigest()[:12]: data for data in inputs}
    (FOLDER / f"{file_name(kind_name)}.zip").write_bytes(packed(dict(sorted(content.items())), zipfile.ZIP_DEFLATED))


def file_name(kind_name: str) -> str:
    """The name of a kind as files may have it."""
    return re.sub(r"\W+", "-", kind_name).strip("-")


def packed(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive of files by name, the same for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _SINCE_EVER), content, compression)
    return buffer.getvalue()
