"""The calls that `nox -s torture` makes odd have to work as they are, or nothing would be tried but their refusal."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import day33
from day33 import initializers, layers, losses, metrics, ops, random
from torture.valid_calls import GROUPS


@pytest.mark.parametrize("group", GROUPS)
def test_answer(group):
    for name, (function, arguments) in GROUPS[group]().items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                function(**arguments)
            except Exception as error:
                if "graphs" not in group or "inside of a graph" not in str(error):
                    pytest.fail(f"{name} was refused: {error}")


HUGE, X = 2**63, np.ones((2, 6, 5, 3), np.float32)
ROWS = np.full((2, 3), 0.5, np.float32)


# Each ended with an error from the inside, or took minutes.
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.conv(layers.Input((6, 5, 0)), np.ones((2, 3, 3, 4))), "expected .*C / groups"),
        (lambda: random.binomial((2,), 10**30, 0.5), "counts is 1000"),
        (lambda: random.binomial((2,), np.nan, 0.5), "counts is nan"),
        (lambda: random.binomial((2,), -1, 0.5), "counts is -1"),
        (lambda: random.randint((2,), 0, 10**30), "range of int32"),
        (lambda: random.randint((2,), np.nan, 3), "minval is nan"),
        (lambda: ops.reshape(X[..., :0], (-1, 5, 0)), "expected no -1 beside a size of 0"),
        *(
            (lambda f=f: f(np.diag([np.inf, 1, 1])), "holds NaN or infinity")
            for f in (ops.svd, ops.pinv, ops.matrix_rank)
        ),
        (lambda: ops.lstsq(np.diag([np.inf, 1]), np.ones(2)), "a of shape .* holds NaN or infinity"),
        (lambda: ops.arange(0, 2, 0), "step is 0"),
        (lambda: ops.rfft(1.0), r"x of rfft has shape \(\)"),
        (lambda: ops.unique(ROWS, axis=2**40), f"axis is {2**40}"),
        (lambda: ops.trapezoid(ROWS, 2.0), r"x has shape \(\) and y \(2, 3\)"),
        (lambda: ops.quantile(X[:0], 0.5), "expected at least one value"),
        (lambda: losses.categorical_generalized_cross_entropy([1], 0), r"y_pred has shape \(\)"),
        (lambda: initializers.GlorotUniform(input_axes=(2**31, 1), output_axes=[])((3, 3)), "input_axes is 2147483648"),
        (lambda: initializers.GlorotUniform(input_axes=[0], output_axes=[5])((3, 3)), "output_axes is 5"),
        (lambda: metrics.CosineSimilarity(axis=HUGE)(ROWS, ROWS), f"axis is {HUGE}"),
        (lambda: metrics.pearson_correlation(ROWS, ROWS, axis=2**40), f"axis is {2**40}"),
        (lambda: metrics.concordance_correlation(ROWS, ROWS, axis=2), "axis is 2 for an array of 2"),
        (lambda: metrics.CategoricalCrossentropy(axis=2**32 + 1)(ROWS, ROWS), "axis is 4294967297"),
        (lambda: metrics.SparseCategoricalCrossentropy(axis=HUGE)([1, 2], ROWS), f"axis is {HUGE}"),
        (lambda: metrics.OneHotIoU(3, [0], axis=10**30)(ROWS, ROWS), "axis is 1000"),
    ],
)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_numbers_that_time_must_not_follow():
    grams = layers.TextVectorization(vocabulary=["a", "a a"], ngrams=300_000_000)
    np.testing.assert_array_equal(grams([["a a a"]]), [[2, 2, 2, 3, 3, 1]])
    assert ops.diff(ROWS, n=2**31 - 1).shape == (2, 0)
    with pytest.raises(MemoryError):
        metrics.MeanIoU(300_000_000)


def test_a_length_of_infinity():
    np.testing.assert_array_equal(ops.normalize(X, epsilon=1e308), np.zeros_like(X))


def test_gradients_of_integers_are_none():
    variable = day33.Variable(ROWS)
    with day33.GradientTape() as tape:
        place = ops.argmax(variable * 2.0, axis=-1)
    assert tape.gradient(place, variable) is None
