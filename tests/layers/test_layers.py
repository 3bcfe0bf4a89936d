"""Layers one at a time: Keras's shapes, names, defaults and numbers; training mode; activations."""

from __future__ import annotations

import json

import numpy as np
import pytest

import day33
from day33 import activations, layers, ops
from support.tolerances import ELEMENTARY, assert_close
from support.zoo import random

# Class, arguments, input shape without the batch. The last two where None stands for sizes left open.
GRID = [
    ("Dense", {"units": 3}, (4,)),
    ("Dense", {"units": 3, "activation": "relu", "use_bias": False}, (5, 4)),
    ("Dense", {"units": 6, "activation": "softmax"}, (2, 3, 4)),
    ("Conv1D", {"filters": 4, "kernel_size": 3}, (9, 3)),
    ("Conv1D", {"filters": 4, "kernel_size": (2,), "strides": 2, "padding": "same", "activation": "relu"}, (9, 3)),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, (9, 3)),
    ("Conv1D", {"filters": 6, "kernel_size": 4, "padding": "causal", "strides": 3, "use_bias": False}, (9, 3)),
    ("Conv1D", {"filters": 6, "kernel_size": 3, "padding": "same", "dilation_rate": 3, "groups": 3}, (9, 6)),
    ("Conv1D", {"filters": 20, "kernel_size": 5, "activation": "gelu"}, (5, 17)),
    ("Conv1DTranspose", {"filters": 4, "kernel_size": 3}, (6, 3)),
    ("Conv1DTranspose", {"filters": 4, "kernel_size": (3,), "strides": 2, "padding": "same"}, (6, 3)),
    ("Conv1DTranspose", {"filters": 4, "kernel_size": 3, "strides": (2,), "output_padding": 1}, (6, 3)),
    ("Conv1DTranspose", {"filters": 4, "kernel_size": 2, "strides": 3, "activation": "elu"}, (6, 3)),
    ("Conv1DTranspose", {"filters": 18, "kernel_size": 5, "padding": "same", "use_bias": False}, (6, 17)),
    ("DepthwiseConv1D", {"kernel_size": 3}, (9, 3)),
    ("DepthwiseConv1D", {"kernel_size": (2,), "strides": 2, "padding": "same", "activation": "gelu"}, (9, 9)),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 3, "use_bias": False}, (9, 2)),
    ("DepthwiseConv1D", {"kernel_size": 3, "dilation_rate": 2, "padding": "same"}, (9, 17)),
    ("SeparableConv1D", {"filters": 5, "kernel_size": 3}, (9, 3)),
    ("SeparableConv1D", {"filters": 5, "kernel_size": 3, "dilation_rate": 2, "activation": "gelu"}, (9, 3)),
    (
        "SeparableConv1D",
        {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same", "depth_multiplier": 2, "use_bias": False},
        (9, 3),
    ),
    ("Conv2D", {"filters": 4, "kernel_size": 3}, (9, 8, 3)),
    ("Conv2D", {"filters": 4, "kernel_size": (2, 5), "strides": (2, 1), "padding": "same"}, (9, 8, 3)),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 3, "activation": "tanh"}, (7, 7, 3)),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": 2, "padding": "same"}, (7, 9, 1)),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "strides": 3, "use_bias": False}, (7, 9, 1)),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3}, (5, 6, 3)),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}, (5, 6, 3)),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2, "output_padding": 1}, (5, 6, 3)),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": (3, 2), "strides": (2, 3), "activation": "elu"}, (5, 6, 3)),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "strides": 3, "padding": "same"}, (5, 6, 3)),
    ("DepthwiseConv2D", {"kernel_size": 3}, (9, 8, 3)),
    ("DepthwiseConv2D", {"kernel_size": (3, 2), "strides": 2, "padding": "same", "activation": "gelu"}, (9, 8, 9)),
    ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 3, "use_bias": False}, (9, 8, 2)),
    ("DepthwiseConv2D", {"kernel_size": 3, "dilation_rate": 2, "padding": "same"}, (9, 8, 4)),
    ("DepthwiseConv2D", {"kernel_size": 2, "dilation_rate": 2, "strides": 2}, (9, 8, 4)),
    ("SeparableConv2D", {"filters": 5, "kernel_size": 3}, (9, 8, 3)),
    (
        "SeparableConv2D",
        {
            "filters": 2,
            "kernel_size": (3, 2),
            "strides": 2,
            "padding": "same",
            "depth_multiplier": 2,
            "activation": "gelu",
            "use_bias": False,
        },
        (9, 8, 3),
    ),
    ("AveragePooling2D", {"pool_size": 2}, (7, 6, 3)),
    ("AveragePooling2D", {"pool_size": (3, 2), "strides": (1, 2), "padding": "same"}, (7, 6, 3)),
    ("AveragePooling1D", {"pool_size": 2}, (7, 3)),
    ("AveragePooling1D", {"pool_size": (3,), "strides": 1, "padding": "same"}, (7, 17)),
    ("MaxPooling1D", {}, (7, 3)),
    ("MaxPooling1D", {"padding": "same"}, (7, 3)),
    ("MaxPooling1D", {"pool_size": 3, "strides": (2,), "padding": "same"}, (7, 17)),
    ("GlobalMaxPooling1D", {}, (7, 3)),
    ("GlobalMaxPooling1D", {"keepdims": True}, (7, 3)),
    ("GlobalAveragePooling1D", {}, (7, 3)),
    ("GlobalAveragePooling1D", {"keepdims": True}, (7, 3)),
    ("UpSampling1D", {}, (4, 3)),
    ("UpSampling1D", {"size": 3}, (4, 17)),
    ("ZeroPadding1D", {}, (4, 3)),
    ("ZeroPadding1D", {"padding": (0, 3)}, (4, 3)),
    ("Cropping1D", {}, (4, 3)),
    ("Cropping1D", {"cropping": (0, 3)}, (4, 3)),
    ("Cropping1D", {"cropping": (2, 0)}, (4, 3)),
    ("GlobalMaxPooling2D", {}, (3, 4, 2)),
    ("GlobalMaxPooling2D", {"keepdims": True}, (3, 4, 2)),
    ("ZeroPadding2D", {}, (3, 4, 2)),
    ("ZeroPadding2D", {"padding": (2, 1)}, (3, 4, 2)),
    ("ZeroPadding2D", {"padding": ((1, 0), (0, 3))}, (3, 4, 2)),
    ("Cropping2D", {}, (3, 4, 2)),
    ("Cropping2D", {"cropping": ((1, 0), (1, 2))}, (3, 4, 2)),
    ("Permute", {"dims": (2, 1)}, (3, 4)),
    ("Permute", {"dims": (3, 1, 2)}, (3, 4, 2)),
    ("Permute", {"dims": (2, 1, 3)}, (3, 4, 2)),
    ("RepeatVector", {"n": 3}, (4,)),
    ("Rescaling", {"scale": 0.5}, (3, 4)),
    ("Rescaling", {"scale": 2.0, "offset": [1.0, -1.0]}, (3, 4, 2)),
    ("Rescaling", {"scale": [[0.5], [2.0], [4.0]], "offset": -1.0}, (3, 4)),
    ("LayerNormalization", {}, (3, 8)),
    ("LayerNormalization", {"scale": False, "epsilon": 0.1}, (3, 4, 2)),
    ("LayerNormalization", {"center": False, "axis": [-2, -1]}, (3, 4, 2)),
    ("LayerNormalization", {"axis": [1, 2, 3]}, (3, 4, 2)),
    ("MaxPooling2D", {}, (7, 6, 3)),
    ("MaxPooling2D", {"padding": "same"}, (7, 6, 3)),
    ("MaxPooling2D", {"pool_size": 3, "strides": (1, 2), "padding": "same"}, (7, 6, 3)),
    ("UpSampling2D", {}, (3, 4, 2)),
    ("UpSampling2D", {"size": (3, 2), "interpolation": "bilinear"}, (3, 4, 2)),
    ("Flatten", {}, (3, 4, 2)),
    ("Flatten", {}, (5,)),
    ("Flatten", {}, ()),
    ("Reshape", {"target_shape": (4, 6)}, (3, 8)),
    ("Reshape", {"target_shape": (-1, 2)}, (3, 8)),
    ("Activation", {"activation": "sigmoid"}, (3, 8)),
    ("ReLU", {}, (3, 8)),
    ("ReLU", {"negative_slope": 0.1}, (3, 8)),
    ("ReLU", {"max_value": 6.0}, (3, 8)),
    ("ReLU", {"max_value": 0.5}, (3, 8)),
    ("ReLU", {"threshold": 0.25}, (3, 8)),
    ("ReLU", {"threshold": 0.25, "max_value": 0.5, "negative_slope": 0.1}, (3, 8)),
    *(
        ("Activation", {"activation": name}, (3, 8))
        for name in (
            "log_softmax",
            "relu6",
            "selu",
            "exponential",
            "softplus",
            "softsign",
            "log_sigmoid",
            "hard_sigmoid",
            "gelu",
            "silu",
            "hard_silu",
            "mish",
        )
    ),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "activation": "gelu"}, (5, 6, 3)),
    ("Dense", {"units": 3, "activation": "silu"}, (5, 4)),
    ("LeakyReLU", {}, (3, 8)),
    ("ELU", {"alpha": 0.5}, (3, 8)),
    ("Softmax", {}, (3, 8)),
    ("Softmax", {"axis": 1}, (3, 8)),
    ("Softmax", {"axis": -2}, (3, 4, 2)),
    ("Softmax", {"axis": (1, 2)}, (3, 4, 2)),
    ("Softmax", {"axis": [-1, -3]}, (3, 4, 2)),
    ("PReLU", {"alpha_initializer": "ones"}, (3, 8)),
    ("PReLU", {"shared_axes": [1]}, (3, 8)),
    ("PReLU", {"shared_axes": (1, 2)}, (3, 4, 2)),
    ("PReLU", {"shared_axes": 2}, (3, 4, 2)),
    ("Identity", {}, (3, 4, 2)),
    ("GaussianNoise", {"stddev": 0.4}, (3, 8)),
    ("GaussianDropout", {"rate": 0.4}, (3, 8)),
    ("AlphaDropout", {"rate": 0.4}, (3, 8)),
    ("AlphaDropout", {"rate": 0.4, "noise_shape": (None, 1, 8)}, (3, 8)),
    ("SpatialDropout2D", {"rate": 0.4}, (3, 4, 2)),
    ("Dropout", {"rate": 0.4}, (3, 8)),
    ("Dropout", {"rate": 0.4, "noise_shape": (None, 1, 8)}, (3, 8)),
    ("BatchNormalization", {}, (3, 8)),
    ("BatchNormalization", {"scale": False, "epsilon": 0.1}, (3, 4, 2)),
    ("BatchNormalization", {"center": False, "axis": 3}, (3, 4, 2)),
    ("BatchNormalization", {"axis": 1}, (3, 4, 2)),
    ("BatchNormalization", {"axis": -2}, (3, 4, 2)),
    ("GlobalAveragePooling2D", {}, (3, 4, 2)),
    ("GlobalAveragePooling2D", {"keepdims": True}, (3, 4, 2)),
]
grid = pytest.mark.parametrize(("name", "arguments", "shape"), GRID, ids=[f"{n}-{a}-{s}" for n, a, s in GRID])


