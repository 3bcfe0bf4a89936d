"""The loaders of `keras.datasets`: fetched from a server on loopback, read, and prepared as Keras prepares them."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import importlib
import io
import json
import pickle
import struct
import tarfile
import zipfile

import numpy as np
import pytest

import day33
from day33 import datasets
from support.server import serving

keras = pytest.importorskip("keras")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DAY33_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


def lists(rows):
    """An array of lists, as NumPy keeps texts of different lengths."""
    found = np.empty(len(rows), object)
    found[:] = rows
    return found


def texts(count, seed):
    rng = np.random.default_rng(seed)
    return lists([rng.integers(1, 40, rng.integers(2, 12)).tolist() for _ in range(count)])


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


IMDB = {
    "x_train": texts(30, 0), "y_train": np.arange(30) % 2, "x_test": texts(20, 1), "y_test": (np.arange(20) + 1) % 2,
}  # fmt: skip
REUTERS = {"x": texts(50, 2), "y": np.arange(50) % 46}
HOUSES = {"x": np.random.default_rng(0).random((25, 13)), "y": np.arange(25.0)}


@contextlib.contextmanager
def offered(monkeypatch, module, content, name, url="URL", known_hash="SHA256"):
    """A server with that file, in place of the real one, while the block runs."""
    digest = hashlib.md5 if known_hash.endswith("MD5") else hashlib.sha256
    with serving(content, name) as made, monkeypatch.context() as patched:
        patched.setattr(module, url, made.url)
        patched.setattr(module, known_hash, digest(content).hexdigest())
        yield made


def in_keras(monkeypatch, name, path):
    """Keras's loader, reading that file."""
    module = importlib.import_module(f"keras.src.datasets.{name}")
    monkeypatch.setattr(module, "get_file", lambda *args, **kwargs: str(path))
    return module.load_data


def assert_same(mine, correct):
    """Lists that are equal, and labels."""
    for (x, y), (x_of_keras, y_of_keras) in zip(mine, correct, strict=True):
        assert x.ndim == 1 and all(type(row) is list for row in x)
        assert x.tolist() == [list(row) for row in x_of_keras]
        np.testing.assert_array_equal(y, y_of_keras)


TEXT_ARGUMENTS = [
    {},
    {"num_words": 20},
    {"num_words": 20, "skip_top": 6, "seed": 5},
    {"maxlen": 8},
    {"start_char": None, "index_from": 0},
    {"start_char": None},
    {"oov_char": None, "num_words": 25, "skip_top": 2},
    {"start_char": 7, "oov_char": 9, "index_from": 11, "num_words": 30},
]


@pytest.mark.parametrize("arguments", TEXT_ARGUMENTS)
@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_texts_as_keras(name, arguments, monkeypatch, cache):
    module = getattr(datasets, name)
    content = npz(**(IMDB if name == "imdb" else REUTERS))
    with offered(monkeypatch, module, content, f"{name}.npz") as made:
        loaded, again = module.load_data(**arguments), module.load_data(**arguments)
        assert made.requests == 1  # the second time from the cache
    for found in (loaded, again):
        assert_same(found, in_keras(monkeypatch, name, cache / f"{name}.npz")(**arguments))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_of_pickle(protocol, tmp_path, monkeypatch):
    """The files that are served are older than the one that NumPy writes today."""
    stream = io.BytesIO()
    np.savez(stream, y=REUTERS["y"])
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": (50,)})
    pickle.dump(REUTERS["x"], member, protocol=protocol)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("x.npy", member.getvalue())
    path = tmp_path / "reuters.npz"
    path.write_bytes(stream.getvalue())
    whole = tmp_path / "whole.npz"
    whole.write_bytes(npz(**REUTERS))
    assert_same(datasets.reuters.load_data(str(path)), in_keras(monkeypatch, "reuters", whole)())


