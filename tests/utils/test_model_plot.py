"""`keras.utils.plot_model`: which boxes and arrows a figure has."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers
from day33.utils import plot_model

pytest.importorskip("matplotlib")
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch


def drawn(figure):
    """The texts of the boxes from top to bottom, and the number of arrows."""
    (ax,) = figure.axes
    texts = sorted(ax.texts, key=lambda text: (-text.get_position()[1], text.get_position()[0]))
    patches = list(ax.patches)
    assert sum(isinstance(patch, FancyBboxPatch) for patch in patches) == len(texts)
    return [text.get_text() for text in texts], sum(isinstance(patch, FancyArrowPatch) for patch in patches)


def branched():
    i = day33.Input((8,), name="start")
    x = layers.Dense(8, activation="relu", name="first")(i)
    y = layers.Add(name="sum")([i, x])
    inner = day33.Sequential([day33.Input((8,)), layers.Dense(4, name="a"), layers.Dense(2, name="b")], name="inner")
    return day33.Model(i, [inner(y), layers.Dense(3, name="last")(y)])


def test_boxes_and_arrows():
    texts, arrows = drawn(plot_model(branched(), None))
    assert sorted(texts) == ["Add", "Dense", "Dense", "InputLayer", "Sequential"]
    assert texts[0] == "InputLayer" and texts[1] == "Dense" and texts[2] == "Add"
    assert arrows == 5


def test_what_the_boxes_say():
    texts, _ = drawn(
        plot_model(
            branched(), None, show_shapes=True, show_dtype=True, show_layer_names=True, show_layer_activations=True,
            show_trainable=True,
        )
    )  # fmt: skip
    assert texts[1] == (
        "first (Dense)\nactivation: relu\ninput: (None, 8)\noutput: (None, 8)\ndtype: float32\ntrainable"
    )
    assert "input: (None, 8), (None, 8)" in texts[2]


def test_models_inside():
    texts, arrows = drawn(plot_model(branched(), None, show_layer_names=True, expand_nested=True))
    assert sorted(texts) == [
        "a (Dense)", "b (Dense)", "first (Dense)", "last (Dense)", "start (InputLayer)", "sum (Add)",
    ]  # fmt: skip
    assert arrows == 6


def test_models_of_one_row_and_deep_ones():
    model = day33.Sequential([day33.Input((4,)), *(layers.Dense(4) for _ in range(1200))])
    texts, arrows = drawn(plot_model(model, None))
    assert (len(texts), arrows) == (1201, 1200)
    rows = plot_model(branched(), None, rankdir="LR")
    assert rows.get_figwidth() > rows.get_figheight()


def test_models_by_their_call():
    class Own(day33.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x):
            return self.dense(self.dense(x))

    model = Own()
    with pytest.raises(ValueError, match="not built yet"):
        plot_model(model, None)
    model(np.zeros((2, 3), np.float32))
    assert drawn(plot_model(model, None, show_shapes=True)) == (
        ["Input\noutput: (None, 3)", *["Dense\ninput: (None, 3)\noutput: (None, 3)"] * 2], 2,
    )  # fmt: skip


@pytest.mark.parametrize(("suffix", "begins"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_files(tmp_path, suffix, begins):
    path = tmp_path / f"model{suffix}"
    plot_model(branched(), path, dpi=50)
    assert path.read_bytes().startswith(begins)


def test_what_is_refused():
    with pytest.raises(TypeError, match="expected a day33 model"):
        plot_model(layers.Dense(3), None)
    with pytest.raises(ValueError, match="rankdir is 'BT'"):
        plot_model(branched(), None, rankdir="BT")
