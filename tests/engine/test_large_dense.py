"""Dense layers with many weights, which run as products over the whole batch, alone and with their loss."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import _native
from support.twins import assert_all_close, assert_same_gradients, assert_same_predictions, build_both
from support.zoo import random

keras = pytest.importorskip("keras")

N, WIDE = 9, 272  # 272 * 241 and more weights: above 2**16

# Weights of a few hundredths keep sums of 272 products in the part of each activation where it bends.
SCALE, BOUND = 0.06, 5e-6


def check(build, x, loss="mse", y=None, bound=BOUND, **arguments):
    ours, theirs = build_both(build, keras, scale=SCALE)
    assert_same_predictions(ours, theirs, x, bound)
    if y is None:
        outputs = ours.predict(x, verbose=0)
        several = isinstance(outputs, list)
        y = [random(*o.shape, seed=5 + i) for i, o in enumerate(outputs)] if several else random(*outputs.shape, seed=5)
        loss = [loss] * len(y) if several else loss
    assert_same_gradients(ours, theirs, keras, x, y, loss, bound, **arguments)
    return ours


@pytest.mark.parametrize(
    "activation", [None, "relu", "sigmoid", "tanh", "elu", "leaky_relu", "softmax", "gelu", "silu", "softplus"]
)
def test_activations(activation):
    def build(library):
        x = library.Input((20,))
        y = library.layers.Dense(WIDE)(x)
        return library.Model(x, library.layers.Dense(WIDE - 1, activation=activation)(y))

    check(build, random(N, 20))


@pytest.mark.parametrize("samples", [1, 2, 16, 63])
@pytest.mark.parametrize("shape", [(300,), (7, 300), (3, 2, 300)])
def test_batches_and_shapes(samples, shape):
    def build(library):
        x = library.Input(shape)
        return library.Model(x, library.layers.Dense(250, use_bias=samples > 1)(x))

    check(build, random(samples, *shape))


def test_no_samples():
    layer = day33.layers.Dense(WIDE)
    assert layer(np.zeros((0, WIDE), np.float32)).shape == (0, WIDE)


@pytest.mark.parametrize(
    ("samples", "inputs", "units"), [(530, 260, 257), (9, 800, 90), (40, 70, 1030), (800, 300, 220)]
)
def test_sizes_across_blocks(samples, inputs, units):
    """More rows than are packed at a time, deeper than a block of k, more columns than a block has."""

    def build(library):
        x = library.Input((inputs,))
        return library.Model(x, library.layers.Dense(units, activation="tanh")(x))

    check(build, random(samples, inputs), bound=1e-5)


@pytest.mark.parametrize(
    ("samples", "inputs", "units"), [(5, 300, 250), (530, 260, 257), (3, 800, 90), (600, 129, 511)]
)
def test_whole_numbers_are_exact(isa, samples, inputs, units):
    """Sums of small whole numbers are exact in float32: every instruction set, and every block, gives the same."""
    rng = np.random.default_rng(samples)
    x = rng.integers(-3, 4, (samples, inputs)).astype(np.float32)
    kernel = rng.integers(-3, 4, (inputs, units)).astype(np.float32)
    bias = rng.integers(-3, 4, units).astype(np.float32)
    dy = rng.integers(-2, 3, (samples, units)).astype(np.float32)
    builder = _native.PlanBuilder()
    given = builder.input((inputs,))
    plan = builder.build([builder.dense(given, builder.parameter((inputs, units)), builder.parameter((units,)))])
    y = plan.forward([x], [kernel, bias])[0]
    (dx,), (dkernel, dbias) = plan.backward([x], [dy], [kernel, bias])
    wide = [array.astype(np.float64) for array in (x, kernel, bias, dy)]
    np.testing.assert_array_equal(y, wide[0] @ wide[1] + wide[2])
    np.testing.assert_array_equal(dx, wide[3] @ wide[1].T)
    np.testing.assert_array_equal(dkernel, wide[0].T @ wide[3])
    np.testing.assert_array_equal(dbias, wide[3].sum(0))


def test_behind_convolutions():
    def build(library):
        make = library.layers
        x = library.Input((12, 12, 2))
        y = make.MaxPooling2D(2)(make.Conv2D(8, 3, padding="same", activation="relu")(x))
        y = make.Dropout(0.0)(make.Flatten()(y))
        return library.Model(x, make.Dense(3)(make.Dense(WIDE, activation="relu")(y)))

    for samples in (1, 5, 33):
        check(build, random(samples, 12, 12, 2))


def test_one_layer_twice():
    """A layer that reads two values, and one value that two large layers read."""

    def build(library):
        make = library.layers
        a, b = library.Input((WIDE,)), library.Input((WIDE,))
        shared = make.Dense(WIDE, activation="tanh")
        once, again = shared(a), shared(b)
        twice = shared(once)
        return library.Model([a, b], [make.Dense(WIDE)(once), make.Add()([twice, again]), make.Dense(2)(once)])

    check(build, [random(N, WIDE), random(N, WIDE, seed=1)])


@pytest.mark.parametrize("frozen", [["first"], ["large"], ["first", "large"], ["head"]])
def test_frozen_parts(frozen):
    def build(library):
        make = library.layers
        x = library.Input((10,))
        y = make.Dense(WIDE, activation="tanh", name="first")(x)
        y = make.Dense(WIDE, activation="tanh", name="large")(y)
        model = library.Model(x, make.Dense(2, name="head")(y))
        for name in frozen:
            model.get_layer(name).trainable = False
        return model

    check(build, random(N, 10))


# ---- with the loss ----

V = 260


def language_model(library, softmax=True, masked=False, width=V):
    make = library.layers
    x = library.Input((6,), dtype="int32")
    y = make.Dense(WIDE, activation="tanh")(make.Embedding(V, 12, mask_zero=masked)(x))
    return library.Model(x, make.Dense(width, activation="softmax" if softmax else None)(y))


def sparse(softmax=True, **arguments):
    return lambda library: library.losses.SparseCategoricalCrossentropy(from_logits=not softmax, **arguments)


def ids_and_labels(samples=N, padded=False):
    rng = np.random.default_rng(8)
    ids = rng.integers(1, V, (samples, 6)).astype(np.int32)
    if padded:
        ids[np.arange(6) >= rng.integers(1, 7, samples)[:, None]] = 0
    return ids, rng.integers(0, V, (samples, 6)).astype(np.int32)


@pytest.mark.parametrize("softmax", [True, False], ids=["softmax", "logits"])
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
@pytest.mark.parametrize("weights", [None, "sample", "position"])
def test_joined_loss(softmax, masked, weights):
    ids, labels = ids_and_labels(padded=masked)
    arguments = {}
    if weights:
        shape = (N, 1) if weights == "sample" else (N, 6)  # Keras cannot multiply (N,) with positions
        arguments["sample_weight"] = np.random.default_rng(9).random(shape).astype(np.float32)
        arguments["sample_weight"][1] = 0
    check(lambda library: language_model(library, softmax, masked), ids, sparse(softmax), labels, **arguments)


@pytest.mark.parametrize("reduction", ["sum", "sum_over_batch_size"])
def test_joined_loss_of_many_rows(reduction):
    """More rows than there are logits of at a time."""

    def build(library):
        x = library.Input((WIDE,))
        return library.Model(x, library.layers.Dense(V, activation="softmax")(library.layers.Dense(WIDE)(x)))

    samples = 1100
    labels = np.random.default_rng(2).integers(0, V, samples).astype(np.int32)
    check(build, random(samples, WIDE), sparse(reduction=reduction), labels, bound=1e-5)


def joined_and_not(make):
    """The plan that `make` writes, and the same without joined losses."""

    def build(without):
        builder = _native.PlanBuilder()
        outputs = make(builder)
        return builder.build(outputs, without=without)

    return build([]), build(["loss"])


@pytest.mark.parametrize("order", ["joined first", "joined last", "two joined"])
def test_several_losses_share_what_they_read(order):
    """A value with several roots of gradients: a loss of its own and large layers whose losses are joined."""
    shapes = [(20, WIDE), (WIDE,), (WIDE, V), (V,), (WIDE, V + 1)]

    def make(builder):
        x = builder.input((4, 20))
        slots = [builder.parameter(shape) for shape in shapes]
        h = builder.dense(x, slots[0], slots[1], activation="tanh")
        first = builder.dense(h, slots[2], slots[3])
        second = builder.dense(h, slots[4])
        joined = {"from_logits": True, "reduction": "mean"}
        if order == "joined last":
            builder.loss(h, "mean_squared_error", weight=0.5)
        builder.loss(first, "sparse_categorical_crossentropy", weight=2.0, **joined)
        if order != "joined last":
            builder.loss(h, "mean_squared_error", weight=0.5)
        if order == "two joined":
            builder.loss(second, "sparse_categorical_crossentropy", **joined)
        return [first, second]

    rng = np.random.default_rng(3)
    parameters = [_native.Parameter(shape) for shape in shapes]
    for parameter in parameters:
        parameter.assign(rng.normal(0, SCALE, parameter.shape).astype(np.float32))
    x = random(7, 4, 20)
    labels = [rng.integers(0, classes, (7, 4)).astype(np.int32) for classes in (V, V + 1)]
    targets = [labels[0]]
    targets.insert(0 if order == "joined last" else 1, random(7, 4, WIDE, seed=1))
    if order == "two joined":
        targets.append(labels[1])
    results = []
    for plan in joined_and_not(make):
        gradients = [np.full(shape, np.nan, np.float32) for shape in shapes]
        sums, _ = plan.train_step([x], targets, [None] * len(targets), _native.ParameterList(parameters), gradients)
        evaluated, _ = plan.evaluate([x], targets, [None] * len(targets), _native.ParameterList(parameters))
        np.testing.assert_allclose(sums, evaluated, rtol=1e-6)
        results.append((sums, gradients))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-6)
    assert_all_close(results[0][1], results[1][1], 1e-6, "gradient")
    assert all(np.abs(gradient).max() > 0 for gradient in results[0][1][:4])


def test_joined_losses_beside_others_in_a_model():
    def build(library):
        make = library.layers
        x = library.Input((20,))
        h = make.Dense(WIDE, activation="tanh")(x)
        return library.Model(x, [make.Dense(V)(h), make.Dense(V, activation="softmax")(h), h, make.Dense(3)(h)])

    rng = np.random.default_rng(6)
    y = [random(N, V, seed=1), rng.integers(0, V, N).astype(np.int32), random(N, WIDE, seed=2),
         rng.integers(0, 3, N).astype(np.int32)]  # fmt: skip

    def losses(library):
        logits = library.losses.SparseCategoricalCrossentropy(from_logits=True)
        return ["mse", "sparse_categorical_crossentropy", "mse", logits]

    check(build, random(N, 20), losses, y, loss_weights=[0.3, 1.5, 1.0, 0.7])


def test_frozen_head_with_joined_loss():
    def build(library):
        model = language_model(library)
        model.layers[-1].trainable = False
        return model

    ids, labels = ids_and_labels()
    check(build, ids, sparse(), labels)


def test_labels_outside_are_refused():
    model = language_model(day33)
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    ids, labels = ids_and_labels()
    assert np.isfinite(model.evaluate(ids, labels, verbose=0))
    labels[2, 3] = V
    with pytest.raises(ValueError, match=f"labels from .* to {V}; expected 0 to {V - 1}"):
        model.evaluate(ids, labels, verbose=0)


def test_training_with_and_without_metrics_is_the_same():
    """With metrics the outputs are needed, so the loss is not joined."""
    day33.set_random_seed(4)
    models = [language_model(day33), language_model(day33)]
    models[1].set_weights(models[0].get_weights())
    ids, labels = ids_and_labels(40)
    histories = []
    for model, metrics in zip(models, (None, ["accuracy"]), strict=True):
        model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=metrics)
        histories.append(model.fit(ids, labels, batch_size=16, epochs=2, shuffle=False, verbose=0).history["loss"])
    assert histories[0] == pytest.approx(histories[1], rel=1e-5)
    assert_all_close(models[0].get_weights(), models[1].get_weights(), 1e-5)


def test_threads_give_the_same_bits(restored_threads):
    """Joined and not, in training and prediction, on real numbers."""

    def train(without_join):
        day33.set_random_seed(2)
        model = language_model(day33, masked=True)
        metrics = ["accuracy"] if without_join else None
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=metrics)
        ids, labels = ids_and_labels(40, padded=True)
        model.fit(ids, labels, batch_size=32, epochs=1, verbose=0)
        return [*model.get_weights(), model.predict(ids, verbose=0)]

    for without_join in (False, True):
        results = []
        for count in (1, 2, 3):
            _native.set_num_threads(count)
            results.append(train(without_join))
        for other in results[1:]:
            for a, b in zip(results[0], other, strict=True):
                np.testing.assert_array_equal(a, b)