@pytest.fixture(scope="module")
def keras():
    module = pytest.importorskip("keras")
    return module


# ---- against Keras ----


@grid
def test_same_numbers_shapes_and_weights(keras, name, arguments, shape):
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    x = random(5, *shape)
    theirs.build((None, *shape))
    ours.build((None, *shape))
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    assert [v.shape for v in ours.weights] == [tuple(v.shape) for v in theirs.weights]
    assert [v.shape for v in ours.trainable_weights] == [tuple(v.shape) for v in theirs.trainable_weights]
    assert ours.count_params() == theirs.count_params()
    values = [np.abs(random(*v.shape, seed=i)) for i, v in enumerate(ours.weights)]
    ours.set_weights(values)
    theirs.set_weights(values)
    expected = np.asarray(theirs(x))
    y = ours(x)
    assert y.shape == expected.shape == tuple(ours.compute_output_shape((5, *shape)))
    length = max([int(np.prod(v.shape[:-1])) for v in ours.weights] + [2]) + 4
    assert_close(y, expected, length=length, magnitude=max(1, np.abs(expected).max()), extra=ELEMENTARY)


@grid
def test_open_sizes(keras, name, arguments, shape):
    """compute_output_shape with None for every size that may be left open."""
    if shape == ():
        pytest.skip("nothing to leave open")
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    inner_axis = name == "BatchNormalization" and arguments.get("axis", -1) not in (-1, len(shape))
    inner_axis = inner_axis or (name == "LayerNormalization" and "axis" in arguments)
    inner_axis = inner_axis or (name == "PReLU" and arguments.get("shared_axes") not in ([1], (1, 2)))
    if inner_axis or np.ndim(arguments.get("scale", 0)) == 2:
        pytest.skip("these axes must be known")
    images = len(shape) == 3 and name not in ("Dense", "BatchNormalization", "Flatten", "Reshape")
    open_shape = (None, None, None, shape[2]) if images else (None, *(None for _ in shape[:-1]), shape[-1])
    for given in (open_shape, (None, *shape)):
        assert tuple(ours.compute_output_shape(given)) == tuple(theirs.compute_output_shape(given))
    symbolic = ours(day33.Input(open_shape[1:]))
    assert symbolic.shape == tuple(theirs.compute_output_shape(open_shape))


