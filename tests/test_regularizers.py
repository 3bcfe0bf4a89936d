"""Regularizers: values, training steps, files and refusals, beside Keras."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import Sequential, layers, ops, optimizers, regularizers, saving
from support.penalties import L2, keras, model_with, penalty, train_both, twins
from support.small_models import compiled, dense_model, regression

CASES = [
    ("L1", {}),
    ("L1", {"l1": 0.2}),
    ("L2", {}),
    ("L2", {"l2": 0.03}),
    ("L1L2", {"l1": 0.02, "l2": 0.03}),
    ("L1L2", {"l1": 0.02}),
    ("L1L2", {"l2": 0.02}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.2, "mode": "columns"}),
]


def same_configuration(one, other):
    mine, correct = one.get_config(), other.get_config()
    assert mine.keys() == correct.keys()
    for key, value in correct.items():
        assert mine[key] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-7))


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_values(name, arguments):
    ours, theirs = (getattr(library.regularizers, name)(**arguments) for library in (day33, keras))
    x = np.random.default_rng(0).normal(0, 1, (5, 4)).astype(np.float32)
    x[1] = 0
    assert float(ours(x)) == pytest.approx(float(theirs(keras.ops.convert_to_tensor(x))), rel=1e-5)
    same_configuration(ours, theirs)
    for written in (regularizers.serialize(ours), keras.regularizers.serialize(theirs)):
        for read in (regularizers.deserialize(written), keras.regularizers.deserialize(written)):
            assert type(read).__name__ == name
            same_configuration(read, ours)


def test_names():
    for name, theirs in keras.src.regularizers.ALL_OBJECTS_DICT.items():
        if theirs is not keras.regularizers.Regularizer:
            assert type(regularizers.get(name)).__name__ == theirs.__name__
    assert isinstance(regularizers.get("l1_l2"), regularizers.L1L2)
    assert isinstance(regularizers.get(regularizers.L2), regularizers.L2)
    assert regularizers.get(None) is None
    assert regularizers.get(ops.sum) is ops.sum
    assert day33.keras.regularizers.l1(0.5).l1 == 0.5
    for identifier in ("l3", {"class_name": "L3", "config": {}}):
        with pytest.raises(ValueError, match=r"regularizer is 'L3'|regularizer is 'l3'"):
            regularizers.get(identifier)
    with pytest.raises(TypeError, match="regularizer is 3; expected a function or one of"):
        regularizers.get(3)
    for wrong in (-1.0, float("nan"), "a", True):
        with pytest.raises(ValueError, match="expected a finite number of at least 0"):
            regularizers.L2(wrong)
    with pytest.raises(ValueError, match='mode is \'all\'; expected "rows" or "columns"'):
        regularizers.OrthogonalRegularizer(mode="all")
    with pytest.raises(ValueError, match=r"shape \(3, 2, 2\); expected a matrix"):
        regularizers.OrthogonalRegularizer()(np.zeros((3, 2, 2)))


# ---- layers ----


LAYERS = {
    "Dense": (lambda l, r: l.Dense(4, kernel_regularizer=r, bias_regularizer=r), (5,)),
    "Conv2D": (lambda l, r: l.Conv2D(3, 2, kernel_regularizer=r, bias_regularizer=r), (5, 4, 2)),
    "Conv2DTranspose": (lambda l, r: l.Conv2DTranspose(3, 2, kernel_regularizer=r, bias_regularizer=r), (3, 4, 2)),
    "Conv1D": (lambda l, r: l.Conv1D(3, 2, kernel_regularizer=r, bias_regularizer=r), (5, 2)),
    "DepthwiseConv2D": (
        lambda l, r: l.DepthwiseConv2D(2, depth_multiplier=2, depthwise_regularizer=r, bias_regularizer=r), (5, 4, 2)
    ),
    "SeparableConv2D": (
        lambda l, r: l.SeparableConv2D(
            3, 2, depthwise_regularizer=r, pointwise_regularizer=r, bias_regularizer=r
        ), (5, 4, 2)
    ),
    "BatchNormalization": (lambda l, r: l.BatchNormalization(gamma_regularizer=r, beta_regularizer=r), (5,)),
    "LayerNormalization": (lambda l, r: l.LayerNormalization(gamma_regularizer=r, beta_regularizer=r), (5,)),
    "SimpleRNN": (
        lambda l, r: l.SimpleRNN(3, kernel_regularizer=r, recurrent_regularizer=r, bias_regularizer=r), (4, 2)
    ),
    "LSTM": (lambda l, r: l.LSTM(3, kernel_regularizer=r, recurrent_regularizer=r, bias_regularizer=r), (4, 2)),
    "GRU": (lambda l, r: l.GRU(3, kernel_regularizer=r, recurrent_regularizer=r, bias_regularizer=r), (4, 2)),
    "Bidirectional": (lambda l, r: l.Bidirectional(l.GRU(3, kernel_regularizer=r, bias_regularizer=r)), (4, 2)),
    "TimeDistributed": (lambda l, r: l.TimeDistributed(l.Dense(3, kernel_regularizer=r)), (4, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_training_with_penalties_of_weights(name):
    make, shape = LAYERS[name]

    def build(library):
        return model_with(library, lambda made: make(made, penalty(library, L2)), shape)

    own, their = twins(build)
    train_both(own, their, shape, rate=0.02 if len(shape) == 3 else 0.1)
    assert sum(float(value) for value in own.losses) == pytest.approx(sum(float(v) for v in their.losses), abs=1e-4)
    assert len(own.losses) == len(their.losses) > 0


@pytest.mark.parametrize("kind", [*CASES[1::2], "own", "own class"], ids=str)
def test_training_with_kinds_of_penalties(kind):
    def build(library):
        return model_with(library, lambda made: made.Dense(4, kernel_regularizer=penalty(library, kind)), (5,))

    train_both(*twins(build), (5,))


@pytest.mark.parametrize("kind", [("L1", {"l1": 0.1}), L2, "own", "mean", "crossing"], ids=str)
@pytest.mark.parametrize("name", ["Dense", "Conv2D", "GRU", "TimeDistributed", "Activation", "Own", "Model"])
def test_training_with_penalties_of_outputs(name, kind):
    """What layers give is penalised per sample, also in batches of different sizes."""

    def build(library):
        o = ops if library is day33 else keras.ops
        own = {
            "mean": lambda x: 0.5 * o.mean(o.square(x)), "crossing": lambda x: 0.01 * o.square(o.sum(x)),
        }  # fmt: skip
        chosen = own[kind] if kind in ("mean", "crossing") else penalty(library, kind)
        made = library.layers

        class Own(made.Layer):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.inner = made.Dense(3)

            def call(self, x):
                return self.inner(x) * 2.0

        inner = library.Sequential([made.Input((4, 2)), made.Dense(3, activity_regularizer=chosen)])
        layer = {
            "Dense": lambda: made.Dense(3, activity_regularizer=chosen),
            "Conv2D": lambda: made.Conv2D(3, 2, activation="relu", activity_regularizer=chosen),
            "GRU": lambda: made.GRU(3, return_sequences=True, activity_regularizer=chosen),
            "TimeDistributed": lambda: made.TimeDistributed(made.Dense(3), activity_regularizer=chosen),
            "Activation": lambda: made.Activation("tanh", activity_regularizer=chosen),
            "Own": lambda: Own(activity_regularizer=chosen),
            "Model": lambda: inner,
        }[name]()
        return model_with(library, lambda _: layer, shape)

    shape = (5, 4, 2) if name == "Conv2D" else (4, 2)
    train_both(*twins(build), shape, rate=0.02)


def test_a_penalty_inside_of_a_wrapper():
    """Keras's TimeDistributed passes over it."""
    x, y = np.random.default_rng(0).random((2, 6, 4, 3), np.float32)
    wrapped = layers.TimeDistributed(layers.Dense(3, activity_regularizer="l2"))
    model = compiled(Sequential([layers.Input((4, 3)), wrapped]))
    p = model.predict(x, verbose=0)
    expected = np.mean((p - y) ** 2) + 0.01 * np.sum(np.square(p)) / 6
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_embeddings():
    def build(library):
        made = library.layers
        x = made.Input((3,), dtype="int32")
        chosen = penalty(library, L2)
        h = made.Embedding(6, 4, embeddings_regularizer=chosen, activity_regularizer=penalty(library, L2))(x)
        return library.Model(x, made.Dense(2)(made.Flatten()(h)))

    own, their = twins(build)
    train_both(own, their, (3,), reads=lambda rng, size: rng.integers(0, 6, (size, 3)).astype(np.int32))


