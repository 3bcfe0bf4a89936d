"""Models that several test files build, with day33 or with Keras."""

from __future__ import annotations

import numpy as np

import day33


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def autoencoder(kind, library=day33):
    """The note's two models, with either library."""
    make = library.layers
    x = picture = library.Input((28, 28, 1))
    up = kind == "upsampling"
    for number, filters in enumerate((16, 8, 4)):
        x = make.Conv2D(filters, (3, 3), activation="relu", padding="same" if up else "valid")(x)
        if up or number < 2:
            x = make.MaxPooling2D((2, 2), padding="same" if up else "valid")(x)
    convolution = make.Conv2D if up else make.Conv2DTranspose
    for filters, padding in ((4, "same"), (8, "same"), (16, "valid")):
        x = convolution(filters, (3, 3), activation="relu", padding=padding)(x)
        x = make.UpSampling2D((2, 2))(x)
    return library.Model(picture, convolution(1, (3, 3), activation="sigmoid", padding="same")(x))


def branched(library=day33):
    """Two inputs, a shared layer, a skip, two outputs."""
    make = library.layers
    a, b = library.Input((8, 8, 3), name="a"), library.Input((8, 8, 3), name="b")
    shared = make.Conv2D(4, 3, padding="same", name="shared")
    left, right = shared(a), shared(b)
    joined = make.Concatenate(name="joined")([left, make.ReLU(name="relu")(right)])
    deep = make.Conv2D(8, 3, padding="same", name="deep")(joined)
    total = make.Add(name="total")([deep, joined])
    pooled = make.GlobalAveragePooling2D(name="pooled")(total)
    return library.Model([a, b], [make.Dense(2, name="head")(pooled), total])


def nested(library=day33):
    """A model inside a model, used twice, and a Sequential."""
    make = library.layers
    i = library.Input((6, 6, 2))
    block = library.Model(i, make.BatchNormalization(name="norm")(make.Conv2D(2, 3, padding="same", name="conv")(i)),
                          name="block")  # fmt: skip
    x = library.Input((6, 6, 2))
    y = block(block(x))
    tail = library.Sequential([make.Flatten(name="flat"), make.Dense(3, name="out")], name="tail")
    return library.Model(x, tail(y))


def mobile(library=day33):
    """The small layers of mobile networks: padding, depthwise, squeeze and excite, pooling, normalisation."""
    make = library.layers
    picture = library.Input((11, 10, 3))
    x = make.Rescaling(1 / 127.5, offset=-1, name="rescaled")(picture)
    x = make.ZeroPadding2D(((0, 1), (1, 0)), name="padded")(x)
    x = make.Conv2D(8, 3, strides=2, use_bias=False, activation="silu", name="stem")(x)
    x = make.DepthwiseConv2D(3, padding="same", activation="relu6", name="depthwise")(x)
    squeezed = make.GlobalAveragePooling2D(keepdims=True, name="squeezed")(x)
    excited = make.Conv2D(8, 1, activation="hard_sigmoid", name="excited")(squeezed)
    x = make.Multiply(name="weighed")([x, excited])
    x = make.DepthwiseConv2D(2, depth_multiplier=2, activation="gelu", name="widened")(x)
    left = make.AveragePooling2D(2, padding="same", name="averaged")(x)
    right = make.Cropping2D(((1, 1), (0, 2)), name="cropped")(x)
    x = make.Maximum(name="larger")([left, right])
    x = make.LayerNormalization(name="normalised")(x)
    pooled = make.GlobalMaxPooling2D(name="pooled")(make.Activation("mish", name="mish")(x))
    repeated = make.RepeatVector(2, name="repeated")(make.Dense(3, activation="softplus", name="head")(pooled))
    return library.Model(picture, make.Permute((2, 1), name="turned")(repeated))


def sequence(library=day33):
    """Recurrent layers, one way and both ways, with states, and a dense layer large enough for the whole batch."""
    make = library.layers
    x = library.Input((7, 5))
    y, h, c = make.LSTM(6, return_sequences=True, return_state=True, name="reader")(x)
    y = make.Bidirectional(make.GRU(8, return_sequences=True, name="scan"), name="both")(y)
    y = make.LSTM(6, name="writer")(y, initial_state=[h, c])
    y = make.Dense(400, activation="tanh", name="wide")(y)
    return library.Model(x, make.Dense(200, name="large")(y))


def series(library=day33):
    """A convolutional auto-encoder of sequences, with all that such a one may have."""
    make = library.layers
    x = steps = library.Input((22, 3))
    x = make.ZeroPadding1D((0, 2), name="longer")(x)
    x = make.Conv1D(8, 3, padding="causal", activation="relu", name="first")(x)
    x = make.MaxPooling1D(2, name="pooled")(x)
    x = make.SeparableConv1D(6, 3, padding="same", activation="tanh", name="second")(x)
    x = make.AveragePooling1D(3, strides=2, padding="same", name="smooth")(x)
    x = make.DepthwiseConv1D(3, padding="same", depth_multiplier=2, name="each")(x)
    x = make.UpSampling1D(2, name="up")(x)
    x = make.Conv1DTranspose(4, 3, strides=2, padding="same", activation="relu", name="back")(x)
    x = make.Cropping1D((0, 2), name="shorter")(x)
    pooled = make.GlobalMaxPooling1D(name="largest")(x)
    return library.Model(steps, [make.Conv1D(3, 1, name="head")(x), make.Dense(2, name="scores")(pooled)])


MODELS = {
    "upsampling": lambda library=day33: autoencoder("upsampling", library),
    "transposed": lambda library=day33: autoencoder("transposed", library),
    "branched": branched,
    "nested": nested,
    "mobile": mobile,
    "sequence": sequence,
    "series": series,
}


def inputs_for(model, n=3):
    xs = [random(n, *shape.shape[1:], seed=i) for i, shape in enumerate(model.inputs)]
    return xs[0] if len(xs) == 1 else xs


def as_list(y):
    return list(y) if isinstance(y, list | tuple) else [y]
