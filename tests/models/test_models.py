"""Models: the three ways to make one, their structure beside Keras's, weights in files."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re

import numpy as np
import pytest

import day33
from day33 import Input, Model, Sequential, layers
from day33._graph.compiling import LossTerm
from support.zoo import MODELS, as_list, autoencoder, branched, inputs_for, nested, random

every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


# ---- beside Keras ----


def paths(weights):
    """Keras has a cell inside a recurrent layer, and the state of a generator in it."""
    found = [re.sub(r"/(lstm|gru|simple_rnn)_cell", "", weight.path) for weight in weights]
    return [path for path in found if not path.endswith("seed_generator_state")]


@every_model
def test_structure_and_numbers_of_keras(make):
    keras = pytest.importorskip("keras")
    day33.clear_session()
    keras.backend.clear_session()
    ours, theirs = make(), make(keras)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert paths(ours.weights) == paths(theirs.weights)
    assert [v.shape for v in ours.weights] == [tuple(v.shape) for v in theirs.weights]
    if make is not nested:  # there Keras spends a number on the model inside the Sequential
        assert ours.name == theirs.name
    assert ours.count_params() == theirs.count_params()
    assert ours.input_shape == theirs.input_shape and ours.output_shape == theirs.output_shape
    for attribute in ("trainable_variables", "non_trainable_variables"):
        assert paths(getattr(ours, attribute)) == paths(getattr(theirs, attribute))
    theirs.set_weights([np.abs(w) for w in ours.get_weights()])
    ours.set_weights(theirs.get_weights())
    x = inputs_for(ours)
    for left, right in zip(as_list(ours(x)), as_list(theirs(x)), strict=True):
        np.testing.assert_allclose(left, np.asarray(right), rtol=1e-5, atol=1e-5)


def test_both_autoencoders_have_3369_parameters():
    for kind in ("upsampling", "transposed"):
        lines = []
        autoencoder(kind).summary(print_fn=lines.append)
        assert any("Total params: 3,369 (13.16 KB)" in line for line in lines)


# ---- functional ----


@every_model
def test_model_is_the_chain_of_its_layers(make):
    """The whole plan against each layer run on its own."""
    model = make()
    x = inputs_for(model)
    values = dict(zip(model.inputs, x if isinstance(x, list) else [x], strict=True))
    for node in model._graph.nodes:
        given = [values[t] for t in node.inputs]
        values.update(zip(node.outputs, as_list(node.layer(given if len(given) > 1 else given[0])), strict=True))
    for output, y in zip(model.outputs, as_list(model(x)), strict=True):
        np.testing.assert_allclose(y, values[output], rtol=1e-5, atol=1e-6)


def test_parts_share_weights_with_the_whole():
    model = autoencoder("upsampling")
    code = model.layers[6].output
    encoder, decoder = Model(model.input, code), Model(code, model.output)
    x = random(4, 28, 28, 1)
    np.testing.assert_allclose(decoder(encoder(x)), model(x), rtol=1e-5, atol=1e-6)
    assert encoder.count_params() + decoder.count_params() == model.count_params()
    model.layers[1].kernel.assign(np.zeros((3, 3, 1, 16)))
    np.testing.assert_allclose(decoder(encoder(x)), model(x), rtol=1e-5, atol=1e-6)
    assert decoder.input_shape == (None, 4, 4, 4) and isinstance(decoder.layers[0], layers.InputLayer)


@pytest.mark.parametrize(
    "wrap",
    [lambda a, b: [a, b], lambda a, b: (b, a), lambda a, b: {"one": a, "two": b}, lambda a, b: [a, [b]]],
)
def test_structures_of_inputs_and_outputs(wrap):
    a, b = Input((2,), name="a"), Input((3,), name="b")
    dense = layers.Dense(4)
    y, z = dense(a), layers.Dense(5)(b)
    model = Model(wrap(a, b), wrap(y, z))
    xa, xb = random(6, 2), random(6, 3)
    result = model(wrap(xa, xb))
    assert type(result) is type(wrap(0, 0))
    expected = wrap(dense(xa), None)

    def first(structure):
        leaf = structure
        while not isinstance(leaf, np.ndarray):
            leaf = next(v for v in (leaf.values() if isinstance(leaf, dict) else leaf) if v is not None)
        return leaf

    leaves = [leaf for leaf in flatten(result) if leaf.shape[-1] == 4]
    np.testing.assert_array_equal(leaves[0], first(expected))


def flatten(structure):
    if isinstance(structure, dict):
        structure = list(structure.values())
    if isinstance(structure, list | tuple):
        return [leaf for item in structure for leaf in flatten(item)]
    return [structure]


def names(model):
    return [layer.name for layer in model.layers]


def test_inputs_by_name():
    model = branched()
    a, b = inputs_for(model)
    for left, right in zip(model({"b": b, "a": a}), model([a, b]), strict=True):
        np.testing.assert_array_equal(left, right)
    with pytest.raises(ValueError, match=r"\['b'\]"):
        model({"a": a})


def test_inputs_in_a_dict_are_found_by_their_keys():
    """Whatever the order; keys of their own raise, as in Keras, and what is not asked for is left aside."""
    i, j = Input((2,)), Input((2,))
    model = Model({"c": i, "d": j}, layers.Subtract()([i, j]))
    c, d = random(3, 2), random(3, 2, seed=1)
    for given in ({"c": c, "d": d}, {"d": d, "c": c}, {"a": d, "c": c, "d": d}):
        np.testing.assert_array_equal(model(given), c - d)
        np.testing.assert_array_equal(model.predict(given, verbose=0), c - d)
    for given in ({"y": c, "x": d}, {"c": c}, {"c": c, "x": d}):
        with pytest.raises(ValueError, match=re.escape(f"keys {list(given)}; expected ['c', 'd']")):
            model(given)
        with pytest.raises(ValueError, match="keys"):
            model.predict(given, verbose=0)
    a, b = Input((2,)), Input((2,))
    outer = Model([a, b], model({"d": b, "c": a}))
    np.testing.assert_array_equal(outer([c, d]), c - d)
    with pytest.raises(ValueError, match="'c', 'd'"):
        model({"y": a, "x": b})


def test_a_model_says_what_it_is():
    model = branched()
    assert repr(model) == f"<Functional {model.name!r}: 9 layers, {model.count_params():,} parameters>"
    assert repr(Sequential([layers.Dense(3)], name="s")) == "<Sequential 's': 1 layer, not built>"


def test_open_sizes():
    x = Input((None, None, 1))
    model = Model(x, layers.UpSampling2D()(layers.Conv2D(2, 3)(x)))
    assert model.output_shape == (None, None, None, 2)
    for height, width in ((5, 7), (12, 4)):
        assert model(random(2, height, width, 1)).shape == (2, 2 * height - 4, 2 * width - 4, 2)
    assert model.compute_output_shape((None, 8, None, 1)) == (None, 12, None, 2)


def test_missing_last_axis_is_added_as_in_keras():
    model = autoencoder("upsampling")
    x = random(2, 28, 28)
    np.testing.assert_array_equal(model(x), model(x[..., None]))
    np.testing.assert_array_equal(model(x), model(x[..., None, None]))


def test_deep_model():
    """Deeper than Python's stack."""
    x = y = Input((1,))
    for _ in range(1500):
        y = layers.Activation("relu")(y)
    assert Model(x, y)(np.array([[2.0], [-1.0]])).tolist() == [[2], [0]]


