"""What fit, evaluate and predict take: containers, dtypes, strides, ranks, and what they say about the rest."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import Model, Sequential, layers
from day33._training.batches import ArrayData, Batch
from day33._training.standardize import InputStandardizer
from support.small_models import compiled, conv_layers, dense_model, images, regression, two_inputs


def test_several_inputs_in_every_container():
    rng = np.random.default_rng(0)
    a, b, y = rng.random((10, 6), np.float32), rng.random((10, 3), np.float32), rng.random((10, 2), np.float32)
    model = compiled(two_inputs())
    expected = model.predict([a, b])
    loss = model.evaluate([a, b], y, verbose=0)
    for x in ((a, b), {"a": a, "b": b}, {"b": b, "a": a, "unused": y}):
        np.testing.assert_array_equal(model.predict(x), expected)
        assert model.evaluate(x, {"out": y}, verbose=0) == loss
    assert model.fit({"b": b, "a": a}, y, verbose=0, validation_split=0.5).history["val_loss"]
    pairs = [({"a": a[:5], "b": b[:5]}, y[:5]), ((a[5:], b[5:]), [y[5:]])]
    assert len(model.fit(pairs, verbose=0).history["loss"]) == 1
    assert model.predict([((a, b),)]).shape == (10, 2)


def test_dicts_of_outputs():
    entry = layers.Input((6,))
    model = Model(entry, {"left": layers.Dense(1, name="l")(entry), "right": layers.Dense(2, name="r")(entry)})
    model.compile("sgd", {"left": "mse", "right": "mae"}, metrics={"right": ["mse"]})
    x, _ = regression(8)
    y = {"left": np.zeros((8, 1)), "right": np.zeros((8, 2))}
    logs = model.train_on_batch(x, y, return_dict=True)
    assert sorted(logs) == ["left_loss", "loss", "right_loss", "right_mse"]
    assert {name: value.shape for name, value in model.predict(x).items()} == {"left": (8, 1), "right": (8, 2)}


def test_contiguous_float32_is_not_copied():
    x, _ = regression()
    model = dense_model()
    assert InputStandardizer(model)(x)[0] is x
    assert InputStandardizer(model)([x])[0] is x
    picture = np.zeros((3, 8, 8), np.float32)
    assert np.shares_memory(InputStandardizer(Sequential(conv_layers(layers)))(picture)[0], picture)
    # Batches in order are views of the whole.
    whole = Batch(len(x), [x])
    assert all(np.shares_memory(batch.inputs[0], x) for batch in ArrayData(whole, 8).batches(0))


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x.astype(np.float64),
        lambda x: x.astype(np.uint8),
        lambda x: x.astype(">f4"),
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1][::-1],
        lambda x: x.tolist(),
        lambda x: np.require(x, requirements="C").copy().view(type("Sub", (np.ndarray,), {})),
    ],
)
def test_other_dtypes_and_strides_are_converted(convert):
    x = np.random.default_rng(0).integers(0, 5, (12, 6)).astype(np.float32)
    y = x[:, :2]
    model = compiled(dense_model())
    expected = model.evaluate(x, y, verbose=0)
    assert model.evaluate(convert(x), convert(np.ascontiguousarray(y)), verbose=0) == expected
    np.testing.assert_array_equal(model.predict(convert(x)), model.predict(x))


def test_read_only_arrays():
    x, y = regression()
    for array in (x, y):
        array.flags.writeable = False
    compiled(dense_model()).fit(x, y, verbose=0)


def test_ranks_are_adjusted_as_keras():
    """A last axis of length 1 may be missing or too many."""
    keras = pytest.importorskip("keras")
    ours, theirs = Sequential(conv_layers(layers)), keras.Sequential(conv_layers(keras.layers))
    theirs.set_weights(ours.get_weights())
    x, y = images(6)
    for given in (x, x[..., 0]):
        np.testing.assert_allclose(ours.predict(given), np.asarray(theirs(given)), atol=1e-6)
    np.testing.assert_array_equal(ours.predict(x[..., np.newaxis]), ours.predict(x))
    one = compiled(Sequential([layers.Input((1,)), layers.Dense(1)]))
    assert one.predict(np.zeros(4)).shape == (4, 1)
    flat = one.evaluate(np.arange(4.0), np.ones(4), verbose=0)
    assert flat == one.evaluate(np.arange(4.0)[:, None], np.ones((4, 1)), verbose=0)
    compiled(ours, "sparse_categorical_crossentropy")
    assert ours.evaluate(x, y, verbose=0) == ours.evaluate(x, y[:, None], verbose=0)


BAD_CALLS = {
    "rank of x": (lambda m, x, y: m.fit(x[:, 0], y), ValueError, r"x has shape \(40,\); expected \(N, 6\)"),
    "width of x": (lambda m, x, y: m.predict(x[:, :5]), ValueError, r"x has shape \(40, 5\); expected \(N, 6\)"),
    "objects": (lambda m, x, y: m.fit(x.astype(object), y), TypeError, "x has dtype object"),
    "complex": (lambda m, x, y: m.predict(x.astype(complex)), TypeError, "x has dtype complex128"),
    "strings": (lambda m, x, y: m.fit(x, y.astype(str)), TypeError, "y has dtype <U"),
    "ragged lists": (lambda m, x, y: m.predict([[1.0, 2.0], [3.0]]), ValueError, "x cannot be read as an array"),
    "lengths": (lambda m, x, y: m.fit(x, y[:39]), ValueError, "differ in their number of samples: x: 40, y: 39"),
    "weights' length": (lambda m, x, y: m.fit(x, y, sample_weight=np.ones(3)), ValueError, "x: 40, sample_weight: 3"),
    "shape of y": (lambda m, x, y: m.fit(x, y[:, :1]), ValueError, r"y has shape \(40, 1\); expected \(40, 2\)"),
    "no y": (lambda m, x, y: m.fit(x), ValueError, "y is missing"),
    "no x": (lambda m, x, y: m.fit(), ValueError, "x is missing"),
    "no samples": (lambda m, x, y: m.fit(x[:0], y[:0]), ValueError, r"x has no samples: shapes \[\(0, 6\)\]"),
    "none to evaluate": (lambda m, x, y: m.evaluate(x[:0], y[:0]), ValueError, "no samples"),
    "none in a batch": (lambda m, x, y: m.train_on_batch(x[:0], y[:0]), ValueError, "no samples"),
    "two arrays": (lambda m, x, y: m.fit([x, x], y), ValueError, "x is a list of 2 arrays .*expected 1"),
    "wrong key": (lambda m, x, y: m.predict({"z": x}), ValueError, r"x has the keys \['z'\]; expected"),
    "batch_size": (lambda m, x, y: m.fit(x, y, batch_size=0), ValueError, "batch_size is 0"),
    "batch_size float": (lambda m, x, y: m.fit(x, y, batch_size=2.5), TypeError, "batch_size is 2.5"),
    "epochs": (lambda m, x, y: m.fit(x, y, epochs=-1), ValueError, "epochs is -1"),
    "steps": (lambda m, x, y: m.fit(x, y, steps_per_epoch=0), ValueError, "steps_per_epoch is 0"),
    "verbose": (lambda m, x, y: m.fit(x, y, verbose=7), ValueError, "verbose is 7"),
    "shuffle": (lambda m, x, y: m.fit(x, y, shuffle="sample"), ValueError, "shuffle is 'sample'"),
    "split": (lambda m, x, y: m.fit(x, y, validation_split=1.5), ValueError, "validation_split is 1.5"),
    "split of one": (lambda m, x, y: m.fit(x[:1], y[:1], validation_split=0.5), ValueError, "without any"),
    "frequency": (lambda m, x, y: m.fit(x, y, validation_freq=0), ValueError, "validation_freq is 0"),
    "validation tuple": (lambda m, x, y: m.fit(x, y, validation_data=(x,)), ValueError, "validation_data"),
    "callbacks": (lambda m, x, y: m.fit(x, y, callbacks=[print]), TypeError, "callbacks has <built-in"),
    "both weights": (
        lambda m, x, y: m.fit(x, y, class_weight={0: 1.0}, sample_weight=np.ones(40)),
        ValueError,
        "class_weight and sample_weight",
    ),
    "class_weight": (lambda m, x, y: m.fit(x, y, class_weight=[1.0]), TypeError, r"class_weight is \[1.0\]"),
    "y beside batches": (lambda m, x, y: m.fit([(x, y)], y), ValueError, "y must not be given too"),
    "split of batches": (lambda m, x, y: m.fit([(x, y)], validation_split=0.5), ValueError, "needs arrays"),
    "no batch": (lambda m, x, y: m.fit(lambda: iter(())), ValueError, "x gave no batch in epoch 1"),
    "batch of four": (lambda m, x, y: m.fit([(x, y, None, None)]), ValueError, "a batch is a tuple of 4"),
    "batch without y": (lambda m, x, y: m.fit([(x,)]), ValueError, "y is missing"),
    "generator twice": (
        lambda m, x, y: m.fit(((x, y) for _ in range(3)), epochs=2),
        ValueError,
        "generator, which can be iterated only once, but there are 2 epochs",
    ),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_errors_say_what_is_wrong(case):
    call, kind, message = BAD_CALLS[case]
    with pytest.raises(kind, match=message):
        call(compiled(dense_model()), *regression())


def test_errors_before_and_in_compile():
    model = dense_model()
    x, y = regression()
    for method in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match="call compile"):
            method(x, y)
    model.compile("sgd")
    for method in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match="there is nothing to minimise: training and evaluation need a loss"):
            method(x, y)
    with pytest.raises(ValueError, match="loss is 'speed'; expected one of"):
        model.compile("sgd", "speed")
    with pytest.raises(TypeError, match="metrics is 'mae'; expected a list"):
        model.compile("sgd", "mse", metrics="mae")
    with pytest.raises(ValueError, match="metric is 'speed'"):
        model.compile("sgd", "mse", metrics=["speed"])
    sparse = compiled(dense_model(3), "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="For one-hot targets use categorical_crossentropy"):
        sparse.fit(x, np.eye(3)[np.zeros(40, int)])
    with pytest.raises(ValueError, match="for class numbers use sparse_categorical_crossentropy"):
        compiled(dense_model(3), "categorical_crossentropy").fit(x, np.zeros(40))
    with pytest.raises(ValueError, match="labels from 0 to 3; expected 0 to 2"):
        sparse.fit(x, np.arange(40) % 4)
