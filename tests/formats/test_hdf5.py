"""The reader of HDF5: what h5py writes in every format, and what is refused."""

from __future__ import annotations

import io
import random
import tracemalloc

import numpy as np
import pytest

from day33._io import hdf5 as reader
from formats.fuzz_keras_files import mutated_bytes

h5py = pytest.importorskip("h5py")
ml_dtypes = pytest.importorskip("ml_dtypes")

FORMATS = [("earliest", "v108"), ("earliest", "latest"), "v108", "v110", "v112", "latest"]
# Data sets in chunks are indexed in other ways since 1.10.
OLD_CHUNKS = FORMATS[:3]


def hdf5(write, **options):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        write(file)
    return buffer.getvalue()


def assert_same(group, expected):
    """The group has what h5py finds in it."""
    assert set(group.members) == set(expected)
    for name, value in expected.attrs.items():
        found = group.attributes[name]
        assert found == (value.tolist() if isinstance(value, np.ndarray | np.generic) else value), name
    for name, member in expected.items():
        if isinstance(member, h5py.Group):
            assert_same(group.members[name], member)
            continue
        values = member[()]
        if values.dtype.kind == "V":
            values = values.view(ml_dtypes.bfloat16).astype(np.float32)
        found = group.members[name]
        read = found.read()
        assert found.shape == read.shape == values.shape and found.dtype == read.dtype
        assert read.dtype == (np.int8 if values.dtype == bool else values.dtype.newbyteorder("<"))
        np.testing.assert_array_equal(read, values)


def check(write, **options):
    data = hdf5(write, **options)
    with h5py.File(io.BytesIO(data)) as file:
        assert_same(reader.parse(data), file)


# ---- what is read ----


def groups(file):
    for count in (1, 8, 9, 40, 600):  # links in one node, in a header, in a heap of one block and of several
        plain, foreign = file.create_group(f"g/{count}"), file.create_group(f"그룹/{count}")
        for number in range(count):
            plain[f"x{number}"] = np.float32(number)
            foreign[f"층{number}"] = np.float32(number)


def attributes(file):
    file.attrs["text"] = "b" * 70_000
    file.attrs["one"] = 3
    for number in range(20):
        file.create_group("g" * (number + 1)).attrs[f"größe {number}"] = f"ä{number}"
        file.attrs[f"list {number}"] = ["ä", "b" * 300]


def numbers(file):
    rng = np.random.default_rng(0)
    for dtype in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<i4", ">i8", "|u1", "?"):
        file[dtype.replace("<", "little ").replace(">", "big ")] = (10 * rng.standard_normal((3, 4))).astype(dtype)
    file["bfloat16"] = rng.standard_normal((2, 3)).astype(ml_dtypes.bfloat16)
    file["scalar"], file["empty"] = np.float64(2.5), np.zeros((0, 3))


@pytest.mark.parametrize("libver", FORMATS)
@pytest.mark.parametrize("track_order", [False, True])
@pytest.mark.parametrize("write", [groups, attributes, numbers])
def test_reads_what_h5py_writes(write, libver, track_order):
    check(write, libver=libver, track_order=track_order)


@pytest.mark.parametrize("libver", OLD_CHUNKS)
@pytest.mark.parametrize("options", [{}, dict(compression="gzip"), dict(compression="gzip", shuffle=True),
                                     dict(shuffle=True)])  # fmt: skip
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2"])
def test_reads_chunks(options, libver, dtype):
    def write(file):
        rng = np.random.default_rng(1)
        for number, (shape, chunks) in enumerate([((10, 7), (3, 4)), ((5,), (5,)), ((100, 3, 2), (7, 3, 1)),
                                                  ((900, 20), (3, 2)), ((0, 3), (1, 3))]):  # fmt: skip
            resized = (None,) * len(shape) if 0 in shape else None
            values = rng.standard_normal(shape).astype(dtype)
            file.create_dataset(str(number), data=values, chunks=chunks, maxshape=resized, **options)

    check(write, libver=libver)


