"""Odd calls: every public function, layer, loss, metric and method of models with arguments that nobody means.

Each call returns, or raises an error that says what is wrong: never a crash, a hang, or an error from the inside.
"""

from __future__ import annotations

import inspect
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from torture.children import Tally, run_jobs

_SECONDS = 10.0
_MEGABYTES = 3072
_ADDRESS_SPACE = 4096
# MemoryError: a result of gigabytes that was asked for.
_DOCUMENTED = (TypeError, ValueError, MemoryError, NotImplementedError)

_ODD: list[Any] = [
    0, -1, 1, 2, 3, 7, 300_000_000, 2**31 - 1, 2**31, 2**32 + 1, 2**40, 2**63, -(2**63), 10**30, 0.5, -0.5, 1e-300,
    1e308, float("nan"), float("inf"), -float("inf"), 1j, None, True, "", "x", "relu", "same", b"x", [], (), {}, [[]],
    (1, 2), (1, 2, 3), (0, 0), (-1, 2), (2**31, 1), ((1, 2), (0, 1)), [None], {"a": 1}, np.int8(2), np.uint64(2**63),
    np.float16(0.5), np.array(2), np.array([2, 2]), np.array([]), object(), len, np.float32, slice(1), "\0", "é" * 100,
]  # fmt: skip


def _odd_array(rng: random.Random, array: np.ndarray[Any, Any]) -> Any:
    """`array` in another form, of another shape, with other values, or something else."""
    change = rng.randrange(24)
    dtypes = ["f2", "f8", ">f4", ">f8", "i1", "u1", "i4", "i8", "u8", "?", "f16", "c8", "U", "O", "S"]
    with np.errstate(all="ignore"):
        if change < 3:
            return array.astype(rng.choice(dtypes))
        if change == 3:
            return np.flip(array)
        if change == 4:
            return np.asfortranarray(array)
        if change == 5:
            return array[..., ::-1]
        if change == 6:
            return np.broadcast_to(array[..., :1], array.shape) if array.ndim and array.shape[-1] else array
        if change == 7:
            raw = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
            raw[...] = array
            return raw
        if change == 8:
            return array[:0]
        if change == 9:
            return array[..., :0]
        if change == 10:
            return array[..., np.newaxis]
        if change == 11:
            return array[0] if len(array.shape) and len(array) else array
        if change == 12:
            return array.reshape(-1)
        if change == 13:
            return array[: max(len(array) - 1, 0)] if array.ndim else array
        if change == 14:
            return np.concatenate([array, array], axis=rng.randrange(array.ndim)) if array.ndim else array
        if change in (15, 16) and array.size:
            found = np.array(array)
            value = rng.choice([np.nan, np.inf, -np.inf, 3e38, -1, 1e-42, 2**31, 2**40, 2**63])
            found.reshape(-1)[rng.randrange(array.size)] = np.array(value, np.float64).astype(array.dtype)
            return found
        if change == 17:
            return np.ma.masked_array(array, array > 0)
        if change == 18:
            return array.tolist()
        if change == 19:
            return np.zeros(rng.choice([(), (0,), (1,), (1, 1, 1, 1), (2, 0, 3), (1,) * 12]), array.dtype)
        if change == 20:
            frozen = array.copy()
            frozen.flags.writeable = False
            return frozen
        if change == 21:
            return memoryview(np.ascontiguousarray(array))
    return rng.choice(_ODD)


def _odd_value(rng: random.Random, name: str, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _odd_array(rng, value)
    odd = rng.choice(_ODD)
    # How long a call takes is what it was asked for.
    while name in ("epochs", "steps", "steps_per_epoch", "initial_epoch", "verbose", "repeats", "max_len") and (
        isinstance(odd, int | float | np.generic) and not odd < 4
    ):
        odd = rng.choice(_ODD)
    return odd


# ---- what is called ----


def _arrays(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), np.float32)