def test_outputs_that_are_inputs_or_twice_the_same():
    x = Input((3,))
    y = layers.Dense(2)(x)
    model = Model(x, [x, y, y])
    data = random(4, 3)
    left, first, second = model(data)
    np.testing.assert_array_equal(left, data)
    np.testing.assert_array_equal(first, second)
    assert not np.shares_memory(left, data) and not np.shares_memory(first, second)


def test_graph_errors():
    a, b = Input((2,), name="a"), Input((2,), name="b")
    y = layers.Add()([a, b])
    with pytest.raises(ValueError, match="depends on .*name=b"):
        Model(a, y)
    with pytest.raises(TypeError, match="expected tensors"):
        Model(a, np.zeros((2, 2)))
    with pytest.raises(TypeError, match="expected tensors"):
        Model(layers.Dense(2), y)
    with pytest.raises(ValueError, match="both inputs and outputs"):
        Model(a)
    with pytest.raises(ValueError, match="Model\\(\\) without"):
        Model()
    with pytest.raises(ValueError, match="twice"):
        Model([a, a], y)
    with pytest.raises(ValueError, match="two layers .* 'same'"):
        Model(a, layers.Dense(2, name="same")(layers.Dense(2, name="same")(a)))


def test_input_layers_with_older_names_of_their_arguments():
    for arguments, shape in (
        ({"input_shape": (3, 2)}, (None, 3, 2)), ({"input_shape": [4], "batch_size": 5}, (5, 4)),
        ({"batch_input_shape": (2, 6)}, (2, 6)),
    ):  # fmt: skip
        first = layers.InputLayer(**arguments)
        model = Sequential([first, layers.Dense(2)])
        assert first.batch_shape == model.input_shape == shape and model.built
    with pytest.raises(ValueError, match=r"shape is \(3,\) and input_shape is \(4,\); expected one of them"):
        layers.InputLayer((3,), input_shape=(4,))
    with pytest.raises(ValueError, match="shape is None and batch_shape is None; expected exactly one of them"):
        layers.InputLayer()


