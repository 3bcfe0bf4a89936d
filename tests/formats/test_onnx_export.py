"""Exported models in ONNX Runtime beside `predict`: every layer, functions of day33.ops, whole models, refusals."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import day33
from day33 import layers, ops
from day33._formats.onnx.builder import NOT_WRITTEN
from day33._formats.onnx.registry import WRITERS
from day33._native import PlanBuilder
from day33.lyricist import TextGenerator
from support import zoo
from support.onnx_cases import FUNCTIONS, IMAGE, LAYERS, ROW, SEQUENCE, of_function, of_layer
from support.onnx_files import assert_exports, predicted, run, samples_for, shaken
from support.twins import assert_all_close

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def ops_in(path):
    """How often the graph has each op."""
    return collections.Counter(node.op_type for node in onnx.load(path).graph.node)


def test_every_op_of_plans_is_written():
    """A new op of `PlanBuilder` needs a line in `_formats/onnx`."""
    methods = {name for name in dir(PlanBuilder) if not name.startswith("_")}
    assert methods == {*WRITERS, *NOT_WRITTEN, "input", "parameter", "parameter_value"}


# ---- layers ----


@pytest.mark.parametrize("name", LAYERS)
def test_layer(path, name):
    assert_exports(of_layer(name), path)


TRANSPOSED = [
    (kernel, strides, padding, extra)
    for kernel in (1, 2, 3, 4)
    for strides in (1, 2, 3)
    for padding in ("valid", "same")
    for extra in (None, 0, 1)
    if extra is None or extra < strides
    if (padding, kernel % 2, extra) != ("same", 0, 0)  # day33 itself refuses it
]


@pytest.mark.parametrize(("kernel", "strides", "padding", "extra"), TRANSPOSED)
def test_transposed_convolution(path, kernel, strides, padding, extra):
    layer = layers.Conv2DTranspose(3, kernel, strides=strides, padding=padding, output_padding=extra)
    assert_exports(shaken(day33.Sequential([layers.Input(IMAGE), layer])), path)


def test_dilated_transposed_convolution(path):
    layer = layers.Conv2DTranspose(3, 3, dilation_rate=2, padding="same")
    assert_exports(shaken(day33.Sequential([layers.Input(IMAGE), layer])), path)


@pytest.mark.parametrize("kind", [
    "linear", "relu", "leaky_relu", "elu", "sigmoid", "tanh", "softmax", "log_softmax", "relu6", "selu", "exponential",
    "softplus", "softsign", "log_sigmoid", "hard_sigmoid", "gelu", "silu", "hard_silu", "mish",
])  # fmt: skip
@pytest.mark.parametrize("opset", [18, 23])
def test_activation(path, kind, opset):
    model = day33.Sequential([layers.Input(IMAGE), layers.Conv2D(4, 2), layers.Activation(kind)])
    assert_exports(shaken(model), path, opset_version=opset)


@pytest.mark.parametrize("merge", ["Add", "Subtract", "Multiply", "Maximum", "Minimum", "Average", "Concatenate"])
def test_merging(path, merge):
    a, b = layers.Input(IMAGE), layers.Input(IMAGE)
    left, right = layers.Conv2D(4, 3)(a), layers.Conv2D(4, 3)(b)
    merged = getattr(layers, merge)()([left, right])
    model = day33.Model([a, b], layers.Conv2D(2, 2)(merged))
    assert_exports(shaken(model), path)
    assert ops_in(path)["Transpose"] == 3  # of the inputs and of the output


def test_dot(path):
    a, b = layers.Input((4, 3)), layers.Input((5, 3))
    assert_exports(day33.Model([a, b], layers.Dot(axes=2, normalize=True)([a, b])), path)


def test_embedding(path):
    tokens = layers.Input((6,), dtype="int32")
    hidden = layers.Embedding(7, 4)(tokens)
    model = day33.Model(tokens, layers.Dense(3)(layers.LSTM(5, return_sequences=True)(hidden)))
    assert_exports(shaken(model), path)
    (entry,) = onnx.load(path).graph.input
    assert entry.type.tensor_type.elem_type == onnx.TensorProto.INT32


@pytest.mark.parametrize("options", [{}, {"tie_weights": False}, {"logit_soft_cap": 0.5}])
def test_reversible_embedding(path, options):
    """Also of rows, which ONNX has another operator for."""
    tokens, row = layers.Input((6,), dtype="int32"), layers.Input((4,))
    embedding = layers.ReversibleEmbedding(7, 4, **options)
    model = day33.Model([tokens, row], [embedding(embedding(tokens) * 2.0, reverse=True), embedding(row, reverse=True)])
    assert_exports(shaken(model), path)
    tables = [item for item in onnx.load(path).graph.initializer if sorted(item.dims) == [4, 7]]
    assert len(tables) == (2 if "tie_weights" in options else 1)


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("options", [{"return_sequences": True}, {}], ids=["sequences", "last"])
def test_masks(path, cell, options):
    """Zeros are masked wherever they are: in front, in the middle, behind, and everywhere."""
    tokens = layers.Input((6,), dtype="int32")
    hidden = layers.Embedding(7, 4, mask_zero=True)(tokens)
    first = layers.Bidirectional(getattr(layers, cell)(3, return_sequences=True))(hidden)
    model = shaken(day33.Model(tokens, layers.Dense(2)(getattr(layers, cell)(5, **options)(first))))
    rows = [[0, 0, 1, 2, 3, 4], [1, 2, 0, 0, 3, 4], [1, 2, 3, 4, 0, 0], [0, 0, 0, 0, 0, 0], [0, 1, 0, 2, 0, 3]]
    assert_exports(model, path, inputs=[np.array(rows, np.int32)])


def test_masked_average(path):
    tokens = layers.Input((6,), dtype="int32")
    pooled = layers.GlobalAveragePooling1D()(layers.Embedding(7, 4, mask_zero=True)(tokens))
    rows = np.array([[0, 0, 1, 2, 3, 4], [1, 2, 0, 0, 3, 4], [5, 0, 0, 0, 0, 0]], np.int32)
    assert_exports(shaken(day33.Model(tokens, pooled)), path, inputs=[rows])


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_states(path, cell, activation):
    x, count = layers.Input(SEQUENCE), 2 if cell == "LSTM" else 1
    given = [layers.Input((4,)) for _ in range(count)]
    layer = getattr(layers, cell)(4, activation, return_sequences=True, return_state=True)
    assert_exports(shaken(day33.Model([x, *given], layer(x, initial_state=given))), path)


def test_indices_of_pooling(path):
    x = layers.Input((8, 6, 3))
    pooled, places = layers.MaxPooling2D(2, return_indices=True)(x)
    back = layers.MaxUnpooling2D((8, 6))([pooled, places])
    assert_exports(day33.Model(x, [pooled, places, back]), path)


# ---- functions of day33.ops ----


@pytest.mark.parametrize("behind", [False, True], ids=["input", "convolution"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(path, name, behind):
    """On an input, and on the result of a convolution, which has its channels first."""
    assert_exports(of_function(name, behind), path)


class Scaled(layers.Layer):
    """A layer with weights of its own, and arithmetic of weights alone."""

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], 4), name="kernel")

    def call(self, x):
        return x @ (self.kernel / (1.0 + ops.norm(self.kernel, axis=0, keepdims=True)))


def test_own_layer(path):
    model = shaken(day33.Sequential([layers.Input(ROW), Scaled(), layers.Dense(2)]))
    assert_exports(model, path)
    weights = {item.name for item in onnx.load(path).graph.initializer}
    assert {variable.path for variable in model.layers[1].weights} <= weights


class Subclass(day33.Model):
    """A model that is defined by its code."""

    def __init__(self, **options):
        super().__init__(**options)
        self.first = layers.Dense(6, activation="relu")
        self.second = layers.Dense(2)

    def call(self, x, training=None):
        hidden = self.first(x)
        return self.second(ops.where(hidden > 0.5, hidden, 0.1) if not training else hidden)


def test_subclass(path):
    model = Subclass()
    model.build((None, 5))
    assert_exports(shaken(model), path, inputs=[zoo.random(3, 5)])


# ---- whole models ----


@pytest.mark.parametrize("opset", [18, 20, 23])
@pytest.mark.parametrize("kind", ["upsampling", "transposed"])
def test_autoencoder(path, kind, opset):
    """The note's two networks. There is a transpose at each end and none between."""
    model = zoo.autoencoder(kind)
    assert_exports(model, path, opset_version=opset)
    assert ops_in(path)["Transpose"] == 2
    graph = onnx.load(path).graph
    sizes = [[d.dim_param or d.dim_value for d in item.type.tensor_type.shape.dim] for item in graph.input]
    assert sizes == [["batch", 28, 28, 1]]
    assert [item.name for item in graph.input] == model.input_names
    assert [item.name for item in graph.output] == model.output_names


