"""Norms and linear algebra: as NumPy's in double, and as Keras's on TensorFlow, refusals included."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import day33
from day33 import ops
from day33._graph.tensors import SymbolicTensor
from support.graphs import check
from support.zoo import random

keras = pytest.importorskip("keras")

ORDERS = [None, 0, 1, -1, 2, -2, 3, 2.5, np.inf, -np.inf, "fro", "nuc", "euclidean"]
AXES = [None, 0, -1, (0, 1), (-1, 0)]


def outcome(function):
    """What a function gives, or the word "refused"."""
    try:
        return np.asarray(function())
    except ValueError:
        return "refused"


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_norms_of_vectors_and_matrices(order, shape):
    x = random(*shape)
    for axis, keepdims in itertools.product(AXES, [False, True]):
        if len(shape) == 1 and axis not in (None, 0, -1):
            continue
        mine = outcome(lambda a=axis, k=keepdims: ops.norm(x, order, a, k))
        right = outcome(lambda a=axis, k=keepdims: np.linalg.norm(x.astype(np.float64), order, a, k))
        if isinstance(right, str):
            assert isinstance(mine, str), (axis, keepdims)
        else:
            assert mine.dtype == np.float32 and mine.shape == right.shape
            np.testing.assert_allclose(mine, right, rtol=3e-6)


@pytest.mark.parametrize("order", [None, "fro", 1, -1, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("axis", [(1, 2), (2, 1)], ids=str)
def test_norms_of_matrices_in_graphs(order, axis):
    check(lambda o, t: o.norm(t, ord=order, axis=axis), random(6, 4, 5), exact=False)
    check(lambda o, t: o.norm(t, ord=order, axis=axis, keepdims=True), random(6, 4, 5), exact=False)


@pytest.mark.parametrize("order", [3, -1, 2.5, np.inf, -np.inf], ids=str)
def test_norms_of_vectors_in_graphs(order):
    check(lambda o, t: o.norm(t, ord=order, axis=-1), np.abs(random(6, 4, 5)) + np.float32(0.1), exact=False)


def test_norms_of_tensorflow():
    tf = pytest.importorskip("tensorflow")
    x = random(3, 4)
    for order, axis in itertools.product(["euclidean", 1, 2, np.inf], [None, 0, [0, 1], [1, 0]]):
        for keepdims in (False, True):
            mine = day33.tf.norm(x, order, axis, keepdims)
            right = tf.norm(x, order, axis, keepdims).numpy()
            assert mine.shape == right.shape
            np.testing.assert_allclose(mine, right, rtol=3e-6, err_msg=f"{order} {axis}")


def test_erfinv_at_its_ends():
    x = np.float32([-3, -1.5, -1, -0.99, 0, 0.3, 0.999, 1, 2, np.nan, np.inf])
    np.testing.assert_allclose(ops.erfinv(x), np.asarray(keras.ops.erfinv(x)), rtol=2e-5)


BATCH = random(3, 4, 4)
SYMMETRIC = BATCH @ np.swapaxes(BATCH, 1, 2) + np.eye(4, dtype=np.float32)
LOWER = np.linalg.cholesky(SYMMETRIC.astype(np.float64)).astype(np.float32)
AS_KERAS = {
    "cholesky": lambda o: o.cholesky(SYMMETRIC),
    "upper cholesky": lambda o: o.cholesky(SYMMETRIC, upper=True),
    "cholesky_inverse": lambda o: o.cholesky_inverse(LOWER),
    "upper cholesky_inverse": lambda o: o.cholesky_inverse(np.swapaxes(LOWER, 1, 2), upper=True),
    "det": lambda o: o.det(BATCH),
    "slogdet": lambda o: o.slogdet(BATCH),
    "logdet": lambda o: o.logdet(SYMMETRIC),
    "logdet of others": lambda o: o.logdet(np.float32([[[0, 1], [1, 0]], [[-4, 2], [2, -3]]])),
    "eigenvalues": lambda o: o.eigh(SYMMETRIC)[0],
    "inv": lambda o: o.inv(SYMMETRIC),
    "lstsq": lambda o: o.lstsq(random(7, 3), random(7, seed=1)),
    "lstsq of columns": lambda o: o.lstsq(random(7, 3), random(7, 2, seed=1)),
    "matrix_rank": lambda o: o.linalg.matrix_rank(np.stack([np.ones((3, 4), np.float32), random(3, 4)])),
    "matrix_rank above": lambda o: o.linalg.matrix_rank(np.diag(np.float32([3, 2, 1])), tol=1.5),
    "pinv": lambda o: o.pinv(random(2, 5, 3)),
    "pinv of wide ones": lambda o: o.pinv(random(2, 3, 5)),
    "solve": lambda o: o.solve(SYMMETRIC, random(3, 4, 2)),
    "solve for vectors": lambda o: o.solve(SYMMETRIC, random(3, 4)),
    "solve_triangular": lambda o: o.solve_triangular(LOWER, random(3, 4, 2), lower=True),
    "upper solve_triangular": lambda o: o.solve_triangular(np.swapaxes(LOWER, 1, 2), random(3, 4)),
    "singular values": lambda o: o.svd(random(2, 4, 3), compute_uv=False),
    "R of qr": lambda o: np.abs(o.qr(random(2, 5, 3))[1]),
}


@pytest.mark.parametrize("name", AS_KERAS)
def test_as_keras(name):
    mine, right = (found if isinstance(found, tuple) else (found,) for found in map(AS_KERAS[name], (ops, keras.ops)))
    for one, other in zip(mine, right, strict=True):
        other = np.asarray(other)
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def test_what_decompositions_are_made_of():
    x = random(2, 4, 3).astype(np.float64)
    for full in (True, False):
        u, s, v = ops.svd(x, full_matrices=full)
        assert u.shape == (2, 4, 4 if full else 3) and v.shape == (2, 3, 3)
        np.testing.assert_allclose(u[..., :3] * s[:, None] @ v, x, atol=2e-6)
        products = np.swapaxes(u, 1, 2) @ u
        np.testing.assert_allclose(products, np.broadcast_to(np.eye(u.shape[-1]), products.shape), atol=2e-6)
    for mode, columns in (("reduced", 3), ("complete", 4)):
        q, r = ops.qr(x, mode)
        assert q.shape == (2, 4, columns) and r.shape == (2, columns, 3)
        np.testing.assert_allclose(q @ r, x, atol=2e-6)
    values, vectors = ops.eigh(SYMMETRIC)
    np.testing.assert_allclose(SYMMETRIC @ vectors, vectors * values[:, None], rtol=1e-4, atol=1e-4)


WRONG = {
    "no matrix": (lambda: ops.inv(np.ones(3)), ValueError, r"x has shape \(3,\); inv expected square matrices"),
    "not square": (lambda: ops.det(np.ones((2, 3))), ValueError, r"x has shape \(2, 3\); det expected square"),
    "singular": (lambda: ops.inv(np.zeros((2, 2))), ValueError, "Singular matrix"),
    "negative": (lambda: ops.cholesky(-np.eye(2)), ValueError, "not positive definite"),
    "mode": (lambda: ops.qr(np.eye(2), "raw"), ValueError, "mode is 'raw'; expected"),
    "right side": (lambda: ops.solve(np.eye(2), np.ones(3)), ValueError, r"a has shape \(2, 2\) and b \(3,\)"),
    "many": (lambda: ops.lstsq(np.ones((2, 3, 3)), np.ones(3)), ValueError, r"expected \(M, N\) and"),
    "in a graph": (lambda: ops.svd(SymbolicTensor((None, 3, 3))), TypeError, "no svd inside of a graph"),
    "norm in a graph": (
        lambda: ops.norm(SymbolicTensor((None, 3, 3)), 2, (1, 2)), TypeError, "no svd inside of a graph"
    ),
    "three axes": (lambda: ops.norm(BATCH, 1), ValueError, "expected one axis or two"),
    "text": (lambda: ops.norm(BATCH, "nuc", 1), ValueError, "ord is 'nuc' for vectors; expected"),
    "cubes": (lambda: ops.norm(BATCH, 3, (0, 1)), ValueError, "ord is 3 for matrices; expected one of"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit(name):
    call, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        call()
