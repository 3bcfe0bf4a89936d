"""Where masks come from, which layers hand them on, and what losses make of them, beside Keras."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33._core.tensors import mask_of
from support.twins import assert_all_close, assert_same_gradients, assert_same_predictions, build_both, step
from support.zoo import random

keras = pytest.importorskip("keras")

N, T, V = 6, 5, 7


def tokens(seed=0, steps=T, padded=True):
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, V, (N, steps)).astype(np.int32)
    if padded:
        lengths = np.r_[steps, 1, rng.integers(1, steps + 1, N - 2)]
        ids[np.arange(steps) >= lengths[:, None]] = 0
    return ids


# ---- Embedding and Masking ----


def embed(library, mask_zero=True, dtype="int32", width=3, steps=T):
    x = library.Input((steps,), dtype=dtype)
    return x, library.layers.Embedding(V, width, mask_zero=mask_zero)(x)


@pytest.mark.parametrize("mask_zero", [False, True])
def test_embedding_and_its_gradient(mask_zero):
    def build(library):
        x, y = embed(library, mask_zero)
        return library.Model(x, library.layers.Dense(2)(y))

    ours, theirs = build_both(build, keras)
    x = tokens()
    assert_same_predictions(ours, theirs, x)
    gradients = assert_same_gradients(ours, theirs, keras, x, random(N, T, 2))
    unused = sorted(set(range(V)) - set(x.ravel().tolist()) | ({0} if mask_zero else set()))
    assert not gradients[0][unused].any()


def test_embedding_rows_are_exact():
    layer = day33.layers.Embedding(V, 4)
    ids = tokens()
    y = layer(ids)
    np.testing.assert_array_equal(y, layer.get_weights()[0][ids])
    assert layer(np.zeros((0, 3), np.int32)).shape == (0, 3, 4)
    assert layer(np.zeros((2, 3, 2), np.int32)).shape == (2, 3, 2, 4)
    assert layer(np.array([1, 2])).shape == (2, 4)


def test_float_numbers_are_cut():
    layer = day33.layers.Embedding(V, 4)
    table = layer(np.arange(V)[None])[0]
    given = np.array([[1.0, 1.9, 6.99, 0.0, -0.5]], np.float32)
    np.testing.assert_array_equal(layer(given)[0], table[[1, 1, 6, 0, 0]])


@pytest.mark.parametrize("number", [V, -1, 2**31 - 1])
def test_numbers_outside_the_table(number):
    layer = day33.layers.Embedding(V, 4)
    ids = tokens()
    ids[2, 1] = number
    message = f"index {number}; expected 0 to {V - 1}" if number >= 0 else f"holds {number} at"
    with pytest.raises(ValueError, match=message):
        layer(ids)
    model = day33.Sequential([day33.Input((T,), dtype="int32"), layer, day33.layers.Flatten(), day33.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    before = [w.copy() for w in model.get_weights()]
    with pytest.raises(ValueError, match=f"{number}"):
        model.train_on_batch(ids, np.zeros((N, 1), np.float32))
    for mine, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, kept)


@pytest.mark.parametrize(
    ("number", "shown"),
    [(np.nan, "-?nan"), (np.inf, "inf"), (1e20, "1000000020040877"), (-1e20, "-1000000020040877"),
     (2.0**40, "1099511627776;"), (-(2.0**40), "-1099511627776;"), (2.0**31, "2147483648;")],
)  # fmt: skip
def test_floats_that_are_no_numbers_of_the_table(number, shown):
    layer = day33.layers.Embedding(V, 4)
    x = day33.Input((2,))
    model = day33.Model(x, layer(x))
    with pytest.raises(ValueError, match=f"holds the index {shown}"):
        model(np.array([[0.0, number]], np.float32))
    if number == 2.0**40:  # an integer input of a model of floats, as Keras takes it
        with pytest.raises(ValueError, match="holds the index 1099511627776; expected one in the range of int32"):
            model(np.array([[0, 2**40]]))


@pytest.mark.parametrize("arguments", [{"input_dim": 0, "output_dim": 2}, {"input_dim": 2, "output_dim": -1},
                                       {"input_dim": 2, "output_dim": 2, "embeddings_regularizer": "l3"}])  # fmt: skip
def test_refused_arguments(arguments):
    with pytest.raises(ValueError, match=r"input_dim|output_dim|l3"):
        day33.layers.Embedding(**arguments)


@pytest.mark.parametrize("value", [0.0, -1.0, 0.5])
def test_masking(value):
    def build(library):
        x = library.Input((T, 3))
        return library.Model(x, library.layers.LSTM(2)(library.layers.Masking(value)(x)))

    ours, theirs = build_both(build, keras)
    x = random(N, T, 3)
    x[0, 1:3], x[1], x[2, 4, :2] = value, value, value
    assert_same_predictions(ours, theirs, x)
    assert_same_gradients(ours, theirs, keras, x, random(N, 2))
    layer = day33.layers.Masking(value)
    np.testing.assert_array_equal(layer(x), np.asarray(keras.layers.Masking(value)(x)))


def test_masking_of_what_has_a_gradient():
    """A mask made from a value that is trained: the mask itself hands no gradient back."""

    def build(library):
        make = library.layers
        x = library.Input((T, 3))
        y = make.Masking()(make.Dense(3, activation="relu", use_bias=False)(x))
        return library.Model(x, [make.Dense(2)(y), make.LSTM(2)(y)])

    ours, theirs = build_both(build, keras)
    x = random(N, T, 3)
    x[0, 2:], x[1, :2] = 0, 0
    assert_same_predictions(ours, theirs, x)
    assert_same_gradients(ours, theirs, keras, x, [random(N, T, 2), random(N, 2, seed=1)], ["mse", "mse"])


# ---- which layers hand a mask on ----


PASSING = {
    "dense": lambda make, x: make.Dense(3, activation="tanh")(x),
    "activation": lambda make, x: make.Activation("relu")(x),
    "convolution": lambda make, x: make.Conv1D(3, 2, padding="causal")(x),
    "leaky": lambda make, x: make.LeakyReLU()(x),
    "dropout": lambda make, x: make.Dropout(0.0)(x),
    "spatial dropout": lambda make, x: make.SpatialDropout1D(0.0)(x),
    "layer normalisation": lambda make, x: make.LayerNormalization()(x),
    "rescaling": lambda make, x: make.Rescaling(2.0)(x),
    "reshape and back": lambda make, x: make.Reshape((T, 3))(make.Reshape((3 * T,))(x)),
    "same reshape": lambda make, x: make.Reshape((T, 3))(x),
    "repeat": lambda make, x: make.RepeatVector(T)(make.GlobalMaxPooling1D()(x)),
    "add to itself": lambda make, x: make.Add()([x, make.Dense(3)(x)]),
    "add to a layer without": lambda make, x: make.Add()([x, make.Reshape((T, 3))(x)]),
    "concatenate features": lambda make, x: make.Concatenate()([x, make.Dense(2)(x)]),
    "concatenate without": lambda make, x: make.Concatenate()([x, make.Reshape((T, 3))(x)]),
    "concatenate time": lambda make, x: make.Concatenate(axis=1)([x, make.Dense(3)(x)]),
    "concatenate time without": lambda make, x: make.Concatenate(axis=1)([make.Reshape((T, 3))(x), x]),
    "sequence": lambda make, x: make.LSTM(3, return_sequences=True)(x),
    "backwards": lambda make, x: make.LSTM(3, return_sequences=True, go_backwards=True)(x),
    "both ways": lambda make, x: make.Bidirectional(make.LSTM(3, return_sequences=True))(x),
    "time distributed": lambda make, x: make.TimeDistributed(make.Dense(2))(x),
}


@pytest.mark.filterwarnings("ignore:.*does not support.*mask")
@pytest.mark.parametrize("name", PASSING)
def test_masks_go_through(name):
    """Two readers of the mask: a loss on the sequence, and a recurrent layer."""

    def build(library):
        x, y = embed(library)
        y = PASSING[name](library.layers, y)
        return library.Model(x, [library.layers.Dense(2)(y), library.layers.LSTM(2)(y)])

    ours, theirs = build_both(build, keras)
    x = tokens()
    assert_same_predictions(ours, theirs, x, 5e-6)
    steps = ours.outputs[0].shape[1]
    assert_same_gradients(ours, theirs, keras, x, [random(N, steps, 2), random(N, 2, seed=1)], ["mse", "mse"], 5e-6)


@pytest.mark.parametrize("merge", ["Add", "Subtract", "Average", "Concatenate"])
def test_two_masks_meet(merge):
    def build(library):
        a, y = embed(library)
        b, z = embed(library)
        joined = getattr(library.layers, merge)()([y, z])
        return library.Model([a, b], [library.layers.Dense(2)(joined), library.layers.LSTM(2)(joined)])

    ours, theirs = build_both(build, keras)
    x = [tokens(1), tokens(2)]
    assert_same_predictions(ours, theirs, x)
    assert_same_gradients(ours, theirs, keras, x, [random(N, T, 2), random(N, 2, seed=1)], ["mse", "mse"])


@pytest.mark.filterwarnings("ignore:.*does not support.*mask")
def test_masks_inside_models():
    def build(library):
        make = library.layers
        i = library.Input((T, 3))
        block = library.Model(i, make.Dense(3)(make.LSTM(4, return_sequences=True)(i)))
        x, y = embed(library)
        return library.Model(x, make.Dense(2)(make.LSTM(2, return_sequences=True)(block(y))))

    ours, theirs = build_both(build, keras)
    assert_same_predictions(ours, theirs, tokens())
    assert_same_gradients(ours, theirs, keras, tokens(), random(N, T, 2))


# ---- losses ----


LOSSES = ["MeanSquaredError", "MeanAbsoluteError", "BinaryCrossentropy", "CategoricalCrossentropy",
          "SparseCategoricalCrossentropy"]  # fmt: skip


def head(library, width=4):
    x, y = embed(library)
    return library.Model(x, library.layers.Dense(width, activation="softmax")(y))


def targets_for(loss, width=4):
    rng = np.random.default_rng(4)
    if loss.startswith("Sparse"):
        return rng.integers(0, width, (N, T)).astype(np.int32)
    y = rng.random((N, T, width)).astype(np.float32)
    return y / y.sum(-1, keepdims=True)


@pytest.mark.parametrize("weights", [None, "sample", "position"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "none"])
@pytest.mark.parametrize("loss", LOSSES)
def test_masked_losses(loss, reduction, weights):
    """Keras reports one number for a loss; with "none" it differentiates the sum, and so the gradients compare."""
    ours, theirs = build_both(head, keras)
    arguments = {}
    if weights:
        shape = (N, 1) if weights == "sample" else (N, T)  # Keras cannot multiply (N,) with a mask
        arguments["sample_weight"] = np.random.default_rng(9).random(shape).astype(np.float32)
    assert_same_gradients(ours, theirs, keras, tokens(), targets_for(loss),
                          lambda library: getattr(library.losses, loss)(reduction=reduction), **arguments)  # fmt: skip


def test_nothing_counts():
    """A batch of padding alone: no loss, no gradient, no NaN."""
    ours, theirs = build_both(head, keras)
    gradients = assert_same_gradients(ours, theirs, keras, np.zeros((N, T), np.int32), targets_for("MeanSquaredError"))
    assert not any(g.any() for g in gradients)


def test_evaluate_and_fit_count_as_keras_does():
    ours, theirs = build_both(head, keras)
    x, y = tokens(), targets_for("SparseCategoricalCrossentropy")
    for model in (ours, theirs):
        model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    kwargs = {"batch_size": 4, "verbose": 0}
    assert ours.evaluate(x, y, **kwargs) == pytest.approx(theirs.evaluate(x, y, **kwargs), rel=1e-6)
    mine = ours.fit(x, y, epochs=2, shuffle=False, **kwargs).history["loss"]
    assert mine == pytest.approx(theirs.fit(x, y, epochs=2, shuffle=False, **kwargs).history["loss"], rel=1e-6)


def test_one_output_masked_and_one_not():
    def build(library):
        x, y = embed(library)
        z = library.Input((3,))
        return library.Model([x, z], [library.layers.Dense(2)(y), library.layers.Dense(2)(z)])

    ours, theirs = build_both(build, keras)
    x = [tokens(), random(N, 3)]
    assert_same_gradients(ours, theirs, keras, x, [random(N, T, 2), random(N, 2, seed=1)], ["mse", "mse"],
                          loss_weights=[0.5, 2.0])  # fmt: skip


@pytest.mark.parametrize("data", ["counted", "nothing"])
def test_average_over_the_steps_that_count(data):
    def build(library):
        x, y = embed(library)
        return library.Model(x, library.layers.Dense(2)(library.layers.GlobalAveragePooling1D()(y)))

    ours, theirs = build_both(build, keras)
    x = tokens()
    if data == "nothing":
        x[1] = 0
        mine, correct = ours.predict(x, verbose=0), np.asarray(theirs(x))
        assert np.isnan(correct[1]).all()
        np.testing.assert_allclose(mine, correct, rtol=1e-6)
    else:
        assert_same_predictions(ours, theirs, x)
        assert_same_gradients(ours, theirs, keras, x, random(N, 2))


def test_an_average_over_nothing_has_no_gradient():
    """NaN comes out, but the table that made the input has the gradient of the other samples, as in Keras."""
    x = np.array([[1, 2, 0], [0, 0, 0]], np.int32)
    tables = []
    for library in (day33, keras):
        i = library.Input((3,), dtype="int32")
        table = library.layers.Embedding(V, 2, mask_zero=True, embeddings_initializer="ones")
        model = library.Model(i, library.layers.GlobalAveragePooling1D()(table(i)))
        step(model, x, np.zeros((2, 2), np.float32), library.losses.MeanSquaredError(reduction="sum"),
             library.optimizers.SGD(1.0))  # fmt: skip
        tables.append(np.asarray(table.get_weights()[0]))
    np.testing.assert_allclose(tables[0], tables[1], rtol=1e-6)
    assert np.isfinite(tables[0]).all() and not (tables[0][1:3] == 1).any()


# ---- batch statistics ----


def test_batch_statistics_count_what_the_mask_keeps():
    """[1, 3, 0, 0] behind Masking(0.): Keras's mean is 2 and its variance 1."""
    x = np.array([[[1.0], [3.0], [0.0], [0.0]]], np.float32)
    model = day33.Sequential(
        [day33.Input((4, 1)), day33.layers.Masking(0.0), day33.layers.BatchNormalization(momentum=0)]
    )
    y = model(x, training=True)
    _, _, mean, variance = model.get_weights()
    assert (mean, variance) == (2.0, 1.0)
    np.testing.assert_allclose(y[0, :, 0], (x[0, :, 0] - 2) / np.sqrt(1 + 1e-3), rtol=1e-6)


