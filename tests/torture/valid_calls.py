"""Calls that work, of every public function, layer, loss, metric and method of models; `calls` makes them odd.

`tests/core/test_torture_calls.py` holds that each of these calls answers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from torture import valid_ops
from torture.valid_ops import Call, X, arrays


def _functions() -> dict[str, Call]:
    from day33 import activations, initializers, losses, metrics, text, utils

    found: dict[str, Call] = {}
    for name in activations.__all__:
        if name not in ("ActivationSpec", "deserialize", "get", "names", "serialize"):
            found[f"activations.{name}"] = getattr(activations, name), {"x": arrays(*X)}
    for name in ("deserialize", "get", "serialize"):
        function = getattr(activations, name)
        found[f"activations.{name}"] = function, {_first_parameter(function): "relu"}
    probabilities = np.abs(arrays(6, 4)) / 4
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
                given = {"y_true": y, "y_pred": predicted, "sample_weight": np.abs(arrays(6))}
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
        "utils.normalize": (utils.normalize, {"x": arrays(3, 4), "axis": -1, "order": 2}),
        "utils.pad_sequences": (utils.pad_sequences, {"sequences": rows, "maxlen": 4}),
        "utils.timeseries": (
            lambda **given: list(utils.timeseries_dataset_from_array(**given)),
            {"data": arrays(20, 2), "targets": np.arange(20), "sequence_length": 4, "batch_size": 8},
        ),
        "utils.split_dataset": (utils.split_dataset, {"dataset": arrays(20, 2), "left_size": 0.5}),
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
        "Embedding": (TOKENS, {"input_dim": 5, "output_dim": 3}),
        "ReversibleEmbedding": (TOKENS, {"input_dim": 5, "output_dim": 3, "logit_soft_cap": 2.0}),
        "LSTM": (STEPS, {"units": 2}),
        "GRU": (STEPS, {"units": 2}), "SimpleRNN": (STEPS, {"units": 2}),
        "Activation": (IMAGES, {"activation": "relu"}),
        "Reshape": (IMAGES, {"target_shape": (5, 18)}), "Permute": (IMAGES, {"dims": (2, 1, 3)}),
        "RepeatVector": ((6,), {"n": 3}), "Rescaling": (IMAGES, {"scale": 2.0}), "Masking": (STEPS, {}),
        "SpatialDropout1D": (STEPS, {"rate": 0.5}), "AveragePooling2D": (IMAGES, {"pool_size": 2}),
        "AveragePooling1D": (STEPS, {"pool_size": 2}), "UpSampling2D": (IMAGES, {"size": 2}),
        "DepthwiseConv1D": (STEPS, {"kernel_size": 2}),
        "GroupNormalization": (IMAGES, {"groups": 3}),
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
    return np.abs(arrays(3, *shape)) % 3 if shape == TOKENS else arrays(3, *shape)


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

    x, y = arrays(20, 6), arrays(20, 2)
    weight = np.abs(arrays(20))
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
    "functions of ops": valid_ops.of_arrays,
    "functions of ops in graphs and on tapes": valid_ops.in_graphs,
    "layers in models": _layers,
    "losses, metrics, activations, initializers, utilities": _functions,
    "methods of models, optimizers": _methods,
}