def test_wrong_inputs():
    model = autoencoder("upsampling")
    with pytest.raises(ValueError, match=r"input 0 of shape \(None, 32, 28, 1\); expected \(None, 28, 28, 1\)"):
        model(np.zeros((2, 32, 28, 1)))
    with pytest.raises(ValueError, match="2 inputs; expected 1"):
        model([np.zeros((2, 28, 28, 1))] * 2)
    with pytest.raises(TypeError, match="input 0"):
        model(np.zeros((2, 28, 28, 1), complex))


def test_get_layer():
    model = branched()
    assert model.get_layer("deep") is model.get_layer(index=names(model).index("deep"))
    for arguments in ({}, {"name": "deep", "index": 1}):
        with pytest.raises(ValueError, match="exactly one"):
            model.get_layer(**arguments)
    with pytest.raises(ValueError, match=r"no layer 'x'.*'shared'"):
        model.get_layer("x")
    with pytest.raises(ValueError, match="index is 99"):
        model.get_layer(index=99)


# ---- trainable ----


def test_freezing_reaches_layers_and_plans():
    model = nested()
    loss = (LossTerm(0, "mean_squared_error"),)
    shapes = ((6, 6, 2),)
    everything = model.compile_plan(shapes, loss)
    assert model.compile_plan(shapes, loss) is everything
    model.get_layer("block").trainable = False
    assert [v.name for v in model.trainable_variables] == ["kernel", "bias"]
    frozen = model.compile_plan(shapes, loss)
    assert frozen is not everything
    assert sum(v.trainable for v in frozen.variables) == 2
    x = random(8, 6, 6, 2)
    before = model.get_weights()
    # Its batch normalisation stands still; inference folds it into weights, which rounds differently.
    np.testing.assert_allclose(model(x, training=True), model(x), rtol=1e-5, atol=1e-6)
    for left, right in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    model.trainable = True
    assert model.compile_plan(shapes, loss) is everything
    assert not np.array_equal(model(x, training=True), model(x))


