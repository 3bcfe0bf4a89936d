"""The note's two auto-encoders in the other frameworks, with the weights of a day33 model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from harness import peers
from harness.arrays import Array

# For each convolution, its padding and what follows it: pooling, up-sampling or nothing.
LAYERS = {
    "upsampling": [("same", "pool")] * 3 + [("same", "up"), ("same", "up"), ("valid", "up"), ("same", "")],
    "transposed": [("valid", "pool"), ("valid", "pool"), ("valid", ""), ("same", "up"), ("same", "up"), ("valid", "up"),
                   ("same", "")],
}  # fmt: skip
ENCODER_LAYERS = 3


class Convolution(NamedTuple):
    """One of the 3x3 convolutions, with a ReLU or, if it is the final one, a sigmoid."""

    kernel: Any
    bias: Any
    padding: str
    then: str
    transposed: bool
    final: bool

    @property
    def border(self) -> int:
        """The pixels of padding on each side."""
        return 1 if self.padding == "same" else 0


def convolutions(kind: str, weights: list[Any]) -> Iterator[Convolution]:
    """weights: the kernel and the bias of each convolution in turn, as in the day33 model."""
    layers = LAYERS[kind]
    for index, (padding, then) in enumerate(layers):
        transposed = kind == "transposed" and index >= ENCODER_LAYERS
        final = index == len(layers) - 1
        yield Convolution(weights[2 * index], weights[2 * index + 1], padding, then, transposed, final)


def keras_model(kind: str, weights: list[Array], **compile_options: Any) -> Any:
    """Compiled as in the note, with the tutorial's learning rate of 1; None where Keras is not installed."""
    if peers.tensorflow() is None:
        return None
    import keras

    layers = keras.layers
    x = picture = keras.Input((28, 28, 1))
    for c in convolutions(kind, weights):
        make = layers.Conv2DTranspose if c.transposed else layers.Conv2D
        x = make(c.bias.size, 3, padding=c.padding, activation="sigmoid" if c.final else "relu")(x)
        if c.then == "pool":
            x = layers.MaxPooling2D(2, padding=c.padding)(x)
        elif c.then == "up":
            x = layers.UpSampling2D(2)(x)
    model = keras.Model(picture, x)
    model.set_weights(weights)
    model.compile(optimizer=keras.optimizers.Adadelta(1.0), loss="binary_crossentropy", **compile_options)
    return model


def torch_model(kind: str, weights: list[Array]) -> Any:
    """In channels_last format, without the final sigmoid, since the loss takes logits; None where torch is not
    installed.
    """
    torch = peers.torch()
    if torch is None:
        return None
    modules: list[Any] = []
    for c in convolutions(kind, weights):
        modules.append(peers.torch_convolution(c.kernel, c.bias, transposed=c.transposed, padding=c.border))
        if not c.final:
            modules.append(torch.nn.ReLU())
        if c.then == "pool":
            modules.append(torch.nn.MaxPool2d(2, ceil_mode=c.padding == "same"))
        elif c.then == "up":
            modules.append(torch.nn.Upsample(scale_factor=2))
    return torch.nn.Sequential(*modules).to(memory_format=torch.channels_last)


def onnx_model(kind: str, weights: list[Array]) -> peers.OnnxChain | None:
    """None where ONNX is not installed."""
    chain = peers.onnx_chain()
    if chain is None:
        return None
    for c in convolutions(kind, weights):
        operator = "ConvTranspose" if c.transposed else "Conv"
        chain.add(operator, peers.kernel_first(c.kernel), c.bias, pads=[c.border] * 4)
        chain.add("Sigmoid" if c.final else "Relu")
        if c.then == "pool":
            chain.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=int(c.padding == "same"))
        elif c.then == "up":
            chain.add_upsampling()
    return chain
