"""`ReversibleEmbedding`: one table at both ends of a language model, beside Keras's layer and a slow reference."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import GradientTape, _native, layers, ops
from day33._core.tensors import mask_of
from support.twins import (
    assert_all_close,
    assert_same_gradients,
    assert_same_predictions,
    build_both,
    step,
)
from support.zoo import random

keras = pytest.importorskip("keras")

N, T = 6, 5
SMALL, LARGE = (11, 4), (300, 230)  # (V, E): a dense layer tile by tile, and products over the whole batch


def tokens(vocabulary, padded=False, steps=T):
    rng = np.random.default_rng(3)
    ids = rng.integers(1, vocabulary, (N, steps)).astype(np.int32)
    if padded:
        ids[np.arange(steps) >= np.r_[steps, 1, rng.integers(1, steps + 1, N - 2)][:, None]] = 0
    return ids, rng.integers(0, vocabulary, (N, steps)).astype(np.int32)


def language_model(library, sizes, **options):
    x = library.Input((T,), dtype="int32")
    embedding = library.layers.ReversibleEmbedding(*sizes, name="words", **options)
    y = library.layers.LSTM(sizes[1], return_sequences=True)(embedding(x))
    return library.Model(x, embedding(y, reverse=True))


def cross_entropy(library):
    return library.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.mark.parametrize("options", [{}, {"tie_weights": False}, {"logit_soft_cap": 0.7}], ids=["tied", "own", "cap"])
@pytest.mark.parametrize("sizes", [SMALL, LARGE], ids=["small", "large"])
def test_values_and_gradients_are_keras_s(sizes, options):
    ours, theirs = build_both(lambda library: language_model(library, sizes, **options), keras, scale=0.2)
    assert ours.weights[0].path == theirs.weights[0].path
    ids, labels = tokens(sizes[0])
    assert_same_predictions(ours, theirs, ids)
    assert_same_gradients(ours, theirs, keras, ids, labels, cross_entropy)


@pytest.mark.parametrize("sizes", [SMALL, LARGE], ids=["small", "large"])
def test_padding_does_not_count(sizes):
    """As with Keras, whose layer drops the mask, where weights leave padding out."""
    ours, theirs = build_both(lambda library: language_model(library, sizes, mask_zero=True), keras, scale=0.2)
    ids, labels = tokens(sizes[0], padded=True)
    assert_same_predictions(ours, theirs, ids)
    real = (ids > 0).astype(np.float32)
    mine = step(ours, ids, labels, cross_entropy(day33), day33.optimizers.SGD(1.0))
    weights = real * np.float32(real.size / real.sum())
    correct = step(theirs, ids, labels, cross_entropy(keras), keras.optimizers.SGD(1.0), sample_weight=weights)
    assert_all_close(mine[0], correct[0], what="loss")
    assert_all_close(mine[1], correct[1], what="gradient")


def test_steps_of_adam_are_keras_s_with_dense_gradients():
    """The two gradients of the table are one before the optimizer sees them."""

    class Dense(keras.optimizers.Adam):
        def apply_gradients(self, pairs, **options):
            return super().apply_gradients([(keras.ops.convert_to_tensor(g), v) for g, v in pairs], **options)

    ours, theirs = build_both(lambda library: language_model(library, SMALL), keras)
    ids, labels = tokens(SMALL[0])
    ours.compile(day33.optimizers.Adam(0.05), cross_entropy(day33))
    theirs.compile(Dense(0.05), cross_entropy(keras), run_eagerly=True, jit_compile=False)
    for _ in range(4):
        assert ours.train_on_batch(ids, labels) == pytest.approx(float(theirs.train_on_batch(ids, labels)), rel=1e-5)
    assert_all_close(ours.get_weights(), theirs.get_weights(), 1e-5, "weight")


@pytest.mark.parametrize("sizes", [SMALL, LARGE], ids=["small", "large"])
def test_a_slow_reference(isa, sizes):
    """Whole numbers, so that sums are exact: values, both parts of the table's gradient, and that of the input."""
    vocabulary, width = sizes
    rng = np.random.default_rng(0)
    table = rng.integers(-2, 3, sizes).astype(np.float32)
    layer = layers.ReversibleEmbedding(*sizes, weights=table)
    ids = rng.integers(0, vocabulary, (N, T)).astype(np.int32)
    factors = rng.integers(-2, 3, (N, T, width)).astype(np.float32)
    dy = rng.integers(-2, 3, (N, T, vocabulary)).astype(np.float32)
    with GradientTape() as tape:
        x = ops.convert_to_tensor(factors)
        tape.watch(x)
        y = layer(layer(ids) * x, reverse=True)
        total = ops.sum(y * dy)
    dx, dtable = tape.gradient(total, [x, layer.embeddings])
    wide, expected = table.astype(np.float64), np.zeros(sizes)
    for n in range(N):
        for t in range(T):
            vector = wide[ids[n, t]] * factors[n, t]
            np.testing.assert_array_equal(np.asarray(y)[n, t], wide @ vector)
            into = wide.T @ dy[n, t]
            np.testing.assert_array_equal(np.asarray(dx)[n, t], into * wide[ids[n, t]])
            expected += np.outer(dy[n, t], vector)
            expected[ids[n, t]] += into * factors[n, t]
    np.testing.assert_array_equal(dtable, expected)