Call = tuple[Callable[..., Any], dict[str, Any]]
X, SMALL = (2, 6, 5, 3), (2, 3, 2, 3)


def _ops() -> dict[str, Call]:
    from day33 import ops

    x, kernel = _arrays(*X), _arrays(3, 3, 3, 4, seed=1)
    indices = np.arange(36).reshape(SMALL) % 60
    given: dict[str, dict[str, Any]] = {
        "conv2d": {"x": x, "kernel": kernel, "bias": _arrays(4), "strides": 1, "padding": "same"},
        "conv2d_backward": {"dy": _arrays(2, 4, 3, 4), "x": x, "kernel": kernel, "bias": _arrays(4)},
        "conv2d_transpose": {"x": x, "kernel": _arrays(3, 3, 4, 3), "bias": _arrays(4), "strides": 2},
        "conv2d_transpose_backward": {"dy": _arrays(2, 8, 7, 4), "x": x, "kernel": _arrays(3, 3, 4, 3)},
        "depthwise_conv2d": {"x": x, "kernel": _arrays(3, 3, 3, 2), "bias": _arrays(6)},
        "depthwise_conv2d_backward": {"dy": _arrays(2, 4, 3, 6), "x": x, "kernel": _arrays(3, 3, 3, 2)},
        "conv2d_matrix": {"kernel": kernel, "input_shape": (6, 5, 3)},
        "dense": {"x": x, "kernel": _arrays(3, 7), "bias": _arrays(7)},
        "dense_backward": {"dy": _arrays(2, 6, 5, 7), "x": x, "kernel": _arrays(3, 7), "bias": _arrays(7)},
        "layer_norm": {"x": x, "gamma": _arrays(3), "beta": _arrays(3)},
        "layer_norm_backward": {"dy": x, "x": x, "gamma": _arrays(3), "beta": _arrays(3)},
        "max_pool2d": {"x": x, "pool_size": 2}, "avg_pool2d": {"x": x, "pool_size": 2},
        "max_pool2d_backward": {"dy": _arrays(*SMALL), "x": x}, "avg_pool2d_backward": {"dy": _arrays(*SMALL), "x": x},
        "max_unpool2d": {"x": _arrays(*SMALL), "indices": indices, "output_shape": (6, 5)},
        "max_unpool2d_backward": {"dy": x, "x": _arrays(*SMALL), "indices": indices, "output_shape": (6, 5)},
        "up_sampling2d": {"x": x, "size": 2}, "up_sampling2d_backward": {"dy": _arrays(2, 12, 10, 3), "x": x},
    }  # fmt: skip
    found: dict[str, Call] = {}
    for name in ops.__all__:
        if not name.endswith("Gradients"):
            default = {"dy": x, "x": x} if name.endswith("_backward") else {"x": x}
            found[f"ops.{name}"] = getattr(ops, name), given.get(name, default)
    return found


