"""Regularizers and add_loss: values, training steps, files and refusals, beside Keras."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import Model, Sequential, layers, ops, optimizers, regularizers, saving
from support.small_models import compiled, dense_model, regression
from support.tolerances import TRAINING_STEPS
from support.twins import build_both

keras = pytest.importorskip("keras")

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


def own_penalty(library):
    o = ops if library is day33 else keras.ops

    def penalty(x):
        return 0.05 * o.sum(o.sqrt(o.square(x) + 0.01))

    return penalty


def penalty(library, kind):
    if kind == "own":
        return own_penalty(library)
    if kind == "own class":

        class Own(library.regularizers.Regularizer):
            def __call__(self, x):
                return own_penalty(library)(x) * 0.5

        return Own()
    name, arguments = kind
    return getattr(library.regularizers, name)(**arguments)


L2 = ("L2", {"l2": 0.05})
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


def model_with(library, layer, shape):
    x = library.layers.Input(shape)
    h = layer(library.layers)(x)
    return library.Model(x, library.layers.Dense(2)(library.layers.Flatten()(h)))


def twins(build):
    """Of both libraries; moving variances are of course positive."""
    own, their = build_both(build, keras)
    weights = [
        np.abs(w) + 0.5 if "variance" in v.path else w for v, w in zip(own.weights, own.get_weights(), strict=True)
    ]
    own.set_weights(weights)
    their.set_weights(weights)
    return own, their


def train_both(own, their, shapes, steps=10, rate=0.1, reads=None, y_shape=(2,)):
    """Training steps of both on the same batches: losses, evaluations and weights are the same."""
    own.compile(optimizers.SGD(rate), "mse")
    their.compile(keras.optimizers.SGD(rate), "mse")
    rng = np.random.default_rng(5)
    for number in range(steps):
        size = 6 if number % 3 else 4
        x = rng.random((size, *shapes)).astype(np.float32) if reads is None else reads(rng, size)
        y = rng.normal(0, 1, (size, *y_shape)).astype(np.float32)
        if number % 4 == 0:
            assert own.evaluate(x, y, verbose=0) == pytest.approx(float(their.evaluate(x, y, verbose=0)), rel=2e-5)
        mine = own.train_on_batch(x, y)
        assert mine == pytest.approx(float(their.train_on_batch(x, y)), rel=1e-4, abs=TRAINING_STEPS)
    for mine, correct in zip(own.get_weights(), their.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=TRAINING_STEPS)


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
    if name == "TimeDistributed" and kind == "crossing":
        pytest.skip("the layer is one of day33's, so what crosses samples works as in Dense")
    train_both(*twins(build), shape, rate=0.02)


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


# ---- add_loss ----


def vae_like(library):
    """A layer that adds two losses, inside of another that adds one."""
    o = ops if library is day33 else keras.ops
    made = library.layers

    class Inner(made.Layer):
        def __init__(self):
            super().__init__()
            self.mean, self.log_var = made.Dense(3), made.Dense(3)

        def call(self, x):
            mean, log_var = self.mean(x), self.log_var(x)
            self.add_loss(-0.05 * o.mean(1.0 + log_var - o.square(mean) - o.exp(log_var)))
            self.add_loss([0.1 * o.sum(o.square(mean), axis=-1)])
            return mean

    class Outer(made.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Inner()
            self.head = made.Dense(4)

        def call(self, x):
            h = self.inner(x)
            self.add_loss(0.01 * o.mean(o.abs(h)) + 0.5)
            return self.head(h)

    return Outer


def test_losses_of_layers():
    def build(library):
        return model_with(library, lambda _: vae_like(library)(), (5,))

    own, their = twins(build)
    train_both(own, their, (5,), rate=0.05)


def test_losses_of_a_subclass_of_model():
    def build(library):
        o = ops if library is day33 else keras.ops
        outer = vae_like(library)

        class Mine(library.Model):
            def __init__(self):
                super().__init__()
                self.outer, self.drop = outer(), library.layers.Dropout(0.0)
                self.head = library.layers.Dense(2)

            def call(self, x, training=None):
                h = self.drop(self.outer(x), training=training)
                self.add_loss(0.03 * o.mean(o.square(h)))
                return self.head(h)

        model = Mine()
        model(np.zeros((1, 5), np.float32))
        return model

    train_both(*twins(build), (5,), rate=0.05)


def test_a_loss_of_weights():
    def build(library):
        o = ops if library is day33 else keras.ops

        class Weighted(library.layers.Layer):
            def build(self, input_shape):
                self.w = self.add_weight(shape=(5, 3), name="w")

            def call(self, x):
                self.add_loss(0.1 * o.sum(o.square(self.w)))
                return o.matmul(x, self.w)

        return model_with(library, lambda _: Weighted(), (5,))

    train_both(*twins(build), (5,))


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_add_loss_alone():
    """A model without a loss in compile; what is added is all that is minimised."""

    def build(library):
        return model_with(library, lambda _: vae_like(library)(), (5,))

    own, their = twins(build)
    x = np.random.default_rng(0).random((8, 5), np.float32)
    own.compile(optimizers.SGD(0.1))
    their.compile(keras.optimizers.SGD(0.1))
    for _ in range(10):
        assert own.train_on_batch(x) == pytest.approx(float(their.train_on_batch(x)), rel=1e-5)
    for mine, correct in zip(own.get_weights(), their.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=TRAINING_STEPS)
    history = own.fit(x, epochs=2, validation_data=(x, None), verbose=0).history
    assert set(history) == {"loss", "val_loss"}
    with pytest.raises(ValueError, match="there is nothing to minimise: training and evaluation need a loss"):
        compiled(dense_model(), loss=None).fit(*regression(), verbose=0)


def functional_vae(library, head):
    made = library.layers
    x = made.Input((5,))
    h = made.Dense(4, activation="tanh")(x)
    return x, h, made.Dense(5, name=head)(h)


def test_add_loss_of_a_functional_model():
    """An expression of inputs, outputs and what is between them, as TensorFlow 2 took it."""
    x, h, y = functional_vae(day33, "y")
    model = Model(x, y)
    model.add_loss(ops.mean(ops.square(y - x)) + 0.1 * ops.mean(ops.sum(ops.abs(h), axis=-1)))
    model.add_loss(lambda: [0.01 * ops.sum(ops.square(model.layers[1].kernel)), 0.25])
    model.compile(optimizers.SGD(0.1))

    class Twin(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner, self.head = keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(5)

        def call(self, x):
            h = self.inner(x)
            y = self.head(h)
            o = keras.ops
            self.add_loss(o.mean(o.square(y - x)) + 0.1 * o.mean(o.sum(o.abs(h), axis=-1)) + 0.25)
            self.add_loss(0.01 * o.sum(o.square(self.inner.kernel)))
            return y

    twin = Twin()
    twin(np.zeros((1, 5), np.float32))
    twin.set_weights(model.get_weights())
    twin.compile(keras.optimizers.SGD(0.1))
    rng = np.random.default_rng(0)
    for _ in range(10):
        batch = rng.random((8, 5), np.float32)
        assert model.train_on_batch(batch) == pytest.approx(float(twin.train_on_batch(batch)), rel=1e-5)
    for mine, correct in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, correct, rtol=0, atol=TRAINING_STEPS)
    assert model.predict(batch, verbose=0).shape == (8, 5)
    with pytest.warns(UserWarning, match="what add_loss added to model .* is left out of its configuration"):
        model.get_config()


def test_what_is_reported_beside_other_losses():
    x, y = regression()
    model = dense_model()
    model.add_loss(0.5 * ops.mean(ops.abs(model.outputs[0])))
    compiled(model, metrics=["mae"])
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    predicted = model.predict(x, verbose=0)
    assert logs["loss"] == pytest.approx(np.mean((predicted - y) ** 2) + 0.5 * np.mean(np.abs(predicted)), rel=1e-5)
    assert logs["mae"] == pytest.approx(np.mean(np.abs(predicted - y)), rel=1e-5)


def test_what_cannot_be_added():
    x, y = regression()
    layer = layers.Dense(2)
    with pytest.raises(RuntimeError, match="add_loss of layer 'dense.* was called outside of call"):
        layer.add_loss(1.0)
    model = dense_model()
    other = layers.Input((3,))
    with pytest.raises(ValueError, match="depends on .* which is not among the inputs"):
        model.add_loss(ops.mean(other))
    for wrong in ("a", 0.5, ops.sum(ops.square(model.layers[0].kernel))):
        with pytest.raises(TypeError, match="in add_loss, which never changes; expected what functions of"):
            model.add_loss(wrong)
    with pytest.raises(TypeError, match="added 'a' to the loss; expected what functions of day33.ops make"):
        model.add_loss(lambda: "a")

    class Wrong(layers.Layer):
        def call(self, x, training=None):
            if training:
                self.add_loss(ops.mean(x))
            return x

    with pytest.raises(ValueError, match=r"call adds other losses with training=True than with training=False"):
        Wrong()(x)

    def with_numpy(w):
        return np.sum(np.asarray(w))

    model = dense_model()
    model.layers[0].kernel_regularizer = with_numpy
    with pytest.raises(TypeError, match=r"regularizer of .*kernel, line \d+ of .*return np\.sum.*has no values yet"):
        compiled(model).fit(x, y, verbose=0)
    model.layers[0].kernel_regularizer = lambda w: None
    with pytest.raises(TypeError, match=r"regularizer of .*kernel added None to the loss"):
        compiled(model).fit(x, y, verbose=0)
    with pytest.raises(TypeError, match="kernel.* is 3; expected a function"):
        model.layers[0].kernel.regularizer = 3


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


# ---- layer.losses ----


def test_losses_after_a_call():
    """What the last call added, of each layer, then the penalties, as Keras lists them."""

    def build(library):
        made = library.layers
        x = made.Input((5,))
        h = made.Dense(4, activity_regularizer=penalty(library, L2), kernel_regularizer=penalty(library, L2))(x)
        h = made.Dropout(0.5)(vae_like(library)()(h))
        return library.Model(x, made.Dense(2, activity_regularizer="l1", bias_regularizer="l2")(h))

    own, their = twins(build)
    rng = np.random.default_rng(0)
    for size in (6, 3):
        x = rng.random((size, 5), np.float32)
        np.testing.assert_allclose(own(x), np.asarray(their(x)), rtol=1e-5, atol=1e-6)
        mine, correct = [float(v) for v in own.losses], [float(keras.ops.sum(v)) for v in their.losses]
        # Keras lists the sum over positions that the inner layer gives as it is; here it is summed already.
        assert sorted(mine) == pytest.approx(sorted(correct), rel=1e-5)
    assert [float(v) for v in own.layers[1].losses] == pytest.approx(
        [float(v) for v in their.layers[1].losses], rel=1e-5
    )
    assert own.predict(x, verbose=0).shape == (3, 2)


def test_losses_on_a_tape():
    """In a training step written by hand, gradients of all that is added."""
    tf = pytest.importorskip("tensorflow")

    def build(library):
        made = library.layers
        x = made.Input((5,))
        h = made.Dense(4, activity_regularizer=penalty(library, L2), kernel_regularizer=penalty(library, L2))(x)
        return library.Model(x, made.Dense(2)(vae_like(library)()(h)))

    own, their = twins(build)
    rng = np.random.default_rng(0)
    x, y = rng.random((6, 5), np.float32), rng.random((6, 2), np.float32)
    with day33.GradientTape() as tape:
        total = ops.mean(ops.square(own(x, training=True) - y))
        for value in own.losses:
            total = total + value
    mine = tape.gradient(total, own.trainable_variables)
    with tf.GradientTape() as tape:
        correct_total = tf.reduce_mean(tf.square(their(x, training=True) - y))
        for value in their.losses:
            correct_total += tf.reduce_sum(value)
    correct = tape.gradient(correct_total, their.trainable_variables)
    assert float(total) == pytest.approx(float(correct_total), rel=1e-5)
    for number, (one, other) in enumerate(zip(mine, correct, strict=True)):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6, err_msg=str(number))


def test_losses_of_a_step_of_ones_own():
    """A train_step that is overridden sees them in compute_loss; it trains as fit does without it."""

    class Mine(Model):
        def train_step(self, data):
            x, y = data
            with day33.GradientTape() as tape:
                loss = self.compute_loss(x, y, self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"total": loss}

    found, weights = [], None
    x, y = regression()
    for cls in (Model, Mine):
        given = layers.Input((6,))
        h = layers.Dense(4, kernel_regularizer="l2", activity_regularizer="l1")(given)
        model = cls(given, layers.Dense(2)(vae_like(day33)()(h)))
        if weights is not None:
            model.set_weights(weights)
        weights = model.get_weights()
        model.compile(optimizers.SGD(0.05), "mse")
        history = model.fit(x, y, batch_size=40, epochs=5, shuffle=False, verbose=0).history
        found.append([*history["total" if cls is Mine else "loss"], *model.get_weights()])
    for mine, native in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(mine, native, rtol=1e-5, atol=1e-6)
