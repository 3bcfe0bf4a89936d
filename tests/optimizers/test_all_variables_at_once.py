"""A step updates all variables in one native call, in portions that threads share: the same bits as one by one."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import _native, optimizers
from day33._core.variables import Variable

# More than a portion of 16,384 elements, with a rest that fills no vector; and fewer than any vector.
SHAPES = [(311, 329), (3,), (16384,), ()]
RULES = [
    optimizers.SGD, optimizers.Lion, optimizers.Adam, optimizers.AdamW, optimizers.Nadam, optimizers.Adamax,
    optimizers.Adadelta, optimizers.Adagrad, optimizers.RMSprop, optimizers.Ftrl,
]  # fmt: skip


class OneByOne:
    """Mixed in, a subclass overrides `update_step`, so that its steps go variable by variable."""

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, learning_rate)


def trained(optimizer):
    """Values and slots after three steps."""
    rng = np.random.default_rng(8)
    variables = [Variable(rng.normal(size=shape)) for shape in SHAPES]
    for _ in range(3):
        gradients = [rng.normal(size=shape).astype(np.float32) for shape in SHAPES]
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
    return [variable.numpy() for variable in variables] + list(optimizer.variables)


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        *((rule, {}) for rule in RULES),
        (optimizers.SGD, {"momentum": 0.9}),
        (optimizers.RMSprop, {"momentum": 0.9, "centered": True}),
        (optimizers.Adam, {"amsgrad": True, "clipnorm": 0.01, "weight_decay": 0.01}),
        (optimizers.Adam, {"clipvalue": 0.01}),
        (optimizers.Adam, {"global_clipnorm": 0.01, "use_ema": True, "ema_overwrite_frequency": 2}),
        (optimizers.SGD, {"gradient_accumulation_steps": 2}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "-".join(value) or "plain",
)
def test_the_same_bits_as_one_by_one(rule, options, threads):
    found = trained(rule(0.01, **options))
    _native.set_num_threads(1)
    expected = trained(type("Rule", (OneByOne, rule), {})(0.01, **options))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
