"""Calls that work, of every public function, layer, loss, metric and method of models; `calls` makes them odd.

A function is called with what its parameters are named after (`x1`, `axes`, `shape`), unless a table says otherwise.
`tests/core/test_torture_calls.py` holds that each of these calls answers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np

_OF_SQUARES = ("cholesky", "cholesky_inverse", "det", "eigh", "inv", "logdet", "qr", "slogdet", "svd")
Call = tuple[Callable[..., Any], dict[str, Any]]
X, SMALL = (2, 6, 5, 3), (2, 3, 2, 3)


def _arrays(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), np.float32)


def _named() -> dict[str, Any]:
    """A value for each name that a required parameter of `day33.ops` or `day33.random` has."""
    x = _arrays(*X)
    return {
        "x": x, "x1": x, "x2": _arrays(*X, seed=1), "xs": [x, x], "inputs": x, "a": x, "array": x, "images": x,
        "variable": x, "condition": x > 0, "dy": x, "target": np.abs(x), "output": np.abs(x) / 4, "logits": x[0, 0],
        "axis": 1, "axes": (1, 2), "axis1": 1, "axis2": 2, "source": 1, "destination": 2, "shift": 1, "repeats": 2,
        "k": 2, "N": 3, "n": 3, "num_classes": 4, "num_samples": 4, "indices_or_sections": 3, "shape": (2, 3),
        "newshape": (2, 90), "pad_width": ((0, 0), (1, 1), (0, 2), (0, 0)), "indices": np.array([1, 0, 1]),
        "key": (0, slice(1, 3)), "dtype": "int32", "x_min": -1.0, "x_max": 1.0, "fill_value": 2.0, "start": 1.0,
        "stop": 4.0, "threshold": 0.5, "default_value": 0.0, "max_val": 1.0, "pool_size": 2,
        "kernel": _arrays(3, 3, 3, 4), "mean": _arrays(3), "variance": np.abs(_arrays(3)), "alpha": 2.0,
        "beta": 3.0, "counts": 5, "probabilities": 0.5, "minval": 0, "maxval": 9, "rate": 0.5, "size": (4, 7),
        "seed": 5, "state": {},
    }  # fmt: skip


def _given() -> dict[str, dict[str, Any]]:
    """The arguments of functions of `day33.ops` whose parameters' names do not say what they take."""
    x, kernel = _arrays(*X), _arrays(3, 3, 3, 4, seed=1)
    indices = np.arange(36).reshape(SMALL) % 60
    definite = np.eye(3, dtype=np.float32) * 2 + 1
    return {
        "conv2d": {"x": x, "kernel": kernel, "bias": _arrays(4), "strides": 1, "padding": "same"},
        "conv2d_backward": {"dy": _arrays(2, 4, 3, 4), "x": x, "kernel": kernel, "bias": _arrays(4)},
        "conv2d_transpose": {"x": x, "kernel": _arrays(3, 3, 4, 3), "bias": _arrays(4), "strides": 2},
        "conv2d_transpose_backward": {"dy": _arrays(2, 8, 7, 4), "x": x, "kernel": _arrays(3, 3, 4, 3)},
        "conv_transpose": {"inputs": x, "kernel": _arrays(3, 3, 4, 3), "strides": 2},
        "depthwise_conv": {"inputs": x, "kernel": _arrays(3, 3, 3, 2)},
        "depthwise_conv2d": {"x": x, "kernel": _arrays(3, 3, 3, 2), "bias": _arrays(6)},
        "depthwise_conv2d_backward": {"dy": _arrays(2, 4, 3, 6), "x": x, "kernel": _arrays(3, 3, 3, 2)},
        "separable_conv": {
            "inputs": x, "depthwise_kernel": _arrays(3, 3, 3, 2), "pointwise_kernel": _arrays(1, 1, 6, 4)
        },
        "conv2d_matrix": {"kernel": kernel, "input_shape": (6, 5, 3)},
        "dense": {"x": x, "kernel": _arrays(3, 7), "bias": _arrays(7)},
        "dense_backward": {"dy": _arrays(2, 6, 5, 7), "x": x, "kernel": _arrays(3, 7), "bias": _arrays(7)},
        "layer_norm": {"x": x, "gamma": _arrays(3), "beta": _arrays(3)},
        "layer_norm_backward": {"dy": x, "x": x, "gamma": _arrays(3), "beta": _arrays(3)},
        "max_pool2d": {"x": x, "pool_size": 2}, "avg_pool2d": {"x": x, "pool_size": 2},
        "max_pool2d_backward": {"dy": _arrays(*SMALL), "x": x}, "avg_pool2d_backward": {"dy": _arrays(*SMALL), "x": x},
        "max_pool2d_with_indices": {"x": x, "pool_size": 2},
        "max_unpool2d": {"x": _arrays(*SMALL), "indices": indices, "output_shape": (6, 5)},
        "max_unpool2d_backward": {"dy": x, "x": _arrays(*SMALL), "indices": indices, "output_shape": (6, 5)},
        "up_sampling2d": {"x": x, "size": 2}, "up_sampling2d_backward": {"dy": _arrays(2, 12, 10, 3), "x": x},
        "batch_normalization": {"x": x, "mean": _arrays(3), "variance": np.abs(_arrays(3)), "axis": -1},
        "einsum": {"subscripts": "bhwc,cd->bhwd", "operands": [x, _arrays(3, 4)]},
        "glu": {"x": x, "axis": 1}, "matmul": {"x1": x, "x2": _arrays(3, 4)}, "dot": {"x1": x, "x2": _arrays(3, 4)},
        "tensordot": {"x1": x, "x2": _arrays(3, 4), "axes": 1}, "squeeze": {"x": x[:, :1], "axis": 1},
        "broadcast_to": {"x": x[:1], "shape": X}, "meshgrid": {"x": [np.arange(3), np.arange(4)]},
        "stack": {"x": [x, x]}, "reshape": {"x": x, "newshape": (-1, 18, 5)}, "unstack": {"x": x, "axis": 1},
        **{name: {"x": x, "indices_or_sections": 3, "axis": 1} for name in ("split", "array_split")},
        **{name: {"x": x, "axis1": 1, "axis2": 2} for name in ("diagonal", "trace")},
        "vdot": {"x1": x, "x2": np.ones(180, np.float32)}, "expand_dims": {"x": x, "axis": 1},
        "outer": {"x1": _arrays(4), "x2": _arrays(3)},
        "slice": {"inputs": x, "start_indices": (0, 1, 1, 0), "shape": (2, 2, 2, 3)}, "tile": {"x": x, "repeats": 2},
        "take_along_axis": {"x": x, "indices": np.zeros((2, 1, 5, 3), int), "axis": 1},
        "one_hot": {"x": np.arange(4), "num_classes": 4},
        "multi_hot": {"inputs": np.eye(4, dtype=int), "num_classes": 4},
        "sparse_categorical_crossentropy": {"target": np.arange(3), "output": np.full((3, 4), 0.25, np.float32)},
        "affine_transform": {"images": x, "transform": np.array([1, 0, 1, 0, 1, -1, 0, 0], np.float32)},
        "crop_images": {
            "images": x, "top_cropping": 1, "left_cropping": 1, "target_height": 3, "target_width": 3
        },
        "pad_images": {"images": x, "top_padding": 1, "left_padding": 1, "target_height": 9, "target_width": 9},
        "dropout": {"inputs": x, "rate": 0.5},
        **{name: {"a": definite, "b": _arrays(3, 2)} for name in ("lstsq", "solve", "solve_triangular")},
        **{name: {"x": definite} for name in _OF_SQUARES},
    }  # fmt: skip


