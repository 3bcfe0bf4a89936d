"""Model files that are damaged or mean harm: a ValueError with the reason, and neither memory nor time for it."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zipfile

import fuzz_keras_files
import pytest

import day33
from day33 import layers

h5py = pytest.importorskip("h5py")


@pytest.fixture
def path(tmp_path):
    model = day33.Sequential([layers.Input((4,), name="in"), layers.Dense(3, name="one"), layers.Dense(2, name="two")])
    model.compile("sgd", "mse")
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    return tmp_path / "m.keras"


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, changed, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in changed.items():
            archive.writestr(name, content)


def refused(path, reason):
    """The file is refused for that reason, with less memory than a tenth of what it asks for."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=reason) as caught:
            day33.load_model(path)
        assert str(path) in str(caught.value)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


# ---- the archive ----


@pytest.mark.parametrize("name", ["../up.txt", "/etc/passwd", "..\\up.txt", "a/../../b", "C:\\x"])
def test_paths_that_climb_out(path, name):
    rewrite(path, {**members(path), name: b"x"})
    refused(path, "leads out of the archive")


def test_bombs(path):
    zeros = bytes(1 << 20)
    whole = members(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", whole["config.json"])
        with archive.open("model.weights.h5", "w") as member:
            for _ in range(300):
                member.write(zeros)
    assert path.stat().st_size < 1 << 20
    refused(path, "looks like a bomb")
    rewrite(path, {**whole, "config.json": b" " * (17 << 20)}, zipfile.ZIP_DEFLATED)
    refused(path, "'config.json' announces 17825792 bytes; at most 16777216")


def test_lying_sizes(path):
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x01\x02")  # the weights in the central directory: sizes at 20 and 24
    data[place + 20 : place + 28] = struct.pack("<II", 1 << 30, 1 << 30)
    path.write_bytes(data)
    refused(path, "not a usable Keras model")


def test_members_that_are_missing_or_come_twice(path):
    whole = members(path)
    for name in ("config.json", "model.weights.h5"):
        rewrite(path, {key: value for key, value in whole.items() if key != name})
        refused(path, f"no member '{name}'")
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "w") as archive:
        for _ in range(2):
            archive.writestr("config.json", whole["config.json"])
    refused(path, "two members named 'config.json'")


@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.7, 0.999])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_truncated(path, suffix, part):
    path = path.with_suffix(suffix)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    refused(path, "not a usable Keras model")


def test_one_bit_of_a_weight(path):
    data = bytearray(path.read_bytes())
    data[data.index(members(path)["model.weights.h5"]) + 3000] ^= 1
    path.write_bytes(data)
    refused(path, "Bad CRC-32")


# ---- the configuration ----


def layer(path, place):
    config = json.loads(members(path)["config.json"])
    return config, config["config"]["layers"][place]


def put(path, config):
    rewrite(path, {**members(path), "config.json": json.dumps(config)})


def test_weights_are_not_made_before_the_file_shows_them(path):
    config, dense = layer(path, 1)
    dense["config"]["units"] = 2**31 - 1
    put(path, config)
    refused(path, r"'kernel' of layer 'one' has shape \(4, 2147483647\), more than the file holds")


def test_many_layers_and_deep_json(path):
    config, _ = layer(path, 1)
    flat = [{"class_name": "Flatten", "config": {"name": f"f{i}"}} for i in range(20_000)]
    config["config"]["layers"][1:1] = flat
    put(path, config)
    refused(path, "more layers than day33 reads")
    rewrite(path, {**members(path), "config.json": b'{"config":' * 5000 + b"1" + b"}" * 5000})
    refused(path, "nested 5000 deep")


def test_models_that_double_themselves(path):
    def tensor(name, call=0):
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, call, 0]}}

    def model(inner, depth):
        calls = [{"args": [tensor("in")], "kwargs": {}}, {"args": [tensor("x")], "kwargs": {}}]
        return {
            "class_name": "Functional",
            "config": {
                "name": f"m{depth}", "trainable": True, "input_layers": ["in", 0, 0], "output_layers": ["x", 1, 0],
                "layers": [
                    {"class_name": "InputLayer", "name": "in", "config": {"name": "in", "batch_shape": [None, None, 1]},
                     "inbound_nodes": []},
                    {**inner, "name": "x", "config": {**inner["config"], "name": "x"}, "inbound_nodes": calls},
                ],
            },
        }  # fmt: skip

    item = {"class_name": "ReLU", "config": {"name": "r"}}
    for depth in range(24):
        item = model(item, depth)
    put(path, item)
    refused(path, "more layers than day33 reads")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"class_name": "Lambda"}, "Lambda, which holds Python code"),
        ({"class_name": "os.system"}, "'os.system', which day33 does not have"),
        ({"class_name": "Dense", "module": "evil.layers"}, "'Dense' of evil.layers"),
        ({"class_name": ["Dense"]}, "which day33 does not have"),
        ({"config": None}, "not a usable Keras model"),
    ],
)
def test_classes(path, change, reason):
    config, dense = layer(path, 1)
    dense.update(change)
    put(path, config)
    refused(path, reason)


def test_functions_of_others(path):
    config, dense = layer(path, 1)
    dense["config"]["activation"] = {"class_name": "function", "module": "evil", "config": "run"}
    put(path, config)
    refused(path, "function 'run' of evil is not day33's")


# ---- thousands ----


def test_mutated_files(tmp_path):
    outcome = fuzz_keras_files.run(400, 0, tmp_path)
    assert sum(outcome.values()) == 400
    assert min(outcome["loaded"], outcome["refused"]) > 20  # the mutations are neither harmless nor all alike
