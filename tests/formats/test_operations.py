"""Functions between layers in model files: as Keras writes its operations, and read from where it wrote them."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

import day33
from day33 import ops
from day33._core.variables import Variable
from support.zoo import random

keras = pytest.importorskip("keras")

MATRIX = random(6, 3, seed=2)
KERNEL = random(2, 6, 3, seed=3)
# Functions of the library o and a tensor (N, 4, 6).
EXPRESSIONS = {
    "numbers": lambda o, x: 2 * x + 1 - x / 3,
    "powers": lambda o, x: o.abs(x) ** 2 + 2**x,
    "remainders": lambda o, x: x // 2 + x % 0.7,
    "negative": lambda o, x: -x,
    "mean": lambda o, x: o.mean(x, axis=1),
    "sum": lambda o, x: o.sum(x, axis=(1, 2), keepdims=True),
    "max": lambda o, x: o.max(x, axis=-1) - o.min(x, axis=-1),
    "argmax": lambda o, x: o.argmax(x, axis=-1),
    "var": lambda o, x: o.var(x, axis=1) + o.std(x, axis=1),
    "cumsum": lambda o, x: o.cumsum(x, axis=1),
    "logsumexp": lambda o, x: o.logsumexp(x, axis=-1),
    "norm": lambda o, x: o.norm(x, axis=-1),
    "entries": lambda o, x: x[:, 0],
    "slices": lambda o, x: x[:, 1:3, ::-2],
    "new axes": lambda o, x: x[..., None, 2],
    "matmul": lambda o, x: x @ MATRIX,
    "dot": lambda o, x: o.tensordot(x, MATRIX, 1),
    "einsum": lambda o, x: o.einsum("bij,bkj->bik", x, x),
    "concatenate": lambda o, x: o.concatenate([x, o.tanh(x)], axis=-1),
    "stack": lambda o, x: o.stack([x, x], axis=1),
    "split": lambda o, x: o.split(x, 3, axis=-1)[1],
    "unstack": lambda o, x: o.unstack(x, axis=1)[2],
    "reshape": lambda o, x: o.reshape(x, (-1, 24)),
    "transpose": lambda o, x: o.transpose(x, (0, 2, 1)),
    "swapaxes": lambda o, x: o.swapaxes(x, 1, 2),
    "expand_dims": lambda o, x: o.squeeze(o.expand_dims(x, 1), 1),
    "where": lambda o, x: o.where(x > 0, x, 0.1 * x),
    "logic": lambda o, x: o.logical_and(x > 0, o.logical_not(x >= 1)),
    "clip": lambda o, x: o.clip(x, -0.5, 0.5),
    "cast": lambda o, x: o.cast(o.cast(3 * x, "int32"), "float32"),
    "one_hot": lambda o, x: o.one_hot(o.cast(o.abs(x), "int32"), 3),
    "take": lambda o, x: o.take(x, [1, 0, 1], axis=1),
    "take_along_axis": lambda o, x: o.take_along_axis(x, o.argmax(x, axis=-1, keepdims=True), axis=-1),
    "pad": lambda o, x: o.pad(x, [[0, 0], [1, 1], [0, 2]], constant_values=2.0),
    "reflect": lambda o, x: o.pad(x, [[0, 0], [1, 1], [0, 2]], mode="reflect"),
    "flip": lambda o, x: o.roll(o.flip(x, 1), 2, axis=-1),
    "repeat": lambda o, x: o.tile(o.repeat(x, 2, axis=1), (1, 2, 1)),
    "softmax": lambda o, x: o.softmax(x, axis=1) + o.log_softmax(x),
    "activations": lambda o, x: o.relu(x) + o.leaky_relu(x, 0.3) + o.elu(x, 0.5) + o.selu(x) + o.silu(x),
    "more activations": lambda o, x: o.sigmoid(x) + o.softplus(x) + o.hard_sigmoid(x) + o.relu6(x) + o.log_sigmoid(x),
    "gelu": lambda o, x: o.gelu(x) + o.gelu(x, approximate=False),
    "elementary": lambda o, x: o.exp(x) + o.log(1 + o.square(x)) + o.sqrt(o.abs(x)) + o.sin(x) + o.erf(x),
    "conv": lambda o, x: o.conv(x, KERNEL, 2, "same"),
    "pooling": lambda o, x: o.max_pool(x, 2) + o.average_pool(x, 2),
    "moments": lambda o, x: o.moments(x, [1])[1],
    "normalize": lambda o, x: o.normalize(x),
    "cross-entropies": lambda o, x: o.binary_crossentropy(o.sigmoid(x), o.sigmoid(2 * x)),
    "stop_gradient": lambda o, x: o.stop_gradient(x) * 2.0,
    "zeros_like": lambda o, x: o.ones_like(x) + o.full_like(x, 3),
    "resize": lambda o, x: o.image.resize(o.expand_dims(x, -1), (7, 3)),
}  # fmt: skip


def build(library, function):
    """A model with layers around the function."""
    i = library.Input((4, 6))
    h = library.layers.Dense(6, activation="tanh", name="before")(i)
    y = function(library.keras.ops if library is day33 else library.ops, h)
    return library.Model(i, [y, library.layers.Dense(2, name="beside")(h)])


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_both_ways(name, tmp_path):
    """Keras's file in day33, day33's in Keras, and day33's in day33: the same numbers."""
    x = random(5, 4, 6)
    theirs = build(keras, EXPRESSIONS[name])
    expected = [np.asarray(y) for y in theirs.predict(x, verbose=0)]
    theirs.save(tmp_path / "theirs.keras")
    ours = day33.load_model(tmp_path / "theirs.keras")
    same(ours.predict(x, verbose=0), expected)
    mine = build(day33, EXPRESSIONS[name])
    mine.set_weights(theirs.get_weights())
    same(mine.predict(x, verbose=0), expected)
    mine.save(tmp_path / "mine.keras")
    same(day33.load_model(tmp_path / "mine.keras").predict(x, verbose=0), expected)
    same(keras.models.load_model(tmp_path / "mine.keras").predict(x, verbose=0), expected)
    same(day33.models.clone_model(mine).predict(x, verbose=0)[0].shape, expected[0].shape)


