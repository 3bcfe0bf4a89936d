"""What pages compute by themselves equals what day33's kernels compute, on random inputs."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import explain, ops
from support.pages import ASSETS, Page, run_script


@pytest.mark.parametrize("seed", range(6))
def test_stamps_add_up_in_javascript(seed):
    rng = np.random.default_rng(seed)
    stride, padding = int(rng.integers(1, 4)), ["valid", "same"][seed % 2]
    x = rng.integers(-5, 6, (1, *rng.integers(1, 6, 2), 2)).astype(np.float32)
    kernel = rng.integers(-5, 6, (*rng.integers(1, 5, 2), 3, 2)).astype(np.float32)
    data = Page(explain.conv2d_transpose(x, kernel, strides=stride, padding=padding)).of("stamps")
    y = ops.conv2d_transpose(x, kernel, strides=stride, padding=padding)
    cells = x.shape[1] * x.shape[2]
    for o in range(3):
        result = run_script("day33.stamped(v[0], v[1], v[2], v[3])", data["axes"], data["x"], data["kernel"][o], cells)
        np.testing.assert_array_equal(result, y[0, :, :, o])
        partial = x.copy().reshape(1, cells, 2)
        partial[:, cells // 2 :] = 0
        half = run_script(
            "day33.stamped(v[0], v[1], v[2], v[3])", data["axes"], data["x"], data["kernel"][o], cells // 2
        )
        expected = ops.conv2d_transpose(partial.reshape(x.shape), kernel, strides=stride, padding=padding)
        np.testing.assert_array_equal(half, expected[0, :, :, o])


def test_taps_are_those_of_the_gradient():
    """The outputs that read an input are those to which its gradient comes from."""
    x, kernel = np.ones((1, 6, 7, 1), np.float32), np.ones((3, 2, 1, 1), np.float32)
    data = Page(explain.conv2d(x, kernel, strides=2, padding="same")).of("windows")
    count = run_script(
        "Array.from({length: 6}, (_, r) => Array.from({length: 7}, (_, s) => "
        "day33.tapsOf(v[0][0], r).length * day33.tapsOf(v[0][1], s).length))", data["axes"]
    )  # fmt: skip
    dy = np.ones_like(ops.conv2d(x, kernel, strides=2, padding="same"))
    gradient = ops.conv2d_backward(dy, x, kernel, strides=2, padding="same").dx
    np.testing.assert_array_equal(count, gradient[0, :, :, 0])


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_probabilities_are_those_of_softmax(temperature):
    logits = np.random.default_rng(5).normal(0, 3, 50).astype(np.float32)
    shown = run_script("day33.probabilities(v[0], v[1], 0)", logits.tolist(), temperature)
    np.testing.assert_allclose(shown, ops.softmax(logits / temperature), rtol=1e-5)


def test_top_k_keeps_the_largest_and_temperature_0_the_first():
    logits = [1.0, 3.0, 3.0, 2.0]
    shown = run_script("day33.probabilities(v[0], 1, 2)", logits)
    assert shown == [0, 0.5, 0.5, 0]
    assert run_script("day33.probabilities(v[0], 0, 0)", logits) == [0, 1, 0, 0]


def test_numbers_are_written_alike_in_python_and_javascript():
    from day33.explain._words import factor, number, short

    values = [
        0,
        -0.0,
        1,
        -2,
        0.25,
        -0.1,
        1 / 3,
        12345.678,
        0.012344,
        100,
        999999,
        7.0,
        -0.5,
        1e6,
        3.4e38,
        -1.23456e-7,
        1e-4,
    ]
    assert run_script("v[0].map(day33.format)", values) == [number(value) for value in values]
    assert run_script("v[0].map(day33.short)", values) == [short(value) for value in values]
    assert run_script("v[0].map(day33.factor)", values) == [factor(value) for value in values]


@pytest.mark.parametrize("path", sorted(ASSETS.glob("*.js")), ids=lambda path: path.name)
def test_scripts_parse(path):
    assert run_script("typeof new Function(v[0])", path.read_text(encoding="utf-8")) == "function"