@pytest.mark.parametrize("arguments", [{}, {"test_split": 0.5, "seed": 3}, {"test_split": 0.0}])
@pytest.mark.parametrize("name", ["boston_housing", "california_housing"])
def test_houses_as_keras(name, arguments, monkeypatch, tmp_path):
    module = getattr(datasets, name)
    with offered(monkeypatch, module, npz(**HOUSES), f"{name}.npz"):
        loaded = module.load_data(**arguments)
    path = tmp_path / "houses.npz"
    path.write_bytes(npz(**HOUSES))
    for ours, correct in zip(loaded, in_keras(monkeypatch, name, path)(**arguments), strict=True):
        for a, b in zip(ours, correct, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_small_version_of_california():
    data = npz(x=np.arange(1400.0).reshape(700, 2), y=np.arange(700))
    path = day33.datasets.mnist_cache_path().parent / "houses.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    (x, _), (x_test, _) = datasets.california_housing.load_data("small", str(path))
    assert len(x) + len(x_test) == 600 and max(x.max(), x_test.max()) < 1200
    with pytest.raises(ValueError, match="version is 'tiny'"):
        datasets.california_housing.load_data("tiny")


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_word_lists(name, monkeypatch):
    module = getattr(datasets, name)
    content = json.dumps({"the": 1, "naïve": 2}).encode()
    with offered(monkeypatch, module, content, "words.json", "WORDS_URL", "WORDS_MD5"):
        assert module.get_word_index() == {"the": 1, "naïve": 2}


def test_topics():
    assert datasets.reuters.get_label_names() == keras.datasets.reuters.get_label_names()


def test_fashion_mnist(monkeypatch, cache):
    rng = np.random.default_rng(0)
    arrays = {
        "train-images-idx3-ubyte.gz": rng.integers(0, 256, (5, 28, 28), np.uint8),
        "train-labels-idx1-ubyte.gz": rng.integers(0, 10, 5, np.uint8),
        "t10k-images-idx3-ubyte.gz": rng.integers(0, 256, (3, 28, 28), np.uint8),
        "t10k-labels-idx1-ubyte.gz": rng.integers(0, 10, 3, np.uint8),
    }
    contents = {
        name: gzip.compress(bytes([0, 0, 8, a.ndim]) + struct.pack(f">{a.ndim}I", *a.shape) + a.tobytes())
        for name, a in arrays.items()
    }
    module = datasets.fashion_mnist
    monkeypatch.setattr(module, "MD5", {name: hashlib.md5(data).hexdigest() for name, data in contents.items()})
    folder = cache / "fashion-mnist"
    folder.mkdir(parents=True)
    fetched = "t10k-images-idx3-ubyte.gz"
    for name in set(contents) - {fetched}:
        (folder / name).write_bytes(contents[name])
    with serving(contents[fetched], fetched) as made:
        monkeypatch.setattr(module, "URL", made.url.removesuffix(fetched))
        (x, y), (x_test, y_test) = module.load_data()
    for got, key in zip((x, y, x_test, y_test), arrays, strict=True):
        np.testing.assert_array_equal(got, arrays[key])
    (folder / fetched).write_bytes(b"another file")
    with pytest.raises(OSError, match="no connection"):  # it is fetched anew, and the server is gone
        module.load_data()


def cifar(folder, files, labels):
    """An archive of binary files, and what is in them."""
    stream, rng, kept = io.BytesIO(), np.random.default_rng(1), {}
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name in files:
            pictures, numbers = (
                rng.integers(0, 256, (4, 32, 32, 3), np.uint8),
                rng.integers(0, 9, (4, labels), np.uint8),
            )
            kept[name] = pictures, numbers
            data = np.concatenate([numbers, pictures.transpose(0, 3, 1, 2).reshape(4, -1)], axis=1).tobytes()
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue(), kept


def test_cifar10(monkeypatch):
    files = [f"data_batch_{number}.bin" for number in (3, 1, 2, 5, 4)] + ["test_batch.bin"]
    content, kept = cifar("cifar-10-batches-bin", files, 1)
    with offered(monkeypatch, datasets.cifar10, content, "cifar-10-binary.tar.gz", known_hash="MD5"):
        (x, y), (x_test, y_test) = datasets.cifar10.load_data()
    assert x.shape == (20, 32, 32, 3) and y.shape == (20, 1) and y.dtype == x.dtype == np.uint8
    np.testing.assert_array_equal(x[8:12], kept["data_batch_3.bin"][0])
    np.testing.assert_array_equal(y[8:12], kept["data_batch_3.bin"][1])
    np.testing.assert_array_equal(x_test, kept["test_batch.bin"][0])
    np.testing.assert_array_equal(y_test, kept["test_batch.bin"][1])


def test_cifar100(monkeypatch):
    content, kept = cifar("cifar-100-binary", ["train.bin", "test.bin"], 2)
    with offered(monkeypatch, datasets.cifar100, content, "cifar-100-binary.tar.gz", known_hash="MD5"):
        (x, fine), _ = datasets.cifar100.load_data()
        _, (x_test, coarse) = datasets.cifar100.load_data("coarse")
    np.testing.assert_array_equal(x, kept["train.bin"][0])
    np.testing.assert_array_equal(fine, kept["train.bin"][1][:, 1:])
    np.testing.assert_array_equal(x_test, kept["test.bin"][0])
    np.testing.assert_array_equal(coarse, kept["test.bin"][1][:, :1])
    with pytest.raises(ValueError, match="label_mode is 'both'"):
        datasets.cifar100.load_data("both")


def test_damaged_archives(monkeypatch):
    content, _ = cifar("cifar-100-binary", ["train.bin"], 2)
    for data, message in (
        (content, "has no file test.bin"),
        (content[: len(content) // 2], "is damaged"),
        (b"x" * 99, "is damaged"),
    ):
        with offered(monkeypatch, datasets.cifar100, data, "cifar-100-binary.tar.gz", known_hash="MD5"):
            with pytest.raises(ValueError, match=message):
                datasets.cifar100.load_data()


class Evil:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize("loader", [datasets.boston_housing, datasets.california_housing])
@pytest.mark.parametrize(("x", "y"), [((), ()), ((5,), (5,)), ((5, 3), (4,)), ((5, 3), (5, 1)), ((5, 3), ())])
def test_tables_that_are_none(tmp_path, loader, x, y):
    """They ended in TypeError and IndexError."""
    path = tmp_path / "table.npz"
    path.write_bytes(npz(x=np.ones(x), y=np.ones(y)))
    with pytest.raises(
        ValueError, match=r"table.npz has x of shape .* and y of shape .*; expected \(N, F\) and \(N,\)"
    ):
        loader.load_data(path=str(path))


# The first one made Python reserve 34 GB for its memory cells.
@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"\x80\x03]r\xff\xff\xff\x7f.", "has 9 bytes and uses memory cell 2147483647"),
        (b"\x80\x03]p2147483647\n.", "instruction b'p', which is not part"),
        (b"\x80\x05\x96" + b"\xff" * 6 + b"\0\0.", "instruction .*x96', which is not part"),
        (b"\x80\x03cnumpy\nndarr.", "instruction b'c', which is not part"),
        (b"\x80\x03]K", "instruction b'K', which is not part"),
        (b"\x80\x03X\xff\xff\xff\xff.", "instruction b'', which is not part"),
        (b"\x80\x03" + b"(" * 100_000 + b".", "is damaged"),
    ],
)
def test_pickles_take_no_memory_that_they_have_not(tmp_path, program, message):
    stream, member = io.BytesIO(npz(y=np.zeros(2, int))), io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": (2,)})
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("x.npy", member.getvalue() + program)
    path = tmp_path / "reuters.npz"
    path.write_bytes(stream.getvalue())
    with pytest.raises(ValueError, match=message):
        datasets.reuters.load_data(str(path))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (lists([[1, 2], Evil()]), "names builtins.print"),
        (lists([[1, 2], [1, [2]]]), "row 1 of member 'x.npy' is no list of whole numbers"),
        (lists([[1, 2], [-1]]), "row 1"),
        (lists([[1, 2], [2**40]]), "row 1"),
        (lists([[1, 2], "words"]), "row 1"),
        (lists([[1, 2], [np.int64(3)]]), "names numpy.*scalar"),
        (np.array([[[1], [2]], [[3], None]], object), "is no one-dimensional array of lists"),
    ],
)
def test_pickles_hold_lists_of_numbers_only(tmp_path, capsys, rows, message):
    path = tmp_path / "reuters.npz"
    path.write_bytes(npz(x=rows, y=np.zeros(2, int)))
    with pytest.raises(ValueError, match=message):
        datasets.reuters.load_data(str(path))
    assert capsys.readouterr().out == ""


