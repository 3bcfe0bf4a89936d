"""The one place of numerical tolerances, with where they come from.

Rounding of a sum. A float32 sum of K products, in any order and with or without fused multiply-adds, obeys

    |computed - exact| <= gamma(K) * sum |a_i| |b_i|,    gamma(K) = K u / (1 - K u),  u = 2**-24

(Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1). Two float32 implementations both
err, so they lie within 2 gamma(K) * sum |a_i| |b_i| of each other. Convolution, pooling, dense layers, up-sampling
and all their gradients are such sums. sum |a_i| |b_i| is the same operation on absolute values, which the tests
compute with the reference: they call it the magnitude. The bound is only ever used where it is below the
project's promise of 1e-5, else 1e-5 is: errors of real sums grow like sqrt(K), so this does not make the tests flaky.

A fused activation follows the sum. All of them have a slope of at most 1 (softmax too, in the maximum norm it is at
most 1/2 per unit), so the error of the sum passes on at most whole, and their own evaluation adds ELEMENTARY.

Elementary functions. Ours and the reference's exp, tanh and sigmoid are each within a few units in the last place:
8 u relative a side, for the smallest results (sigmoid and softmax far out) absolute.
"""

from __future__ import annotations

import numpy as np

UNIT_ROUNDOFF = 2.0**-24
PROMISE = 1e-5
ELEMENTARY = 16 * UNIT_ROUNDOFF
# Ten training steps: the promise of docs and issue, on losses and weights of order 1.
TRAINING_STEPS = 1e-4


def gamma(length: int) -> float:
    return length * UNIT_ROUNDOFF / (1 - length * UNIT_ROUNDOFF)


def relative(length: int) -> float:
    """The bound on |ours - theirs| / magnitude for float32 sums of `length` terms."""
    return min(2 * gamma(length), PROMISE)


def assert_close(actual, expected, *, length, magnitude=None, extra=0.0, what="result"):
    """Asserts |actual - expected| <= relative(length) * magnitude + extra * max(1, |expected|), entry by entry.

    length: terms of the longest sum behind one entry, the bias counted. magnitude: array like `expected`, or a number;
    None takes |expected| itself, which is right where a sum has one term or terms of one sign.
    extra: for what is not a sum (ELEMENTARY for an activation).
    """
    actual, expected = np.asarray(actual), np.asarray(expected, np.float64)
    assert actual.dtype == np.float32, f"{what}: dtype {actual.dtype}"
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    if magnitude is None:
        magnitude = np.abs(expected)
    allowed = relative(length) * np.asarray(magnitude, np.float64) + extra * np.maximum(1, np.abs(expected))
    error = np.abs(actual - expected)
    wrong = ~((error <= allowed) | (np.isnan(actual) & np.isnan(expected)) | (actual == expected))
    if wrong.any():
        ratio = np.where(wrong, error / np.maximum(allowed, np.finfo(np.float64).tiny), 0)
        worst = np.unravel_index(np.argmax(np.where(np.isnan(ratio), np.inf, ratio)), ratio.shape)
        raise AssertionError(
            f"{what}: {int(wrong.sum())} of {wrong.size} entries differ; worst at {tuple(map(int, worst))}: "
            f"{actual[worst]!r} instead of {expected[worst]!r}, allowed {allowed[worst]:.3g}"
        )