@pytest.mark.parametrize("make", [zoo.branched, zoo.nested, zoo.mobile, zoo.sequence], ids=lambda make: make.__name__)
def test_model(path, make):
    assert_exports(shaken(make()), path)


def test_sequences_of_sequence_layers_keep_their_layout(path):
    model = day33.Sequential([
        layers.Input((16, 2)), layers.Conv1D(4, 3, padding="same", activation="relu"), layers.MaxPooling1D(2),
        layers.BatchNormalization(), layers.Conv1D(3, 3), layers.UpSampling1D(2), layers.GlobalMaxPooling1D(),
    ])  # fmt: skip
    assert_exports(shaken(model), path)
    assert ops_in(path)["Transpose"] == 1


def assert_exports_any_length(model, path):
    """One file for inputs of several lengths."""
    model.export(path)
    for length in (7, 8, 9, 12, 131):
        given = [
            samples_for(tensor, 3, n) if None not in tensor.shape[1:] else
            samples_for(layers.Input([size or length for size in tensor.shape[1:]], dtype=tensor.dtype), 3, n)
            for n, tensor in enumerate(model.inputs)
        ]  # fmt: skip
        found = run(path, given)
        assert_all_close(found, predicted(model, given), 1e-5, f"result for length {length}")


@pytest.mark.parametrize("masked", [False, True])
def test_language_model(path, masked):
    """Of texts of any length, where 0 may be padding."""
    tokens = layers.Input((None,), dtype="int32", name="tokens")
    hidden = layers.Embedding(20, 6, mask_zero=masked)(tokens)
    hidden = layers.Bidirectional(layers.LSTM(8, return_sequences=True))(hidden)
    model = shaken(day33.Model(tokens, [layers.Dense(20)(hidden), layers.GRU(4)(hidden)]))
    assert_exports_any_length(model, path)
    (entry,) = onnx.load(path).graph.input
    assert [d.dim_param for d in entry.type.tensor_type.shape.dim] == ["batch", "tokens_1"]


