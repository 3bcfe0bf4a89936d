"""ONNX files that are damaged or hostile: each loads, or ends in one ValueError with the path."""

from __future__ import annotations

import os
import tracemalloc

import numpy as np
import pytest

import day33
from day33._formats.onnx import reading
from support import zoo
from support.onnx_files import shaken

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
helper = onnx.helper
N = helper.make_node

SEED = int(os.environ.get("DAY33_ONNX_SEED", "33"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The bytes of some models: images, sequences, constants as numbers."""
    folder = tmp_path_factory.mktemp("files")
    found = []
    for number, model in enumerate([zoo.branched(), zoo.sequence(), zoo.mobile()]):
        shaken(model).export(folder / f"{number}.onnx")
        found.append((folder / f"{number}.onnx").read_bytes())
    return found


def refused(path, match):
    with pytest.raises(ValueError, match=match) as caught:
        day33.from_onnx(path)
    assert str(path) in str(caught.value)


# ---- damaged ----


def test_truncated(files, path):
    for data in files:
        for length in (0, 1, 10, 100, len(data) // 3, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:length])
            with pytest.raises(ValueError, match="is not a usable ONNX file"):
                day33.from_onnx(path)


def mutated(data, rng):
    """A file with some bytes changed, taken away, put in, or exchanged for those of another place."""
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(len(found)))
        length = int(rng.integers(1, 9))
        kind = int(rng.integers(4))
        if kind == 0:
            found[place] = int(rng.integers(256))
        elif kind == 1:
            del found[place : place + length]
        elif kind == 2:
            found[place:place] = rng.bytes(length)
        else:
            other = int(rng.integers(len(found)))
            found[place : place + length] = found[other : other + length]
    return bytes(found)


def test_mutated(files, path):
    """Bytes anywhere, and the bytes of names, shapes and attributes, where weights are left out."""
    print(f"DAY33_ONNX_SEED={SEED} replays this")
    rng = np.random.default_rng(SEED)
    lean = []
    for data in files:
        model = onnx.load_from_string(data)
        for tensor in model.graph.initializer:
            if len(tensor.raw_data) > 400:
                model.graph.initializer.remove(tensor)
        lean.append(model.SerializeToString())
    loaded = 0
    for number in range(400):
        path.write_bytes(mutated((files, lean)[number % 2][number % 3], rng))
        try:
            day33.from_onnx(path)
            loaded += 1
        except ValueError as error:
            assert str(path) in str(error)
    assert loaded < 400


def test_other_bytes(path):
    rng = np.random.default_rng(SEED)
    for data in (b"\x00" * 100, b"PK\x03\x04" + rng.bytes(100), rng.bytes(1000), b"{}", "ünïcode".encode()):
        path.write_bytes(data)
        refused(path, "is not a usable ONNX file")


# ---- forged ----


def forged(path, nodes, constants=(), inputs=(("x", 1, ["n", 4]),), outputs=("y",), opset=18):
    graph = helper.make_graph(
        list(nodes), "graph", [helper.make_tensor_value_info(*item) for item in inputs],
        [onnx.ValueInfoProto(name=name) for name in outputs], list(constants),
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    path.write_bytes(model.SerializeToString())
    return path


def tensor(name, shape, raw=None, kind=1, **fields):
    made = onnx.TensorProto(name=name, dims=shape, data_type=kind)
    if raw is not None:
        made.raw_data = raw
    for field, value in fields.items():
        getattr(made, field).extend(value)
    return made


ADD = [N("Add", ["x", "c"], ["y"])]


@pytest.mark.parametrize(("constant", "message"), [
    (tensor("c", [2**40], b"1234"), "has 4 bytes; expected 4398046511104"),
    (tensor("c", [-1], b""), "none below 0"),
    (tensor("c", [4], b"123"), "has 3 bytes; expected 16"),
    (tensor("c", [3], float_data=[1.0]), "has 1 numbers; expected 3"),
    (tensor("c", [1], kind=8), "data type 8"),
    (tensor("c", [1], b"12", kind=16), "data type 16"),
    (tensor("c", [1] * 40, b"1234"), "at most 16 sizes"),
])  # fmt: skip
def test_forged_arrays(path, constant, message):
    refused(forged(path, ADD, [constant]), message)


def test_numbers_in_every_form_are_read(path):
    """Raw bytes and lists of numbers, of every type that weights come in."""
    wanted = np.array([1.5, -2.0, 3.0, 0.25], np.float32)
    forms = [
        tensor("c", [4], wanted.tobytes()),
        tensor("c", [4], float_data=wanted),
        tensor("c", [4], wanted.astype(np.float64).tobytes(), 11),
        tensor("c", [4], None, 11, double_data=wanted),
        tensor("c", [4], wanted.astype(np.float16).tobytes(), 10),
        tensor("c", [4], None, 10, int32_data=wanted.astype(np.float16).view(np.uint16)),
    ]
    x = np.ones((2, 4), np.float32)
    for form in forms:
        model = day33.from_onnx(forged(path, ADD, [form]))
        np.testing.assert_array_equal(model.predict(x, verbose=0), x + wanted)


GRAPHS = {
    "no inputs": ({"nodes": [N("Constant", [], ["y"], value_float=1.0)], "inputs": ()}, "it has no inputs"),
    "no outputs": ({"nodes": [N("Relu", ["x"], ["y"])], "outputs": ()}, "its outputs are"),
    "unknown output": ({"nodes": [N("Relu", ["x"], ["z"])]}, "its outputs are"),
    "unknown input": ({"nodes": ADD}, "reads 'c', which nothing before it gives"),
    "a circle": ({"nodes": [N("Relu", ["y"], ["z"]), N("Relu", ["z"], ["y"])]}, "which nothing before it gives"),
    "one name twice": ({"nodes": [N("Relu", ["x"], ["x"])]}, "has the name already"),
    "strings": ({"nodes": [N("Relu", ["x"], ["y"])], "inputs": (("x", 8, ["n"]),)}, "is no tensor of float"),
    "old": ({"nodes": [N("Relu", ["x"], ["y"])], "opset": 3}, "have the versions"),
    "from the future": ({"nodes": [N("Relu", ["x"], ["y"])], "opset": 99}, "have the versions"),
    "other domains": ({"nodes": [N("Relu", ["x"], ["y"], domain="evil")]}, "does not read: evil.Relu"),
    "missing attribute": ({"nodes": [N("Cast", ["x"], ["y"])]}, "has no attribute 'to'"),
    "attribute of another type": ({"nodes": [N("Softmax", ["x"], ["y"], axis="last")]}, "attribute 'axis' is 'last'"),
    "axis out of range": ({"nodes": [N("Softmax", ["x"], ["y"], axis=7)]}, "it has axis 7"),
    "graph as attribute": (
        {"nodes": [N("If", ["x"], ["y"], then_branch=helper.make_graph([], "a", [], []))]},
        "does not read: If",
    ),
    "no permutation": ({"nodes": [N("Transpose", ["x"], ["y"], perm=[0, 0])]}, "attribute 'perm'"),
    "no inputs of a node": ({"nodes": [N("Add", [], ["y"])]}, r"\(Add\)"),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_forged_graphs(path, name):
    arguments, message = GRAPHS[name]
    refused(forged(path, **arguments), message)


def integers(name, *numbers):
    return onnx.numpy_helper.from_array(np.array(numbers, np.int64), name)


BOMBS = {
    "constant": ([N("ConstantOfShape", ["a"], ["c"]), *ADD], [integers("a", 2**20, 2**20)]),
    "expand": ([N("Expand", ["b", "a"], ["c"]), *ADD], [integers("a", 2**20, 2**20), integers("b", 1)]),
    "tile": ([N("Tile", ["b", "a"], ["c"]), *ADD], [integers("a", 2**40), integers("b", 1)]),
    "range": ([N("Range", ["a", "b", "d"], ["c"]), *ADD], [integers("a", 0), integers("b", 2**50), integers("d", 1)]),
    "many": (
        [
            *(N("ConstantOfShape", ["a"], [f"c{n}"]) for n in range(30)),
            N("Sum", [f"c{n}" for n in range(30)], ["c"]),
            *ADD,
        ],
        [integers("a", 2**20)],
    ),
    "doubled": (
        [
            N("Concat", ["b", "b"], ["t0"], axis=0),
            *(N("Concat", [f"t{n}"] * 2, [f"t{n + 1}"], axis=0) for n in range(50)),
            N("Identity", ["t50"], ["c"]),
            *ADD,
        ],
        [integers("b", 1)],
    ),
    "outer sum": (
        [N("Range", ["a", "b", "d"], ["e"]), N("Unsqueeze", ["e", "d"], ["f"]), N("Add", ["e", "f"], ["c"]), *ADD],
        [integers("a", 0), integers("b", 2**20), integers("d", 1)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_constants_that_grow(path, name):
    """Small files that ask for large constants: refused before memory is taken."""
    nodes, constants = BOMBS[name]
    forged(path, nodes, constants)
    tracemalloc.start()
    try:
        refused(path, "makes a constant of shape")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 256 << 20


def test_too_many_nodes(path, monkeypatch):
    monkeypatch.setattr(reading, "_MOST_NODES", 5)
    nodes = [N("Relu", [f"t{n}" if n else "x"], [f"t{n + 1}"]) for n in range(6)]
    refused(forged(path, nodes, outputs=["t6"]), "it has 6 nodes; expected at most 5")


# ---- numbers in other files ----


def outside(name, location, offset=None, length=None, shape=(4,)):
    made = onnx.TensorProto(name=name, dims=shape, data_type=1, data_location=1)
    entries = {"location": location, "offset": offset, "length": length}
    for key, value in entries.items():
        if value is not None:
            made.external_data.add(key=key, value=str(value))
    return made


def test_weights_beside_the_file(path):
    """As `onnx.save(..., save_as_external_data=True)` writes them."""
    model = shaken(zoo.branched())
    model.export(path)
    given = [zoo.random(2, 8, 8, 3, seed=seed) for seed in (1, 2)]
    expected = model.predict(given, verbose=0)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    found = day33.from_onnx(path).predict(given, verbose=0)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("location", [
    "../weights.bin", "/etc/passwd", "folder/weights.bin", "..", ".", "", "..\\weights.bin",
])  # fmt: skip
def test_other_folders_are_refused(path, location):
    (path.parent.parent / "weights.bin").write_bytes(bytes(16))
    (path.parent / "folder").mkdir()
    (path.parent / "folder" / "weights.bin").write_bytes(bytes(16))
    refused(forged(path, ADD, [outside("c", location)]), "expected the name of a file in the same folder")


@pytest.mark.parametrize(("options", "message"), [
    ({"offset": 8}, "takes bytes 8 to 24 of 'weights.bin', which has 20"),
    ({"offset": 2**62}, "takes bytes"),
    ({"offset": -4}, "has offset '-4'"),
    ({"length": 8}, "and length '8'; expected 16 bytes"),
    ({"offset": "1e3"}, "has offset '1e3'"),
    ({"shape": (2**40,)}, "takes bytes"),
])  # fmt: skip
def test_places_outside_of_the_other_file(path, options, message):
    (path.parent / "weights.bin").write_bytes(bytes(20))
    refused(forged(path, ADD, [outside("c", "weights.bin", **options)]), message)


def test_links_and_devices_are_refused(path):
    secret = path.parent.parent / "secret.bin"
    secret.write_bytes(bytes(16))
    (path.parent / "weights.bin").symlink_to(secret)
    forged(path, ADD, [outside("c", "weights.bin")])
    refused(path, "symbolic link")
    (path.parent / "weights.bin").unlink()
    os.mkfifo(path.parent / "weights.bin")
    refused(path, "FIFO")
    os.unlink(path.parent / "weights.bin")
    refused(path, "which is not there")
