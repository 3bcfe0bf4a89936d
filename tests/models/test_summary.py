"""summary(): receptive fields against what cells really depend on, multiply-adds against the convolution's matrix."""

from __future__ import annotations

import html
import re

import numpy as np
import pytest

from day33 import Input, Model, Sequential, layers, ops
from day33.models.summary import receptive_field
from support.notebooks import kernel
from support.zoo import autoencoder, branched, nested, random


def brute_force_field(model, layer_output):
    """The largest number of input rows and columns between those that one cell of the output depends on."""
    part = Model(model.input, layer_output)
    size = model.input_shape[1]
    pixels = np.eye(size * size, dtype=np.float32).reshape(-1, size, size, 1)
    # Batches of one size: the order of sums may depend on it.
    touched = part(pixels) != part(np.zeros_like(pixels))
    touched = touched.any(axis=-1).reshape(size, size, *touched.shape[1:3])
    largest = [0, 0]
    for y in range(touched.shape[2]):
        for x in range(touched.shape[3]):
            seen = np.argwhere(touched[:, :, y, x])
            extent = seen.max(0) - seen.min(0) + 1
            largest = [max(a, int(b)) for a, b in zip(largest, extent, strict=True)]
    return tuple(largest)


CHAINS = {
    "conv": lambda: [layers.Conv2D(1, (3, 2))],
    "conv pool conv": lambda: [layers.Conv2D(1, 3), layers.MaxPooling2D(2), layers.Conv2D(1, (3, 1))],
    "strides and dilation": lambda: [layers.Conv2D(1, 3, strides=(2, 3)), layers.Conv2D(1, 2, dilation_rate=2)],
    "nearest": lambda: [
        layers.MaxPooling2D(2), layers.UpSampling2D(2), layers.Conv2D(1, 3), layers.UpSampling2D(3),
        layers.Conv2D(1, 3),
    ],
    "bilinear": lambda: [layers.Conv2D(1, 2), layers.UpSampling2D((2, 3), interpolation="bilinear")],
    "transposed": lambda: [layers.Conv2DTranspose(1, (4, 3), strides=2), layers.Conv2D(1, 2)],
    "transposed same": lambda: [
        layers.Conv2DTranspose(1, 5, strides=(2, 3), padding="same"), layers.Conv2D(1, 3),
    ],
    "transposed after pooling": lambda: [layers.MaxPooling2D(2), layers.Conv2DTranspose(1, 3, strides=3)],
}  # fmt: skip


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_receptive_field_is_what_cells_depend_on(chain):
    model = Sequential([Input((17, 17, 1))])
    for layer in chain():
        model.add(layer)
    model.set_weights([1 + np.abs(random(*w.shape)) for w in model.get_weights()])
    for layer in model.layers:
        assert receptive_field(model._graph, layer.output) == brute_force_field(model, layer.output), layer.name


SEQUENCES = {
    "conv pool conv": lambda: [
        layers.Conv1D(1, 3), layers.AveragePooling1D(3, strides=2), layers.Conv1D(1, 2, dilation_rate=2),
    ],
    "padded": lambda: [
        layers.ZeroPadding1D(2), layers.MaxPooling1D(2), layers.UpSampling1D(2), layers.Conv1D(1, 3),
        layers.Cropping1D(2),
    ],
    "causal": lambda: [layers.Conv1D(1, 3, padding="causal"), layers.SeparableConv1D(1, 2, strides=3)],
    "transposed": lambda: [layers.Conv1DTranspose(1, 5, strides=2, padding="same"), layers.DepthwiseConv1D(3)],
}  # fmt: skip


@pytest.mark.parametrize("chain", SEQUENCES.values(), ids=SEQUENCES)
def test_receptive_field_of_sequences(chain):
    model = Sequential([Input((25, 1)), *chain()])
    # Positive, so that nothing cancels, and pooled maxima above the 0 of padding.
    model.set_weights([1 + np.abs(random(*w.shape)) for w in model.get_weights()])
    steps = np.eye(25, dtype=np.float32).reshape(25, 25, 1)
    for layer in model.layers:
        part = Model(model.input, layer.output)
        touched = (part(steps) != part(np.zeros_like(steps))).any(axis=-1)
        widest = max(int(np.ptp(np.flatnonzero(seen))) + 1 for seen in touched.T if seen.any())
        assert receptive_field(model._graph, layer.output)[0] == widest, layer.name