@pytest.mark.parametrize("tied", [False, True])
def test_lyricist(path, tied):
    """The language model of the note, a subclass: of the length of its first call, or of any; padding is skipped."""
    model = TextGenerator(30, embedding_size=10 if tied else 8, hidden_size=10, tied=tied)
    rows = np.array([[3, 4, 5, 0], [1, 0, 0, 0]], np.int32)
    model(rows)
    assert_exports(shaken(model), path, inputs=[rows])
    assert [d.dim_value for d in onnx.load(path).graph.input[0].type.tensor_type.shape.dim] == [0, 4]
    model.export(path, input_signature=layers.Input((None,), dtype="int32"))
    for length in (1, 4, 50):
        x = np.random.default_rng(0).integers(0, 30, (3, length)).astype(np.int32)
        assert_all_close(run(path, [x]), predicted(model, [x]), 1e-5)


OPEN = {
    "convolutions": lambda x: layers.Conv1D(2, 3)(layers.MaxPooling1D(2)(layers.Conv1D(4, 3, padding="same")(x))),
    "causal": lambda x: layers.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="relu")(x),
    "pooled": lambda x: layers.Dense(2)(layers.GlobalMaxPooling1D()(layers.BatchNormalization()(x))),
    "up and down": lambda x: layers.AveragePooling1D(2)(layers.UpSampling1D(2)(layers.Conv1DTranspose(4, 3)(x))),
    "attention": lambda x: ops.matmul(ops.softmax(ops.matmul(x, ops.transpose(x, (0, 2, 1))), axis=-1), x),
    "last pooled step": lambda x: layers.Dense(2)(layers.MaxPooling1D(2)(x))[:, -1],
    "last steps": lambda x: layers.LSTM(3)(layers.Cropping1D((1, 2))(x)) + layers.Dense(3)(x)[:, -1],
    "backwards": lambda x: layers.SimpleRNN(3, go_backwards=True, return_sequences=True)(x[:, ::-1]),
    "normalised": lambda x: ops.mean(layers.LayerNormalization()(x) + ops.cumsum(x, axis=1), axis=1),
}  # fmt: skip