def normalised(library, source, **arguments):
    make = library.layers
    if source == "Masking":
        x = library.Input((T, 3))
        y = make.Masking()(x)
    else:
        x = library.Input((T,), dtype=source)
        y = make.Embedding(V, 3, mask_zero=True)(x)
    y = make.BatchNormalization(momentum=0.4, **arguments)(make.Dense(4)(y))
    return library.Model(x, [make.Dense(2)(y), make.LSTM(2)(y)])


@pytest.mark.parametrize("batch", [2, 6, 40, 300])
@pytest.mark.parametrize("source", ["Masking", "int32", "float32"])
def test_batch_normalization_of_masked_sequences(source, batch):
    """Output in training, gradients and moving statistics, in batches of one tile and of many."""
    ours, theirs = build_both(lambda library: normalised(library, source), keras)
    for model in (ours, theirs):  # a variance is positive
        model.set_weights([np.abs(w) if w.shape == (4,) else w for w in model.get_weights()])
    rng = np.random.default_rng(1)
    ids = np.where(np.arange(T) < rng.integers(0, T + 1, batch)[:, None], rng.integers(1, V, (batch, T)), 0)
    ids[0], ids[1] = 0, 1
    x = (ids > 0)[..., None] * random(batch, T, 3) if source == "Masking" else ids.astype(source)
    mine, correct = ours(x, training=True), theirs(x, training=True)
    assert_all_close(list(mine), [np.asarray(y) for y in correct], 5e-6)
    y = [random(batch, T, 2), random(batch, 2, seed=1)]
    assert_same_gradients(ours, theirs, keras, x, y, ["mse", "mse"], 1e-5)
    assert_same_predictions(ours, theirs, x, 1e-5)


