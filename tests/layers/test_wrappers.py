"""Bidirectional, TimeDistributed and the layers for (N, T, C) beside Keras."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers
from support.twins import assert_all_close, assert_same_gradients, assert_same_predictions, build_both
from support.zoo import random

keras = pytest.importorskip("keras")

N, T, C, U = 4, 5, 3, 2


def check(build, x, bound=2e-6):
    ours, theirs = build_both(build, keras)
    assert_same_predictions(ours, theirs, x, bound)
    outputs = ours.predict(x, verbose=0)
    if not isinstance(outputs, list):
        assert_same_gradients(ours, theirs, keras, x, random(*outputs.shape, seed=5), bound=bound)
    else:
        y = [random(*output.shape, seed=5 + i) for i, output in enumerate(outputs)]
        assert_same_gradients(ours, theirs, keras, x, y, ["mse"] * len(y), bound)
    return ours, theirs


def both_ways(options, merge_mode="concat", masked=False, initial=False, kind="LSTM", own_backward=False):
    def build(library):
        make = library.layers
        x = library.Input((T, C))
        y = make.Masking()(x) if masked else make.Dense(C)(x)
        inputs, more = [x], {}
        if initial:
            seeds = [library.Input((2,)) for _ in range(4 if kind == "LSTM" else 2)]
            inputs += seeds
            more["initial_state"] = [make.Dense(U)(seed) for seed in seeds]
        backward = getattr(make, kind)(U, go_backwards=True, use_bias=False, **options) if own_backward else None
        wrapped = make.Bidirectional(getattr(make, kind)(U, **options), merge_mode=merge_mode, backward_layer=backward)
        outputs = wrapped(y, **more)
        outputs = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        results = [make.Dense(2)(output) for output in outputs]
        return library.Model(inputs if initial else x, results if len(results) > 1 else results[0])

    return build


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize(
    "options",
    [{}, {"return_sequences": True}, {"return_state": True}, {"return_sequences": True, "return_state": True}],
    ids=str,
)  # fmt: skip
def test_merge_modes(merge_mode, options):
    check(both_ways(options, merge_mode), random(N, T, C))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("options", [{}, {"return_sequences": True, "return_state": True}], ids=str)
def test_masked_both_ways(kind, options):
    x = random(N, T, C)
    x[0, 3:], x[1, :2], x[2, 1] = 0, 0, 0
    check(both_ways(options, masked=True, kind=kind), x)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_initial_states_both_ways(kind):
    seeds = [random(N, 2, seed=i) for i in range(4 if kind == "LSTM" else 2)]
    check(both_ways({"return_sequences": True}, initial=True, kind=kind), [random(N, T, C), *seeds])


def test_a_backward_layer_of_its_own():
    check(both_ways({"return_sequences": True}, own_backward=True), random(N, T, C))


def test_names_and_order_of_weights():
    for module in (layers, keras.layers):
        wrapped = module.Bidirectional(module.LSTM(U, name="reader"), name="both")
        wrapped.build((None, T, C))
        assert (wrapped.forward_layer.name, wrapped.backward_layer.name) == ("forward_reader", "backward_reader")
        assert [tuple(w.shape) for w in wrapped.weights] == [(C, 8), (U, 8), (8,)] * 2
    ours, theirs = layers.Bidirectional(layers.GRU(U)), keras.layers.Bidirectional(keras.layers.GRU(U))
    for shape in ((None, T, C), (N, None, C)):
        assert tuple(ours.compute_output_shape(shape)) == tuple(theirs.compute_output_shape(shape))


def test_bidirectional_refuses():
    with pytest.raises(ValueError, match="LSTM"):
        layers.Bidirectional(layers.Dense(2))
    with pytest.raises(ValueError, match="merge_mode"):
        layers.Bidirectional(layers.LSTM(2), merge_mode="first")
    with pytest.raises(ValueError, match="go_backwards"):
        layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2))
    with pytest.raises(ValueError, match="return_sequences"):
        layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2, go_backwards=True, return_sequences=True))
    with pytest.raises(ValueError, match="initial_state"):
        layers.Bidirectional(layers.LSTM(2))(random(N, T, C), initial_state=[random(N, 2)] * 2)


# ---- TimeDistributed ----

STEPS = {
    "dense": (lambda make: make.Dense(3, activation="tanh"), (4,)),
    "softmax": (lambda make: make.Softmax(), (4,)),
    "convolution": (lambda make: make.Conv2D(2, 3, activation="relu"), (6, 5, 2)),
    "transposed": (lambda make: make.Conv2DTranspose(2, 3, strides=2), (3, 4, 2)),
    "pooling": (lambda make: make.MaxPooling2D(2), (6, 5, 2)),
    "global pooling": (lambda make: make.GlobalAveragePooling2D(), (6, 5, 2)),
    "flatten": (lambda make: make.Flatten(), (3, 2, 2)),
    "layer normalisation": (lambda make: make.LayerNormalization(), (4,)),
    "normalisation of images": (lambda make: make.LayerNormalization(axis=[1, 2]) , (3, 2)),
    "recurrent": (lambda make: make.LSTM(2), (3, 4)),
    "nested": (lambda make: make.TimeDistributed(make.Dense(2)), (3, 4)),
}  # fmt: skip


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("name", STEPS)
def test_every_step_alike(name, steps):
    make_layer, shape = STEPS[name]

    def build(library):
        x = library.Input((steps, *shape))
        y = library.layers.Dense(shape[-1])(x)
        return library.Model(x, library.layers.TimeDistributed(make_layer(library.layers))(y))

    check(build, random(N, steps, *shape), 5e-6)


def test_a_model_for_every_step():
    def build(library):
        make = library.layers
        picture = library.Input((6, 6, 1))
        small = make.Flatten()(make.MaxPooling2D(2)(make.Conv2D(3, 3, activation="relu")(picture)))
        x = library.Input((T, 6, 6, 1))
        y = make.TimeDistributed(library.Model(picture, make.Dense(4)(small)))(x)
        return library.Model(x, make.Dense(2)(make.GRU(3)(y)))

    check(build, random(N, T, 6, 6, 1), 5e-6)


def test_batch_statistics_of_each_step():
    def build(library):
        x = library.Input((3, C))
        return library.Model(x, library.layers.TimeDistributed(library.layers.BatchNormalization())(x))

    ours, theirs = build(day33), build(keras)
    x = random(N, 3, C)
    assert_all_close(ours(x, training=True), np.asarray(theirs(x, training=True)), 1e-5)
    assert_all_close(ours.get_weights(), theirs.get_weights(), 1e-5)


def test_time_distributed_passes_masks():
    def build(library):
        make = library.layers
        x = library.Input((T, 4), dtype="int32")  # sentences of words: a mask with two axes
        y = make.TimeDistributed(make.LSTM(3))(make.Embedding(6, 2, mask_zero=True)(x))
        return library.Model(x, make.Dense(2)(y))

    ids = np.random.default_rng(3).integers(0, 6, (N, T, 4)).astype(np.int32)
    ours, theirs = build_both(build, keras)
    assert_same_predictions(ours, theirs, ids)


def test_time_distributed_refuses():
    with pytest.raises(ValueError, match="expected a layer"):
        layers.TimeDistributed("dense")
    with pytest.raises(ValueError, match=r"\(N, T, ...\)"):
        layers.TimeDistributed(layers.Dense(2))(random(N, T))
    with pytest.raises(ValueError, match="several outputs"):
        layers.TimeDistributed(layers.LSTM(2, return_state=True))(random(N, T, 3, 2))


# ---- (N, T, C) ----


@pytest.mark.parametrize("name", ["GlobalAveragePooling1D", "GlobalMaxPooling1D"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pooling(name, keepdims):
    def build(library):
        x = library.Input((T, C))
        pooled = getattr(library.layers, name)(keepdims=keepdims)(library.layers.Dense(4)(x))
        return library.Model(x, library.layers.Dense(2)(pooled))

    check(build, random(N, T, C))
    layer = getattr(layers, name)()
    with pytest.raises(ValueError, match=r"\(N, T, C\)"):
        layer(random(N, T))
    config, expected = layer.get_config(), getattr(keras.layers, name)().get_config()
    assert {key: config[key] for key in ("data_format", "keepdims")} == {
        key: expected[key] for key in ("data_format", "keepdims")
    }


def test_spatial_dropout_drops_channels():
    layer = layers.SpatialDropout1D(0.5)
    x = np.ones((40, T, 50), np.float32)
    np.testing.assert_array_equal(layer(x), x)
    y = layer(x, training=True)
    assert set(np.unique(y)) == {np.float32(0), np.float32(2)}
    assert (y == y[:, :1]).all()
    # 2000 channels kept with probability 1/2: deviation 0.011; five times that.
    assert (y[:, 0] > 0).mean() == pytest.approx(0.5, abs=0.056)


CONFIGS = {
    "both ways": lambda make: make.Bidirectional(make.LSTM(2, return_sequences=True), merge_mode="sum"),
    "every step": lambda make: make.TimeDistributed(make.Dense(3, activation="tanh")),
    "nested": lambda make: make.TimeDistributed(make.Bidirectional(make.GRU(2))),
    "spatial": lambda make: make.SpatialDropout1D(0.25),
    "average": lambda make: make.GlobalAveragePooling1D(keepdims=True),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations(name, tmp_path):
    layer = CONFIGS[name](layers)
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config

    def build(library):
        x = library.Input((T, 3, 4) if name == "nested" else (T, C))
        return library.Model(x, CONFIGS[name](library.layers)(x))

    ours, theirs = build_both(build, keras)
    x = random(N, *ours.inputs[0].shape[1:])
    theirs.save(tmp_path / "theirs.keras")
    loaded = day33.load_model(tmp_path / "theirs.keras")
    assert_same_predictions(loaded, theirs, x)
    ours.save(tmp_path / "ours.keras")
    assert_same_predictions(ours, keras.models.load_model(tmp_path / "ours.keras"), x)
