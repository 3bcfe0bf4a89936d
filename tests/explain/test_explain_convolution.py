"""Pages of convolutions: their numbers are those of day33.ops, and every listed window adds up to its output."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from day33 import explain, ops
from support.pages import Page


def windows(axes: list[dict[str, int]], small: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """(tap row, tap column, large row, large column) of a cell of the small side, as the pages' data describe it."""
    rows, columns = axes
    found = []
    for u in range(rows["kernel"]):
        for v in range(columns["kernel"]):
            r = small[0] * rows["stride"] - rows["before"] + u * rows["dilation"]
            s = small[1] * columns["stride"] - columns["before"] + v * columns["dilation"]
            if 0 <= r < rows["large"] and 0 <= s < columns["large"]:
                found.append((u, v, r, s))
    return found


@st.composite
def calls(draw, transposed: bool):
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = (1, 1) if transposed and max(stride) > 1 else draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    padding = draw(st.sampled_from(["valid", "same"]))
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    sides = [draw(st.integers(1 if transposed or padding == "same" else span, span + 3)) for span in spans]
    sides = [min(side, 6) for side in sides] if transposed else sides
    channels, filters = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    x = rng.integers(-5, 6, (1, *sides, channels)).astype(np.float32)
    last = (filters, channels) if transposed else (channels, filters)
    weights = rng.integers(-5, 6, (*kernel, *last)).astype(np.float32)
    return x, weights, {"strides": stride, "padding": padding, "dilation_rate": dilation}


@given(calls(transposed=False))
@settings(max_examples=40, deadline=None)
def test_every_window_of_a_convolution_adds_up_to_its_output(call):
    x, kernel, options = call
    data = Page(explain.conv2d(x, kernel, **options)).of("windows")
    y = ops.conv2d(x, kernel, **options)
    np.testing.assert_array_equal(np.moveaxis(np.array(data["x"]), 0, 2), x[0])
    np.testing.assert_array_equal(np.moveaxis(np.array(data["y"]), 0, 2), y[0])
    taps = np.array(data["kernel"])  # (O, C, KH, KW)
    images = np.array(data["x"])
    for o, i, j in np.ndindex(*np.array(data["y"]).shape):
        terms = [images[c, r, s] * taps[o, c, u, v]
                 for u, v, r, s in windows(data["axes"], (i, j)) for c in range(len(images))]  # fmt: skip
        assert sum(terms) == data["y"][o][i][j], (o, i, j)


@given(calls(transposed=True))
@settings(max_examples=40, deadline=None)
def test_the_stamps_of_a_transposed_convolution_add_up_to_its_output(call):
    x, kernel, options = call
    page = Page(explain.conv2d_transpose(x, kernel, **options))
    data = page.of("stamps")
    y = ops.conv2d_transpose(x, kernel, **options)
    np.testing.assert_array_equal(np.moveaxis(np.array(data["y"]), 0, 2), y[0])
    taps, images = np.array(data["kernel"]), np.array(data["x"])  # (O, C, KH, KW), (C, H, W)
    total = np.zeros(np.array(data["y"]).shape)
    for i, j in np.ndindex(*images.shape[1:]):
        for u, v, r, s in windows(data["axes"], (i, j)):
            total[:, r, s] += taps[:, :, u, v] @ images[:, i, j]
    np.testing.assert_array_equal(total, data["y"])

    ones = ops.conv2d_transpose(np.ones_like(x[..., :1]), np.ones((*kernel.shape[:2], 1, 1)), **options)
    np.testing.assert_array_equal(data["overlap"], ones[0, :, :, 0])

    wide = page.of("stretched")
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    again = ops.conv2d(
        np.moveaxis(np.array(wide["stretched"], np.float32), 0, 2)[None], turned, dilation_rate=options["dilation_rate"]
    )
    np.testing.assert_array_equal(again, y)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("output_padding", [None, 0, 1, (1, 0)])
def test_output_padding_moves_stamps_as_in_the_op(padding, output_padding):
    kernel = np.arange(1, 10, dtype=np.float32).reshape(3, 3, 1, 1)
    impulse = np.zeros((1, 3, 3, 1), np.float32)
    impulse[0, 1, 1] = 1
    options = {"strides": 2, "padding": padding, "output_padding": output_padding}
    data = Page(explain.conv2d_transpose(impulse, kernel, **options)).of("stamps")
    y = ops.conv2d_transpose(impulse, kernel, **options)[0, :, :, 0]
    reached = {(r, s) for _, _, r, s in windows(data["axes"], (1, 1))}
    assert reached == set(zip(*map(np.ndarray.tolist, np.nonzero(y)), strict=True))


def test_the_matrix_on_the_page_is_that_of_the_op():
    kernel = np.arange(1, 7, dtype=np.float32).reshape(2, 3, 1, 1)
    x = np.ones((1, 3, 2, 1), np.float32)
    data = Page(explain.conv2d_transpose(x, kernel, strides=2)).of("matrix")
    rows, columns = data["axes"]
    ours = np.zeros((rows["small"] * columns["small"], rows["large"] * columns["large"]))
    for i, j in np.ndindex(rows["small"], columns["small"]):
        for u, v, r, s in windows(data["axes"], (i, j)):
            ours[i * columns["small"] + j, r * columns["large"] + s] = data["kernel"][0][0][u][v]
    matrix = ops.conv2d_matrix(kernel, (rows["large"], columns["large"], 1), strides=2)
    np.testing.assert_array_equal(ours, matrix.toarray())