@pytest.mark.parametrize("arguments", [{}, {"scale": False}, {"center": False}])
def test_batch_statistics_of_padding_alone(arguments):
    """Keras takes a mean and a variance of 0."""
    ours, theirs = build_both(lambda library: normalised(library, "int32", **arguments), keras)
    x = np.zeros((N, T), np.int32)
    mine, correct = ours(x, training=True), theirs(x, training=True)
    assert_all_close(list(mine), [np.asarray(y) for y in correct], 5e-6)
    assert_all_close(ours.get_weights(), theirs.get_weights())
    assert_same_gradients(ours, theirs, keras, x, [random(N, T, 2), random(N, 2, seed=1)], ["mse", "mse"], 1e-5)


# ---- every layer with weights or statistics ----


WITH_WEIGHTS = {
    "Dense": lambda make: make.Dense(3, activation="tanh"),
    "LayerNormalization": lambda make: make.LayerNormalization(),
    "BatchNormalization": lambda make: make.BatchNormalization(momentum=0.5),
    "LSTM": lambda make: make.LSTM(3, return_sequences=True),
    "LSTM zero": lambda make: make.LSTM(3, return_sequences=True, zero_output_for_mask=True),
    "LSTM backwards": lambda make: make.LSTM(3, return_sequences=True, go_backwards=True),
    "GRU": lambda make: make.GRU(3, return_sequences=True),
    "GRU before": lambda make: make.GRU(3, return_sequences=True, reset_after=False),
    "SimpleRNN": lambda make: make.SimpleRNN(3, return_sequences=True),
    "Bidirectional": lambda make: make.Bidirectional(make.GRU(2, return_sequences=True)),
    "Bidirectional sum": lambda make: make.Bidirectional(make.SimpleRNN(3, return_sequences=True), merge_mode="sum"),
    "TimeDistributed": lambda make: make.TimeDistributed(make.Dense(3)),
    "TimeDistributed norm": lambda make: make.TimeDistributed(make.BatchNormalization(momentum=0.5)),
}


