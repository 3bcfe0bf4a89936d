"""`keras.utils.get_file`, from a server on loopback."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from day33.utils import get_file
from support.server import Server, serving

CONTENT = b"some lines\n" * 1000


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("DAY33_CACHE", str(tmp_path / "cache"))
    with serving(CONTENT, "lines.txt") as made:
        yield made


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_once(server: Server, tmp_path: Path) -> None:
    path = get_file(origin=server.url)
    assert path == str(tmp_path / "cache" / "datasets" / "lines.txt")
    assert Path(path).read_bytes() == CONTENT
    assert get_file("lines.txt", server.url) == path and server.requests == 1
    server.content = b"new"
    assert Path(get_file(origin=server.url)).read_bytes() == CONTENT
    assert Path(get_file(origin=server.url, force_download=True)).read_bytes() == b"new" and server.requests == 2
    other = get_file("song", server.url, cache_subdir="lyrics", cache_dir=tmp_path / "here")
    assert other == str(tmp_path / "here" / "lyrics" / "song")
    assert files_below(tmp_path) == ["cache/datasets/lines.txt", "here/lyrics/song"]


@pytest.mark.parametrize(
    "expected",
    [
        {"file_hash": hashlib.sha256(CONTENT).hexdigest()},
        {"file_hash": hashlib.sha256(CONTENT).hexdigest().upper(), "hash_algorithm": "sha256"},
        {"file_hash": hashlib.md5(CONTENT).hexdigest()},
        {"md5_hash": hashlib.md5(CONTENT).hexdigest()},
    ],
)
def test_hashes(server: Server, tmp_path: Path, expected: dict[str, str]) -> None:
    path = get_file(origin=server.url, **expected)  # type: ignore[arg-type]
    Path(path).write_bytes(b"damaged")
    assert Path(get_file(origin=server.url, **expected)).read_bytes() == CONTENT  # type: ignore[arg-type]
    assert server.requests == 2
    server.content = b"other"
    with pytest.raises(ValueError, match="not the expected file, nothing was kept"):
        get_file("other.txt", server.url, **expected)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not the expected file"):
        get_file(origin=server.url, force_download=True, **expected)  # type: ignore[arg-type]
    assert files_below(tmp_path) == ["cache/datasets/lines.txt"] and Path(path).read_bytes() == CONTENT


@pytest.mark.parametrize("fault", ["404", "500", "truncate"])
def test_a_broken_download_leaves_nothing(server: Server, tmp_path: Path, fault: str) -> None:
    server.fault = fault
    with pytest.raises(OSError, match="could not download"):
        get_file(origin=server.url.replace("lines", "absent") if fault == "404" else server.url)
    assert files_below(tmp_path) == []


def tar_of(members: dict[str, bytes], mode: str = "w:gz") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


MEMBERS = {"photos/a/1.txt": b"one", "photos/b/2.txt": b"two"}


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_archives(server: Server, tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    server.content = make(MEMBERS)
    folder = get_file(origin=server.url, extract=True)
    assert folder == str(tmp_path / "cache" / "datasets" / "lines.txt")  # as Keras: the name of the origin
    assert files_below(Path(folder)) == sorted(MEMBERS)
    assert (Path(folder) / "photos" / "b" / "2.txt").read_bytes() == b"two"
    assert get_file(origin=server.url, extract=True) == folder and server.requests == 1
    named = get_file("photos.bin", server.url, extract=True)
    assert named == str(tmp_path / "cache" / "datasets" / "photos_extracted")
    assert get_file("photos", server.url, extract=True) == str(tmp_path / "cache" / "datasets" / "photos")
    server.content = make({"photos/3.txt": b"three"})
    get_file("photos", server.url, extract=True, force_download=True)
    assert files_below(tmp_path / "cache" / "datasets" / "photos") == ["photos/3.txt"]


def test_untar(server: Server) -> None:
    server.content = tar_of(MEMBERS)
    assert files_below(Path(get_file(origin=server.url, untar=True))) == sorted(MEMBERS)
    server.content = zip_of(MEMBERS)
    with pytest.raises(ValueError, match="no archive of the format 'tar'"):
        get_file("other", server.url, untar=True)


def link(kind: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    return stream.getvalue()


def shifted(archive: bytes) -> bytes:
    """A zip file that says its table begins 100 bytes later, so that its members begin before the file."""
    place = len(archive) - 6
    return (
        archive[:place] + (int.from_bytes(archive[place : place + 4], "little") + 100).to_bytes(4, "little") + b"\0\0"
    )


def sized(kind: bytes, size: int, mode: str = "w:gz") -> bytes:
    """A file, and a member of some kind that says it has `size` bytes, without them."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode, format=tarfile.GNU_FORMAT) as archive:  # type: ignore[call-overload]
        archive.addfile(tarfile.TarInfo("a.txt"))
        info = tarfile.TarInfo("odd")
        info.type, info.size = kind, size
        archive.addfile(info)
    return stream.getvalue()


