"""Writes small models with some version of Keras, for the tests of day33 that read them. Needs Keras only, not day33.

    python make_samples.py keras-3.8.0.tar.xz                     # the `keras` that is installed
    python make_samples.py tf_keras-2.16.0.tar.xz --library tf_keras
    python make_samples.py --check keras-3.8.0.tar.xz  # which of these files the same Keras loads, and its errors

The archive has, for each model, the file in every format of that version, and ``<model>.npz``: inputs ``x0``, ... and
the outputs ``y0``, ... that Keras predicts for them; of compiled models also ``target``, and the outputs ``z0`` after
two more steps of training on ``x0`` towards it. ``about.json`` names the versions and what could not be written.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import lzma
import os
import platform
import shutil
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np

MODELS: dict[str, Callable[[Any], Any]] = {}
RNG = np.random.default_rng(33)


def sample(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    MODELS[make.__name__] = make
    return make


# ---- models: each function takes the library ----


@sample
def sequential(k):
    return k.Sequential([k.Input((5,)), k.layers.Dense(4, activation="relu"), k.layers.Dense(2, name="out")])


@sample
def sequential_open(k):
    """Without an Input: built by its first batch, of five steps; the number of steps stays open."""
    model = k.Sequential([k.layers.Embedding(11, 3), k.layers.LSTM(4), k.layers.Dense(2)])
    model(np.ones((2, 5), "int32"))
    return model


@sample
def pictures(k):
    make = k.layers
    return k.Sequential(
        [
            k.Input((8, 8, 3)),
            make.Conv2D(4, 3, padding="same", use_bias=False),
            make.BatchNormalization(),
            make.LeakyReLU(),
            make.MaxPooling2D(),
            make.SeparableConv2D(3, 2),
            make.DepthwiseConv2D(2, depth_multiplier=2),
            make.UpSampling2D(2),
            make.Conv2DTranspose(2, 3, strides=2, padding="same", activation="sigmoid"),
        ]
    )


@sample
def functional(k):
    """One input and one output, which old versions write as a list of one."""
    i = k.Input((4,), name="in")
    return k.Model(i, k.layers.Dense(3, activation="tanh", name="out")(i))


@sample
def branched(k):
    make = k.layers
    a, b = k.Input((4,), name="a"), k.Input((3,), name="b")
    joined = make.Concatenate()([make.Dense(3, name="left")(a), make.Dense(3, name="right")(b)])
    return k.Model(
        [a, b], [make.Dense(2, name="first")(joined), make.Dense(1, activation="sigmoid", name="second")(joined)]
    )


@sample
def sums(k):
    """Sums written with a plus sign."""
    i = k.Input((4,))
    left = k.layers.Dense(3)(i)
    return k.Model(i, left + k.layers.Dense(3)(i))


@sample
def nested(k):
    make = k.layers
    i = k.Input((6,))
    block = k.Model(i, make.Dense(6, activation="elu", name="inside")(i), name="block")
    tail = k.Sequential([k.Input((6,)), make.Dropout(0.3), make.Dense(2)], name="tail")
    x = k.Input((6,))
    return k.Model(x, tail(block(x)))


@sample
def shared(k):
    make = k.layers
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    dense = make.Dense(3, name="dense")
    inner = k.Sequential([k.Input((3,)), make.Dense(3)], name="inner")
    return k.Model([a, b], make.Add()([inner(dense(a)), inner(inner(dense(b)))]))


@sample
def recurrent(k):
    make = k.layers
    i = k.Input((None,), dtype="int32")
    x = make.Embedding(9, 4, mask_zero=True)(i)
    x = make.Bidirectional(make.LSTM(3, return_sequences=True))(x)
    x = make.GRU(3, return_sequences=True)(x)
    return k.Model(i, make.TimeDistributed(make.Dense(2))(make.SimpleRNN(3, return_sequences=True)(x)))


@sample
def states(k):
    make = k.layers
    i = k.Input((6, 3))
    y, h, c = make.LSTM(4, return_sequences=True, return_state=True, unroll=False)(i)
    z = make.LSTM(4, go_backwards=True)(y, initial_state=[h, c])
    return k.Model(i, make.Dense(2)(z))


@sample
def masked(k):
    make = k.layers
    return k.Sequential([k.Input((5, 3)), make.Masking(0.5), make.GRU(3, reset_after=False), make.Dense(2)])


@sample
def frozen(k):
    make = k.layers
    model = k.Sequential([k.Input((5,)), make.Dense(4), make.BatchNormalization(), make.Dense(3), make.Dense(2)])
    model.layers[0].trainable = False
    model.layers[1].trainable = False
    return model


@sample
def spaced(k):
    """Names with spaces and dots."""
    i = k.Input((4,), name="my input")
    x = k.layers.Dense(3, name="first layer. v1")(i)
    return k.Model(i, k.layers.Dense(2, name="last layer")(x))


@sample
def slashed(k):
    """Names with slashes, which Keras 3 refuses."""
    i = k.Input((4,))
    x = k.layers.Dense(3, name="block/one")(i)
    return k.Model(i, k.layers.Dense(2, name="block/two")(x))


@sample
def foreign(k):
    """Names in Korean and with accents: HDF5 groups of the new style."""
    i = k.Input((4,), name="입력")
    x = k.layers.Dense(3, name="층_é")(i)
    return k.Model(i, k.layers.Dense(2, name="출력")(x))


@sample
def many_names(k):
    """More names outside ASCII than an HDF5 group of the new style keeps in its header."""
    x = i = k.Input((3,))
    for number in range(12):
        x = k.layers.Dense(3, name=f"층{number}")(x)
    return k.Model(i, x)


@sample
def fitted(k):
    """Compiled and trained, with metrics."""
    model = k.Sequential(
        [k.Input((4,)), k.layers.Dense(3, activation="softplus"), k.layers.Dense(2, activation="softmax")]
    )
    model.compile(k.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy", "mae"])
    x = RNG.standard_normal((16, 4)).astype("float32")
    model.fit(x, np.eye(2, dtype="float32")[np.arange(16) % 2], epochs=2, verbose=0)
    return model


@sample
def momentum(k):
    i = k.Input((4,))
    model = k.Model(i, k.layers.Dense(2)(k.layers.Dense(3, activation="swish")(i)))
    rate = k.optimizers.schedules.CosineDecay(0.05, 100)
    model.compile(k.optimizers.SGD(rate, momentum=0.9, nesterov=True), k.losses.MeanSquaredError(), metrics=["mse"])
    model.fit(RNG.standard_normal((8, 4)).astype("float32"), np.ones((8, 2), "float32"), epochs=2, verbose=0)
    return model


@sample
def legacy(k):
    """With an optimizer of Keras before 2.11, which keeps its state in another order."""
    model = k.Sequential([k.Input((3,)), k.layers.Dense(3), k.layers.Dense(3)])
    model.compile(k.optimizers.legacy.Adam(0.01), "mse")
    model.fit(RNG.standard_normal((8, 3)).astype("float32"), np.ones((8, 3), "float32"), epochs=2, verbose=0)
    return model


@sample
def initialized(k):
    """Every initializer by its class, and regularizers, which day33 leaves out with a warning."""
    make, init = k.layers, k.initializers
    kinds = [
        init.Zeros(), init.Ones(), init.Constant(0.2), init.RandomNormal(0.0, 0.1), init.RandomUniform(-0.1, 0.1),
        init.TruncatedNormal(0.0, 0.1), init.VarianceScaling(2.0, "fan_in", "uniform"), init.GlorotNormal(),
        init.GlorotUniform(), init.HeNormal(), init.HeUniform(), init.LecunNormal(), init.LecunUniform(),
        init.Orthogonal(1.1),
    ]  # fmt: skip
    stack = [
        make.Dense(3, kernel_initializer=kind, kernel_regularizer="l2", bias_constraint="max_norm") for kind in kinds
    ]
    return k.Sequential([k.Input((3,)), *stack, make.Dense(2, activation=k.activations.relu)])


@sample
def activated(k):
    make = k.layers
    stack = [
        make.Activation("relu"), make.ReLU(), make.ReLU(max_value=6.0), make.ReLU(negative_slope=0.1),
        make.ELU(0.7), make.Softmax(), make.Dense(4, activation=make.LeakyReLU()), make.Activation(k.activations.gelu),
    ]  # fmt: skip
    return k.Sequential([k.Input((4,)), make.Dense(4), *stack])


@sample
def hard(k):
    """An activation that was another function in Keras 2."""
    return k.Sequential([k.Input((4,)), k.layers.Dense(4, activation="hard_sigmoid")])


@sample
def mixed(k):
    """Computes in float16 with weights in float32."""
    return k.Sequential([k.Input((4,)), k.layers.Dense(3, dtype="mixed_float16"), k.layers.Dense(2, dtype="float32")])


@sample
def half(k):
    return k.Sequential([k.Input((4,)), k.layers.Dense(3, dtype="float16"), k.layers.Dense(2, dtype="bfloat16")])


@sample
def double(k):
    i = k.Input((4,), dtype="float64")
    x = k.layers.Dense(3, dtype="float64")(i)
    return k.Model(i, k.layers.Dense(2, dtype="float64")(x))


@sample
def code(k):
    """Code, which no reader of untrusted files may run."""
    return k.Sequential([k.Input((4,)), k.layers.Lambda(lambda x: x + 1.0), k.layers.Dense(2)])


# ---- files ----


def inputs_of(model) -> list[np.ndarray]:
    arrays = []
    for tensor in model.inputs:
        name = getattr(tensor.dtype, "name", tensor.dtype)
        shape = (3, *(7 if size is None else size for size in tensor.shape[1:]))
        if "int" in name or any("Embedding" in type(layer).__name__ for layer in model.layers):
            arrays.append(RNG.integers(0, 9, shape).astype("int32"))
        else:
            arrays.append(RNG.standard_normal(shape).astype(np.float32))
    return arrays


def randomise(model) -> None:
    """Weights that tell each other apart; variances are positive."""
    values = [np.asarray(w, np.float32) for w in model.get_weights()]
    model.set_weights([np.abs(0.3 * RNG.standard_normal(w.shape) + 0.1 * np.sign(w)) - 0.1 if w.ndim > 1
                       else np.abs(0.3 * RNG.standard_normal(w.shape)) + 0.1 for w in values])  # fmt: skip


def outputs_of(model, inputs) -> list[np.ndarray]:
    found = model(inputs[0] if len(inputs) == 1 else inputs, training=False)
    return [np.asarray(y).astype(np.float64) for y in (found if isinstance(found, list | tuple) else [found])]


def write(library, keras2: bool, folder: Path) -> dict[str, Any]:
    left_out: dict[str, str] = {}
    for name, make in MODELS.items():
        try:
            model = make(library)
        except Exception as error:
            left_out[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            continue
        if not getattr(model, "optimizer", None):
            randomise(model)
        inputs = inputs_of(model)
        outputs = outputs_of(model, inputs)
        arrays = {f"x{i}": x for i, x in enumerate(inputs)} | {f"y{i}": y for i, y in enumerate(outputs)}
        forms: list[tuple[str, Callable[[str], Any]]] = [
            (f"{name}.keras", lambda path, save=model.save: save(path, **({"save_format": "keras"} if keras2 else {}))),
            (f"{name}.h5", model.save),
            (f"{name}.weights.h5", model.save_weights),
        ]
        if keras2:
            forms.append((f"{name}.old.h5", model.save_weights))
        for file, save in forms:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    save(str(folder / file))
                if (folder / file).is_dir():
                    shutil.rmtree(folder / file)
                    left_out[file] = "this version writes a folder"
            except Exception as error:
                (folder / file).unlink(missing_ok=True)
                left_out[file] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        if getattr(model, "optimizer", None):  # what two more steps make of it
            arrays["target"] = np.full(outputs[0].shape, 0.25, np.float32)
            for _ in range(2):
                model.train_on_batch(inputs[0], arrays["target"])
            arrays["z0"] = outputs_of(model, inputs)[0]
        np.savez(folder / f"{name}.npz", **arrays)
    return left_out


def pack(folder: Path, target: Path) -> None:
    with tarfile.open(target, "w:xz", preset=9 | lzma.PRESET_EXTREME) as archive:
        for path in sorted(folder.iterdir()):
            data = path.read_bytes()
            if zipfile.is_zipfile(path):  # stored, so that the archive around it can compress it
                buffer = io.BytesIO()
                with zipfile.ZipFile(path) as source, zipfile.ZipFile(buffer, "w") as stored:
                    for member in source.namelist():
                        stored.writestr(zipfile.ZipInfo(member), source.read(member))
                data = buffer.getvalue()
            info = tarfile.TarInfo(path.name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def check(library, archive: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as source:
        source.extractall(folder, filter="data")
        for path in sorted(Path(folder).glob("*.keras")):
            if path.stem == "code":
                continue
            with np.load(path.with_suffix(".npz")) as data:
                inputs = [data[f"x{i}"] for i in range(sum(key[0] == "x" for key in data))]
                expected = [data[f"y{i}"] for i in range(sum(key[0] == "y" for key in data))]
            for form in (path, path.with_suffix(".h5")):
                try:
                    found = outputs_of(library.models.load_model(form, compile=False), inputs)
                    error = max(float(np.abs(a - b).max()) for a, b in zip(found, expected, strict=True))
                    print(f"{form.name}: {error:.2g}")
                except Exception as error:
                    print(f"{form.name}: {type(error).__name__}: {str(error).splitlines()[0][:150]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--library", default="keras")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    library = importlib.import_module(arguments.library)
    if arguments.check:
        check(library, arguments.archive)
        return
    library.utils.set_random_seed(33)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        left_out = write(library, library.__version__.startswith("2"), folder)
        about = {"library": arguments.library, "version": library.__version__, "python": platform.python_version(),
                 "left_out": left_out}  # fmt: skip
        (folder / "about.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        pack(folder, arguments.archive)
    print(json.dumps(about, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
