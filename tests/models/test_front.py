"""Models that begin with layers on strings and other arrays: every way in, several inputs, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import Model, Sequential, layers, tf

keras = pytest.importorskip("keras")
tensorflow = pytest.importorskip("tensorflow")

TEXTS = np.array(["good film", "bad film", "good good actors", "awful, bad, bad film"])
LABELS = np.array([1, 0, 1, 0])


def vectorizer(library, **arguments):
    layer = library.layers.TextVectorization(**({"output_sequence_length": 4} | arguments))
    layer.adapt(TEXTS)
    return layer


def classifier(library, declared=True):
    """Text to a probability, with the same weights in both libraries."""
    layer, make = vectorizer(library), library.layers
    start = [library.Input((1,), dtype="string")] if declared else []
    model = library.Sequential(
        [*start, layer, make.Embedding(10, 4, mask_zero=True), make.GlobalAveragePooling1D(), make.Dense(1, "sigmoid")]
    )
    if not declared:
        model.predict(TEXTS, verbose=0)
    rng = np.random.default_rng(0)
    model.set_weights([rng.standard_normal(weight.shape) for weight in model.get_weights()])
    return model


def test_every_way_in():
    ours, theirs = classifier(day33), classifier(keras)
    expected = theirs.predict(tensorflow.constant(TEXTS[:, None]), verbose=0)
    data = tf.data.Dataset.from_tensor_slices(TEXTS)
    ways = [
        ours.predict(TEXTS), ours.predict(TEXTS[:, None]), ours.predict(TEXTS.tolist()), ours.predict(data.batch(3)),
        ours.predict(np.array(TEXTS, object)), ours(TEXTS), ours(TEXTS.tolist()), ours(tf.constant(TEXTS.tolist())),
        ours.predict_on_batch(TEXTS), classifier(day33, declared=False).predict(TEXTS), ours(inputs=TEXTS),
    ]  # fmt: skip
    for found in ways:
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert isinstance(ours(TEXTS), tf.Tensor)
    assert ours.input_shape == (None, 1) and ours.output_shape == (None, 1)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in ours.sublayers()]
    assert "embedding" in str(ours.plan())


def test_training_as_keras():
    ours, theirs = classifier(day33), classifier(keras)
    for model, library in ((ours, day33), (theirs, keras)):
        model.compile(library.optimizers.SGD(0.5), "binary_crossentropy", metrics=["accuracy"])
    given = tensorflow.constant(TEXTS[:, None])
    mine = ours.fit(TEXTS, LABELS, batch_size=2, epochs=4, shuffle=False, verbose=0).history
    correct = theirs.fit(given, LABELS, batch_size=2, epochs=4, shuffle=False, verbose=0).history
    for name, values in correct.items():
        assert mine[name] == pytest.approx(values, rel=1e-4), name
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert ours.evaluate(TEXTS, LABELS, verbose=0) == pytest.approx(theirs.evaluate(given, LABELS, verbose=0), rel=1e-4)
    pairs = tf.data.Dataset.from_tensor_slices((TEXTS, LABELS)).batch(2)
    assert len(ours.fit(pairs, epochs=2, validation_data=(TEXTS, LABELS), verbose=0).history["val_loss"]) == 2
    assert ours.train_on_batch(TEXTS[:3], LABELS[:3]) and ours.test_on_batch(TEXTS[:3], LABELS[:3])


def test_texts_of_any_length():
    """Each width has a plan of its own."""
    layer = vectorizer(day33, output_sequence_length=None)
    model = Sequential([layer, layers.Embedding(10, 3), layers.LSTM(2)])
    whole = model.predict(TEXTS)
    assert whole.shape == (4, 2)
    padded = Sequential([vectorizer(day33), *model.layers[1:]])
    np.testing.assert_allclose(padded.predict(TEXTS), whole, rtol=1e-5, atol=1e-6)
    assert model.predict(TEXTS[:1]).shape == (1, 2)


def features(library):
    """Strings, integers and numbers, each through layers of its own: two in a row, and two on one input."""
    make = library.layers
    colour, size = library.Input((1,), dtype="string", name="colour"), library.Input((1,), dtype="int64", name="size")
    age = library.Input((2,), name="age")
    strings = make.StringLookup(vocabulary=["red", "blue"], output_mode="one_hot")
    numbers, dropped = (
        make.IntegerLookup(vocabulary=[3, 5]),
        make.IntegerLookup(vocabulary=[5], output_mode="multi_hot"),
    )
    embedded = make.Flatten()(make.Embedding(4, 2)(numbers(size)))
    x = make.Concatenate()([strings(colour), embedded, dropped(size), make.Dense(3)(age)])
    return library.Model([colour, size, age], make.Dense(2)(x))


def test_several_inputs():
    ours, theirs = features(day33), features(keras)
    theirs.set_weights(ours.get_weights())
    x = {
        "colour": np.array([["red"], ["green"], ["blue"]]), "size": np.array([[5], [3], [7]]),
        "age": np.random.default_rng(0).random((3, 2), np.float32),
    }  # fmt: skip
    given = {key: tensorflow.constant(value) for key, value in x.items()}
    expected = theirs.predict(given, verbose=0)
    for found in (ours.predict(x), ours.predict(list(x.values())), ours(x), ours(list(x.values()))):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="number of samples|sizes|samples"):
        ours.predict({**x, "age": x["age"][:2]})


def test_the_vocabulary_may_change_later():
    layer = vectorizer(day33)
    model = Sequential([layer, layers.Embedding(10, 3), layers.Flatten()])
    before = model.predict(TEXTS)
    layer.adapt(["film", "film", "bad"])
    assert not np.array_equal(model.predict(TEXTS), before)


def test_strings_come_out():
    inputs = day33.Input((2,), dtype="int32")
    words = layers.StringLookup(vocabulary=["a", "b"], invert=True)
    with pytest.raises(ValueError, match="an output of model 'm' was given strings; expected numbers"):
        Model(inputs, words(inputs), name="m")


def test_behind_each_other():
    inputs = day33.Input((2,), dtype="int32")
    words = layers.StringLookup(vocabulary=["a", "b"], invert=True)
    again = layers.StringLookup(vocabulary=["b", "a"])
    model = Model(inputs, layers.Embedding(3, 2)(again(words(inputs))))
    table = model.get_weights()[0]
    np.testing.assert_array_equal(model.predict(np.array([[0, 1], [2, 7]])), table[[[0, 2], [1, 0]]])


def test_what_is_refused():
    strings = day33.Input((1,), dtype="string")
    with pytest.raises(ValueError, match="layer 'd' .*expected dtype float32|expected dtype float32"):
        layers.Dense(2, name="d")(strings)
    numbers = day33.Input((3,), dtype="int32")
    late = layers.StringLookup(vocabulary=["a"], name="late")
    behind = layers.StringLookup(vocabulary=["a"], invert=True, name="behind")
    embedded = layers.Embedding(4, 2)(numbers)
    bins = layers.StringLookup(vocabulary=["a"], output_mode="one_hot", name="bins")
    assert Model(numbers, [embedded, bins(behind(numbers))]).predict(np.zeros((2, 3)))[1].shape == (2, 3, 2)
    with pytest.raises(ValueError, match=r"layer 'late' was given <Symb.* dtype=float32.*expected dtype string"):
        late(embedded)
    inner = classifier(day33)
    with pytest.raises(ValueError, match="of model 'm' was given strings; expected numbers, see StringLookup"):
        Sequential([day33.Input((1,), dtype="string"), inner], name="m")
    inner = Sequential([day33.Input((1,), dtype="int32"), layers.IntegerLookup(vocabulary=[3])], name="inner")
    with pytest.raises(ValueError, match="model 'inner' has layers that compute on arrays, .*outermost"):
        Sequential([day33.Input((1,), dtype="int32"), inner, layers.Embedding(2, 2)]).predict(np.zeros((3, 1), int))
    model = classifier(day33)
    with pytest.raises(TypeError, match="expected strings"):
        model.predict(np.zeros((3, 1)))
    with pytest.raises(ValueError, match=r"x has shape \(4, 2\); expected \(N, 1\)"):
        model.predict(np.stack([TEXTS, TEXTS], axis=1))
    with pytest.raises(ValueError, match='dtype is \'complex\'; expected "float32", "int32" or "string"'):
        day33.Input((1,), dtype="complex")