@pytest.mark.parametrize("source", ["mask_zero int32", "mask_zero float32", "Masking float32", "Masking int64"])
@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_every_layer_with_weights_on_masked_input(name, source):
    """Predictions, the loss on the sequence, gradients, statistics, and what a recurrent layer behind it sees. Row 1
    has one step, row 2 is all padding."""
    kind, dtype = source.split()
    ids = tokens()
    ids[2] = 0

    def build(library):
        make = library.layers
        if kind == "Masking":
            x = library.Input((T, 2))
            y = make.Masking()(x)
        else:
            x = library.Input((T,), dtype=dtype)
            y = make.Embedding(V, 3, mask_zero=True)(x)
        y = WITH_WEIGHTS[name](make)(y)
        return library.Model(x, [make.Dense(2)(y), make.LSTM(2)(y)])

    ours, theirs = build_both(build, keras)
    weights = [np.abs(w) for w in ours.get_weights()] if "orm" in name else ours.get_weights()
    ours.set_weights(weights), theirs.set_weights(weights)
    x = np.stack([ids, ids % 3], -1).astype(dtype) if kind == "Masking" else ids.astype(dtype)
    assert_same_predictions(ours, theirs, x, 5e-6)
    y = [random(N, T, 2), random(N, 2, seed=1)]
    assert_same_gradients(ours, theirs, keras, x, y, ["mse", "mse"], 1e-5)
    assert_same_predictions(ours, theirs, x, 1e-5)