@pytest.mark.parametrize("name", OPEN)
def test_any_length(path, name):
    x = layers.Input((None, 3), name="x")
    assert_exports_any_length(shaken(day33.Model(x, OPEN[name](x))), path)


def test_images_of_any_size(path):
    x = layers.Input((None, None, 3))
    y = layers.MaxPooling2D(2)(layers.Conv2D(4, 3, padding="same", activation="relu")(x))
    y = layers.UpSampling2D(2)(layers.Conv2D(4, 2)(y))
    assert_exports_any_length(shaken(day33.Model(x, [y, layers.GlobalAveragePooling2D()(y)])), path)


def test_lengths_may_be_fixed(path):
    tokens = layers.Input((None,), dtype="int32")
    model = shaken(day33.Model(tokens, layers.LSTM(8, return_sequences=True)(layers.Embedding(20, 6)(tokens))))
    x = np.arange(12, dtype=np.int32).reshape(2, 6)
    assert_exports(model, path, input_signature=layers.Input((6,), dtype="int32"), inputs=[x])
    assert [d.dim_value for d in onnx.load(path).graph.input[0].type.tensor_type.shape.dim] == [0, 6]


def test_names_of_outputs(path):
    """An input that is an output, one output twice, and outputs by key."""
    x = layers.Input((3,), name="x")
    y = layers.Dense(2, name="y")(x)
    model = day33.Model(x, {"first": y, "again": y, "given": x})
    model.export(path)
    names = [item.name for item in onnx.load(path).graph.output]
    found = dict(zip(names, run(path, {"x": np.ones((2, 3), np.float32)}), strict=True))
    expected = model.predict(np.ones((2, 3), np.float32), verbose=0)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-6)


def test_random_numbers_have_their_distribution(path):
    x = layers.Input((1000,))
    draws = [day33.random.normal(ops.shape(x), stddev=2.0), day33.random.uniform(ops.shape(x))]
    model = day33.Model(x, [x + draw for draw in draws])
    model.export(path)
    normal, uniform = run(path, [np.zeros((20, 1000), np.float32)])
    assert {"RandomNormalLike", "RandomUniformLike"} <= ops_in(path).keys()
    assert abs(normal.mean()) < 0.1 and abs(normal.std() - 2.0) < 0.1
    assert uniform.min() >= 0 and uniform.max() <= 1 and abs(uniform.mean() - 0.5) < 0.02


def test_fixed_batch(path):
    model = day33.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.export(path, input_signature=np.zeros((4, 3), np.float32))
    assert [d.dim_value for d in onnx.load(path).graph.input[0].type.tensor_type.shape.dim] == [4, 3]
    assert run(path, [np.ones((4, 3), np.float32)])[0].shape == (4, 2)


def test_export_is_repeatable_and_replaces_whole(path):
    model = zoo.branched()
    model.export(path)
    first = path.read_bytes()
    model.export(path)
    assert path.read_bytes() == first
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_verbose(path, capsys):
    model = day33.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.export(path)
    assert capsys.readouterr().out == ""
    model.export(path, verbose=True)
    assert "model.onnx" in capsys.readouterr().out


# ---- what is refused ----


def dense():
    return day33.Sequential([layers.Input((3,)), layers.Dense(2)])


