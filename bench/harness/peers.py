"""The same operations in other frameworks. A framework that is not installed is left out.

The arrays of each peer have the layout that suits it best and are prepared before the timing starts: channels last for
TensorFlow, LiteRT and torch, channels first for ONNX Runtime and OpenVINO. day33 works on plain NumPy arrays.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from harness import THREADS
from harness.arrays import Array
from harness.race import Participant


def tensorflow() -> Any:
    """The module with its threads set, or None."""
    try:
        import tensorflow as tf
    except ImportError:
        return None
    try:
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    except RuntimeError:  # TensorFlow is running already, so the threads have been set before
        assert tf.config.threading.get_intra_op_parallelism_threads() == THREADS
    return tf


def torch() -> Any:
    """The module with its threads set, or None."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(THREADS)
    return torch


def jax() -> Any:
    """The module, or None. The number of its threads is NPROC, which the import of `harness` sets."""
    try:
        import jax
    except ImportError:
        return None
    return jax


def compiled(function: Any) -> Any:
    """`torch.compile` of a function or module, or None where its C++ compiler is missing."""
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        return None
    return torch().compile(function)


def onnxruntime() -> Any:
    """The module, or None."""
    try:
        import onnxruntime
    except ImportError:
        return None
    return onnxruntime


def onnx_chain() -> OnnxChain | None:
    """An empty chain, or None where ONNX is not installed."""
    try:
        import onnx  # noqa: F401
    except ImportError:
        return None
    return OnnxChain()


class OnnxChain:
    """An ONNX graph in which each node takes the first result of the one before it; the first node takes "x"."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[str, Array] = {}
        self._value = "x"
        self._outputs: list[tuple[str, str]] = []

    def add(
        self, kind: str, *constants: Array | None, types: Sequence[str] = ("FLOAT",), **attributes: Any
    ) -> OnnxChain:
        """Appends a node.

        constants: its inputs after the first; None leaves one out. types: the types of its results.
        """
        import onnx

        number = len(self._nodes)
        inputs = [self._value]
        for index, constant in enumerate(constants):
            inputs.append("" if constant is None else f"constant{number}_{index}")
            if constant is not None:
                self._constants[inputs[-1]] = constant
        self._outputs = [(f"result{number}_{index}", kind_of) for index, kind_of in enumerate(types)]
        names = [name for name, _ in self._outputs]
        self._nodes.append(onnx.helper.make_node(kind, inputs, names, **attributes))
        self._value = names[0]
        return self

    def add_upsampling(self, interpolation: str = "nearest") -> OnnxChain:
        """Appends a node that doubles the sides, "nearest" or "bilinear" as in day33."""
        mode, transform = {"nearest": ("nearest", "asymmetric"), "bilinear": ("linear", "half_pixel")}[interpolation]
        scales = np.array([1, 1, 2, 2], np.float32)
        return self.add(
            "Resize", None, scales, mode=mode, coordinate_transformation_mode=transform, nearest_mode="floor"
        )

    def model(self, x_shape: Sequence[int]) -> bytes:
        """A file whose model returns the results of the last node, which are of rank 4."""
        import onnx

        value_info = onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(
            self._nodes,
            "bench",
            [value_info("x", onnx.TensorProto.FLOAT, x_shape)],
            [value_info(name, getattr(onnx.TensorProto, kind), list("nchw")) for name, kind in self._outputs],
            [onnx.numpy_helper.from_array(np.ascontiguousarray(c), name) for name, c in self._constants.items()],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


def torch_convolution(kernel: Array, bias: Array, *, transposed: bool = False, padding: int = 0) -> Any:
    """A torch layer of stride 1 with these weights.

    kernel: (KH, KW, C, O), or (KH, KW, O, C) if transposed, as in Keras.
    """
    module = torch()
    weight = module.from_numpy(kernel_first(kernel))
    make = module.nn.ConvTranspose2d if transposed else module.nn.Conv2d
    layer = make(kernel.shape[3 if transposed else 2], bias.size, tuple(kernel.shape[:2]), padding=padding)
    with module.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(module.from_numpy(bias))
    return layer


def torch_training(module: Any, optimizer: Any, loss_of: Callable[[Any, Any], Any]) -> Callable[[Any, Any], float]:
    """A function of inputs and targets that takes one training step and returns the loss before it."""

    def step(inputs: Any, targets: Any) -> float:
        optimizer.zero_grad()
        loss = loss_of(module(inputs), targets)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


# ---- layouts ----


def first(x: Array) -> Array:
    """(N, H, W, C) to (N, C, H, W)."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def last(x: Array) -> Array:
    """(N, C, H, W) to (N, H, W, C)."""
    return x.transpose(0, 2, 3, 1)