def test_own_layers_with_regularized_weights():
    def build(library):
        o = ops if library is day33 else keras.ops

        class Scaled(library.layers.Layer):
            def build(self, input_shape):
                self.scale = self.add_weight(
                    shape=(input_shape[-1],), initializer="ones", regularizer=penalty(library, L2), name="scale"
                )

            def call(self, x):
                return o.multiply(x, self.scale)

        return model_with(library, lambda _: Scaled(), (5,))

    train_both(*twins(build), (5,))


def test_frozen_weights_count_no_more():
    def build(library):
        made = library.layers
        return library.Sequential(
            [made.Input((5,)), made.Dense(4, kernel_regularizer=penalty(library, L2), name="a"), made.Dense(2)]
        )

    own, their = twins(build)
    for model in (own, their):
        model.get_layer("a").trainable = False
    train_both(own, their, (5,))
    assert own.losses == their.losses == []
    for model in (own, their):
        model.get_layer("a").trainable = True
    train_both(own, their, (5,))


def test_a_regularizer_that_is_changed_takes_effect():
    x, y = regression()
    model = compiled(dense_model())
    before = model.evaluate(x, y, verbose=0)
    layer = model.layers[0]
    layer.kernel_regularizer = "l2"
    assert isinstance(layer.kernel_regularizer, regularizers.L2)
    squares = 0.01 * float(np.sum(np.square(model.get_weights()[0])))
    assert model.evaluate(x, y, verbose=0) == pytest.approx(before + squares, rel=1e-5)
    layer.kernel_regularizer = None
    layer.activity_regularizer = regularizers.L1(0.5)
    sizes = 0.5 * float(np.mean(np.sum(np.abs(np.tanh(x @ model.get_weights()[0])), axis=-1)))
    assert model.evaluate(x, y, verbose=0) == pytest.approx(before + sizes, rel=1e-5)
    layer.activity_regularizer = None
    assert model.evaluate(x, y, verbose=0) == before
    layer.kernel.regularizer = lambda w: ops.sum(w)
    total = float(np.sum(model.get_weights()[0]))
    assert model.evaluate(x, y, verbose=0) == pytest.approx(before + total, rel=1e-5)


