"""MNIST, or any data set in its format: from an .npz file, from IDX files, or from the cached download."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from .._io.archives import Archive, read_exactly, refusing
from .._io.download import cache_dir, fetch

PathLike = str | os.PathLike[str]
UInt8 = NDArray[np.uint8]
Split = tuple[UInt8, UInt8]
# The file that Keras's own loader fetches, and its SHA-256.
MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
MNIST_FILE = "mnist.npz"
IMAGE_SHAPE = (28, 28)
# No array of an MNIST-shaped file comes near this; a header that asks for more is damaged or hostile.
MAX_ARRAY_BYTES = 1 << 30
_NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
_IDX_STEMS = {
    "x_train": "train-images",
    "y_train": "train-labels",
    "x_test": "t10k-images",
    "y_test": "t10k-labels",
}


def mnist_cache_path() -> Path:
    """Where `download_mnist` puts MNIST and `load_mnist` looks for it. The file need not exist."""
    return cache_dir() / MNIST_FILE


def load_mnist(path: PathLike | None = None) -> tuple[Split, Split]:
    """Load MNIST, or any data set in its format.

    Args:
        path: an ``.npz`` file with Keras's keys ``x_train``, ``y_train``, ``x_test`` and ``y_test``; or a folder with
            the four IDX files (``train-images-idx3-ubyte`` and so on, plain or ``.gz``); or None for the cached
            download. Nothing is ever downloaded by this function.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``; images uint8 (N, 28, 28), labels uint8 (N,).

    Raises:
        FileNotFoundError: nothing is there; the message names the command that fetches MNIST.
        ValueError: a file is damaged, or is not what its name promises.

    The IDX format: http://yann.lecun.com/exdb/mnist/ (magic 0, 0, type, rank; big-endian sizes; then the values).
    """
    if path is None:
        source = mnist_cache_path()
        if not source.is_file():
            raise FileNotFoundError(f"MNIST is not in the cache ({source}); fetch it once with: day33 data mnist")
    else:
        source = Path(path)
        if not source.exists():
            raise FileNotFoundError(
                f"no such file or folder: {source}; expected an .npz file or a folder of IDX files "
                "(day33 data mnist fetches MNIST)"
            )
    arrays = _read_idx_folder(source) if source.is_dir() else _read_npz(source)
    _check_split(source, "train", arrays["x_train"], arrays["y_train"])
    _check_split(source, "test", arrays["x_test"], arrays["y_test"])
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def download_mnist(
    url: str = MNIST_URL,
    known_hash: str = MNIST_SHA256,
    progress: bool = True,
    *,
    output: PathLike | None = None,
) -> Path:
    """Download MNIST once, check its hash, and return the path of the ``.npz`` file.

    A file that is already there with the right hash is not fetched again. The download goes to a temporary file next
    to its place and is moved there only when the hash is right, so a failed one leaves nothing behind.

    Args:
        url: where to fetch it; a mirror of the same file needs no other hash.
        known_hash: the SHA-256 the file must have, as hexadecimal digits.
        progress: draw a progress bar on standard error.
        output: the file to write instead of the cached one.

    Raises:
        ValueError: the file that came does not have that hash.
        OSError: the server could not be reached, refused, or broke off.
    """
    return fetch(url, known_hash, mnist_cache_path() if output is None else output, MNIST_FILE, progress)


def load_data(path: str = MNIST_FILE) -> tuple[Split, Split]:
    """MNIST from the cache; the first time, it is downloaded there, as Keras does.

    Args:
        path: for the sake of Keras code, where it names the file in the cache. An existing file of that path is
            read instead of the cached one.

    Raises:
        OSError: it is not in the cache, and could not be downloaded. ValueError: a damaged file.
    """
    if path != MNIST_FILE and Path(path).exists():
        return load_mnist(path)
    if not mnist_cache_path().is_file():
        download_mnist()
    return load_mnist()


def _check_split(source: Path, name: str, images: UInt8, labels: UInt8) -> None:
    if images.ndim != 3 or images.shape[1:] != IMAGE_SHAPE:
        raise ValueError(f"{source}: {name} images have shape {images.shape}, expected (N, 28, 28)")
    if labels.ndim != 1:
        raise ValueError(f"{source}: {name} labels have shape {labels.shape}, expected (N,)")
    if len(images) != len(labels):
        raise ValueError(f"{source}: {len(images)} {name} images but {len(labels)} labels")
    if len(images) == 0:
        raise ValueError(f"{source}: holds no {name} images")


def _array_bytes(shape: tuple[int, ...], what: str) -> int:
    size = math.prod(shape)
    if size > MAX_ARRAY_BYTES:
        raise ValueError(f"{what}: header announces shape {shape}, more than the {MAX_ARRAY_BYTES} bytes allowed")
    return size


def _read_npz(path: Path) -> dict[str, UInt8]:
    with open(path, "rb") as stream, refusing(path, ".npz file"), Archive(stream) as archive:
        missing = [key for key in _NPZ_KEYS if f"{key}.npy" not in archive]
        if missing:
            found = ", ".join(sorted(archive.names)[:8]) or "nothing"
            raise ValueError(f"no {', '.join(missing)} in the archive (found: {found})")
        arrays = {key: archive.read_array(f"{key}.npy", MAX_ARRAY_BYTES) for key in _NPZ_KEYS}
        for key, array in arrays.items():
            if array.dtype != np.uint8:
                raise ValueError(f"{key} has dtype {array.dtype}, expected uint8")
        return {key: np.ascontiguousarray(array) for key, array in arrays.items()}


def _read_idx_folder(folder: Path) -> dict[str, UInt8]:
    return {key: _read_idx(_find_idx(folder, stem, key), 3 if key[0] == "x" else 1) for key, stem in _IDX_STEMS.items()}


def _find_idx(folder: Path, stem: str, key: str) -> Path:
    kind = "idx3-ubyte" if key[0] == "x" else "idx1-ubyte"
    names = [f"{stem}{separator}{kind}{suffix}" for suffix in ("", ".gz") for separator in "-."]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder}: no {names[0]} or {names[0]}.gz")


def _read_idx(path: Path, rank: int) -> UInt8:
    """An IDX file of unsigned bytes of that rank, plain or gzip-compressed."""
    what = str(path)
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as stream:
            shape = _read_idx_header(cast("IO[bytes]", stream), rank, what)
            data = read_exactly(cast("IO[bytes]", stream), _array_bytes(shape, what), what)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{what}: damaged gzip data: {error}") from error
    return np.frombuffer(data, np.uint8).reshape(shape)


def _read_idx_header(stream: IO[bytes], rank: int, what: str) -> tuple[int, ...]:
    length = 4 + 4 * rank
    header = stream.read(length)
    if len(header) < 4 or header[:2] != b"\0\0":
        raise ValueError(f"{what}: not an IDX file, begins with {header[:4].hex(' ') or 'nothing'}")
    if header[2] != 0x08:
        raise ValueError(f"{what}: IDX values of type 0x{header[2]:02x}, expected unsigned bytes (0x08)")
    if header[3] != rank:
        raise ValueError(f"{what}: IDX array of rank {header[3]}, expected {rank}")
    if len(header) < length:
        raise ValueError(f"{what}: truncated in its header, {len(header)} of {length} bytes")
    shape = struct.unpack(f">{rank}I", header[4:])
    if rank == 3 and shape[1:] != IMAGE_SHAPE:
        raise ValueError(f"{what}: images of shape {shape[1:]}, expected {IMAGE_SHAPE}")
    return shape