@grid
def test_sizes_of_numpy(name, arguments, shape):
    """Sizes from `numpy.prod` and the like count as integers, and come out as Python's, which JSON takes."""

    def numpys(value):
        if isinstance(value, list | tuple):
            return type(value)([numpys(item) for item in value])
        return np.int64(value) if type(value) is int else value

    sizes = (None, *numpys(shape))
    given = {key: numpys(value) for key, value in arguments.items()}
    layer, reference = getattr(layers, name)(**given), getattr(layers, name)(**arguments)
    found = layer.compute_output_shape(sizes)
    assert found == reference.compute_output_shape((None, *shape))
    assert all(size is None or type(size) is int for size in found)
    layer.build(sizes)
    assert json.dumps(layer.get_config() | {"name": ""}) == json.dumps(reference.get_config() | {"name": ""})


@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    [
        ("LSTM", {"units": 3}, (5, 2)),
        ("GRU", {"units": 3, "return_sequences": True}, (5, 2)),
        ("SimpleRNN", {"units": 3}, (5, 2)),
        ("Embedding", {"input_dim": 5, "output_dim": 3}, (5,)),
        ("Masking", {}, (5, 2)),
        ("SpatialDropout1D", {"rate": 0.5}, (5, 2)),
        ("GlobalAveragePooling1D", {}, (5, 2)),
    ],
)
def test_sizes_of_numpy_in_sequences(name, arguments, shape):
    test_sizes_of_numpy(name, arguments, shape)