def test_input_length_has_no_effect():
    """As in Keras 3, where it is deprecated."""
    with pytest.warns(UserWarning, match="input_length"):
        layer = day33.layers.Embedding(5, 3, input_length=7)
    assert layer(np.zeros((2, 4), np.int32)).shape == (2, 4, 3)
    assert "input_length" not in layer.get_config()


@pytest.mark.parametrize(
    ("number", "shown"),
    [(np.nan, "nan"), (-np.inf, "-inf"), (2.0**40, "1099511627776.0"), (2.0**31, "2147483648.0"), (-1.0, "-1.0")],
)
@pytest.mark.parametrize("way", ["predict", "predict_on_batch", "__call__"])
def test_floats_that_are_no_ids(way, number, shown):
    model = day33.Sequential([day33.Input((2,), dtype="int32"), day33.layers.Embedding(V, 4)])
    with pytest.raises(ValueError, match=rf"holds {shown} at \(0, 1\); expected numbers from 0 to 2147483647"):
        getattr(model, way)(np.array([[0, number]]))


def test_ids_that_are_floats_are_cut_as_in_keras():
    model = day33.Sequential([day33.Input((2,), dtype="int32"), day33.layers.Embedding(V, 4)])
    expected = model(np.array([[1, 2]]))
    for floats in (np.array([[1.0, 2.9]]), np.array([[1.5, 2.0]], np.float32)):
        np.testing.assert_array_equal(model(floats), expected)
        np.testing.assert_array_equal(model.predict(floats, verbose=0), expected)


