"""The same operations in other frameworks. Whoever is not installed is left out.

Every peer gets its arrays in the layout it likes best, prepared before the clock starts: channels last for TensorFlow
and torch, channels first for ONNX Runtime. day33 works on plain NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from harness import THREADS
from harness.race import Participant

Array = np.ndarray[Any, np.dtype[Any]]


def tensorflow() -> Any:
    """The module with its threads set, or None."""
    try:
        import tensorflow as tf
    except ImportError:
        return None
    try:
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    except RuntimeError:  # it has started; then the threads have been set before
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
    """The module, or None. Its threads are those of NPROC, which is set before it is imported."""
    try:
        import jax
    except ImportError:
        return None
    return jax


def onnx_session(nodes: Sequence[Any], x_shape: Sequence[int | str], constants: dict[str, Array],
                 outputs: Sequence[tuple[str, str]] = (("y", "FLOAT"),), threads: int = THREADS) -> Any:  # fmt: skip
    """A session that runs `nodes` on an input "x", or None. outputs: names and types, of rank 4."""
    try:
        import onnx
        import onnxruntime
    except ImportError:
        return None
    value_info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "bench",
        [value_info("x", onnx.TensorProto.FLOAT, x_shape)],
        [value_info(name, getattr(onnx.TensorProto, kind), list("nchw")) for name, kind in outputs],
        [onnx.numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def onnx_node(kind: str, inputs: Sequence[str], outputs: Sequence[str] = ("y",), **attributes: Any) -> Any:
    """A node of a graph, or None where onnx is not installed."""
    try:
        import onnx
    except ImportError:
        return None
    return onnx.helper.make_node(kind, list(inputs), list(outputs), **attributes)


def first(x: Array) -> Array:
    """(N, H, W, C) to (N, C, H, W)."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def last(x: Array) -> Array:
    """(N, C, H, W) to (N, H, W, C)."""
    return x.transpose(0, 2, 3, 1)


def of_numpy(run: Callable[[], Any]) -> Participant:
    return Participant(run, run)


def of_tensorflow(run: Callable[[], Any]) -> Participant:
    return Participant(run, lambda: run().numpy())


def of_torch(run: Callable[[], Any]) -> Participant:
    """For a function of images in channels_last format, without gradients."""
    module = torch()

    def inference() -> Any:
        with module.inference_mode():
            return run()

    return Participant(inference, lambda: last(inference().numpy()))


def of_onnx(session: Any, x: Array) -> Participant:
    def run() -> Any:
        return session.run(None, {"x": x})[0]

    return Participant(run, lambda: last(run()))


def channels_last(x: Array) -> Any:
    """An NHWC array as a torch tensor (N, C, H, W) in channels_last format."""
    module = torch()
    return module.from_numpy(first(x)).to(memory_format=module.channels_last)