def test_threads_give_the_same_bits(restored_threads):
    ids, labels = tokens(LARGE[0], padded=True)
    results = []
    for threads in (1, 2, 3):
        _native.set_num_threads(threads)
        day33.set_random_seed(1)
        model = language_model(day33, LARGE, mask_zero=True)
        model.compile("adam", cross_entropy(day33))
        model.fit(ids, labels, batch_size=4, epochs=2, verbose=0)
        results.append([*model.get_weights(), model.predict(ids, verbose=0)])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_loss_is_joined_with_the_reverse():
    """The step with all logits in memory, which a metric asks for, is the step without them."""
    ids, labels = tokens(LARGE[0], padded=True)
    stepped = []
    for metrics in (None, ["accuracy"]):
        day33.set_random_seed(1)
        model = language_model(day33, LARGE, mask_zero=True)
        model.compile(day33.optimizers.SGD(1.0), cross_entropy(day33), metrics=metrics)
        model.train_on_batch(ids, labels)
        stepped.append(model.get_weights())
    assert_all_close(stepped[0], stepped[1])
    plan = str(language_model(day33, LARGE).plan())
    assert "230->300 transposed" in plan


def test_masks_go_on():
    layer = layers.ReversibleEmbedding(*SMALL, mask_zero=True)
    ids, _ = tokens(SMALL[0], padded=True)
    vectors = layer(ids)
    np.testing.assert_array_equal(mask_of(layer(vectors, reverse=True)), ids != 0)
    assert mask_of(layer(np.asarray(vectors), reverse=True)) is None
    plain = layers.ReversibleEmbedding(*SMALL)
    assert mask_of(plain(plain(ids), reverse=True)) is None
    masked = layers.Masking()(random(N, T, SMALL[1]))
    assert mask_of(plain(masked, reverse=True)).all()


def test_shapes_and_dtypes():
    layer = layers.ReversibleEmbedding(*SMALL)
    V, E = SMALL
    assert layer(random(N, E), reverse=True).shape == (N, V)
    assert layer(np.ones((N, 2, 3, E), np.int32), reverse=True).shape == (N, 2, 3, V)
    assert layer(np.zeros((0, T, E), np.float32), reverse=True).shape == (0, T, V)
    assert layer(np.ones((N, T), np.int32), reverse=False).shape == (N, T, E)
    assert layer.compute_output_shape((None, 7)) == (None, 7, E)
    assert layer.compute_output_shape((None, 7, E), reverse=True) == (None, 7, V)
    for length in (1, 3, 8):  # a length that is open, through a call whose shape the argument decides
        x = day33.Input((None,), dtype="int32")
        model = day33.Model(x, ops.relu(layer(layer(x), reverse=True)))
        assert model.predict(np.ones((2, length), np.int32), verbose=0).shape == (2, length, V)
    assert language_model(day33, SMALL).count_params() == V * E + 4 * E * (2 * E + 1)


def test_a_subclass_with_a_call_of_its_own():
    class Scaled(layers.ReversibleEmbedding):
        def call(self, inputs, reverse=False):
            if reverse:
                return super().call(inputs, reverse=True) * 2.0
            return super().call(inputs) * 3.0

    layer, plain = Scaled(*SMALL), layers.ReversibleEmbedding(*SMALL)
    ids, _ = tokens(SMALL[0])
    layer(ids)
    plain.build()
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(ids), 3.0 * plain(ids), rtol=1e-6)
    x = random(N, T, SMALL[1])
    np.testing.assert_allclose(layer(x, reverse=True), 2.0 * plain(x, reverse=True), rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"reverse_dtype": "float16"}, "reverse_dtype is 'float16'; day33 computes in float32 only"),
        ({"logit_soft_cap": 0.0}, "logit_soft_cap is 0.0; expected None or a positive number"),
        ({"lora_rank": 2}, "lora_rank of ReversibleEmbedding is 2"),
    ],
)
def test_arguments_are_checked(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        layers.ReversibleEmbedding(*SMALL, **arguments)


def test_wrong_calls():
    layer = layers.ReversibleEmbedding(*SMALL)
    with pytest.raises(ValueError, match=r"of shape \(None, 5\) with reverse=True; expected \(N, ..., 4\)"):
        layer(random(6, 5), reverse=True)
    with pytest.raises(TypeError, match=r"training= and reverse=, got 1 and \['backwards'\]"):
        layer(random(6, 4), backwards=True)
    with pytest.raises(TypeError, match="and training=, got 1"):
        layers.Embedding(*SMALL)(random(6, 4), reverse=True)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("options", [{"mask_zero": True}, {"tie_weights": False, "logit_soft_cap": 2.0}])
def test_files_go_there_and_back(tmp_path, suffix, options):
    path = tmp_path / f"model.{suffix}"
    ours, theirs = build_both(lambda library: language_model(library, SMALL, **options), keras)
    ids, _ = tokens(SMALL[0], padded=True)
    ours.save(path)
    assert_same_predictions(ours, keras.models.load_model(path), ids)
    back = day33.saving.load_model(path)
    np.testing.assert_array_equal(back.predict(ids, verbose=0), ours.predict(ids, verbose=0))
    theirs.save(path)
    assert_same_predictions(day33.saving.load_model(path), theirs, ids)
