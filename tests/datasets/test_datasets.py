"""Data sets: what is read is what was written, and what is damaged is refused with the reason."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from day33 import datasets
from support.server import Server, serving

IDX_NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
Arrays = dict[str, np.ndarray]


@pytest.fixture
def arrays() -> Arrays:
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (7, 28, 28), dtype=np.uint8),
        "y_train": rng.integers(0, 10, 7, dtype=np.uint8),
        "x_test": rng.integers(0, 256, (3, 28, 28), dtype=np.uint8),
        "y_test": rng.integers(0, 10, 3, dtype=np.uint8),
    }


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def write_idx(folder: Path, arrays: Arrays, *, compressed: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    for key, name in IDX_NAMES.items():
        data = idx_bytes(arrays[key])
        if compressed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (folder / name).write_bytes(data)
    return folder


def write_npz(path: Path, arrays: Arrays) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def assert_same(loaded: tuple, arrays: Arrays) -> None:
    (x_train, y_train), (x_test, y_test) = loaded
    for got, key in ((x_train, "x_train"), (y_train, "y_train"), (x_test, "x_test"), (y_test, "y_test")):
        assert got.dtype == np.uint8
        np.testing.assert_array_equal(got, arrays[key])


# ---- good files ----


def test_npz_round_trip(tmp_path: Path, arrays: Arrays) -> None:
    assert_same(datasets.load_mnist(write_npz(tmp_path / "m.npz", arrays)), arrays)


def test_fortran_order_is_understood(tmp_path: Path, arrays: Arrays) -> None:
    stored = {key: np.asfortranarray(array) for key, array in arrays.items()}
    loaded = datasets.load_mnist(write_npz(tmp_path / "m.npz", stored))
    assert_same(loaded, arrays)
    assert loaded[0][0].flags.c_contiguous


@pytest.mark.parametrize("dtype", ["int64", "uint16", ">i4", "float32", "float64", "float16"])
def test_whole_numbers_of_any_dtype(tmp_path: Path, arrays: Arrays, dtype: str) -> None:
    stored = {key: array.astype(dtype) for key, array in arrays.items()}
    assert_same(datasets.load_mnist(write_npz(tmp_path / "m.npz", stored)), arrays)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_floats_from_0_to_1_are_greys(tmp_path: Path, arrays: Arrays, dtype: str) -> None:
    """What Keras's own example for MNIST makes of the file: ``x_train.astype("float32") / 255``."""
    images = {key: (arrays[key].astype(dtype) / 255).astype(dtype) for key in ("x_train", "x_test")}
    assert_same(datasets.load_mnist(write_npz(tmp_path / "m.npz", arrays | images)), arrays)
    images["x_train"] = np.zeros((7, 28, 28), dtype)
    images["x_train"][0] = 1
    (x_train, _), _ = datasets.load_mnist(write_npz(tmp_path / "m.npz", arrays | images))
    assert x_train[0].min() == 255
    assert x_train[1:].max() == 0


def test_axes_of_one(tmp_path: Path, arrays: Arrays) -> None:
    stored = {key: array[..., np.newaxis] for key, array in arrays.items()}
    loaded = datasets.load_mnist(write_npz(tmp_path / "m.npz", stored))
    assert_same(loaded, arrays)
    assert loaded[0][0].flags.c_contiguous


@pytest.mark.parametrize("labels", [np.full(7, 0.5), np.full(7, -1), np.full(7, 300), np.zeros((7, 10), np.uint8)])
def test_other_labels_are_refused(tmp_path: Path, arrays: Arrays, labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="y_train has dtype|train labels have shape"):
        datasets.load_mnist(write_npz(tmp_path / "m.npz", arrays | {"y_train": labels}))


@pytest.mark.parametrize("compressed", [False, True])
def test_idx_round_trip(tmp_path: Path, arrays: Arrays, compressed: bool) -> None:
    assert_same(datasets.load_mnist(write_idx(tmp_path / "idx", arrays, compressed=compressed)), arrays)


def test_idx_names_with_a_dot(tmp_path: Path, arrays: Arrays) -> None:
    folder = write_idx(tmp_path, arrays)
    for path in list(folder.iterdir()):
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    assert_same(datasets.load_mnist(folder), arrays)


