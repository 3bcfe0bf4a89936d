"""Initial weights: shapes, fans, moments, repeatability; the names and defaults of Keras."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import day33
from day33 import initializers, layers
from day33.random import SeedGenerator, get_state, next_seed, set_random_seed, set_state

NAMES = [
    "zeros", "ones", "constant", "identity", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
    "lecun_uniform", "lecun_normal", "random_uniform", "random_normal", "truncated_normal", "orthogonal",
    "variance_scaling",
]  # fmt: skip
RANDOM = NAMES[4:]
SHAPE = (3, 3, 20, 40)


def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


@pytest.mark.parametrize("name", NAMES)
def test_one_initializer_by_every_kind_of_name(name):
    cls = getattr(initializers, camel(name))
    assert type(initializers.get(name)) is type(initializers.get(camel(name))) is type(initializers.get(cls)) is cls
    assert getattr(initializers, name) is cls
    instance = cls()
    assert initializers.get(instance) is instance
    again = initializers.get(initializers.serialize(instance))
    assert type(again) is cls and again.get_config() == instance.get_config()
    value = instance((4, 6))
    assert value.shape == (4, 6) and value.dtype == np.float32 and value.flags.c_contiguous


@pytest.mark.parametrize("name", RANDOM)
def test_seeds(name):
    cls = initializers.get(name).__class__
    assert np.array_equal(cls(seed=3)(SHAPE), cls(seed=3)(SHAPE))
    assert not np.array_equal(cls(seed=3)(SHAPE), cls(seed=4)(SHAPE))
    one = cls()
    assert np.array_equal(one(SHAPE), one(SHAPE))  # as in Keras 3: an object keeps its seed
    assert not np.array_equal(one(SHAPE), cls()(SHAPE))
    stream = cls(seed=SeedGenerator(5))
    assert not np.array_equal(stream(SHAPE), stream(SHAPE))


def test_set_random_seed_repeats_every_initial_weight():
    def weights():
        day33.set_random_seed(12)
        layer = layers.Dense(7)
        layer.build((None, 5))
        return layer.get_weights()[0]

    first = weights()
    assert np.array_equal(first, weights())
    other = layers.Dense(7)
    other.build((None, 5))
    assert not np.array_equal(first, other.get_weights()[0])


def test_state_of_the_stream_continues():
    set_random_seed(4)
    next_seed()
    state = get_state()
    following = [next_seed() for _ in range(3)]
    set_state(state)
    assert [next_seed() for _ in range(3)] == following
    assert len(set(following)) == 3 and all(0 <= seed < 2**63 for seed in following)


@pytest.mark.parametrize("seed", [-1, 1.5, True, "one"])
def test_bad_seeds(seed):
    for use in (set_random_seed, SeedGenerator, initializers.GlorotUniform):
        with pytest.raises((ValueError, TypeError), match=f"^seed is {seed!r}; expected"):
            use(seed)


@pytest.mark.parametrize(
    ("shape", "fans"), [((), (1, 1)), ((5,), (5, 5)), ((4, 6), (4, 6)), ((3, 5, 4, 6), (60, 90)), ((2, 4, 6), (8, 12))]
)
def test_fans(shape, fans):
    assert initializers.compute_fans(shape) == fans


# Limit (uniform) or standard deviation (normal) as published, for fan_in 180 and fan_out 360.
LIMITS = {
    "glorot_uniform": math.sqrt(6 / 540),
    "he_uniform": math.sqrt(6 / 180),
    "lecun_uniform": math.sqrt(3 / 180),
    "random_uniform": 0.05,
}
DEVIATIONS = {
    "glorot_normal": math.sqrt(2 / 540),
    "he_normal": math.sqrt(2 / 180),
    "lecun_normal": math.sqrt(1 / 180),
    "random_normal": 0.05,
}


@pytest.mark.parametrize("name", LIMITS)
def test_uniform_fills_its_range(name):
    values = initializers.get(name).__class__(seed=1)(SHAPE)
    limit = LIMITS[name]
    assert np.abs(values).max() <= limit * (1 + 1e-6)
    # 7,200 values: the mean deviates by limit / sqrt(3 * 7200) = 0.0068 limit, the variance by 1.1 %; five times that.
    assert abs(values.mean()) < 0.034 * limit
    assert values.var() == pytest.approx(limit**2 / 3, rel=0.055)
    counts, _ = np.histogram(values, bins=10, range=(-limit, limit))
    assert np.all(np.abs(counts - 720) < 5 * math.sqrt(720))


@pytest.mark.parametrize("name", DEVIATIONS)
def test_normal_has_its_deviation(name):
    values = initializers.get(name).__class__(seed=1)(SHAPE)
    deviation = DEVIATIONS[name]
    assert abs(values.mean()) < 5 * deviation / math.sqrt(values.size)
    assert values.std() == pytest.approx(deviation, rel=5 / math.sqrt(2 * values.size))
    # Cut off at two deviations of the uncut distribution; the random normal is not.
    assert (np.abs(values).max() <= 2.2739 * deviation) == (name != "random_normal")


def test_truncated_normal_is_cut_at_two_deviations_around_the_mean():
    values = initializers.TruncatedNormal(mean=3.0, stddev=0.5, seed=2)((100, 100))
    assert 1.999 <= values.min() < 2.1 and 3.9 < values.max() <= 4.001
    assert values.std() == pytest.approx(0.5 * 0.8796, rel=0.04)


@pytest.mark.parametrize("shape", [(6, 6), (3, 8), (9, 4), (3, 3, 2, 5)])
def test_orthogonal(shape):
    matrix = initializers.Orthogonal(gain=2.0, seed=1)(shape).reshape(-1, shape[-1]).astype(np.float64)
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    np.testing.assert_allclose(matrix.T @ matrix, 4 * np.eye(matrix.shape[1]), atol=1e-6)


def test_orthogonal_needs_two_axes():
    with pytest.raises(ValueError, match=r"\(5,\).*two axes"):
        initializers.Orthogonal()((5,))


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3)])
def test_identity(shape):
    np.testing.assert_array_equal(initializers.Identity(gain=2.0)(shape), 2 * np.eye(*shape))
    with pytest.raises(ValueError, match=r"shape is \(3,\); expected two axes for Identity"):
        initializers.Identity()((3,))


def test_fans_of_axes_that_are_given():
    keras = pytest.importorskip("keras")
    axes = {"input_axes": [0, 3], "output_axes": [1]}
    assert initializers.compute_fans((2, 3, 4, 5), **axes) == (10, 3)
    for name in RANDOM[:6]:
        ours, theirs = (getattr(module, camel(name))(seed=1, **axes) for module in (initializers, keras.initializers))
        assert ours((20, 30, 4, 25)).std() == pytest.approx(np.asarray(theirs((20, 30, 4, 25))).std(), rel=0.03)
        assert initializers.get(initializers.serialize(ours)).get_config() == ours.get_config()
        assert initializers.get(keras.initializers.serialize(theirs)).input_axes == [0, 3]
    with pytest.raises(ValueError, match=r"input_axes is \[0\] and output_axes None; expected both or neither"):
        initializers.GlorotUniform(input_axes=[0])


class Spread(initializers.Initializer):
    def __init__(self, width):
        self.width = width

    def __call__(self, shape, dtype=None):
        return np.linspace(-self.width, self.width, math.prod(shape)).reshape(shape)


def halves(shape, dtype=None):
    return np.full(shape, 0.5)


def test_initializers_of_ones_own_go_into_files(tmp_path):
    layer = layers.Dense(2, kernel_initializer=Spread(0.25), bias_initializer=halves)
    model = day33.Sequential([layers.Input((3,)), layer])
    model.save(tmp_path / "m.keras")
    again = day33.load_model(tmp_path / "m.keras", {"Spread": Spread, "halves": halves}).layers[0]
    assert again.kernel_initializer.width == 0.25 and again.bias_initializer is halves
    with pytest.raises(ValueError, match="initializer is 'Spread'; expected one of"):
        day33.load_model(tmp_path / "m.keras")
    with pytest.raises(TypeError, match="which has no name that a file could hold"):
        initializers.serialize(lambda shape: np.zeros(shape))


def test_constant_broadcasts():
    np.testing.assert_array_equal(initializers.Constant([1, 2])((3, 2)), [[1, 2]] * 3)


@pytest.mark.parametrize(
    ("arguments", "word"), [({"scale": 0}, "scale"), ({"mode": "fan"}, "mode"), ({"distribution": "x"}, "distribution")]
)
def test_bad_variance_scaling(arguments, word):
    with pytest.raises(ValueError, match=word):
        initializers.VarianceScaling(**arguments)


def test_unknown_initializers():
    with pytest.raises(ValueError, match=r"'glorot'.*glorot_uniform"):
        initializers.get("glorot")
    with pytest.raises(TypeError, match="expected a callable"):
        initializers.get(3)
    with pytest.raises(ValueError, match=r"'kernel'.*shape \(2,\).*\(4, 3\)"):
        layers.Dense(3, kernel_initializer=lambda shape, dtype: np.zeros(2)).build((None, 4))


def test_a_function_as_initializer():
    layer = layers.Dense(3, kernel_initializer=lambda shape, dtype=None: np.full(shape, 7.0))
    layer.build((None, 4))
    assert np.all(layer.kernel.numpy() == 7)


@pytest.mark.parametrize("name", NAMES)
def test_signature_and_moments_of_keras(name):
    keras = pytest.importorskip("keras")
    ours, theirs = (getattr(module, camel(name)) for module in (initializers, keras.initializers))
    own = inspect.signature(ours.__init__).parameters
    known = inspect.signature(theirs.__init__).parameters
    for argument, parameter in list(own.items())[1:]:
        assert known[argument].default == parameter.default, argument
    if name in RANDOM:
        left, right = ours(seed=1)(SHAPE), np.asarray(theirs(seed=1)(SHAPE))
        # Deviations of two samples of 7,200 differ by sqrt(2) / sqrt(2 * 7200) = 1.2 % relative; five times that.
        assert left.std() == pytest.approx(right.std(), rel=0.06)


NO_INITIALIZER = [
    ("Dense", {"units": 3}, ("kernel_initializer", "bias_initializer"), (None, 4)),
    ("Conv2D", {"filters": 3, "kernel_size": 2}, ("kernel_initializer", "bias_initializer"), (None, 5, 5, 2)),
    ("BatchNormalization", {}, ("beta_initializer", "gamma_initializer"), (None, 4)),
    ("Embedding", {"input_dim": 5, "output_dim": 3}, ("embeddings_initializer",), (None, 4)),
    (
        "LSTM", {"units": 3, "unit_forget_bias": False},
        ("kernel_initializer", "recurrent_initializer", "bias_initializer"), (None, 4, 2),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "options", "shape"), NO_INITIALIZER)
def test_none_leaves_the_choice_to_add_weight_as_in_keras(name, arguments, options, shape):
    keras = pytest.importorskip("keras")
    assert initializers.get(None) is keras.initializers.get(None) is None
    assert initializers.serialize(None) is keras.initializers.serialize(None) is None
    given = {**arguments, **dict.fromkeys(options)}
    ours, theirs = (getattr(module.layers, name)(**given) for module in (day33, keras))
    for option in options:
        assert ours.get_config()[option] is theirs.get_config()[option] is None
    theirs.build(shape)
    for layer in (ours, type(ours).from_config(ours.get_config())):
        layer.build(shape)
        for mine, other, option in zip(layer.weights, theirs.weights, [*options, None, None], strict=False):
            if option is None:
                continue
            limit = math.sqrt(6 / sum(initializers.compute_fans(mine.shape)))  # glorot_uniform, in Keras too
            for values in (mine.numpy(), np.asarray(other)):
                assert values.shape == mine.shape and 0 < np.abs(values).max() <= limit


def test_lstm_without_bias_initializer_still_opens_the_forget_gate():
    layer = layers.LSTM(3, bias_initializer=None)
    layer.build((None, 4, 2))
    bias = layer.bias.numpy()
    assert np.all(bias[3:6] == 1) and np.all(bias[:3] != 0) and np.all(bias[6:] != 0)


def test_a_class_of_ones_own_is_called_without_arguments_as_in_keras():
    class Sevens:
        def __call__(self, shape, dtype=None):
            return np.full(shape, 7.0)

    layer = layers.Dense(3, kernel_initializer=Sevens)
    layer.build((None, 4))
    assert np.all(layer.kernel.numpy() == 7)
    for other in (int, object):
        with pytest.raises(TypeError, match="expected a callable"):
            initializers.get(other)
    with pytest.raises(ValueError, match='expected a dict with "class_name"'):
        initializers.get({})