def test_models_of_numpy_sizes():
    x = random(5, 2, 3)
    flat = day33.Input(shape=(np.prod(x.shape[1:]),))
    assert flat.shape == (None, 6) and type(flat.shape[1]) is int
    for first in (layers.Dense(2, input_shape=(np.prod(x.shape[1:]),)), layers.Dense(2, input_dim=np.int64(6))):
        model = day33.Sequential([first])
        assert model.input_shape == (None, 6) and "int64" not in repr(model.get_config())
        json.dumps(model.get_config())
    model = day33.Sequential([layers.TimeDistributed(layers.Dense(2)), layers.Bidirectional(layers.LSTM(3))])
    model.build((None, np.int64(2), np.int64(3)))
    assert model.output_shape == model.compute_output_shape((None, np.int32(2), np.uint8(3))) == (None, 6)
    assert layers.Add().compute_output_shape([(None, np.int64(3)), (None, np.int64(3))]) == (None, 3)


@grid
def test_same_defaults(keras, name, arguments, shape):
    ours, theirs = (getattr(module, name)(**arguments).get_config() for module in (layers, keras.layers))
    for key in ours.keys() - {"name", "dtype"}:
        left, right = ours[key], theirs[key]
        if isinstance(right, dict):
            left, right = left["class_name"], right["class_name"]
        if isinstance(left, tuple) and isinstance(right, list):
            right = tuple(right)
        if key == "axis":
            left, right = (list(axis) if isinstance(axis, list | tuple) else [axis] for axis in (left, right))
            left, right = [a % 4 for a in left], [a % 4 for a in right]
        if key == "synchronized" or (key == "output_padding" and right is None):
            left, right = bool(left), bool(right)
        if key == "output_padding" and isinstance(right, int):
            right = (right,) * len(ours["strides"]) if right else right
        assert left == right, key