def described(**headers: str) -> bytes:
    """A file, and one with a header of POSIX that says more of it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
        info = tarfile.TarInfo("odd")
        info.pax_headers = {name.replace("_", "."): value for name, value in headers.items()}
        archive.addfile(info)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tar_of({"../outside.txt": b"x"}), "outside of the folder"),
        (tar_of({"/outside.txt": b"x"}), "outside of the folder"),
        (tar_of({"a/../../outside.txt": b"x"}), "outside of the folder"),
        (zip_of({"../outside.txt": b"x"}), "outside of the folder"),
        (zip_of({"a.txt": b"x", "..\\outside.txt": b"x"}), "outside of the folder"),
        (link(tarfile.SYMTYPE), "neither a plain file nor a folder"),
        (link(tarfile.LNKTYPE), "neither a plain file nor a folder"),
        (link(tarfile.FIFOTYPE), "neither a plain file nor a folder"),
        (b"no archive", "no archive of the format 'auto'"),
        (tar_of({f"{i}": b"x" * 999 for i in range(50)}, "w:gz")[:-300], "damaged"),
        (tar_of({"a.txt": b"x"}, "w:gz")[:-30], "damaged: Compressed file ended"),
        (tar_of({"a.txt": b"x"}, "w:gz")[:12], "damaged: Compressed file ended"),
        # The system refuses them; its message had the name of a temporary folder, or none.
        (tar_of({"a" * 300: b"x"}), "photos_archive is damaged, or has members of unusable names: File name too long"),
        (tar_of({"a": b"x", "a/b": b"x"}), "photos_archive is damaged, or has members of unusable names"),
        (shifted(zip_of({"a.txt": b"x"})), "photos_archive is damaged"),
        # The first took as much memory as they name, or ended in an error that names no file, the next two went on for
        # ever, and the last ones wrote as many zeros as they like, or ended in an error that names no file.
        *(
            (sized(kind, size, mode=mode), f"photos_archive is damaged: it has a header of {size} bytes; expected at")
            for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE)
            for size in (1 << 50, -512)
            for mode in ("w", "w:gz", "w:xz")
        ),
        (sized(tarfile.REGTYPE, -512), "photos_archive is damaged: the member 'odd' has -512 bytes"),
        (described(size="-1536"), "photos_archive is damaged: the member 'odd' has -1536 bytes"),
        (described(GNU_sparse_map="0,0", GNU_sparse_size=str(1 << 50)), "'odd', which is neither a plain file nor"),
        (described(GNU_sparse_map="zero"), "photos_archive is damaged: invalid literal for int"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,  # compressed archives have the time in them
)
def test_archives_that_are_refused(server: Server, tmp_path: Path, content: bytes, said: str) -> None:
    server.content = content
    with pytest.raises(ValueError, match=said):
        get_file("photos", server.url, extract=True)
    assert files_below(tmp_path) == ["cache/datasets/photos_archive"]


def test_arguments_are_checked_before_the_network(server: Server) -> None:
    for arguments, said in (
        ({"fname": "x"}, "origin is None"),
        ({"fname": "a/b", "origin": server.url}, "fname is 'a/b'"),
        ({"fname": "..", "origin": server.url}, r"fname is '\.\.'"),
        ({"origin": "http://127.0.0.1/"}, "fname is ''"),
        ({"origin": "file:///etc/passwd"}, "url is 'file:///etc/passwd'; expected one that begins with http"),
        ({"origin": server.url, "file_hash": "12"}, "known_hash is '12'; expected the 64 hexadecimal digits"),
        ({"origin": server.url, "file_hash": "12", "hash_algorithm": "crc"}, "hash_algorithm is 'crc'"),
        ({"origin": server.url, "md5_hash": "z" * 32}, "expected the 32 hexadecimal digits of an MD5"),
    ):
        with pytest.raises(ValueError, match=said):
            get_file(**arguments)  # type: ignore[arg-type]
    assert server.requests == 0
