"""Checks and conversions of arguments: integers, numbers, pairs, ranks."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import initializers, layers, random
from day33._core import arrays, targets

INTEGERS = [3, np.int8(3), np.uint64(3), np.array(3)]
NO_INTEGERS = [True, np.True_, np.array(True), 3.0, np.float32(3), "3", None, [3], np.array([3, 4]), 3 + 0j]


@pytest.mark.parametrize("value", INTEGERS, ids=repr)
def test_integers(value):
    assert arrays.is_int(value)
    for number in (arrays.as_int("n", value), arrays.as_count("n", value), arrays.as_optional_count("n", value)):
        assert number == 3 and type(number) is int
    assert arrays.as_pair("n", value) == arrays.as_pair("n", [value, value]) == (3, 3)


@pytest.mark.parametrize("value", NO_INTEGERS, ids=repr)
def test_what_is_no_integer(value):
    assert not arrays.is_int(value)
    for check in (arrays.as_int, arrays.as_count):
        with pytest.raises(TypeError, match=r"^n is .*; expected an integer$"):
            check("n", value)


def test_bounds_of_integers():
    assert arrays.as_int("n", 2, 2) == arrays.as_int("n", 2, maximum=2) == 2
    assert arrays.as_int("n", -(2**31)) == -(2**31)
    assert arrays.as_count("n", 2**70) == 2**70
    assert arrays.as_optional_count("n", None) is None
    for call, words in (
        (lambda: arrays.as_int("n", 1, 2), "^n is 1; expected at least 2$"),
        (lambda: arrays.as_int("n", 2**31), "^n is 2147483648; expected at most 2147483647$"),
        (lambda: arrays.as_int("n", -(2**31) - 1), "expected at least -2147483648$"),
        (lambda: arrays.as_count("n", 0), "^n is 0; expected at least 1$"),
        (lambda: arrays.as_pair("n", (1, 0)), r"^n\[1\] is 0; expected at least 1$"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_sizes():
    assert arrays.as_sizes("s", [3, np.int64(0)]) == arrays.as_sizes("s", np.array([3, 0])) == (3, 0)
    for value, words in ((3, "^s is 3; expected a sequence"), ((1, 2.0), r"^s\[1\] is 2.0"), ("ab", r"^s\[0\] is 'a'")):
        with pytest.raises(TypeError, match=words):
            arrays.as_sizes("s", value)
    with pytest.raises(ValueError, match=r"^s\[0\] is 0; expected at least 1$"):
        arrays.as_sizes("s", (0,), 1)


@pytest.mark.parametrize("value", [0.5, np.float16(0.5), np.array(0.5)], ids=repr)
def test_numbers(value):
    assert arrays.as_number("a", value, 0.0) == 0.5
    assert arrays.as_number("a", np.int32(-1)) == -1.0


@pytest.mark.parametrize("value", [True, np.False_, "1", None, 1j, [1.0], np.ones(1)], ids=repr)
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match=r"^a is .*; expected a number$"):
        arrays.as_number("a", value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1])
def test_numbers_out_of_range(value):
    with pytest.raises(ValueError, match=rf"^a is {value}; expected a finite number of at least 0$"):
        arrays.as_number("a", value, 0.0)


# Arguments of layers and seeds, each with the least value that is accepted.
ARGUMENTS = [
    ("units", 1, lambda n: layers.Dense(n).units),
    ("units", 1, lambda n: layers.LSTM(n).units),
    ("input_dim", 1, lambda n: layers.Embedding(n, 2).input_dim),
    ("filters", 1, lambda n: layers.Conv2D(n, 3).filters),
    ("groups", 1, lambda n: layers.Conv2D(12, 3, groups=n).groups),
    ("kernel_size", 1, lambda n: layers.Conv2D(4, n).kernel_size[0]),
    ("depth_multiplier", 1, lambda n: layers.DepthwiseConv2D(3, depth_multiplier=n).depth_multiplier),
    ("n", 1, lambda n: layers.RepeatVector(n).n),
    ("batch_size", 0, lambda n: layers.Input((2,), batch_size=n).shape[0]),
    (r"shape\[0\]", 0, lambda n: layers.Input((n,)).shape[1]),
    (r"batch_shape\[1\]", 0, lambda n: layers.Input(batch_shape=(None, n)).shape[1]),
    (r"target_shape\[1\]", -1, lambda n: layers.Reshape((2, n)).target_shape[1]),
    ("axis", -(2**31), lambda n: layers.BatchNormalization(axis=n).axis),
    ("axis", -(2**31), lambda n: layers.Concatenate(axis=n).axis),
    ("seed", 0, lambda n: initializers.GlorotUniform(seed=n).seed),
    ("seed", 0, lambda n: random.SeedGenerator(n).get_state()["entropy"]),
]


@pytest.mark.parametrize(("name", "least", "make"), ARGUMENTS)
def test_integer_arguments(name, least, make):
    assert make(3) == make(np.int64(3)) == 3
    assert type(make(np.int64(3))) is int
    for value in (True, 1.0, "1"):
        with pytest.raises(TypeError, match=f"^{name} is {value!r}; expected an integer"):
            make(value)
    with pytest.raises(ValueError, match=f"^{name} is {least - 1}; expected at least {least}"):
        make(least - 1)


@pytest.mark.parametrize(
    ("shape", "wanted", "fitted"),
    [
        ((4, 3), (None, 3, 1), (4, 3, 1)),
        ((4, 3, 1), (None, 3), (4, 3)),
        ((4, 3), (None, 3), (4, 3)),
        ((4, 3), (None, 3, 2), (4, 3)),
        ((4, 3, 2), (None, 3), (4, 3, 2)),
        ((4,), (None, None, 1, 1), (4,)),
        ((4, 1, 1, 1), (None, 1), (4, 1, 1, 1)),
        ((4, 1), (None,), (4,)),
        ((), (None,), ()),
    ],
)
def test_fit_rank(shape, wanted, fitted):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    result = arrays.fit_rank(array, wanted)
    assert result.shape == fitted
    np.testing.assert_array_equal(result.ravel(), array.ravel())


@pytest.mark.parametrize("first", [(4,), (4, 1), (4, 3), (4, 3, 1), (4, 1, 1)])
@pytest.mark.parametrize("second", [(4,), (4, 1), (4, 3), (4, 3, 1), (4, 1, 1)])
def test_match_rank_as_keras(first, second):
    pytest.importorskip("keras")
    from keras.src.losses.loss import squeeze_or_expand_to_same_rank

    pair = np.zeros(first, np.float32), np.ones(second, np.float32)
    expected = [tuple(x.shape) for x in squeeze_or_expand_to_same_rank(*pair)]
    matched = targets.match_rank(*pair)
    assert [x.shape for x in matched] == expected
    assert not matched[0].any() and matched[1].all()


def test_a_variable_is_not_overwritten_by_gradients():
    variable = day33.Variable(np.ones(3, np.float32), name="scale")
    variable.overwrite_with_gradient = False
    assert variable.overwrite_with_gradient is False
    with pytest.raises(ValueError, match="overwrite_with_gradient of variable 'scale' is True; expected False"):
        variable.overwrite_with_gradient = True