@pytest.mark.parametrize(("options", "message"), [
    ({"format": "tf_saved_model"}, "format is 'tf_saved_model'; expected \"onnx\""),
    ({"opset_version": 17}, "opset_version is 17; expected an int from 18 to 23"),
    ({"opset_version": True}, "opset_version is True"),
    ({"input_signature": [layers.Input((3,)), layers.Input((3,))]}, "input_signature has 2 items; expected 1"),
    ({"input_signature": layers.Input((4,))}, r"input_signature has shape \(None, 4\)"),
    ({"input_signature": layers.Input((3,), dtype="int32")}, "input_signature has dtype int32"),
])  # fmt: skip
def test_arguments(path, options, message):
    with pytest.raises(ValueError, match=message):
        dense().export(path, **options)
    assert not path.exists()


def test_arguments_of_a_wrong_type(path):
    with pytest.raises(TypeError, match="input_signature holds 3; expected something with a shape"):
        dense().export(path, input_signature=[3])
    with pytest.raises(TypeError, match="unexpected keyword"):
        dense().export(path, is_static=True)


OPEN_REFUSED = {
    "running products": lambda x: ops.cumprod(x, axis=1),
    "padding by strides": lambda x: layers.Conv1D(2, 3, strides=2, padding="same")(x),
    "a step for each": lambda x: layers.TimeDistributed(day33.Sequential([layers.GlobalAveragePooling1D()]))(
        layers.Reshape((-1, 3, 1))(x)
    ),
    "resizing": lambda x: ops.image.resize(ops.expand_dims(x, 1), (4, 4), interpolation="bicubic"),
}  # fmt: skip


@pytest.mark.parametrize("name", OPEN_REFUSED)
def test_what_depends_on_open_sizes(path, name):
    x = layers.Input((None, 3), name="x")
    model = day33.Model(x, OPEN_REFUSED[name](x))
    with pytest.raises(ValueError, match="expected known sizes: give them in input_signature"):
        model.export(path)
    assert_exports(model, path, input_signature=layers.Input((8, 3)), inputs=[zoo.random(2, 8, 3)])


def test_not_built(path):
    with pytest.raises(ValueError, match="is not built yet"):
        day33.Sequential([layers.Dense(2)]).export(path)


def test_stateful(path):
    x = layers.Input(batch_shape=(2, 4, 3))
    model = day33.Model(x, layers.LSTM(2, stateful=True, name="memory")(x))
    with pytest.raises(ValueError, match="layer 'memory': it is stateful"):
        model.export(path)


def test_several_refusals_come_in_one_message(path):
    x = layers.Input(batch_shape=(2, 4, 3))
    first = layers.GRU(2, stateful=True, return_sequences=True, name="first")(x)
    model = day33.Model(x, layers.SimpleRNN(2, stateful=True, name="second")(first))
    with pytest.raises(ValueError, match="layer 'first': it is stateful.*layer 'second': it is stateful"):
        model.export(path)


def test_results_that_mix_samples(path):
    x = layers.Input((3,))
    model = day33.Model(x, x - ops.mean(x, axis=0, keepdims=True))
    with pytest.raises(ValueError, match="Mean takes the batch as a whole; expected"):
        model.export(path)


def test_strings(path):
    x = layers.Input((), dtype="string")
    model = day33.Model(x, layers.Embedding(4, 2)(layers.StringLookup(vocabulary=["a", "b"])(x)))
    with pytest.raises(ValueError, match="holds strings; expected numbers"):
        model.export(path)


def test_layers_that_compute_on_arrays(path):
    x = layers.Input((1,), dtype="int32")
    model = day33.Model(x, layers.Embedding(4, 2)(layers.Hashing(4)(x)))
    with pytest.raises(ValueError, match="layers that compute on arrays"):
        model.export(path)


def test_without_the_package(path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnx.checker", None)
    with pytest.raises(ImportError, match=r'need the package "onnx" \(pip install "day33\[onnx\]"\)'):
        dense().export(path)
    assert not path.exists()


def test_unwritable(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        dense().export(tmp_path / "nowhere" / "model.onnx")


def test_samples_are_what_models_declare():
    tokens = layers.Input((4,), dtype="int32")
    assert samples_for(tokens, 2).dtype == np.int32