def _by_position(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with its starred parameter given as a list by name."""
    signature = inspect.signature(function)
    starred = [p.name for p in signature.parameters.values() if p.kind is inspect.Parameter.VAR_POSITIONAL]
    if not starred:
        return function
    before = list(signature.parameters)[: list(signature.parameters).index(starred[0])]

    def call(**given: Any) -> Any:
        first = [given.pop(name) for name in before]
        return function(*first, *given.pop(starred[0]), **given)

    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _public(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions of a module and of the modules in it, by their names."""
    for name in getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")]):
        value = getattr(module, name)
        if inspect.ismodule(value):
            yield from _public(value)
        elif callable(value) and not inspect.isclass(value):
            yield name, value


def _calls(module: ModuleType, prefix: str) -> dict[str, Call]:
    named, given = _named(), _given()
    found: dict[str, Call] = {}
    for name, function in _public(module):
        parameters = inspect.signature(function).parameters.values()
        required = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        arguments = given.get(name) or {parameter: named[parameter] for parameter in required}
        found[f"{prefix}.{name}"] = _by_position(function), arguments
    return found


def _ops() -> dict[str, Call]:
    from day33 import ops

    return _calls(ops, "ops")


# Those that look at an array in Python, that take arrays by their definition, that are refused in graphs, or whose
# other arguments fit batches of one size.
_ON_ARRAYS_ONLY = {
    "argsort", "avg_pool2d", "conv2d", "conv2d_matrix", "conv2d_transpose", "convert_to_numpy", "dense",
    "depthwise_conv2d", "get_state", "is_tensor", "layer_norm", "max_pool2d", "max_unpool2d", "ndim", "next_seed",
    "set_random_seed", "set_state", "shape", "shuffle", "size", "sort", "sparse_categorical_crossentropy", "top_k",
    "up_sampling2d", "vdot", "lstsq", "matrix_rank", "pinv", "solve", "solve_triangular", *_OF_SQUARES,
}  # fmt: skip


def _in_graphs() -> dict[str, Call]:
    """The functions of ops and random on symbolic tensors, in a model that predicts, and on a tape."""
    from day33 import ops, random

    functions = _calls(ops, "ops") | _calls(random, "random")
    return {
        name: (_traced(function, given), given)
        for name, (function, given) in functions.items()
        if name.partition(".")[2] not in _ON_ARRAYS_ONLY and not name.endswith("_backward")
    }


def _traced(function: Callable[..., Any], valid: Mapping[str, Any]) -> Callable[..., Any]:
    import day33
    from day33 import layers, models

    first = next((name for name, value in valid.items() if isinstance(value, np.ndarray)), None)

    def call(**given: Any) -> Any:
        value = given.get(first) if first else None
        if not isinstance(value, np.ndarray) or value.ndim == 0:
            return function(**given)
        inputs = layers.Input(value.shape[1:], dtype=str(value.dtype))
        outputs = function(**(given | {str(first): inputs}))
        with day33.GradientTape() as tape:
            tape.watch(tensor := day33.Variable(value))
            result = function(**(given | {str(first): tensor}))
        tape.gradient(result, tensor)
        return models.Model(inputs, outputs).predict(value, verbose=0)

    call.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return call


def _functions() -> dict[str, Call]:
    from day33 import activations, initializers, losses, metrics, text, utils

    found: dict[str, Call] = {}
    for name in activations.__all__:
        if name not in ("ActivationSpec", "get", "names"):
            found[f"activations.{name}"] = getattr(activations, name), {"x": _arrays(*X)}
    found["activations.get"] = activations.get, {"identifier": "relu"}
    probabilities = np.abs(_arrays(6, 4)) / 4
    hot, sparse = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0, 1]], np.array([0, 1, 2, 3, 0, 1])
    options: dict[str, dict[str, Any]] = {
        **{name: {"num_classes": 4, "target_class_ids": [0, 2]} for name in ("IoU", "OneHotIoU")},
        **{name: {"num_classes": 4} for name in ("MeanIoU", "OneHotMeanIoU")},
        "PrecisionAtRecall": {"recall": 0.5}, "RecallAtPrecision": {"precision": 0.5},
        "SensitivityAtSpecificity": {"specificity": 0.5}, "SpecificityAtSensitivity": {"sensitivity": 0.5},
        "LossFunctionWrapper": {"fn": losses.mean_squared_error},
        "MeanMetricWrapper": {"fn": losses.mean_squared_error},
    }  # fmt: skip
    for module in (losses, metrics):
        short = module.__name__.rpartition(".")[2]
        for name in module.__all__:
            value = getattr(module, name)
            lower = name.lower().replace("_", "")
            y = sparse if lower.startswith(("sparse", "categoricalgeneralized", "iou", "meaniou")) else hot
            predicted = sparse if lower in ("iou", "meaniou") else probabilities
            if name in ("get", "deserialize"):
                found[f"{short}.{name}"] = value, {_first_parameter(value): "mse"}
            elif name == "serialize":
                found[f"{short}.serialize"] = value, {_first_parameter(value): losses.MeanSquaredError()}
            elif not inspect.isclass(value):
                found[f"{short}.{name}"] = value, {"y_true": y, "y_pred": predicted}
            elif name in ("Mean", "Sum"):
                found[f"{short}.{name}"] = _called(value), {"values": probabilities}
            elif name not in ("Loss", "Metric"):
                given = {"y_true": y, "y_pred": predicted, "sample_weight": np.abs(_arrays(6))}
                found[f"{short}.{name}"] = _called(value), given | options.get(name, {})
    for name in initializers.__all__:
        value = getattr(initializers, name)
        if inspect.isclass(value) and name not in ("Initializer",):
            square = name.startswith(("Identity", "STFT"))
            found[f"initializers.{name}"] = _called(value), {"shape": (3, 3) if square else (3, 3, 2, 4)}
    found["initializers.get"] = initializers.get, {"identifier": "zeros"}
    rows = [[1, 2, 3], [4], []]
    found |= {
        "utils.to_categorical": (utils.to_categorical, {"x": sparse, "num_classes": 4}),
        "utils.normalize": (utils.normalize, {"x": _arrays(3, 4), "axis": -1, "order": 2}),
        "utils.pad_sequences": (utils.pad_sequences, {"sequences": rows, "maxlen": 4}),
        "utils.timeseries": (
            lambda **given: list(utils.timeseries_dataset_from_array(**given)),
            {"data": _arrays(20, 2), "targets": np.arange(20), "sequence_length": 4, "batch_size": 8},
        ),
        "utils.split_dataset": (utils.split_dataset, {"dataset": _arrays(20, 2), "left_size": 0.5}),
        "text.preprocess_sentence": (text.preprocess_sentence, {"sentence": "Hello, world!"}),
        "text.text_to_word_sequence": (text.text_to_word_sequence, {"input_text": "Hello, world!"}),
        "text.make_dataset": (text.make_dataset, {"sequences": [[1, 2, 3], [1, 4, 3]], "maxlen": 4}),
        "text.split_sentences": (text.split_sentences, {"sentences": ["a b", "c d", "e"], "validation_fraction": 0.4}),
        "text.Tokenizer": (_tokenized, {"num_words": 5, "texts": ["a b c", "a b"]}),
    }  # fmt: skip
    return found


