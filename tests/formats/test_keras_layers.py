"""Every layer in Keras's files, both ways, beside a real Keras."""

from __future__ import annotations

import json

import numpy as np
import pytest

import day33
from day33 import activations, layers
from support.keras_files import assert_same_predictions, randomised

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
h5py = pytest.importorskip("h5py")

# Layers by name: arguments, and the shapes of their inputs. Every layer of day33 that Keras has stands here.
IMAGE, SEQUENCE, IDS = (6, 6, 4), (5, 4), (5,)
CASES = {
    "Activation": [dict(activation=name) for name in sorted(activations.names() - {"gelu_tanh"})],
    "Add": [{}],
    "AlphaDropout": [dict(rate=0.2), dict(rate=0.3, noise_shape=[None, 1, 1, 4], seed=3)],
    "Average": [{}],
    "AveragePooling1D": [dict(pool_size=2), dict(pool_size=3, strides=2, padding="same")],
    "AveragePooling2D": [dict(pool_size=2), dict(pool_size=3, strides=2, padding="same")],
    "BatchNormalization": [{}, dict(scale=False, epsilon=1e-2), dict(center=False)],
    "CenterCrop": [dict(height=3, width=5), dict(height=9, width=4)],
    "Concatenate": [{}, dict(axis=1)],
    "Conv1D": [dict(filters=3, kernel_size=2), dict(filters=4, kernel_size=3, padding="causal", groups=2)],
    "Conv1DTranspose": [
        dict(filters=3, kernel_size=3), dict(filters=3, kernel_size=3, strides=2, padding="same"),
        dict(filters=3, kernel_size=3, strides=2, output_padding=0),
    ],
    "Conv2D": [
        dict(filters=3, kernel_size=3), dict(filters=4, kernel_size=(3, 2), strides=2, padding="same", groups=2),
        dict(filters=2, kernel_size=3, dilation_rate=2, activation="tanh", use_bias=False),
    ],
    "Conv2DTranspose": [
        dict(filters=3, kernel_size=3), dict(filters=3, kernel_size=3, strides=2, padding="same"),
        dict(filters=3, kernel_size=3, strides=2, output_padding=0),
    ],
    "Cropping1D": [{}, dict(cropping=(1, 2))],
    "Cropping2D": [dict(cropping=1), dict(cropping=((1, 0), (0, 2)))],
    "Dense": [dict(units=3), dict(units=2, activation="relu", use_bias=False), dict(units=2, activation="gelu")],
    "DepthwiseConv1D": [
        dict(kernel_size=3), dict(kernel_size=3, strides=2, padding="same", depth_multiplier=2, activation="silu"),
    ],
    "DepthwiseConv2D": [
        dict(kernel_size=3), dict(kernel_size=(3, 2), strides=2, padding="same", depth_multiplier=2, activation="silu"),
        dict(kernel_size=2, dilation_rate=2, use_bias=False),
    ],
    "Dot": [dict(axes=1), dict(axes=[2, 1], normalize=True)],
    "Dropout": [dict(rate=0.4)],
    "ELU": [dict(alpha=0.5)],
    "Embedding": [dict(input_dim=9, output_dim=4), dict(input_dim=9, output_dim=3, mask_zero=True)],
    "Flatten": [{}],
    "GRU": [
        dict(units=3), dict(units=2, reset_after=False, return_sequences=True, dropout=0.1),
        dict(units=2, activation="relu", recurrent_activation="hard_sigmoid", recurrent_dropout=0.2),
    ],
    "GaussianDropout": [dict(rate=0.2)],
    "GaussianNoise": [dict(stddev=0.3, seed=3)],
    "GlobalAveragePooling1D": [{}, dict(keepdims=True)],
    "GlobalAveragePooling2D": [{}, dict(keepdims=True)],
    "GlobalMaxPooling1D": [{}],
    "GlobalMaxPooling2D": [{}, dict(keepdims=True)],
    "GroupNormalization": [dict(groups=2), dict(groups=-1, center=False), dict(groups=1, scale=False, epsilon=0.1)],
    "Identity": [{}],
    "LSTM": [
        dict(units=3), dict(units=2, return_sequences=True, go_backwards=True, use_bias=False),
        dict(units=3, dropout=0.3, unit_forget_bias=False), dict(units=3, recurrent_dropout=0.3, activation="softsign"),
    ],
    "LeakyReLU": [{}, dict(negative_slope=0.1)],
    "LayerNormalization": [{}, dict(axis=[-2, -1], epsilon=1e-2), dict(scale=False), dict(center=False)],
    "Masking": [dict(mask_value=0.5)],
    "Maximum": [{}],
    "MaxPooling1D": [{}, dict(pool_size=3, strides=2, padding="same")],
    "MaxPooling2D": [{}, dict(pool_size=3, strides=2, padding="same")],
    "Minimum": [{}],
    "Multiply": [{}],
    "PReLU": [{}, dict(shared_axes=[1, 2])],
    "Normalization": [  # adapted ones in test_lookup_files.py: Keras does not notice weights that are set
        dict(mean=[0.5, 1.0, 2.0, 3.0], variance=[1.0, 2.0, 0.0, 4.0]),
        dict(axis=None, mean=2.0, variance=4.0, invert=True),
    ],
    "Permute": [dict(dims=(3, 1, 2))],
    "RMSNormalization": [{}, dict(axis=[-1], epsilon=0.1)],
    "ReLU": [{}, dict(negative_slope=0.2), dict(max_value=6.0)],
    "RepeatVector": [dict(n=3)],
    "RandomBrightness": [dict(factor=0.2), dict(factor=(-0.1, 0.5), value_range=(0, 1), seed=3)],
    "RandomContrast": [dict(factor=0.2), dict(factor=(0.1, 0.5), value_range=(0, 1), seed=3)],
    "RandomCrop": [dict(height=6, width=6, seed=3)],  # of another size Keras says, and gives the image as it is
    "RandomFlip": [{}, dict(mode="vertical", seed=3)],
    "RandomRotation": [dict(factor=0.2), dict(factor=(-0.1, 0.5), fill_mode="constant", fill_value=3.0, seed=3)],
    "RandomTranslation": [
        dict(height_factor=0.2, width_factor=(-0.3, 0.1)),
        dict(height_factor=0.2, width_factor=0.1, fill_mode="wrap", interpolation="nearest", seed=3),
    ],
    "RandomZoom": [dict(height_factor=0.2), dict(height_factor=(-0.3, 0.1), width_factor=0.1, fill_mode="nearest")],
    "Rescaling": [dict(scale=1 / 255), dict(scale=2.0, offset=[0.5, 1.0, 2.0, 3.0])],
    "Resizing": [
        dict(height=4, width=9), dict(height=3, width=4, interpolation="bicubic", antialias=True),
        dict(height=4, width=9, crop_to_aspect_ratio=True),
        dict(height=4, width=9, pad_to_aspect_ratio=True, fill_value=2),
    ],
    "Reshape": [dict(target_shape=(4, -1))],
    "ReversibleEmbedding": [
        dict(input_dim=9, output_dim=4, mask_zero=True),
        dict(input_dim=9, output_dim=3, tie_weights=False, logit_soft_cap=2.0),
    ],
    "SeparableConv1D": [dict(filters=3, kernel_size=3), dict(filters=2, kernel_size=2, strides=2, depth_multiplier=2)],
    "SeparableConv2D": [dict(filters=3, kernel_size=3), dict(filters=2, kernel_size=2, strides=2, depth_multiplier=2)],
    "SimpleRNN": [dict(units=3), dict(units=2, go_backwards=True, use_bias=False)],
    "Softmax": [{}, dict(axis=1), dict(axis=[1, 2])],
    "SpatialDropout1D": [dict(rate=0.25)],
    "SpatialDropout2D": [dict(rate=0.25)],
    "Subtract": [{}],
    "ThresholdedReLU": [{}, dict(theta=0.25)],
    "UnitNormalization": [{}, dict(axis=[1, 2])],
    "UpSampling1D": [{}, dict(size=3)],
    "UpSampling2D": [{}, dict(size=(3, 2), interpolation="bilinear")],
    "ZeroPadding1D": [{}, dict(padding=(0, 2))],
    "ZeroPadding2D": [{}, dict(padding=((1, 0), (0, 2)))],
}  # fmt: skip
SHAPES = {
    "Embedding": [IDS],
    "ReversibleEmbedding": [IDS],
    **{name: [SEQUENCE] for name in
       ("GRU", "LSTM", "SimpleRNN", *(name for name in CASES if name.endswith(("1D", "1DTranspose"))))},
    "Masking": [SEQUENCE],
    "RepeatVector": [(4,)],
    **{name: [IMAGE, IMAGE] for name in
       ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract")},
}  # fmt: skip
SHORT_NAMES = {name for name in layers.__all__ if getattr(layers, name).__name__ != name}
FUNCTIONS = {name for name in layers.__all__ if not isinstance(getattr(layers, name), type)}
WITHOUT_CASE = SHORT_NAMES | FUNCTIONS | {"InputLayer", "Layer", "MaxUnpooling2D"}
WITHOUT_CASE |= {"Bidirectional", "TimeDistributed"}  # see test_wrappers.py
WITHOUT_CASE |= {"IntegerLookup", "StringLookup", "TextVectorization"}  # see test_lookup_files.py
WITHOUT_CASE |= {"RNN", "StackedRNNCells", "LSTMCell", "GRUCell", "SimpleRNNCell"}  # see test_recurrent_cells.py
WITHOUT_CASE |= {"CategoryEncoding", "Discretization", "Hashing"}  # so are these
WITHOUT_CASE |= {"Lambda"}  # see test_lambda.py


def layer_model(library, name, arguments):
    make = library.layers
    inputs = [library.Input(shape) for shape in SHAPES.get(name, [IMAGE])]
    x = inputs if len(inputs) > 1 else inputs[0]
    # ThresholdedReLU has left Keras, but not TensorFlow.
    kind = getattr(make, name, None) or getattr(tf.keras.layers, name)
    return library.Model(x, kind(**arguments)(x))


# ---- every layer ----


def test_every_layer_has_a_case():
    assert set(CASES) == {name for name in layers.__all__ if name not in WITHOUT_CASE}


@pytest.mark.parametrize(("name", "arguments"), [(name, case) for name in CASES for case in CASES[name]])
def test_layers_there_and_back(tmp_path, name, arguments):
    theirs = randomised(layer_model(keras, name, arguments))
    theirs.save(tmp_path / "theirs.keras")
    ours = day33.load_model(tmp_path / "theirs.keras")
    assert_same_predictions(ours, theirs)
    ours.save(tmp_path / "ours.h5")
    again = keras.models.load_model(tmp_path / "ours.h5", compile=False)
    for a, b in zip(again.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    mine, correct = (json.loads(json.dumps(model.layers[-1].get_config())) for model in (again, theirs))
    assert mine == correct


@pytest.mark.parametrize(
    "activation",
    [
        "LeakyReLU(negative_slope=0.3)",
        "ELU(alpha=0.4)",
        "ReLU()",
        "ReLU(negative_slope=0.1)",
        "ReLU(max_value=6)",
        "ReLU(max_value=2.0)",
    ],
)
def test_activations_given_as_layers(tmp_path, activation):
    made = eval(activation, vars(keras.layers))
    theirs = randomised(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation=made)]))
    theirs.save(tmp_path / "m.keras")
    ours = day33.load_model(tmp_path / "m.keras")
    assert_same_predictions(ours, theirs)
    ours.save(tmp_path / "again.keras")
    assert_same_predictions(ours, keras.models.load_model(tmp_path / "again.keras"))
