"""Layers that merge several inputs, `Dot` and `Concatenate` among them, against Keras."""

from __future__ import annotations

import json

import numpy as np
import pytest

import day33
from day33 import layers
from day33._graph.lowering import Lowering
from support.tolerances import assert_close
from support.zoo import random

keras = pytest.importorskip("keras")

MERGING = ["Add", "Subtract", "Multiply", "Maximum", "Minimum", "Average"]
MERGED_SHAPES = [
    [(3, 4, 5), (3, 4, 5)], [(3, 4, 5), (1, 1, 5)], [(3, 1, 5), (1, 4, 1)], [(5,), (3, 4, 5)], [(1,), (7,)],
    [(3, 4), (3, 4), (1, 4)],
]  # fmt: skip


@pytest.mark.parametrize("shapes", MERGED_SHAPES, ids=str)
@pytest.mark.parametrize("name", MERGING)
def test_merging(name, shapes):
    if name == "Subtract":
        shapes = shapes[:2]
    xs = [random(6, *shape, seed=i) for i, shape in enumerate(shapes)]
    ours, theirs = getattr(layers, name)(), getattr(keras.layers, name)()
    expected = np.asarray(theirs(xs))
    assert_close(ours(xs), expected, length=len(xs), magnitude=max(1, np.abs(expected).max()))
    for batch in (None, 6):
        given = [(batch, *shape) for shape in shapes]
        assert ours.compute_output_shape(given) == tuple(theirs.compute_output_shape(given))
    opened = [(None, *(None if size > 1 else 1 for size in shape)) for shape in shapes]
    assert ours.compute_output_shape(opened) == tuple(theirs.compute_output_shape(opened))


DOTS = [
    ([(4,), (4,)], 1, False), ([(4,), (4,)], -1, True), ([(3, 4), (4,)], (2, 1), False), ([(4,), (4, 3)], 1, True),
    ([(3, 4), (5, 4)], 2, False), ([(3, 4), (3, 5)], 1, True), ([(3, 4), (4, 5)], (2, 1), True),
    ([(2, 3, 4), (5, 3)], (2, 2), False), ([(2, 3, 4), (2, 5, 6)], (1, 1), True), ([(1, 4), (1, 4)], -2, False),
]  # fmt: skip


@pytest.mark.parametrize(("shapes", "axes", "normalize"), DOTS)
def test_dot(shapes, axes, normalize):
    xs = [random(6, *shape, seed=i) for i, shape in enumerate(shapes)]
    ours, theirs = layers.Dot(axes, normalize), keras.layers.Dot(axes, normalize)
    expected = np.asarray(theirs(xs))
    assert_close(ours(xs), expected, length=16, magnitude=max(1, np.abs(expected).max()))
    np.testing.assert_array_equal(layers.dot(xs, axes, normalize=normalize), ours(xs))
    for batch in (None, 6):
        given = [(batch, *shape) for shape in shapes]
        assert ours.compute_output_shape(given) == tuple(theirs.compute_output_shape(given))
    again = layers.Dot.from_config(json.loads(json.dumps(ours.get_config())))
    np.testing.assert_array_equal(again(xs), ours(xs))


def test_dot_of_nothing_has_a_gradient():
    """The length of a vector of zeros counts as 1e-7; Keras's gradient is NaN there."""
    lowering = Lowering()
    builder = lowering.builder
    inputs = [lowering.input((3,), "float32") for _ in range(2)]
    plan = builder.build(layers.Dot(1, normalize=True).lower(lowering, inputs))
    xs = [np.array([[0, 0, 0]], np.float32), np.array([[0, 2, 0]], np.float32)]
    assert plan.forward(xs, [])[0] == 0
    dx, _ = plan.backward(xs, [np.ones((1, 1), np.float32)], [])
    np.testing.assert_allclose(dx[0], [[0, 1e7, 0]], rtol=1e-6)
    np.testing.assert_array_equal(dx[1], [[0, 0, 0]])


@pytest.mark.parametrize(
    ("axes", "shapes", "error", "message"),
    [
        (0, [(2, 3), (2, 3)], ValueError, "axes is 0; expected others than 0"),
        ((1, 2, 3), [(2, 3), (2, 3)], ValueError, "an integer or a pair"),
        (1.5, [(2, 3), (2, 3)], TypeError, "axes is 1.5"),
        (1, [(2, 3), (2, 4)], ValueError, "equal sizes along axes 1"),
        (2, [(2, 3), (2, 3)], ValueError, "axes of layer .* is 2"),
        (1, [(2, 3), (2, 3), (2, 3)], ValueError, "3 inputs; expected 2"),
    ],
)
def test_refused_dots(axes, shapes, error, message):
    with pytest.raises(error, match=message):
        layers.Dot(axes)([np.zeros(shape, np.float32) for shape in shapes])


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate"])
def test_merging_functions(name):
    xs = [random(6, 3, 4, seed=i) for i in range(2)]
    options = {"axis": 1} if name == "concatenate" else {}
    expected = np.asarray(getattr(keras.layers, name)(xs, **options))
    np.testing.assert_allclose(getattr(layers, name)(xs, **options), expected, rtol=1e-6)
    a, b = day33.Input((3, 4)), day33.Input((3, 4))
    merged = getattr(layers, name)([a, b], name="joined", **options)
    assert merged.node.layer.name == "joined" and tuple(merged.shape[1:]) == expected.shape[1:]


def test_merging_needs_inputs_that_fit():
    with pytest.raises(ValueError, match="given 3 inputs; expected 2"):
        layers.Subtract()([np.zeros((2, 3))] * 3)
    with pytest.raises(ValueError, match="one shape for all, or sizes of 1"):
        layers.Multiply()([np.zeros((2, 3, 4)), np.zeros((2, 3))])
    with pytest.raises(ValueError, match="list of tensors"):
        layers.Average()(np.zeros((2, 3)))
    np.testing.assert_array_equal(layers.Maximum()([np.ones((2, 3))]), np.ones((2, 3)))


@pytest.mark.parametrize("axis", [1, 2, 3, -1, -3])
def test_concatenate_and_add(axis):
    xs = [random(2, 3, 4, 5, seed=i) for i in range(3)]
    expected = np.asarray(keras.layers.Concatenate(axis=axis)(xs))
    np.testing.assert_array_equal(layers.Concatenate(axis=axis)(xs), expected)
    np.testing.assert_allclose(layers.Add()(xs), np.asarray(keras.layers.Add()(xs)), rtol=1e-6, atol=1e-6)
    shapes = [(None, 3, None, 5)] * 2
    ours, theirs = layers.Concatenate(axis=axis), keras.layers.Concatenate(axis=axis)
    assert ours.compute_output_shape(shapes) == tuple(theirs.compute_output_shape(shapes))