def test_call_with_training_false_freezes_a_part():
    """The idiom of transfer learning: base(x, training=False)."""
    inner = Input((4,))
    base = Model(inner, layers.Dropout(0.5)(layers.BatchNormalization()(inner)))
    x = Input((4,))
    model = Model(x, base(x, training=False))
    data = random(16, 4)
    np.testing.assert_array_equal(model(data, training=True), model(data))
    assert not np.array_equal(base(data, training=True), base(data))


@pytest.mark.parametrize("nested", [False, True])
def test_fit_keeps_what_training_false_freezes(nested):
    """The moving mean stays where it is: what Keras does in a subclass, and what its guide to transfer learning says of
    models of inputs and outputs, though `fit` of Keras 3 overrules it there (docs/differences.md)."""
    x = Input((4,))
    norm = layers.BatchNormalization(momentum=0.5)
    block = Model(x, norm(x)) if nested else norm
    i = Input((4,))
    model = Model(i, layers.Dense(1)(block(i, training=False)))
    model.compile(optimizer="sgd", loss="mse")
    model.fit(random(16, 4) + 3, np.zeros((16, 1)), epochs=1, verbose=0)
    np.testing.assert_array_equal(norm.moving_mean.numpy(), np.zeros(4))
    np.testing.assert_array_equal(norm.moving_variance.numpy(), np.ones(4))


def test_layer_built_frozen():
    dense = layers.Dense(3, trainable=False)
    model = Sequential([Input((2,)), dense])
    assert model.trainable_variables == [] and len(model.non_trainable_variables) == 2
    dense.trainable = True
    assert len(model.trainable_variables) == 2


# ---- Sequential ----


def test_sequential_is_built_by_its_first_call():
    model = Sequential([layers.Dense(3, activation="relu"), layers.Dense(2)], name="seq")
    assert not model.built and model.weights == []
    with pytest.raises(AttributeError, match="has not seen an input"):
        _ = model.input_shape
    assert model(random(5, 4)).shape == (5, 2)
    assert model.built and model.input_shape == (None, 4) and model.count_params() == 23
    assert model.weights[0].path.startswith("seq/dense")


def test_sequential_by_hand():
    model = Sequential()
    model.add(Input((4,)))
    model.add(layers.Dense(3))
    assert model.output_shape == (None, 3) and len(model.layers) == 1
    model.add(layers.Dense(2))
    x = random(5, 4)
    whole = model(x)
    removed = model.pop()
    assert isinstance(removed, layers.Dense) and model.output_shape == (None, 3)
    np.testing.assert_allclose(removed(model(x)), whole, rtol=1e-6)
    model.pop()
    assert model.pop() is None and model.layers == []
    model.add(layers.Dense(7))
    assert model(x).shape == (5, 7)


def test_sequential_takes_the_shape_from_the_first_layer():
    assert Sequential([layers.Dense(3, input_shape=(4,))]).output_shape == (None, 3)
    assert Sequential([layers.Dense(3, input_dim=4)]).output_shape == (None, 3)
    assert Sequential([Sequential([Input((4,)), layers.Dense(3)]), layers.Dense(2)]).output_shape == (None, 2)


def test_sequential_errors():
    with pytest.raises(ValueError, match="has no layers"):
        Sequential()(np.zeros((1, 2)))
    with pytest.raises(TypeError, match="expected a layer"):
        Sequential([3])
    with pytest.raises(ValueError, match="only come first"):
        Sequential([layers.Dense(2), Input((3,))])
    dense = layers.Dense(2, name="twice")
    with pytest.raises(ValueError, match="'twice' already"):
        Sequential([dense, dense])
    with pytest.raises(ValueError, match="several outputs"):
        Sequential([Input((4, 4, 1)), layers.MaxPooling2D(return_indices=True)])
    with pytest.raises(ValueError, match="not built"):
        Sequential([layers.Dense(2)]).count_params()


# ---- subclasses ----