# ---- merging what is masked ----


@pytest.mark.parametrize("name", ["Add", "Average", "Maximum", "Minimum", "Multiply"])
def test_merging_of_masked_inputs(name):
    """All masks, of all inputs or some; the values repeat, and are 0 where a mask may leave them out."""
    rng = np.random.default_rng(3)
    xs = [rng.integers(-2, 3, (N, T, 2)).astype(np.float32) for _ in range(3)]
    for x in xs:
        x[rng.random((N, T)) < 0.4] = 0

    def build(library, masked):
        inputs = [library.Input((T, 2)) for _ in range(3)]
        found = [library.layers.Masking()(x) if m else x for x, m in zip(inputs, masked, strict=True)]
        merged = getattr(library.layers, name)()(found)
        return library.Model(inputs, [merged, library.layers.LSTM(2)(merged)])

    for masked in ((True, False, False), (False, True, True), (True, True, True), (True, True, False)):
        ours, theirs = build_both(lambda library, masked=masked: build(library, masked), keras)
        assert_same_predictions(ours, theirs, xs)


def test_gradients_through_merged_masks():
    def build(library):
        inputs = [library.Input((T, 2)) for _ in range(2)]
        found = [library.layers.Masking()(library.layers.Dense(2, use_bias=False)(x)) for x in inputs]
        both = [getattr(library.layers, name)()(found) for name in ("Multiply", "Maximum", "Minimum")]
        return library.Model(inputs, library.layers.Concatenate()(both))

    xs = [random(N, T, 2, seed=seed) for seed in (0, 1)]
    for number, x in enumerate(xs):
        x[:, number : number + 2] = 0
    ours, theirs = build_both(build, keras)
    assert_same_gradients(ours, theirs, keras, xs, random(N, T, 6, seed=2))


