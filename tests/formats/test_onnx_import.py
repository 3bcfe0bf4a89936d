"""`from_onnx` beside ONNX Runtime: files of day33 and files made node by node; training on; what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import layers
from support import zoo
from support.onnx_cases import FUNCTIONS, LAYERS, of_function, of_layer
from support.onnx_files import BATCHES, predicted, run, samples_for, shaken
from support.twins import assert_all_close

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
helper = onnx.helper
TYPES = {np.dtype(np.float32): 1, np.dtype(np.int32): 6, np.dtype(np.int64): 7, np.dtype(np.bool_): 9}
PROMISE = 1e-5


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def assert_imports(path, bound=PROMISE):
    """The model of a file predicts what ONNX Runtime computes, for batches of several sizes."""
    model = day33.from_onnx(path)
    for batch in BATCHES:
        given = [samples_for(tensor, batch, n) for n, tensor in enumerate(model.inputs)]
        assert_all_close(predicted(model, given), run(path, given), bound)
    return model


# ---- there and back ----

# Operators that are written and not read: loops, and what indices made of values need.
ONE_WAY = {
    "lstm as a loop",
    "gru as a loop",
    "gru reset before as a loop",
    "simple rnn as a loop",
    "masked lstm",
}


@pytest.mark.parametrize("name", [*LAYERS, *FUNCTIONS])
def test_there_and_back(path, name):
    model = of_layer(name) if name in LAYERS else of_function(name, True)
    model.export(path)
    if name in ONE_WAY:
        with pytest.raises(ValueError, match="operators that day33 does not read|constant where"):
            day33.from_onnx(path)
        return
    again = day33.from_onnx(path)
    given = [samples_for(tensor, 5, n) for n, tensor in enumerate(model.inputs)]
    assert_all_close(predicted(again, given), predicted(model, given), PROMISE)
    assert again.input_names == model.input_names
    assert again.input_shape == model.input_shape


MODELS = {
    "upsampling": lambda: zoo.autoencoder("upsampling"),
    "transposed": lambda: zoo.autoencoder("transposed"),
    "branched": zoo.branched,
    "nested": zoo.nested,
    "mobile": zoo.mobile,
    "sequence": zoo.sequence,
}


@pytest.mark.parametrize("name", MODELS)
def test_model_there_and_back(path, name):
    model = shaken(MODELS[name]())
    model.export(path)
    again = day33.from_onnx(path)
    given = [samples_for(tensor, 3, n) for n, tensor in enumerate(model.inputs)]
    assert_all_close(predicted(again, given), predicted(model, given), PROMISE)
    # Shared layers are shared again, and nothing that trained became a constant.
    assert sorted(w.shape for w in again.trainable_variables) == sorted(w.shape for w in model.trainable_variables)
    transposes = [node for node in again.known_graph().nodes if type(node.layer).__name__ == "Transpose"]
    assert len(transposes) == sum(type(layer).__name__ == "Permute" for layer in model.layers)


def test_any_length_there_and_back(path):
    """Sequences of open length stay so."""
    x = layers.Input((None, 3))
    y = layers.LSTM(4, return_sequences=True)(layers.Conv1D(5, 3, padding="same", activation="relu")(x))
    model = shaken(day33.Model(x, [y, layers.GRU(3)(layers.MaxPooling1D(2)(y))]))
    model.export(path)
    again = day33.from_onnx(path)
    assert again.input_shape == (None, None, 3)
    for length in (2, 7, 30):
        given = [zoo.random(2, length, 3)]
        assert_all_close(predicted(again, given), predicted(model, given), PROMISE)


def test_trains_on_as_the_original(path):
    model = shaken(zoo.autoencoder("upsampling"))
    model.export(path)
    again = day33.from_onnx(path)
    x = np.random.default_rng(0).random((32, 28, 28, 1), np.float32)
    losses = []
    for one in (model, again):
        one.compile("adam", "binary_crossentropy")
        losses.append(one.fit(x, x, epochs=3, batch_size=8, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    assert losses[1][-1] < losses[1][0]


def test_imported_models_are_saved_and_exported(path, tmp_path):
    shaken(zoo.mobile()).export(path)
    model = day33.from_onnx(path)
    model.save(tmp_path / "model.keras")
    model.export(tmp_path / "again.onnx")
    x = zoo.random(3, 11, 10, 3)
    expected = predicted(model, [x])
    assert_all_close(predicted(day33.load_model(tmp_path / "model.keras"), [x]), expected, PROMISE)
    assert_all_close(run(tmp_path / "again.onnx", [x]), expected, PROMISE)


def test_masks_of_padding_are_part_of_the_graph(path):
    """A mask becomes a loop, which is not read; the message says so."""
    tokens = layers.Input((6,), dtype="int32")
    day33.Model(tokens, layers.LSTM(3)(layers.Embedding(7, 4, mask_zero=True)(tokens))).export(path)
    with pytest.raises(ValueError, match=r"operators that day33 does not read: Scan; expected some of \['Abs'"):
        day33.from_onnx(path)


# ---- node by node ----


def node_file(path, nodes, inputs, constants=None, outputs=("y",), opset=18):
    """A file with these nodes. inputs: the shapes and dtypes of x0, x1, ...; constants: arrays by name."""
    infos = [
        helper.make_tensor_value_info(f"x{n}", TYPES[np.dtype(dtype)], ["n", *shape])
        for n, (shape, dtype) in enumerate(inputs)
    ]
    arrays = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]
    results = [onnx.ValueInfoProto(name=name) for name in outputs]
    graph = helper.make_graph(nodes, "graph", infos, results, arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    inferred = onnx.shape_inference.infer_shapes(model)
    known = {item.name: item for item in [*inferred.graph.value_info, *inferred.graph.output]}
    del model.graph.output[:]
    model.graph.output.extend(known[name] for name in outputs)
    onnx.save(model, path)


def ints(*numbers):
    return np.array(numbers, np.int64)


FLOATS = [((3, 4), np.float32)]
IMAGES = [((3, 6, 8), np.float32)]
WEIGHT = zoo.random(5, 3, 3, 2, seed=4)
N = helper.make_node
# Nodes that give y from x0 (and x1); inputs; constants.
NODES = {
    "Abs Neg Sign": ([N("Abs", ["x0"], ["a"]), N("Neg", ["a"], ["b"]), N("Sign", ["b"], ["y"])], FLOATS, {}),
    "Sqrt Log Exp": ([N("Exp", ["x0"], ["a"]), N("Sqrt", ["a"], ["b"]), N("Log", ["b"], ["y"])], FLOATS, {}),
    "Max of three": ([N("Max", ["x0", "c", "d"], ["y"])], FLOATS, {"c": zoo.random(4), "d": np.float32(0.1)}),
    "Mean Sum": ([N("Mean", ["x0", "c"], ["a"]), N("Sum", ["a", "x0", "c"], ["y"])], FLOATS, {"c": zoo.random(3, 1)}),
    "Sub from a constant": ([N("Sub", ["c", "x0"], ["y"])], FLOATS, {"c": zoo.random(1, 3, 4)}),
    "Div of integers": ([N("Div", ["x0", "c"], ["y"])], [((7,), np.int32)], {"c": np.int32(-2)}),
    "Mod": ([N("Mod", ["x0", "c"], ["y"], fmod=1)], FLOATS, {"c": np.float32(-0.7)}),
    "Where": ([N("Less", ["x0", "c"], ["a"]), N("Where", ["a", "x0", "c"], ["y"])], FLOATS, {"c": zoo.random(4)}),
    "Cast": ([N("Cast", ["x0"], ["a"], to=6), N("Cast", ["a"], ["y"], to=1)], FLOATS, {}),
    "Clip below": ([N("Clip", ["x0", "c"], ["y"])], FLOATS, {"c": np.float32(-0.2)}),
    "Clip at 6": ([N("Clip", ["x0", "c", "d"], ["y"])], FLOATS, {"c": np.float32(0), "d": np.float32(6)}),
    "Selu": ([N("Selu", ["x0"], ["y"], alpha=1.5, gamma=1.2)], FLOATS, {}),
    "Celu": ([N("Celu", ["x0"], ["y"], alpha=0.7)], FLOATS, {}),
    "HardSigmoid": ([N("HardSigmoid", ["x0"], ["y"])], FLOATS, {}),
    "Elu": ([N("Elu", ["x0"], ["y"], alpha=0.3)], FLOATS, {}),
    "PRelu": ([N("PRelu", ["x0", "c"], ["y"])], IMAGES, {"c": zoo.random(3, 1, 1)}),
    "Gemm": ([N("Gemm", ["x0", "w", "b"], ["y"], alpha=0.5, beta=2.0, transB=1)], [((4,), np.float32)],
             {"w": zoo.random(3, 4), "b": zoo.random(3)}),
    "Gemm with one number": ([N("Gemm", ["x0", "w", "b"], ["y"])], [((4,), np.float32)],
                             {"w": zoo.random(4, 3), "b": zoo.random(1)}),
    "MatMul Add": ([N("MatMul", ["x0", "w"], ["a"]), N("Add", ["b", "a"], ["y"])], FLOATS,
                   {"w": zoo.random(4, 2), "b": zoo.random(2)}),
    "MatMul read twice": ([N("MatMul", ["x0", "w"], ["a"]), N("Add", ["a", "b"], ["c"]), N("Mul", ["a", "c"], ["y"])],
                          FLOATS, {"w": zoo.random(4, 2), "b": zoo.random(2)}),
    "MatMul of two": ([N("MatMul", ["x0", "x1"], ["y"])], [*FLOATS, ((4, 5), np.float32)], {}),
    "MatMul of a constant": ([N("MatMul", ["c", "x0"], ["y"])], FLOATS, {"c": zoo.random(1, 2, 3)}),
    "Einsum": ([N("Einsum", ["x0", "x1"], ["y"], equation="nij,nkj->nik")], [*FLOATS, ((2, 4), np.float32)], {}),
    "Reduce": ([N("ReduceMean", ["x0", "c"], ["y"])], FLOATS, {"c": ints(-1)}),
    "Reduce without": ([N("ReduceMax", ["x0", "c"], ["y"], keepdims=0)], IMAGES, {"c": ints(1, 3)}),
    "Reduce L2": ([N("ReduceL2", ["x0", "c"], ["y"])], FLOATS, {"c": ints(1, 2)}),
    "Reduce L1": ([N("ReduceL1", ["x0", "c"], ["y"], keepdims=0)], FLOATS, {"c": ints(2)}),
    "Reduce LogSumExp": ([N("ReduceLogSumExp", ["x0", "c"], ["y"])], FLOATS, {"c": ints(2)}),
    "ArgMax": ([N("ArgMax", ["x0"], ["y"], axis=1, keepdims=0)], IMAGES, {}),
    "Softmax": ([N("Softmax", ["x0"], ["y"], axis=1)], IMAGES, {}),
    "CumSum": ([N("CumSum", ["x0", "c"], ["y"])], FLOATS, {"c": np.int64(1)}),
    "Reshape with 0 and -1": ([N("Reshape", ["x0", "c"], ["y"])], IMAGES, {"c": ints(0, 0, -1)}),
    "Reshape by the batch": ([N("Reshape", ["x0", "c"], ["y"])], IMAGES, {"c": ints(-1, 12, 12)}),
    "Squeeze Unsqueeze": ([N("Unsqueeze", ["x0", "c"], ["a"]), N("Transpose", ["a"], ["b"], perm=[0, 3, 2, 1, 4]),
                           N("Squeeze", ["b", "d"], ["y"])], FLOATS, {"c": ints(1, -1), "d": ints(3)}),
    "Transpose Concat": ([N("Transpose", ["x0"], ["a"], perm=[0, 2, 1]), N("Concat", ["a", "a"], ["y"], axis=1)],
                         FLOATS, {}),
    "Slice": ([N("Slice", ["x0", "a", "b", "c", "d"], ["y"])], IMAGES,
              {"a": ints(-1, 1), "b": ints(-(2**63), 2**63 - 1), "c": ints(3, 2), "d": ints(-2, 1)}),
    "Split": ([N("Split", ["x0", "c"], ["a", "b"], axis=2), N("Concat", ["b", "a"], ["y"], axis=2)], IMAGES,
              {"c": ints(2, 4)}),
    "Gather a cell": ([N("Gather", ["x0", "c"], ["y"], axis=2)], IMAGES, {"c": np.int64(-2)}),
    "Gather cells": ([N("Gather", ["x0", "c"], ["y"], axis=1)], IMAGES, {"c": ints(2, 0, 0)}),
    "Gather rows": ([N("Gather", ["c", "x0"], ["y"], axis=0)], [((4,), np.int32)], {"c": zoo.random(6, 2, 3)}),
    "Gather from a table": ([N("Gather", ["c", "x0"], ["y"], axis=0)], [((4,), np.int32)], {"c": zoo.random(6, 3)}),
    "GatherElements": ([N("ArgMax", ["x0"], ["a"], axis=2), N("GatherElements", ["x0", "a"], ["y"], axis=2)], FLOATS,
                       {}),
    "Pad": ([N("Pad", ["x0", "c", "d"], ["y"])], IMAGES,
            {"c": ints(0, 0, 1, -1, 0, 0, 2, 3), "d": np.float32(0.5)}),
    "Pad by reflection": ([N("Pad", ["x0", "c"], ["y"], mode="reflect")], IMAGES, {"c": ints(0, 0, 1, 2, 0, 0, 2, 3)}),
    "Tile": ([N("Tile", ["x0", "c"], ["y"])], FLOATS, {"c": ints(1, 2, 3)}),
    "Expand": ([N("Expand", ["x0", "c"], ["y"])], [((3, 1), np.float32)], {"c": ints(1, 3, 4)}),
    "OneHot": ([N("Cast", ["x0"], ["a"], to=7), N("OneHot", ["a", "c", "d"], ["y"], axis=1)], [((5,), np.int32)],
               {"c": np.int64(4), "d": np.array([-1, 2], np.float32)}),
    "Shape arithmetic": (
        [N("Shape", ["x0"], ["s"]), N("Slice", ["s", "c0", "c2"], ["a"]), N("Slice", ["s", "c2", "c9"], ["b"]),
         N("ReduceProd", ["b"], ["p"]), N("Concat", ["a", "p"], ["q"], axis=0), N("Reshape", ["x0", "q"], ["y"])],
        IMAGES, {"c0": ints(0), "c2": ints(2), "c9": ints(9)}),
    "Conv": ([N("Conv", ["x0", "w"], ["y"], pads=[1, 0, 1, 1])], IMAGES, {"w": WEIGHT}),
    "Conv same": ([N("Conv", ["x0", "w"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2])], IMAGES, {"w": WEIGHT}),
    "Conv same below": ([N("Conv", ["x0", "w"], ["y"], auto_pad="SAME_LOWER")], IMAGES, {"w": WEIGHT}),
    "Conv with uneven borders": ([N("Conv", ["x0", "w"], ["y"], pads=[2, 0, 0, 3], strides=[1, 2])], IMAGES,
                                 {"w": WEIGHT}),
    "ConvTranspose": ([N("ConvTranspose", ["x0", "w"], ["y"], strides=[2, 3], pads=[1, 0, 0, 1],
                         output_padding=[1, 0])], IMAGES, {"w": zoo.random(3, 4, 3, 2)}),
    "MaxPool with borders": ([N("MaxPool", ["x0"], ["y"], kernel_shape=[3, 2], pads=[1, 0, 0, 1], strides=[2, 1])],
                             IMAGES, {}),
    "MaxPool up": ([N("MaxPool", ["x0"], ["y"], kernel_shape=[4, 3], strides=[3, 3], ceil_mode=1)], IMAGES, {}),
    "AveragePool counted": ([N("AveragePool", ["x0"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1],
                               count_include_pad=1)], IMAGES, {}),
    "AveragePool same": ([N("AveragePool", ["x0"], ["y"], kernel_shape=[3, 3], auto_pad="SAME_UPPER",
                            strides=[2, 2])], IMAGES, {}),
    "GlobalMaxPool": ([N("GlobalMaxPool", ["x0"], ["y"])], IMAGES, {}),
    "InstanceNormalization": ([N("InstanceNormalization", ["x0", "s", "b"], ["y"])], IMAGES,
                              {"s": zoo.random(3), "b": zoo.random(3)}),
    "LayerNormalization": ([N("LayerNormalization", ["x0", "s"], ["y"], axis=2)], IMAGES, {"s": zoo.random(6, 8)}),
    "BatchNormalization": ([N("BatchNormalization", ["x0", "s", "b", "b", "v"], ["y"], epsilon=1e-3)], IMAGES,
                           {"s": zoo.random(3), "b": zoo.random(3), "v": np.ones(3, np.float32)}),
    "Resize": ([N("Resize", ["x0", "", "", "c"], ["y"], mode="linear")], IMAGES, {"c": ints(1, 3, 9, 5)}),
    "Resize by factors": ([N("Resize", ["x0", "", "c"], ["y"], mode="nearest", nearest_mode="floor",
                             coordinate_transformation_mode="asymmetric")], IMAGES,
                          {"c": np.array([1, 1, 2, 3], np.float32)}),
}  # fmt: skip


@pytest.mark.parametrize("name", NODES)
def test_node(path, name):
    nodes, inputs, constants = NODES[name]
    if name == "Resize":  # sizes name the batch, here 1
        node_file(path, nodes, inputs, constants)
        x = samples_for(day33.from_onnx(path).inputs[0], 1)
        assert_all_close(predicted(day33.from_onnx(path), [x]), run(path, [x]), PROMISE)
        return
    node_file(path, nodes, inputs, constants)
    assert_imports(path)


CELLS = [("LSTM", 4, {}), ("GRU", 3, {}), ("GRU", 3, {"linear_before_reset": 1}), ("RNN", 1, {})]


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("layout", ["steps first", "states"])
@pytest.mark.parametrize(("op", "gates", "options"), CELLS, ids=["LSTM", "GRU", "GRU reset after", "RNN"])
def test_recurrent(path, op, gates, direction, layout, options):
    ways = 2 if direction == "bidirectional" else 1
    weights = {
        "w": zoo.random(ways, gates * 5, 3, seed=1), "r": zoo.random(ways, gates * 5, 5, seed=2),
        "b": zoo.random(ways, gates * 10, seed=3),
    }  # fmt: skip
    initial = ["h0", "c0"][: 2 if op == "LSTM" else 1] if layout == "states" else []
    given = [f"x{n + 1}" for n in range(len(initial))]
    nodes = [N("Transpose", ["x0"], ["x"], perm=[1, 0, 2])]
    nodes += [N("Transpose", [x], [h], perm=[1, 0, 2]) for x, h in zip(given, initial, strict=True)]
    nodes.append(N(op, ["x", "w", "r", "b", "", *initial], ["s", "h"], hidden_size=5, direction=direction, **options))
    nodes += [N("Transpose", ["s"], ["y"], perm=[2, 1, 0, 3]), N("Transpose", ["h"], ["z"], perm=[1, 0, 2])]
    inputs = [((6, 3), np.float32), *[((ways, 5), np.float32)] * len(initial)]
    node_file(path, nodes, inputs, weights, ["y", "z"])
    assert_imports(path)


def test_names_of_layers_and_outputs(path):
    nodes = [
        N("Gemm", ["x0", "w"], ["h"], name="/body/first/Gemm"), N("Relu", ["h"], ["hidden"]),
        N("Gemm", ["hidden", "v"], ["logits"], name="/body/second/Gemm"), N("Exp", ["logits"], ["raised"]),
    ]  # fmt: skip
    weights = {"w": zoo.random(3, 3), "v": zoo.random(3, 2)}
    node_file(path, nodes, [((3,), np.float32)], weights, ["hidden", "logits", "raised"])
    model = assert_imports(path)
    assert {layer.name for layer in model.layers} == {"x0", "body_first", "Relu", "body_second", "raised"}
    assert model.output_names == ["Relu", "body_second", "raised"]


# ---- what is refused ----


def test_unknown_operators_come_in_one_message(path):
    nodes = [
        N("Det", ["x0"], ["a"]), N("Hardmax", ["x0"], ["b"]), N("Hardmax", ["b"], ["c"]), N("Add", ["c", "x0"], ["y"]),
        N("NonZero", ["x0"], ["unused"]),
    ]  # fmt: skip
    node_file(path, nodes, [((3, 3), np.float32)], {}, ["y", "a"])
    with pytest.raises(ValueError, match=r"does not read: Det, Hardmax \(2\); expected some of"):
        day33.from_onnx(path)


REFUSED = {
    "the batch": ([N("ReduceSum", ["x0", "c"], ["y"])], FLOATS, {"c": ints(0)}, "works along the batch"),
    "axes before the batch": ([N("Reshape", ["x0", "c"], ["y"])], FLOATS, {"c": ints(-1, 2)}, "batch N to stay apart"),
    "constants alone": ([N("Exp", ["c"], ["y"])], FLOATS, {"c": ints(1)}, "constant"),
    "3-D": ([N("GlobalMaxPool", ["x0"], ["y"])], [((2, 3, 4, 5), np.float32)], {}, "expected \\(N, C, T\\)"),
    "groups": ([N("ConvTranspose", ["x0", "w"], ["y"], group=3)], IMAGES, {"w": zoo.random(3, 2, 2, 2)},
               "attribute 'group' is 3; expected 1"),
    "cubic": ([N("Resize", ["x0", "", "c"], ["y"], mode="cubic")], IMAGES, {"c": np.array([1, 1, 2, 2], np.float32)},
              "its mode is 'cubic'"),
    "padded means": ([N("AveragePool", ["x0"], ["y"], kernel_shape=[2, 2], pads=[1, 1, 1, 1])], IMAGES, {},
                     "its padding is"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(path, name):
    nodes, inputs, constants, message = REFUSED[name]
    node_file(path, nodes, inputs, constants)
    with pytest.raises(ValueError, match=message) as caught:
        day33.from_onnx(path)
    assert str(path) in str(caught.value)


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        day33.from_onnx(tmp_path / "nowhere.onnx")
    with pytest.raises(ValueError, match="is a folder"):
        day33.from_onnx(tmp_path)