def _first_parameter(function: Callable[..., Any]) -> str:
    return next(iter(inspect.signature(function).parameters))


def _called(kind: Callable[..., Any]) -> Callable[..., Any]:
    """Makes an object with the arguments that its class has, and calls it with the others."""
    own = set(inspect.signature(kind).parameters)

    def call(**given: Any) -> Any:
        made = kind(**{name: value for name, value in given.items() if name in own})
        return made(**{name: value for name, value in given.items() if name not in own})

    call.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]
    return call


def _tokenized(texts: Any = (), **given: Any) -> Any:
    from day33.text import Tokenizer

    made = Tokenizer(**given)
    made.fit_on_texts(texts)
    return made.texts_to_matrix(texts, "tfidf") if given.get("num_words") else made.texts_to_sequences(texts)


IMAGES, STEPS, TOKENS = (6, 5, 3), (4, 3), (4,)


def _layers() -> dict[str, Call]:
    from day33 import layers

    given: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
        "Dense": (IMAGES, {"units": 2}), "Conv2D": (IMAGES, {"filters": 2, "kernel_size": 3}),
        "Conv2DTranspose": (IMAGES, {"filters": 2, "kernel_size": 3}), "Dropout": (IMAGES, {"rate": 0.5}),
        "DepthwiseConv2D": (IMAGES, {"kernel_size": 3}), "SeparableConv2D": (IMAGES, {"filters": 2, "kernel_size": 3}),
        "Embedding": (TOKENS, {"input_dim": 5, "output_dim": 3}), "LSTM": (STEPS, {"units": 2}),
        "GRU": (STEPS, {"units": 2}), "SimpleRNN": (STEPS, {"units": 2}),
        "Activation": (IMAGES, {"activation": "relu"}),
        "Reshape": (IMAGES, {"target_shape": (5, 18)}), "Permute": (IMAGES, {"dims": (2, 1, 3)}),
        "RepeatVector": ((6,), {"n": 3}), "Rescaling": (IMAGES, {"scale": 2.0}), "Masking": (STEPS, {}),
        "SpatialDropout1D": (STEPS, {"rate": 0.5}), "AveragePooling2D": (IMAGES, {"pool_size": 2}),
        "AveragePooling1D": (STEPS, {"pool_size": 2}), "UpSampling2D": (IMAGES, {"size": 2}),
        "DepthwiseConv1D": (STEPS, {"kernel_size": 2}),
        "GaussianNoise": (IMAGES, {"stddev": 0.5}),
        **{name: (IMAGES, {"height": 3, "width": 4}) for name in ("CenterCrop", "RandomCrop", "Resizing")},
        **{name: (IMAGES, {"factor": 0.2}) for name in ("RandomBrightness", "RandomContrast", "RandomRotation")},
        "RandomFlip": (IMAGES, {}), "RandomZoom": (IMAGES, {"height_factor": 0.2}),
        "RandomTranslation": (IMAGES, {"height_factor": 0.2, "width_factor": 0.2}),
        **{name: (IMAGES, {"rate": 0.5}) for name in ("GaussianDropout", "AlphaDropout", "SpatialDropout2D")},
        "RNN": (STEPS, {"cell": layers.LSTMCell(2)}),
        "Conv1D": (STEPS, {"filters": 2, "kernel_size": 2}),
        "Conv1DTranspose": (STEPS, {"filters": 2, "kernel_size": 2}),
        "SeparableConv1D": (STEPS, {"filters": 2, "kernel_size": 2}),
        "CategoryEncoding": (TOKENS, {"num_tokens": 4}), "Discretization": (IMAGES, {"bin_boundaries": [0.0, 1.0]}),
        "IntegerLookup": (TOKENS, {"vocabulary": [1, 2, 5]}), "Hashing": (STEPS, {"num_bins": 5}),
        "StringLookup": (STEPS, {"vocabulary": ["a", "b"]}),
        "TextVectorization": (STEPS, {"vocabulary": ["a", "b"], "output_sequence_length": 3}),
    }  # fmt: skip
    found: dict[str, Call] = {}
    for name in layers.__all__:
        kind = getattr(layers, name)
        if not inspect.isclass(kind) or name in _NOT_ALONE:
            continue
        if kind.__name__ != name:  # another name
            continue
        shape, arguments = given.get(name, (STEPS if "1D" in name else IMAGES, {}))
        if name in _OF_STRINGS:
            found[f"layers.{name}"] = _on_strings(kind), {"x": [["a b"], ["b"], ["c"]], **arguments}
            continue
        if name in ("Bidirectional", "TimeDistributed"):
            arguments = {"layer": None}
            shape = STEPS
        found[f"layers.{name}"] = _in_a_model(kind, shape, name), {"x": _inputs(shape), **arguments}
    return found