def test_which_layers_hand_masks_on():
    """`supports_masking`, and what is built before any call, as Keras says of its layers."""
    for name, arguments in {
        "Activation": ("relu",), "Add": (), "Average": (), "AveragePooling2D": (2,), "Concatenate": (),
        "Conv1D": (3, 2), "Dense": (3,), "Dot": (1,), "Dropout": (0.5,), "ELU": (), "Flatten": (), "GRU": (3,),
        "GaussianNoise": (0.5,), "GlobalAveragePooling1D": (), "GlobalMaxPooling1D": (), "Identity": (), "LSTM": (3,),
        "LayerNormalization": (), "LeakyReLU": (), "Masking": (), "MaxPooling2D": (), "Maximum": (), "Multiply": (),
        "PReLU": (), "ReLU": (), "Reshape": ((1,),), "SimpleRNN": (3,), "Softmax": (), "SpatialDropout1D": (0.5,),
        "Subtract": (),
    }.items():  # fmt: skip
        ours, theirs = (getattr(library.layers, name)(*arguments) for library in (day33, keras))
        assert ours.supports_masking == theirs.supports_masking, name
        assert ours.built or not theirs.built, name
    for mask_zero in (False, True):
        assert day33.layers.Embedding(4, 3, mask_zero=mask_zero).supports_masking == mask_zero


# ---- from call to call, on arrays ----


def test_masks_travel_with_arrays():
    """What layers give on arrays carries its mask to the next layer, as in Keras, and as in a model of them."""
    ids = tokens()
    sequence = [
        day33.layers.Embedding(V, 3, mask_zero=True), day33.layers.Dense(4, "tanh"), day33.layers.Dropout(0.5),
        day33.layers.LSTM(3, return_sequences=True),
        day33.layers.Bidirectional(day33.layers.GRU(2, return_sequences=True)), day33.layers.GlobalAveragePooling1D(),
    ]  # fmt: skip
    expected = day33.Sequential(sequence)(ids)
    for _ in range(2):  # once more, from the cache
        value = ids
        for layer in sequence:
            value = layer(value)
            assert (mask_of(value) is None) == (layer is sequence[-1])
            if mask_of(value) is not None:
                np.testing.assert_array_equal(mask_of(value), ids != 0)
        np.testing.assert_array_equal(value, expected)
    assert mask_of(day33.layers.Embedding(V, 3)(ids)) is None
    assert mask_of(value + 1.0) is None and mask_of(sequence[1](sequence[0](ids)[:, :2])) is None


@pytest.mark.parametrize("name", ["Add", "Maximum", "Minimum", "Multiply", "Concatenate"])
def test_merging_of_arrays_with_masks(name):
    x, y = random(N, T, 2), random(N, T, 2, seed=1)
    x[:, 1], y[:, 3], x[2], y[2] = 0, 0, 0, 0
    results = []
    for library in (day33, keras):
        first, second = (library.layers.Masking()(library.ops.convert_to_tensor(z)) for z in (x, y))
        merged = getattr(library.layers, name)()([first, second])
        results.append((np.asarray(merged), np.asarray(library.layers.GlobalAveragePooling1D()(merged))))
    for mine, right in zip(*results, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-6, atol=1e-6)
    merged = getattr(day33.layers, name)()([day33.layers.Masking()(x), y])
    assert mask_of(merged) is None


def test_carried_masks_are_not_given_by_the_call():
    """A recurrent layer with initial states does not see them, as in Keras; layers that take none hand them on."""
    x, state = random(N, T, 3), random(N, 2, seed=2)
    x[:, 2:] = 0
    masked = day33.layers.Masking()(x)
    layer = day33.layers.SimpleRNN(2, return_sequences=True)
    plain = layer(x, initial_state=[state])
    seen = layer(masked, initial_state=[state])
    np.testing.assert_array_equal(seen, plain)
    np.testing.assert_array_equal(mask_of(seen), np.arange(T) < np.full((N, 1), 2))
    assert not np.array_equal(layer(masked, mask=mask_of(masked), initial_state=[state]), plain)
    soft = day33.layers.Softmax()(masked)
    np.testing.assert_array_equal(soft, day33.layers.Softmax()(x))
    assert mask_of(soft) is not None
