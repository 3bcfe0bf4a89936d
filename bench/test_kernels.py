"""Convolutions, compared with the same operations of other libraries: `python -m pytest bench/test_kernels.py`.

Pooling and dense layers are in `bench/test_kernels_*.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from day33 import _native, ops
from harness import peers
from harness.arrays import normal
from harness.limits import Work, floats
from harness.race import Participant


@dataclass(frozen=True)
class Convolution:
    batch: int
    image: tuple[int, int]
    kernel: int
    inputs: int
    outputs: int
    strides: int = 1
    padding: str = "same"
    transposed: bool = False

    def __str__(self) -> str:
        name = "transposed conv" if self.transposed else "conv"
        stride = f" stride {self.strides}" if self.strides > 1 else ""
        height, width = self.image
        return (
            f"{name} {self.kernel}x{self.kernel}{stride}, {self.inputs} to {self.outputs} on {height}x{width}, "
            f"batch {self.batch}"
        )

    def family(self) -> str:
        if self.transposed:
            return "transposed convolutions"
        return f"convolutions, {'small' if min(self.inputs, self.outputs) < 64 else 'large'} channels"

    def arrays(self) -> tuple[Any, Any, Any]:
        channels = (self.outputs, self.inputs) if self.transposed else (self.inputs, self.outputs)
        kernel = normal(self.kernel, self.kernel, *channels) / np.float32(np.sqrt(self.kernel**2 * self.inputs))
        return normal(self.batch, *self.image, self.inputs), kernel, normal(self.outputs)

    def results(self) -> tuple[int, int]:
        """The height and the width of the results."""

        def length(size: int) -> int:
            if self.transposed:
                return _native.conv_transpose_output_length(size, self.kernel, self.strides, 1, self.padding, None)
            return _native.conv_output_length(size, self.kernel, self.strides, 1, self.padding)

        return length(self.image[0]), length(self.image[1])

    def gigaflops(self) -> float:
        height, width = self.image if self.transposed else self.results()
        return 2e-9 * self.batch * height * width * self.kernel**2 * self.inputs * self.outputs

    def work(self, *, gradients: bool = False) -> Work:
        """Gradients take x, the kernel and dy, and give dx, dkernel and dbias."""
        x, y = (self.batch, *self.image, self.inputs), (self.batch, *self.results(), self.outputs)
        weights = floats((self.kernel, self.kernel, self.inputs, self.outputs), (self.outputs,))
        if gradients:
            return Work(2e9 * self.gigaflops(), floats(x, x, y) + 2 * weights)
        return Work(1e9 * self.gigaflops(), floats(x, y) + weights)

    def torch_borders(self) -> list[int]:
        """The padding on the left, right, top and bottom; torch has no "same" for strided convolutions."""
        if self.padding == "valid":
            return [0, 0, 0, 0]
        borders = []
        for size in reversed(self.image):
            total = max((-(-size // self.strides) - 1) * self.strides + self.kernel - size, 0)
            borders += [total // 2, total - total // 2]
        return borders


CONVOLUTIONS = [
    Convolution(8, (56, 56), 3, 64, 64),
    Convolution(8, (28, 28), 3, 128, 128),
    Convolution(8, (56, 56), 1, 64, 256),
    Convolution(8, (28, 28), 3, 128, 128, strides=2),
    Convolution(256, (28, 28), 3, 1, 16),
    Convolution(256, (14, 14), 3, 16, 8),
    Convolution(256, (28, 28), 3, 16, 1),
    Convolution(4, (1920, 1080), 5, 3, 16, strides=5, padding="valid"),
    Convolution(8, (28, 28), 3, 64, 32, strides=2, transposed=True),
    Convolution(8, (56, 56), 2, 64, 32, strides=2, padding="valid", transposed=True),
]
PARTICIPANTS = ("day33", "tensorflow", "torch", *peers.ONNX_RUNTIMES)


def convolution(w: Convolution) -> dict[str, Participant]:
    x, kernel, bias = w.arrays()
    function = ops.conv2d_transpose if w.transposed else ops.conv2d
    found = {"day33": peers.of_numpy(lambda: function(x, kernel, bias, strides=w.strides, padding=w.padding))}
    shape = found["day33"].answer().shape

    if tf := peers.tensorflow():
        tx, tk, tb = tf.constant(x), tf.constant(kernel), tf.constant(bias)
        padding = w.padding.upper()

        def theirs(images: Any) -> Any:
            if w.transposed:
                return tf.nn.bias_add(tf.nn.conv2d_transpose(images, tk, shape, w.strides, padding), tb)
            return tf.nn.bias_add(tf.nn.conv2d(images, tk, w.strides, padding), tb)

        found["tensorflow"] = peers.of_tensorflow(lambda: theirs(tx))
        if litert := peers.of_litert(theirs, x):
            found["litert"] = litert

    weights = peers.kernel_first(kernel)
    left, right, top, bottom = w.torch_borders()
    if torch := peers.torch():
        px, pk, pb = peers.channels_last(x), torch.from_numpy(weights), torch.from_numpy(bias)
        pk = pk.to(memory_format=torch.channels_last)
        functional = torch.nn.functional
        if w.transposed:
            # The size with "same" is strides * size; torch's is (size - 1) * strides + kernel - 2 * border + extra.
            border = max(w.kernel - w.strides, 0) // 2 if w.padding == "same" else 0
            extra = w.strides - w.kernel + 2 * border
            found["torch"] = peers.of_torch(
                lambda: functional.conv_transpose2d(px, pk, pb, w.strides, border, max(extra, 0))[
                    :, :, : shape[1], : shape[2]
                ]
            )
        elif left == right and top == bottom:
            found["torch"] = peers.of_torch(lambda: functional.conv2d(px, pk, pb, w.strides, (top, left)))
        else:
            found["torch"] = peers.of_torch(
                lambda: functional.conv2d(functional.pad(px, (left, right, top, bottom)), pk, pb, w.strides)
            )

    attributes: dict[str, Any] = {"strides": [w.strides] * 2}
    if w.transposed:
        cut = [(size - 1) * w.strides + w.kernel - of_y for size, of_y in zip(w.image, shape[1:3], strict=True)]
        attributes["pads"] = [*(size // 2 for size in cut), *(size - size // 2 for size in cut)]
    else:
        attributes["pads"] = [top, left, bottom, right]
    operator = "ConvTranspose" if w.transposed else "Conv"
    if chain := peers.onnx_chain():
        found |= peers.of_onnx(chain.add(operator, weights, bias, **attributes), x)
    return found


@pytest.mark.parametrize("participant", (*PARTICIPANTS, "litert"))
@pytest.mark.parametrize("workload", CONVOLUTIONS, ids=str)
def test_convolution(contest, workload, participant):
    contest(
        str(workload), participant, lambda: convolution(workload),
        unit="GFLOP", amount=workload.gigaflops(), family=workload.family(), work=workload.work(),
    )  # fmt: skip


# ---- gradients, without those that only infer ----


def convolution_gradients(w: Convolution) -> dict[str, Participant]:
    """dx, dkernel and dbias from dy."""
    x, kernel, bias = w.arrays()
    y = ops.conv2d(x, kernel, bias, strides=w.strides, padding=w.padding)
    dy = normal(*y.shape)

    def ours() -> Any:
        return ops.conv2d_backward(dy, x, kernel, bias, strides=w.strides, padding=w.padding)

    found = {"day33": Participant(ours, lambda: ours().dkernel)}
    if tf := peers.tensorflow():
        tx, tk, td, padding = tf.constant(x), tf.constant(kernel), tf.constant(dy), w.padding.upper()
        options = {"strides": (1, w.strides, w.strides, 1), "padding": padding}

        def theirs() -> Any:
            return (
                tf.raw_ops.Conv2DBackpropInput(input_sizes=x.shape, filter=tk, out_backprop=td, **options),
                tf.raw_ops.Conv2DBackpropFilter(input=tx, filter_sizes=kernel.shape, out_backprop=td, **options),
                tf.raw_ops.BiasAddGrad(out_backprop=td),
            )

        found["tensorflow"] = Participant(theirs, lambda: theirs()[1].numpy())
    if torch := peers.torch():
        px, pd = peers.channels_last(x), peers.channels_last(dy)
        pk = torch.from_numpy(peers.kernel_first(kernel)).to(memory_format=torch.channels_last)
        left, _, top, _ = w.torch_borders()

        def backward() -> Any:
            return torch.ops.aten.convolution_backward(
                pd, px, pk, [w.outputs], [w.strides] * 2, [top, left], [1, 1], False, [0, 0], 1, [True, True, True]
            )

        found["torch"] = Participant(backward, lambda: backward()[1].numpy().transpose(2, 3, 1, 0))
    return found


GRADIENTS = [CONVOLUTIONS[0], CONVOLUTIONS[1], CONVOLUTIONS[4], CONVOLUTIONS[5], CONVOLUTIONS[6]]


@pytest.mark.parametrize("participant", PARTICIPANTS[:3])
@pytest.mark.parametrize("workload", GRADIENTS, ids=str)
def test_convolution_gradients(contest, workload, participant):
    contest(
        f"gradients of {workload}", participant, lambda: convolution_gradients(workload),
        unit="GFLOP", amount=2 * workload.gigaflops(), family=f"{workload.family()}, gradients",
        work=workload.work(gradients=True),
    )  # fmt: skip


# ---- depthwise ----

DEPTHWISE = [(256, 28, 16), (8, 56, 128)]  # batch, side, channels


def depthwise(batch: int, side: int, channels: int) -> dict[str, Participant]:
    x, kernel, bias = normal(batch, side, side, channels), normal(3, 3, channels, 1), normal(channels)
    found = {"day33": peers.of_numpy(lambda: ops.depthwise_conv2d(x, kernel, bias, padding="same"))}
    if tf := peers.tensorflow():
        tx, tk, tb = tf.constant(x), tf.constant(kernel), tf.constant(bias)
        found["tensorflow"] = peers.of_tensorflow(
            lambda: tf.nn.bias_add(tf.nn.depthwise_conv2d(tx, tk, (1, 1, 1, 1), "SAME"), tb)
        )
    weights = np.ascontiguousarray(kernel.transpose(2, 3, 0, 1))
    if torch := peers.torch():
        px, pk, pb = peers.channels_last(x), torch.from_numpy(weights), torch.from_numpy(bias)
        found["torch"] = peers.of_torch(lambda: torch.nn.functional.conv2d(px, pk, pb, padding=1, groups=channels))
    if chain := peers.onnx_chain():
        found |= peers.of_onnx(chain.add("Conv", weights, bias, pads=[1] * 4, group=channels), x)
    return found


@pytest.mark.parametrize("participant", PARTICIPANTS)
@pytest.mark.parametrize("shape", DEPTHWISE, ids=lambda s: "-".join(map(str, s)))
def test_depthwise_convolution(contest, shape, participant):
    batch, side, channels = shape
    flops, x = 2 * 9 * batch * side**2 * channels, (batch, side, side, channels)
    contest(
        f"depthwise conv 3x3, {channels} channels on {side}x{side}, batch {batch}", participant,
        lambda: depthwise(*shape),
        unit="GFLOP", amount=1e-9 * flops, family="depthwise convolutions",
        work=Work(flops, floats(x, x, (10, channels))),
    )  # fmt: skip
