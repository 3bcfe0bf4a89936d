"""Random models in every format: what is saved is what is loaded, whatever the names, the nesting and the sharing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import day33
from support.tolerances import PROMISE

keras = pytest.importorskip("keras")

# Names of any script, with spaces and signs. Keras refuses "/" and what is no text; a file has no room for zeros.
LETTERS = st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/\x00")
# Names like those of folders and drives are refused when they are saved.
NAMES = st.text(LETTERS, min_size=1, max_size=12).filter(
    lambda name: not {".", ".."} & set(name.split("\\")) and name[1:2] != ":" and name[0] != "\\"
)
ALMOST_ALWAYS = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def blocks(draw, depth=0):
    """A function of a library, made anew each time: from a tensor (N, 4) to a tensor (N, 4), and all its names."""
    taken = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    kinds = ["dense", "norm", "shared", "sum", "relu", *(["model", "sequential"] if depth < 2 else [])]
    steps = [(draw(st.sampled_from(kinds)), name) for name in taken]
    inner = [draw(blocks(depth + 1)) if kind in ("model", "sequential") else None for kind, _ in steps]
    return list(zip(steps, inner, strict=True))


def layer(library, kind, name):
    make = library.layers
    if kind == "norm":
        return make.BatchNormalization(name=name)
    if kind == "relu":
        return make.LeakyReLU(0.25, name=name)
    return make.Dense(4, activation="tanh", name=name)


def build(library, block, x):
    for (kind, name), inner in block:
        if kind == "model":
            i = library.Input((4,))
            x = library.Model(i, build(library, inner, i), name=name)(x)
        elif kind == "sequential":
            stack = [layer(library, part, part_name) for (part, part_name), _ in inner]
            x = library.Sequential([library.Input((4,)), *stack], name=name)(x)
        elif kind == "shared":
            shared = layer(library, "dense", name)
            x = shared(shared(x))
        elif kind == "sum":
            x = library.layers.Add()([x, layer(library, "dense", name)(x)])
        else:
            x = layer(library, kind, name)(x)
    return x


def model(library, block):
    i = library.Input((4,))
    made = library.Model(i, build(library, block, i))
    rng = np.random.default_rng(0)
    made.set_weights([np.abs(rng.standard_normal(w.shape)) + 0.1 for w in made.get_weights()])
    return made


X = np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32)


@given(blocks())
@ALMOST_ALWAYS
def test_every_format_gives_back_what_it_was_given(block):
    made = model(day33, block)
    expected = made.predict(X, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        for form in ("m.keras", "m.h5"):
            path = Path(folder, form)
            made.save(path)
            found = day33.load_model(path)
            np.testing.assert_array_equal(found.predict(X, verbose=0), expected)
            assert [inner.name for inner in found.walk()] == [inner.name for inner in made.walk()]
            assert found.get_config() == made.get_config()
        for form in ("m.weights.h5", "m.npz", "m.h5", "m.keras"):
            path = Path(folder, form)
            if form in ("m.weights.h5", "m.npz"):
                made.save_weights(path)
            other = day33.models.clone_model(made)
            other.load_weights(path)
            np.testing.assert_array_equal(other.predict(X, verbose=0), expected)
        text = day33.models.model_from_json(made.to_json())
        text.set_weights(made.get_weights())
        np.testing.assert_array_equal(text.predict(X, verbose=0), expected)


@pytest.mark.slow
@given(blocks())
@settings(ALMOST_ALWAYS, max_examples=15)
def test_keras_reads_and_is_read(block):
    ours = model(day33, block)
    expected = ours.predict(X, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        for form in ("m.keras", "m.h5"):
            path = Path(folder, form)
            ours.save(path)
            theirs = keras.models.load_model(path, compile=False)
            np.testing.assert_allclose(np.asarray(theirs(X)), expected, rtol=PROMISE, atol=PROMISE)
            back = Path(folder, f"back_{form}")
            try:
                theirs.save(back)
            except ValueError as error:  # Keras cannot write layers of one name in models inside a model to .h5
                assert "name already exists" in str(error) and form == "m.h5"
                continue
            np.testing.assert_array_equal(day33.load_model(back).predict(X, verbose=0), expected)
