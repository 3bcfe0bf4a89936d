"""MNIST, or any data set in its format: from an .npz file, from IDX files, or from the cached download."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import drop_last_axis
from .._core.types import PathLike
from .._io.archives import Archive, read_exactly, refusing
from .._io.download import cache_dir, fetch_or_tell_where
from .._io.files import open_regular
from .._io.gz import open_maybe_gz

__all__ = ["download_mnist", "load_data", "load_mnist", "mnist_cache_path"]

UInt8 = NDArray[np.uint8]
Split = tuple[UInt8, UInt8]
# The file that Keras's own loader fetches, and its SHA-256.
MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
MNIST_FILE = "mnist.npz"
IMAGE_SHAPE = (28, 28)
# No data set of MNIST's shape comes near this in all its arrays; headers that ask for more are damaged or hostile.
_MAX_BYTES = 1 << 30
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

    Arrays of an ``.npz`` file are converted where there is one way only to read them: images may have a last axis of 1
    and be whole numbers from 0 to 255 of any dtype, or floats from 0 to 1, which are black to white and are rounded to
    256 grey levels; labels may be whole numbers of any dtype, also of shape (N, 1).

    Returns:
        ``((x_train, y_train), (x_test, y_test))``; images uint8 (N, 28, 28), labels uint8 (N,).

    Raises:
        FileNotFoundError: nothing is there; the message names the command that fetches MNIST.
        ValueError: a file is damaged or does not hold such a data set; or its arrays have more than 1 GiB in all.

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
        output: the file to write, or the folder to write it to, instead of the cache.

    Returns:
        The path of the file.

    Raises:
        ValueError: the file that came does not have that hash.
        OSError: the server could not be reached, refused, or broke off.
    """
    return fetch_or_tell_where(url, known_hash, mnist_cache_path() if output is None else output, MNIST_FILE, progress)


def load_data(path: str = MNIST_FILE) -> tuple[Split, Split]:
    """MNIST from the cache. If it is not there, it is downloaded first, as Keras does.

    Args:
        path: Keras's name for the file in the cache, which day33 does not need. Where a file of that path exists, it
            is read instead of the cached one.

    Returns:
        As `load_mnist`.

    Raises:
        OSError: MNIST is not in the cache, and could not be downloaded.
        ValueError: the file is damaged.
    """
    if path != MNIST_FILE and Path(path).exists():
        return load_mnist(path)
    if not mnist_cache_path().is_file():
        download_mnist()
    return load_mnist()


def _read_npz(path: Path) -> dict[str, UInt8]:
    with open_regular(path) as stream, refusing(path, ".npz file"), Archive(stream) as archive:
        missing = [key for key in _NPZ_KEYS if f"{key}.npy" not in archive]
        if missing:
            found = ", ".join(sorted(archive.names)[:8]) or "nothing"
            raise ValueError(f"no {', '.join(missing)} in the archive (found: {found})")
        left, arrays = _MAX_BYTES, {}
        for key in _NPZ_KEYS:
            array = archive.read_array(f"{key}.npy", left)
            left -= array.nbytes
            arrays[key] = _as_images(key, array) if key.startswith("x") else _as_labels(key, array)
        return arrays


def _as_images(key: str, array: NDArray[Any]) -> UInt8:
    """Images (N, 28, 28) of grey levels 0 to 255, where there is one way only to read `array` as such."""
    array = drop_last_axis(array, 3)
    if array.dtype.kind == "f" and _all_in(array, 1):
        # As everywhere in day33, floats from 0 to 1 are greys from black to white.
        array = np.rint(array * array.dtype.type(255))
    return _as_bytes(key, array, "uint8, other whole numbers from 0 to 255, or floats from 0 to 1")


def _as_labels(key: str, array: NDArray[Any]) -> UInt8:
    return _as_bytes(key, drop_last_axis(array, 1), "uint8, or other whole numbers from 0 to 255")


def _as_bytes(key: str, array: NDArray[Any], expected: str) -> UInt8:
    if array.dtype != np.uint8:
        whole = array.dtype.kind in "iu" or (array.dtype.kind == "f" and bool((np.rint(array) == array).all()))
        if not whole or not _all_in(array, 255):
            spread = f" from {array.min()} to {array.max()}" if array.size and array.dtype.kind in "iuf" else ""
            raise ValueError(f"{key} has dtype {array.dtype} and values{spread}; expected {expected}")
    return np.ascontiguousarray(array, np.uint8)


def _all_in(array: NDArray[Any], maximum: int) -> bool:
    return array.size == 0 or bool(array.min() >= 0 and array.max() <= maximum)  # false where there is a NaN


def _read_idx_folder(folder: Path) -> dict[str, UInt8]:
    left, arrays = _MAX_BYTES, {}
    for key, stem in _IDX_STEMS.items():
        arrays[key] = _read_idx(_find_idx(folder, stem, key), 3 if key.startswith("x") else 1, left)
        left -= arrays[key].nbytes
    return arrays


def _find_idx(folder: Path, stem: str, key: str) -> Path:
    kind = "idx3-ubyte" if key.startswith("x") else "idx1-ubyte"
    names = [f"{stem}{separator}{kind}{suffix}" for suffix in ("", ".gz") for separator in "-."]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder}: no {names[0]} or {names[0]}.gz")


def _read_idx(path: Path, rank: int, limit: int) -> UInt8:
    """An IDX file of unsigned bytes of that rank, plain or gzip-compressed, with at most `limit` values."""
    with open_maybe_gz(path) as stream:
        shape = _read_idx_header(stream, rank, path)
        size = math.prod(shape)
        if size > limit:
            raise ValueError(f"{path}: header announces shape {shape}, more than the {limit} bytes allowed")
        return np.frombuffer(read_exactly(stream, size, str(path)), np.uint8).reshape(shape)


def _read_idx_header(stream: IO[bytes], rank: int, path: Path) -> tuple[int, ...]:
    length = 4 + 4 * rank
    header = stream.read(length)
    if len(header) < 4 or header[:2] != b"\0\0":
        raise ValueError(f"{path}: not an IDX file, begins with {header[:4].hex(' ') or 'nothing'}")
    if header[2] != 0x08:
        raise ValueError(f"{path}: IDX values of type 0x{header[2]:02x}, expected unsigned bytes (0x08)")
    if header[3] != rank:
        raise ValueError(f"{path}: IDX array of rank {header[3]}, expected {rank}")
    if len(header) < length:
        raise ValueError(f"{path}: truncated in its header, {len(header)} of {length} bytes")
    shape = struct.unpack(f">{rank}I", header[4:])
    if rank == 3 and shape[1:] != IMAGE_SHAPE:
        raise ValueError(f"{path}: images of shape {shape[1:]}, expected {IMAGE_SHAPE}")
    return shape


def _check_split(source: Path, name: str, images: UInt8, labels: UInt8) -> None:
    if images.ndim != 3 or images.shape[1:] != IMAGE_SHAPE:
        raise ValueError(f"{source}: {name} images have shape {images.shape}, expected (N, 28, 28)")
    if labels.ndim != 1:
        raise ValueError(f"{source}: {name} labels have shape {labels.shape}, expected (N,)")
    if len(images) != len(labels):
        raise ValueError(f"{source}: {len(images)} {name} images but {len(labels)} labels")
    if len(images) == 0:
        raise ValueError(f"{source}: holds no {name} images")