# Of other layers, of functions, or of what other layers find.
_NOT_ALONE = {
    "Dot", "GRUCell", "InputLayer", "LSTMCell", "Lambda", "Layer", "MaxUnpooling2D", "SimpleRNNCell", "StackedRNNCells",
}  # fmt: skip
_OF_STRINGS = {"Hashing", "StringLookup", "TextVectorization"}


def _on_strings(kind: Any) -> Callable[..., Any]:
    def call(x: Any, **given: Any) -> Any:
        return kind(**given)(x)

    call.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]
    return call


def _inputs(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.abs(_arrays(3, *shape)) % 3 if shape == TOKENS else _arrays(3, *shape)


def _in_a_model(kind: Any, shape: tuple[int, ...], name: str) -> Callable[..., Any]:
    """The layer in a model that predicts and takes a step of training."""
    from day33 import layers, models

    def call(x: Any, **given: Any) -> Any:
        if name in ("Bidirectional", "TimeDistributed") and given.get("layer", "absent") is None:
            given["layer"] = layers.LSTM(2) if name == "Bidirectional" else layers.Dense(2)
        layer = kind(**given)
        inputs = layers.Input(shape, dtype="int32" if shape == TOKENS else "float32")
        outputs = layer([inputs, inputs]) if name in _MERGING else layer(inputs)
        model = models.Model(inputs, outputs)
        y = model.predict(x, verbose=0)
        model.compile("sgd", "mse")
        model.train_on_batch(x, np.zeros(np.shape(y), np.float32))
        return y

    call.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]
    return call