def test_values_are_views_where_they_can_be():
    tree = reader.parse(hdf5(lambda file: file.create_dataset("x", data=np.ones(1000, np.float32))))
    found = tree.members["x"].read()
    assert not found.flags.writeable and found.base is not None


# ---- what is refused ----


def soft(file):
    file["x"] = h5py.SoftLink("/y")


def soft_of_the_new_style(file):
    file["층"] = h5py.SoftLink("/y")


def external(file):
    file["x"] = h5py.ExternalLink("/etc/passwd", "/y")


def outside(file):
    file.create_dataset("x", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def unfinished(file):
    file.create_dataset("x", (10,), "f4", chunks=(2,))[:4] = 1


def checksummed(file):
    file.create_dataset("x", data=np.zeros(4), chunks=(2,), fletcher32=True)


def quick(file):
    file.create_dataset("x", data=np.zeros(4), compression="lzf")


def scaled(file):
    file.create_dataset("x", data=np.zeros(4), scaleoffset=2)


def twice(file):
    file["x"] = np.zeros(4)
    file["y"] = file["x"]


def complex_numbers(file):
    file["x"] = np.zeros(4, complex)


def texts(file):
    file["x"] = ["a", "b"]


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("x", layout)


@pytest.mark.parametrize(
    ("write", "reason"),
    [(soft, "links that are soft"), (soft_of_the_new_style, "links that are soft"), (external, "links that are extern"),
     (outside, "external files"), (unfinished, "2 chunks in a dataset of shape .10,.; expected 5"),
     (checksummed, "fletcher32"), (quick, "lzf"), (scaled, "scaleoffset"), (twice, "reached twice"),
     (complex_numbers, "class 6"), (texts, "datasets of text"), (virtual, "virtual|version 4")],
)  # fmt: skip
def test_what_reaches_out_or_is_unknown_is_refused(write, reason):
    with pytest.raises(ValueError, match=reason):
        reader.parse(hdf5(write))


def test_chunks_of_the_newest_format_say_so():
    def write(file):
        file.create_dataset("x", data=np.zeros((9, 9)), chunks=(2, 2))

    with pytest.raises(ValueError, match="chunks of the newest format are not read; write with libver='earliest'"):
        reader.parse(hdf5(write, libver="latest"))


def test_what_is_no_hdf5():
    with pytest.raises(ValueError, match="not an HDF5 file"):
        reader.parse(b"PK\x03\x04")
    with pytest.raises(ValueError, match="superblock version 9"):
        reader.parse(b"\x89HDF\r\n\x1a\n\x09" + bytes(100))


def test_a_bomb_takes_no_memory():
    """A quarter of a gigabyte of zeros out of some hundred kilobytes: refused before memory is taken for it."""
    data = hdf5(lambda file: file.create_dataset("x", (1 << 26,), "f4", chunks=(1 << 22,), compression="gzip",
                                                 data=np.zeros(1 << 26, np.float32)))  # fmt: skip
    assert len(data) < 2 << 20
    dataset = reader.parse(data).members["x"]
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="looks like a bomb"):
            dataset.read()
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def packed(file):
    for number in range(12):
        values = np.arange(60, dtype=">f4").reshape(6, 10)
        file.create_dataset(f"층{number}", data=values, chunks=(4, 3), compression="gzip", shuffle=True)
    file.attrs["text"] = "ä" * 100


@pytest.mark.parametrize("write", [groups, attributes, numbers, packed])
@pytest.mark.parametrize("libver", [("earliest", "v108"), "latest"])
def test_mutated_files(write, libver):
    """Flipped, cut, repeated bytes: read wholly, or a ValueError."""
    if write is packed and libver == "latest":
        libver = "v108"
    original = hdf5(write, libver=libver)
    rng = random.Random(repr((write.__name__, libver)))
    refused = 0
    for _ in range(60):
        try:
            for dataset in reader.parse(mutated_bytes(rng, original)).datasets():
                dataset.read()
        except ValueError:
            refused += 1
    assert refused > 5