def test_other_files(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    path.write_bytes(npz(x=np.zeros(3), y=np.zeros(3)))
    with pytest.raises(ValueError, match="is not a usable .npz file"):
        datasets.reuters.load_data(str(path))
    path.write_bytes(npz(x=texts(3, 0), y=np.zeros(2)))
    with pytest.raises(ValueError, match=r"has 3 texts and labels of shape \(2,\)"):
        datasets.reuters.load_data(str(path))
    path.write_bytes(npz(**IMDB))
    with pytest.raises(ValueError, match="maxlen is 2 and no text is shorter"):
        datasets.imdb.load_data(str(path), maxlen=2)
    with pytest.raises(FileNotFoundError, match="no such file"):
        datasets.imdb.load_data(str(tmp_path / "b.npz"))
    with pytest.raises(ValueError, match="test_split is 1"):
        datasets.boston_housing.load_data(test_split=1)
    with offered(monkeypatch, datasets.imdb, b"something", "imdb.npz"):
        monkeypatch.setattr(datasets.imdb, "SHA256", "0" * 64)
        with pytest.raises(ValueError, match="is not the expected file"):
            datasets.imdb.load_data()


def test_names_of_keras():
    from day33.keras.datasets import imdb

    assert imdb.load_data is datasets.imdb.load_data and imdb.get_word_index is datasets.imdb.get_word_index
    for name in ("boston_housing", "california_housing", "cifar10", "cifar100", "fashion_mnist", "imdb", "reuters"):
        ours, theirs = getattr(day33.keras.datasets, name), getattr(keras.datasets, name)
        assert {n for n in dir(ours) if not n.startswith("_")} == {n for n in dir(theirs) if not n.startswith("_")}