_MERGING = {"Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"}


def _methods() -> dict[str, Call]:
    import day33
    from day33 import layers, optimizers

    def model() -> Any:
        made = day33.Sequential([layers.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(2)])
        made.compile("adam", "mse", metrics=["mae"])
        return made

    def method(name: str) -> Callable[..., Any]:
        def call(**given: Any) -> Any:
            return getattr(model(), name)(**given)

        call.__signature__ = inspect.signature(getattr(model(), name))  # type: ignore[attr-defined]
        return call

    def optimized(kind: Any) -> Callable[..., Any]:
        def call(**given: Any) -> Any:
            made = model()
            made.compile(kind(**given), "mse")
            return made.train_on_batch(x, y)

        call.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]
        return call

    x, y = _arrays(20, 6), _arrays(20, 2)
    weight = np.abs(_arrays(20))
    samples = {"x": x, "y": y, "batch_size": 8, "verbose": 0, "sample_weight": weight}
    found: dict[str, Call] = {
        "Model.fit": (method("fit"), {**samples, "epochs": 1}),
        "Model.evaluate": (method("evaluate"), samples),
        "Model.predict": (method("predict"), {"x": x, "batch_size": 8, "verbose": 0}),
        "Model.train_on_batch": (method("train_on_batch"), {"x": x, "y": y, "sample_weight": weight}),
        "Model.test_on_batch": (method("test_on_batch"), {"x": x, "y": y}),
        "Model.predict_on_batch": (method("predict_on_batch"), {"x": x}),
        "Model.compile": (method("compile"), {"optimizer": "sgd", "loss": "mse"}),
        "Model.set_weights": (method("set_weights"), {"weights": model().get_weights()}),
        "Model.__call__": (lambda inputs, **given: model()(inputs, **given), {"inputs": x}),
    }  # fmt: skip
    for name in optimizers.__all__:
        kind = getattr(optimizers, name)
        if inspect.isclass(kind) and issubclass(kind, optimizers.Optimizer) and kind is not optimizers.Optimizer:
            found[f"optimizers.{name}"] = optimized(kind), {"learning_rate": 0.1}
    return found


GROUPS: dict[str, Callable[[], dict[str, Call]]] = {
    "functions of ops": _ops,
    "functions of ops in graphs and on tapes": _in_graphs,
    "layers in models": _layers,
    "losses, metrics, activations, initializers, utilities": _functions,
    "methods of models, optimizers": _methods,
}
