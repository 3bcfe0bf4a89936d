"""Pages of pooling, up-sampling and dense layers: their numbers are those of day33.ops."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import explain, ops
from support.pages import Page, run_script


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "strides"), [(2, None), (3, 2), ((2, 3), (1, 2))])
def test_winners_are_the_maxima_of_their_windows(padding, size, strides):
    x = np.random.default_rng(0).integers(-9, 10, (1, 6, 7, 2)).astype(np.float32)
    data = Page(explain.max_pool2d(x, size, strides=strides, padding=padding)).of("winners")
    y, indices = ops.max_pool2d(x, size, strides=strides, padding=padding, return_indices=True)
    np.testing.assert_array_equal(np.moveaxis(np.array(data["y"]), 0, 2), y[0])
    rows, columns = data["axes"]
    for c, i, j in np.ndindex(*np.array(data["y"]).shape):
        index = data["indices"][c][i][j]
        assert index == indices[0, i, j, c] // 2
        r, s = divmod(index, columns["large"])
        assert data["x"][c][r][s] == data["y"][c][i][j]
        u, v = r - (i * rows["stride"] - rows["before"]), s - (j * columns["stride"] - columns["before"])
        assert 0 <= u < rows["kernel"] and 0 <= v < columns["kernel"]
        top, left = i * rows["stride"] - rows["before"], j * columns["stride"] - columns["before"]
        window = np.array(data["x"][c])[
            max(top, 0) : top + rows["kernel"], max(left, 0) : left + columns["kernel"]
        ]  # fmt: skip
        assert window.max() == data["y"][c][i][j]


def test_weights_of_each_way_make_its_values():
    x = np.random.default_rng(1).integers(-9, 10, (1, 4, 6, 1)).astype(np.float32)
    pooled, indices = ops.max_pool2d(x, 2, return_indices=True)
    expected = {
        "nearest": ops.up_sampling2d(pooled, 2),
        "bed of nails": ops.up_sampling2d(pooled, 2, interpolation="bed_of_nails"),
        "max un-pooling": ops.max_unpool2d(pooled, indices, (4, 6)),
    }
    for explanation in (explain.max_pool2d(x), explain.max_unpool2d(pooled, indices, (4, 6))):
        data = Page(explanation).of("sources")
        assert {way["label"] for way in data["ways"]} == set(expected)
        for way in data["ways"]:
            np.testing.assert_array_equal(way["values"], expected[way["label"]][0, :, :, 0])
            total = np.einsum("nrs,n->rs", way["weights"], np.ravel(data["y"]))
            np.testing.assert_array_equal(total, way["values"])
    data = Page(explain.up_sampling2d(pooled, (3, 2))).of("sources")
    for way in data["ways"]:
        kind = way["label"].replace(" ", "_")
        np.testing.assert_array_equal(
            np.float32(way["values"]), ops.up_sampling2d(pooled, (3, 2), interpolation=kind)[0, :, :, 0]
        )
        np.testing.assert_allclose(
            np.einsum("nrs,n->rs", way["weights"], np.ravel(data["y"])), way["values"], atol=1e-5
        )


def test_unpooling_of_overlapping_windows_shows_one_winner_a_place():
    x = np.zeros((1, 5, 5, 1), np.float32)
    x[0, 2, 2] = 7
    pooled, indices = ops.max_pool2d(x, 3, strides=1, return_indices=True)
    data = Page(explain.max_unpool2d(pooled, indices, (5, 5))).of("sources")
    (way,) = data["ways"]
    np.testing.assert_array_equal(way["values"], x[0, :, :, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: explain.max_pool2d(np.ones((9, 9)), 8), "pool_size is 8 x 8; expected at most 7 x 7"),
        (lambda: explain.max_pool2d(np.ones((3, 3)), 2, padding="full"), "padding is 'full'"),
        (lambda: explain.up_sampling2d(np.ones((3, 3)), 5), "size is 5; expected at most 4"),
        (lambda: explain.max_unpool2d(np.ones((2, 2))), "x, indices and output_shape belong together"),
        (lambda: explain.max_unpool2d(np.ones((1, 2, 2, 1)), np.zeros((1, 2, 2, 1), int), (20, 9)), "at most 10"),
        (lambda: explain.max_unpool2d(np.ones((1, 1, 1, 2)), np.zeros((1, 1, 1, 2), int), (2, 2)), "another channel"),
        (lambda: explain.dense(np.ones((2, 3))), "kernel is None and x is given"),
        (lambda: explain.dense(np.ones((2, 3)), np.ones((2, 3))), "x has shape (2, 3); expected (..., 2)"),
        (lambda: explain.dense(np.ones((2, 30)), np.ones((30, 3))), "expected at most 12 inputs"),
        (lambda: explain.dense(np.ones((0, 3)), np.ones((3, 3))), "expected at least one row"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


def test_dense_rows_times_columns():
    rng = np.random.default_rng(2)
    x, kernel, bias = rng.integers(-5, 6, (2, 3, 4)), rng.integers(-5, 6, (4, 5)), rng.integers(-5, 6, 5)
    explanation = explain.dense(x, kernel, bias)
    data = Page(explanation).of("product")
    y = ops.dense(x, kernel, bias).reshape(6, 5)
    np.testing.assert_array_equal(data["y"], y)
    np.testing.assert_array_equal(np.array(data["x"]) @ data["kernel"] + data["bias"], y)
    assert "(2, 3, 4) × (4, 5) = (2, 3, 5)" in explanation.text()
    assert "parameters = C·O + O = 4·5 + 5 = 25" in explanation.text()
    shown = run_script("day33.dense(v[0], v[1], v[2])", data["x"], data["kernel"], data["bias"])
    np.testing.assert_array_equal(shown, y)


def test_large_dense_layers_are_cut_with_a_note():
    rng = np.random.default_rng(2)
    x, kernel, bias = rng.normal(size=(20, 4)), rng.normal(size=(4, 10)), rng.normal(size=10)
    explanation = explain.dense(x, kernel, bias)
    assert "`x` has 20 rows and the kernel 10 units. Shown are the first 12 and 8." in explanation.notes
    shown = np.float32(Page(explanation).of("product")["y"])
    np.testing.assert_allclose(shown, ops.dense(x, kernel, bias)[:12, :8], rtol=1e-5, atol=1e-6)


def test_the_story_of_the_rectangles():
    explanation = explain.dense()
    grids = Page(explanation).of("cells")["grids"]
    wide, one, three, high, other, others = [np.array(grid["values"]) for grid in grids]
    np.testing.assert_array_equal(one, ops.dense(wide, np.ones((2, 1))))
    np.testing.assert_array_equal(one, other)
    assert (three != others).any()
    assert sorted(map(tuple, high)) != sorted(map(tuple, wide))
    assert "2 layers: (4, 2) × [2 × 1] = (4,), then (4,) × [4 × 1] = (1,), 6 parameters" in explanation.text()
