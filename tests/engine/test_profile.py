"""The profile of a plan, and the limits of the machine that benchmarks hold it against."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import _native, layers, models


def small_model() -> models.Model:
    x = layers.Input((8, 8, 1))
    y = layers.Conv2D(4, 3, padding="same")(x)
    y = layers.BatchNormalization()(y)
    model = models.Model(x, layers.Dense(3)(layers.Flatten()(y)))
    model.compile(optimizer="sgd", loss="mse")
    return model


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(33).standard_normal((20, 8, 8, 1)).astype(np.float32)


def test_counts_each_op_of_inference(images):
    model = small_model()
    plan = model.compile_plan(((8, 8, 1),)).plan
    expected = model.predict_on_batch(images)
    plan.start_profile(training=False)
    for _ in range(3):
        np.testing.assert_array_equal(model.predict_on_batch(images), expected)
    found = plan.stop_profile()
    model.predict_on_batch(images)  # counts no more

    assert found["whole"]["calls"] == 3
    kinds = [op["kind"] for op in found["ops"]]
    assert kinds == ["conv2d", "dense"], "batch normalisation belongs to the convolution"
    for op in found["ops"]:
        assert op["forward"]["calls"] > 0 and op["forward"]["seconds"] > 0
        assert op["backward"] == {"calls": 0, "seconds": 0.0}
    assert found["ops"][1]["flops"] == 2 * 8 * 8 * 4 * 3
    assert found["ops"][1]["bytes"] == 4 * (8 * 8 * 4 + 3) and found["ops"][1]["weight_bytes"] == 4 * (256 * 3 + 3)


def test_counts_forward_and_backward_of_training(images):
    model = small_model()
    plans = []
    compile_plan = model.compile_plan
    model.compile_plan = lambda *args, **kwargs: plans.append(compile_plan(*args, **kwargs)) or plans[-1]
    y = np.ones((20, 3), np.float32)
    model.train_on_batch(images, y)
    plan = plans[-1].plan
    plan.start_profile(training=True)
    model.train_on_batch(images, y)
    found = plan.stop_profile()
    assert found["whole"]["calls"] == 1
    assert found["losses"]["calls"] > 0
    for op in found["ops"]:
        assert op["forward"]["calls"] > 0 and op["backward"]["calls"] > 0, op


def test_calls_of_the_other_kind_add_nothing(images):
    model = small_model()
    plan = model.compile_plan(((8, 8, 1),)).plan
    plan.start_profile(training=True)
    model.predict_on_batch(images)
    assert plan.stop_profile()["whole"]["calls"] == 0


def test_a_profile_that_was_not_started_is_refused():
    plan = small_model().compile_plan(((8, 8, 1),)).plan
    with pytest.raises(ValueError, match="no profile was started"):
        plan.stop_profile()
    plan.start_profile(training=False)
    plan.stop_profile()
    with pytest.raises(ValueError, match="no profile was started"):
        plan.stop_profile()


def test_limits_of_the_machine():
    assert 0 < _native.limit_flops(0.001) < np.inf
    assert 0 < _native.limit_reading(1 << 14, 0.001) < np.inf
    with pytest.raises(ValueError, match="bytes is 100; expected at least 512"):
        _native.limit_reading(100)