@grid
def test_config_makes_the_same_layer(name, arguments, shape):
    first = getattr(layers, name)(**arguments)
    second = type(first).from_config(first.get_config())
    assert second.get_config() == first.get_config()
    x = random(2, *shape)
    first(x)
    second(x)
    second.set_weights(first.get_weights())
    np.testing.assert_array_equal(first(x), second(x))


@pytest.mark.parametrize("axis", [-1, 1, (1, 2)])
@pytest.mark.parametrize("shape", [(6, 3, 4), (6, 1, 4), (6, 3, 1), (1, 3, 4), (3, 4), (4,)])
def test_softmax_with_a_mask(keras, axis, shape):
    x = 3 * random(6, 3, 4)
    mask = random(*shape, seed=1) > 0
    mask[len(mask) // 2] = False  # of some samples nothing counts
    expected = np.asarray(keras.layers.Softmax(axis)(x, mask=mask))
    result = layers.Softmax(axis)(x, mask=mask)
    np.testing.assert_allclose(result, expected, atol=1e-6)
    assert not result[~np.broadcast_to(mask, x.shape)].any()
    np.testing.assert_array_equal(layers.Softmax(axis)(x, mask=2 * mask.astype(np.int64)), result)
    np.testing.assert_array_equal(layers.Softmax(axis)(inputs=x, mask=0.6 * mask), result)
    if mask.shape == x.shape:
        given, kept = day33.Input((3, 4)), day33.Input((3, 4))
        model = day33.Model([given, kept], layers.Softmax(axis)(given, mask=kept))
        np.testing.assert_array_equal(model.predict([x, mask.astype(np.float32)], verbose=0), result)


def test_refused_softmax():
    with pytest.raises(ValueError, match="axis of layer .* is 0; expected axes of the input"):
        layers.Softmax(0)(np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"mask of layer .* has shape \(2, 3\); expected one that can be stretched"):
        layers.Softmax()(np.zeros((2, 3, 4), np.float32), mask=np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"mask of layer .* has shape \(None, 3\); expected that of the input"):
        layers.Softmax()(day33.Input((3, 4)), mask=day33.Input((3,)))


def test_refused_prelu():
    with pytest.raises(ValueError, match=r"shared_axes\[0\] is 0"):
        layers.PReLU(shared_axes=0)
    with pytest.raises(ValueError, match="shared_axes of layer .* is .3.; the input has shape"):
        layers.PReLU(shared_axes=3)(np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="expected known sizes along axes that are not among shared_axes"):
        layers.PReLU(shared_axes=1)(day33.Input((3, None)))
    layer = layers.PReLU()
    layer(np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"alpha of shape \(3,\)"):
        layer(np.zeros((2, 4), np.float32))


def test_identity_keeps_what_it_is_given(keras):
    whole = np.arange(6, dtype=np.int32).reshape(2, 3)
    assert layers.Identity()(whole).dtype == np.int32

    def build(library):
        make = library.layers
        ids = library.Input((3,), dtype="int32")
        vectors = make.Identity()(make.Embedding(9, 4, mask_zero=True)(make.Identity()(ids)))
        return library.Model(ids, make.LSTM(2)(vectors))

    model, twin = build(day33), build(keras)
    twin.set_weights(model.get_weights())
    np.testing.assert_allclose(model.predict(whole, verbose=0), np.asarray(twin(whole)), atol=1e-6)


def test_spatial_dropout_of_images():
    layer = layers.SpatialDropout2D(0.25)
    x = np.ones((40, 5, 6, 8), np.float32)
    y = layer(x, training=True)
    channels = y[:, 0, 0]
    np.testing.assert_array_equal(y, np.broadcast_to(channels[:, None, None], y.shape))
    assert set(np.unique(channels.numpy())) == {np.float32(0), np.float32(1 / np.float32(0.75))}
    # 320 draws kept with probability 3/4: deviation 0.0242; five times that.
    assert (channels > 0).mean() == pytest.approx(0.75, abs=0.121)
    with pytest.raises(ValueError, match=r"expected \(N, H, W, C\)"):
        layer(x[0])


def test_automatic_names(keras):
    day33.clear_session()
    keras.backend.clear_session()
    names = [
        "Conv2D", "Conv2D", "Conv2DTranspose", "MaxPooling2D", "UpSampling2D", "GlobalAveragePooling2D", "ReLU", "ELU",
        "LeakyReLU", "Softmax", "Flatten", "BatchNormalization", "Add", "Concatenate", "Conv2D", "DepthwiseConv2D",
        "SeparableConv2D", "AveragePooling2D", "GlobalMaxPooling2D", "ZeroPadding2D", "Cropping2D", "Permute",
        "RepeatVector", "Rescaling", "LayerNormalization", "Subtract", "Multiply", "Maximum", "Minimum", "Average",
        "Conv1D", "Conv1DTranspose", "DepthwiseConv1D", "SeparableConv1D", "MaxPooling1D", "AveragePooling1D",
        "UpSampling1D", "ZeroPadding1D", "Cropping1D", "PReLU", "Identity", "SpatialDropout2D", "Dot", "LSTMCell",
        "GaussianNoise",
    ]  # fmt: skip
    more = {
        "Conv2D": (1, 1), "Conv2DTranspose": (1, 1), "DepthwiseConv2D": (1,), "AveragePooling2D": (2,),
        "SeparableConv2D": (1, 1), "Conv1D": (1, 1), "Conv1DTranspose": (1, 1), "DepthwiseConv1D": (1,),
        "SeparableConv1D": (1, 1), "AveragePooling1D": (2,), "SpatialDropout2D": (0.5,), "GaussianNoise": (0.5,),
        "Dot": (1,), "LSTMCell": (1,), "Permute": ((1, 2),),
        "RepeatVector": (2,), "Rescaling": (2.0,),
    }  # fmt: skip
    for name in names:
        ours, theirs = (getattr(module, name)(*more.get(name, ())) for module in (layers, keras.layers))
        assert ours.name == theirs.name


# ---- training mode ----


def test_dropout_acts_in_training_alone():
    layer = layers.Dropout(0.25)
    x = np.ones((200, 50), np.float32)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    y = layer(x, training=True)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / np.float32(0.75))}
    # 10,000 values kept with probability 3/4: deviation sqrt(1/4 * 3/4 / 10000) = 0.0043; five times that.
    assert (y > 0).mean() == pytest.approx(0.75, abs=0.022)
    assert not np.array_equal(y, layer(x, training=True))