def test_the_main_gradients_keep_their_bits():
    """With a penalty, the gradient of the loss is the same to the bit, and that of the penalty is added to it."""
    x, y = regression()
    plain = compiled(dense_model(), optimizer=optimizers.SGD(1.0))
    with_penalty = compiled(dense_model(), optimizer=optimizers.SGD(1.0))
    with_penalty.set_weights(plain.get_weights())
    with_penalty.layers[0].kernel_regularizer = regularizers.L2(0.25)
    before = plain.get_weights()
    assert plain.train_on_batch(x, y) < with_penalty.train_on_batch(x, y)
    for number, (mine, other) in enumerate(zip(with_penalty.get_weights(), plain.get_weights(), strict=True)):
        if number == 0:
            np.testing.assert_allclose(other - mine, 0.5 * before[0], rtol=1e-5, atol=1e-7)
        else:
            np.testing.assert_array_equal(mine, other)


def test_inference_knows_no_penalties():
    """The plan of predict is the one without."""
    plain = dense_model()
    other = Sequential(
        [layers.Input((6,)), layers.Dense(5, activation="tanh", kernel_regularizer="l2"),
         layers.Dense(2, activity_regularizer="l1")]
    )  # fmt: skip
    assert str(other.plan()) == str(plain.plan())


# ---- files ----


@saving.register_keras_serializable("tests")
class Powers(regularizers.Regularizer):
    def __init__(self, power=4.0):
        self.power = power

    def __call__(self, x):
        return ops.sum(ops.power(ops.abs(x), self.power))

    def get_config(self):
        return {"power": self.power}


def unregistered(x):
    return 0.1 * ops.sum(ops.square(x))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_files(suffix, tmp_path):
    x, y = regression()
    model = Sequential(
        [
            layers.Input((6,)),
            layers.Dense(5, kernel_regularizer=regularizers.L1L2(0.1, 0.2), bias_regularizer=Powers(3.0)),
            layers.BatchNormalization(gamma_regularizer="l1", activity_regularizer=regularizers.L2(0.3)),
            layers.Dense(2, kernel_regularizer=unregistered),
        ]
    )
    compiled(model, optimizer=optimizers.Adam()).fit(x, y, verbose=0)
    path = tmp_path / f"model{suffix}"
    model.save(path)
    again = saving.load_model(path, custom_objects={"unregistered": unregistered})
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    assert again.layers[0].bias_regularizer.power == 3.0
    with pytest.warns(UserWarning, match="kernel_regularizer of layer .* is left out: regularizer is 'unregistered'"):
        without = saving.load_model(path)
    assert without.layers[2].kernel_regularizer is None
    assert without.layers[0].kernel_regularizer.l2 == 0.2


@pytest.mark.parametrize("name", [*LAYERS, "activity"])
def test_files_of_and_for_keras(name, tmp_path):
    make, shape = LAYERS.get(name) or (lambda l, r: l.Dense(3, activity_regularizer=r), (5,))

    def build(library):
        return model_with(library, lambda made: make(made, library.regularizers.L1L2(0.05, 0.1)), shape)

    own, their = twins(build)
    own.compile("sgd", "mse")
    their.compile("sgd", "mse")
    own.save(tmp_path / "own.keras")
    their.save(tmp_path / "their.keras")
    rng = np.random.default_rng(0)
    x, y = rng.random((4, *shape)).astype(np.float32), rng.random((4, 2), np.float32)
    values = [
        float(model.evaluate(x, y, verbose=0))
        for model in (own, their, keras.models.load_model(tmp_path / "own.keras"),
                      saving.load_model(tmp_path / "their.keras"))
    ]  # fmt: skip
    assert values == pytest.approx([values[1]] * 4, rel=2e-5)
