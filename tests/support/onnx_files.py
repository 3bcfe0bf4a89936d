"""Models as ONNX files, run by ONNX Runtime beside `predict`."""

from __future__ import annotations

import numpy as np

from support.twins import as_list, assert_all_close

BATCHES = (1, 5)  # of which the exported file must know nothing


def run(path, inputs):
    """What ONNX Runtime computes: a list of arrays. `inputs`: by name, or in the order of the graph's inputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_inputs()]
    given = inputs if isinstance(inputs, dict) else dict(zip(names, inputs, strict=True))
    return session.run(None, given)


def samples_for(tensor, batch, seed=0):
    """Inputs that a model declares: normal numbers, or integers from 0 to 5."""
    rng = np.random.default_rng(seed)
    shape = (batch, *tensor.shape[1:])
    if tensor.dtype == "int32":
        return rng.integers(0, 6, shape).astype(np.int32)
    return rng.standard_normal(shape).astype(np.float32)


def shaken(model, seed=1):
    """The model with weights of which none is 0 or the same as another; variances stay above 0."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        values = rng.normal(0, 0.4, variable.shape).astype(np.float32)
        variable.assign(np.abs(values) + 0.5 if "variance" in variable.name else values)
    return model


def predicted(model, inputs):
    """What `predict` gives for a list of inputs, as a list."""
    return as_list(model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0))


def assert_exports(model, path, bound=1e-5, inputs=None, **options):
    """Exports a model; in ONNX Runtime the file gives what `predict` gives, for batches of several sizes."""
    model.export(path, **options)
    for batch in BATCHES:
        given = [samples_for(tensor, batch, n) for n, tensor in enumerate(model.inputs)] if inputs is None else inputs
        found = run(path, given)
        expected = predicted(model, given)
        for mine, theirs in zip(found, expected, strict=True):
            assert mine.dtype == theirs.dtype
        assert_all_close(found, expected, bound)
