"""What tests of bit-exactness share: whole numbers, which are summed without rounding, and how plans run on them."""

from __future__ import annotations

import numpy as np

from day33 import _native

THREADS = (1, 2, 3, 7)
LAYOUTS = ("lanes", "channels")
# Below, at and above 4, 8 and 16 lanes.
BATCHES = (1, 3, 4, 7, 8, 9, 17, 33)


def whole(seed, *shape, limit=3):
    """Whole numbers from -limit to limit: sums of up to 2**24 / limit**2 products are exact in float32."""
    return np.random.default_rng(seed).integers(-limit, limit + 1, shape).astype(np.float32)


def real(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def plan_of(write, *shapes, layout="auto", dtypes=()):
    """The plan of one op on inputs of these shapes."""
    builder = _native.PlanBuilder()
    types = [*dtypes, *["float32"] * (len(shapes) - len(dtypes))]
    inputs = [builder.input(shape, dtype) for shape, dtype in zip(shapes, types, strict=True)]
    return builder.build([write(builder, *inputs)], layout=layout)


def check_exact(plan, inputs, parameters, dy, expected):
    """expected: [y, gradient of every float input, gradient of every parameter], float64.

    The test uses the fixture `restored_threads`.
    """
    for count in THREADS:
        _native.set_num_threads(count)
        results = [plan.forward(inputs, parameters)[0]]
        dx, dparameters = plan.backward(inputs, [dy], parameters)
        results += [d for d in dx if d is not None] + dparameters  # None stands for an input of integers
        assert len(results) == len(expected)
        for position, (mine, correct) in enumerate(zip(results, expected, strict=True)):
            np.testing.assert_array_equal(mine, correct, err_msg=f"result {position}, {count} threads")
