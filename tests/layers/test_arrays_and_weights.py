"""What layers do with the arrays they are called with, and with their weights."""

from __future__ import annotations

import copy
import pickle
import threading
import tracemalloc

import numpy as np
import pytest

from day33 import layers
from day33._core.variables import Variable
from support.zoo import random

# ---- arrays in and out ----


def test_contiguous_float32_is_not_copied():
    x = np.ones((64, 64, 64, 16), np.float32)
    x.flags.writeable = False
    layer = layers.GlobalAveragePooling2D()
    layer(x)
    tracemalloc.start()
    try:
        layer(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < x.nbytes / 16


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8, np.int64, bool])
def test_other_dtypes_and_strides_are_converted(dtype):
    layer = layers.Dense(3)
    x = (np.arange(40).reshape(4, 10) % 7).astype(dtype)
    expected = layer(x.astype(np.float32))
    np.testing.assert_array_equal(layer(x), expected)
    np.testing.assert_array_equal(layer(np.asfortranarray(x)), expected)
    np.testing.assert_array_equal(layer(np.repeat(x, 2, axis=1)[:, ::2]), expected)
    assert layer(x).dtype == np.float32


@pytest.mark.parametrize("x", [np.ones((2, 3), complex), np.array([["a"]]), np.array([[None]])])
def test_what_is_not_real_numbers(x):
    with pytest.raises(TypeError, match="input 0 of layer 'dense"):
        layers.Dense(1)(x)


@pytest.mark.parametrize(
    "name",
    ["Dense", "Conv2D", "BatchNormalization", "Flatten", "MaxPooling2D", "Dropout", "DepthwiseConv2D", "Permute",
     "AveragePooling2D", "GlobalMaxPooling2D", "ZeroPadding2D", "Cropping2D", "Rescaling", "LayerNormalization",
     "RandomRotation", "RandomContrast", "RandomFlip", "CenterCrop"],
)  # fmt: skip
@pytest.mark.parametrize("training", [False, True])
def test_empty_batch(name, training):
    arguments = {
        "Dense": (3,), "Conv2D": (3, 2), "Dropout": (0.5,), "DepthwiseConv2D": (2,), "Permute": ((3, 2, 1),),
        "AveragePooling2D": (2,), "Rescaling": (2,), "RandomRotation": (0.2,), "RandomContrast": (0.2,),
        "CenterCrop": (3, 2),
    }  # fmt: skip
    layer = getattr(layers, name)(*arguments.get(name, ()))
    y = layer(np.zeros((0, 6, 6, 2), np.float32), training=training)
    assert y.shape == tuple(layer.compute_output_shape((0, 6, 6, 2)))


def test_nan_and_infinity_pass():
    layer = layers.Dense(2, kernel_initializer="ones")
    y = layer(np.array([[1, np.nan], [np.inf, 1]]))
    assert np.isnan(y[0]).all() and np.isposinf(y[1]).all()


def test_results_are_fresh_arrays():
    x = np.ones((2, 3), np.float32)
    for layer in (layers.Flatten(), layers.Activation("linear"), layers.Dropout(0.5), layers.Reshape((3,))):
        y = layer(x)
        assert not np.shares_memory(x, y), layer
        y[:] = 5
        assert np.all(x == 1)


def test_many_threads_at_once():
    layer = layers.Conv2D(4, 3, activation="relu")
    x = random(9, 12, 12, 3)
    expected = layer(x)
    wrong = []

    def work():
        for _ in range(50):
            if not np.array_equal(layer(x), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- weights ----


def test_variable():
    variable = Variable(np.arange(6).reshape(2, 3), name="w", path="layer/w")
    assert variable.shape == (2, 3) and variable.size == 6 and variable.dtype == "float32"
    copied = variable.numpy()
    copied[:] = 0
    assert variable.value[1, 2] == 5 and not variable.value.flags.writeable
    view = variable.value
    variable.assign([[1, 2, 3]] * 2)
    assert view[1, 2] == 3  # the same memory
    assert np.asarray(variable).sum() == 12 and np.asarray(variable, np.float64).dtype == np.float64
    with pytest.raises(ValueError, match=r"'layer/w' has shape \(3, 2\); expected \(2, 3\)"):
        variable.assign(np.zeros((3, 2)))
    with pytest.raises(TypeError, match="layer/w"):
        variable.assign(np.zeros((2, 3), complex))
    assert "path=layer/w" in repr(variable)


def test_set_weights_checks_before_it_writes():
    layer = layers.Dense(3, name="head")
    layer.build((None, 4))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"'head' was given 1 arrays; expected 2.*\(4, 3\)"):
        layer.set_weights([np.ones((4, 3))])
    with pytest.raises(ValueError, match=r"head/bias.*\(4,\).*\(3,\)"):
        layer.set_weights([np.ones((4, 3)), np.ones(4)])
    for left, right in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    layer.set_weights([np.ones((4, 3)), [1, 2, 3]])
    np.testing.assert_array_equal(layer(np.ones((1, 4))), [[5, 6, 7]])


def test_results_follow_the_weights():
    layer = layers.Dense(2, use_bias=False)
    x = np.ones((1, 3), np.float32)
    layer(x)
    layer.kernel.assign(np.full((3, 2), 2))
    np.testing.assert_array_equal(layer(x), [[6, 6]])


def test_count_params_before_building():
    with pytest.raises(ValueError, match="not built"):
        layers.Dense(3).count_params()


def test_build_runs_once():
    layer = layers.Dense(3)
    layer.build((None, 4))
    kernel = layer.kernel
    layer.build((None, 4))
    layer(np.zeros((1, 4)))
    assert layer.kernel is kernel and len(layer.weights) == 2


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies_are_independent(duplicate):
    layer = layers.Dense(3)
    x = random(2, 4)
    y = layer(x)
    other = duplicate(layer)
    np.testing.assert_array_equal(other(x), y)
    layer.kernel.assign(np.zeros((4, 3)))
    np.testing.assert_array_equal(other(x), y)