def same(found, expected):
    if isinstance(expected, tuple):
        assert found == expected
        return
    for mine, correct in zip(found, expected, strict=True):
        assert mine.dtype.kind == correct.dtype.kind and mine.shape == correct.shape
        np.testing.assert_allclose(mine, correct, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("format", ["keras", "h5"])
def test_layers_keep_their_order_and_weights(format, tmp_path):
    """Also where functions of the same kind stand at several depths."""

    def make(library):
        i = library.Input((4,))
        a = library.layers.Dense(4, name="a")(i + 1.0)
        b = library.layers.Dense(4, name="b")(a * 2.0 + i)
        c = library.layers.Dense(4, name="c")(i * 2.0)
        return library.Model(i, [b + 1.0, c])

    theirs, ours = make(keras), make(day33)
    assert [layer.name for layer in ours.layers[1:]] == [layer.name for layer in theirs.layers[1:]]
    x = random(3, 4)
    path = tmp_path / f"model.{format}"
    theirs.save(path)
    same(day33.load_model(path).predict(x, verbose=0), theirs.predict(x, verbose=0))
    ours.save(path)
    same(day33.load_model(path).predict(x, verbose=0), ours.predict(x, verbose=0))


def test_names():
    i = day33.Input((3,))
    h = day33.layers.Add(name="add")([i, i])
    config = day33.Model(i, (h + 1) + (h + 2)).get_config()
    names = [item["name"] for item in config["layers"]]
    assert names[1:] == ["add", "add_1", "add_2", "add_3"]
    assert all("Add" == item["class_name"] for item in config["layers"][1:])


def test_operations_inside_of_models_inside(tmp_path):
    i = keras.Input((3,))
    inner = keras.Model(i, keras.layers.Dense(3)(i) * 2.0, name="inner")
    o = keras.Input((3,))
    model = keras.Model(o, inner(inner(o) + 1.0) - o)
    model.save(tmp_path / "m.keras")
    x = random(4, 3)
    same([day33.load_model(tmp_path / "m.keras").predict(x, verbose=0)], [model.predict(x, verbose=0)])


def test_masks_written_as_operations_are_still_read(tmp_path):
    i = keras.Input((5,), dtype="int32")
    y = keras.layers.LSTM(3)(keras.layers.Embedding(7, 4, mask_zero=True)(i))
    keras.Model(i, y).save(tmp_path / "m.keras")
    x = np.array([[1, 2, 0, 0, 0], [3, 3, 3, 1, 0]])
    loaded = day33.load_model(tmp_path / "m.keras")
    same([loaded.predict(x, verbose=0)], [keras.models.load_model(tmp_path / "m.keras").predict(x, verbose=0)])


def test_a_variable_between_layers_is_refused(tmp_path):
    i = day33.Input((3,))
    model = day33.Model(i, ops.multiply(i, Variable(np.ones(3), name="scale")))
    with pytest.raises(ValueError, match="the variable 'scale' is used between layers.*a layer that owns it"):
        model.save(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())


def forged(path, change):
    """A file of a model with `mean(x * 2)`, its configuration changed."""
    i = day33.Input((3,))
    day33.Model(i, ops.mean(i * 2.0, axis=1)).save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    operations = {item["name"]: item for item in config["config"]["layers"]}
    change(operations)
    members["config.json"] = json.dumps(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def change(name, **changes):
    return lambda operations: operations[name].update(changes)


def set_args(name, args):
    return lambda operations: operations[name]["inbound_nodes"][0].update(args=args)


FORGED = {
    "no such operation": (change("mean", class_name="Mode"), "operation 'Mode'"),
    "a private name": (change("mean", class_name="_functions"), "operation '_functions'"),
    "no operation at all": (change("mean", class_name="ConvertToNumpy"), "mean"),
    "an argument": (lambda o: o["mean"]["config"].update(where=[1]), "'mean' \\(Mean\\) has where"),
    "an axis": (lambda o: o["mean"]["config"].update(axis=5), "axis is 5"),
    "an axis that is none": (lambda o: o["mean"]["config"].update(axis="a"), "axis is 'a'"),
    "no tensor": (set_args("mean", [1.0]), "called without a tensor"),
    "too many arguments": (lambda o: o["mean"]["inbound_nodes"][0]["args"].extend([1, 2, 3]), "'mean'"),
    "a constant that is none": (
        lambda o: o["multiply"]["inbound_nodes"][0]["args"].__setitem__(
            1, {"class_name": "__numpy__", "config": {"value": ["a"], "dtype": "float32"}}
        ), "expected numbers",
    ),
    "a module": (change("mean", module="os"), "os"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_files(name, tmp_path):
    changed, message = FORGED[name]
    with pytest.raises(ValueError, match=message):
        day33.load_model(forged(tmp_path / "m.keras", changed))


@pytest.mark.parametrize("class_name, config", [
    ("Repeat", {"repeats": 2**30, "axis": 1}), ("Tile", {"repeats": [1, 2**30]}), ("OneHot", {"num_classes": 2**30}),
    ("Pad", {"pad_width": [[0, 0], [0, 2**30]]}), ("BroadcastTo", {"shape": [2**20, 2**20, 3]}),
])  # fmt: skip
def test_what_would_be_huge_costs_nothing_to_load(class_name, config, tmp_path):
    def changed(operations):
        operations["multiply"].update(class_name=class_name, config={"name": "multiply", **config})
        operations["multiply"]["inbound_nodes"][0]["args"] = operations["multiply"]["inbound_nodes"][0]["args"][:1]

    try:
        day33.load_model(forged(tmp_path / "m.keras", changed))
    except ValueError:
        pass