def _functions() -> dict[str, Call]:
    from day33 import activations, initializers, losses, metrics, text, utils

    found: dict[str, Call] = {}
    for name in activations.__all__:
        if name not in ("ActivationSpec", "get", "names"):
            found[f"activations.{name}"] = getattr(activations, name), {"x": _arrays(*X)}
    found["activations.get"] = activations.get, {"identifier": "relu"}
    probabilities = np.abs(_arrays(6, 4)) / 4
    hot, sparse = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0, 1]], np.array([0, 1, 2, 3, 0, 1])
    for module in (losses, metrics):
        short = module.__name__.rpartition(".")[2]
        for name in module.__all__:
            value = getattr(module, name)
            y = sparse if name.lower().startswith("sparse") else hot
            if name == "get":
                found[f"{short}.get"] = value, {"identifier": "mse"}
            elif not inspect.isclass(value):
                found[f"{short}.{name}"] = value, {"y_true": y, "y_pred": probabilities}
            elif name not in ("Loss", "Metric", "MeanMetricWrapper", "Mean"):
                found[f"{short}.{name}"] = (
                    _called(value), {"y_true": y, "y_pred": probabilities, "sample_weight": _arrays(6)}
                )  # fmt: skip
    for name in initializers.__all__:
        value = getattr(initializers, name)
        if inspect.isclass(value) and name not in ("Initializer",):
            found[f"initializers.{name}"] = _called(value), {"shape": (3, 3, 2, 4)}
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
        "RepeatVector": (TOKENS, {"n": 3}), "Rescaling": (IMAGES, {"scale": 2.0}), "Masking": (STEPS, {}),
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
    }  # fmt: skip
    found: dict[str, Call] = {}
    for name in layers.__all__:
        kind = getattr(layers, name)
        if not inspect.isclass(kind) or name in (
            "Layer",
            "InputLayer",
            "Lambda",
            "MaxUnpooling2D",
            "Dot",
            "LSTMCell",
            "GRUCell",
            "SimpleRNNCell",
            "StackedRNNCells",
        ):
            continue
        if kind.__name__ != name:  # another name
            continue
        shape, arguments = given.get(name, (STEPS if "1D" in name else IMAGES, {}))
        if name in ("Bidirectional", "TimeDistributed"):
            arguments = {"layer": None}
            shape = STEPS
        found[f"layers.{name}"] = _in_a_model(kind, shape, name), {"x": _inputs(shape), **arguments}
    return found


def _inputs(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.abs(_arrays(3, *shape)) % 3 if shape == TOKENS else _arrays(3, *shape)


def _in_a_model(kind: Any, shape: tuple[int, ...], name: str) -> Callable[..., Any]:
    """The layer in a model that predicts and takes a step of training."""
    from day33 import layers, models

    def call(x: Any, **given: Any) -> Any:
        if name in ("Bidirectional", "TimeDistributed") and given.get("layer", "absent") is None:
            given["layer"] = layers.LSTM(2) if name == "Bidirectional" else layers.Dense(2)
        layer = kind(**given)
        inputs = layers.Input(shape)
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
    for name in ("SGD", "Adam", "Adadelta"):
        found[f"optimizers.{name}"] = optimized(getattr(optimizers, name)), {"learning_rate": 0.1}
    return found


GROUPS: dict[str, Callable[[], dict[str, Call]]] = {
    "functions of ops": _ops,
    "layers in models": _layers,
    "losses, metrics, activations, initializers, utilities": _functions,
    "methods of models, optimizers": _methods,
}


def run(group: str, seeds: range) -> Tally:
    """One odd call for each seed: one to three of the arguments of a call that works are replaced."""
    table: dict[str, Call] = {}

    def work(seed: int) -> str:
        if not table:  # in the child, since it computes
            table.update(GROUPS[group]())
        rng = random.Random(f"{group} {seed}")
        name = rng.choice(sorted(table))
        function, valid = table[name]
        given = dict(valid)
        try:
            others = [p for p in inspect.signature(function).parameters if p not in ("arguments", "kwargs", "self")]
        except ValueError:
            others = []
        names = [*valid, *valid, *others]
        for _ in range(rng.choice([1, 1, 2, 3])):
            changed = rng.choice(names)
            given[changed] = _odd_value(rng, changed, valid.get(changed))
        described = ", ".join(f"{key}={_short(value)}" for key, value in given.items() if value is not valid.get(key))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                function(**given)
            except _DOCUMENTED as error:
                if not str(error) and not isinstance(error, MemoryError):
                    raise AssertionError(f"{name}({described}): {type(error).__name__} without a message") from error
                return "refused"
            except BaseException as error:
                error.args = (f"{error} in {name}({described})",)
                raise
        return "answered"

    return run_jobs(seeds, work, seconds=_SECONDS, megabytes=_MEGABYTES, address_space=_ADDRESS_SPACE)


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<{value.dtype} {value.shape}>"
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."
