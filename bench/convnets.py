"""A small convolutional classifier of square colour images of any side, in day33 and in the other frameworks.

Three 3x3 convolutions (16, 32, 32 channels, relu), the first two with 2x2 max pooling, the global mean, and a 1x1
convolution to ten classes. The outputs are (N, 1, 1, 10); training minimises the mean squared error by plain SGD.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness import peers
from harness.arrays import Array
from harness.race import Participant

CHANNELS, CLASSES, LEARNING_RATE = (16, 32, 32), 10, 0.01
POOLED = (0, 1)  # the indices of the convolutions that are followed by pooling


def keras_like(layers: Any, sequential: Any, side: int) -> Any:
    """The model, made of the layers of day33 or of Keras."""
    steps = [layers.Input((side, side, 3))]
    for index, channels in enumerate(CHANNELS):
        steps.append(layers.Conv2D(channels, 3, padding="same", activation="relu"))
        if index in POOLED:
            steps.append(layers.MaxPooling2D(2))
    return sequential([*steps, layers.GlobalAveragePooling2D(keepdims=True), layers.Conv2D(CLASSES, 1)])


def our_model(side: int) -> Any:
    import day33
    from day33 import layers, models, optimizers

    day33.set_random_seed(33)
    model = keras_like(layers, models.Sequential, side)
    model.compile(optimizer=optimizers.SGD(learning_rate=LEARNING_RATE), loss="mean_squared_error")
    return model


def keras_model(side: int, weights: list[Array]) -> Any:
    """None where Keras is not installed."""
    if peers.tensorflow() is None:
        return None
    import keras

    model = keras_like(keras.layers, keras.Sequential, side)
    model.set_weights(weights)
    model.compile(optimizer=keras.optimizers.SGD(LEARNING_RATE), loss="mean_squared_error", jit_compile=False)
    return model


def torch_model(weights: list[Array]) -> Any:
    """In channels_last format; None where torch is not installed."""
    torch = peers.torch()
    if torch is None:
        return None
    modules: list[Any] = []
    for index, (kernel, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
        if index == len(CHANNELS):
            modules.append(torch.nn.AdaptiveAvgPool2d(1))
        modules.append(peers.torch_convolution(kernel, bias, padding=len(kernel) // 2))
        if index < len(CHANNELS):
            modules.append(torch.nn.ReLU())
        if index in POOLED:
            modules.append(torch.nn.MaxPool2d(2))
    return torch.nn.Sequential(*modules).to(memory_format=torch.channels_last)


def onnx_model(weights: list[Array]) -> peers.OnnxChain | None:
    """None where ONNX is not installed."""
    chain = peers.onnx_chain()
    if chain is None:
        return None
    for index, (kernel, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
        if index == len(CHANNELS):
            chain.add("GlobalAveragePool")
        chain.add("Conv", peers.kernel_first(kernel), bias, pads=[len(kernel) // 2] * 4)
        if index < len(CHANNELS):
            chain.add("Relu")
        if index in POOLED:
            chain.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    return chain


def images(side: int, batch: int) -> Array:
    return np.random.default_rng(33).random((batch, side, side, 3), np.float32)


def inference(side: int, batch: int) -> dict[str, Participant]:
    x, model = images(side, batch), our_model(side)
    weights = model.get_weights()
    found = {"day33": peers.of_numpy(lambda: model.predict_on_batch(x))}
    if (tf := peers.tensorflow()) and (theirs := keras_model(side, weights)):
        tx, compiled = tf.constant(x), tf.function(theirs, jit_compile=True)
        found["tf XLA"] = peers.of_tensorflow(lambda: compiled(tx))
    if (module := torch_model(weights)) is not None:
        px = peers.channels_last(x)
        found["torch"] = peers.of_torch(lambda: module(px))
    if chain := onnx_model(weights):
        found |= peers.of_onnx(chain, x)
    return found


def training(side: int, batch: int) -> dict[str, Participant]:
    """Each run is a training step, whose loss is the answer."""
    x, model = images(side, batch), our_model(side)
    weights = model.get_weights()
    y = np.random.default_rng(34).standard_normal((batch, 1, 1, CLASSES), np.float32)
    found = {"day33": peers.of_numpy(lambda: np.array([model.train_on_batch(x, y)]))}
    if theirs := keras_model(side, weights):
        found["keras"] = peers.of_numpy(lambda: np.array([theirs.train_on_batch(x, y)]))
    if (module := torch_model(weights)) is not None:
        torch = peers.torch()
        px, py = peers.channels_last(x), peers.channels_last(y)
        optimizer = torch.optim.SGD(module.parameters(), lr=LEARNING_RATE)
        step = peers.torch_training(module, optimizer, torch.nn.functional.mse_loss)
        found["torch"] = peers.of_numpy(lambda: np.array([step(px, py)]))
    return found