def test_a_sequence_costs_what_an_image_of_height_1_costs():
    for name, arguments in (
        ("Conv1D", {"filters": 4, "kernel_size": 3, "groups": 2}),
        ("Conv1DTranspose", {"filters": 4, "kernel_size": 3}),
        ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}),
        ("SeparableConv1D", {"filters": 5, "kernel_size": 3, "depth_multiplier": 2}),
    ):  # fmt: skip
        layer = getattr(layers, name)(**arguments)
        image = getattr(layers, name.replace("1D", "2D"))(**{**arguments, "kernel_size": (1, 3)})
        costs = [part.multiply_adds(shape, part.compute_output_shape(shape)) for part, shape in
                 ((layer, (None, 9, 4)), (image, (None, 1, 9, 4)))]  # fmt: skip
        assert costs[0] == costs[1] > 0, name


def test_receptive_field_of_branches_and_dense_layers():
    x = Input((17, 17, 1))
    wide = layers.Conv2D(1, 5, padding="same")(x)
    both = layers.Add()([wide, layers.Conv2D(1, 3, padding="same")(x)])
    inner = Input((17, 17, 1))
    tower = Model(inner, layers.Conv2D(1, 3, padding="same")(layers.Conv2D(1, 3, padding="same")(inner)))
    deep = tower(both)
    flat = layers.Flatten()(deep)
    model = Model(x, layers.Dense(2)(flat))
    assert receptive_field(model._graph, both) == (5, 5)
    assert receptive_field(model._graph, deep) == (9, 9)
    assert receptive_field(model._graph, flat) == (9, 9)
    assert receptive_field(model._graph, model.outputs[0]) is None
    model.set_weights([1 + np.abs(w) for w in model.get_weights()])
    assert brute_force_field(model, deep) == (9, 9)


@pytest.mark.parametrize("strides", [1, 2])
def test_multiply_adds_are_the_entries_of_the_matrix(strides):
    """One multiplication an entry of the convolution as a matrix; without padding none falls outside."""
    conv = layers.Conv2D(4, 3, strides=strides, use_bias=False)
    model = Sequential([Input((9, 8, 3)), conv])
    conv.kernel.assign(np.ones(conv.kernel.shape))
    matrix = ops.conv2d_matrix(conv.kernel.numpy(), (9, 8, 3), strides=strides)
    assert model.multiply_adds((None, 9, 8, 3), model.output_shape) == matrix.nnz
    back = layers.Conv2DTranspose(3, 3, strides=strides, use_bias=False)
    shape = model.output_shape
    back.build(shape)
    assert back.multiply_adds(shape, back.compute_output_shape(shape)) == matrix.nnz


def summary_of(model, **arguments):
    lines = []
    model.summary(print_fn=lines.append, **arguments)
    return lines


def test_summary():
    lines = summary_of(autoencoder("upsampling"))
    fields = [line.split()[7] for line in lines if "2D)" in line]
    assert fields[:7] == ["3x3", "4x4", "8x8", "10x10", "18x18", "22x22", "38x38"]
    assert "Connected to" not in "".join(lines)
    # 28 28 1 16 9, 14 14 16 8 9, 7 7 8 4 9, 4 4 4 4 9, 8 8 4 8 9, 14 14 8 16 9, 28 28 16 1 9
    total = 9 * (28 * 28 * 16 + 14 * 14 * 128 + 49 * 32 + 16 * 16 + 64 * 32 + 14 * 14 * 128 + 28 * 28 * 16)
    assert any(line.strip() == f"Multiply-adds per sample: {total:,}" for line in lines)
    assert "InputLayer" in lines[4]


def test_summary_of_other_models():
    text = "\n".join(summary_of(branched()))
    assert "Connected to" in text and "shared, relu" in text and "deep, joined" in text
    text = "\n".join(summary_of(nested(), expand_nested=True))
    assert "  norm (BatchNormalization)" in text and "Non-trainable params: 4 (16 B)" in text
    unbuilt = "\n".join(summary_of(Sequential([layers.Dense(3)])))
    assert "(unbuilt)" in unbuilt and "Total params: 0" in unbuilt
    x = Input((None, None, 3))
    text = "\n".join(summary_of(Model(x, layers.Conv2D(2, 3)(x))))
    assert "(None, None, None, 2)" in text and "depends on the input size" in text


@pytest.mark.parametrize("length", [70, 140])
def test_summary_keeps_to_the_line_length(length):
    lines = summary_of(
        Sequential([Input((4,)), layers.Dense(2, name="a_rather_long_name_for_a_layer")]), line_length=length
    )
    assert max(map(len, lines)) <= length and len(lines[1]) == length


