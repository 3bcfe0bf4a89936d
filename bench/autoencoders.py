"""The note's two auto-encoders in the other frameworks, with the weights of a day33 model."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness import peers

Array = np.ndarray[Any, np.dtype[Any]]
# What follows every convolution: activation, then pooling or up-sampling.
LAYERS = {
    "upsampling": [("same", "pool")] * 3 + [("same", "up"), ("same", "up"), ("valid", "up"), ("same", "")],
    "transposed": [("valid", "pool"), ("valid", "pool"), ("valid", ""), ("same", "up"), ("same", "up"), ("valid", "up"),
                   ("same", "")],
}  # fmt: skip
ENCODER_LAYERS = 3


def is_transposed(kind: str, index: int) -> bool:
    return kind == "transposed" and index >= ENCODER_LAYERS


def keras_model(kind: str, weights: list[Array], **compile_options: Any) -> Any:
    """Compiled as in the note, at the tutorial's learning rate of 1; None where Keras is not installed."""
    if peers.tensorflow() is None:
        return None
    import keras

    layers = keras.layers
    x = picture = keras.Input((28, 28, 1))
    for index, (padding, then) in enumerate(LAYERS[kind]):
        make = layers.Conv2DTranspose if is_transposed(kind, index) else layers.Conv2D
        final = index == len(LAYERS[kind]) - 1
        x = make(weights[2 * index + 1].size, 3, padding=padding, activation="sigmoid" if final else "relu")(x)
        if then == "pool":
            x = layers.MaxPooling2D(2, padding=padding)(x)
        elif then == "up":
            x = layers.UpSampling2D(2)(x)
    model = keras.Model(picture, x)
    model.set_weights(weights)
    model.compile(optimizer=keras.optimizers.Adadelta(1.0), loss="binary_crossentropy", **compile_options)
    return model


def torch_model(kind: str, weights: list[Array]) -> Any:
    """Without the final sigmoid (its loss takes logits), in channels_last format; None where torch is not installed."""
    torch = peers.torch()
    if torch is None:
        return None
    modules: list[Any] = []
    for index, (padding, then) in enumerate(LAYERS[kind]):
        # (KH, KW, in, out) becomes (out, in, KH, KW); transposed, (KH, KW, out, in) becomes (in, out, KH, KW).
        kernel = torch.from_numpy(np.ascontiguousarray(weights[2 * index].transpose(3, 2, 0, 1)))
        make = torch.nn.ConvTranspose2d if is_transposed(kind, index) else torch.nn.Conv2d
        outputs = weights[2 * index + 1].size
        inputs = kernel.shape[0] if is_transposed(kind, index) else kernel.shape[1]
        layer = make(inputs, outputs, 3, padding=1 if padding == "same" else 0)
        with torch.no_grad():
            layer.weight.copy_(kernel)
            layer.bias.copy_(torch.from_numpy(weights[2 * index + 1]))
        modules.append(layer)
        if index < len(LAYERS[kind]) - 1:
            modules.append(torch.nn.ReLU())
        if then == "pool":
            modules.append(torch.nn.MaxPool2d(2, ceil_mode=padding == "same"))
        elif then == "up":
            modules.append(torch.nn.Upsample(scale_factor=2))
    return torch.nn.Sequential(*modules).to(memory_format=torch.channels_last)


def onnx_model(kind: str, weights: list[Array], threads: int = peers.THREADS) -> Any:
    """A session, or None where ONNX Runtime is not installed."""
    if peers.onnx_node("Relu", ("x",)) is None:
        return None
    nodes, value = [], "x"
    constants: dict[str, Array] = {"scales": np.array([1, 1, 2, 2], np.float32)}
    for index, (padding, then) in enumerate(LAYERS[kind]):
        constants[f"w{index}"] = weights[2 * index].transpose(3, 2, 0, 1)
        constants[f"b{index}"] = weights[2 * index + 1]
        border = 1 if padding == "same" else 0
        operator = "ConvTranspose" if is_transposed(kind, index) else "Conv"
        nodes.append(peers.onnx_node(operator, (value, f"w{index}", f"b{index}"), (f"c{index}",), pads=[border] * 4))
        final = index == len(LAYERS[kind]) - 1
        nodes.append(peers.onnx_node("Sigmoid" if final else "Relu", (f"c{index}",), ("y" if final else f"a{index}",)))
        value = f"a{index}"
        if then == "pool":
            ceil = int(padding == "same")
            nodes.append(
                peers.onnx_node(
                    "MaxPool", (value,), (f"p{index}",), kernel_shape=[2, 2], strides=[2, 2], ceil_mode=ceil
                )
            )
            value = f"p{index}"
        elif then == "up":
            nodes.append(
                peers.onnx_node(
                    "Resize", (value, "", "scales"), (f"u{index}",), mode="nearest",
                    coordinate_transformation_mode="asymmetric", nearest_mode="floor",
                )
            )  # fmt: skip
            value = f"u{index}"
    return peers.onnx_session(nodes, ("N", 1, 28, 28), constants, threads=threads)
