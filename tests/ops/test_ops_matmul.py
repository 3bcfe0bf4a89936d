"""Products of two tensors: to the bit on whole numbers, within rounding on others, in the shapes of NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from support import tolerances
from support.exact import check_exact, plan_of, real, whole

# Shapes of a and b without the batch: matrices below and above the size from which they are packed, leading axes that
# are equal, stretched or missing, and operands of one axis.
SHAPES = [
    ((1, 1), (1, 1)),
    ((4, 3), (3, 5)),
    ((1, 7), (7, 33)),
    ((9, 16), (16, 1)),
    ((17, 5), (5, 31)),
    ((6, 20), (20, 66)),
    ((40, 33), (33, 50)),
    ((129, 70), (70, 65)),
    ((129, 700), (700, 65)),
    ((1, 450), (450, 200)),
    ((200, 450), (450, 1)),
    ((70, 1), (1, 90)),
    ((3, 4, 5), (3, 5, 2)),
    ((3, 4, 5), (5, 6)),
    ((4, 5), (3, 5, 2)),
    ((2, 3, 4, 5), (2, 3, 5, 6)),
    ((2, 1, 4, 5), (1, 3, 5, 6)),
    ((2, 3, 4, 5), (3, 5, 6)),
    ((4, 2, 40, 40), (1, 2, 40, 40)),
    ((3, 40, 40), (40, 40)),
    ((5,), (5,)),
    ((5,), (5, 3)),
    ((4, 5), (5,)),
    ((3, 4, 5), (5,)),
    ((5,), (3, 5, 2)),
    ((4, 0), (0, 3)),
    ((0, 4), (4, 3)),
]


def product(builder, a, b):
    return builder.matmul(a, b)


def gradients(a, b, dy):
    """Of np.matmul of one sample, by its definition as a sum of products."""
    rows, columns = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    dy = dy[..., None] if b.ndim == 1 else dy
    dy = dy[..., None, :] if a.ndim == 1 else dy
    shape = dy.shape[:-2]
    da = np.einsum("...mn,...kn->...mk", dy, np.broadcast_to(columns, (*shape, *columns.shape[-2:])))
    db = np.einsum("...mk,...mn->...kn", np.broadcast_to(rows, (*shape, *rows.shape[-2:])), dy)
    return summed(da, rows.shape).reshape(a.shape), summed(db, columns.shape).reshape(b.shape)


def summed(gradient, shape):
    """Over the axes that were stretched from `shape`."""
    gradient = gradient.sum(tuple(range(gradient.ndim - len(shape))))
    stretched = tuple(i for i, size in enumerate(shape) if size == 1 and gradient.shape[i] != 1)
    return gradient.sum(stretched, keepdims=True)


def expected_of(a, b, dy):
    """[y, da, db] of a batch, in float64."""
    a, b, dy = (array.astype(np.float64) for array in (a, b, dy))
    pairs = [gradients(*sample) for sample in zip(a, b, dy, strict=True)]
    y = [np.matmul(*sample) for sample in zip(a, b, strict=True)]
    return [np.stack(y), *(np.stack(column) for column in zip(*pairs, strict=True))]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_products_are_exact(isa, restored_threads, shapes):
    plan = plan_of(product, *shapes)
    for batch in (1, 2, 5, 17):
        a, b = whole(1, batch, *shapes[0]), whole(2, batch, *shapes[1])
        dy = whole(3, batch, *np.matmul(a[0], b[0]).shape)
        check_exact(plan, [a, b], [], dy, expected_of(a, b, dy))


@pytest.mark.parametrize(
    "shapes",
    [((50, 400), (400, 30)), ((3, 9, 20), (20, 4)), ((2, 300, 300), (2, 300, 300)), ((9000,), (9000,)),
     ((1, 9000), (9000, 20))],
)  # fmt: skip
def test_products_are_as_good_as_float64(isa, shapes):
    plan = plan_of(product, *shapes)
    a, b = real(1, 2, *shapes[0]), real(2, 2, *shapes[1])
    dy = real(3, 2, *np.matmul(a[0], b[0]).shape)
    results = [plan.forward([a, b], [])[0], *plan.backward([a, b], [dy], [])[0]]
    magnitudes = expected_of(np.abs(a), np.abs(b), np.abs(dy))
    for mine, correct, magnitude in zip(results, expected_of(a, b, dy), magnitudes, strict=True):
        tolerances.assert_close(mine, correct, length=400, magnitude=magnitude)


def test_a_matrix_times_its_transpose(restored_threads):
    """One tensor may be both operands: its gradient is the sum of both."""
    plan = plan_of(lambda b, x: b.matmul(x, b.permute(x, (1, 0))), (6, 4))
    x, dy = whole(0, 5, 6, 4), whole(1, 5, 6, 6)
    y, dx = np.einsum("nij,nkj->nik", x, x), np.einsum("nik,nkj->nij", dy + dy.transpose(0, 2, 1), x)
    check_exact(plan, [x], [], dy, [y, dx])
    square = plan_of(lambda b, x: b.matmul(x, x), (4, 4))
    x, dy = whole(2, 5, 4, 4), whole(3, 5, 4, 4)
    dx = np.einsum("nij,nkj->nik", dy, x) + np.einsum("nji,njk->nik", x, dy)
    check_exact(square, [x], [], dy, [x @ x, dx])


def test_no_matrix_at_all():
    """A leading axis of nothing, to which the other operand is stretched: it has no gradient, but a zero one."""
    plan = plan_of(product, (0, 2, 3), (1, 3, 4))
    a, b = np.zeros((2, 0, 2, 3), np.float32), whole(0, 2, 1, 3, 4)
    y = plan.forward([a, b], [])[0]
    assert y.shape == (2, 0, 2, 4)
    np.testing.assert_array_equal(plan.backward([a, b], [y], [])[0][1], np.zeros_like(b))


def test_infinities_and_nan_stay_where_they_are():
    plan = plan_of(product, (3, 4), (4, 5))
    a, b = whole(0, 1, 3, 4), whole(1, 1, 4, 5)
    a[0, 1, 2] = np.nan
    y = plan.forward([a, b], [])[0]
    np.testing.assert_array_equal(np.isnan(y[0]), np.arange(3)[:, None] == np.full(5, 1))


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((3, 4), (3, 4)), r"a and b have shapes \(3, 4\) and \(3, 4\) .*; expected as many columns of a as rows of b"),
        (((4,), (3,)), "as many columns of a as rows of b"),
        (((2, 3, 4), (3, 4, 5)), "leading axes that are equal or 1"),
        (((), (3, 4)), r"a has shape \(\).*at least one dimension"),
        (((3,), ()), r"b has shape \(\).*at least one dimension"),
    ],
)
def test_what_is_no_product(shapes, words):
    with pytest.raises(ValueError, match=words):
        plan_of(product, *shapes)


def test_integers_and_lanes_are_refused():
    with pytest.raises(ValueError, match="b: expected a float32 tensor"):
        plan_of(lambda build, b, a: build.matmul(a, b), (3, 3), (3, 3), dtypes=["int32"])
    with pytest.raises(ValueError, match="layout is 'lanes', which matmul does not have"):
        plan_of(product, (3, 3), (3, 3), layout="lanes")