def test_shared_mnist(shared: Path) -> None:
    (x_train, y_train), (x_test, y_test) = datasets.load_mnist(shared / "data" / "mnist" / "mnist.npz")
    assert x_train.shape == (20000, 28, 28)
    assert x_test.shape == (5000, 28, 28)
    assert set(np.unique(y_train)) == set(np.unique(y_test)) == set(range(10))
    with np.load(shared / "data" / "mnist" / "mnist.npz") as archive:
        np.testing.assert_array_equal(archive["x_train"], x_train)


# ---- the cache ----


def test_cache_is_found(tmp_path: Path, arrays: Arrays, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAY33_CACHE", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="day33 data mnist"):
        datasets.load_mnist()
    write_npz(tmp_path / "mnist.npz", arrays)
    assert_same(datasets.load_mnist(), arrays)


def test_cache_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAY33_CACHE", raising=False)
    path = datasets.mnist_cache_path()
    assert path.is_absolute()
    assert path.parent.name == "day33"


def test_nothing_at_the_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.npz"):
        datasets.load_mnist(tmp_path / "absent.npz")
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        datasets.load_mnist(tmp_path)


# ---- damaged and hostile IDX files ----

HEADER = struct.pack(">III", 7, 28, 28)
BODY = bytes(7 * 28 * 28)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an IDX file"),
        (b"\0\0", "not an IDX file"),
        (b"PK\3\4" + HEADER + BODY, "not an IDX file"),
        (b"\0\0\x0d\3" + HEADER + BODY, "type 0x0d"),
        (b"\0\0\x08\1" + HEADER + BODY, "rank 1, expected 3"),
        (b"\0\0\x08\xff" + HEADER + BODY, "rank 255"),
        (b"\0\0\x08\3" + HEADER[:7], "truncated in its header"),
        (b"\0\0\x08\3" + HEADER + BODY[:-1], "truncated, 5487 of 5488"),
        (b"\0\0\x08\3" + HEADER + BODY + b"\0", "more values"),
        (b"\0\0\x08\3" + struct.pack(">III", 7, 28, 27) + BODY, r"\(28, 27\), expected \(28, 28\)"),
        (b"\0\0\x08\3" + struct.pack(">III", 2**32 - 1, 28, 28) + BODY, "bytes allowed"),
        (b"\0\0\x08\3" + struct.pack(">III", 1_300_000, 28, 28) + BODY, "truncated"),
        (b"\0\0\x08\3" + struct.pack(">III", 0, 28, 28), "no train images|labels"),
        (b"\0\0\x08\3" + struct.pack(">III", 6, 28, 28) + BODY[:-784], "6 train images but 7 labels"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_bad_idx_is_refused_in_little_memory(
    tmp_path: Path, arrays: Arrays, content: bytes, reason: str, compressed: bool
) -> None:
    folder = write_idx(tmp_path, arrays)
    path = folder / IDX_NAMES["x_train"]
    path.unlink()
    if compressed:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content))
    else:
        path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=reason):
            datasets.load_mnist(folder)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_gzip_damage_is_refused(tmp_path: Path, arrays: Arrays) -> None:
    folder = write_idx(tmp_path, arrays, compressed=True)
    path = folder / (IDX_NAMES["x_test"] + ".gz")
    good = path.read_bytes()
    for damaged in (good[:-9], good[: len(good) // 2], b"not gzip" + good, good[:60] + b"\xff" * 40 + good[100:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="t10k-images"):
            datasets.load_mnist(folder)


def test_gzip_bomb_is_not_unpacked(tmp_path: Path, arrays: Arrays) -> None:
    folder = write_idx(tmp_path, arrays, compressed=True)
    bomb = gzip.compress(idx_bytes(arrays["x_test"]) + bytes(64 << 20))
    (folder / (IDX_NAMES["x_test"] + ".gz")).write_bytes(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more values"):
            datasets.load_mnist(folder)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_little_gzip_data_does_not_become_gigabytes(tmp_path: Path, arrays: Arrays) -> None:
    """Each array within its limit, and an honest header; but a thousandfold of what is on the disk."""
    folder = write_idx(tmp_path, arrays, compressed=True)
    count = 700_000
    with gzip.open(folder / (IDX_NAMES["x_train"] + ".gz"), "wb", compresslevel=9) as stream:
        stream.write(b"\0\0\x08\3" + struct.pack(">III", count, 28, 28))
        for _ in range(count // 10_000):
            stream.write(bytes(10_000 * 784))
    assert (folder / (IDX_NAMES["x_train"] + ".gz")).stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"train-images.*looks like a bomb"):
            datasets.load_mnist(folder)
        assert tracemalloc.get_traced_memory()[1] < 300 << 20
    finally:
        tracemalloc.stop()


def test_the_arrays_are_bounded_together(tmp_path: Path, arrays: Arrays, monkeypatch: pytest.MonkeyPatch) -> None:
    size = sum(array.nbytes for array in arrays.values())
    folder, file = write_idx(tmp_path / "idx", arrays), write_npz(tmp_path / "m.npz", arrays)
    for limit, fits in ((size, True), (size - 1, False)):
        monkeypatch.setattr(datasets.mnist, "_MAX_BYTES", limit)
        for source in (folder, file):
            if fits:
                assert_same(datasets.load_mnist(source), arrays)
            else:
                with pytest.raises(ValueError, match="bytes allowed"):
                    datasets.load_mnist(source)


# ---- damaged and hostile archives ----


def npy_bytes(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def write_members(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def lying_npy(shape: tuple[int, ...], data: bytes) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return stream.getvalue() + data


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (b"", "damaged header"),
        (b"\x93NUMPY\x01\x00\xff\xff", "damaged header"),
        (b"\x93NUMPY\x09\x00" + b" " * 99, "damaged header.*version"),
        (npy_bytes(np.zeros((7, 28, 28), np.uint8))[:-1], "truncated"),
        (npy_bytes(np.zeros((7, 28, 28), np.uint8)) + b"\0", "more values"),
        (npy_bytes(np.full((7, 28, 28), 1.5, np.float32)), "x_train has dtype float32 and values from 1.5 to 1.5"),
        (npy_bytes(np.full((7, 28, 28), -0.5)), "x_train has dtype float64 and values from -0.5 to -0.5"),
        (npy_bytes(np.full((7, 28, 28), np.nan)), "x_train has dtype float64 and values from nan to nan"),
        (npy_bytes(np.full((7, 28, 28), 256)), "x_train has dtype int64 and values from 256 to 256; expected uint8"),
        (npy_bytes(np.full((7, 28, 28), -1)), "x_train has dtype int64 and values from -1"),
        (npy_bytes(np.zeros((7, 28, 28), bool)), "x_train has dtype bool"),
        (npy_bytes(np.zeros((7, 28, 28), complex)), "x_train has dtype complex128"),
        (npy_bytes(np.zeros((7, 28, 28, 3), np.uint8)), r"\(7, 28, 28, 3\), expected \(N, 28, 28\)"),
        (npy_bytes(np.zeros((7, 784), np.uint8)), r"\(7, 784\), expected \(N, 28, 28\)"),
        (npy_bytes(np.zeros((6, 28, 28), np.uint8)), "6 train images but 7 labels"),
        (lying_npy((10**9, 28, 28), b""), "bytes allowed"),
        (lying_npy((1_300_000, 28, 28), b"\0" * 99), "truncated"),
        (lying_npy((-1, 28, 28), b""), "shape"),
    ],
)
def test_bad_archive_member_is_refused(tmp_path: Path, arrays: Arrays, member: bytes, reason: str) -> None:
    members = {f"{key}.npy": npy_bytes(array) for key, array in arrays.items()}
    path = write_members(tmp_path / "m.npz", members | {"x_train.npy": member})
    with pytest.raises(ValueError, match=reason):
        datasets.load_mnist(path)


def test_pickles_are_refused_and_not_run(tmp_path: Path, arrays: Arrays) -> None:
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple:
            return (Path.touch, (ran,))

    stream = io.BytesIO()
    np.save(stream, np.array([Evil()], dtype=object), allow_pickle=True)
    members = {f"{key}.npy": npy_bytes(array) for key, array in arrays.items()}
    path = write_members(tmp_path / "m.npz", members | {"y_train.npy": stream.getvalue()})
    with pytest.raises(ValueError, match="holds Python objects"):
        datasets.load_mnist(path)
    assert not ran.exists()


def test_not_an_archive_and_missing_keys(tmp_path: Path, arrays: Arrays) -> None:
    text = tmp_path / "text.npz"
    text.write_text("hello")
    with pytest.raises(ValueError, match=r"text\.npz is not a usable \.npz"):
        datasets.load_mnist(text)
    partial = write_members(tmp_path / "partial.npz", {"x_train.npy": npy_bytes(arrays["x_train"])})
    with pytest.raises(ValueError, match=r"no y_train, x_test, y_test .*found: x_train\.npy"):
        datasets.load_mnist(partial)


def test_every_truncation_of_an_archive_is_a_value_error(tmp_path: Path, arrays: Arrays) -> None:
    good = write_npz(tmp_path / "good.npz", arrays).read_bytes()
    path = tmp_path / "cut.npz"
    for length in range(0, len(good), 211):
        path.write_bytes(good[:length])
        with pytest.raises(ValueError):
            datasets.load_mnist(path)


def test_flipped_bytes_never_crash(tmp_path: Path, arrays: Arrays) -> None:
    good = write_npz(tmp_path / "good.npz", arrays).read_bytes()
    path = tmp_path / "flipped.npz"
    rng = np.random.default_rng(1)
    refused = 0
    for position in rng.integers(0, len(good), 200):
        damaged = bytearray(good)
        damaged[position] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            loaded = datasets.load_mnist(path)
        except ValueError:
            refused += 1
        else:
            assert_same(loaded, arrays)  # a byte that carries no data, such as a date
    assert refused > 100


# ---- the small digits ----


def test_digits_small_is_in_mnists_shape() -> None:
    (x_train, y_train), (x_test, y_test) = datasets.load_digits_small()
    assert x_train.shape == (1500, 28, 28)
    assert x_test.shape == (297, 28, 28)
    assert y_train.shape == (1500,)
    assert y_test.shape == (297,)
    assert all(array.dtype == np.uint8 for array in (x_train, y_train, x_test, y_test))
    assert x_train.max() == 255
    assert x_train.min() == 0
    assert set(np.unique(y_train)) == set(np.unique(y_test)) == set(range(10))
    frame = np.ones((28, 28), bool)
    frame[2:-2, 2:-2] = False
    assert not x_train[:, frame].any()


def test_digits_small_is_the_bilinear_enlargement() -> None:
    from sklearn.datasets import load_digits

    from day33 import ops

    small = (load_digits().images[:100, :, :, np.newaxis] * (255 / 16)).astype(np.float32)
    large = ops.up_sampling2d(small, 3, interpolation="bilinear")[..., 0]
    (x_train, _), _ = datasets.load_digits_small()
    assert np.abs(x_train[:100, 2:-2, 2:-2].astype(np.float64) - large).max() <= 0.5 + 1e-4


# ---- downloads, from a server on loopback ----


@pytest.fixture
def server(tmp_path: Path, arrays: Arrays, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("DAY33_CACHE", str(tmp_path / "cache"))
    with serving(write_npz(tmp_path / "source.npz", arrays).read_bytes(), "mnist.npz") as made:
        yield made


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_download_is_cached_and_loaded(server: Server, tmp_path: Path, arrays: Arrays) -> None:
    path = datasets.download_mnist(server.url, server.sha256, progress=False)
    assert path == tmp_path / "cache" / "mnist.npz"
    assert files_below(tmp_path / "cache") == [path]
    assert_same(datasets.load_mnist(), arrays)
    datasets.download_mnist(server.url, server.sha256, progress=False)
    assert server.requests == 1


def test_download_draws_a_bar(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    datasets.download_mnist(server.url, server.sha256, progress=True)
    captured = capfd.readouterr()
    assert "mnist.npz" in captured.err
    assert captured.out == ""


def test_download_elsewhere(server: Server, tmp_path: Path, arrays: Arrays) -> None:
    target = tmp_path / "elsewhere" / "digits.npz"
    assert datasets.download_mnist(server.url, server.sha256.upper(), progress=False, output=target) == target
    assert_same(datasets.load_mnist(target), arrays)
    folder = tmp_path / "folder"
    folder.mkdir()
    assert datasets.download_mnist(server.url, server.sha256, False, output=folder) == folder / "mnist.npz"


def test_wrong_hash_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the expected file"):
        datasets.download_mnist(server.url, progress=False)  # Keras's hash, but another file
    assert files_below(tmp_path / "cache") == []


def test_wrong_hash_keeps_the_file_that_was_there(server: Server, tmp_path: Path) -> None:
    path = datasets.download_mnist(server.url, server.sha256, progress=False)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not the expected file"):
        datasets.download_mnist(server.url, "0" * 64, progress=False)
    assert path.read_bytes() == before
    assert files_below(tmp_path / "cache") == [path]


@pytest.mark.parametrize("fault", ["404", "500", "truncate", "refused"])
def test_broken_download_leaves_nothing(server: Server, tmp_path: Path, fault: str) -> None:
    url = server.url.replace("mnist.npz", "absent.npz") if fault == "404" else server.url
    if fault == "refused":
        url = "http://127.0.0.1:9/mnist.npz"
    server.fault = fault
    with pytest.raises(OSError, match="could not download") as caught:
        datasets.download_mnist(url, server.sha256, progress=False)
    assert files_below(tmp_path / "cache") == []
    reason = {
        "404": "the server answered 404 Not Found",
        "500": "the server answered 500 Internal Server Error",
        "truncate": "the transfer broke off",
        "refused": "no connection to 127.0.0.1 (Connection refused)",
    }[fault]
    assert reason in str(caught.value)
    assert f"check the network, or save the file by hand as {tmp_path / 'cache' / 'mnist.npz'}" in str(caught.value)
    assert "urllib3" not in str(caught.value)
    assert "object at 0x" not in str(caught.value)


def test_a_place_that_cannot_be_written_is_no_matter_of_the_network(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError) as caught:
        datasets.download_mnist(server.url, server.sha256, progress=False, output=tmp_path / "file" / "mnist.npz")
    assert caught.value.errno is not None
    assert "network" not in str(caught.value)


def test_arguments_are_checked_before_the_network(server: Server) -> None:
    with pytest.raises(ValueError, match="known_hash"):
        datasets.download_mnist(server.url, "abc")
    with pytest.raises(ValueError, match="url"):
        datasets.download_mnist("file:///etc/passwd", server.sha256)
    assert server.requests == 0


# ---- Shakespeare ----


def test_shakespeare_is_fetched_once(server: Server, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"not in the cache.*day33 data shakespeare"):
        datasets.load_shakespeare()
    server.content = b"First Citizen:\r\nSpeak, speak.\n"
    sha256 = hashlib.sha256(server.content).hexdigest()
    path = datasets.download_shakespeare(server.url, sha256, progress=False)
    assert path == datasets.shakespeare_cache_path() == tmp_path / "cache" / "shakespeare.txt"
    assert datasets.download_shakespeare(server.url, sha256, progress=False) == path
    assert server.requests == 1
    assert datasets.load_shakespeare() == ["First Citizen:", "Speak, speak."]
    with pytest.raises(ValueError, match="not the expected file"):
        datasets.download_shakespeare(server.url, progress=False)
    folder = tmp_path / "folder"
    folder.mkdir()
    assert datasets.download_shakespeare(server.url, sha256, False, output=folder) == folder / "shakespeare.txt"


def test_shared_shakespeare(shared: Path) -> None:
    path = shared / "data" / "shakespeare.txt"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == datasets.shakespeare.SHAKESPEARE_SHA256
    assert datasets.load_shakespeare(path) == path.read_text(encoding="utf-8").splitlines()


def test_texts_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent.txt"):
        datasets.load_shakespeare(tmp_path / "absent.txt")
    path = tmp_path / "song.txt"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"song\.txt is empty"):
        datasets.load_shakespeare(path)
    path.write_bytes(b"one\n\xff")
    with pytest.raises(ValueError, match=r"song\.txt, line 2"):
        datasets.load_shakespeare(path)
