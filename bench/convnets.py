"""A small convolutional classifier of square colour images of any side, here and in the other frameworks.

Three 3x3 convolutions (16, 32, 32 channels, relu), the first two with 2x2 max pooling, the global mean, and a 1x1
convolution to ten classes. Results are (N, 1, 1, 10); training minimises the mean squared error by plain SGD.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness import peers
from harness.race import Participant

Array = np.ndarray[Any, np.dtype[Any]]
CHANNELS, CLASSES, LEARNING_RATE = (16, 32, 32), 10, 0.01
POOLED = (0, 1)  # the convolutions that are followed by pooling


def keras_like(layers: Any, sequential: Any, side: int) -> Any:
    """The model in day33's or Keras's own layers."""
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
    for index in range(len(CHANNELS) + 1):
        kernel = torch.from_numpy(np.ascontiguousarray(weights[2 * index].transpose(3, 2, 0, 1)))
        if index == len(CHANNELS):
            modules.append(torch.nn.AdaptiveAvgPool2d(1))
        layer = torch.nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2], padding=kernel.shape[2] // 2)
        with torch.no_grad():
            layer.weight.copy_(kernel)
            layer.bias.copy_(torch.from_numpy(weights[2 * index + 1]))
        modules.append(layer)
        if index < len(CHANNELS):
            modules.append(torch.nn.ReLU())
        if index in POOLED:
            modules.append(torch.nn.MaxPool2d(2))
    return torch.nn.Sequential(*modules).to(memory_format=torch.channels_last)


def onnx_model(side: int, weights: list[Array]) -> Any:
    """A session, or None where ONNX Runtime is not installed."""
    if peers.onnx_node("Relu", ("x",)) is None:
        return None
    nodes, value = [], "x"
    constants: dict[str, Array] = {}
    for index in range(len(CHANNELS) + 1):
        last = index == len(CHANNELS)
        constants[f"w{index}"] = weights[2 * index].transpose(3, 2, 0, 1)
        constants[f"b{index}"] = weights[2 * index + 1]
        if last:
            nodes.append(peers.onnx_node("GlobalAveragePool", (value,), ("mean",)))
            value = "mean"
        result, border = "y" if last else f"c{index}", 0 if last else 1
        nodes.append(peers.onnx_node("Conv", (value, f"w{index}", f"b{index}"), (result,), pads=[border] * 4))
        if not last:
            nodes.append(peers.onnx_node("Relu", (result,), (f"a{index}",)))
            value = f"a{index}"
        if index in POOLED:
            nodes.append(peers.onnx_node("MaxPool", (value,), (f"p{index}",), kernel_shape=[2, 2], strides=[2, 2]))
            value = f"p{index}"
    return peers.onnx_session(nodes, ("N", 3, side, side), constants)


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
    if session := onnx_model(side, weights):
        found["onnxruntime"] = peers.of_onnx(session, peers.first(x))
    return found


def training(side: int, batch: int) -> dict[str, Participant]:
    """A step. The answer is its loss."""
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

        def step() -> Any:
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(module(px), py)
            loss.backward()
            optimizer.step()
            return np.array([loss.item()])

        found["torch"] = peers.of_numpy(step)
    return found
