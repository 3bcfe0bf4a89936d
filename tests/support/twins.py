"""A model built twice, by day33 and by Keras, with the same weights; and what both say of the same batch."""

from __future__ import annotations

import numpy as np

import day33

# Products of up to a few hundred terms through up to ten steps: measured errors are some 1e-7 of the largest entry.
CLOSE = 2e-6


def build_both(build, keras, seed=0, scale=0.4):
    """`build(library)` with each library, the weights drawn anew so that none is zero or the same as another."""
    ours, theirs = build(day33), build(keras)
    shapes = [w.shape for w in ours.get_weights()]
    assert shapes == [w.shape for w in theirs.get_weights()]
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0, scale, shape).astype(np.float32) for shape in shapes]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    return ours, theirs


def as_list(value):
    return list(value) if isinstance(value, list | tuple) else [value]


def assert_all_close(actual, expected, bound=CLOSE, what="result"):
    """Entry by entry within `bound` of the largest entry (or of 1) of each array."""
    actual, expected = as_list(actual), as_list(expected)
    assert len(actual) == len(expected), what
    for number, (mine, correct) in enumerate(zip(actual, expected, strict=True)):
        mine, correct = np.asarray(mine), np.asarray(correct)
        assert mine.shape == correct.shape, f"{what} {number}: {mine.shape} is not {correct.shape}"
        scale = max(1.0, float(np.abs(correct).max(initial=0)))
        np.testing.assert_allclose(mine, correct, rtol=0, atol=bound * scale, err_msg=f"{what} {number}")


def assert_same_predictions(ours, theirs, x, bound=CLOSE):
    mine = ours.predict(x, verbose=0)
    correct = theirs(x if not isinstance(x, list) else list(x), training=False)
    assert_all_close(mine, [np.asarray(y) for y in as_list(correct)], bound, "output")


def step(model, x, y, loss, optimizer, **arguments):
    """The reported loss of one batch, and what the step took from each weight."""
    options = {} if isinstance(model, day33.Model) else {"run_eagerly": True, "jit_compile": False}
    model.compile(optimizer=optimizer, loss=loss, loss_weights=arguments.pop("loss_weights", None), **options)
    before = [w.copy() for w in model.get_weights()]
    value = as_list(model.train_on_batch(x, y, **arguments))
    return [float(v) for v in value], [b - a for a, b in zip(model.get_weights(), before, strict=True)]


def assert_same_gradients(ours, theirs, keras, x, y, loss="mean_squared_error", bound=CLOSE, **arguments):
    """One step of gradient descent at rate 1 moves every weight by its gradient. `loss`: a name, a list of names, or
    a function of the library."""

    def of(library):
        return loss(library) if callable(loss) else loss

    mine = step(ours, x, y, of(day33), day33.optimizers.SGD(1.0), **dict(arguments))
    correct = step(theirs, x, y, of(keras), keras.optimizers.SGD(1.0), **dict(arguments))
    assert_all_close(mine[0], correct[0], bound, "loss")
    assert_all_close(mine[1], correct[1], bound, "gradient")
    return mine[1]
