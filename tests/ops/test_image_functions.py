"""The functions of keras.ops.image: on arrays, traced, and as Keras's on TensorFlow, with gradients."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from day33 import ops
from day33._graph.staged_plan import StagedPlan
from day33._graph.tensors import SymbolicTensor
from support.graphs import Traced, check, compare, of_keras
from support.zoo import random

pytest.importorskip("keras")

X = random(3, 7, 6, 3)
SIZES = [(14, 12), (3, 4), (7, 6), (1, 1), (9, 5)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3"])
def test_resize(size, interpolation):
    traced = check(lambda o, x: o.image.resize(x, size, interpolation), X, exact=True, tolerance=1e-5)
    assert not isinstance(traced.compiled.plan, StagedPlan)


RESIZED = {
    "smoothed": lambda o, x: o.image.resize(x, (3, 2), "bilinear", antialias=True),
    "cut": lambda o, x: o.image.resize(x, (6, 3), crop_to_aspect_ratio=True),
    "cut in height": lambda o, x: o.image.resize(x, (3, 9), "nearest", crop_to_aspect_ratio=True),
    "padded": lambda o, x: o.image.resize(x, (6, 3), pad_to_aspect_ratio=True, fill_value=0.5),
    "padded in width": lambda o, x: o.image.resize(x, (4, 9), pad_to_aspect_ratio=True),
    "integers": lambda o, x: o.image.resize(o.cast(20 * x, "int32"), (3, 4), "nearest"),
}
OTHERS = {
    "crop": lambda o, x: o.image.crop_images(x, 1, 2, 3, 1),
    "crop to a size": lambda o, x: o.image.crop_images(
        x, top_cropping=1, left_cropping=0, target_height=4, target_width=3
    ),
    "pad": lambda o, x: o.image.pad_images(x, 1, 2, 3, 0),
    "pad to a size": lambda o, x: o.image.pad_images(
        x, bottom_padding=1, right_padding=2, target_height=10, target_width=9
    ),
    "gray": lambda o, x: o.image.rgb_to_grayscale(o.sigmoid(x)),
}
TRANSFORMS = np.float32([
    [1, 0, 0, 0, 1, 0, 0, 0], [0.9, 0.2, -0.3, -0.1, 1.1, 0.4, 0, 0], [1, 0, 1.6, 0, 1, -0.7, 0.01, 0.02],
])  # fmt: skip


@pytest.mark.parametrize("name", RESIZED)
def test_resize_in_proportion(name):
    check(RESIZED[name], X, exact=False, tolerance=1e-5)


@pytest.mark.parametrize("name", OTHERS)
def test_others(name):
    check(OTHERS[name], X, exact=False)


@pytest.mark.parametrize("interpolation, fill", itertools.product(
    ("nearest", "bilinear"), ("constant", "nearest", "wrap", "reflect")
))  # fmt: skip
def test_affine_transform(interpolation, fill):
    def function(o, x, t):
        return o.image.affine_transform(x, t, interpolation, fill, 0.3)

    traced = Traced(function, [X, TRANSFORMS])
    correct = of_keras(lambda o, x: function(o, x, TRANSFORMS), [X])
    compare(traced.forward()[0], correct.results[0], 1e-5, "traced")
    compare(function(ops, X, TRANSFORMS), correct.results[0], 1e-5, "on arrays")
    # TensorFlow's gradient is that of the inverse transform. Ours is the adjoint: <Ax, y> - <A0, y> = <x, A'y>.
    (dx, _), _ = traced.backward(correct.dys)
    nothing = Traced(function, [np.zeros_like(X), TRANSFORMS]).forward()[0]
    left = np.sum((traced.forward()[0] - np.float64(nothing)) * correct.dys[0])
    assert abs(left - np.sum(np.float64(X) * dx)) < 1e-4 * np.sum(np.abs(X))


def test_one_transform_for_all():
    expected = ops.image.affine_transform(X, np.repeat(TRANSFORMS[1:2], 3, 0))
    np.testing.assert_array_equal(ops.image.affine_transform(X, TRANSFORMS[1]), expected)
    traced = Traced(lambda o, x: o.image.affine_transform(x, TRANSFORMS[1]), [X])
    np.testing.assert_array_equal(traced.forward()[0], expected)


def test_single_images():
    for function in (
        lambda x: ops.image.resize(x, (3, 4)), lambda x: ops.image.crop_images(x, 1, 1, 1, 1),
        lambda x: ops.image.rgb_to_grayscale(x), lambda x: ops.image.affine_transform(x, TRANSFORMS[2]),
    ):  # fmt: skip
        np.testing.assert_array_equal(function(X[0]), function(X[:1])[0])


SYMBOL = SymbolicTensor((None, 7, 6, 3))
WRONG = {
    "rank": (lambda: ops.image.resize(X[0, 0], (2, 2)), r"images have shape \(6, 3\); expected"),
    "interpolation": (lambda: ops.image.resize(SYMBOL, (2, 2), "cubic"), "interpolation is 'cubic'; expected one of"),
    "both": (
        lambda: ops.image.resize(SYMBOL, (2, 2), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True),
        "both True",
    ),
    "size": (lambda: ops.image.resize(SYMBOL, (2, 0)), r"size\[1\] is 0; expected at least 1"),
    "fill_mode": (lambda: ops.image.resize(SYMBOL, (2, 2), fill_mode="wrap"), 'expected "constant"'),
    "data_format": (lambda: ops.image.resize(SYMBOL, (2, 2), data_format="channels_first"), 'expected "channels_last"'),
    "crop": (lambda: ops.image.crop_images(SYMBOL, 4, 0, 3, 0), "expected numbers that leave an image"),
    "numbers": (lambda: ops.image.crop_images(SYMBOL, 4), "expected two of the three numbers"),
    "pad": (lambda: ops.image.pad_images(SYMBOL, 1, 1, None, 0, target_height=7), "expected numbers that leave"),
    "transform": (
        lambda: ops.image.affine_transform(SYMBOL, np.eye(3)),
        r"transform has shape \(3, 3\); expected",
    ),
    "transforms": (lambda: ops.image.affine_transform(X, np.ones((2, 8))), "2"),
    "fill": (lambda: ops.image.affine_transform(SYMBOL, TRANSFORMS[0], fill_mode="mirror"), "fill_mode is 'mirror'"),
    "colours": (lambda: ops.image.rgb_to_grayscale(SYMBOL[..., :2]), "expected three channels"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name):
    call, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        call()