def kernel_first(kernel: Array) -> Array:
    """(KH, KW, C, O) to (O, C, KH, KW); a transposed kernel from (KH, KW, O, C) to (C, O, KH, KW)."""
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def channels_last(x: Array) -> Any:
    """An array (N, H, W, C) as a torch tensor (N, C, H, W) in channels_last format."""
    module = torch()
    return module.from_numpy(first(x)).to(memory_format=module.channels_last)


# ---- participants ----


def installed(participants: dict[str, Participant | None]) -> dict[str, Participant]:
    """Without those that are None, whose library is not installed."""
    return {name: participant for name, participant in participants.items() if participant is not None}


def of_numpy(run: Callable[[], Any]) -> Participant:
    return Participant(run, run)


def of_tensorflow(run: Callable[[], Any]) -> Participant:
    return Participant(run, lambda: run().numpy())


def of_litert(function: Callable[[Any], Any], x: Array) -> Participant | None:
    """A function of TensorFlow that was converted for LiteRT, which runs it with XNNPACK; None without LiteRT."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        return None
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    tf = tensorflow()
    traced = tf.function(function).get_concrete_function(tf.TensorSpec(x.shape, tf.float32))
    # A variable that is converted as one has no value: the results would be NaN.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(traced)])
    interpreter = Interpreter(model_content=converter.convert(), num_threads=THREADS)
    interpreter.allocate_tensors()
    (given,), (wanted,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(given["index"], x)

    def run() -> Any:
        interpreter.invoke()
        return interpreter.get_tensor(wanted["index"])

    return Participant(run, run)


def of_torch(run: Callable[[], Any]) -> Participant:
    """Runs without gradients. A result of rank 4 is taken to be (N, C, H, W)."""
    module = torch()

    def inference() -> Any:
        with module.inference_mode():
            return run()

    def answer() -> Array:
        result = inference().numpy()
        return last(result) if result.ndim == 4 else result

    return Participant(inference, answer)


def of_onnxruntime(chain: OnnxChain, x: Array, threads: int = THREADS) -> Participant | None:
    """x: images (N, H, W, C). The answer is the first result of the last node."""
    module = onnxruntime()
    if module is None:
        return None
    images, options = first(x), module.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = module.InferenceSession(chain.model(images.shape), options, providers=["CPUExecutionProvider"])

    def run() -> Any:
        return session.run(None, {"x": images})[0]

    return Participant(run, lambda: last(run()))


def of_openvino(chain: OnnxChain, x: Array, threads: int = THREADS) -> Participant | None:
    """The same with OpenVINO, which is told to keep to float32 where the processor has shorter floats."""
    try:
        import openvino
    except ImportError:
        return None
    images, core = first(x), openvino.Core()
    options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(core.read_model(chain.model(images.shape)), "CPU", options).create_infer_request()

    def run() -> Any:
        return request.infer({0: images}, share_inputs=True, share_outputs=True)[0]

    return Participant(run, lambda: last(run()).copy())


ONNX_RUNTIMES = {"onnxruntime": of_onnxruntime, "openvino": of_openvino}


def of_onnx(chain: OnnxChain, x: Array) -> dict[str, Participant]:
    """The participants that run ONNX graphs and are installed."""
    return installed({name: make(chain, x) for name, make in ONNX_RUNTIMES.items()})