def test_text_has_shapes_formulas_and_sums():
    x, kernel = np.arange(20.0).reshape(4, 5), np.ones((2, 2))
    words = explain.conv2d(x, kernel, strides=(1, 2)).text()
    assert "x: shape (1, 4, 5, 1). kernel: shape (2, 2, 1, 1). Result: shape (1, 3, 2, 1)." in words
    assert "OH = ⌈(H − (KH − 1)·D) / S⌉ = ⌈(4 − (2 − 1)·1) / 1⌉ = 3" in words
    assert "OW = ⌈(W − (KW − 1)·D) / S⌉ = ⌈(5 − (2 − 1)·1) / 2⌉ = 2" in words
    assert "output (2, 1) is 12·1 + 13·1 + 17·1 + 18·1 = 60." in words

    words = explain.conv2d_transpose(x, kernel, strides=2, padding="same").text()
    assert "OH = H·S = 4·2 = 8" in words
    assert "Result: shape (1, 8, 10, 1)." in words
    words = explain.conv2d_transpose(x, kernel, strides=3).text()
    assert "OH = (H − 1)·S + K′ + p = (4 − 1)·3 + 2 + 1 = 12, with p = max(K′, S) − K′ = 1" in words
    words = explain.conv2d_transpose(x, np.ones((3, 3)), strides=2, padding="same", output_padding=0).text()
    assert "OH = (H − 1)·S + K′ mod 2 + p = (4 − 1)·2 + 1 + 0 = 7, with output_padding p = 0" in words


def test_a_checkerboard_is_named_where_there_is_one():
    x = np.ones((3, 3))
    uneven = Page(explain.conv2d_transpose(x, np.ones((3, 3))))
    assert "in a checkerboard: the kernel's size is not divisible by the stride (3 by 2)" in uneven.words
    assert "evenly: the kernel" in explain.conv2d_transpose(x, np.ones((4, 4))).html()


@pytest.mark.parametrize("explained", [explain.conv2d, explain.conv2d_transpose])
def test_large_arrays_are_cut_with_a_note_and_computed_anew(explained):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4, 28, 28, 5)).astype(np.float32)
    last = (5, 12) if explained is explain.conv2d else (12, 5)
    kernel = rng.normal(size=(3, 3, *last)).astype(np.float32)
    result = explained(x, kernel)
    assert "`x` has shape (4, 28, 28, 5), which is too large to draw." in result.notes[0]
    assert "Of the kernel of shape" in result.notes[1]
    assert result.notes[0] in result.text()
    data = Page(result).of("windows" if explained is explain.conv2d else "stamps")
    side = np.array(data["x"]).shape[1]
    part = np.ascontiguousarray(x[:1, :side, :side, :3])
    assert np.moveaxis(np.array(data["x"]), 0, 2).shape == part.shape[1:]
    if explained is explain.conv2d:
        y = ops.conv2d(part, np.ascontiguousarray(kernel[:, :, :3, :8]))
    else:
        y = ops.conv2d_transpose(part, np.ascontiguousarray(kernel[:, :, :8, :3]), strides=2)
    np.testing.assert_array_equal(np.moveaxis(np.array(data["y"], np.float32), 0, 2), y[0])
    assert len(result.html()) < 400_000


@pytest.mark.parametrize(
    ("name", "x", "kernel", "options", "message"),
    [
        ("conv2d", np.ones((1, 5, 5, 2)), np.ones((3, 3, 1, 1)), {}, "kernel has shape (3, 3, 1, 1) and x has shape"),
        ("conv2d", np.ones((1, 5, 5, 1)), np.ones((3, 3, 1, 1)), {"padding": "full"}, "padding is 'full'; expected"),
        ("conv2d", np.ones((3, 3)), np.ones((4, 4)), {}, "expected at least 4"),
        ("conv2d", np.ones((1, 2, 3)), np.ones((2, 2)), {}, "x has shape (1, 2, 3); expected (N, H, W, C)"),
        ("conv2d", np.ones((0, 5, 5, 1)), np.ones((2, 2)), {}, "expected at least one image"),
        ("conv2d", np.ones((9, 9)), np.ones((8, 8)), {}, "kernel is 8 x 8; expected at most 7 x 7 to draw"),
        ("conv2d", np.ones((40, 40)), np.ones((6, 2)), {"dilation_rate": 3}, "kernel covers 16 x 4 cells"),
        ("conv2d_transpose", np.ones((3, 3)), np.ones((3, 3)), {"strides": 5}, "strides is 5; expected at most 4"),
        ("conv2d_transpose", np.ones((3, 3)), np.ones((3, 3)), {"output_padding": 2}, "output_padding"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_a_sentence(name, x, kernel, options, message):
    with pytest.raises(ValueError) as error:
        getattr(explain, name)(x, kernel, **options)
    assert message in str(error.value)


def test_what_is_no_number_is_refused_as_by_the_op():
    with pytest.raises(TypeError, match="x has dtype"):
        explain.conv2d(np.array([["a", "b"]]), np.ones((1, 1)))


def test_nan_and_infinity_are_shown():
    x = np.array([[np.nan, 1], [np.inf, -np.inf]])
    result = explain.conv2d(x, np.ones((1, 1)))
    assert Page(result).of("windows")["y"] == [[["NaN", 1], ["∞", "−∞"]]]
    assert "NaN" in result.text() and "−∞" in result.text()
    assert result.figure() is not None


def test_figures_show_the_numbers():
    figure = explain.conv2d_transpose().figure()
    assert [ax.get_title() for ax in figure.axes] == [
        "input; marked: (1, 1)", "×  kernel", "=  output; marked: its stamp", "stamps that reach each cell",
    ]  # fmt: skip
    drawn = [float(text.get_text()) for text in figure.axes[2].texts]
    from day33.explain import _examples

    y = ops.conv2d_transpose(_examples.code(), _examples.stamp(), strides=2)
    np.testing.assert_array_equal(drawn, y.ravel())