def test_dropout_repeats_after_the_same_seed():
    x = np.ones((8, 20), np.float32)

    def draw():
        day33.set_random_seed(5)
        layer = layers.Dropout(0.5)
        return [layer(x, training=True) for _ in range(2)]

    for first, second in zip(draw(), draw(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_batch_normalization_in_training(keras):
    ours, theirs = layers.BatchNormalization(momentum=0.7), keras.layers.BatchNormalization(momentum=0.7)
    x = 3 + 2 * random(16, 5, 4, 3)
    for step in range(3):
        y, expected = ours(x + step, training=True), np.asarray(theirs(x + step, training=True))
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
        for left, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)
    before = ours.get_weights()
    ours.trainable = False
    frozen = ours(x, training=True)
    np.testing.assert_array_equal(frozen, ours(x))
    for left, right in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    assert len(ours.non_trainable_weights) == 4 and not ours.trainable_weights


# ---- pooling with indices ----


@pytest.mark.parametrize("shape", [(6, 8, 3), (7, 9, 2)])
def test_unpooling_puts_maxima_back(shape):
    x = random(3, *shape)
    pooled, indices = layers.MaxPooling2D(return_indices=True)(x)
    assert indices.dtype == np.int32
    back = layers.MaxUnpooling2D(output_size=shape[:2])([pooled, indices])
    expected = np.zeros_like(x).reshape(3, -1)
    for n in range(3):
        expected[n, indices[n].ravel()] = pooled[n].ravel()
    np.testing.assert_array_equal(back, expected.reshape(x.shape))
    default = layers.MaxUnpooling2D()
    assert default.compute_output_shape([pooled.shape, pooled.shape]) == (
        3,
        shape[0] // 2 * 2,
        shape[1] // 2 * 2,
        shape[2],
    )


def test_unpooling_refuses_positions_outside():
    x = random(1, 2, 2, 1)
    indices = np.full((1, 2, 2, 1), 16, np.int32)
    with pytest.raises(ValueError, match="16"):
        layers.MaxUnpooling2D()([x, indices])


def test_bed_of_nails():
    x = random(2, 3, 4, 2)
    y = layers.UpSampling2D((2, 3), interpolation="bed_of_nails")(x)
    np.testing.assert_array_equal(y[:, ::2, ::3], x)
    assert np.count_nonzero(y) == x.size


# ---- activations ----


@pytest.mark.parametrize(
    ("given", "spec"),
    [
        (None, ("linear", 0.0)),
        ("leaky_relu", ("leaky_relu", 0.2)),  # Keras: the function has another default than the layer
        (layers.LeakyReLU(), ("leaky_relu", 0.3)),
        (layers.LeakyReLU, ("leaky_relu", 0.3)),
        (layers.ReLU(), ("relu", 0.0)),
        (ops.relu, ("relu", 0.0)),
        (activations.tanh, ("tanh", 0.0)),
        ("gelu", ("gelu", 0.0)),
        ("swish", ("silu", 0.0)),
        ("hard_swish", ("hard_silu", 0.0)),
        (ops.log_softmax, ("log_softmax", 0.0)),
        (layers.ReLU(max_value=3), ("relu6", 3.0)),
        (layers.ELU(0.7), ("elu", 0.7)),
    ],
)
def test_activation_by_every_kind_of_name(given, spec):
    found = activations.get(given)
    assert (found.kind, found.alpha) == spec
    assert activations.get(found.get_config()) == found
    x = random(3, 4)
    dense = layers.Dense(4, activation=given, kernel_initializer=lambda shape, dtype: np.eye(4))
    np.testing.assert_allclose(dense(x), found(x), rtol=1e-6, atol=1e-7)


def test_unknown_activations():
    with pytest.raises(ValueError, match=r"'swash'.*relu, leaky_relu"):
        layers.Dense(1, activation="swash")
    with pytest.raises(TypeError, match="expected None"):
        layers.Dense(1, activation=np.tanh)