class Classifier(Model):
    def __init__(self, units=3):
        super().__init__()
        self.features = [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D()]
        self.drop = layers.Dropout(0.5)
        self.head = layers.Dense(units)
        self.flat = layers.Flatten()

    def call(self, x, training=False):
        for layer in self.features:
            x = layer(x)
        if training:
            x = self.drop(x)
        return self.head(self.flat(x))


def test_subclass():
    model = Classifier()
    assert not model.built
    x = random(4, 8, 8, 1)
    y = model(x)
    chain = x
    for layer in (*model.features, model.flat, model.head):
        chain = layer(chain)
    np.testing.assert_allclose(y, chain, rtol=1e-5, atol=1e-6)
    assert model.built and model.output_shape == (None, 3)
    assert [layer.name for layer in model.layers] == [
        layer.name for layer in (*model.features, model.drop, model.head, model.flat)
    ]
    assert not np.array_equal(model(x, training=True), y)
    model.summary(print_fn=lambda line: None)
    model.head = layers.Dense(5)
    assert model(x).shape == (4, 5)


def test_subclass_built_by_shape_and_by_arrays():
    model = Classifier()
    model.build((None, 8, 8, 1))
    assert model.count_params() == 4 * 9 + 4 + 36 * 3 + 3
    other = Classifier()
    other.build_for(np.zeros((2, 8, 8, 1), np.uint8))  # pictures of integers are made floats
    assert other.built and other.inputs[0].dtype == "float32" and other.count_params() == model.count_params()


def test_subclass_on_other_sizes():
    class Filter(Model):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv2D(2, 3)

        def call(self, x):
            return self.conv(x)

    model = Filter()
    for size in (5, 9):
        assert model(random(1, size, size, 1)).shape == (1, size - 2, size - 2, 2)
    assert len(model.weights) == 2