def test_plan():
    model = autoencoder("upsampling")
    plan = model.plan()
    assert plan[-1]["output_shape"] == (28, 28, 1)
    # A plan may save some: a convolution of repeated pixels needs each only once.
    assert 0 < sum(op["multiply_adds"] for op in plan) <= model.multiply_adds(model.input_shape, model.output_shape)
    single = Sequential([Input((9, 8, 3)), layers.Conv2D(4, 3)])
    assert sum(op["multiply_adds"] for op in single.plan()) == 7 * 6 * 4 * 27
    x = Input((None, None, 1))
    flexible = Model(x, layers.Conv2D(2, 3)(x))
    with pytest.raises(ValueError, match="input_shapes"):
        flexible.plan()
    assert flexible.plan([(8, 8, 1)])


def test_plan_says_how_it_runs():
    ids = Input((5,), dtype="int32")
    x = layers.LSTM(8, return_sequences=True)(layers.Embedding(30, 4)(ids))
    plan = Model(ids, layers.Dense(3, activation="softmax")(x)).plan(batch_size=7)
    assert [op["kind"] for op in plan] == ["embedding", "lstm", "dense"]
    assert [op["stage"] for op in plan] == [1, 2, 3]
    assert [op["layout"] for op in plan] == ["whole batch", "whole batch", "channels"]
    assert plan[1]["tile"] == 7 and plan[1]["flops"] == 2 * 5 * (4 + 8) * 4 * 8
    assert plan[1]["weight_bytes"] == 4 * ((4 + 8 + 1) * 4 * 8)
    text = str(autoencoder("upsampling").plan()).splitlines()
    assert text[1].split()[0] == "Stage" and any("up_sampling2d 2x2 + 3x3" in line for line in text)
    assert all(line.split()[0] == "1" for line in text[3:-2])


# ---- repr ----


def test_models_in_one_line():
    entry = layers.Input((28, 28, 1))
    x = layers.Flatten()(layers.Conv2D(8, 3, activation="relu")(entry))
    model = Model(entry, layers.Dense(2)(x), name="classifier")
    assert repr(model) == f"<Functional 'classifier': 4 layers, {8 * 9 + 8 + 26 * 26 * 8 * 2 + 2:,} parameters>"
    assert (
        repr(Sequential([layers.Input((3,)), layers.Dense(1)], name="one"))
        == "<Sequential 'one': 1 layer, 4 parameters>"
    )
    assert repr(Sequential([layers.Dense(1)], name="open")) == "<Sequential 'open': 1 layer, not built>"

    class Twice(Model):
        def __init__(self):
            super().__init__(name="twice")
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(self.dense(x))

    model = Twice()
    assert repr(model) == "<Twice 'twice': 1 layer, not built>"
    model(np.zeros((1, 2)))
    assert repr(model) == "<Twice 'twice': 1 layer, 6 parameters>"


# ---- in a notebook ----


def test_tables_of_a_notebook_have_the_cells_of_the_text(capsys):
    model = Sequential([Input((6, 6, 1)), layers.Conv2D(2, 3, name="<b>first"), layers.Flatten(), layers.Dense(3)])
    model.summary()
    printed = capsys.readouterr().out
    for shown, text in ((model._repr_html_(), printed), (model.plan()._repr_html_(), str(model.plan()))):
        assert "<b>first" not in shown
        cells = [html.unescape(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", shown)]
        notes = html.unescape(shown.split("</table>")[1])
        rows = [line for line in text.splitlines() if not re.fullmatch('-+|Model: ".*"', line)]
        for row in rows:
            for word in row.split():
                assert word in " ".join(cells) or row.strip() in notes
        assert len(cells) >= 4 * 5


def test_a_notebook_shows_a_summary_once(monkeypatch):
    model = """
        from day33 import Input, Sequential, layers

        model = Sequential([Input((4,)), layers.Dense(3, name="only")])
        """
    with kernel(monkeypatch) as notebook:
        assert notebook.run(model) == []
        ((kind, table),) = notebook.run("model.summary()")
        assert kind == "display_data"
        assert "only (Dense)" in table["text/plain"] and "<td" in table["text/html"]
        for line in ("model", "model.plan()"):
            ((kind, result),) = notebook.run(line)
            assert kind == "execute_result" and "<table>" in result["text/html"]
        for text in ("print(model.plan())", "model.summary(print_fn=print)", "model.summary(line_length=60)"):
            assert {kind for kind, _ in notebook.run(text)} == {"stream"}
        kept = """
            import contextlib, io

            with contextlib.redirect_stdout(io.StringIO()) as text:
                model.summary()
            print(text.getvalue().count("only (Dense)"))
            """
        assert notebook.run(kept) == [("stream", "1\n")]