def test_subclass_with_several_inputs():
    class Sum(Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(2), layers.Dense(2)

        def call(self, x, other):
            return {"sum": self.a(x) + self.b(other), "first": self.a(x)}

    model = Sum()
    x, other = random(3, 4), random(3, 5)
    result = model(x, other)
    np.testing.assert_allclose(result["sum"], model.a(x) + model.b(other), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(model(x, other=other)["first"], result["first"])


def test_integers_reach_a_layer_that_wants_integers():
    class Unpool(Model):
        def __init__(self):
            super().__init__()
            self.unpool = layers.MaxUnpooling2D()

        def call(self, pair):
            return self.unpool(pair)

    x = random(2, 4, 4, 3)
    pooled, indices = layers.MaxPooling2D(return_indices=True)(x)
    np.testing.assert_array_equal(Unpool()([pooled, indices]), layers.MaxUnpooling2D()([pooled, indices]))


# ---- configuration and copies ----


@every_model
def test_config_makes_the_same_model(make):
    model = make()
    config = json.loads(json.dumps(model.get_config()))
    twin = Model.from_config(config)
    twin.set_weights(model.get_weights())
    assert names(twin) == names(model)
    x = inputs_for(model)
    for left, right in zip(as_list(model(x)), as_list(twin(x)), strict=True):
        np.testing.assert_array_equal(left, right)


def test_config_of_a_sequential():
    for model in (
        Sequential([Input((4,)), layers.Dense(3, activation="elu"), layers.BatchNormalization()]),
        Sequential([layers.Dense(3)]),
    ):
        twin = Sequential.from_config(json.loads(json.dumps(model.get_config())))
        assert twin.built == model.built and names(twin) == names(model)


def test_config_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="is a Lambda, which holds Python code"):
        Sequential.from_config({"name": "s", "layers": [{"class_name": "Lambda", "config": {}}]})
    with pytest.raises(TypeError, match="defined by its code"):
        Classifier().get_config()


def test_custom_layers_in_a_config():
    class Double(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(4)

        def call(self, x):
            return self.dense(x) + x

    x = Input((4,))
    model = Model(x, Double()(x))
    config = model.get_config()
    assert Model.from_config(config, {"Double": Double}).count_params() == 20


def test_the_shortcut_of_predict_on_batch_notices_changes():
    model = Sequential([Input((4,)), layers.Dense(3), layers.Dropout(0.5)])
    x = random(5, 4)
    for _ in range(2):  # the second call takes the shortcut
        np.testing.assert_array_equal(model.predict_on_batch(x), model(x))
    model.set_weights([w + 1 for w in model.get_weights()])
    np.testing.assert_array_equal(model.predict_on_batch(x), model(x))
    model.layers[0].trainable = False
    np.testing.assert_array_equal(model.predict_on_batch(x), model(x))
    for other in (x[:2], x[::2], x.astype(np.float64), x.tolist(), x[:0]):
        np.testing.assert_array_equal(model.predict_on_batch(other), model(np.asarray(other, np.float32)))
    with pytest.raises(ValueError, match=r"shape \(5, 3\)"):
        model.predict_on_batch(x[:, :3].copy())
    model.add(layers.Dense(2))
    assert model.predict_on_batch(x).shape == (5, 2)
    model.pop()
    assert model.predict_on_batch(x).shape == (5, 3)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies(duplicate):
    model = nested()
    x = random(2, 6, 6, 2)
    y = model(x)
    np.testing.assert_array_equal(model.predict_on_batch(x), y)
    twin = duplicate(model)
    np.testing.assert_array_equal(twin(x), y)
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    np.testing.assert_array_equal(twin(x), y)


# ---- weights in files ----


@every_model
def test_weights_round_trip(make, tmp_path):
    model, other = make(), make()
    path = tmp_path / "weights.npz"
    model.save_weights(path)
    other.load_weights(path)
    for left, right in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    with np.load(path, allow_pickle=False) as archive:
        assert len(archive.files) == len(model.weights)
    assert os.listdir(tmp_path) == ["weights.npz"]


def test_weights_that_do_not_fit(tmp_path):
    path = tmp_path / "weights.npz"
    model = Sequential([Input((4,)), layers.Dense(3, name="head")])
    model.save_weights(path)
    for other, words in (
        (Sequential([Input((5,)), layers.Dense(3, name="head")]), r"'head/kernel'.*\(4, 3\).*\(5, 3\)"),
        (Sequential([Input((4,)), layers.Dense(3, name="tail")]), "missing.*tail/kernel.*unexpected.*head/kernel"),
        (Sequential([Input((4,)), layers.Dense(3, name="head", use_bias=False)]), "unexpected.*head/bias"),
    ):
        before = other.get_weights()
        with pytest.raises(ValueError, match=words):
            other.load_weights(path)
        for left, right in zip(before, other.get_weights(), strict=True):
            np.testing.assert_array_equal(left, right)
    with pytest.raises(FileExistsError):
        model.save_weights(path, overwrite=False)
    with pytest.raises(ValueError, match="ends in .npz"):
        model.save_weights(tmp_path / "weights.h5")
    with pytest.raises(FileNotFoundError):
        model.load_weights(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="not built"):
        Sequential([layers.Dense(3)]).save_weights(path)
    path.write_bytes(b"PK nothing")
    with pytest.raises(ValueError, match="not a usable"):
        model.load_weights(path)


def test_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, **{"head/kernel": np.array([print], object), "head/bias": np.zeros(3, np.float32)})
    with pytest.raises(ValueError, match="Python objects"):
        Sequential([Input((4,)), layers.Dense(3, name="head")]).load_weights(path)


def test_loss_for_an_output_that_is_not_there():
    with pytest.raises(ValueError, match="output 1; the model has 1"):
        autoencoder("upsampling").compile_plan(((28, 28, 1),), (LossTerm(1, "mean_squared_error"),))
